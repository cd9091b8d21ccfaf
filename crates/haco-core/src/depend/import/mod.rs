//! What source files newly import: a root that is neither the language's own, nor of this repository, nor declared, nor
//! imported by any other file of it is a dependency that nobody declared. Where a language gives no sure way from an
//! import to a package (Java), or an import may fail (Python's `try`), it is a flag.
//!
//! Each language has its reader: it says which roots a text imports, and by which names a package may bring one.

mod golang;
mod jvm;
mod python;
mod ruby;
mod rust;
mod script;
mod tables;

use super::{
    entry::System,
    judge::Judge,
    named::Named,
    say::{Added, word},
};
use crate::{
    delta::{Around, Delta},
    verdict::Severity,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most source files that are searched for an import, and their most bytes in all.
const MOST_FILES: usize = 4000;
const MOST_BYTES: usize = 64 << 20;
/// The most new imports that are looked at in one language.
const MOST_IMPORTS: usize = 300;
/// A longer source file is not read: nobody writes one.
const FILE_BYTES: usize = 2 << 20;

/// One root that a file imports.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// What the language calls it: a package, a module path, a namespace.
    root: String,
    /// From 1.
    line: usize,
    /// Whether the program goes on without it.
    need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Must,
    May,
}

/// How the imports of a language are judged.
struct Language {
    system: System,
    extensions: &'static [&'static str],
    imports: fn(&str) -> Vec<Import>,
    /// Whether the language brings it along.
    is_standard: fn(&str) -> bool,
    /// Whether the repository has it, by its paths and the text of the importing file.
    is_local: fn(&str, &Place<'_>) -> bool,
    /// Whether a package of that folded name brings it.
    is_of: fn(&str, &str) -> bool,
    /// Whether an unknown import is refused or only flagged.
    certainty: Certainty,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Sure,
    Unsure,
}

const LANGUAGES: [Language; 6] =
    [python::LANGUAGE, script::LANGUAGE, golang::LANGUAGE, rust::LANGUAGE, ruby::LANGUAGE, jvm::LANGUAGE];

/// The repository around an import.
struct Place<'a> {
    /// The importing file's text.
    text: &'a str,
    /// Every part of every path, file names without their extension too.
    parts: &'a BTreeSet<&'a str>,
    paths: &'a BTreeSet<&'a str>,
    /// The text of every file that configures the language.
    settings: &'a str,
}

/// Judges the imports of every changed source file.
pub(super) fn compare(judge: &mut Judge<'_>, changes: &[Delta<'_>], named: &Named<'_>, around: &Around<'_>) {
    let paths: BTreeSet<&str> = around
        .paths
        .iter()
        .map(String::as_str)
        .chain(changes.iter().filter(|c| c.new.is_some()).map(|c| c.path))
        .collect();
    let mut parts = None;
    for language in &LANGUAGES {
        let mine = |path: &str| path.rsplit_once('.').is_some_and(|(_, e)| language.extensions.contains(&e));
        let new = fresh(language, changes.iter().filter(|c| mine(c.path)));
        let strange: Vec<_> = new.into_iter().filter(|(.., import)| !(language.is_standard)(&import.root)).collect();
        if strange.is_empty() {
            continue;
        }
        if let Some((path, ..)) = strange.get(MOST_IMPORTS) {
            let message = format!("of the new imports only the first {MOST_IMPORTS} were looked at");
            judge.flag(Severity::Medium, path, 0, message);
        }
        let parts = parts.get_or_insert_with(|| parts_of(&paths));
        let settings = settings(language, changes, around);
        let unknown: Vec<(&str, Import)> = strange
            .into_iter()
            .take(MOST_IMPORTS)
            .filter(|(_, text, import)| {
                let place = Place { text, parts, paths: &paths, settings: &settings };
                let brings = |name: &String| (language.is_of)(&import.root, name);
                !(language.is_local)(&import.root, &place)
                    && !named.any(language.system, brings)
                    && !judge.allowed.any(language.system, brings)
            })
            .map(|(path, _, import)| (path, import))
            .collect();
        if unknown.is_empty() {
            continue;
        }
        let elsewhere = elsewhere(language, changes, around);
        for (path, import) in unknown.into_iter().filter(|(_, import)| !elsewhere.contains(&import.root)) {
            say(judge, language, path, &import);
        }
    }
}

