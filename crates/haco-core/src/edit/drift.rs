//! Where an edit fits nearly: what goes away stands there, white space and typographic signs aside, and enough of the
//! context does too. The best place must be well ahead of the second. Work is bounded by the budget of the index.

use super::Kind;
use super::gaps::weight;
use super::place::{Costly, Fit, Index};
use super::raw::{Body, Tag};
use super::shift::Shift;
use std::collections::HashMap;

/// The least likeness of a place, and how far it must be ahead of the second; set on the curves in `benches/edit`.
pub(super) const LEAST: f64 = 0.60;
pub(super) const AHEAD: f64 = 0.15;

/// Lines of an edit, places of a line, and regions of a file that are looked at.
const LONGEST: usize = 300;
const PLACES: usize = 30;
const REGIONS: usize = 8;

/// The lines of a file by what they say when white space and typographic signs do not count.
pub(super) struct Drift<'t> {
    lines: &'t [&'t str],
    keys: Vec<u64>,
    /// What each line counts.
    mass: Vec<f64>,
    places: HashMap<u64, Vec<u32>>,
}

/// What becomes of a search for what is nearly there.
#[derive(Debug)]
pub(super) enum Nearly {
    /// One place is good enough.
    One(Fit),
    /// Several are about as good, or the best is not certain; as first lines, by index.
    Unsure(Vec<usize>),
    /// Nothing is near.
    Nothing,
}

