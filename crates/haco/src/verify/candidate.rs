//! From a draft to a candidate: the reply's edits and the contract's own files over the base, as a commit that touches
//! nobody's working tree. A reply that cannot be applied is the attempt's end, with words for the next prompt.

use super::scan;
use crate::{
    desk::{Desk, Loaded},
    ground,
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Candidate, Edits, Left},
    code::{Code, Failure},
    edit::{self, Edited, Scope},
    hash::Hash,
    oid::{Blob, Change, Mode, Oid},
    path::RepoPath,
    ticket::Ticket,
    verdict::Finding,
};
use haco_git::{Kind, Repo, Who};
use std::collections::BTreeMap;

/// What a draft comes to.
pub(super) enum Made {
    /// A tree that can be judged.
    Candidate(Built),
    /// Nothing of it was applied.
    Refused(Refused),
}

/// A candidate with what goes into the ticket beside it.
pub(super) struct Built {
    /// The tree that is judged.
    pub(super) candidate: Candidate,
    /// How the reply's edits fitted, where there was a reply.
    pub(super) edits: Option<Edits>,
    /// What auditor and person should see.
    pub(super) flags: Vec<Finding>,
}

/// Why a draft makes no candidate.
pub(super) struct Refused {
    /// Which reason.
    pub(super) code: Code,
    /// One line for people.
    pub(super) line: String,
    /// For the model that tries again.
    pub(super) text: String,
    /// What of the base it is about.
    pub(super) edits: Edits,
}

impl Refused {
    fn one(code: Code, line: &str) -> Refused {
        let text = format!("Nothing of the last reply was applied.\n- {code}: {line}\n");
        Refused { code, line: line.to_owned(), text, edits: Edits::default() }
    }
}

/// Builds the candidate of an attempt from its draft, on its own base.
pub(super) fn build(desk: &Desk, loaded: &Loaded, ticket: &Ticket, attempt: &Attempt) -> Result<Made> {
    let repo = desk.repo()?;
    let base = base(desk, loaded, ticket, attempt)?;
    let reply = reply(desk, ticket, attempt)?;
    let laid = contract_changes(repo, ticket, &base)?;
    let format = attempt.steps.iter().rev().find_map(|s| s.draft.as_ref()).map(|d| d.format).unwrap_or_default();
    let [targets, new_files] = scope(ticket);
    let existing = existing(repo, ticket, &base)?;
    let scope = Scope { targets: &targets, new_files: &new_files };
    let edited = match edit::apply(&reply, format, &scope, &existing).and_then(Edited::changing) {
        Ok(edited) => edited,
        Err(refusals) => {
            let (code, line) = refusals.first().map_or((Code::NoEdits, String::new()), |r| (r.code, r.message.clone()));
            let (text, edits) = (edit::refusal_text(&refusals), Edits::refused(&refusals));
            return Ok(Made::Refused(Refused { code, line, text, edits }));
        }
    };
    if let Some(refused) = over_a_secret(attempt, &edited, &existing) {
        return Ok(Made::Refused(refused));
    }
    let changes = changes(repo, &base, &edited)?;
    Ok(match commit(repo, (ticket, attempt.n), &base, laid, changes)? {
        Ok(Built { candidate, flags, .. }) => {
            let flags = scan::with_edits(flags, &edited.flags);
            Made::Candidate(Built { candidate, edits: Some(Edits::of(&edited)), flags })
        }
        Err(refused) => Made::Refused(refused),
    })
}

/// How a secret begins where a prompt hides one.
const HIDDEN: &[u8] = b"[redacted:";

/// Why an answer is refused that writes over a secret which its author never saw: into a file that was withheld, or with
/// what stands for a secret in a prompt.
fn over_a_secret(attempt: &Attempt, edited: &Edited, existing: &BTreeMap<RepoPath, Vec<u8>>) -> Option<Refused> {
    let left_out = attempt.steps.iter().flat_map(|step| &step.left_out);
    let unseen: Vec<&str> = left_out.filter(|l| l.why == Left::Secret && l.kept.is_none()).map(|l| &*l.path).collect();
    let count = |bytes: &[u8]| bytes.windows(HIDDEN.len()).filter(|w| *w == HIDDEN).count();
    edited.files.iter().find_map(|file| {
        let old = existing.get(&file.path).map_or(0, |old| count(old));
        let why = if unseen.contains(&file.path.as_str()) {
            "it holds a secret and was not shown, so that no edit of it can be right"
        } else if file.new.as_ref().is_some_and(|new| count(new) > old) {
            "it writes what stands for a hidden secret; leave that line out of every edit"
        } else {
            return None;
        };
        Some(Refused::one(Code::Elided, &format!("'{}': {why}", file.path)))
    })
}

