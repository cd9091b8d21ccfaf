//! Dockerfiles: base images, what is copied from images, what is downloaded and installed.

use super::{Read, manifest, shell};
use crate::depend::{
    allow::without_tag,
    entry::{Entry, System, What},
};
use std::collections::BTreeMap;

/// The most arguments that names are resolved with, and the longest name in bytes.
const MOST_ARGUMENTS: usize = 64;
const NAME_BYTES: usize = 1000;

pub(super) fn dockerfile(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let mut stages: Vec<String> = Vec::new();
    let mut defaults: BTreeMap<String, String> = BTreeMap::new();
    for (line, text) in shell::joined(text) {
        let mut words = text.split_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let words: Vec<&str> = words.collect();
        match verb.as_str() {
            "ARG" => {
                let pairs = words.iter().filter_map(|w| w.split_once('=')).take(MOST_ARGUMENTS - defaults.len());
                defaults.extend(pairs.map(|(k, v)| (k.to_owned(), v.trim_matches('"').to_owned())));
            }
            "FROM" => {
                let mut words = words.iter().filter(|w| !w.starts_with("--"));
                let name = words.next().map(|w| resolved(w, &defaults)).unwrap_or_default();
                if !stages.contains(&name.to_lowercase()) && name != "scratch" {
                    found.extend(image(&name, "FROM", line));
                }
                stages.extend(words.nth(1).map(|stage| stage.to_lowercase()));
            }
            "COPY" => {
                let from = words.iter().find_map(|w| w.strip_prefix("--from="));
                let from = from.filter(|f| !stages.contains(&f.to_lowercase()) && f.parse::<u32>().is_err());
                found.extend(from.and_then(|name| image(&resolved(name, &defaults), "COPY --from", line)));
            }
            "ADD" => {
                let fetched = words.iter().filter(|w| w.contains("://") || w.starts_with("git@"));
                found.extend(fetched.map(|url| Entry::package(System::Os, *url, line).what(What::Fetch)));
            }
            "RUN" => found.extend(shell::commands(text.trim_start()[3..].trim(), line)),
            _ => {}
        }
    }
    manifest(found)
}

/// The name with the defaults of its arguments; one that cannot be known stays as it is written.
fn resolved(name: &str, defaults: &BTreeMap<String, String>) -> String {
    let mut name = name.to_owned();
    for (key, value) in defaults {
        if name.len() > NAME_BYTES {
            break;
        }
        name = name.replace(&format!("${{{key}}}"), value);
        if name.ends_with(&format!("${key}")) || name.contains(&format!("${key}:")) {
            name = name.replace(&format!("${key}"), value);
        }
    }
    name
}

/// `registry:5000/name:tag@digest`.
pub(super) fn image(text: &str, group: &str, line: usize) -> Option<Entry> {
    let (whole, digest) = text.split_once('@').unwrap_or((text, ""));
    let name = without_tag(whole);
    let tag = whole.strip_prefix(name).unwrap_or_default().trim_start_matches(':');
    let version = if digest.is_empty() { tag.to_owned() } else { format!("{tag}@{digest}") };
    let entry = Entry::package(System::Image, name, line).group(group).version(version);
    (!name.is_empty() && !name.starts_with('$')).then_some(entry)
}
