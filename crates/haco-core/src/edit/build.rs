//! From raw edits to new file bytes: each file's edits are held against the file as it is, and all must fit.

use super::near::Likeness;
use super::place::{Found, Index, Miss};
use super::raw::{Body, Fresh, Op, Raw, Tag, Tail};
use super::text::{Piece, Text};
use super::{Action, Applied, FileEdit, Kind, Place, Refusal, guard};
use crate::code::Code;
use crate::path::RepoPath;
use std::borrow::Cow;

/// How many misses of one file are told with the nearest lines.
const REPORTS: usize = 6;

/// What becomes of one file; none where the reply has no edit of it.
pub(super) fn build(
    path: &RepoPath,
    old: Option<&[u8]>,
    raws: &[Raw],
    crlf: bool,
) -> Result<Option<FileEdit>, Vec<Refusal>> {
    let refuse = |raw: &Raw, code, why: String| Err(vec![refusal(raw, code, why)]);
    let raws = distinct(raws);
    let Some(first) = raws.first() else { return Ok(None) };
    if raws.iter().any(|r| holds_nul(&r.op)) {
        return refuse(first, Code::BadEdit, format!("the edit of '{path}' holds a NUL byte"));
    }
    let text = match old.map(Text::read).transpose() {
        Ok(text) => text,
        Err(why) => return refuse(first, Code::BadEdit, format!("'{path}' cannot be edited: {why}")),
    };
    let file = File { path, text, crlf };
    let (new, edits) = match whole(&raws) {
        Some(Ok((raw, lines, tail, fresh))) => file.whole(raw, lines, tail, fresh).map_err(|r| vec![r])?,
        Some(Err(raw)) => {
            let why = format!("'{path}' is written whole and also edited otherwise in one reply");
            return refuse(raw, Code::Overlap, why);
        }
        None => file.changed(&raws)?,
    };
    let action = match (old, &new) {
        (Some(old), Some(new)) if old == new.as_slice() => Action::Unchanged,
        (Some(_), Some(_)) => Action::Modify,
        (None, Some(_)) => Action::Create,
        (_, None) => Action::Delete,
    };
    let edits = match action {
        Action::Unchanged => edits.iter().map(|e| Applied { kind: Kind::Unchanged, similarity: None, ..*e }).collect(),
        _ => edits,
    };
    Ok(Some(FileEdit { path: path.clone(), action, new, edits }))
}

fn refusal(raw: &Raw, code: Code, message: String) -> Refusal {
    Refusal::new(code, Some(raw.path.as_str()), message).at(raw.n, Some(raw.line))
}

/// The edits without those that repeat an earlier one, which models do.
fn distinct<'r, 'a>(raws: &'r [Raw<'a>]) -> Vec<&'r Raw<'a>> {
    let mut seen = std::collections::HashSet::new();
    raws.iter().filter(|r| seen.insert(&r.op)).collect()
}

fn holds_nul(op: &Op) -> bool {
    match op {
        Op::Whole { lines, .. } => lines.iter().any(|l| l.contains('\0')),
        Op::Change { body, .. } => body.iter().any(|(_, l)| l.contains('\0')),
        Op::Delete => false,
    }
}

type WholeFile<'r, 'a> = (&'r Raw<'a>, &'r [&'a str], Tail, Fresh);

/// The one whole file among the edits; the edit that stands in its way otherwise.
fn whole<'r, 'a>(raws: &[&'r Raw<'a>]) -> Option<Result<WholeFile<'r, 'a>, &'r Raw<'a>>> {
    let at = raws.iter().position(|r| matches!(r.op, Op::Whole { .. }))?;
    let other = raws.iter().enumerate().find(|(i, _)| *i != at);
    match (&raws[at].op, other) {
        (_, Some((_, other))) => Some(Err(other)),
        (Op::Whole { lines, tail, fresh }, None) => Some(Ok((raws[at], lines, *tail, *fresh))),
        _ => None,
    }
}

/// The file that edits are held against.
struct File<'a> {
    path: &'a RepoPath,
    /// None where it is not there yet.
    text: Option<Text<'a>>,
    /// The reply's lines end in CR LF.
    crlf: bool,
}

/// Some lines of the old file that become other lines.
struct Splice<'a> {
    start: usize,
    end: usize,
    new: Vec<Cow<'a, str>>,
    /// The place of its edit among the file's edits.
    by: usize,
}

type Outcome = (Option<Vec<u8>>, Vec<Applied>);

