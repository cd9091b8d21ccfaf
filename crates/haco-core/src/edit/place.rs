//! Where the old lines of an edit stand in a file: exactly, but for trailing white space, or shifted as a whole. What
//! fits less well is for `gaps` and `drift`.

use super::Kind;
use super::raw::Tag;
use super::shift::Shift;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;

/// Lines that one file's edits may be compared with in all, so that no reply makes the search quadratic.
const COMPARISONS: u64 = 8_000_000;

/// The lines of one file, found by what they say.
pub(super) struct Index<'t> {
    lines: Vec<&'t str>,
    /// Made when an edit does not stand in the file as it is, or after some edits.
    table: OnceCell<Table<'t>>,
    scans: Cell<u8>,
    left: Cell<u64>,
}

/// Lines by number: lines that say the same, white space around them aside, have the same number.
struct Table<'t> {
    numbers: HashMap<&'t str, usize>,
    /// The number of each line.
    said: Vec<usize>,
    /// For each number the first line, the last so far, and how many lines say it.
    heads: Vec<(usize, usize, usize)>,
    /// For each line the next that says the same; itself where there is none.
    next: Vec<usize>,
}

/// How many lines may be like the first of an edit for it to be looked for so.
const SEEN: usize = 100;

/// How many edits are looked for line by line before a table is worth its price.
const SCANS: u8 = 8;

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

impl<'t> Table<'t> {
    fn new(lines: &[&'t str]) -> Table<'t> {
        let mut table = Table {
            numbers: HashMap::with_capacity(lines.len()),
            said: Vec::with_capacity(lines.len()),
            heads: Vec::with_capacity(lines.len()),
            next: Vec::with_capacity(lines.len()),
        };
        for (i, line) in lines.iter().enumerate() {
            let number = *table.numbers.entry(line.trim()).or_insert(table.heads.len());
            match table.heads.get_mut(number) {
                Some((_, last, count)) => {
                    table.next[*last] = i;
                    (*last, *count) = (i, *count + 1);
                }
                None => table.heads.push((i, i, 1)),
            }
            table.next.push(i);
            table.said.push(number);
        }
        table
    }

    /// The lines that have this number, in order.
    fn places(&self, number: usize) -> impl Iterator<Item = usize> {
        let next = |i: &usize| Some(self.next[*i]).filter(|n| n != i);
        std::iter::successors(Some(self.heads[number].0), next)
    }

    /// The starts that the rarest line of `old` allows; a blank line counts only where all are blank.
    fn candidates(&self, old: &[(Tag, &str)], wanted: &[usize]) -> Vec<usize> {
        let blank = old.iter().all(|(_, l)| l.trim().is_empty());
        let telling = (0..old.len()).filter(|k| blank || !old[*k].1.trim().is_empty());
        let Some(rarest) = telling.min_by_key(|k| self.heads[wanted[*k]].2) else { return Vec::new() };
        let fits = |start: &usize| start + old.len() <= self.said.len();
        self.places(wanted[rarest]).filter_map(|p| p.checked_sub(rarest)).filter(fits).collect()
    }
}

impl<'t> Index<'t> {
    pub fn new(lines: &[&'t str]) -> Index<'t> {
        Index { lines: lines.to_vec(), table: OnceCell::new(), scans: Cell::new(0), left: Cell::new(COMPARISONS) }
    }

    fn table(&self) -> &Table<'t> {
        self.table.get_or_init(|| Table::new(&self.lines))
    }

    /// Whether the file has a line that says this.
    pub fn says(&self, line: &str) -> bool {
        self.table().numbers.contains_key(line.trim())
    }

    /// Takes `work` from what is left of the budget.
    pub fn spend(&self, work: u64) -> Result<(), Costly> {
        self.left.set(self.left.get().checked_sub(work).ok_or(Costly)?);
        Ok(())
    }

    /// All places of `old` that are of the best kind among them.
    pub fn fits(&self, old: &[(Tag, &str)], is_diff: bool) -> Result<Vec<Fit>, Costly> {
        let verbatim = self.scan(old);
        if !verbatim.is_empty() {
            return Ok(verbatim);
        }
        let mut best: Vec<Fit> = Vec::new();
        let table = self.table();
        let wanted: Option<Vec<usize>> = old.iter().map(|(_, l)| table.numbers.get(l.trim()).copied()).collect();
        let Some(wanted) = wanted else { return Ok(best) };
        for start in table.candidates(old, &wanted) {
            let here = &table.said[start..start + old.len()];
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

    /// The places where `old` stands byte for byte, for the first few edits of a file.
    fn scan(&self, old: &[(Tag, &str)]) -> Vec<Fit> {
        let scans = self.scans.get();
        let lead = old.iter().position(|(_, l)| !l.trim().is_empty());
        let (Some(lead), true) = (lead, self.table.get().is_none() && scans < SCANS) else { return Vec::new() };
        self.scans.set(scans + 1);
        let stands = |start: &usize| {
            let here = self.lines.get(*start..start + old.len());
            here.is_some_and(|here| here.iter().zip(old).all(|(h, (_, o))| h == o))
        };
        let leads = (0..self.lines.len()).filter(|i| self.lines[*i] == old[lead].1);
        let starts: Vec<usize> = leads.filter_map(|i| i.checked_sub(lead)).take(SEEN).collect();
        if starts.len() == SEEN {
            return Vec::new();
        }
        let fits = starts.iter().filter(|s| stands(s));
        fits.map(|start| Fit::run(*start, old.len(), Kind::Exact, Shift::None)).collect()
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
