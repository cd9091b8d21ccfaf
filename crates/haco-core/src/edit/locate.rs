//! Where each edit of one file belongs: the best kind of fit wins, what is there already needs nothing, and what fits
//! several places is settled by what the reply says of the others.

use super::choose::{Around, choose};
use super::drift::{Drift, Nearly};
use super::gaps::{self, Dense};
use super::place::{Costly, Fit, Index};
use super::raw::{Change, Raw, Tag};
use super::splice::{Splice, splices};
use std::cell::OnceCell;
use std::collections::HashSet;

/// How many letters and digits the new lines need before an edit without old lines counts as there already.
const PRESENT: usize = 6;

/// Where one edit belongs.
pub(super) enum State<'a> {
    /// It fits several places.
    Open(Vec<Fit>),
    /// It fits here.
    Set(Fit),
    /// It is some lines, whatever they are.
    Cut(Splice<'a>),
    /// It is there already, from this line on, by index.
    Present(usize),
    /// It speaks of lines that an earlier edit brings.
    Late,
    /// It fits nowhere; what is nearest, as indices of lines.
    Missing(Vec<usize>),
    /// A line of dots among the lines that go away.
    Unseen(String),
    /// Looking any longer would cost too much.
    Costly,
}

/// The lines of one file, prepared for all kinds of search, each when it is first needed.
pub(super) struct Ground<'t> {
    pub lines: &'t [&'t str],
    index: Index<'t>,
    dense: OnceCell<Dense<'t>>,
    drift: OnceCell<Drift<'t>>,
}

impl<'t> Ground<'t> {
    pub fn new(lines: &'t [&'t str]) -> Ground<'t> {
        Ground { lines, index: Index::new(lines), dense: OnceCell::new(), drift: OnceCell::new() }
    }

    /// Where `change` belongs, as far as the file alone tells. `brought` holds the lines that earlier edits bring.
    pub fn locate(&self, raw: &Raw, change: &Change, brought: &HashSet<&str>) -> State<'static> {
        self.try_locate(raw, change, brought).unwrap_or(State::Costly)
    }

    fn try_locate(&self, raw: &Raw, change: &Change, brought: &HashSet<&str>) -> Result<State<'static>, Costly> {
        let (old, is_diff) = (change.old(), raw.is_diff());
        let mut fits = self.index.fits(&old, is_diff)?;
        if fits.is_empty() {
            let news = |line: &str| gaps::weight(line) > 0 && brought.contains(line.trim()) && !self.index.says(line);
            if old.iter().any(|(_, l)| news(l)) {
                return Ok(State::Late);
            }
            let dense = self.dense.get_or_init(|| Dense::new(self.lines));
            fits = dense.fits(self.lines, &old, is_diff)?;
        }
        if fits.is_empty() {
            fits = gaps::elided_fits(&self.index, &old, is_diff)?;
        }
        if let Some(there) = self.present(change, &fits, is_diff)? {
            return Ok(State::Present(there));
        }
        match fits.len() {
            0 => self.nearly(change, &old, brought, is_diff),
            1 => Ok(State::Set(fits.remove(0))),
            _ => Ok(State::Open(fits)),
        }
    }

    fn nearly(
        &self,
        change: &Change,
        old: &[(Tag, &str)],
        brought: &HashSet<&str>,
        is_diff: bool,
    ) -> Result<State<'static>, Costly> {
        if let Some(line) = gaps::drops_unseen(&self.index, old) {
            return Ok(State::Unseen(line.trim().to_owned()));
        }
        if old.iter().any(|(_, l)| gaps::weight(l) > 0 && brought.contains(l.trim())) {
            return Ok(State::Late);
        }
        let drift = self.drift.get_or_init(|| Drift::new(self.lines));
        let hint = change.at.and_then(|at| at.checked_sub(1));
        Ok(match drift.find(&self.index, &change.body, hint, is_diff)? {
            Nearly::One(fit) => State::Set(fit),
            Nearly::Unsure(near) => State::Missing(near),
            Nearly::Nothing => State::Missing(Vec::new()),
        })
    }

    /// The line from which the new text stands in the file already, where the old text does not stand there without it.
    fn present(&self, change: &Change, fits: &[Fit], is_diff: bool) -> Result<Option<usize>, Costly> {
        let told: usize = change.brought().map(gaps::weight).sum();
        let new: Vec<(Tag, &str)> = change.new_lines().into_iter().map(|l| (Tag::Both, l)).collect();
        let has_old = change.body.iter().any(|(tag, _)| *tag == Tag::Old);
        if new.is_empty() || (fits.is_empty() && told < PRESENT && !self.is_gone(change)) {
            return Ok(None);
        }
        match fits {
            [] => Ok(self.index.fits(&new, is_diff)?.first().map(Fit::first)),
            [fit] if !has_old && told >= PRESENT => {
                let lead = change.body.iter().take_while(|(tag, _)| *tag == Tag::New).count();
                let there = fit.first().checked_sub(lead).filter(|s| {
                    let here = self.lines.get(*s..*s + new.len());
                    here.is_some_and(|h| h.iter().zip(&new).all(|(h, (_, n))| h.trim() == n.trim()))
                });
                Ok(there)
            }
            _ => Ok(None),
        }
    }

    /// Whether an edit only takes lines away and has enough context on both sides to say where they stood.
    fn is_gone(&self, change: &Change) -> bool {
        let first = change.body.iter().position(|(tag, _)| *tag != Tag::Both);
        let last = change.body.iter().rposition(|(tag, _)| *tag != Tag::Both);
        let (Some(first), Some(last)) = (first, last) else { return false };
        let context = |part: &[(Tag, &str)]| part.iter().map(|(_, l)| gaps::weight(l)).sum::<usize>() >= PRESENT;
        change.body.iter().all(|(tag, _)| *tag != Tag::New)
            && context(&change.body[..first])
            && context(&change.body[last + 1..])
    }
}

