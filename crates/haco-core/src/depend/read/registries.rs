//! Where packages come from: settings of package managers, and the entry for one address.

use super::{Read, manifest, tables, unquoted};
use crate::depend::entry::{Entry, System, What};

/// Addresses that a system uses where nothing is set.
const DEFAULTS: [&str; 17] = [
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "pypi.org",
    "pypi.python.org",
    "files.pythonhosted.org",
    "rubygems.org",
    "index.crates.io",
    "crates.io",
    "github.com/rust-lang/crates.io-index",
    "repo.maven.apache.org",
    "repo1.maven.org",
    "plugins.gradle.org",
    "packagist.org",
    "repo.packagist.org",
    "api.nuget.org",
    "www.nuget.org",
    "proxy.golang.org",
];

/// A place that packages come from; none where it is the system's own.
pub(super) fn registry(system: System, address: &str, line: usize) -> Option<Entry> {
    let address = address.trim();
    (!address.is_empty() && !is_default(address)).then(|| place(system, address, line))
}

pub(super) fn place(system: System, address: &str, line: usize) -> Entry {
    Entry::package(system, address, line).what(What::Registry)
}

pub(super) fn setting(system: System, key: &str, value: &str, line: usize) -> Entry {
    Entry::package(system, key, line).what(What::Setting).version(value)
}

/// Whether an address is one that the system uses where nothing is set.
pub(super) fn is_default(address: &str) -> bool {
    let rest = address.trim_start_matches("sparse+").trim_start_matches("registry+");
    let Some(rest) = rest.strip_prefix("https://") else { return false };
    DEFAULTS.iter().any(|known| {
        let after = rest.strip_prefix(known);
        after.is_some_and(|after| after.is_empty() || after.starts_with('/') || after.starts_with('?'))
    })
}

/// Settings that decide what is fetched from where, or what is run.
const KEYS: [&str; 22] = [
    "cafile",
    "extra-index-url",
    "find-links",
    "git",
    "global-index-url",
    "http-proxy",
    "https-proxy",
    "ignore-scripts",
    "enablescripts",
    "index-url",
    "node-options",
    "no-index",
    "npmregistryserver",
    "plugins",
    "proxy",
    "script-shell",
    "strict-ssl",
    "trusted-host",
    "unsafehttpwhitelist",
    "yarn-path",
    "yarnpath",
    "enablestrictssl",
];

/// `key = value`, `key: value` or `key "value"`, one a line: npm, yarn, pip, conda, bundler.
pub(super) fn lines(path: &str, text: &str) -> Result<Read, String> {
    let system = match path.to_lowercase().rsplit('/').next().unwrap_or_default() {
        ".npmrc" | ".yarnrc" | ".yarnrc.yml" => System::Npm,
        "config" => System::Gem,
        _ => System::Pypi,
    };
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches("- ");
        if line.starts_with(['#', ';', '[']) {
            continue;
        }
        let (key, value) = line.split_once(['=', ' ']).or_else(|| line.split_once(": ")).unwrap_or((line, ""));
        let key = unquoted(key.trim().trim_end_matches(':'));
        let value = unquoted(value.trim().trim_start_matches([':', '=']));
        let lower = key.to_lowercase();
        if lower.ends_with("registry") || lower.ends_with("registryserver") || lower.contains("mirror") {
            found.extend(registry(system, value, n + 1));
        } else if lower.ends_with("index-url") || lower == "find-links" {
            found.extend(value.split_whitespace().filter_map(|url| registry(system, url, n + 1)));
        } else if KEYS.contains(&lower.as_str()) {
            found.push(setting(system, key, value, n + 1));
        }
    }
    manifest(found)
}

/// uv.toml and bunfig.toml: every address in them.
pub(super) fn tables(path: &str, text: &str) -> Result<Read, String> {
    let system = if path.ends_with("uv.toml") { System::Pypi } else { System::Npm };
    let mut found = Vec::new();
    tables::with(text, |root| walk(system, root, 0, &mut found))?;
    manifest(found)
}

fn walk(system: System, table: tables::Table<'_>, depth: usize, found: &mut Vec<Entry>) {
    for item in table.items() {
        for value in item.value.each() {
            match (value.text(), value.table()) {
                (Some(text), _) if text.contains("://") => found.extend(registry(system, text, value.line())),
                (_, Some(deeper)) if depth < 16 => walk(system, deeper, depth + 1, found),
                _ => {}
            }
        }
    }
}

/// The addresses of submodules.
pub(super) fn submodules(_: &str, text: &str) -> Result<Read, String> {
    let url = |(n, line): (usize, &str)| {
        let (key, value) = line.split_once('=')?;
        let entry = Entry::package(System::Git, unquoted(value), n + 1).group("submodule");
        (key.trim() == "url" && !value.trim().starts_with('.')).then_some(entry)
    };
    manifest(text.lines().enumerate().filter_map(url).collect())
}
