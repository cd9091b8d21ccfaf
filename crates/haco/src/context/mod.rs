//! Files of a base inside a prompt: what a draft may change, what it may read, and what the contract brings.
//!
//! Everything comes from git objects, never from the working tree. `around` finds what those files lean on, `measure` says
//! how many tokens a model's window has for them.

mod around;
pub mod measure;

use crate::desk::Desk;
use anyhow::Result;
use haco_core::{
    attempt::Near,
    code::{Code, Failure},
    oid::Oid,
    path::RepoPath,
    prompt::File,
    ticket::{ContextFile, Ticket},
};

/// The files of one ticket's prompt.
#[derive(Debug, Default)]
pub struct Files {
    /// Targets first, then context, then the contract's own with what else the checks run, then what is related.
    pub list: Vec<File>,
    /// How long the targets are that the base has.
    pub target_bytes: usize,
}

/// Reads what `ticket` names from the commit `base`, with the contract's own files laid over it.
pub fn files(desk: &Desk, ticket: &Ticket, base: &Oid) -> Result<Files> {
    let mut files = Files::default();
    let brought = |path: &RepoPath| ticket.definition_of_done.files.iter().find(|f| f.path == *path);
    let targets = ticket.task.target_files.iter().map(|p| (p, "target"));
    let new = ticket.task.new_files.iter().map(|p| (p, "new"));
    for (path, role) in targets.chain(new).filter(|(p, _)| brought(p).is_none()) {
        let content = read(desk, ticket, base, path)?;
        files.target_bytes += content.as_ref().map_or(0, String::len);
        files.list.push(file(path, role, content));
    }
    for chosen in &ticket.context.files {
        if brought(&chosen.path).is_none() && !files.list.iter().any(|f| f.path == chosen.path.as_str()) {
            let content = read(desk, ticket, base, &chosen.path)?;
            files.list.push(context(chosen, content));
        }
    }
    let contract = &ticket.definition_of_done.files;
    files.list.extend(contract.iter().map(|f| file(&f.path, "test", Some(f.content.clone()))));
    around::add(desk.repo()?, (ticket, base), &mut files.list)?;
    Ok(files)
}

/// A file's text from a commit; none where it has none. What no draft can change is the contract's mistake.
fn read(desk: &Desk, ticket: &Ticket, base: &Oid, path: &RepoPath) -> Result<Option<String>> {
    let repo = desk.repo()?;
    let unreadable = |why: anyhow::Error| {
        let message = format!("{}: '{path}' cannot be given to a model: {why}", ticket.id);
        Failure::new(Code::BadTicket, message).fix(format!("haco plan --replace {} --from -", ticket.id))
    };
    if repo.blob(base, path.as_str()).map_err(unreadable)?.is_none() {
        return Ok(None);
    }
    Ok(repo.read(base, path.as_str())?.map(|(_, bytes)| text(&bytes)))
}

fn text(bytes: &[u8]) -> String {
    if bytes.contains(&0) {
        return format!("({} bytes that are not text)\n", bytes.len());
    }
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(path: &RepoPath, role: &'static str, content: Option<String>) -> File {
    let exists = content.is_some();
    let content = content.unwrap_or_default();
    File { path: path.to_string(), content, lines: None, exists, role, reason: None }
}

fn context(chosen: &ContextFile, content: Option<String>) -> File {
    let whole = file(&chosen.path, "context", content);
    let part = chosen.lines.as_deref().and_then(range).map(|range| lines(&whole.content, range));
    let lines = part.as_ref().and(chosen.lines.clone());
    File { content: part.unwrap_or(whole.content), lines, reason: chosen.reason.clone(), ..whole }
}

/// `FIRST-LAST` or one number, from 1.
fn range(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}

fn lines(text: &str, (first, last): (usize, usize)) -> String {
    text.split_inclusive('\n').skip(first - 1).take(last - first + 1).collect()
}

/// How many lines before and after one that a refusal points at are shown again.
const AROUND: usize = 4;
/// How many such places.
const PLACES: usize = 3;

/// The lines around those that a refusal points at, as the files have them now; places that touch are one.
pub fn around(files: &[File], near: &[Near]) -> Vec<File> {
    let mut shown: Vec<(&File, usize, usize)> = Vec::new();
    for place in near {
        let Some(file) = files.iter().find(|f| f.path == place.path && f.exists) else { continue };
        let count = file.content.lines().count();
        let (first, last) = (place.line.saturating_sub(AROUND).max(1), (place.line + AROUND).min(count));
        let touches = |(f, a, b): &(&File, usize, usize)| f.path == file.path && first <= b + 1 && *a <= last + 1;
        match shown.iter().position(touches) {
            Some(at) => (shown[at].1, shown[at].2) = (first.min(shown[at].1), last.max(shown[at].2)),
            None if first <= last && shown.len() < PLACES => shown.push((file, first, last)),
            None => {}
        }
    }
    let part = |(file, first, last): (&File, usize, usize)| File {
        content: lines(&file.content, (first, last)),
        lines: Some(format!("{first}-{last}")),
        ..file.clone()
    };
    shown.into_iter().map(part).collect()
}

/// The end of an output, at most `most` bytes and whole lines where it can be.
pub fn end_of(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= most {
        return text.into_owned();
    }
    let mut from = text.len() - most;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let tail = &text[from..];
    let tail = tail.split_once('\n').map_or(tail, |(_, rest)| rest);
    format!("… ({} bytes before this)\n{tail}", text.len() - tail.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_lines_are_cut_out_and_a_wrong_choice_is_the_whole_file() {
        assert_eq!(lines("a\nb\nc\n", range("2-3").expect("a range")), "b\nc\n");
        assert_eq!(lines("a\nb\nc", range("3").expect("a range")), "c");
        assert_eq!(lines("a\n", (5, 9)), "");
        for bad in ["0-3", "3-2", "x", "", "1-"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_refusal_points_at_is_shown_with_its_neighbours() {
        let content: String = (1..=40).map(|n| format!("line {n}\n")).collect();
        let file = File { path: "a".into(), content, lines: None, exists: true, role: "target", reason: None };
        let near = |line| Near { path: "a".into(), line };
        let shown = |near: &[Near]| {
            around(std::slice::from_ref(&file), near).into_iter().filter_map(|f| f.lines).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[near(2), near(20), near(39)]), ["1-6", "16-24", "35-40"]);
        assert_eq!(shown(&[near(10), near(15)]), ["6-19"]);
        assert_eq!(shown(&[near(400), Near { path: "b".into(), line: 1 }]), [""; 0]);
        assert_eq!(around(&[file], &[near(2)])[0].content, "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n");
    }

    #[test]
    fn the_end_of_a_log_is_whole_lines() {
        assert_eq!(end_of(b"short", 10), "short");
        assert_eq!(end_of(b"first line\nlast\n", 8), "… (11 bytes before this)\nlast\n");
        assert!(end_of("é".repeat(20).as_bytes(), 7).ends_with("ééé"));
    }

    #[test]
    fn what_is_not_text_is_not_sent() {
        assert_eq!(text(b"a\0b"), "(3 bytes that are not text)\n");
        assert_eq!(text(b"caf\xe9"), "caf\u{fffd}");
    }
}
