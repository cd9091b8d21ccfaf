//! Rust: the crate of `use x::…` and `extern crate x`, where it can be told from a module.

use super::{Certainty, Import, Language, Need, Place, mentions};
use crate::depend::entry::System;

pub(super) const LANGUAGE: Language = Language {
    system: System::Cargo,
    extensions: &["rs"],
    imports,
    is_standard: |root| {
        ["std", "core", "alloc", "proc_macro", "test", "crate", "self", "super"].contains(&root)
            || root.starts_with(|c: char| c.is_uppercase() || c == '_')
    },
    is_local,
    is_of: |root, package| package == root.to_lowercase().replace('_', "-"),
    certainty: Certainty::Sure,
};

fn imports(text: &str) -> Vec<Import> {
    let root = |(n, line): (usize, &str)| {
        let body = line.trim();
        let body = body
            .strip_prefix("pub ")
            .or_else(|| body.split_once(") ").filter(|(p, _)| p.starts_with("pub(")).map(|(_, b)| b))
            .unwrap_or(body);
        let path = body.strip_prefix("use ").or_else(|| body.strip_prefix("extern crate "))?;
        let name: String =
            path.trim_start_matches("::").chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = &path.trim_start_matches("::")[name.len()..];
        let is_path = rest.starts_with("::") || rest.starts_with(';') && body.starts_with("extern");
        (is_path && !name.is_empty()).then_some(Import { root: name, line: n + 1, need: Need::Must })
    };
    text.lines().enumerate().filter_map(root).collect()
}

/// A module or crate of the repository, a name that another `use` or item of the file brings, or one that a glob may.
fn is_local(root: &str, place: &Place<'_>) -> bool {
    let has_manifest = place.paths.iter().any(|p| p.rsplit('/').next() == Some("Cargo.toml"));
    let brought = place.text.lines().map(str::trim).any(|line| {
        let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let is_item = ["mod ", "enum ", "struct ", "trait "]
            .iter()
            .any(|w| line.strip_prefix(w).is_some_and(|r| mentions(r, root)));
        let is_use =
            line.starts_with("use ") && !line.trim_start_matches("use ").starts_with(root) && mentions(line, root);
        let is_glob = line.starts_with("use ") && line.ends_with("::*;");
        let is_continued =
            !line.starts_with("use ") && line.ends_with(',') && mentions(line, root) && !line.contains('=');
        is_item || is_use || is_glob || is_continued
    });
    let spelt = root.replace('_', "-");
    !has_manifest
        || brought
        || place.parts.contains(root)
        || place.parts.contains(spelt.as_str())
        || mentions(place.settings, root)
        || mentions(place.settings, &spelt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_uses_are_read() {
        let text = "use serde::Serialize;\npub use a::b::{c, d};\nuse ::e::f;\nextern crate g;\nuse h;\n    pub(crate) use i::j;\n// use k::l;\n";
        let found: Vec<String> = imports(text).into_iter().map(|i| i.root).collect();
        assert_eq!(found, ["serde", "a", "e", "g", "i"]);
    }
}
