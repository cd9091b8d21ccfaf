//! Lines of an edit laid beside lines of a file, in order, as well as can be, and how alike the two then are.

use super::drift::{Drift, key};
use super::gaps::weight;
use super::raw::Tag;

impl<'t> Drift<'t> {
    /// The best alignment of the old lines with lines of a region that say the same, in order.
    pub fn align(&self, old: &[(Tag, &str)], keys: &[u64], region: std::ops::Range<usize>) -> Vec<Option<usize>> {
        let (rows, columns) = (old.len(), region.len());
        let worth: Vec<f64> = old.iter().map(|(_, l)| mass(l)).collect();
        let mut table = vec![vec![Cell::default(); columns + 1]; rows + 1];
        for i in 1..=rows {
            table[i][0] = Cell { score: table[i - 1][0].score - 0.5 * worth[i - 1], step: Step::Skip };
            for j in 1..=columns {
                let file = region.start + j - 1;
                let skip = table[i - 1][j].score - 0.5 * worth[i - 1];
                let price = if i == rows { 0.0 } else { (0.3 * self.mass[file]).min(4.0) };
                let pass = table[i][j - 1].score - price;
                let same = self.keys[file] == keys[i - 1];
                let take = table[i - 1][j - 1].score + if same { worth[i - 1] } else { f64::NEG_INFINITY };
                table[i][j] = best_of([(take, Step::Take), (skip, Step::Skip), (pass, Step::Pass)]);
            }
        }
        walk(&table, rows, &region)
    }

    /// The alignment with each line of context that the file lacks put to a line like it in the same gap, in order.
    pub fn paired(&self, old: &[(Tag, &str)], mut at: Vec<Option<usize>>) -> Vec<Option<usize>> {
        let Some(first) = at.iter().flatten().next().copied() else { return at };
        let lead = at.iter().position(Option::is_some).unwrap_or(0);
        let mut from = first.saturating_sub(lead);
        let mut k = 0;
        while k < at.len() {
            if let Some(i) = at[k] {
                (from, k) = (i + 1, k + 1);
                continue;
            }
            let end = (k..at.len()).find(|n| at[*n].is_some()).unwrap_or(at.len());
            let to = at.get(end).copied().flatten().unwrap_or((from + end - k).min(self.lines.len()));
            for n in k..end {
                let like = (from..to.min(from + GAP))
                    .find(|i| old[n].0 == Tag::Both && self.ratio(self.lines[*i], old[n].1) >= ALIKE);
                if let Some(i) = like {
                    at[n] = Some(i);
                    from = i + 1;
                }
            }
            k = end;
        }
        at
    }

    /// How alike the edit and the lines that it spans are: twice what they share by what there is on both sides.
    pub fn likeness(&self, old: &[(Tag, &str)], at: &[Option<usize>]) -> f64 {
        let (Some(first), Some(last)) = (at.iter().flatten().next(), at.iter().flatten().next_back()) else {
            return 0.0;
        };
        let shared: f64 = old
            .iter()
            .zip(at)
            .filter_map(|((_, line), i)| i.map(|i| self.mass[i] * self.ratio(self.lines[i], line)))
            .sum();
        let ours: f64 = old.iter().map(|(_, l)| mass(l)).sum();
        let theirs: f64 = self.mass[*first..=*last].iter().sum();
        2.0 * shared / (ours + theirs)
    }

    /// How alike two lines are, white space aside, up to 1; 0 where they differ and no more may be compared.
    fn ratio(&self, a: &str, b: &str) -> f64 {
        let (a, b) = (a.trim(), b.trim());
        if a == b || key(a) == key(b) {
            return 1.0;
        }
        let left = self.left.get().checked_sub((a.len() * b.len()) as u64);
        match left {
            Some(left) if a.len() <= LINE && b.len() <= LINE && !a.is_empty() && !b.is_empty() => {
                self.left.set(left);
                f64::from(similar::TextDiff::from_chars(a, b).ratio())
            }
            _ => 0.0,
        }
    }
}

/// The alignment that the table holds.
fn walk(table: &[Vec<Cell>], rows: usize, region: &std::ops::Range<usize>) -> Vec<Option<usize>> {
    let mut at = vec![None; rows];
    let (mut i, mut j) = (rows, region.len());
    while i > 0 {
        match table[i][j].step {
            Step::Take => {
                at[i - 1] = Some(region.start + j - 1);
                (i, j) = (i - 1, j - 1);
            }
            Step::Skip => i -= 1,
            Step::Pass => j -= 1,
        }
    }
    at
}

/// The longest line that is compared by its characters, the least likeness of two lines of context, and how many lines
/// of a gap are looked at for one.
const LINE: usize = 300;
const ALIKE: f64 = 0.6;
const GAP: usize = 12;

/// What a line counts.
pub(super) fn mass(line: &str) -> f64 {
    if line.trim().is_empty() { 0.2 } else { 1.0 + weight(line) as f64 }
}

#[derive(Clone, Copy, Default)]
struct Cell {
    score: f64,
    step: Step,
}

#[derive(Clone, Copy, Default)]
enum Step {
    /// The line of the edit is the line of the file.
    Take,
    /// The file lacks the line of the edit.
    #[default]
    Skip,
    /// The edit lacks the line of the file.
    Pass,
}

fn best_of(ways: [(f64, Step); 3]) -> Cell {
    let mut best = ways[0];
    for way in &ways[1..] {
        if way.0 > best.0 {
            best = *way;
        }
    }
    Cell { score: best.0, step: best.1 }
}
