//! Where an edit fits but for lines between its own: blank lines that one side lacks, or a line of dots in the edit that
//! stands for lines of the file.

use super::Kind;
use super::guard;
use super::place::{Costly, Fit, Index};
use super::raw::{Body, Tag};

/// The lines of a file that are not blank, as a file of their own.
pub(super) struct Dense<'t> {
    index: Index<'t>,
    /// Where each stands in the whole file.
    at: Vec<usize>,
}

impl<'t> Dense<'t> {
    pub fn new(all: &[&'t str]) -> Dense<'t> {
        let kept = || all.iter().enumerate().filter(|(_, l)| !l.trim().is_empty());
        let lines: Vec<&str> = kept().map(|(_, l)| *l).collect();
        Dense { index: Index::new(&lines), at: kept().map(|(i, _)| i).collect() }
    }

    /// The places of `old` where blank lines do not count.
    pub fn fits(&self, whole: &[&str], body: &Body, is_diff: bool) -> Result<Vec<Fit>, Costly> {
        let old: Body = body.iter().filter(|(tag, _)| *tag != Tag::New).copied().collect();
        let dense: Vec<(Tag, &str)> = old.iter().filter(|(_, l)| !l.trim().is_empty()).copied().collect();
        if dense.iter().map(|(_, l)| weight(l)).sum::<usize>() < TELLING {
            return Ok(Vec::new());
        }
        let fits = self.index.fits(&dense, is_diff)?;
        let fits = fits.into_iter().map(|fit| self.widened(fit, whole, &old));
        Ok(fits.filter(|fit| seated(body, &fit.at)).collect())
    }

    /// A fit in this file as one in the whole file: a blank line of the edit takes a blank one beside the last.
    fn widened(&self, fit: Fit, whole: &[&str], old: &[(Tag, &str)]) -> Fit {
        let mut found = fit.at.iter().flatten().map(|i| self.at[*i]);
        let mut next: Option<usize> = None;
        let at = old.iter().map(|(_, line)| {
            let here = match (line.trim().is_empty(), next) {
                (false, _) => found.next(),
                (true, Some(i)) if whole.get(i).is_some_and(|l| l.trim().is_empty()) => Some(i),
                (true, _) => None,
            };
            next = here.map(|i| i + 1).or(next);
            here
        });
        Fit { at: at.collect(), kind: Kind::BlankLines, ..fit }
    }
}

/// Whether no blank line in question stands where lines are put between others, or goes away itself.
fn seated(body: &Body, at: &[Option<usize>]) -> bool {
    let (mut k, mut n) = (0, 0);
    while n < body.len() {
        if body[n].0 != Tag::New {
            let gone_on = n > 0 && body[n - 1].0 == Tag::Old && at[k - 1].map(|i| i + 1) != at[k];
            if body[n].0 == Tag::Old && (at[k].is_none() || gone_on) {
                return false;
            }
            (k, n) = (k + 1, n + 1);
            continue;
        }
        let end = (n..body.len()).find(|i| body[*i].0 != Tag::New).unwrap_or(body.len());
        let replaces = (n > 0 && body[n - 1].0 == Tag::Old) || body.get(end).is_some_and(|(t, _)| *t == Tag::Old);
        let (before, after) = (k.checked_sub(1).map(|k| at[k]), at.get(k).copied());
        let touch = match (before, after) {
            (Some(b), Some(a)) => b.is_some() && b.map(|b| b + 1) == a,
            (Some(one), None) | (None, Some(one)) => one.is_some(),
            (None, None) => false,
        };
        if !replaces && !touch {
            return false;
        }
        n = end;
    }
    true
}

/// How many letters and digits an edit needs to be found by less than all of its lines.
const TELLING: usize = 4;

/// What a line tells of its place: its letters and digits, to a limit.
pub(super) fn weight(line: &str) -> usize {
    line.chars().filter(|c| c.is_alphanumeric()).take(24).count()
}

/// Whether `line` stands for lines that an edit leaves out, and no line of the file says it.
fn is_elision(index: &Index, line: &str) -> bool {
    guard::leaves_out(line, false) && !index.says(line)
}

/// Whether one of the lines that go away stands for others: what goes away must be written.
pub(super) fn drops_unseen<'l>(index: &Index, old: &[(Tag, &'l str)]) -> Option<&'l str> {
    old.iter().find(|(tag, line)| *tag == Tag::Old && is_elision(index, line)).map(|(_, l)| *l)
}