impl<'a> File<'a> {
    fn lines(&self) -> &[&'a str] {
        self.text.as_ref().map_or(&[], |t| &t.lines)
    }

    fn whole(&self, raw: &Raw, lines: &[&str], tail: Tail, fresh: Fresh) -> Result<Outcome, Refusal> {
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
        let pieces: Vec<Piece> = lines.iter().map(|l| Piece::New(Cow::Borrowed(*l))).collect();
        let bytes = match &self.text {
            Some(text) => text.join(&pieces, tail),
            None => Text::none().join(&pieces, tail),
        };
        Ok((Some(bytes), vec![Applied { line: 1, kind: Kind::Whole, similarity: None }]))
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
    fn changed(&self, raws: &[&Raw]) -> Result<Outcome, Vec<Refusal>> {
        if let (None, Some(raw)) = (&self.text, raws.iter().find(|r| r.op == Op::Delete)) {
            return Err(vec![refusal(raw, Code::NotFound, format!("'{}' is not there to be deleted", self.path))]);
        }
        let index = Index::new(self.lines());
        let mut likeness = None;
        let mut refusals = Vec::new();
        let mut done = Changes { splices: Vec::new(), applied: Vec::new(), tail: Tail::Keep };
        for (by, raw) in raws.iter().enumerate() {
            if let Err(refusal) = self.change(by, raw, &index, &mut done) {
                let report = refusal.code == Code::NotFound && refusals.len() < REPORTS && self.text.is_some();
                let refusal = match (report, &raw.op) {
                    (true, Op::Change { body, .. }) => {
                        let likeness = likeness.get_or_insert_with(|| Likeness::new(self.lines()));
                        with_nearest(refusal, likeness, body)
                    }
                    _ => refusal,
                };
                refusals.push(refusal);
            }
        }
        if refusals.is_empty() { self.join(raws, done).map_err(|r| vec![r]) } else { Err(refusals) }
    }

    fn change<'b>(&self, by: usize, raw: &Raw<'b>, index: &Index, done: &mut Changes<'b>) -> Result<(), Refusal> {
        let path = self.path;
        let Op::Change { body, at, tail } = &raw.op else {
            return Ok(());
        };
        self.refuse_elision(raw, body.iter().filter(|(tag, _)| *tag == Tag::New).map(|(_, l)| *l))?;
        let old: Vec<&str> = body.iter().filter(|(tag, _)| *tag != Tag::New).map(|(_, l)| *l).collect();
        let found = if old.is_empty() {
            self.empty_place(raw)?
        } else if self.text.is_none() {
            return Err(refusal(raw, Code::NotFound, format!("'{path}' is not there to be changed")));
        } else {
            index.find(&old, *at).map_err(|miss| self.missed(raw, &old, miss))?
        };
        if found.start + old.len() == self.lines().len() && *tail != Tail::Keep {
            done.tail = *tail;
        }
        done.applied.push(Applied { line: found.start + 1, kind: self.kind(found.kind), similarity: None });
        let cannot = || {
            format!(
                "the text fits '{path}' at line {}, but for an indentation that the new lines lack",
                found.start + 1
            )
        };
        let splices = splices(by, &found, body).ok_or_else(|| refusal(raw, Code::NotFound, cannot()))?;
        done.splices.extend(splices);
        Ok(())
    }

    /// An edit without old text fits an empty or missing file only.
    fn empty_place(&self, raw: &Raw) -> Result<Found, Refusal> {
        if self.lines().is_empty() {
            return Ok(Found { start: 0, kind: Kind::Exact, shift: super::place::Shift::None });
        }
        let why = format!("the edit of '{}' holds no line of the file, so its place cannot be known", self.path);
        Err(refusal(raw, Code::BadEdit, why))
    }

    fn missed(&self, raw: &Raw, old: &[&str], miss: Miss) -> Refusal {
        let first = old.iter().find(|l| !l.trim().is_empty()).map_or("", |l| l.trim());
        let what = format!("the text that begins '{}' ({} lines)", super::names::short(first), old.len());
        match miss {
            Miss::Nowhere => refusal(raw, Code::NotFound, format!("{what} is not in '{}'", raw.path)),
            Miss::Costly => refusal(raw, Code::Ambiguous, format!("{what} is like too many places in '{}'", raw.path)),
            Miss::Many(starts) => {
                let lines: Vec<usize> = starts.iter().map(|s| s + 1).collect();
                let mut shown: Vec<String> = lines.iter().take(10).map(usize::to_string).collect();
                if lines.len() > shown.len() {
                    shown.push("…".into());
                }
                let why = format!("{what} fits '{}' at lines {}", raw.path, shown.join(", "));
                refusal(raw, Code::Ambiguous, why).candidates(self.places(&lines))
            }
        }
    }

