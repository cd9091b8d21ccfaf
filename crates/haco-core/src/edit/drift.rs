//! Where an edit fits nearly: what goes away stands there, white space and typographic signs aside, and enough of the
//! context does too. The best place must be well ahead of the second. Work is bounded by the budget of the index.

use super::align::mass;
use super::gaps::weight;
use super::place::{Costly, Fit, Index};
use super::raw::{Body, Tag};
use super::seat::{beside_new, loses, seated};
use super::shift::Shift;
use super::{Kind, Nearness};
use std::cell::Cell;
use std::collections::HashMap;

/// The least likeness of a place, and how far it must be ahead of the second; set on the curves in `benches/edit`.
pub(super) const LEAST: f64 = 0.50;
pub(super) const AHEAD: f64 = 0.10;

/// How many letters and digits a line of context needs to part what goes away before it from what does behind it.
const OWN: usize = 4;

/// How many letters and digits the lines need that are found as they are.
const TELLING: usize = 8;

/// How many characters are compared with characters in all of one file's edits.
const CHARACTERS: u64 = 100_000_000;

/// Lines of an edit, places of a line, and regions of a file that are looked at.
const LONGEST: usize = 300;
const PLACES: usize = 30;
const REGIONS: usize = 8;

/// The lines of a file by what they say when white space and typographic signs do not count.
pub(super) struct Drift<'t> {
    pub lines: &'t [&'t str],
    pub keys: Vec<u64>,
    /// What each line counts.
    pub mass: Vec<f64>,
    /// How many more characters may be compared with characters.
    pub left: Cell<u64>,
    places: HashMap<u64, Vec<u32>>,
    nearness: Nearness,
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
    pub fn new(lines: &'t [&'t str], nearness: Nearness) -> Drift<'t> {
        let keys: Vec<u64> = lines.iter().map(|l| key(l)).collect();
        let mut places: HashMap<u64, Vec<u32>> = HashMap::new();
        for (i, key) in keys.iter().enumerate().filter(|(_, k)| **k != BLANK) {
            places.entry(*key).or_default().push(i as u32);
        }
        Drift {
            lines,
            keys,
            mass: lines.iter().map(|l| mass(l)).collect(),
            places,
            nearness,
            left: Cell::new(CHARACTERS),
        }
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
            let at = self.paired(&old, self.align(&old, &keys, region));
            let score = self.likeness(&old, &at);
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
        let ahead = score - second >= self.nearness.ahead || (pointed(at) && score > &second);
        if *score < self.nearness.least
            || !ahead
            || !self.tells(old, at)
            || !self.agrees(old, at)
            || (is_diff && loses(old, at))
            || !seated(body, at, is_diff)
        {
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

    /// Whether the lines that are found as they are have enough in them to know the place by.
    fn tells(&self, old: &[(Tag, &str)], at: &[Option<usize>]) -> bool {
        let found = old.iter().zip(at).filter(|((_, l), i)| i.is_some_and(|i| self.keys[i] == key(l)));
        found.map(|((_, l), _)| weight(l)).sum::<usize>() >= TELLING
    }

    /// Whether every line that goes away is found, and with nothing between.
    fn agrees(&self, old: &[(Tag, &str)], at: &[Option<usize>]) -> bool {
        let mut last: Option<usize> = None;
        old.iter().zip(at).all(|((tag, line), here)| {
            if *tag != Tag::Old && (weight(line) >= OWN || last.is_none()) {
                last = None;
                return true;
            }
            if line.trim().is_empty() {
                return true;
            }
            let Some(here) = *here else { return false };
            let close = last.is_none_or(|l| l + 1 == here);
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
}

fn shares(a: &[Option<usize>], b: &[Option<usize>]) -> bool {
    a.iter().zip(b).any(|(a, b)| a.is_some() && a == b)
}

/// The key of every blank line.
const BLANK: u64 = 0xcbf2_9ce4_8422_2325;

/// A hash of a line without its white space and with typographic signs as plain ones (FNV-1a).
pub(super) fn key(line: &str) -> u64 {
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
        Drift::new(&FILE, Nearness::default()).find(&Index::new(&FILE), &body.to_vec(), None, false).expect("cheap")
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
        assert_eq!(fit.at, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
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
