//! From a model's reply to new file bytes, or a refusal that helps: all of a reply or nothing of it.
//!
//! `read` walks the reply and gives raw edits (`fence`, `blocks`, `udiff` know one form each, `names` knows which file is
//! meant); `build` holds them against the files (`place` finds, `near` explains a miss). Writing files is the caller's.

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
mod piece;
mod place;
mod print;
mod raw;
mod read;
mod refuse;
mod settle;
mod shift;
mod soup;
mod splice;
#[cfg(test)]
mod tests;
mod text;
mod udiff;

pub use names::looks_like_path;
pub use print::{Changed, Side, print};
pub use refuse::{Place, Refusal, refusal_text};

use crate::code::Code;
use crate::path::{RepoPath, runs_on_host};
use names::Names;
use raw::{Op, Raw, Reading};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The longest reply that is read, in bytes.
pub const REPLY_BYTES: usize = 16 << 20;

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

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edited {
    /// The form that the reply has; `Auto` where it mixes forms.
    pub format: Format,
    /// The files that the reply edits, by path, those that already are as it has them among them; never empty.
    pub files: Vec<FileEdit>,
    /// What the person who accepts should look at.
    pub flags: Vec<Flag>,
}

impl Edited {
    /// The files whose bytes change.
    pub fn changes(&self) -> impl Iterator<Item = &FileEdit> {
        self.files.iter().filter(|f| f.action != Action::Unchanged)
    }

    /// This where it changes a file; a draft that changes nothing is refused.
    ///
    /// # Errors
    /// One refusal with the code `unchanged`.
    pub fn changing(self) -> Result<Edited, Vec<Refusal>> {
        if self.changes().next().is_some() {
            return Ok(self);
        }
        let why = "the reply changes nothing: the files already are like that";
        Err(vec![Refusal::new(Code::Unchanged, None, why)])
    }
}

/// What becomes of one file that a reply edits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileEdit {
    /// Which file.
    pub path: RepoPath,
    /// What is to be done to it.
    pub action: Action,
    /// The file that is moved here, whose mode it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<RepoPath>,
    /// Its new bytes; none where it is deleted.
    #[serde(skip)]
    pub new: Option<Vec<u8>>,
    /// How each edit was applied, in the reply's order.
    pub edits: Vec<Applied>,
}

/// What is to be done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is there and gets other bytes.
    Modify,
    /// It is not there yet.
    Create,
    /// It goes away.
    Delete,
    /// It already is as the reply has it.
    Unchanged,
}

/// How one edit was applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The first line in the old file, from 1.
    pub line: usize,
    /// What had to be forgiven.
    pub kind: Kind,
    /// How alike the lines are that were searched for and found, up to 1; none where they are the same but for white
    /// space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
}

/// How well an edit fits, from the best to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Byte for byte.
    Exact,
    /// But for CR LF and LF.
    LineEnds,
    /// But for white space at the end of lines.
    Trailing,
    /// But for an indentation that all lines share; the new lines are shifted alike.
    Indent,
    /// But for blank lines that one side lacks.
    BlankLines,
    /// Around a line of dots that stands for lines of the file.
    Elision,
    /// Nearly: some lines are only like those of the file.
    Similar,
    /// The whole file is given.
    Whole,
    /// The file is deleted.
    Deleted,
    /// The file goes away under this name and comes back under another.
    Moved,
    /// It is there already.
    Unchanged,
}