    /// Lines of the file, by their numbers from 1.
    fn places(&self, lines: &[usize]) -> Vec<Place> {
        let text = |line: usize| self.lines().get(line - 1).map_or_else(String::new, |l| super::names::short(l));
        lines.iter().map(|line| Place { line: *line, text: text(*line) }).collect()
    }

    fn kind(&self, kind: Kind) -> Kind {
        let file_crlf = self.text.as_ref().is_some_and(|t| t.end == "\r\n");
        if kind == Kind::Exact && self.text.is_some() && file_crlf != self.crlf { Kind::LineEnds } else { kind }
    }

    fn join(&self, raws: &[&Raw], mut done: Changes) -> Result<Outcome, Refusal> {
        done.splices.sort_by_key(|s| (s.start, s.end));
        if let Some(pair) = done.splices.windows(2).find(|w| clash(&w[0], &w[1])) {
            let (one, two) = (raws[pair[0].by.min(pair[1].by)], raws[pair[0].by.max(pair[1].by)]);
            let line = pair[1].start + 1;
            let why = format!("edits {} and {} both touch '{}' at line {line}", one.n, two.n, self.path);
            return Err(refusal(two, Code::Overlap, why).candidates(self.places(&[line])));
        }
        let pieces = pieces(self.lines().len(), done.splices);
        if let Some(raw) = raws.iter().find(|r| r.op == Op::Delete) {
            if pieces.is_empty() || raws.len() == 1 {
                return Ok((None, vec![Applied { line: 1, kind: Kind::Deleted, similarity: None }]));
            }
            let why = format!("the diff deletes '{}' and leaves {} of its lines", self.path, pieces.len());
            return Err(refusal(raw, Code::BadEdit, why));
        }
        let bytes = match &self.text {
            Some(text) => text.join(&pieces, done.tail),
            None => Text::none().join(&pieces, done.tail),
        };
        Ok((Some(bytes), done.applied))
    }
}

/// What the edits of one file come to.
struct Changes<'a> {
    splices: Vec<Splice<'a>>,
    applied: Vec<Applied>,
    tail: Tail,
}

/// Two edits that change the same line, or insert at the same place.
fn clash(a: &Splice, b: &Splice) -> bool {
    a.by != b.by && (b.start < a.end || (a.start == b.start && a.end == a.start && b.end == b.start))
}

fn pieces<'a>(count: usize, splices: Vec<Splice<'a>>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::with_capacity(count);
    let mut next = 0;
    for splice in splices {
        pieces.extend((next..splice.start).map(Piece::Kept));
        pieces.extend(splice.new.into_iter().map(Piece::New));
        next = splice.end.max(next);
    }
    pieces.extend((next..count).map(Piece::Kept));
    pieces
}

/// The runs of an edit's body that are not context, placed and shifted.
fn splices<'b>(by: usize, found: &Found, body: &Body<'b>) -> Option<Vec<Splice<'b>>> {
    let mut out: Vec<Splice> = Vec::new();
    let mut at = found.start;
    let mut open = false;
    for (tag, line) in body {
        if *tag == Tag::Both {
            at += 1;
            open = false;
            continue;
        }
        if !open {
            out.push(Splice { start: at, end: at, new: Vec::new(), by });
            open = true;
        }
        let splice = out.last_mut().expect("just pushed");
        if *tag == Tag::Old {
            at += 1;
            splice.end = at;
        } else {
            splice.new.push(found.shift.apply(line)?);
        }
    }
    Some(out)
}

/// A miss with the nearest lines.
fn with_nearest(refusal: Refusal, likeness: &Likeness, body: &Body) -> Refusal {
    let old: Vec<&str> = body.iter().filter(|(tag, _)| *tag != Tag::New).map(|(_, l)| *l).collect();
    let near = likeness.nearest(&old);
    let mut message = refusal.message.clone();
    if let Some(first) = near.first() {
        message += &format!("; nearest is line {}: '{}' where the edit has '{}'", first.line, first.has, first.wants);
    }
    Refusal {
        message,
        candidates: near.iter().map(|n| Place { line: n.line, text: n.has.clone() }).collect(),
        ..refusal
    }
}
