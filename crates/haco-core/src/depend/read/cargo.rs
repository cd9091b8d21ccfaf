//! Cargo.toml and .cargo/config.toml.

use super::{Read, manifest, registries, tables};
use crate::depend::entry::{Entry, System, What};
use tables::{Item, Table, Value};

const GROUPS: [&str; 5] =
    ["dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies"];

pub(super) fn cargo_toml(_: &str, text: &str) -> Result<Read, String> {
    manifest(tables::with(text, |root| {
        let mut found = groups(root, "");
        for target in root.items_at(&["target"]) {
            found.extend(target.value.table().map_or_else(Vec::new, |t| groups(t, "target.")));
        }
        found.extend(named(root.items_at(&["workspace", "dependencies"]), "workspace.dependencies"));
        for registry in root.items_at(&["patch"]) {
            let items = registry.value.table().map_or_else(Vec::new, Table::items);
            found.extend(named(items, &format!("patch.{}", registry.key)));
        }
        found.extend(root.items_at(&["replace"]).into_iter().map(replaced));
        found.extend(root.at(&["package"]).and_then(|p| p.get("build")).and_then(build_script));
        found
    })?)
}

fn groups(table: Table<'_>, prefix: &str) -> Vec<Entry> {
    GROUPS.iter().flat_map(|group| named(table.items_at(&[group]), &format!("{prefix}{group}"))).collect()
}

fn named(items: Vec<Item<'_>>, group: &str) -> Vec<Entry> {
    items.into_iter().map(|item| dependency(&item, group)).collect()
}

/// `name = "1"`, or a table with `version`, `git`, `path`, `registry`, `package` or `workspace`.
fn dependency(item: &Item<'_>, group: &str) -> Entry {
    let plain = Entry::package(System::Cargo, item.key, item.line).group(group);
    let Some(table) = item.value.table() else { return plain.version(item.value.text().unwrap_or_default()) };
    let name = table.text("package").unwrap_or(item.key).to_owned();
    let inherits = table.get("workspace").is_some_and(Value::is_true);
    let version = if inherits { "workspace" } else { table.text("version").unwrap_or_default() };
    let revision = ["rev", "tag", "branch"].iter().find_map(|k| table.text(k)).unwrap_or(version);
    let by = |key: &str, word: &str| table.text(key).map(|value| format!("{word} {value}"));
    let source = by("git", "git").or_else(|| by("path", "path"));
    let source = source.or_else(|| by("registry", "registry")).or_else(|| by("registry-index", "registry"));
    let source = source.or_else(|| inherits.then(|| "inherited".to_owned())).unwrap_or_default();
    Entry { name, ..plain }.version(revision).source(source)
}

/// `[replace] "name:1.0" = {…}`.
fn replaced(item: Item<'_>) -> Entry {
    let entry = dependency(&item, "replace");
    let name = entry.name.rsplit_once(':').map_or(entry.name.clone(), |(name, _)| name.to_owned());
    Entry { name, ..entry }
}

/// A build script under another name than the usual one, which cargo runs without being told.
fn build_script(value: Value<'_>) -> Option<Entry> {
    let script = Entry::package(System::Cargo, "package.build", value.line()).what(What::Script);
    value.text().filter(|name| *name != "build.rs").map(|name| script.version(name))
}

/// Keys of a target or of the build that name a program.
const PROGRAMS: [&str; 5] = ["rustc", "rustc-wrapper", "rustc-workspace-wrapper", "runner", "linker"];

pub(super) fn config(_: &str, text: &str) -> Result<Read, String> {
    manifest(tables::with(text, |root| {
        let mut found = Vec::new();
        for table in ["source", "registries"].into_iter().flat_map(|key| root.items_at(&[key])) {
            let items = table.value.table().map_or_else(Vec::new, Table::items);
            let places = items.into_iter().filter(|i| {
                matches!(i.key, "registry" | "index" | "git" | "directory" | "local-registry" | "replace-with")
            });
            found.extend(places.filter_map(|i| registries::registry(System::Cargo, i.value.text()?, i.line)));
        }
        found.extend(root.items_at(&["registry"]).iter().filter_map(|i| setting("registry", i)));
        let build = root.items_at(&["build"]);
        found.extend(build.iter().filter(|i| PROGRAMS.contains(&i.key)).filter_map(|i| setting("build", i)));
        for target in root.items_at(&["target"]) {
            let items = target.value.table().map_or_else(Vec::new, Table::items);
            found.extend(items.iter().filter(|i| PROGRAMS.contains(&i.key)).filter_map(|i| setting(target.key, i)));
        }
        for registry in root.items_at(&["patch"]) {
            let items = registry.value.table().map_or_else(Vec::new, Table::items);
            found.extend(named(items, &format!("patch.{}", registry.key)));
        }
        found
    })?)
}

fn setting(of: &str, item: &Item<'_>) -> Option<Entry> {
    let words: Option<Vec<&str>> = item.value.each().iter().map(|v| v.text()).collect();
    let name = format!("{of}.{}", item.key);
    Some(Entry::package(System::Cargo, name, item.line).what(What::Setting).version(words?.join(" ")))
}
