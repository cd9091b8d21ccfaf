//! What a draft adds or hides: dependencies that the ticket does not allow end it, everything else that auditor and person
//! should see becomes the candidate's flags. The contract's own files are not the draft's.

use super::candidate::Refused;
use anyhow::Result;
use haco_core::{
    attempt::Edits,
    delta::{Around, Delta},
    depend,
    edit::Flag,
    flags,
    oid::{Change, Oid},
    ticket::Ticket,
    verdict::{Finding, Severity},
};
use haco_git::{Kind, Repo};

/// What the draft's changes bring between the trees `from` and `to`, or why they are refused.
pub(super) fn scan(
    repo: &Repo,
    ticket: &Ticket,
    [from, to]: [&Oid; 2],
    draft: &[Change],
) -> Result<std::result::Result<Vec<Finding>, Refused>> {
    let paths = files(repo, from)?;
    let bytes = |tree: &Oid, path: &str| repo.read(tree, path).map(|found| found.map(|(_, bytes)| bytes));
    let both = |change: &Change| Ok((bytes(from, &change.path)?, bytes(to, &change.path)?));
    let sides = draft.iter().map(both).collect::<Result<Vec<_>>>()?;
    let named = draft.iter().map(|change| change.path.as_str()).zip(&sides);
    let changes: Vec<Delta<'_>> =
        named.map(|(path, (old, new))| Delta { path, old: old.as_deref(), new: new.as_deref() }).collect();
    let read = |path: &str| repo.read(from, path).ok().flatten().map(|(_, bytes)| bytes);
    let allowed = &ticket.task.allowed_dependencies;
    let report = depend::compare(&changes, allowed, &Around { paths: &paths, read: &read });
    if let Some(first) = report.refused.first() {
        let text = depend::refusal_text(&report.refused, allowed);
        return Ok(Err(Refused { code: first.code, line: first.message.clone(), text, edits: Edits::default() }));
    }
    let mut found = report.flags;
    found.extend(flags::of(&changes));
    Ok(Ok(found))
}

fn files(repo: &Repo, tree: &Oid) -> Result<Vec<String>> {
    let is_file = |kind: Kind| matches!(kind, Kind::Regular | Kind::Executable);
    Ok(repo.list(tree)?.into_iter().filter(|e| is_file(e.kind)).map(|e| e.path).collect())
}

/// What the reading of the reply flagged, in the form of the others; the others say the same of a place with its line.
pub(super) fn with_edits(mut found: Vec<Finding>, flags: &[Flag]) -> Vec<Finding> {
    for Flag { path, message } in flags {
        let message = match message.strip_prefix(&format!("'{path}' ")) {
            Some(rest) => format!("it {rest}"),
            None => message.clone(),
        };
        let file = Some(path.to_string());
        if !found.iter().any(|f| f.file == file && f.message == message) {
            found.push(Finding { severity: Severity::Medium, file, line: None, message });
        }
    }
    found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}
