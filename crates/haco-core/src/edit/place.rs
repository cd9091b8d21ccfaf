//! Where the old lines of an edit stand in a file: exactly, but for trailing white space, or shifted as a whole. What
//! fits less well is for `gaps` and `drift`.

use super::Kind;
use super::raw::Tag;
use super::shift::Shift;
use std::cell::Cell;
use std::collections::HashMap;

/// Lines that one file's edits may be compared with in all, so that no reply makes the search quadratic.
const COMPARISONS: u64 = 8_000_000;

/// The lines of one file, found by what they say.
pub(super) struct Index<'t> {
    lines: Vec<&'t str>,
    /// Trimmed lines, numbered; lines that say the same have the same number.
    numbers: HashMap<&'t str, usize>,
    /// The number of each line.
    said: Vec<usize>,
    /// Where the lines of each number stand.
    places: Vec<Vec<usize>>,
    left: Cell<u64>,
}

/// A place where an edit fits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    /// The line of the file, by index, that each old line of the edit is; none for one that the file lacks.
    pub at: Vec<Option<usize>>,
    pub kind: Kind,
    pub shift: Shift,
    pub similarity: Option<f64>,
}

/// Looking any longer would cost too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Costly;

impl Fit {
    /// Lines that follow each other.
    pub fn run(start: usize, count: usize, kind: Kind, shift: Shift) -> Fit {
        Fit { at: (start..start + count).map(Some).collect(), kind, shift, similarity: None }
    }

    /// The first line that it covers; 0 where it covers none.
    pub fn first(&self) -> usize {
        self.at.iter().flatten().next().copied().unwrap_or(0)
    }

    /// The line behind the last that it covers.
    pub fn end(&self) -> usize {
        self.at.iter().flatten().next_back().map_or(0, |i| i + 1)
    }
}

impl<'t> Index<'t> {
    pub fn new(lines: &[&'t str]) -> Index<'t> {
        let mut index = Index {
            lines: lines.to_vec(),
            numbers: HashMap::with_capacity(lines.len()),
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

    /// Whether the file has a line that says this.
    pub fn says(&self, line: &str) -> bool {
        self.numbers.contains_key(line.trim())
    }

    /// Takes `work` from what is left of the budget.
    pub fn spend(&self, work: u64) -> Result<(), Costly> {
        self.left.set(self.left.get().checked_sub(work).ok_or(Costly)?);
        Ok(())
    }

    /// All places of `old` that are of the best kind among them.
    pub fn fits(&self, old: &[(Tag, &str)], is_diff: bool) -> Result<Vec<Fit>, Costly> {
        let mut best: Vec<Fit> = Vec::new();
        let Some(wanted) = self.numbers_of(old) else { return Ok(best) };
        for start in self.candidates(old, &wanted) {
            let here = &self.said[start..start + old.len()];
            let same = here.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            self.spend(same as u64 + 1)?;
            if same < old.len() {
                continue;
            }
            let Some((kind, shift)) = self.manner(start, old, is_diff) else { continue };
            if best.first().is_some_and(|b| b.kind > kind) {
                best.clear();
            }
            if best.first().is_none_or(|b| b.kind == kind) {
                best.push(Fit::run(start, old.len(), kind, shift));
            }
        }
        Ok(best)
    }

    fn numbers_of(&self, old: &[(Tag, &str)]) -> Option<Vec<usize>> {
        old.iter().map(|(_, l)| self.numbers.get(l.trim()).copied()).collect()
    }

    /// The starts that the rarest line of `old` allows; a blank line counts only where all are blank.
    fn candidates(&self, old: &[(Tag, &str)], wanted: &[usize]) -> Vec<usize> {
        let blank = old.iter().all(|(_, l)| l.trim().is_empty());
        let telling = (0..old.len()).filter(|k| blank || !old[*k].1.trim().is_empty());
        let Some(rarest) = telling.min_by_key(|k| self.places[wanted[*k]].len()) else { return Vec::new() };
        let fits = |start: &usize| start + old.len() <= self.lines.len();
        self.places[wanted[rarest]].iter().filter_map(|p| p.checked_sub(rarest)).filter(fits).collect()
    }

    /// How lines that say the same as `old` differ from it in white space.
    fn manner(&self, start: usize, old: &[(Tag, &str)], is_diff: bool) -> Option<(Kind, Shift)> {
        let here = &self.lines[start..start + old.len()];
        let pairs = || here.iter().zip(old);
        if pairs().all(|(h, (_, o))| h == o) {
            return Some((Kind::Exact, Shift::None));
        }
        if pairs().all(|(h, (_, o))| h.trim_end() == o.trim_end()) {
            return Some((Kind::Trailing, Shift::None));
        }
        if let Some(shift) = Shift::between(pairs().map(|(h, (_, o))| (*h, *o))).filter(|s| !is_diff || !one_space(s)) {
            return Some((Kind::Indent, shift));
        }
        let tagged: Vec<(&str, Tag, &str)> = pairs().map(|(h, (t, o))| (*h, *t, *o)).collect();
        Shift::of_edit(&tagged, is_diff).map(|shift| (Kind::Indent, shift))
    }
}

fn one_space(shift: &Shift) -> bool {
    matches!(shift, Shift::Add(by) if by == " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(file: &[&str], old: &[&str]) -> Result<Vec<(usize, Kind)>, Costly> {
        let old: Vec<(Tag, &str)> = old.iter().map(|l| (Tag::Old, *l)).collect();
        Ok(Index::new(file).fits(&old, false)?.iter().map(|f| (f.first(), f.kind)).collect())
    }

    #[test]
    fn the_closest_kind_of_fit_wins() {
        assert_eq!(find(&["  a", "a ", "a"], &["a"]), Ok(vec![(2, Kind::Exact)]));
        assert_eq!(find(&["  a", "a "], &["a"]), Ok(vec![(1, Kind::Trailing)]));
        assert_eq!(find(&["b", "  a"], &["a"]), Ok(vec![(1, Kind::Indent)]));
        assert_eq!(find(&["a", "b", "a"], &["a"]), Ok(vec![(0, Kind::Exact), (2, Kind::Exact)]));
        assert_eq!(find(&["a", "b", "a"], &["c"]), Ok(vec![]));
    }

    #[test]
    fn equal_lines_without_end_cost_no_more_than_the_budget() {
        let mut file = vec!["x"; 20_000];
        file.extend(["y", "x", "y"]);
        let mut old = vec!["x"; 9_000];
        old.extend(["y", "x", "y", "x"]);
        assert_eq!(find(&file, &old), Ok(vec![]));
        let (file, old) = (vec!["x"; 20_000], vec!["x"; 9_000]);
        assert_eq!(find(&file, &old), Err(Costly));
    }
}
