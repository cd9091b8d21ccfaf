//! What a change may do and somebody should see: text that looks like other text, conflict markers, tests and pipelines
//! that ask for less, files that run on somebody's machine. Nothing here refuses; the flags of a candidate stand in a
//! verdict of the harness, and auditor and person are shown them.

mod hidden;
mod marks;
mod weaker;

use crate::{
    attempt::Attempt,
    delta::{Delta, new_lines},
    path::{RepoPath, runs_on_host},
    subject,
    ticket::Ticket,
    verdict::{Finding, Severity, latest},
};

/// The name of the verdict that holds a candidate's flags; where there are none there is no such verdict.
pub const CHECK: &str = "flags";

/// The most flags of one kind for one file.
const MOST: usize = 10;

/// What somebody should see in a change.
pub fn of(changes: &[Delta<'_>]) -> Vec<Finding> {
    let mut found: Vec<Finding> = changes.iter().flat_map(one).collect();
    found.extend(weaker::fewer(changes));
    found
}

fn one(change: &Delta<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if change.path.parse::<RepoPath>().is_ok_and(|path| runs_on_host(&path)) {
        let message = "it runs on the host when someone next works in the repository".to_owned();
        found.push(at(Severity::Medium, change.path, None, message));
    }
    let text = |bytes: Option<&[u8]>| bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let (old, Some(new)) = (text(change.old).unwrap_or_default(), text(change.new)) else { return found };
    let fresh = new_lines(&old, &new);
    found.extend(hidden::of(change.path, &fresh));
    found.extend(marks::of(change.path, &old, &new));
    found.extend(weaker::of(change.path, &old, &new, &fresh));
    found
}

fn at(severity: Severity, path: &str, line: Option<usize>, message: String) -> Finding {
    let line = line.and_then(|line| u64::try_from(line).ok());
    Finding { severity, file: Some(path.to_owned()), line, message }
}

/// The flags that were recorded for an attempt's candidate.
pub fn recorded<'a>(ticket: &'a Ticket, attempt: &Attempt) -> &'a [Finding] {
    let Some(candidate) = &attempt.candidate else { return &[] };
    let subject = subject::flags(&subject::contract(ticket), &attempt.base, &candidate.tree);
    latest(&ticket.verdicts, CHECK, &subject).map_or(&[], |verdict| &verdict.findings)
}

/// One flag as one line: the place, then what is there.
pub fn line(flag: &Finding) -> String {
    match (&flag.file, flag.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: {}", flag.message),
        (Some(file), None) => format!("{file}: {}", flag.message),
        (None, _) => flag.message.clone(),
    }
}