impl<'t> Drift<'t> {
    pub fn new(lines: &'t [&'t str]) -> Drift<'t> {
        let keys: Vec<u64> = lines.iter().map(|l| key(l)).collect();
        let mut places: HashMap<u64, Vec<u32>> = HashMap::new();
        for (i, key) in keys.iter().enumerate().filter(|(_, k)| **k != BLANK) {
            places.entry(*key).or_default().push(i as u32);
        }
        Drift { lines, keys, mass: lines.iter().map(|l| mass(l)).collect(), places }
    }

    /// The one place where `body` nearly fits; `hint` is where the reply says that it begins, by index.
    pub fn find(&self, index: &Index, body: &Body, hint: Option<usize>, is_diff: bool) -> Result<Nearly, Costly> {
        let old: Vec<(Tag, &str)> = body.iter().filter(|(t, _)| *t != Tag::New).copied().collect();
        if old.is_empty() || old.len() > LONGEST {
            return Ok(Nearly::Nothing);
        }
        let keys: Vec<u64> = old.iter().map(|(_, l)| key(l)).collect();
        let mut seen: Vec<(f64, Vec<Option<usize>>)> = Vec::new();
        for region in self.regions(&old, &keys) {
            index.spend((region.len() * old.len()) as u64)?;
            let (score, at) = self.align(&old, &keys, region);
            if score > 0.0 && !seen.iter().any(|(_, other)| shares(other, &at)) {
                seen.push((score, at));
            }
        }
        seen.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(self.judge(body, &old, &seen, hint, is_diff))
    }

    fn judge(
        &self,
        body: &Body,
        old: &[(Tag, &str)],
        seen: &[(f64, Vec<Option<usize>>)],
        hint: Option<usize>,
        is_diff: bool,
    ) -> Nearly {
        let starts = || seen.iter().take(3).filter_map(|(_, at)| at.iter().flatten().next().copied()).collect();
        let Some((score, at)) = seen.first() else { return Nearly::Nothing };
        let pointed = |at: &[Option<usize>]| hint.is_some() && at.first().copied().flatten() == hint;
        let second = seen.get(1).map_or(0.0, |s| s.0);
        let ahead = score - second >= AHEAD || (pointed(at) && score > &second);
        if *score < LEAST || !ahead || !self.agrees(old, at) || !seated(body, at, self.lines) {
            return Nearly::Unsure(starts());
        }
        let tagged: Vec<(&str, Tag, &str)> =
            old.iter().zip(at).filter_map(|((t, l), i)| i.map(|i| (self.lines[i], *t, *l))).collect();
        let near = beside_new(body, at);
        let shift = Shift::of_edit(&tagged, is_diff).or_else(|| {
            let beside: Vec<(&str, Tag, &str)> =
                near.iter().map(|k| (at[*k].map_or("", |i| self.lines[i]), Tag::Both, old[*k].1)).collect();
            Shift::of_edit(&beside, is_diff)
        });
        match shift {
            Some(shift) => {
                let similarity = Some((score.min(0.99) * 1000.0).round() / 1000.0);
                Nearly::One(Fit { at: at.clone(), kind: Kind::Similar, shift, similarity })
            }
            None => Nearly::Unsure(starts()),
        }
    }

    /// Whether every line that goes away is found, and with nothing but blank lines between.
    fn agrees(&self, old: &[(Tag, &str)], at: &[Option<usize>]) -> bool {
        let mut last: Option<usize> = None;
        old.iter().zip(at).all(|((tag, line), here)| {
            if *tag != Tag::Old {
                last = None;
                return true;
            }
            if line.trim().is_empty() {
                return true;
            }
            let Some(here) = *here else { return false };
            let close = last.is_none_or(|l| self.lines[l + 1..here].iter().all(|b| b.trim().is_empty()));
            last = Some(here);
            close
        })
    }

    /// Parts of the file where lines of the edit stand, those with the most telling lines first.
    fn regions(&self, old: &[(Tag, &str)], keys: &[u64]) -> Vec<std::ops::Range<usize>> {
        let mut votes: HashMap<usize, usize> = HashMap::new();
        for (k, key) in keys.iter().enumerate() {
            let Some(places) = self.places.get(key).filter(|p| p.len() <= PLACES) else { continue };
            for p in places {
                *votes.entry((*p as usize + old.len()).saturating_sub(k)).or_default() += weight(old[k].1) + 1;
            }
        }
        let mut best: Vec<(usize, usize)> = votes.into_iter().map(|(at, n)| (n, at)).collect();
        best.sort_by_key(|(n, at)| (usize::MAX - n, *at));
        let slack = old.len() / 2 + 4;
        let mut out: Vec<std::ops::Range<usize>> = Vec::new();
        for (_, at) in best {
            let start = at.saturating_sub(old.len()).saturating_sub(slack);
            let end = (at + slack).min(self.lines.len());
            let inside = out.iter().any(|r| r.contains(&at.saturating_sub(old.len())) && r.len() > old.len());
            if start < end && !inside {
                out.push(start..end);
            }
            if out.len() == REGIONS {
                break;
            }
        }
        out
    }

    /// The best alignment of the old lines with lines of a region, in order, and how alike the two then are.
    fn align(&self, old: &[(Tag, &str)], keys: &[u64], region: std::ops::Range<usize>) -> (f64, Vec<Option<usize>>) {
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
        self.walk(&table, old, &region)
    }

    /// The alignment that the table holds, and its likeness: twice what is shared by what there is on both sides.
    fn walk(
        &self,
        table: &[Vec<Cell>],
        old: &[(Tag, &str)],
        region: &std::ops::Range<usize>,
    ) -> (f64, Vec<Option<usize>>) {
        let mut at = vec![None; old.len()];
        let (mut i, mut j) = (old.len(), region.len());
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
        let shared: f64 = at.iter().flatten().map(|i| self.mass[*i]).sum();
        let ours: f64 = old.iter().map(|(_, l)| mass(l)).sum();
        let (first, last) = (at.iter().flatten().next(), at.iter().flatten().next_back());
        let theirs: f64 = match (first, last) {
            (Some(first), Some(last)) => self.mass[*first..=*last].iter().sum(),
            _ => 0.0,
        };
        (2.0 * shared / (ours + theirs), at)
    }
}

