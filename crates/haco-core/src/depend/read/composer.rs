//! composer.json.

use super::{Read, json, manifest, registries};
use crate::depend::entry::{Entry, System, What};
use serde_json::Value;

pub(super) fn composer_json(_: &str, text: &str) -> Result<Read, String> {
    let doc = json::parse(text)?;
    let mut found = Vec::new();
    for group in ["require", "require-dev"] {
        for (name, version) in doc.object(&[group]).into_iter().flatten().filter(|(name, _)| name.contains('/')) {
            let entry = Entry::package(System::Composer, name, doc.line(group, name)).group(group);
            found.push(entry.version(version.as_str().unwrap_or_default()));
        }
    }
    let places: Vec<&Value> = match doc.root.get("repositories") {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(Value::Object(all)) => all.values().collect(),
        _ => Vec::new(),
    };
    for url in places.into_iter().filter_map(|place| place.get("url")?.as_str()) {
        let line = doc.line("repositories", "url");
        let place = registries::registry(System::Composer, url, line);
        found.extend(
            place.or_else(|| Some(registries::place(System::Composer, url, line))).filter(|e| !is_below(&e.name)),
        );
    }
    for (key, command) in doc.object(&["scripts"]).into_iter().flatten() {
        if ["pre-", "post-"].iter().any(|p| key.starts_with(p)) {
            let entry = Entry::package(System::Composer, format!("scripts.{key}"), doc.line("scripts", key));
            found.push(entry.what(What::Script).version(command.to_string()));
        }
    }
    if let Some(plugins) = doc.object(&["config", "allow-plugins"]) {
        for (name, value) in plugins.iter().filter(|(_, value)| **value == Value::Bool(true)) {
            let line = doc.line("allow-plugins", name);
            found.push(registries::setting(
                System::Composer,
                &format!("allow-plugins.{name}"),
                &value.to_string(),
                line,
            ));
        }
    }
    manifest(found)
}

fn is_below(path: &str) -> bool {
    !path.contains("://") && !path.starts_with('/') && !path.contains("..") && !path.contains('@')
}
