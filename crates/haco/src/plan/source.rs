//! What comes in: the requirement and the document, from an argument, a file or stdin.

use super::Args;
use crate::{desk::Desk, input};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    id::TicketId,
    path::RepoPath,
};
use std::{
    io::{self, IsTerminal},
    os::unix::fs::FileTypeExt,
    path::{Component, Path, PathBuf},
};

const MOST_REQUIREMENT_BYTES: u64 = 256 * 1024;
const MOST_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

/// The requirement as typed or in its file; none where neither was given.
pub(super) fn typed(args: &Args) -> Result<Option<String>> {
    let text = match (&args.requirement, &args.file) {
        (Some(typed), _) => typed.clone(),
        (None, Some(file)) => text(file, MOST_REQUIREMENT_BYTES)?,
        (None, None) => return Ok(None),
    };
    meant(text).map(Some)
}

/// The requirement, from stdin where nothing else was given.
pub(super) fn requirement(args: &Args) -> Result<String> {
    if let Some(typed) = typed(args)? {
        return Ok(typed);
    }
    if io::stdin().is_terminal() {
        let none = Failure::new(Code::Usage, "no requirement was given");
        return Err(none.fix("haco plan 'what you want'").into());
    }
    meant(input::stdin_text("stdin", MOST_REQUIREMENT_BYTES)?)
}

fn meant(text: String) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::new(Code::Usage, "the requirement is empty").fix("haco plan 'what you want'").into());
    }
    if text.parse::<TicketId>().is_ok() {
        let failure = Failure::new(Code::Usage, format!("'{text}' is a ticket's id, not a requirement"));
        return Err(failure.fix(format!("haco plan --replace {text} --from FILE")).into());
    }
    Ok(text.to_owned())
}

/// The text of the document `name`.
pub(super) fn document(name: &str) -> Result<String> {
    text(name, MOST_DOCUMENT_BYTES)
}

/// A file's text, or stdin's. A FIFO that nobody writes to would hold us for ever; what a shell opened for us is fine.
fn text(name: &str, most: u64) -> Result<String> {
    let shown = name.escape_debug();
    let ours = name == "-" || name.starts_with("/dev/") || name.starts_with("/proc/");
    if !ours {
        let bad = |why: &str| Failure::new(Code::Usage, format!("cannot read '{shown}': {why}"));
        let kind = match std::fs::metadata(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(bad("there is no such file").into()),
            Err(e) => return Err(bad(&e.to_string()).into()),
            Ok(meta) => meta.file_type(),
        };
        if kind.is_dir() {
            return Err(bad("it is a directory").into());
        }
        if kind.is_fifo() {
            return Err(bad("it is a FIFO, not a file").fix("use - and give it on stdin").into());
        }
    }
    input::file_or_stdin(name, most)
}

/// A path as typed, from the top of the repository.
pub(super) fn repo_path(desk: &Desk, typed: &str) -> Result<RepoPath> {
    let here = std::env::current_dir()?;
    let bad = |why: String| Failure::new(Code::Usage, format!("context file '{}': {why}", typed.escape_debug()));
    let full = plain(&here.join(typed));
    let below = full.strip_prefix(&desk.place.worktree);
    let below = below.map_err(|_| bad("it is outside the repository".to_owned()))?;
    let text = below.to_str().ok_or_else(|| bad("it is not UTF-8".to_owned()))?;
    Ok(text.parse().map_err(bad)?)
}

/// Without `.` and `..`, by the names alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_trimmed_and_neither_empty_nor_an_id() {
        assert_eq!(meant(" add x \n".into()).expect("a requirement"), "add x");
        assert!(meant(" \n".into()).expect_err("empty").to_string().contains("empty"));
        assert!(meant("T-001".into()).expect_err("an id").to_string().contains("ticket's id"));
    }

    #[test]
    fn dots_go_by_name() {
        assert_eq!(plain(Path::new("/a/b/.././c")), Path::new("/a/c"));
    }
}
