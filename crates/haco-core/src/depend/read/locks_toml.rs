//! Cargo.lock, poetry.lock, pdm.lock and uv.lock.

use super::{Read, registries::is_default, tables};
use crate::depend::entry::{Graph, Lock, Locked, System};
use tables::{Table, Value};

pub(super) fn cargo(_: &str, text: &str) -> Result<Read, String> {
    lock(System::Cargo, text, |package| {
        let source = package.text("source");
        let locked = Locked {
            source: source.filter(|s| !is_default(s)).unwrap_or_default().to_owned(),
            sums: package.text("checksum").map(|sum| format!("sha256:{sum}")).into_iter().collect(),
            needs: texts(package.get("dependencies")).iter().map(|d| first_word(d)).collect(),
            ..Locked::default()
        };
        // What has no source is a member of the workspace.
        source.map(|_| locked)
    })
}

pub(super) fn poetry(_: &str, text: &str) -> Result<Read, String> {
    lock(System::Pypi, text, |package| {
        let source = package.at(&["source"]).and_then(|s| s.text("url"));
        let source = source.or_else(|| package.text("git")).filter(|s| !is_default(s));
        let files = package.get("files").map_or_else(Vec::new, Value::tables);
        let needs = match package.get("dependencies").and_then(Value::table) {
            Some(table) => table.items().iter().map(|i| i.key.to_owned()).collect(),
            None => texts(package.get("dependencies")).iter().map(|d| bare(d)).collect(),
        };
        Some(Locked {
            source: source.unwrap_or_default().to_owned(),
            sums: files.iter().filter_map(|f| f.text("hash")).map(str::to_owned).collect(),
            needs,
            ..Locked::default()
        })
    })
}

pub(super) fn uv(_: &str, text: &str) -> Result<Read, String> {
    lock(System::Pypi, text, |package| {
        let source = package.at(&["source"])?;
        if ["editable", "virtual", "path", "directory"].iter().any(|key| source.get(key).is_some()) {
            return None;
        }
        let place = ["registry", "git", "url"].iter().find_map(|key| source.text(key)).unwrap_or_default();
        let mut files = package.get("wheels").map_or_else(Vec::new, Value::tables);
        files.extend(package.at(&["sdist"]));
        let mut needs = package.get("dependencies").map_or_else(Vec::new, Value::tables);
        for extra in package.items_at(&["optional-dependencies"]) {
            needs.extend(extra.value.tables());
        }
        Some(Locked {
            source: if is_default(place) { String::new() } else { place.to_owned() },
            sums: files.iter().filter_map(|f| f.text("hash")).map(str::to_owned).collect(),
            needs: needs.iter().filter_map(|n| n.text("name")).map(str::to_owned).collect(),
            ..Locked::default()
        })
    })
}

/// Every `[[package]]`, with its name and version added to what `read` makes of it.
fn lock(system: System, text: &str, read: impl Fn(Table<'_>) -> Option<Locked>) -> Result<Read, String> {
    tables::with(text, |root| {
        let all = root.get("package").map_or_else(Vec::new, Value::tables);
        let packages = all.into_iter().filter_map(|package| {
            let name = package.get("name")?;
            let locked = read(package)?;
            Some(Locked {
                name: system.folded(name.text()?),
                version: package.text("version").unwrap_or_default().to_owned(),
                needs: locked.needs.iter().map(|n| system.folded(n)).collect(),
                line: name.line(),
                ..locked
            })
        });
        Read::Lock(Lock { system, packages: packages.collect(), graph: Graph::Known })
    })
}

fn texts(list: Option<Value<'_>>) -> Vec<String> {
    list.map_or_else(Vec::new, Value::each).iter().filter_map(|v| v.text()).map(str::to_owned).collect()
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The name of a requirement.
fn bare(text: &str) -> String {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).next().unwrap_or_default().to_owned()
}
