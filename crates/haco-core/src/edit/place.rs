//! Where the old lines of an edit stand in a file: exactly, but for trailing white space, or shifted as a whole.
//! Never nearly: what is only similar is a refusal with the nearest lines.

use super::Kind;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

/// Lines that one file's edits may be compared with in all, so that no reply makes the search quadratic.
const COMPARISONS: u64 = 8_000_000;

/// The lines of one file, found by what they say.
pub(super) struct Index<'t> {
    lines: &'t [&'t str],
    /// Trimmed lines, numbered; lines that say the same have the same number.
    numbers: HashMap<&'t str, usize>,
    /// The number of each line.
    said: Vec<usize>,
    /// Where the lines of each number stand.
    places: Vec<Vec<usize>>,
    left: Cell<u64>,
}

/// The one place where an edit fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Index of the first line.
    pub start: usize,
    pub kind: Kind,
    pub shift: Shift,
}

/// How the file's indentation differs from the edit's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// Not at all.
    None,
    /// The file has this in front.
    Add(String),
    /// The edit has this in front.
    Cut(String),
}

/// Why there is no one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// It fits nowhere.
    Nowhere,
    /// It fits at all of these, as indices.
    Many(Vec<usize>),
    /// Looking any longer would cost too much.
    Costly,
}

impl Shift {
    /// `line` shifted alike; none where it has not the indentation that is to be cut.
    pub fn apply<'l>(&self, line: &'l str) -> Option<Cow<'l, str>> {
        match self {
            Shift::None => Some(Cow::Borrowed(line)),
            _ if line.trim().is_empty() => Some(Cow::Borrowed(line)),
            Shift::Add(by) => Some(Cow::Owned(format!("{by}{line}"))),
            Shift::Cut(by) => line.strip_prefix(by.as_str()).map(Cow::Borrowed),
        }
    }
}

impl<'t> Index<'t> {
    pub fn new(lines: &'t [&'t str]) -> Index<'t> {
        let mut index = Index {
            lines,
            numbers: HashMap::new(),
            said: Vec::with_capacity(lines.len()),
            places: Vec::new(),
            left: Cell::new(COMPARISONS),
        };
        for (i, line) in lines.iter().enumerate() {
            let number = *index.numbers.entry(line.trim()).or_insert(index.places.len());
            if number == index.places.len() {
                index.places.push(Vec::new());
            }
            index.places[number].push(i);
            index.said.push(number);
        }
        index
    }

    /// The one place of `old`, which is not empty; where the best kind of fit has several, the one whose first line is
    /// number `at`, counted from 1.
    pub fn find(&self, old: &[&str], at: Option<usize>) -> Result<Found, Miss> {
        let mut best: Vec<Found> = Vec::new();
        let wanted: Option<Vec<usize>> = old.iter().map(|l| self.numbers.get(l.trim()).copied()).collect();
        let wanted = wanted.ok_or(Miss::Nowhere)?;
        for start in self.candidates(old, &wanted) {
            if self.left.get() < old.len() as u64 {
                return Err(Miss::Costly);
            }
            let Some((kind, shift)) = self.fit(start, old, &wanted) else { continue };
            if best.first().is_some_and(|b| b.kind > kind) {
                best.clear();
            }
            if best.first().is_none_or(|b| b.kind == kind) {
                best.push(Found { start, kind, shift });
            }
        }
        if let ([_, _, ..], Some(at)) = (best.as_slice(), at)
            && let Some(there) = best.iter().position(|f| f.start + 1 == at)
        {
            return Ok(best.swap_remove(there));
        }
        match best.len() {
            0 => Err(Miss::Nowhere),
            1 => Ok(best.remove(0)),
            _ => Err(Miss::Many(best.into_iter().map(|f| f.start).collect())),
        }
    }

    /// The starts that the rarest line of `old` allows; a blank line counts only where all are blank.
    fn candidates(&self, old: &[&str], wanted: &[usize]) -> Vec<usize> {
        let blank = old.iter().all(|l| l.trim().is_empty());
        let telling = (0..old.len()).filter(|k| blank || !old[*k].trim().is_empty());
        let Some(rarest) = telling.min_by_key(|k| self.places[wanted[*k]].len()) else { return Vec::new() };
        let fits = |start: &usize| start + old.len() <= self.lines.len();
        self.places[wanted[rarest]].iter().filter_map(|p| p.checked_sub(rarest)).filter(fits).collect()
    }

    /// The best kind of fit of `old` at `start`.
    fn fit(&self, start: usize, old: &[&str], wanted: &[usize]) -> Option<(Kind, Shift)> {
        let here = &self.lines[start..start + old.len()];
        let spent = self.said[start..].iter().zip(wanted).take_while(|(a, b)| a == b).count();
        self.left.set(self.left.get().saturating_sub(spent as u64 + 1));
        if spent < old.len() {
            return None;
        }
        if here == old {
            return Some((Kind::Exact, Shift::None));
        }
        if here.iter().zip(old).all(|(a, b)| a.trim_end() == b.trim_end()) {
            return Some((Kind::Trailing, Shift::None));
        }
        let shift = shift(here, old)?;
        Some((Kind::Indent, shift))
    }
}