fn mass(line: &str) -> f64 {
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

fn shares(a: &[Option<usize>], b: &[Option<usize>]) -> bool {
    a.iter().zip(b).any(|(a, b)| a.is_some() && a == b)
}

/// For each run of new lines the old lines on either side of it, as indices among the old lines.
fn beside_new(body: &Body, at: &[Option<usize>]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut k = 0;
    for (n, (tag, _)) in body.iter().enumerate() {
        if *tag == Tag::New {
            if n > 0 && body[n - 1].0 != Tag::New && at[k - 1].is_some() {
                out.push(k - 1);
            }
            if body.get(n + 1).is_some_and(|(t, _)| *t != Tag::New) && at[k].is_some() {
                out.push(k);
            }
        } else {
            k += 1;
        }
    }
    out
}

/// Whether each run of lines that is only new has its place: between two lines that touch in the file, or beside one
/// where the edit has no more on the other side.
fn seated(body: &Body, at: &[Option<usize>], lines: &[&str]) -> bool {
    let blank = |range: std::ops::Range<usize>| lines[range].iter().all(|l| l.trim().is_empty());
    let mut k = 0;
    let mut n = 0;
    while n < body.len() {
        if body[n].0 != Tag::New {
            (k, n) = (k + 1, n + 1);
            continue;
        }
        let end = (n..body.len()).find(|i| body[*i].0 != Tag::New).unwrap_or(body.len());
        let replaces = (n > 0 && body[n - 1].0 == Tag::Old) || body.get(end).is_some_and(|(t, _)| *t == Tag::Old);
        let before = at[..k].iter().rev().zip(body[..n].iter().rev()).find_map(|(a, _)| *a);
        let after = at[k..].iter().find_map(|a| *a);
        let touching = |side: Option<&Option<usize>>| side.is_some_and(Option::is_some);
        let firm = match (before, after) {
            _ if replaces => true,
            (Some(b), Some(a)) => {
                (touching(k.checked_sub(1).and_then(|k| at.get(k))) || touching(at.get(k))) && blank(b + 1..a)
            }
            (Some(_), None) => k == at.len() && touching(at.last()),
            (None, Some(_)) => k == 0 && touching(at.first()),
            (None, None) => false,
        };
        if !firm {
            return false;
        }
        n = end;
    }
    true
}

/// The key of every blank line.
const BLANK: u64 = 0xcbf2_9ce4_8422_2325;

/// A hash of a line without its white space and with typographic signs as plain ones (FNV-1a).
fn key(line: &str) -> u64 {
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201B}' => '\'',
        '\u{201C}'..='\u{201F}' => '"',
        _ => c,
    };
    let signs = line.chars().filter(|c| !c.is_whitespace()).map(plain);
    signs.fold(BLANK, |hash, c| (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: [&str; 9] = [
        "def first(items):",
        "    total = 0",
        "    for item in items:",
        "        total += item.price",
        "    return total",
        "",
        "def second(items):",
        "    count = len(items)",
        "    return count",
    ];

    fn find(body: &[(Tag, &'static str)]) -> Nearly {
        Drift::new(&FILE).find(&Index::new(&FILE), &body.to_vec(), None, false).expect("cheap")
    }

    #[test]
    fn context_may_drift_where_what_goes_away_stands() {
        use Tag::*;
        let found = find(&[
            (Both, "def first(items):"),
            (Both, "    total = 0  # start"),
            (Both, "    for item in items:"),
            (Old, "        total += item.price"),
            (New, "        total += item.cost"),
            (Both, "    return total"),
        ]);
        let Nearly::One(fit) = found else { panic!("{found:?}") };
        assert_eq!(fit.at, [Some(0), None, Some(2), Some(3), Some(4)]);
        assert!(fit.similarity.is_some_and(|s| (0.6..1.0).contains(&s)));
    }

    #[test]
    fn what_goes_away_must_stand_there() {
        use Tag::*;
        let found = find(&[
            (Both, "    for item in items:"),
            (Old, "        total += item.price * 2"),
            (New, "        total += item.cost"),
            (Both, "    return total"),
        ]);
        assert!(matches!(found, Nearly::Unsure(_)), "{found:?}");
    }

    #[test]
    fn new_lines_need_a_certain_seat() {
        use Tag::*;
        let gap = find(&[
            (Both, "    total = 0"),
            (New, "    seen = set()"),
            (Both, "        total += item.price"),
            (Both, "    return total"),
        ]);
        assert!(matches!(gap, Nearly::Unsure(_)), "{gap:?}");
        let firm = find(&[
            (Both, "    total = 0"),
            (New, "    seen = set()"),
            (Both, "    for item in items:"),
            (Both, "        total += item.price # x"),
            (Both, "    return total"),
        ]);
        assert!(matches!(firm, Nearly::One(_)), "{firm:?}");
    }

    #[test]
    fn typographic_signs_and_white_space_do_not_count() {
        assert_eq!(key("a – “b”"), key("a - \"b\" "));
        assert_eq!(key(""), key(" \t"));
        assert_ne!(key("ab"), key("ba"));
    }
}
