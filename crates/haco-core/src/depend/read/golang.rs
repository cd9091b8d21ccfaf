//! go.mod and go.work.

use super::{Read, manifest, unquoted};
use crate::depend::entry::{Entry, INDIRECT, System};

pub(super) fn go_mod(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let mut block: Option<&str> = None;
    for (n, line) in text.lines().enumerate() {
        let (body, comment) = line.split_once("//").unwrap_or((line, ""));
        let body = body.trim();
        if body == ")" {
            block = None;
            continue;
        }
        let (verb, rest) = match block {
            Some(verb) => (verb, body),
            None => body.split_once([' ', '\t', '(']).unwrap_or((body, "")),
        };
        if block.is_none() && body.ends_with('(') {
            block = Some(verb.trim());
            continue;
        }
        let words: Vec<&str> = rest.split_whitespace().map(unquoted).collect();
        match (verb, words.as_slice()) {
            ("require", [name, version, ..]) => {
                let group = if comment.trim().starts_with("indirect") { INDIRECT } else { "require" };
                found.push(Entry::package(System::Go, *name, n + 1).group(group).version(*version));
            }
            ("replace", words) => found.extend(replaced(words, n + 1)),
            _ => {}
        }
    }
    manifest(found)
}

/// `a [v] => b [v]`, or `a => ../dir`.
fn replaced(words: &[&str], line: usize) -> Option<Entry> {
    let arrow = words.iter().position(|w| *w == "=>")?;
    let (name, to) = (words.first()?, words.get(arrow + 1)?);
    let version = words.get(arrow + 2).copied().unwrap_or_default();
    let is_path = [".", "/"].iter().any(|p| to.starts_with(p));
    let source = format!("{} {to}", if is_path { "path" } else { "module" });
    Some(Entry::package(System::Go, *name, line).group("replace").version(version).source(source))
}
