//! From the place of an edit to the lines of the new file.

use super::place::Fit;
use super::raw::{Body, Tag};
use super::text::Piece;
use std::borrow::Cow;

/// Some lines of the old file that become other lines.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Splice<'a> {
    pub start: usize,
    pub end: usize,
    pub new: Vec<Cow<'a, str>>,
    /// The place of its edit among the file's edits.
    pub by: usize,
}

/// The runs of an edit's body that are not context, placed and shifted; none where a new line cannot be shifted.
pub(super) fn splices<'a>(by: usize, fit: &Fit, body: &Body<'a>) -> Option<Vec<Splice<'a>>> {
    let mut out: Vec<Splice> = Vec::new();
    let (mut k, mut n) = (0, 0);
    while n < body.len() {
        if body[n].0 == Tag::Both {
            (k, n) = (k + 1, n + 1);
            continue;
        }
        let end = (n..body.len()).find(|i| body[*i].0 == Tag::Both).unwrap_or(body.len());
        let run = &body[n..end];
        let gone = run.iter().filter(|(tag, _)| *tag == Tag::Old).count();
        let range = range(&fit.at, k, k + gone);
        let new = run.iter().filter(|(tag, _)| *tag == Tag::New).map(|(_, l)| fit.shift.apply_new(l));
        let new = new.collect::<Option<Vec<_>>>()?;
        if !(range.is_empty() && new.is_empty()) {
            out.push(Splice { start: range.start, end: range.end, new, by });
        }
        (k, n) = (k + gone, end);
    }
    Some(out)
}

/// The lines of the file that the old lines from `k` to `end` are; an empty range behind the line before, or before the
/// line behind, where there are none.
fn range(at: &[Option<usize>], k: usize, end: usize) -> std::ops::Range<usize> {
    let mut found = at[k..end].iter().flatten();
    if let Some(first) = found.next() {
        return *first..found.next_back().unwrap_or(first) + 1;
    }
    let beside = k.checked_sub(1).and_then(|k| at[k]).map(|i| i + 1).or(at.get(end).copied().flatten());
    let before = || at[..k].iter().rev().find_map(|i| *i).map(|i| i + 1);
    let place = beside.or_else(before).or_else(|| at[end..].iter().find_map(|i| *i)).unwrap_or(0);
    place..place
}

/// Two edits that change the same line, or insert at the same place.
pub(super) fn clash(a: &Splice, b: &Splice) -> bool {
    a.by != b.by && (b.start < a.end || (a.start == b.start && a.end == a.start && b.end == b.start))
}

/// The lines of `old` with the splices, which are sorted and do not clash.
pub(super) fn spliced<'a>(old: Vec<Piece<'a>>, splices: Vec<Splice<'a>>) -> Vec<Piece<'a>> {
    let mut out = Vec::with_capacity(old.len());
    let mut old = old.into_iter();
    let mut next = 0;
    for splice in splices {
        out.extend(old.by_ref().take(splice.start.saturating_sub(next)));
        next = next.max(splice.start);
        old.by_ref().take(splice.end.saturating_sub(next)).for_each(drop);
        next = next.max(splice.end);
        out.extend(splice.new.into_iter().map(Piece::New));
    }
    out.extend(old);
    out
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::shift::Shift;
    use super::*;

    fn put(at: &[Option<usize>], body: &[(Tag, &'static str)]) -> Vec<(usize, usize, usize)> {
        let fit = Fit { at: at.to_vec(), kind: Kind::Similar, shift: Shift::None, similarity: None };
        let all = splices(0, &fit, &body.to_vec()).expect("no shift");
        all.iter().map(|s| (s.start, s.end, s.new.len())).collect()
    }

    #[test]
    fn an_insertion_stands_beside_the_line_that_is_there() {
        use Tag::*;
        let body = [(Both, "a"), (New, "x"), (Both, "b")];
        assert_eq!(put(&[Some(3), Some(5)], &body), [(4, 4, 1)]);
        assert_eq!(put(&[None, Some(5)], &body), [(5, 5, 1)]);
        assert_eq!(put(&[Some(3), None], &body), [(4, 4, 1)]);
    }

    #[test]
    fn what_goes_away_takes_blank_lines_between_with_it() {
        use Tag::*;
        assert_eq!(put(&[Some(3), Some(5)], &[(Old, "a"), (Old, "b"), (New, "x")]), [(3, 6, 1)]);
        assert_eq!(put(&[None, Some(5)], &[(Old, ""), (Old, "b")]), [(5, 6, 0)]);
    }
}
