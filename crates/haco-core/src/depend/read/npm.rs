//! package.json and pnpm-workspace.yaml.

use super::{Read, indent, json, manifest, registries, shell, unquoted};
use crate::depend::entry::{Entry, System, What};
use json::Doc;
use serde_json::{Map, Value};

const GROUPS: [&str; 5] =
    ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "resolutions"];

/// Scripts that a package manager runs by itself.
const LIFECYCLE: [&str; 11] = [
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
    "prepublish",
    "prepublishOnly",
    "prepack",
    "postpack",
    "dependencies",
];

pub(super) fn package_json(_: &str, text: &str) -> Result<Read, String> {
    let doc = json::parse(text)?;
    let mut found = Vec::new();
    for group in GROUPS {
        let Some(all) = doc.object(&[group]) else { continue };
        found.extend(all.iter().filter_map(|(k, v)| Some(dependency(&doc, group, k, v.as_str()?))));
    }
    for path in [&["overrides"][..], &["pnpm", "overrides"]] {
        if let Some(all) = doc.object(path) {
            overrides(&doc, all, 0, &mut found);
        }
    }
    if let Some(all) = doc.object(&["scripts"]) {
        found.extend(all.iter().flat_map(|(k, v)| script(&doc, k, v.as_str().unwrap_or_default())));
    }
    found.extend(doc.root.get("packageManager").and_then(Value::as_str).map(|text| {
        let (name, version) = text.rsplit_once('@').unwrap_or((text, ""));
        Entry::package(System::Npm, name, doc.line("", "packageManager")).group("packageManager").version(version)
    }));
    found.extend(built(&doc));
    manifest(found)
}

fn dependency(doc: &Doc, group: &str, key: &str, value: &str) -> Entry {
    let name = key.rsplit_once("**/").or_else(|| nested(key)).map_or(key, |(_, name)| name);
    spec(Entry::package(System::Npm, name, doc.line(group, key)).group(group), value)
}

/// `a/b` of `resolutions` means b below a; `@scope/b` is one name.
fn nested(key: &str) -> Option<(&str, &str)> {
    let (above, name) = key.rsplit_once('/')?;
    if let Some((above, scope)) = above.rsplit_once('/').filter(|(_, scope)| scope.starts_with('@')) {
        return Some((above, &key[key.len() - scope.len() - name.len() - 1..]));
    }
    (!above.starts_with('@')).then_some((above, name))
}

/// What stands beside a name: a range, an alias, an address, or a place of this repository.
pub(super) fn spec(entry: Entry, value: &str) -> Entry {
    let value = value.trim();
    let local = ["file:", "link:", "portal:"].iter().find_map(|p| value.strip_prefix(p));
    if let Some(path) = local {
        return entry.source(format!("path {path}"));
    }
    if let Some(alias) = value.strip_prefix("npm:") {
        let at = alias.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(alias.len(), |(at, _)| at);
        let (name, version) = alias.split_at(at);
        let same = name == entry.name || !name.starts_with(|c: char| c == '@' || c.is_alphabetic());
        let source = if same { String::new() } else { format!("alias {name}") };
        return entry.version(version.trim_start_matches('@')).source(source);
    }
    if value.starts_with("workspace:") || value.starts_with("catalog:") {
        return entry.version(value).source("inherited");
    }
    let (address, revision) = value.split_once('#').unwrap_or((value, ""));
    let is_path = [".", "/", "~/"].iter().any(|p| value.starts_with(p)) && !value.starts_with(". ");
    match () {
        () if is_path => entry.source(format!("path {value}")),
        () if address.contains("://") || address.contains("git@") || address.contains(':') || address.contains('/') => {
            entry.version(revision).source(format!("url {address}"))
        }
        () => entry.version(value),
    }
}

/// Overrides of what other packages need, however deep.
fn overrides(doc: &Doc, all: &Map<String, Value>, depth: usize, found: &mut Vec<Entry>) {
    for (key, value) in all {
        let name = key.rsplit('>').next().unwrap_or(key);
        let at = name.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(name.len(), |(at, _)| at);
        let line = doc.line("overrides", key);
        match value {
            Value::String(text) if name != "." => {
                let entry = Entry::package(System::Npm, &name[..at], line).group("overrides");
                // `$name` is what the manifest itself asks for.
                let inherits = text.starts_with('$');
                found.push(if inherits { entry.version(text).source("inherited") } else { spec(entry, text) });
            }
            Value::Object(deeper) if depth < 16 => overrides(doc, deeper, depth + 1, found),
            _ => {}
        }
    }
}

fn script(doc: &Doc, key: &str, command: &str) -> Vec<Entry> {
    let line = doc.line("scripts", key);
    let mut found: Vec<Entry> = shell::commands(command, line);
    if LIFECYCLE.contains(&key) {
        let entry = Entry::package(System::Npm, format!("scripts.{key}"), line).what(What::Script);
        found.push(entry.version(command));
    }
    found
}

/// Packages whose own install scripts may run.
fn built(doc: &Doc) -> Vec<Entry> {
    let lists = [
        ("trustedDependencies", doc.root.get("trustedDependencies")),
        ("onlyBuiltDependencies", doc.object(&["pnpm"]).and_then(|p| p.get("onlyBuiltDependencies"))),
    ];
    let mut found = Vec::new();
    for (key, list) in lists {
        for name in list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            found.push(registries::setting(System::Npm, &format!("{key}.{name}"), name, doc.line("", key)));
        }
    }
    found
}

/// `catalog:`, `catalogs:` and `overrides:`: lines of a name and what it asks for.
pub(super) fn pnpm_workspace(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let mut section = "";
    for (n, line) in text.lines().enumerate() {
        let body = line.split(" #").next().unwrap_or(line).trim();
        if indent(line) == 0 && !body.is_empty() {
            section = body.split(':').next().unwrap_or(body);
            continue;
        }
        let wanted = matches!(section, "catalog" | "catalogs" | "overrides");
        let pair = body.split_once(": ").filter(|_| wanted && !body.starts_with('#'));
        found.extend(pair.map(|(name, value)| {
            spec(Entry::package(System::Npm, unquoted(name), n + 1).group(section), unquoted(value))
        }));
        let builds = matches!(section, "onlyBuiltDependencies" | "configDependencies");
        let item = body.strip_prefix("- ").filter(|_| builds).map(unquoted);
        found.extend(item.map(|name| registries::setting(System::Npm, &format!("{section}.{name}"), name, n + 1)));
    }
    manifest(found)
}