/// Settles what fits several places, again and again, since each that is settled tells of others.
pub(super) fn settle<'a>(raws: &[&Raw<'a>], changes: &[Option<Change<'a>>], states: &mut [State<'a>], lines: &[&str]) {
    for _ in 0..4 {
        let mut settled = false;
        for i in 0..states.len() {
            let (State::Open(fits), Some(change)) = (&states[i], &changes[i]) else { continue };
            let around = around(i, raws, changes, states);
            if let Some(n) = choose(fits, change, lines, &around) {
                let fit = fits[n].clone();
                states[i] = State::Set(fit);
                settled = true;
            }
        }
        if !settled {
            return;
        }
    }
}

fn around(i: usize, raws: &[&Raw], changes: &[Option<Change>], states: &[State]) -> Around {
    let set: Vec<(usize, &Fit)> = states
        .iter()
        .enumerate()
        .filter_map(|(n, s)| if let State::Set(fit) = s { Some((n, fit)) } else { None })
        .collect();
    let mut around = Around { one_side: raws[i].is_diff(), ..Around::default() };
    for (n, fit) in &set {
        let Some(change) = &changes[*n] else { continue };
        if let (Some(at), true) = (change.at, raws[*n].is_diff()) {
            around.offsets.push(fit.first() as isize - (at as isize - 1));
        }
        let splices = splices(*n, fit, &change.body).unwrap_or_default();
        around.taken.extend(splices.iter().map(|s| s.start..s.end));
    }
    let behind = |side: &[(usize, &Fit)]| side.windows(2).all(|w| w[0].1.end() <= w[1].1.first());
    if behind(&set) {
        around.after = set.iter().rev().find(|(n, _)| *n < i).map(|(_, f)| f.end());
        around.before = set.iter().find(|(n, _)| *n > i).map(|(_, f)| f.first());
    }
    around
}
