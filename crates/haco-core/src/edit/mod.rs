//! From a model's reply to new file bytes, or a refusal that helps: all of a reply or nothing of it.
//!
//! `read` walks the reply and gives raw edits (`blocks`, `udiff`, `envelope`, `json` and `fence` know one form each, `names`
//! knows which file is meant, `soup` what is not read); `build` and `change` hold them against the files. `locate` asks
//! `place`, `gaps` and `drift` in that order, `choose` settles what fits several places, `near` explains a miss. Writing
//! files is the caller's.

mod align;
mod blocks;
mod build;
mod change;
mod choose;
mod done;
mod drift;
mod envelope;
mod fence;
mod gaps;
mod guard;
mod json;
mod late;
mod lines;
mod locate;
mod loss;
mod names;
mod near;
mod outcome;
mod permit;
mod piece;
mod place;
mod print;
mod raw;
mod read;
mod refuse;
mod runs;
mod seat;
mod settle;
mod shift;
mod soup;
mod splice;
#[cfg(test)]
mod tests;
mod text;
mod udiff;

pub use names::looks_like_path;
pub use outcome::{Action, Applied, Edited, FileEdit, Flag, Kind};
pub use print::{Changed, Side, print};
pub use refuse::{Place, Refusal, refusal_text};

use crate::code::Code;
use crate::path::{RepoPath, runs_on_host};
use names::Names;
use raw::{Op, Raw, Reading};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest reply that is read, in bytes.
pub const REPLY_BYTES: usize = 16 << 20;

/// The most lines that a reply may have.
pub const REPLY_LINES: usize = 600_000;

/// The form of edits that a model is asked for. All forms are read whatever was asked; `Whole` also takes a reply
/// without a fence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Whatever the reply holds.
    #[default]
    Auto,
    /// Whole files, in fences.
    Whole,
    /// Blocks of SEARCH and REPLACE.
    SearchReplace,
    /// Unified diffs.
    Udiff,
    /// The envelope `*** Begin Patch`.
    Patch,
    /// JSON objects with a path, old and new text.
    Json,
}

/// The files that a reply may touch.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// May be modified or deleted; one that is not there yet may be created.
    pub targets: &'a [RepoPath],
    /// May be created.
    pub new_files: &'a [RepoPath],
}

/// How alike the lines of an edit and of a file must be where they are not the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearness {
    /// The least likeness of a place, up to 1.
    pub least: f64,
    /// How far it must be ahead of the second place.
    pub ahead: f64,
}

impl Default for Nearness {
    /// As set on the curves in `benches/edit`.
    fn default() -> Nearness {
        Nearness { least: drift::LEAST, ahead: drift::AHEAD }
    }
}

/// Applies all edits of `reply` to the files in `existing`, or says for every edit that does not fit why.
///
/// # Errors
/// All refusals, in the order of the reply; then nothing is applied.
pub fn apply(
    reply: &str,
    format: Format,
    scope: &Scope,
    existing: &BTreeMap<RepoPath, Vec<u8>>,
) -> Result<Edited, Vec<Refusal>> {
    apply_within(reply, format, scope, existing, Nearness::default())
}

/// The same with other thresholds, by which the right ones are found.
///
/// # Errors
/// As [`apply`].
pub fn apply_within(
    reply: &str,
    format: Format,
    scope: &Scope,
    existing: &BTreeMap<RepoPath, Vec<u8>>,
    nearness: Nearness,
) -> Result<Edited, Vec<Refusal>> {
    if reply.len() > REPLY_BYTES {
        return Err(vec![Refusal::new(Code::BadEdit, None, "the reply is longer than 16 MiB")]);
    }
    if reply.bytes().filter(|b| *b == b'\n').count() > REPLY_LINES {
        return Err(vec![Refusal::new(Code::BadEdit, None, "the reply has more than 600,000 lines")]);
    }
    if reply.trim().is_empty() {
        return Err(vec![Refusal::new(Code::EmptyReply, None, "the reply is empty")]);
    }
    let cut = lines::lines(reply);
    let names = Names::new(scope, existing);
    let values = json::find(&cut.lines);
    let mut reading = read::read(&cut.lines, &values, &names);
    if cut.still_thinking {
        reading.refusals.push(Refusal::new(Code::TruncatedEdit, None, "the reply ends while the model still thinks"));
    }
    settle::settle(&mut reading, &cut.lines, format, &names);
    let mut files = Vec::new();
    let mut refusals = std::mem::take(&mut reading.refusals);
    let manner = change::Manner { crlf: cut.crlf, nearness };
    let by_file = by_file(&reading.raws);
    for raws in by_file.values() {
        let path = &raws[0].path;
        let made = permit::permit(raws, path, scope, existing, &names)
            .and_then(|()| permit::permit_moves(raws, &by_file, scope, existing, &names))
            .map_err(|refusal| vec![refusal])
            .and_then(|()| build::build(path, done::before(path, raws, scope, existing), raws, manner));
        match made.and_then(|more| permit::made_only(more, &raws[0], scope, existing)) {
            Ok(more) => files.extend(more),
            Err(more) => refusals.extend(more),
        }
    }
    files.sort_by(|a: &FileEdit, b| a.path.cmp(&b.path));
    refusals.extend(permit::colliding(&files, existing));
    if !refusals.is_empty() {
        refusals.sort_by_key(|r| r.edit);
        return Err(refusals);
    }
    let flags = flags(&files, &reading, existing);
    Ok(Edited { format: form(&reading.raws), files, flags })
}

fn by_file<'a>(raws: &[Raw<'a>]) -> BTreeMap<RepoPath, Vec<Raw<'a>>> {
    let mut by: BTreeMap<RepoPath, Vec<Raw>> = BTreeMap::new();
    for raw in raws {
        by.entry(raw.path.clone()).or_default().push(raw.clone());
    }
    by
}

fn form(raws: &[Raw]) -> Format {
    match raws {
        [first, rest @ ..] if rest.iter().all(|r| r.form == first.form) => first.form,
        _ => Format::Auto,
    }
}

fn flags(files: &[FileEdit], reading: &Reading, existing: &BTreeMap<RepoPath, Vec<u8>>) -> Vec<Flag> {
    let mut flags = Vec::new();
    for raw in &reading.raws {
        if let Op::Move { to, .. } = &raw.op {
            for path in [&raw.path, to] {
                let message = format!("'{}' is moved to '{to}'", raw.path);
                flags.push(Flag { path: path.clone(), message });
            }
        }
    }
    for file in files {
        let path = &file.path;
        let mut flag = |message: String| flags.push(Flag { path: path.clone(), message });
        if runs_on_host(path) {
            flag(format!("'{path}' runs on the host when someone next works in the repository"));
        }
        let old = existing.get(path).map_or(&[][..], Vec::as_slice);
        if file.new.as_deref().is_some_and(|new| guard::brings_conflict_marks(old, new)) {
            flag(format!("'{path}' now holds conflict markers"));
        }
        if reading.executable.contains(path) {
            flag(format!("the reply wants '{path}' to be executable; modes are not taken from a reply"));
        }
    }
    flags
}
