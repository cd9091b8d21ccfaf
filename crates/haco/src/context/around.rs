//! What a ticket's files lean on: the tests that its checks run, then what the ticket names, what its files import and what
//! declares the names that it speaks of, as declarations; small ones whole where there is room.

use anyhow::Result;
use haco_core::{
    oid::Oid,
    prompt::File,
    related::{self, Source, Tree},
    signatures::Language,
    ticket::Ticket,
};
use haco_git::{Entry, Kind, Repo};
use std::collections::BTreeSet;

/// How many related files a prompt shows at most, and how much of them.
const MOST_FILES: usize = 24;
const DECLARED_BYTES: usize = 8 * 1024;
const WHOLE_BYTES: usize = 8 * 1024;
/// Up to this a related file is shown whole.
const SMALL: usize = 2 * 1024;
/// A test that a command names is shown up to this.
const TEST_BYTES: usize = 16 * 1024;
/// What is larger is no source that people read.
const SOURCE_BYTES: usize = 256 * 1024;
/// How many files are searched for what declares a name, and how much of them.
const SEARCHED: usize = 400;
const SEARCHED_BYTES: usize = 4 << 20;

/// One base's files.
struct Base<'a> {
    repo: &'a Repo,
    commit: &'a Oid,
    entries: Vec<Entry>,
}

/// A file that is related, and why.
struct Found {
    path: String,
    why: String,
}

/// Adds to the `files` of a ticket's prompt what is related to them.
pub(super) fn add(repo: &Repo, (ticket, commit): (&Ticket, &Oid), files: &mut Vec<File>) -> Result<()> {
    let base = Base { repo, commit, entries: repo.list(commit)? };
    let tree = Tree::new(base.entries.iter().map(|e| e.path.as_str()));
    for path in tests(ticket, &tree) {
        if let Some(content) = base.text(&path).filter(|t| t.len() <= TEST_BYTES && is_new(files, &path)) {
            files.push(File { path, content, lines: None, exists: true, role: "test", reason: None });
        }
    }
    let mut found = Vec::new();
    let named = related::texts(ticket).flat_map(|text| related::mentioned(text, &tree));
    found.extend(named.map(|path| Found { path, why: "the task names it".to_owned() }));
    let read = |path: &str| base.text(path);
    for file in files.iter().filter(|f| matches!(f.role, "target" | "new" | "test") && f.exists) {
        let source = Source { path: &file.path, text: &file.content };
        let imports = related::imported(source, &tree, &read).into_iter();
        found.extend(imports.map(|path| Found { path, why: format!("'{}' uses it", file.path) }));
    }
    found.extend(base.declaring(&related::names(ticket), files));
    files.extend(shown(&base, found, files));
    Ok(())
}

fn is_new(files: &[File], path: &str) -> bool {
    !files.iter().any(|file| file.path == path)
}

/// The tracked files that the checks' commands name.
fn tests(ticket: &Ticket, tree: &Tree<'_>) -> Vec<String> {
    let done = &ticket.definition_of_done;
    done.tests.iter().flat_map(|test| related::mentioned(&test.command, tree)).collect()
}

/// The files with their declarations, and whole where they are small and there is room.
fn shown(base: &Base<'_>, found: Vec<Found>, have: &[File]) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    let mut whole = Vec::new();
    let mut declared = 0;
    for Found { path, why } in found {
        if files.len() == MOST_FILES || !is_new(have, &path) || !is_new(&files, &path) {
            continue;
        }
        let Some(text) = base.text(&path) else { continue };
        let lines = Language::of(&path).map(|language| language.declarations(&text)).unwrap_or_default();
        let content = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        if content.is_empty() && text.len() > SMALL || declared + content.len() > DECLARED_BYTES {
            continue;
        }
        declared += content.len();
        let lines = Some("what it declares".to_owned());
        files.push(File { path, content, lines, exists: true, role: "related", reason: Some(why) });
        whole.push(text);
    }
    let mut room = WHOLE_BYTES;
    for (file, text) in files.iter_mut().zip(whole) {
        if text.len() <= SMALL && text.len() <= room {
            room -= text.len();
            (file.content, file.lines) = (text, None);
        }
    }
    files.retain(|file| !file.content.is_empty());
    files
}

impl Base<'_> {
    /// The text of a source; none where it is anything else.
    fn text(&self, path: &str) -> Option<String> {
        match self.repo.read(self.commit, path) {
            Ok(Some((Kind::Regular | Kind::Executable, bytes))) if bytes.len() <= SOURCE_BYTES => {
                String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
            }
            _ => None,
        }
    }

    /// The files that declare one of `names` which none of `files` declares; those beside a target are searched first.
    fn declaring(&self, names: &BTreeSet<&str>, files: &[File]) -> Vec<Found> {
        let is_here = |name: &&&str| {
            let one = BTreeSet::from([**name]);
            files.iter().any(|f| Language::of(&f.path).is_some_and(|l| l.declares_any(&f.content, &one)))
        };
        let missing: BTreeSet<&str> = names.iter().filter(|name| !is_here(name)).copied().collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let folders: BTreeSet<&str> = files.iter().filter(|f| f.role == "target").map(|f| folder(&f.path)).collect();
        let mut paths: Vec<&str> = self.entries.iter().map(|e| e.path.as_str()).collect();
        paths.sort_by_key(|path| !folders.contains(folder(path)));
        let mut bytes = 0;
        let mut found = Vec::new();
        for path in paths.into_iter().filter(|path| Language::of(path).is_some()).take(SEARCHED) {
            let Some(text) = self.text(path) else { continue };
            bytes += text.len();
            if bytes > SEARCHED_BYTES {
                break;
            }
            if Language::of(path).is_some_and(|l| l.declares_any(&text, &missing)) {
                found.push(Found { path: path.to_owned(), why: "it declares a name that the task speaks of".into() });
            }
        }
        found
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
