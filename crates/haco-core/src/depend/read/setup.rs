//! setup.py by the lists in it, setup.cfg, and conda's environment.yml. setup.py is a program: what it computes is not
//! seen, and a changed computation is an auditor's to judge.

use super::{Lines, Read, all_quoted, indent, manifest, registries, requirements::requirement, unquoted};
use crate::depend::entry::System;

pub(super) fn setup_py(_: &str, text: &str) -> Result<Read, String> {
    let text = without_comments(text);
    let lines = Lines::of(&text);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((group, from)) = next_list(&text, at) {
        let to = from + end_of_list(&text[from..]);
        let list = &text[from..to];
        for (offset, item) in all_quoted(list) {
            let is_key = list[offset + item.len() + 1..].trim_start().starts_with(':');
            let entry = if is_key { None } else { requirement(item, lines.at(from + offset)) };
            found.extend(entry.map(|e| e.group(group.clone())));
        }
        at = to.max(from + 1);
    }
    manifest(found)
}

/// The next bracket that a name with `require` in it is given, such as `install_requires=[`, with the name.
fn next_list(text: &str, from: usize) -> Option<(String, usize)> {
    let mut at = from;
    loop {
        let word = at + text[at..].find("require")?;
        let begins = text[..word]
            .rfind(|c: char| !is_word(c))
            .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
        let ends = word + text[word..].find(|c: char| !is_word(c))?;
        let after = text[ends..].trim_start_matches(['"', '\'', ' ', ']']);
        let value = after.strip_prefix(['=', ':']).map(|v| v.trim_start());
        if let Some(value) = value.filter(|v| v.starts_with(['[', '{', '('])) {
            return Some((text[begins..ends].to_owned(), text.len() - value.len()));
        }
        at = ends;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text with comments blanked, byte for byte.
fn without_comments(text: &str) -> String {
    let blank =
        |line: &str| match line.find('#').filter(|at| line[..*at].matches(['"', '\'']).count().is_multiple_of(2)) {
            Some(at) => line[..at].to_owned() + &" ".repeat(line.len() - at),
            None => line.to_owned(),
        };
    text.split('\n').map(blank).collect::<Vec<_>>().join("\n")
}

/// The offset after the bracket that closes the first one.
fn end_of_list(text: &str) -> usize {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') if depth <= 1 => return at + 1,
            (None, ']' | '}' | ')') => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

pub(super) fn setup_cfg(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let (mut section, mut key) = (String::new(), String::new());
    for (n, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end().trim_end_matches(']').to_owned();
            key.clear();
            continue;
        }
        let value = if indent(line) > 0 {
            line.trim()
        } else {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            name.trim().clone_into(&mut key);
            value.trim()
        };
        let wanted = match section.as_str() {
            "options" => matches!(key.as_str(), "install_requires" | "setup_requires" | "tests_require"),
            section => section == "options.extras_require",
        };
        if wanted && !value.is_empty() && !value.starts_with('#') {
            found.extend(requirement(value, n + 1).map(|e| e.group(format!("{section}.{key}"))));
        }
    }
    manifest(found)
}

/// `dependencies:` with `- name=1.2` and below `- pip:` requirements; `channels:`.
pub(super) fn conda(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let mut section = "";
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        if indent(line) == 0 && body.ends_with(':') && !body.starts_with('-') {
            section = body.trim_end_matches(':');
            continue;
        }
        let Some(item) = body.strip_prefix("- ").map(unquoted).filter(|i| !i.ends_with(':')) else { continue };
        match section {
            "channels" if item != "defaults" && item != "conda-forge" => {
                found.push(registries::place(System::Pypi, item, n + 1));
            }
            "dependencies" => {
                let item = item.rsplit_once("::").map_or(item, |(_, name)| name);
                found.extend(requirement(item, n + 1).filter(|e| e.name != "python").map(|e| e.group("dependencies")));
            }
            _ => {}
        }
    }
    manifest(found)
}
