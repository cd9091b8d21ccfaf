//! CI definitions, compose files and pre-commit hooks, by their lines: what they use, pull and install.

use super::{Read, docker::image, indent, manifest, shell, unquoted};
use crate::depend::entry::{Entry, System};

pub(super) fn pipeline(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let mut orbs = None;
    let lines: Vec<&str> = text.lines().collect();
    for (n, line) in lines.iter().enumerate() {
        let body = line.trim().trim_start_matches("- ").trim_start();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let (key, value) = body.split_once(':').map_or((body, ""), |(k, v)| (k, unquoted(v)));
        if orbs.is_some_and(|depth| indent(line) <= depth) {
            orbs = None;
        }
        match key {
            _ if orbs.is_some() && value.contains('/') => found.push(action(value, "orbs", n + 1)),
            "orbs" if value.is_empty() => orbs = Some(indent(line)),
            "uses" => found.extend(uses(value, n + 1)),
            "image" | "container" | "name" if looks_like_image(key, value) => {
                found.extend(image(value, "image", n + 1))
            }
            "repo" if value.contains("://") => found.push(Entry::package(System::Git, value, n + 1).group("repo")),
            "additional_dependencies" => found.extend(additional(value, n + 1)),
            "remote" if value.contains("://") => {
                found.push(Entry::package(System::Git, value, n + 1).group("include"));
            }
            _ => {}
        }
        let command = if matches!(key, "run" | "script" | "before_script" | "command") { value } else { body };
        found.extend(shell::commands(command, n + 1));
    }
    manifest(found)
}

/// An image has a tag, a digest or a path; `name:` is too common a key to believe without.
fn looks_like_image(key: &str, value: &str) -> bool {
    let tagged = value.contains(':') || value.contains('@');
    let plain = !value.is_empty() && !value.contains(' ') && !value.starts_with(['$', '{', '[', '/', '.']);
    plain
        && match key {
            "name" => tagged && value.contains('/') && !value.contains("://"),
            _ => true,
        }
}

/// `owner/repository/path@ref`, or `docker://image`; what lies in the repository itself is nobody else's.
fn uses(value: &str, line: usize) -> Option<Entry> {
    if value.starts_with('.') || value.is_empty() {
        return None;
    }
    match value.strip_prefix("docker://") {
        Some(name) => image(name, "uses", line),
        None => Some(action(value, "uses", line)),
    }
}

fn action(value: &str, group: &str, line: usize) -> Entry {
    let (name, version) = value.split_once('@').unwrap_or((value, ""));
    Entry::package(System::Action, name, line).group(group).version(version)
}

/// `[flake8-bugbear==23.1, types-requests]` of a hook.
fn additional(value: &str, line: usize) -> Vec<Entry> {
    let items = value.trim_start_matches('[').trim_end_matches(']').split(',');
    items.filter_map(|item| super::requirements::requirement(unquoted(item), line)).map(|e| e.group("hook")).collect()
}

/// How far a service reaches around its image.
const MOST_LINES: usize = 60;

/// A service's image, unless it is built beside.
pub(super) fn compose(_: &str, text: &str) -> Result<Read, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(value) = line.trim().strip_prefix("image:").map(unquoted) else { continue };
        let depth = indent(line);
        let same_service = |line: &&&str| line.trim().is_empty() || indent(line) >= depth;
        let builds = |line: &&str| indent(line) == depth && line.trim().starts_with("build:");
        let above = lines[..n].iter().rev().take(MOST_LINES).take_while(same_service);
        let near = above.chain(lines[n..].iter().take(MOST_LINES).take_while(same_service));
        if !near.copied().any(|line| builds(&line)) {
            found.extend(image(value, "image", n + 1));
        }
    }
    manifest(found)
}
