//! Rust: `mod x;` names a file beside it, `use crate::…`, `self::` and `super::` walk the module tree, and the name of
//! another crate of the workspace is the name of its folder.

use super::{Source, Tree, dir, lines};

pub(super) fn imported(source: Source<'_>, tree: &Tree<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in lines(source.text) {
        let body = line.trim();
        if let Some(rest) = &mut open {
            rest.push_str(body);
        } else if let Some(name) = module(body) {
            found.extend(file_of(tree, &children(source.path), &[name]));
            continue;
        } else if let Some(used) = used(body) {
            open = Some(used.to_owned());
        }
        if let Some(whole) = open.take_if(|rest| rest.contains(';')) {
            let whole = whole.split(';').next().unwrap_or_default();
            found.extend(paths(whole).iter().filter_map(|path| resolve(source.path, path, tree)));
        }
    }
    found
}

/// The name in `pub(crate) mod name;`.
fn module(line: &str) -> Option<&str> {
    let name = public(line).strip_prefix("mod ")?.strip_suffix(';')?.trim();
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}

fn used(line: &str) -> Option<&str> {
    public(line).strip_prefix("use ")
}

fn public(line: &str) -> &str {
    let rest = line.strip_prefix("pub").unwrap_or(line);
    rest.strip_prefix('(').and_then(|r| r.split_once(')')).map_or(rest, |(_, rest)| rest).trim_start()
}

/// The paths of a `use`: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn paths(used: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in used.chars().chain([',']) {
        match c {
            '{' => before.push(std::mem::take(&mut word)),
            ',' | '}' => {
                let last = word.split(" as ").next().unwrap_or_default().trim();
                if !last.is_empty() {
                    found.push(before.concat() + last);
                }
                word.clear();
                if c == '}' {
                    before.pop();
                }
            }
            c if c.is_whitespace() && word.is_empty() => {}
            c => word.push(c),
        }
    }
    found
}

fn resolve(from: &str, path: &str, tree: &Tree<'_>) -> Option<String> {
    let parts: Vec<&str> = path.split("::").map(str::trim).filter(|p| !p.is_empty()).collect();
    let (first, rest) = parts.split_first()?;
    match *first {
        "crate" => file_of(tree, &root(from, tree)?, rest),
        "self" => file_of(tree, &children(from), rest),
        "super" => {
            let up = rest.iter().take_while(|p| **p == "super").count();
            let mut here = super::dir(&children(from)).to_owned();
            for _ in 0..up {
                here = dir(&here).to_owned();
            }
            file_of(tree, &here, &rest[up..])
        }
        name => other_crate(name, rest, tree),
    }
}

/// Another crate of the same repository.
fn other_crate(name: &str, rest: &[&str], tree: &Tree<'_>) -> Option<String> {
    let folder = [name.to_owned(), name.replace('_', "-")];
    let door = folder.iter().find_map(|f| tree.ending(&format!("{f}/src/lib.rs")).next().map(str::to_owned))?;
    file_of(tree, dir(&door), rest).or(Some(door))
}

/// The file of the longest beginning of a module path, below the directory of its first module.
fn file_of(tree: &Tree<'_>, dir: &str, modules: &[&str]) -> Option<String> {
    (1..=modules.len()).rev().find_map(|n| {
        let below = modules[..n].join("/");
        let stem = if dir.is_empty() { below } else { format!("{dir}/{below}") };
        tree.first([format!("{stem}.rs"), format!("{stem}/mod.rs")])
    })
}

/// Where the modules below a file lie.
fn children(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => dir(path).to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

/// The directory of the crate's own door.
fn root(path: &str, tree: &Tree<'_>) -> Option<String> {
    let mut here = dir(path);
    loop {
        let below = |name: &str| if here.is_empty() { name.to_owned() } else { format!("{here}/{name}") };
        if tree.has(&below("lib.rs")) || tree.has(&below("main.rs")) {
            return Some(here.to_owned());
        }
        if here.is_empty() {
            return None;
        }
        here = dir(here);
    }
}
