//! Which of several places an edit means, where the reply itself tells: by a line number, by an anchor above, because the
//! other places are taken by other edits, or by the order of its neighbours.

use super::place::Fit;
use super::raw::Change;
use super::shift::indent;

/// What is known of the edits around one that fits several places.
#[derive(Default)]
pub(super) struct Around {
    /// How far the line numbers of this reply are off, where other edits have told: file minus reply.
    pub offsets: Vec<isize>,
    /// Lines that other edits change, as ranges.
    pub taken: Vec<std::ops::Range<usize>>,
    /// The line behind the edit before, and the first line of the edit after, where edits stand in the file's order.
    pub after: Option<usize>,
    pub before: Option<usize>,
    /// One neighbour alone tells the order, as in a diff.
    pub one_side: bool,
}

/// The one of `fits` that the reply means.
pub(super) fn choose(fits: &[Fit], change: &Change, lines: &[&str], around: &Around) -> Option<usize> {
    by_number(fits, change.at, around)
        .or_else(|| by_anchor(fits, &change.anchors, lines))
        .or_else(|| only(fits, |f| change.at_end && f.end() == lines.len()))
        .or_else(|| {
            let is_taken = |f: &Fit| around.taken.iter().any(|t| f.first() < t.end && t.start < f.end());
            only(fits, |f| !is_taken(f))
        })
        .or_else(|| by_order(fits, around))
}

fn only(fits: &[Fit], holds: impl Fn(&Fit) -> bool) -> Option<usize> {
    let mut found = (0..fits.len()).filter(|i| holds(&fits[*i]));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The place with the number, or with the number corrected as for the other edits, or much nearer to it than all others.
fn by_number(fits: &[Fit], at: Option<usize>, around: &Around) -> Option<usize> {
    let at = at?.checked_sub(1)?;
    let exact = |by: isize| only(fits, |f| f.first() as isize == at as isize + by);
    let (first, last) = (around.offsets.first(), around.offsets.last());
    if let (Some(first), Some(last)) = (first, last) {
        return exact(*last).or_else(|| exact(*first));
    }
    if let Some(there) = exact(0) {
        return Some(there);
    }
    let away = |f: &Fit| f.first().abs_diff(at);
    let near = (0..fits.len()).min_by_key(|i| away(&fits[*i]))?;
    let far = fits.iter().enumerate().filter(|(i, _)| *i != near).map(|(_, f)| away(f)).min()?;
    (away(&fits[near]) <= NEAR && far > away(&fits[near]) * 4 + 4).then_some(near)
}

/// How many lines a number may be off.
const NEAR: usize = 12;

/// The only place in the block that the anchors open, which stand below each other.
fn by_anchor(fits: &[Fit], anchors: &[&str], lines: &[&str]) -> Option<usize> {
    let innermost = anchors.last()?.trim();
    if innermost.len() < 3 {
        return None;
    }
    let says = |line: &str, anchor: &str| line.trim().starts_with(anchor.trim());
    let mut start = 0;
    for anchor in &anchors[..anchors.len() - 1] {
        start = (start..lines.len()).find(|i| says(lines[*i], anchor))? + 1;
    }
    let blocks: Vec<std::ops::Range<usize>> =
        (start..lines.len()).filter(|i| says(lines[*i], innermost)).map(|i| i + 1..block_end(lines, i)).collect();
    only(fits, |f| blocks.iter().any(|b| b.contains(&f.first())))
}

/// The line behind the block that opens at `lines[at]`: the first that begins a word and is indented no deeper.
fn block_end(lines: &[&str], at: usize) -> usize {
    let depth = indent(lines[at]).len();
    let ends =
        |l: &str| indent(l).len() <= depth && l.trim_start().starts_with(|c: char| c.is_alphanumeric() || c == '@');
    (at + 1..lines.len()).find(|i| ends(lines[*i])).unwrap_or(lines.len())
}

fn by_order(fits: &[Fit], around: &Around) -> Option<usize> {
    let known = if around.one_side { around.after.or(around.before) } else { around.after.and(around.before) };
    known?;
    only(fits, |f| around.after.is_none_or(|a| f.first() >= a) && around.before.is_none_or(|b| f.end() <= b))
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, shift::Shift};
    use super::*;

    fn fits(starts: &[usize]) -> Vec<Fit> {
        starts.iter().map(|s| Fit::run(*s, 1, Kind::Exact, Shift::None)).collect()
    }

    fn at(at: usize) -> Change<'static> {
        Change { at: Some(at), ..Change::of(Vec::new()) }
    }

    #[test]
    fn a_number_points_at_a_place_or_much_nearer_to_it() {
        let none = Around::default();
        let number = |n| choose(&fits(&[10, 40]), &at(n), &[""; 50], &none);
        assert_eq!((number(11), number(13), number(20), number(38)), (Some(0), Some(0), None, Some(1)));
        let off = Around { offsets: vec![30], ..Around::default() };
        assert_eq!(choose(&fits(&[10, 40]), &at(11), &[""; 50], &off), Some(1));
    }

    #[test]
    fn an_anchor_stands_above_the_place() {
        let lines = ["class A", "  def f", "    x", "class B", "  def f", "    x"];
        let anchored = |anchors: &[&'static str]| {
            let change = Change { anchors: anchors.to_vec(), ..Change::of(Vec::new()) };
            choose(&fits(&[2, 5]), &change, &lines, &Around::default())
        };
        assert_eq!(anchored(&["class B"]), Some(1));
        assert_eq!(anchored(&["class B", "def f"]), Some(1));
        assert_eq!(anchored(&["def f"]), None);
        assert_eq!(anchored(&["class C"]), None);
    }

    #[test]
    fn neighbours_tell_where_edits_stand_in_order() {
        let all = fits(&[1, 5, 9]);
        let between = Around { after: Some(3), before: Some(8), ..Around::default() };
        assert_eq!(choose(&all, &Change::of(Vec::new()), &[""; 12], &between), Some(1));
        let behind = Around { after: Some(7), ..Around::default() };
        assert_eq!(choose(&all, &Change::of(Vec::new()), &[""; 12], &behind), None);
        let in_diff = Around { after: Some(7), one_side: true, ..Around::default() };
        assert_eq!(choose(&all, &Change::of(Vec::new()), &[""; 12], &in_diff), Some(2));
        let taken = Around { taken: vec![1..2, 9..10], ..Around::default() };
        assert_eq!(choose(&all, &Change::of(Vec::new()), &[""; 12], &taken), Some(1));
    }
}
