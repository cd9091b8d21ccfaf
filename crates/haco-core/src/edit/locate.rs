//! Where each edit of one file belongs: the best kind of fit wins, what is there already needs nothing, and what fits
//! several places is settled by what the reply says of the others.

use super::choose::{Around, choose};
use super::drift::{Drift, Nearly};
use super::gaps::{self, Dense};
use super::place::{Costly, Fit, Index};
use super::raw::{Change, Raw, Tag};
use super::splice::{Splice, splices};
use super::{Kind, Nearness, runs};
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
    /// Its runs fit here one by one, in order.
    Parts(Vec<(Change<'a>, Fit)>),
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
    nearness: Nearness,
}

impl<'t> Ground<'t> {
    pub fn new(lines: &'t [&'t str], nearness: Nearness) -> Ground<'t> {
        Ground { lines, nearness, index: Index::new(lines), dense: OnceCell::new(), drift: OnceCell::new() }
    }

    /// Where `change` belongs, as far as the file alone tells. `brought` holds the lines that earlier edits bring.
    pub fn locate<'a>(&self, raw: &Raw, change: &Change<'a>, brought: &HashSet<&str>) -> State<'a> {
        self.try_locate(raw, change, brought).unwrap_or(State::Costly)
    }

    fn try_locate<'a>(&self, raw: &Raw, change: &Change<'a>, brought: &HashSet<&str>) -> Result<State<'a>, Costly> {
        let (old, is_diff) = (change.old(), raw.is_diff());
        let mut fits = self.index.fits(&old, is_diff)?;
        let cosmetic = change.is_cosmetic();
        if cosmetic {
            fits.retain(|fit| self.is_verbatim(&old, fit));
        }
        if let Some(there) = self.stands_at(change, &fits) {
            return Ok(State::Present(there));
        }
        if cosmetic && fits.is_empty() {
            let there = self.present(change, &fits, is_diff)?;
            return Ok(there.map_or(State::Missing(Vec::new()), State::Present));
        }
        if fits.is_empty() {
            let news = |line: &str| gaps::weight(line) > 0 && brought.contains(line.trim()) && !self.index.says(line);
            if old.iter().any(|(_, l)| news(l)) {
                return Ok(State::Late);
            }
            let dense = self.dense.get_or_init(|| Dense::new(self.lines));
            fits = dense.fits(self.lines, &change.body, is_diff)?;
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

    /// Whether every line that goes away stands in the file as the edit has it.
    fn is_verbatim(&self, old: &[(Tag, &str)], fit: &Fit) -> bool {
        let mut gone = old.iter().zip(&fit.at).filter(|((tag, _), _)| *tag == Tag::Old);
        gone.all(|((_, l), at)| at.is_some_and(|i| self.lines[i] == *l))
    }

    /// The line by which the reply names the place, where the new text stands there and the old one only elsewhere.
    fn stands_at(&self, change: &Change, fits: &[Fit]) -> Option<usize> {
        let at = change.at?.checked_sub(1)?;
        let new = change.new_lines();
        let here = self.lines.get(at..at + new.len())? == new.as_slice();
        let told: usize = change.brought().map(gaps::weight).sum();
        (here && told >= PRESENT && !fits.iter().any(|f| f.first() == at)).then_some(at)
    }

    /// Whether the new text of a change stands somewhere in the file.
    pub fn has_new(&self, raw: &Raw, change: &Change) -> bool {
        let new: Vec<(Tag, &str)> = change.new_lines().into_iter().map(|l| (Tag::Old, l)).collect();
        let fits = self.index.fits(&new, raw.is_diff()).unwrap_or_default();
        fits.iter().any(|fit| self.is_verbatim(&new, fit))
    }

    fn nearly<'a>(
        &self,
        change: &Change<'a>,
        old: &[(Tag, &str)],
        brought: &HashSet<&str>,
        is_diff: bool,
    ) -> Result<State<'a>, Costly> {
        if let Some(line) = gaps::drops_unseen(&self.index, old) {
            return Ok(State::Unseen(line.trim().to_owned()));
        }
        if old.iter().any(|(_, l)| gaps::weight(l) > 0 && brought.contains(l.trim())) {
            return Ok(State::Late);
        }
        let hint = change.at.and_then(|at| at.checked_sub(1));
        let near = match self.drift().find(&self.index, &change.body, hint, is_diff)? {
            Nearly::One(fit) => return Ok(State::Set(fit)),
            Nearly::Unsure(near) => near,
            Nearly::Nothing => Vec::new(),
        };
        Ok(self.one_by_one(change, is_diff)?.map_or(State::Missing(near), State::Parts))
    }

    fn drift(&self) -> &Drift<'t> {
        self.drift.get_or_init(|| Drift::new(self.lines, self.nearness))
    }

    /// The runs of a change, where each has its one place and they stand in order.
    fn one_by_one<'a>(&self, change: &Change<'a>, is_diff: bool) -> Result<Option<Vec<(Change<'a>, Fit)>>, Costly> {
        let Some(parts) = runs::split(change) else { return Ok(None) };
        let mut out: Vec<(Change, Fit)> = Vec::new();
        let mut from = 0;
        for part in parts {
            let mut fits = self.index.fits(&part.old(), is_diff)?;
            let fit = match fits.len() {
                1 => fits.remove(0),
                0 if !part.old().is_empty() => match self.drift().find(&self.index, &part.body, None, is_diff)? {
                    Nearly::One(fit) => fit,
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            };
            let Some(changed) = splices(0, &fit, &part.body) else { return Ok(None) };
            if changed.iter().any(|s| s.start < from) {
                return Ok(None);
            }
            from = changed.last().map_or(from, |s| s.end.max(s.start + 1));
            out.push((part, Fit { kind: Kind::Similar, similarity: fit.similarity.or(Some(0.99)), ..fit }));
        }
        Ok(Some(out))
    }

    /// The line from which the new text stands in the file already, where the old text does not stand there without it.
    fn present(&self, change: &Change, fits: &[Fit], is_diff: bool) -> Result<Option<usize>, Costly> {
        let told: usize = change.brought().map(gaps::weight).sum();
        let new: Vec<(Tag, &str)> = change.new_lines().into_iter().map(|l| (Tag::Both, l)).collect();
        let has_old = change.body.iter().any(|(tag, _)| *tag == Tag::Old);
        if new.is_empty() || (fits.is_empty() && told < PRESENT && !self.is_gone(change)) {
            return Ok(None);
        }
        let stands = |fit: &Fit| {
            let brought = change.body.iter().filter(|(tag, _)| *tag != Tag::Old).zip(&fit.at);
            let mut new = brought.filter(|((tag, _), _)| *tag == Tag::New);
            new.all(|((_, l), at)| at.is_some_and(|i| fit.shift.apply_new(l).is_some_and(|l| l == self.lines[i])))
        };
        match fits {
            [] => Ok(self.index.fits(&new, is_diff)?.iter().find(|f| stands(f)).map(Fit::first)),
            [fit] if !has_old && told >= PRESENT => {
                let here = |start: usize| Fit::run(start, new.len(), fit.kind, fit.shift.clone());
                let says = |fit: &Fit| {
                    let there = self.lines.get(fit.first()..fit.end());
                    there.is_some_and(|h| h.iter().zip(&new).all(|(h, (_, n))| h.trim() == n.trim())) && stands(fit)
                };
                let starts = [Some(fit.first()), fit.end().checked_sub(new.len())];
                Ok(starts.into_iter().flatten().find(|s| says(&here(*s))))
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
