//! From raw edits to what becomes of each file: all edits of a file are held against it as it is, and all must fit.

use super::change::{File, Manner};
use super::raw::{Fresh, Op, Raw, Tail};
use super::text::Text;
use super::{Action, Applied, FileEdit, Kind, Refusal};
use crate::code::Code;
use crate::path::RepoPath;
use std::collections::HashMap;

/// One edit, and how often the reply has it.
pub(super) type Counted<'r, 'a> = (&'r Raw<'a>, usize);

/// What becomes of one file, and of the one that it is moved to.
pub(super) fn build(
    path: &RepoPath,
    old: Option<&[u8]>,
    raws: &[Raw],
    manner: Manner,
) -> Result<Vec<FileEdit>, Vec<Refusal>> {
    let refuse = |raw: &Raw, code, why: String| Err(vec![refusal(raw, code, why)]);
    let (edits, moved) = distinct(raws);
    if let Some((raw, _)) = edits.iter().find(|(r, _)| holds_nul(&r.op)) {
        return refuse(raw, Code::BadEdit, format!("the edit of '{path}' holds a NUL byte"));
    }
    if let Some(second) = moved.get(1) {
        return refuse(second, Code::Overlap, format!("'{path}' is moved twice"));
    }
    let text = match old.map(Text::read).transpose() {
        Ok(text) => text,
        Err(why) => return refuse(&raws[0], Code::BadEdit, format!("'{path}' cannot be edited: {why}")),
    };
    let file = File { path, text, manner };
    let (new, done) = match whole(&edits) {
        _ if edits.is_empty() => (old.map(<[u8]>::to_vec), Vec::new()),
        Some(Ok((raw, lines, tail, fresh))) => file.whole(raw, lines, tail, fresh).map_err(|r| vec![r])?,
        Some(Err(raw)) => {
            let why = format!("'{path}' is written whole and also edited otherwise in one reply");
            return refuse(raw, Code::Overlap, why);
        }
        None => file.changed(&edits)?,
    };
    match moved.first() {
        Some(raw) => take_away(raw, new, done).map_err(|r| vec![r]),
        None => Ok(vec![stays(path, old, new, done)]),
    }
}

fn stays(path: &RepoPath, old: Option<&[u8]>, new: Option<Vec<u8>>, done: Vec<Applied>) -> FileEdit {
    let action = match (old, &new) {
        (Some(old), Some(new)) if old == new.as_slice() => Action::Unchanged,
        (Some(_), Some(_)) => Action::Modify,
        (None, Some(_)) => Action::Create,
        (_, None) => Action::Delete,
    };
    let edits = match action {
        Action::Unchanged => done.iter().map(|e| Applied { kind: Kind::Unchanged, similarity: None, ..*e }).collect(),
        _ => done,
    };
    FileEdit { path: path.clone(), action, from: None, new, edits }
}

/// The old name's end and the new name's beginning.
fn take_away(raw: &Raw, new: Option<Vec<u8>>, done: Vec<Applied>) -> Result<Vec<FileEdit>, Refusal> {
    let Op::Move { to, .. } = &raw.op else { return Ok(Vec::new()) };
    let Some(new) = new else {
        return Err(refusal(raw, Code::NotFound, format!("'{}' is not there to be moved", raw.path)));
    };
    let moved = Applied { line: 1, kind: Kind::Moved, similarity: None };
    let edits = done.into_iter().chain([moved]).collect();
    Ok(vec![
        FileEdit { path: raw.path.clone(), action: Action::Delete, from: None, new: None, edits: vec![moved] },
        FileEdit { path: to.clone(), action: Action::Create, from: Some(raw.path.clone()), new: Some(new), edits },
    ])
}

pub(super) fn refusal(raw: &Raw, code: Code, message: String) -> Refusal {
    Refusal::new(code, Some(raw.path.as_str()), message).at(raw.n, Some(raw.line))
}

/// The edits and the moves, each once, with the number of times that it stands in the reply: models repeat themselves.
fn distinct<'r, 'a>(raws: &'r [Raw<'a>]) -> (Vec<Counted<'r, 'a>>, Vec<&'r Raw<'a>>) {
    let mut seen: HashMap<&Op, usize> = HashMap::new();
    let (mut edits, mut moves): (Vec<Counted>, Vec<&Raw>) = (Vec::new(), Vec::new());
    for raw in raws {
        match (seen.get(&raw.op), &raw.op) {
            (Some(n), Op::Change(_) | Op::Text { .. }) => edits[*n].1 += 1,
            (Some(_), _) => {}
            (None, Op::Move { .. }) => {
                seen.insert(&raw.op, usize::MAX);
                moves.push(raw);
            }
            (None, _) => {
                seen.insert(&raw.op, edits.len());
                edits.push((raw, 1));
            }
        }
    }
    (edits, moves)
}

fn holds_nul(op: &Op) -> bool {
    match op {
        Op::Whole { lines, .. } | Op::Insert { lines, .. } => lines.iter().any(|l| l.contains('\0')),
        Op::Change(change) => change.body.iter().any(|(_, l)| l.contains('\0')),
        Op::Text { old, new, .. } => old.contains('\0') || new.contains('\0'),
        Op::Delete | Op::Move { .. } => false,
    }
}

type WholeFile<'r, 'a> = (&'r Raw<'a>, &'r [&'a str], Tail, Fresh);

/// The one whole file among the edits; the edit that stands in its way otherwise.
fn whole<'r, 'a>(edits: &[Counted<'r, 'a>]) -> Option<Result<WholeFile<'r, 'a>, &'r Raw<'a>>> {
    let at = edits.iter().position(|(r, _)| matches!(r.op, Op::Whole { .. }))?;
    let other = edits.iter().enumerate().find(|(i, _)| *i != at);
    match (&edits[at].0.op, other) {
        (_, Some((_, (other, _)))) => Some(Err(other)),
        (Op::Whole { lines, tail, fresh }, None) => Some(Ok((edits[at].0, lines, *tail, *fresh))),
        _ => None,
    }
}
