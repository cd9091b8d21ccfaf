//! One file and the edits of it: each is located, all are held against each other, and the new bytes are made, or every
//! reason why not is told.

use super::build::{Counted, refusal};
use super::locate::{Ground, State, settle};
use super::near::Likeness;
use super::place::Fit;
use super::raw::{Change, Fresh, Op, Raw, Tag, Tail};
use super::splice::{Splice, clash, spliced, splices};
use super::text::{Piece, Text};
use super::{Applied, Kind, Nearness, Place, Refusal, guard, late, piece};
use crate::code::Code;
use crate::path::RepoPath;
use std::borrow::Cow;
use std::collections::HashSet;

/// How many misses of one file are told with the nearest lines.
const REPORTS: usize = 6;

/// How many refusals of one file are told; those behind them are not judged.
const TOLD: usize = 1000;

/// How many edits of one file may speak of what others bring, each of which takes a search of its own.
const LATE: usize = 100;

/// The file that edits are held against.
pub(super) struct File<'a> {
    pub path: &'a RepoPath,
    /// None where it is not there yet.
    pub text: Option<Text<'a>>,
    pub manner: Manner,
}

/// What holds for all files of a reply.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Its lines end in CR LF.
    pub crlf: bool,
    pub nearness: Nearness,
}

type Outcome = (Option<Vec<u8>>, Vec<Applied>);

/// What the edits of one file come to.
#[derive(Default)]
pub(super) struct Done<'a> {
    pub splices: Vec<Splice<'a>>,
    pub applied: Vec<(usize, Applied)>,
    pub tail: Option<Tail>,
    pub late: Vec<usize>,
}

impl<'a> File<'a> {
    pub fn lines(&self) -> &[&'a str] {
        self.text.as_ref().map_or(&[], |t| &t.lines)
    }

    pub fn whole(&self, raw: &Raw, lines: &[&str], tail: Tail, fresh: Fresh) -> Result<Outcome, Refusal> {
        let path = self.path;
        if fresh == Fresh::Yes && self.text.is_some() {
            return Err(refusal(raw, Code::BadEdit, format!("the diff creates '{path}', which is already there")));
        }
        self.refuse_elision(raw, lines.iter().copied())?;
        let (old, new) = (self.lines().len(), lines.len());
        if guard::shrinks(old, new) {
            let why = format!("the reply leaves {new} of the {old} lines of '{path}'");
            return Err(refusal(raw, Code::Shrinks, why));
        }
        if let Some(stub) = super::loss::stub(self.lines(), lines) {
            let stub = super::names::short(stub.trim());
            let why = format!("the new text of '{path}' has a stub for what had a body: '{stub}'");
            return Err(refusal(raw, Code::Elided, why));
        }
        let pieces: Vec<Piece> = lines.iter().map(|l| Piece::New(Cow::Borrowed(*l))).collect();
        let applied = Applied { line: 1, kind: Kind::Whole, similarity: None };
        Ok((Some(self.join(&pieces, tail)), vec![applied]))
    }

    fn join(&self, pieces: &[Piece], tail: Tail) -> Vec<u8> {
        match &self.text {
            Some(text) => text.join(pieces, tail),
            None => Text::none().join(pieces, tail),
        }
    }