/// The places of an edit whose context has lines of dots: each part between them in its order, as near as can be.
pub(super) fn elided_fits(index: &Index, old: &[(Tag, &str)], is_diff: bool) -> Result<Vec<Fit>, Costly> {
    let dots: Vec<usize> = (0..old.len()).filter(|k| old[*k].0 == Tag::Both && is_elision(index, old[*k].1)).collect();
    if dots.is_empty() {
        return Ok(Vec::new());
    }
    let mut chains: Vec<Fit> = Vec::new();
    let mut from = 0;
    for end in dots.iter().copied().chain([old.len()]) {
        let part = &old[from..end];
        if !part.is_empty() {
            let fits = index.fits(part, is_diff)?;
            let telling = part.iter().map(|(_, l)| weight(l)).sum::<usize>() >= TELLING;
            if fits.is_empty() || !telling {
                return Ok(Vec::new());
            }
            chains = joined(chains, &fits, from);
            if chains.is_empty() {
                return Ok(chains);
            }
        }
        from = end + 1;
    }
    for chain in &mut chains {
        chain.at.resize(old.len(), None);
        chain.kind = Kind::Elision;
    }
    Ok(chains)
}

/// Each chain with the part that follows it nearest; of chains that meet in one part only the nearest stays.
fn joined(chains: Vec<Fit>, parts: &[Fit], offset: usize) -> Vec<Fit> {
    let extend = |head: &[Option<usize>], part: &Fit| {
        let mut at = head.to_vec();
        at.resize(offset, None);
        at.extend_from_slice(&part.at);
        Fit { at, ..part.clone() }
    };
    if chains.is_empty() {
        return parts.iter().map(|p| extend(&[], p)).collect();
    }
    let mut out: Vec<Fit> = Vec::new();
    for chain in &chains {
        let next = parts.partition_point(|p| p.first() < chain.end());
        let Some(part) = parts.get(next).filter(|p| p.shift == chain.shift) else { continue };
        if out.last().is_some_and(|o| o.end() == part.end()) {
            out.pop();
        }
        out.push(extend(&chain.at, part));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(lines: &[&'static str]) -> Vec<(Tag, &'static str)> {
        lines.iter().map(|l| (Tag::Both, *l)).collect()
    }

    fn dense(file: &[&str], old: &[&'static str]) -> Vec<Vec<Option<usize>>> {
        let lines = Dense::new(file);
        let fits = lines.fits(file, &both(old), false).expect("cheap");
        fits.into_iter().map(|f| f.at).collect()
    }

    #[test]
    fn blank_lines_of_either_side_do_not_count() {
        assert_eq!(dense(&["alpha", "", "beta"], &["alpha", "beta"]), [[Some(0), Some(2)]]);
        assert_eq!(dense(&["alpha", "beta"], &["alpha", "", "beta"]), [[Some(0), None, Some(1)]]);
        assert_eq!(dense(&["alpha", "", "", "beta"], &["alpha", "", "beta"]), [[Some(0), Some(1), Some(3)]]);
        assert!(dense(&["}", "", "}"], &["}", "}"]).is_empty(), "braces alone tell nothing");
    }

    #[test]
    fn dots_pair_with_what_is_nearest() {
        let file = ["def one():", "    a", "    return x", "def two():", "    b", "    return x"];
        let fits = |old: &[&'static str]| {
            let fits = elided_fits(&Index::new(&file), &both(old), false).expect("cheap");
            fits.into_iter().map(|f| f.at).collect::<Vec<_>>()
        };
        assert_eq!(fits(&["def two():", "    ...", "    return x"]), [[Some(3), None, Some(5)]]);
        assert_eq!(fits(&["def one():", "# ...", "    return x"]), [[Some(0), None, Some(2)]]);
        assert!(fits(&["def one():", "...", "    raise"]).is_empty());
        assert_eq!(fits(&["def ten():", "...", "    raise"]), Vec::<Vec<_>>::new());
    }
}