/// The base commit of an attempt, which must be what it says.
pub(super) fn base(desk: &Desk, loaded: &Loaded, ticket: &Ticket, attempt: &Attempt) -> Result<Oid> {
    let base = ground::base_commit(desk, loaded.plan_of(ticket)?, &loaded.tickets, &attempt.on)?;
    if base == attempt.base {
        return Ok(base);
    }
    let (id, n) = (&ticket.id, attempt.n);
    let why = format!(
        "{id}: attempt {n} names the base {}, and its dependencies make {}",
        attempt.base.short(),
        base.short()
    );
    Err(Failure::new(Code::Stale, why).fix("haco doctor").into())
}

/// Base, draft and the contract's own files as a commit, with what should be seen in it; the draft must make a difference
/// and add no dependency that is not allowed.
pub(super) fn commit(
    repo: &Repo,
    (ticket, n): (&Ticket, u32),
    base: &Oid,
    laid: Vec<Change>,
    draft: Vec<Change>,
) -> Result<std::result::Result<Built, Refused>> {
    let bare = repo.edit_tree(base, &laid)?;
    let mut change = laid;
    change.extend(draft.iter().cloned());
    change.sort_by(|a, b| a.path.cmp(&b.path));
    let tree = match repo.edit_tree(base, &change) {
        Ok(tree) => tree,
        Err(error) => match error.downcast_ref::<Failure>() {
            Some(f) if matches!(f.code, Code::UnsafePath | Code::Conflict) => {
                return Ok(Err(Refused::one(Code::UnsafePath, &f.message)));
            }
            _ => return Err(error),
        },
    };
    if tree == bare {
        return Ok(Err(Refused::one(Code::Unchanged, "the reply changes nothing: the files already are like that")));
    }
    let flags = match scan::scan(repo, ticket, [&bare, &tree], &draft)? {
        Ok(flags) => flags,
        Err(refused) => return Ok(Err(refused)),
    };
    let message = format!("{} attempt {n}\n", ticket.id);
    let commit = repo.commit(&tree, std::slice::from_ref(base), &message, &Who::Haco)?;
    Ok(Ok(Built { candidate: Candidate { commit, tree, change }, edits: None, flags }))
}

/// What the contract's own files change in `base`.
pub(super) fn contract_changes(repo: &Repo, ticket: &Ticket, base: &Oid) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for file in &ticket.definition_of_done.files {
        let bytes = file.content.as_bytes();
        changes.extend(change(repo, base, &file.path, Some(bytes))?);
    }
    Ok(changes)
}

fn changes(repo: &Repo, base: &Oid, edited: &Edited) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for file in &edited.files {
        let mut made = change(repo, base, &file.path, file.new.as_deref())?;
        let from = file.from.as_ref().map(|from| repo.blob(base, from.as_str())).transpose()?.flatten();
        // What is moved keeps its mode.
        if let (Some(Change { old: None, new: Some(new), .. }), Some(from)) = (&mut made, from) {
            new.mode = from.mode;
        }
        changes.extend(made);
    }
    Ok(changes)
}

/// One path's new bytes beside what `base` has there; nothing where they are the same. A file keeps its mode.
fn change(repo: &Repo, base: &Oid, path: &RepoPath, bytes: Option<&[u8]>) -> Result<Option<Change>> {
    let old = repo.blob(base, path.as_str())?;
    let mode = old.as_ref().map_or(Mode::Regular, |b| b.mode);
    let new = bytes.map(|b| repo.write_blob(b)).transpose()?.map(|oid| Blob { oid, mode });
    Ok((old != new).then(|| Change { path: path.to_string(), old, new }))
}

