//! Requirements and constraints files of pip, and one requirement as PEP 508 writes it.

use super::{Read, manifest, registries};
use crate::depend::entry::{Entry, System, What};

pub(super) fn requirements(path: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    for (line, text) in joined(text) {
        let text = text.split(" #").next().unwrap_or(&text).trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match option(text) {
            Some((name, value)) => found.extend(of_option(path, (name, value), line)),
            None => found.extend(requirement(text, line)),
        }
    }
    manifest(found)
}

/// Lines with those that end in a backslash joined to the next, each with its first number.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (n, line) in text.lines().enumerate() {
        let (body, goes_on) = line.strip_suffix('\\').map_or((line, false), |body| (body, true));
        match all.last_mut() {
            Some((_, last)) if open => last.push_str(body),
            _ => all.push((n + 1, body.to_owned())),
        }
        open = goes_on;
    }
    all
}

/// `--name=value`, `--name value` or `-n value`.
fn option(text: &str) -> Option<(&str, &str)> {
    let _option = text.strip_prefix('-')?;
    let (name, value) = text.split_once([' ', '=', '\t']).unwrap_or((text, ""));
    Some((name, value.trim()))
}

fn of_option(path: &str, (name, value): (&str, &str), line: usize) -> Option<Entry> {
    match name {
        "-i" | "--index-url" | "--extra-index-url" | "-f" | "--find-links" => {
            registries::registry(System::Pypi, value, line)
        }
        "--trusted-host" => Some(registries::setting(System::Pypi, name, value, line)),
        "-e" | "--editable" if value.contains("://") || value.starts_with("git+") => requirement(value, line),
        "-r" | "-c" | "--requirement" | "--constraint" if value.contains("://") => {
            Some(Entry::package(System::Pypi, value, line).what(What::Registry))
        }
        "-r" | "-c" | "--requirement" | "--constraint" => elsewhere(path, (name, value), line),
        _ => None,
    }
}

/// A list in a file that is not known by its name to hold one, so that nobody would read it.
pub(super) fn elsewhere(path: &str, (key, file): (&str, &str), line: usize) -> Option<Entry> {
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    (!super::is_manifest(&format!("{dir}/{file}")))
        .then(|| registries::setting(System::Pypi, &format!("{key} {file}"), file, line))
}

/// `name[extra] >= 1 ; marker`, `name @ url`, or a bare URL; nothing for what is a path.
pub(super) fn requirement(text: &str, line: usize) -> Option<Entry> {
    let text = text.split(';').next().unwrap_or(text).split(" --").next().unwrap_or(text).trim();
    if let Some((name, url)) = text.split_once('@').filter(|(name, _)| is_name(name.split('[').next().unwrap_or(name)))
    {
        return Some(Entry::package(System::Pypi, name.trim(), line).source(format!("url {}", url.trim())));
    }
    if text.contains("://") {
        let egg = text.split_once("#egg=").map_or(text, |(_, egg)| egg.split('&').next().unwrap_or(egg));
        return Some(Entry::package(System::Pypi, egg, line).source(format!("url {text}")));
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if !is_name(name) || rest.starts_with(['/', '\\', ':']) || name.ends_with(".whl") || name.ends_with(".txt") {
        return None;
    }
    if let Some(after) = rest.strip_prefix('[') {
        rest = after.split_once(']').map_or("", |(_, rest)| rest);
    }
    Some(Entry::package(System::Pypi, name, line).version(rest.trim()))
}

fn is_name(name: &str) -> bool {
    let name = name.trim();
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
