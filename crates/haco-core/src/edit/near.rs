//! What stands in a file where an edit looked for something else: the nearest lines, for the model that tries again.
//! Work is bounded by the file's size, not by the product of file and edit.

use similar::TextDiff;
use std::collections::HashMap;

/// A line that is like one that was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Near {
    /// Its number, from 1.
    pub line: usize,
    /// What it says.
    pub has: String,
    /// What the edit says.
    pub wants: String,
}

/// Lines of one file, prepared for questions of likeness.
pub(super) struct Likeness<'t> {
    lines: &'t [&'t str],
    grams: Vec<Grams>,
}

/// Hashes of a line's runs of three bytes, as a set of 256 bits.
type Grams = [u64; 4];

/// How many lines of an edit vote, and how often a line may stand in the file and still have a vote.
const VOTERS: usize = 200;
const PLACES: usize = 40;

impl<'t> Likeness<'t> {
    pub fn new(lines: &'t [&'t str]) -> Likeness<'t> {
        Likeness { lines, grams: lines.iter().map(|l| grams(l)).collect() }
    }

    /// Up to three lines that are nearest to what `old` wants; first those next to lines that do match.
    pub fn nearest(&self, old: &[&str]) -> Vec<Near> {
        let near = self.around_matches(old);
        if near.is_empty() { self.alike(old) } else { near }
    }

    /// Lines of `old` that stand in the file vote for where it should begin; the first difference there is told.
    fn around_matches(&self, old: &[&str]) -> Vec<Near> {
        let voters: Vec<(usize, &str)> =
            old.iter().map(|l| l.trim()).enumerate().filter(|(_, l)| l.len() > 3).take(VOTERS).collect();
        let mut wanted: HashMap<&str, Vec<usize>> = HashMap::new();
        for (k, line) in voters {
            wanted.entry(line).or_default().push(k);
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut votes: HashMap<usize, usize> = HashMap::new();
        for (i, line) in self.lines.iter().enumerate() {
            let Some(at) = wanted.get(line.trim()) else { continue };
            let times = seen.entry(line.trim()).or_default();
            *times += 1;
            if *times > PLACES {
                continue;
            }
            for start in at.iter().take(PLACES).filter_map(|k| i.checked_sub(*k)) {
                *votes.entry(start).or_default() += 1;
            }
        }
        let mut starts: Vec<(usize, usize)> = votes.into_iter().collect();
        starts.sort_by_key(|(start, n)| (usize::MAX - n, *start));
        starts.iter().take(3).filter_map(|(start, _)| self.first_difference(*start, old)).collect()
    }

    fn first_difference(&self, start: usize, old: &[&str]) -> Option<Near> {
        let here = self.lines.get(start..)?.iter().map(Some).chain(std::iter::repeat(None));
        let (k, (has, wants)) = here.zip(old).enumerate().find(|(_, (h, w))| h.is_none_or(|h| h.trim() != w.trim()))?;
        let has = has.map_or("the end of the file", |h| h.trim());
        Some(Near { line: start + k + 1, has: cut(has), wants: cut(wants.trim()) })
    }

    /// The lines most like the longest line of `old`.
    fn alike(&self, old: &[&str]) -> Vec<Near> {
        let Some(wants) = old.iter().map(|l| l.trim()).max_by_key(|l| l.len()).filter(|l| !l.is_empty()) else {
            return Vec::new();
        };
        let asked = grams(wants);
        let bits = |g: &Grams| g.iter().map(|w| w.count_ones()).sum::<u32>();
        let both = |g: &Grams| g.iter().zip(&asked).map(|(a, b)| (a & b).count_ones()).sum::<u32>();
        let score = |g: &Grams| 2000 * both(g) / (bits(g) + bits(&asked)).max(1);
        let mut best: Vec<(u32, usize)> =
            self.grams.iter().enumerate().map(|(i, g)| (score(g), i)).filter(|(s, _)| *s > 300).collect();
        best.sort_by_key(|(s, i)| (u32::MAX - s, *i));
        let ratio = |i: usize| TextDiff::from_chars(cut(self.lines[i].trim()).as_str(), cut(wants).as_str()).ratio();
        let mut near: Vec<(f32, usize)> = best.iter().take(8).map(|(_, i)| (ratio(*i), *i)).collect();
        near.retain(|(r, _)| *r >= 0.6);
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let told = |(_, i): &(f32, usize)| Near { line: i + 1, has: cut(self.lines[*i].trim()), wants: cut(wants) };
        near.iter().take(3).map(told).collect()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

fn grams(line: &str) -> Grams {
    let mut set = [0; 4];
    for run in line.trim().as_bytes().windows(3).take(200) {
        let hash =
            run.iter().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(*b))).wrapping_mul(0x9E37_79B1);
        let bit = (hash >> 24) as usize;
        set[bit / 64] |= 1 << (bit % 64);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_beside_a_match_is_told() {
        let file = ["fn main() {", "    let total = 1;", "    print(total);", "}"];
        let near = Likeness::new(&file).nearest(&["fn main() {", "    let total = 2;"]);
        assert_eq!(near[0], Near { line: 2, has: "let total = 1;".into(), wants: "let total = 2;".into() });
    }

    #[test]
    fn without_a_match_the_most_alike_line_is_told() {
        let file = ["alpha beta", "def compute_total(items):", "gamma"];
        let near = Likeness::new(&file).nearest(&["def compute_totals(item):"]);
        assert_eq!(near.iter().map(|n| n.line).collect::<Vec<_>>(), [2]);
        assert!(Likeness::new(&file).nearest(&["zzzzzzzzzz"]).is_empty());
    }
}