/// Something that is allowed and should be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// Which file.
    pub path: RepoPath,
    /// One line for the person who accepts.
    pub message: String,
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
    if reply.len() > REPLY_BYTES {
        return Err(vec![Refusal::new(Code::BadEdit, None, "the reply is longer than 16 MiB")]);
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
    let by_file = by_file(&reading.raws);
    for raws in by_file.values() {
        let path = &raws[0].path;
        let made = permit(raws, path, scope, existing, &names)
            .and_then(|()| permit_moves(raws, &by_file, scope, existing, &names))
            .map_err(|refusal| vec![refusal])
            .and_then(|()| build::build(path, done::before(path, raws, scope, existing), raws, cut.crlf));
        match made.and_then(|more| made_only(more, &raws[0], scope, existing)) {
            Ok(more) => files.extend(more),
            Err(more) => refusals.extend(more),
        }
    }
    files.sort_by(|a: &FileEdit, b| a.path.cmp(&b.path));
    refusals.extend(colliding(&files, existing));
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

/// A file that is there may be touched only as a target; one that is not may not lie where a file or directory is.
fn permit(
    raws: &[Raw],
    path: &RepoPath,
    scope: &Scope,
    existing: &BTreeMap<RepoPath, Vec<u8>>,
    names: &Names,
) -> Result<(), Refusal> {
    let raw = &raws[0];
    let refuse = |code, why: String| Err(Refusal::new(code, Some(path.as_str()), why).at(raw.n, Some(raw.line)));
    let target = scope.targets.contains(path);
    let new = scope.new_files.contains(path);
    if existing.contains_key(path) && (target || new) {
        return Ok(());
    }
    if !target && !new {
        return refuse(Code::OutOfScope, names.out_of_scope(path));
    }
    let below = |long: &RepoPath, dir: &RepoPath| {
        long.as_str().strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    match existing.keys().find(|there| below(path, there) || below(there, path)) {
        Some(there) => refuse(Code::UnsafePath, format!("'{path}' cannot be created: '{there}' is there")),
        None => Ok(()),
    }
}

/// What may only be made and is there already must be what is made.
fn made_only(
    files: Vec<FileEdit>,
    raw: &Raw,
    scope: &Scope,
    existing: &BTreeMap<RepoPath, Vec<u8>>,
) -> Result<Vec<FileEdit>, Vec<Refusal>> {
    let files: Vec<FileEdit> = files.into_iter().map(|file| done::judged(file, existing)).collect();
    let changes = |f: &&FileEdit| f.action == Action::Modify && !scope.targets.contains(&f.path);
    match files.iter().find(changes).map(|f| &f.path) {
        None => Ok(files),
        Some(path) => {
            let why = format!("'{path}' is there already and may only be created, not changed");
            Err(vec![Refusal::new(Code::OutOfScope, Some(path.as_str()), why).at(raw.n, Some(raw.line))])
        }
    }
}

/// A file may be moved only to where one may be written, and nothing else may write there.
fn permit_moves(
    raws: &[Raw],
    by_file: &BTreeMap<RepoPath, Vec<Raw>>,
    scope: &Scope,
    existing: &BTreeMap<RepoPath, Vec<u8>>,
    names: &Names,
) -> Result<(), Refusal> {
    for raw in raws {
        let Op::Move { to } = &raw.op else { continue };
        permit(std::slice::from_ref(raw), to, scope, existing, names)?;
        let moves_there = |r: &&Raw| matches!(&r.op, Op::Move { to: other } if other == to);
        if by_file.contains_key(to) || by_file.values().flatten().filter(moves_there).count() > 1 {
            let why = format!("'{}' is moved to '{to}', which the reply also edits otherwise", raw.path);
            return Err(Refusal::new(Code::Overlap, Some(to.as_str()), why).at(raw.n, Some(raw.line)));
        }
    }
    Ok(())
}

/// New files that differ from another file only in case.
fn colliding(files: &[FileEdit], existing: &BTreeMap<RepoPath, Vec<u8>>) -> Vec<Refusal> {
    let deleted = |path: &RepoPath| files.iter().any(|f| f.path == *path && f.new.is_none());
    let mut taken: HashMap<String, &RepoPath> = HashMap::new();
    for path in existing.keys().filter(|p| !deleted(p)) {
        taken.insert(path.folded(), path);
    }
    let mut refusals = Vec::new();
    for path in files.iter().filter(|f| f.new.is_some() && !existing.contains_key(&f.path)).map(|f| &f.path) {
        if let Some(other) = taken.insert(path.folded(), path) {
            let why = format!("'{path}' and '{other}' differ only in case");
            refusals.push(Refusal::new(Code::UnsafePath, Some(path.as_str()), why));
        }
    }
    refusals
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
        if let Op::Move { to } = &raw.op {
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
