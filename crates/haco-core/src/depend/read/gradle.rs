//! Gradle build files in Groovy and Kotlin, line by line (they are programs, and what they compute is not seen), version
//! catalogs, and the wrapper's properties.

use super::{Read, all_quoted, manifest, quoted, registries, tables};
use crate::depend::entry::{Entry, System};
use tables::Item;

/// How the name of a configuration ends.
const CONFIGURATIONS: [&str; 16] = [
    "implementation",
    "api",
    "compileonly",
    "runtimeonly",
    "annotationprocessor",
    "compile",
    "runtime",
    "classpath",
    "kapt",
    "ksp",
    "provided",
    "developmentonly",
    "desugaring",
    "platform",
    "enforcedplatform",
    "plugins",
];

pub(super) fn build(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let body = line.split(" //").next().unwrap_or(line).trim();
        let word: &str = body.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        let lower = word.to_lowercase();
        match lower.as_str() {
            "id" | "kotlin" if body.contains("version") => found.extend(plugin(body, word, n + 1)),
            "url" | "maven" | "seturl" | "apply" => {
                let address = quoted(body).filter(|u| u.contains("://"));
                found.extend(address.and_then(|url| registries::registry(System::Maven, url, n + 1)));
            }
            "jcenter" | "mavenlocal" => found.push(registries::place(System::Maven, word, n + 1)),
            lower if CONFIGURATIONS.iter().any(|c| lower.ends_with(c)) => found.extend(dependency(body, word, n + 1)),
            _ => {}
        }
    }
    manifest(found)
}

/// `id 'x' version '1'`, `id("x") version "1"`, `kotlin("jvm") version "1"`.
fn plugin(body: &str, word: &str, line: usize) -> Option<Entry> {
    let all = all_quoted(body);
    let (_, name) = all.first()?;
    let name = if word == "kotlin" { format!("org.jetbrains.kotlin.{name}") } else { (*name).to_owned() };
    let version = all.get(1).map(|(_, v)| *v).unwrap_or_default();
    Some(Entry::package(System::Maven, name, line).group("plugins").version(version))
}

/// `api 'g:a:v'`, `api("g:a:v")`, `api group: 'g', name: 'a', version: 'v'`, or `api(libs.alias)`.
fn dependency(body: &str, word: &str, line: usize) -> Vec<Entry> {
    let all = all_quoted(body);
    let after = |key: &str| {
        let at = body.find(key)?;
        all.iter().find(|(from, _)| *from > at).map(|(_, value)| *value)
    };
    if let (Some(group), Some(name)) =
        (after("group:").or_else(|| after("group =")), after("name:").or_else(|| after("name =")))
    {
        let entry = Entry::package(System::Maven, format!("{group}:{name}"), line).group(word);
        return vec![entry.version(after("version").unwrap_or_default())];
    }
    if let Some(alias) = body.split(['(', ' ', ')']).find(|w| w.starts_with("libs.")).filter(|_| all.is_empty()) {
        return vec![Entry::package(System::Maven, alias, line).group(word).source("inherited")];
    }
    all.iter().filter_map(|(_, text)| coordinates(text, line)).map(|e| e.group(word)).collect()
}

/// `group:artifact[:version[:classifier]]`.
fn coordinates(text: &str, line: usize) -> Option<Entry> {
    let mut parts = text.splitn(3, ':');
    let (group, name) = (parts.next()?, parts.next()?);
    let fits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "._-${}".contains(c));
    let entry = Entry::package(System::Maven, format!("{group}:{name}"), line);
    (fits(group) && fits(name)).then(|| entry.version(parts.next().unwrap_or_default()))
}

/// `[libraries]` and `[plugins]` of a version catalog.
pub(super) fn catalog(_: &str, text: &str) -> Result<Read, String> {
    manifest(tables::with(text, |root| {
        let libraries = root.items_at(&["libraries"]);
        let plugins = root.items_at(&["plugins"]);
        libraries.iter().filter_map(library).chain(plugins.iter().filter_map(catalog_plugin)).collect()
    })?)
}

fn library(item: &Item<'_>) -> Option<Entry> {
    if let Some(text) = item.value.text() {
        return coordinates(text, item.line).map(|e| e.group("libraries"));
    }
    let table = item.value.table()?;
    let whole = table.text("module").map(str::to_owned);
    let name = whole.or_else(|| Some(format!("{}:{}", table.text("group")?, table.text("name")?)))?;
    let entry = Entry::package(System::Maven, name, item.line).group("libraries");
    Some(entry.version(table.text("version").unwrap_or_default()))
}

fn catalog_plugin(item: &Item<'_>) -> Option<Entry> {
    let (name, version) = match item.value.text() {
        Some(text) => text.split_once(':')?,
        None => {
            let table = item.value.table()?;
            (table.text("id")?, table.text("version").unwrap_or_default())
        }
    };
    Some(Entry::package(System::Maven, name, item.line).group("plugins").version(version))
}

/// Where the wrapper takes Gradle itself from.
pub(super) fn wrapper(_: &str, text: &str) -> Result<Read, String> {
    let keys = ["distributionUrl", "distributionSha256Sum"];
    let pairs = text.lines().enumerate().filter_map(|(n, line)| {
        let (key, value) = line.split_once('=')?;
        keys.contains(&key.trim()).then(|| registries::setting(System::Maven, key.trim(), value.trim(), n + 1))
    });
    manifest(pairs.collect())
}