    fn refuse_elision<'l>(&self, raw: &Raw, new: impl Iterator<Item = &'l str>) -> Result<(), Refusal> {
        match guard::elided(new, self.lines(), self.path) {
            None => Ok(()),
            Some(line) => {
                let line = super::names::short(line.trim());
                let why = format!("the new text of '{}' leaves something out: '{line}'", self.path);
                Err(refusal(raw, Code::Elided, why))
            }
        }
    }

    /// All changes, or all the reasons why they do not fit.
    pub fn changed(&self, edits: &[Counted<'_, 'a>]) -> Result<Outcome, Vec<Refusal>> {
        let raws: Vec<&Raw<'a>> = edits.iter().map(|(r, _)| *r).collect();
        if self.text.is_none() && raws.iter().any(|r| r.op == Op::Delete) {
            return Ok((None, vec![Applied { line: 1, kind: Kind::Deleted, similarity: None }]));
        }
        let ground = Ground::new(self.lines(), self.manner.nearness);
        let mut refusals = Vec::new();
        let mut changes: Vec<Option<Change>> = Vec::with_capacity(raws.len());
        let mut states: Vec<State> = Vec::with_capacity(raws.len());
        let mut brought: HashSet<&str> = HashSet::new();
        for (by, raw) in raws.iter().enumerate() {
            let (change, state) = self.placed(by, raw, &ground, &brought).unwrap_or_else(|refusal| {
                refusals.push(refusal);
                (None, State::Present(0))
            });
            brought.extend(change.iter().flat_map(Change::brought).map(str::trim).filter(|l| !l.is_empty()));
            changes.push(change);
            states.push(state);
        }
        settle(&raws, &changes, &mut states, self.lines());
        let is_there = |i: usize| match (&states[i], &changes[i]) {
            (State::Present(_), _) => true,
            (_, Some(change)) => ground.has_new(raws[i], change),
            _ => false,
        };
        let some = states.iter().zip(&changes).any(|(s, c)| matches!(s, State::Present(_)) && c.is_some());
        if some && (0..states.len()).all(is_there) {
            states.iter_mut().filter(|s| !matches!(s, State::Present(_))).for_each(|s| *s = State::Present(0));
        }
        let mut done = Done::default();
        let mut likeness = None;
        for (by, state) in states.into_iter().enumerate() {
            if refusals.len() >= TOLD {
                break;
            }
            let report = refusals.len() < REPORTS;
            let taken = self.take(&edits[by], by, changes[by].as_ref(), state, &mut done);
            if let Err(refusal) = taken {
                refusals.push(match &changes[by] {
                    Some(change) if report && refusal.code == Code::NotFound && self.text.is_some() => {
                        self.with_nearest(refusal, likeness.get_or_insert_with(|| Likeness::new(self.lines())), change)
                    }
                    _ => refusal,
                });
            }
        }
        if refusals.is_empty() { self.finish(&raws, &changes, done) } else { Err(refusals) }
    }

    /// What an edit changes and where that belongs.
    fn placed(
        &self,
        by: usize,
        raw: &Raw<'a>,
        ground: &Ground,
        brought: &HashSet<&str>,
    ) -> Result<(Option<Change<'a>>, State<'a>), Refusal> {
        let change = match &raw.op {
            Op::Change(change) => change.clone(),
            Op::Text { old, new, places } => match piece::place(by, raw, (old, new, *places), self.lines())? {
                piece::Placed::Here(splice) => return Ok((None, State::Cut(splice))),
                piece::Placed::Present(line) => return Ok((None, State::Present(line))),
                piece::Placed::Lines(change) => change,
            },
            Op::Insert { after, lines } if *after <= self.lines().len() => {
                let new = lines.iter().map(|l| Cow::Borrowed(*l)).collect();
                return Ok((None, State::Cut(Splice { start: *after, end: *after, new, by })));
            }
            Op::Insert { after, .. } => {
                let why = format!("'{}' has {} lines, and none with number {after}", self.path, self.lines().len());
                return Err(refusal(raw, Code::NotFound, why));
            }
            Op::Whole { .. } | Op::Delete | Op::Move { .. } => return Ok((None, State::Present(0))),
        };
        if change.body.iter().all(|(tag, _)| *tag == Tag::Both) {
            return Ok((None, State::Present(change.at.unwrap_or(1).saturating_sub(1))));
        }
        self.refuse_elision(raw, change.brought())?;
        let state = if change.old().is_empty() {
            State::Cut(self.unanchored(by, raw, &change)?)
        } else if self.text.is_none() {
            let why = format!("'{}' is not there to be changed", self.path);
            return Err(refusal(raw, Code::NotFound, why));
        } else {
            ground.locate(raw, &change, brought)
        };
        Ok((Some(change), state))
    }

    /// An edit without old text fits an empty or missing file; in a patch without an anchor, the end of the file.
    fn unanchored(&self, by: usize, raw: &Raw, change: &Change<'a>) -> Result<Splice<'a>, Refusal> {
        let at_end = raw.form == super::Format::Patch && change.anchors.is_empty();
        if self.lines().is_empty() || at_end {
            let end = self.lines().len();
            return Ok(Splice { start: end, end, new: change.brought().map(Cow::Borrowed).collect(), by });
        }
        let why = format!("the edit of '{}' holds no line of the file, so its place cannot be known", self.path);
        Err(refusal(raw, Code::BadEdit, why))
    }

    /// Records where an edit changes the file, or says why it cannot.
    fn take(
        &self,
        (raw, count): &Counted<'_, 'a>,
        by: usize,
        change: Option<&Change<'a>>,
        state: State<'a>,
        done: &mut Done<'a>,
    ) -> Result<(), Refusal> {
        let fits = match state {
            State::Set(fit) => vec![fit],
            State::Open(fits) if fits.len() == *count => fits,
            State::Parts(parts) => {
                for (part, fit) in &parts {
                    self.record(raw, by, part, fit, done)?;
                }
                return Ok(());
            }
            State::Cut(splice) => {
                let tail = change.map(|c| c.tail).filter(|t| *t != Tail::Keep && splice.end == self.lines().len());
                done.tail = tail.or(done.tail);
                done.applied
                    .push((by, Applied { line: splice.start + 1, kind: self.kind(Kind::Exact), similarity: None }));
                done.splices.push(splice);
                return Ok(());
            }
            State::Present(line) => {
                let applied = Applied { line: line + 1, kind: Kind::Unchanged, similarity: None };
                done.applied.extend((!matches!(raw.op, Op::Delete)).then_some((by, applied)));
                return Ok(());
            }
            State::Late => {
                done.late.push(by);
                return Ok(());
            }
            other => return Err(self.missed(raw, change, other)),
        };
        let Some(change) = change else { return Ok(()) };
        for fit in &fits {
            self.record(raw, by, change, fit, done)?;
        }
        Ok(())
    }

    fn record(&self, raw: &Raw, by: usize, change: &Change<'a>, fit: &Fit, done: &mut Done<'a>) -> Result<(), Refusal> {
        if fit.end() == self.lines().len() && change.tail != Tail::Keep {
            done.tail = Some(change.tail);
        }
        let line = fit.first() + 1;
        done.applied.push((by, Applied { line, kind: self.kind(fit.kind), similarity: fit.similarity }));
        let cannot =
            || format!("the text fits '{}' at line {line}, but for an indentation that the new lines lack", self.path);
        let splices = splices(by, fit, &change.body).ok_or_else(|| refusal(raw, Code::NotFound, cannot()))?;
        done.splices.extend(splices);
        Ok(())
    }

    fn missed(&self, raw: &Raw, change: Option<&Change>, state: State) -> Refusal {
        let old = change.map(Change::old).unwrap_or_default();
        let first = old.iter().map(|(_, l)| l.trim()).find(|l| !l.is_empty()).unwrap_or("");
        let count = if old.len() == 1 { "1 line".to_owned() } else { format!("{} lines", old.len()) };
        let what = format!("the text that begins '{}' ({count})", super::names::short(first));
        match state {
            State::Open(fits) => {
                let lines: Vec<usize> = fits.iter().map(|f| f.first() + 1).collect();
                let mut shown: Vec<String> = lines.iter().take(10).map(usize::to_string).collect();
                if lines.len() > shown.len() {
                    shown.push("…".into());
                }
                let why = format!("{what} fits '{}' at lines {}", raw.path, shown.join(", "));
                refusal(raw, Code::Ambiguous, why).candidates(self.places(&lines))
            }
            State::Unseen(line) => {
                let line = super::names::short(&line);
                let why =
                    format!("{what} has '{line}' for lines of '{}' that are to go away: write them out", raw.path);
                refusal(raw, Code::Elided, why)
            }
            State::Costly => refusal(raw, Code::Ambiguous, format!("{what} is like too many places in '{}'", raw.path)),
            State::Missing(near) => {
                let lines: Vec<usize> = near.iter().map(|i| i + 1).collect();
                refusal(raw, Code::NotFound, format!("{what} is not in '{}'", raw.path)).candidates(self.places(&lines))
            }
            _ => refusal(raw, Code::NotFound, format!("{what} is not in '{}'", raw.path)),
        }
    }

    /// Lines of the file, by their numbers from 1.
    pub fn places(&self, lines: &[usize]) -> Vec<Place> {
        let text = |line: usize| self.lines().get(line - 1).map_or_else(String::new, |l| super::names::short(l));
        lines.iter().map(|line| Place { line: *line, text: text(*line) }).collect()
    }

    /// A miss with the nearest lines.
    fn with_nearest(&self, refusal: Refusal, likeness: &Likeness, change: &Change) -> Refusal {
        let old: Vec<&str> = change.old().iter().map(|(_, l)| *l).collect();
        let near = likeness.nearest(&old);
        let mut message = refusal.message.clone();
        if let Some(first) = near.first() {
            message +=
                &format!("; nearest is line {}: '{}' where the edit has '{}'", first.line, first.has, first.wants);
        }
        if near.is_empty() {
            return refusal;
        }
        Refusal {
            message,
            candidates: near.iter().map(|n| Place { line: n.line, text: n.has.clone() }).collect(),
            ..refusal
        }
    }

    fn kind(&self, kind: Kind) -> Kind {
        let file_crlf = self.text.as_ref().is_some_and(|t| t.end == "\r\n");
        if kind == Kind::Exact && self.text.is_some() && file_crlf != self.manner.crlf { Kind::LineEnds } else { kind }
    }

    fn finish(
        &self,
        raws: &[&Raw<'a>],
        changes: &[Option<Change<'a>>],
        mut done: Done<'a>,
    ) -> Result<Outcome, Vec<Refusal>> {
        done.splices.sort_by_key(|s| (s.start, s.end));
        done.splices.dedup_by(|b, a| a.start == b.start && a.end == b.end && a.new == b.new && a.start < a.end);
        put_off(raws, &mut done);
        if let Some(by) = done.late.get(LATE) {
            let why = format!("more than {LATE} edits of '{}' touch what other edits change", self.path);
            return Err(vec![refusal(raws[*by], Code::Overlap, why)]);
        }
        if let Some(pair) = done.splices.windows(2).find(|w| clash(&w[0], &w[1])) {
            let (one, two) = (raws[pair[0].by.min(pair[1].by)], raws[pair[0].by.max(pair[1].by)]);
            let line = pair[1].start + 1;
            let why = format!("edits {} and {} both touch '{}' at line {line}", one.n, two.n, self.path);
            return Err(vec![refusal(two, Code::Overlap, why).candidates(self.places(&[line]))]);
        }
        let old: Vec<Piece> = (0..self.lines().len()).map(Piece::Kept).collect();
        let mut pieces = spliced(old, done.splices);
        for by in &done.late {
            let raw = raws[*by];
            let (next, applied) = match (&raw.op, changes[*by].as_ref()) {
                (Op::Text { old, new, places }, _) => late::put_text(raw, (*old, *new, *places), pieces, self)?,
                (_, Some(change)) => late::put(raw, change, pieces, self)?,
                (_, None) => continue,
            };
            pieces = next;
            done.applied.push((*by, applied));
        }
        if let Some(raw) = raws.iter().find(|r| r.op == Op::Delete) {
            if pieces.is_empty() || raws.len() == 1 {
                return Ok((None, vec![Applied { line: 1, kind: Kind::Deleted, similarity: None }]));
            }
            let why = format!("the diff deletes '{}' and leaves {} of its lines", self.path, pieces.len());
            return Err(vec![refusal(raw, Code::BadEdit, why)]);
        }
        done.applied.sort_by_key(|(by, _)| *by);
        let bytes = self.join(&pieces, done.tail.unwrap_or(Tail::Keep));
        Ok((Some(bytes), done.applied.into_iter().map(|(_, a)| a).collect()))
    }
}

/// Puts off pieces of text that lie in lines which an earlier edit changes, until that one is made.
fn put_off(raws: &[&Raw], done: &mut Done) {
    let meets = |w: &[Splice]| clash(&w[0], &w[1]).then(|| w[0].by.max(w[1].by));
    while let Some(by) = done.splices.windows(2).find_map(meets).filter(|by| matches!(raws[*by].op, Op::Text { .. })) {
        done.splices.retain(|s| s.by != by);
        done.applied.retain(|(n, _)| *n != by);
        done.late.push(by);
        if done.late.len() > LATE {
            break;
        }
    }
    done.late.sort_unstable();
}
