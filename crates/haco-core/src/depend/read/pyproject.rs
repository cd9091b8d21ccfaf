//! pyproject.toml (PEP 517, 621 and 735, poetry, uv, hatch, pdm) and Pipfile.

use super::{
    Read, manifest, registries,
    requirements::{elsewhere, requirement},
    tables,
};
use crate::depend::entry::{Entry, System, What};
use tables::{Item, Table, Value};

pub(super) fn pyproject(path: &str, text: &str) -> Result<Read, String> {
    manifest(tables::with(text, |root| {
        let mut found = Vec::new();
        for keys in LISTS {
            let list = keys.split_last().and_then(|(key, dir)| root.at(dir)?.get(key));
            found.extend(list.into_iter().flat_map(|list| strings(list, keys.join("."))));
        }
        for keys in LISTS_BY_NAME {
            for group in root.items_at(keys) {
                found.extend(strings(group.value, format!("{}.{}", keys.join("."), group.key)));
            }
        }
        for item in root.items_at(&["tool", "setuptools", "dynamic"]) {
            let files = item.value.table().and_then(|t| t.get("file")).map_or_else(Vec::new, Value::each);
            let lists = files.into_iter().filter(|_| item.key.ends_with("dependencies"));
            found.extend(lists.filter_map(|f| elsewhere(path, (item.key, f.text()?), f.line())));
        }
        for env in root.items_at(&["tool", "hatch", "envs"]) {
            let lists = env.value.table().map_or_else(Vec::new, Table::items);
            let lists = lists.into_iter().filter(|i| i.key.ends_with("dependencies"));
            found.extend(lists.flat_map(|i| strings(i.value, format!("tool.hatch.envs.{}", env.key))));
        }
        found.extend(poetry(root));
        found.extend(
            root.items_at(&["tool", "uv", "sources"]).iter().map(|item| table_or_text(item, "tool.uv.sources")),
        );
        for keys in [["tool", "uv", "index"], ["tool", "poetry", "source"], ["tool", "pdm", "source"]] {
            let list = root.at(&keys[..2]).and_then(|t| t.get(keys[2]));
            found.extend(list.into_iter().flat_map(indexes));
        }
        let backend = root.at(&["build-system"]).and_then(|t| t.get("build-backend"));
        found.extend(backend.and_then(|value| {
            let entry = Entry::package(System::Pypi, "build-system.build-backend", value.line()).what(What::Setting);
            Some(entry.version(value.text()?))
        }));
        found
    })?)
}

/// Lists of requirements.
const LISTS: [&[&str]; 6] = [
    &["build-system", "requires"],
    &["project", "dependencies"],
    &["tool", "uv", "dev-dependencies"],
    &["tool", "uv", "override-dependencies"],
    &["tool", "uv", "constraint-dependencies"],
    &["tool", "uv", "build-constraint-dependencies"],
];

/// Tables of lists of requirements.
const LISTS_BY_NAME: [&[&str]; 3] =
    [&["project", "optional-dependencies"], &["dependency-groups"], &["tool", "pdm", "dev-dependencies"]];

fn strings(list: Value<'_>, group: String) -> Vec<Entry> {
    let each = list.each().into_iter();
    each.filter_map(|v| requirement(v.text()?, v.line()).map(|e| e.group(group.clone()))).collect()
}

fn indexes(list: Value<'_>) -> Vec<Entry> {
    let url = |table: Table<'_>| {
        let value = table.get("url")?;
        registries::registry(System::Pypi, value.text()?, value.line())
    };
    list.tables().into_iter().filter_map(url).collect()
}

fn poetry(root: Table<'_>) -> Vec<Entry> {
    let Some(poetry) = root.at(&["tool", "poetry"]) else { return Vec::new() };
    let mut groups = vec![
        ("dependencies".to_owned(), poetry.items_at(&["dependencies"])),
        ("dev-dependencies".to_owned(), poetry.items_at(&["dev-dependencies"])),
        ("requires-plugins".to_owned(), poetry.items_at(&["requires-plugins"])),
    ];
    for group in poetry.items_at(&["group"]) {
        let items = group.value.table().map_or_else(Vec::new, |t| t.items_at(&["dependencies"]));
        groups.push((format!("group.{}", group.key), items));
    }
    let all = groups.into_iter().flat_map(|(group, items)| {
        let packages = items.into_iter().filter(|i| i.key != "python");
        packages.map(|i| table_or_text(&i, &group)).collect::<Vec<_>>()
    });
    all.collect()
}

/// `name = "^1"`, `name = {version, git, path, url, source}`, or a list of such tables.
fn table_or_text(item: &Item<'_>, group: &str) -> Entry {
    let entry = Entry::package(System::Pypi, item.key, item.line).group(group);
    let tables = item.value.tables();
    let first = |key: &str| tables.iter().find_map(|t| t.text(key));
    let version = item.value.text().or_else(|| ["version", "rev", "tag", "branch"].iter().find_map(|k| first(k)));
    let by = |key: &str| first(key).map(|value| format!("{key} {value}"));
    let source = ["git", "url", "path", "file", "index", "source"].iter().find_map(|key| by(key));
    let member = tables.iter().any(|t| t.get("workspace").is_some_and(Value::is_true));
    let source = source.or_else(|| member.then(|| "inherited".to_owned()));
    entry.version(version.unwrap_or_default()).source(source.unwrap_or_default())
}

pub(super) fn pipfile(_: &str, text: &str) -> Result<Read, String> {
    manifest(tables::with(text, |root| {
        let groups =
            root.items().into_iter().filter(|i| !matches!(i.key, "source" | "requires" | "scripts" | "pipenv"));
        let mut found: Vec<Entry> = groups
            .filter_map(|group| Some((group.key, group.value.table()?)))
            .flat_map(|(key, table)| table.items().iter().map(|i| table_or_text(i, key)).collect::<Vec<_>>())
            .collect();
        found.extend(root.get("source").into_iter().flat_map(indexes));
        found
    })?)
}
