//! Whether a reply may touch the files that it names: what is in scope, what may only be made, what stands in the way.

use super::names::Names;
use super::raw::{Fresh, Op, Raw};
use super::{Action, FileEdit, Refusal, Scope, done};
use crate::code::Code;
use crate::path::RepoPath;
use std::collections::{BTreeMap, HashMap};

type Existing = BTreeMap<RepoPath, Vec<u8>>;

/// A file that is there may be touched only as a target; one that is not may not lie where a file or directory is.
pub(super) fn permit(
    raws: &[Raw],
    path: &RepoPath,
    scope: &Scope,
    existing: &Existing,
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
pub(super) fn made_only(
    files: Vec<FileEdit>,
    raw: &Raw,
    scope: &Scope,
    existing: &Existing,
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
pub(super) fn permit_moves(
    raws: &[Raw],
    by_file: &BTreeMap<RepoPath, Vec<Raw>>,
    scope: &Scope,
    existing: &Existing,
    names: &Names,
) -> Result<(), Refusal> {
    for raw in raws {
        let Op::Move { to, fresh } = &raw.op else { continue };
        if *fresh == Fresh::Yes && existing.contains_key(to) && existing.contains_key(&raw.path) {
            let why = format!("the diff moves '{}' to '{to}', which is already there", raw.path);
            return Err(Refusal::new(Code::BadEdit, Some(to.as_str()), why).at(raw.n, Some(raw.line)));
        }
        permit(std::slice::from_ref(raw), to, scope, existing, names)?;
        let moves_there = |r: &&Raw| matches!(&r.op, Op::Move { to: other, .. } if other == to);
        if by_file.contains_key(to) || by_file.values().flatten().filter(moves_there).count() > 1 {
            let why = format!("'{}' is moved to '{to}', which the reply also edits otherwise", raw.path);
            return Err(Refusal::new(Code::Overlap, Some(to.as_str()), why).at(raw.n, Some(raw.line)));
        }
    }
    Ok(())
}

/// New files that differ from another file only in case.
pub(super) fn colliding(files: &[FileEdit], existing: &Existing) -> Vec<Refusal> {
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
