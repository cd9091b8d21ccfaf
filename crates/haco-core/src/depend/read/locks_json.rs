//! package-lock.json (all three versions), Pipfile.lock and composer.lock.

use super::{Read, json, registries::is_default};
use crate::depend::entry::{Graph, Lock, Locked, System};
use serde_json::{Map, Value};
use std::collections::HashMap;

pub(super) fn npm(_: &str, text: &str) -> Result<Read, String> {
    let doc = json::parse(text)?;
    let mut packages = Vec::new();
    match doc.object(&["packages"]) {
        Some(all) => {
            for (path, entry) in all {
                let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
                let line = doc.line("packages", path);
                packages.extend(npm_package(entry["name"].as_str().unwrap_or(name), entry, line));
            }
        }
        None => first_version(doc.object(&["dependencies"]), 0, &mut packages),
    }
    Ok(Read::Lock(Lock { system: System::Npm, packages, graph: Graph::Known }))
}

/// Packages below packages, as npm 6 wrote them.
fn first_version(all: Option<&Map<String, Value>>, depth: usize, packages: &mut Vec<Locked>) {
    for (name, entry) in all.into_iter().flatten() {
        packages.extend(npm_package(name, entry, 1));
        if depth < 64 {
            first_version(entry["dependencies"].as_object(), depth + 1, packages);
        }
    }
}

fn npm_package(name: &str, entry: &Value, line: usize) -> Option<Locked> {
    if entry["link"] == Value::Bool(true) {
        return None;
    }
    let keys = ["dependencies", "optionalDependencies", "peerDependencies", "requires"];
    let needs = keys.iter().filter_map(|k| entry[*k].as_object()).flat_map(|o| o.keys());
    let resolved = entry["resolved"].as_str().filter(|url| url.contains(':')).map(|url| archive(name, url));
    Some(Locked {
        name: System::Npm.folded(name),
        version: entry["version"].as_str().unwrap_or_default().to_owned(),
        source: resolved.unwrap_or_default(),
        sums: entry["integrity"].as_str().into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect(),
        needs: needs.map(|n| System::Npm.folded(n)).collect(),
        line,
    })
}

/// The registry that an archive's address belongs to, empty for npm's own. An archive of another package is a source of
/// its own.
pub(super) fn archive(name: &str, url: &str) -> String {
    let url = url.replace("%2f", "/").replace("%2F", "/");
    match url.split_once(&format!("/{name}/-/")) {
        Some(_) if is_default(&url) => String::new(),
        Some((registry, _)) => registry.to_owned(),
        None => url,
    }
}

pub(super) fn pipfile(_: &str, text: &str) -> Result<Read, String> {
    let doc = json::parse(text)?;
    let mut packages = Vec::new();
    for group in ["default", "develop"] {
        for (name, entry) in doc.object(&[group]).into_iter().flatten() {
            let source = ["git", "file", "path"].iter().find_map(|k| entry[*k].as_str());
            let hashes = entry["hashes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            packages.push(Locked {
                name: System::Pypi.folded(name),
                version: entry["version"].as_str().unwrap_or_default().trim_start_matches('=').to_owned(),
                source: source.unwrap_or_default().to_owned(),
                sums: hashes.map(str::to_owned).collect(),
                needs: Vec::new(),
                line: doc.line(group, name),
            });
        }
    }
    Ok(Read::Lock(Lock { system: System::Pypi, packages, graph: Graph::Unknown }))
}

pub(super) fn composer(_: &str, text: &str) -> Result<Read, String> {
    let doc = json::parse(text)?;
    let lines = lines_of_names(text);
    let lists = ["packages", "packages-dev"].iter().filter_map(|k| doc.root.get(*k)?.as_array()).flatten();
    let packages = lists.filter_map(|entry| {
        let name = entry["name"].as_str()?;
        let source = entry["source"]["url"].as_str().or_else(|| entry["dist"]["url"].as_str());
        let sum = entry["dist"]["shasum"].as_str().filter(|s| !s.is_empty()).map(|s| format!("sha1:{s}"));
        let revision = entry["source"]["reference"].as_str().map(|r| format!("commit:{r}"));
        Some(Locked {
            name: System::Composer.folded(name),
            version: entry["version"].as_str().unwrap_or_default().to_owned(),
            source: source.unwrap_or_default().to_owned(),
            sums: sum.into_iter().chain(revision).collect(),
            needs: entry["require"].as_object().into_iter().flat_map(|o| o.keys()).map(|n| n.to_lowercase()).collect(),
            line: lines.get(name).copied().unwrap_or(1),
        })
    });
    let packages = packages.collect();
    Ok(Read::Lock(Lock { system: System::Composer, packages, graph: Graph::Known }))
}

/// The first line of each `"name": "x"`.
fn lines_of_names(text: &str) -> HashMap<&str, usize> {
    let mut lines = HashMap::new();
    for (n, line) in text.lines().enumerate() {
        let name = line.split_once("\"name\":").and_then(|(_, rest)| rest.split('"').nth(1));
        name.into_iter().for_each(|name| {
            lines.entry(name).or_insert(n + 1);
        });
    }
    lines
}