/// Targets and new files without what the contract itself brings: that is out of every draft's reach.
pub(super) fn scope(ticket: &Ticket) -> [Vec<RepoPath>; 2] {
    let own = |path: &RepoPath| ticket.definition_of_done.files.iter().any(|f| f.path == *path);
    [&ticket.task.target_files, &ticket.task.new_files].map(|all| all.iter().filter(|p| !own(p)).cloned().collect())
}

/// Every tracked file of the base; bytes only of those that the draft may touch. The contract's files are there too.
fn existing(repo: &Repo, ticket: &Ticket, base: &Oid) -> Result<BTreeMap<RepoPath, Vec<u8>>> {
    let [targets, new_files] = scope(ticket);
    let mut existing = BTreeMap::new();
    for entry in repo.list(base)? {
        let Ok(path) = entry.path.parse::<RepoPath>() else { continue };
        if !matches!(entry.kind, Kind::Regular | Kind::Executable) {
            continue;
        }
        let within = targets.contains(&path) || new_files.contains(&path);
        let bytes = if within { repo.read(base, &entry.path)?.map(|(_, bytes)| bytes) } else { None };
        existing.insert(path, bytes.unwrap_or_default());
    }
    for file in &ticket.definition_of_done.files {
        existing.insert(file.path.clone(), file.content.clone().into_bytes());
    }
    Ok(existing)
}

/// The reply that an attempt's draft is: in the folder of the attempt that it repeats, if it does, with the very bytes
/// that were recorded.
fn reply(desk: &Desk, ticket: &Ticket, attempt: &Attempt) -> Result<String> {
    let (mut n, mut next) = (attempt.n, attempt.repeats);
    while let Some(earlier) = next.filter(|earlier| *earlier < n) {
        n = earlier;
        next = ticket.attempt(earlier).and_then(|a| a.repeats);
    }
    let step = attempt.steps.iter().enumerate().rev().find_map(|(i, s)| s.draft.as_ref().map(|d| (i, s, d)));
    let none = || Failure::new(Code::Stale, format!("{}: attempt {} has no draft", ticket.id, attempt.n));
    let (i, step, draft) = step.ok_or_else(none)?;
    let folder = format!("drafts/{}/{n}", ticket.id);
    let first = format!("{i}-{}", step.role);
    let repaired =
        |name: &String| name.strip_prefix(&first).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    for name in desk.store.list(&folder)?.iter().filter(|n| repaired(n)) {
        let bytes = desk.store.read(&format!("{folder}/{name}/reply.md"))?;
        if let Some(bytes) = bytes.filter(|b| Hash::of(b) == draft.sha256) {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    let why = format!("{}: '.haco/{folder}/{first}/reply.md' is not the draft that was recorded", ticket.id);
    Err(Failure::new(Code::Stale, why).fix(format!("haco retry {}", ticket.id)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_withheld_for_its_secret_is_not_edited() {
        let attempt: Attempt = serde_json::from_value(serde_json::json!({
            "n": 1, "base": "a".repeat(40), "at": "2026-01-01T00:00:00Z",
            "steps": [{"role": "worker", "model": "m", "outcome": "advance", "left_out": [
                {"path": "a.py", "why": "secret"}, {"path": "b.py", "kept": "1-12, of 90", "why": "window"}
            ]}]
        }))
        .expect("an attempt");
        let paths = ["a.py", "b.py"].map(|p| p.parse::<RepoPath>().expect("a path"));
        let existing = BTreeMap::from(paths.clone().map(|p| (p, b"x = 1\n".to_vec())));
        let scope = Scope { targets: &paths, new_files: &[] };
        let refused = |reply: &str| {
            let edited = edit::apply(reply, edit::Format::Whole, &scope, &existing).expect("fits");
            over_a_secret(&attempt, &edited, &existing).map(|r| r.code)
        };
        assert_eq!(refused("a.py\n```\nx = 2\n```\n"), Some(Code::Elided));
        assert_eq!(refused("b.py\n```\nx = \"[redacted:github]\"\n```\n"), Some(Code::Elided));
        assert_eq!(refused("b.py\n```\nx = 2\n```\n"), None);
    }
}