fn say(judge: &mut Judge<'_>, language: &Language, path: &str, import: &Import) {
    let root = word(&import.root);
    let what = format!("imports '{root}', which is neither standard, local nor declared");
    if language.certainty == Certainty::Unsure || import.need == Need::May {
        return judge.flag(Severity::Medium, path, import.line, format!("it {what}"));
    }
    judge.refuse_import(Added::new(path, import.line, &import.root, &what));
}

/// The imports that a file's text before the change had not, each root once a file.
fn fresh<'a, 'b: 'a>(
    language: &Language,
    changes: impl Iterator<Item = &'a Delta<'b>>,
) -> Vec<(&'a str, std::borrow::Cow<'a, str>, Import)> {
    let mut all = Vec::new();
    for change in changes {
        let Some(new) = change.new.filter(|b| b.len() <= FILE_BYTES).map(String::from_utf8_lossy) else { continue };
        let old = change.old.map(String::from_utf8_lossy).unwrap_or_default();
        let mut known: BTreeSet<String> = (language.imports)(&old).into_iter().map(|i| i.root).collect();
        for import in (language.imports)(&new) {
            if known.insert(import.root.clone()) {
                all.push((change.path, new.clone(), import));
            }
        }
    }
    all
}

fn parts_of<'a>(paths: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut parts: BTreeSet<&str> = BTreeSet::new();
    for path in paths {
        let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
        parts.extend(dirs.split('/'));
        parts.insert(name.split('.').next().unwrap_or(name));
        parts.insert(name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    }
    parts
}

/// What the files say that configure the language beside its sources; those of the change as they are afterwards.
fn settings(language: &Language, changes: &[Delta<'_>], around: &Around<'_>) -> String {
    let names: &[&str] = match language.system {
        System::Npm => {
            &["tsconfig", "jsconfig", "package.json", "vite.config", "webpack.config", "deno.json", "babel.config"]
        }
        System::Cargo => &["Cargo.toml"],
        System::Pypi => &["setup.py", "tox.ini", "noxfile.py", "meta.yaml", "BUILD", "requires"],
        System::Go => &["go.mod"],
        System::Gem => &["Gemfile", ".gemspec"],
        _ => &["pom.xml", ".gradle", ".toml"],
    };
    let wanted = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        names.iter().any(|n| name.starts_with(n) || name.ends_with(n))
    };
    let mut all = String::new();
    for path in around.paths.iter().filter(|p| wanted(p)).take(500) {
        let changed = changes.iter().find(|c| c.path == path.as_str());
        let bytes = match changed {
            Some(change) => change.new.map(<[u8]>::to_vec),
            None => (around.read)(path),
        };
        let bytes = bytes.filter(|b| b.len() <= FILE_BYTES && all.len() <= MOST_BYTES).unwrap_or_default();
        all.push_str(&String::from_utf8_lossy(&bytes));
        all.push('\n');
    }
    for change in changes.iter().filter(|c| c.old.is_none() && wanted(c.path)) {
        all.push_str(&change.new.map(String::from_utf8_lossy).unwrap_or_default());
        all.push('\n');
    }
    all
}

/// Every root that the sources of the base import.
fn elsewhere(language: &Language, changes: &[Delta<'_>], around: &Around<'_>) -> BTreeSet<String> {
    let mine = |path: &&String| path.rsplit_once('.').is_some_and(|(_, e)| language.extensions.contains(&e));
    let old: BTreeMap<&str, Option<&[u8]>> = changes.iter().map(|c| (c.path, c.old)).collect();
    let mut roots = BTreeSet::new();
    let mut left = MOST_BYTES;
    for path in around.paths.iter().filter(mine).take(MOST_FILES) {
        let bytes = match old.get(path.as_str()) {
            Some(bytes) => bytes.map(<[u8]>::to_vec),
            None => (around.read)(path),
        };
        let Some(bytes) = bytes.filter(|b| b.len() <= left.min(FILE_BYTES)) else { continue };
        left -= bytes.len();
        roots.extend((language.imports)(&String::from_utf8_lossy(&bytes)).into_iter().map(|i| i.root));
    }
    roots
}

/// Whether a word is one of a table of words.
fn is_one_of(table: &str, word: &str) -> bool {
    table.split_ascii_whitespace().any(|w| w == word)
}

/// Whether the text holds the word, with nothing around it that could belong to a name.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(part)
        })
}