/// The one shift that makes all lines that are not blank alike.
fn shift(here: &[&str], old: &[&str]) -> Option<Shift> {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let mut pairs = here.iter().zip(old).filter(|(h, _)| !h.trim().is_empty());
    let (first, first_old) = pairs.next()?;
    let (ours, theirs) = (&first[..indent(first)], &first_old[..indent(first_old)]);
    let shift = match (ours.strip_suffix(theirs), theirs.strip_suffix(ours)) {
        (Some(by), _) if !by.is_empty() => Shift::Add(by.to_owned()),
        (_, Some(by)) if !by.is_empty() => Shift::Cut(by.to_owned()),
        _ => return None,
    };
    let alike = |h: &str, o: &str| shift.apply(o).is_some_and(|s| s.trim_end() == h.trim_end());
    pairs.all(|(h, o)| alike(h, o)).then_some(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(file: &[&str], old: &[&str], at: Option<usize>) -> Result<(usize, Kind), Miss> {
        Index::new(file).find(old, at).map(|f| (f.start, f.kind))
    }

    #[test]
    fn the_closest_kind_of_fit_wins() {
        assert_eq!(find(&["  a", "a ", "a"], &["a"], None), Ok((2, Kind::Exact)));
        assert_eq!(find(&["  a", "a "], &["a"], None), Ok((1, Kind::Trailing)));
        assert_eq!(find(&["b", "  a"], &["a"], None), Ok((1, Kind::Indent)));
    }

    #[test]
    fn two_places_are_told_unless_a_number_points_at_one() {
        assert_eq!(find(&["a", "b", "a"], &["a"], None), Err(Miss::Many(vec![0, 2])));
        assert_eq!(find(&["a", "b", "a"], &["a"], Some(3)), Ok((2, Kind::Exact)));
        assert_eq!(find(&["a", "b", "a"], &["a"], Some(2)), Err(Miss::Many(vec![0, 2])));
    }

    #[test]
    fn a_shift_is_uniform_or_it_is_none() {
        assert_eq!(find(&["  a", "    b", "", "  c"], &["a", "  b", "", "c"], None), Ok((0, Kind::Indent)));
        assert_eq!(find(&["  a", "   b"], &["a", "b"], None), Err(Miss::Nowhere));
        assert_eq!(find(&["\ta", "\t\tb"], &["\t\ta", "\t\t\tb"], None), Ok((0, Kind::Indent)));
    }

    #[test]
    fn equal_lines_without_end_cost_no_more_than_the_budget() {
        let mut file = vec!["x"; 20_000];
        file.extend(["y", "x", "y"]);
        let mut old = vec!["x"; 9_000];
        old.extend(["y", "x", "y", "x"]);
        assert_eq!(find(&file, &old, None), Err(Miss::Nowhere));
        let (file, old) = (vec!["x"; 20_000], vec!["x"; 9_000]);
        assert_eq!(find(&file, &old, None), Err(Miss::Costly));
    }
}
