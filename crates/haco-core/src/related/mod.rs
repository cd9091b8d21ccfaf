//! Which files of a repository a piece of work leans on: what its files import, and what its text names.
//!
//! Each language has a room with the few rules by which its imports name files; nothing is parsed and nothing is guessed
//! that the tree does not hold. What is found is only shown to a model, so a miss costs little and a wrong hit no more.

mod c;
mod golang;
mod jvm;
mod python;
mod rust;
mod script;
#[cfg(test)]
mod tests;

use crate::{signatures::words, ticket::Ticket};
use std::collections::BTreeSet;

/// What is read of one file for its imports.
const MOST_LINES: usize = 2_000;
/// A line this long is data.
const MOST_CHARS: usize = 1_000;
/// So many files of one place (a Go package, a Java wildcard) say enough.
const MOST_OF_ONE: usize = 12;

/// The tracked paths of a repository.
#[derive(Debug)]
pub struct Tree<'a> {
    paths: BTreeSet<&'a str>,
}

/// One source file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// The contents of a small tracked file by its path.
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

impl<'a> Tree<'a> {
    /// Of these paths.
    pub fn new(paths: impl IntoIterator<Item = &'a str>) -> Tree<'a> {
        Tree { paths: paths.into_iter().collect() }
    }

    fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// The first of `candidates` that is there.
    fn first(&self, candidates: impl IntoIterator<Item = String>) -> Option<String> {
        candidates.into_iter().find(|path| self.has(path))
    }

    /// The files directly in a directory.
    fn within<'b>(&'b self, dir: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        self.paths.iter().copied().filter(move |path| self::dir(path) == dir)
    }

    /// The paths that end with these parts.
    fn ending<'b>(&'b self, parts: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        let is = move |path: &&str| {
            path.strip_suffix(parts).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        self.paths.iter().copied().filter(is)
    }
}

/// The tracked files that `source` imports, in the order of its lines, each once and never itself.
pub fn imported(source: Source<'_>, tree: &Tree<'_>, read: Read<'_>) -> Vec<String> {
    let ending = source.path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let found = match ending {
        "rs" => rust::imported(source, tree),
        "py" | "pyi" => python::imported(source, tree),
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" => {
            script::imported(source, tree)
        }
        "go" => golang::imported(source, tree, read),
        "java" | "kt" | "scala" => jvm::imported(source, tree),
        "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" => c::imported(source, tree),
        _ => Vec::new(),
    };
    once(found.into_iter().filter(|path| path != source.path))
}

/// The tracked files that a text names by their paths, or as Python's dotted modules (`-m unittest tests.test_a`).
pub fn mentioned(text: &str, tree: &Tree<'_>) -> Vec<String> {
    let apart = |c: char| c.is_whitespace() || "\"'`()[]{}<>,;=|&".contains(c);
    let found = text.split(apart).filter(|w| w.len() > 2).filter_map(|word| {
        let word = word.trim_start_matches("./").trim_end_matches(['.', ':', '!', '?']);
        let path = word.split(':').next().unwrap_or(word);
        if tree.has(path) {
            return Some(path.to_owned());
        }
        let dotted = path.contains('.') && !path.contains('/');
        dotted.then(|| python::module(path, tree)).flatten()
    });
    once(found)
}

/// The names that stand between backticks in a text, without what follows a parenthesis: `greet(name)` names `greet`.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let heads = quoted.map(|code| code.split('(').next().unwrap_or(code));
    heads.filter_map(|head| words(head).last()).filter(|name| is_telling(name)).collect()
}

/// The names that a ticket speaks of: its related symbols, its public interface, and what stands between backticks.
pub fn names(ticket: &Ticket) -> BTreeSet<&str> {
    let heads = ticket.task.public_api.iter().map(|api| api.split('(').next().unwrap_or(api));
    let said = heads.chain(ticket.context.related_symbols.iter().map(String::as_str));
    let last = said.filter_map(|name| words(name).last()).filter(|name| is_telling(name));
    last.chain(texts(ticket).flat_map(named)).collect()
}

/// What a ticket says in words.
pub fn texts(ticket: &Ticket) -> impl Iterator<Item = &str> {
    let task = &ticket.task;
    let lists = task.constraints.iter().chain(&ticket.definition_of_done.acceptance_criteria);
    let one = [task.description.as_str(), ticket.title.as_str()].into_iter().chain(ticket.context.notes.as_deref());
    one.chain(lists.map(String::as_str))
}

/// Whether a name is long enough to say something, and no number.
fn is_telling(name: &str) -> bool {
    name.len() > 2 && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn once(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    found.filter(|path| seen.insert(path.clone())).collect()
}

/// The lines of a source that may hold imports.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take(MOST_LINES).filter(|line| line.len() <= MOST_CHARS)
}

/// The directory of a path; empty at the top.
fn dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// A relative path below a directory, its `.` and `..` resolved; none where it leaves the tree.
fn join(dir: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|p| !p.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
