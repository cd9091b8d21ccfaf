//! What a reply asks for and is done already: a file that is deleted, moved or made as the reply has it. A command that was
//! killed half-way, and is typed again, goes on from there.

use super::raw::{Op, Raw};
use super::{Action, Applied, FileEdit, Kind, Scope};
use crate::path::RepoPath;
use std::collections::BTreeMap;

type Existing = BTreeMap<RepoPath, Vec<u8>>;

/// The bytes that the edits of `path` are held against. One that may only be made is held against nothing, and one that
/// is gone and was to be moved against what stands under its new name.
pub(super) fn before<'e>(path: &RepoPath, raws: &[Raw], scope: &Scope, existing: &'e Existing) -> Option<&'e [u8]> {
    let may_change = scope.targets.contains(path);
    let moved = raws.iter().find_map(|raw| match &raw.op {
        Op::Move { to, .. } if may_change => existing.get(to),
        _ => None,
    });
    existing.get(path).filter(|_| may_change).or(moved).map(Vec::as_slice)
}

/// The same file, with what is to be done to it as the files are now.
pub(super) fn judged(mut file: FileEdit, existing: &Existing) -> FileEdit {
    let there = existing.get(&file.path);
    file.action = match (&file.new, there) {
        (None, None) => Action::Unchanged,
        (Some(new), Some(there)) if new == there => Action::Unchanged,
        (Some(_), Some(_)) => Action::Modify,
        (Some(_), None) => Action::Create,
        (None, Some(_)) => Action::Delete,
    };
    if file.action == Action::Unchanged {
        file.edits.iter_mut().for_each(|e| *e = Applied { kind: Kind::Unchanged, similarity: None, ..*e });
    }
    file
}
