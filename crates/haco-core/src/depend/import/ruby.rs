//! Ruby: the first part of `require 'a/b'`.

use super::{Certainty, Import, Language, Need, Place, is_one_of, mentions, tables};
use crate::depend::entry::System;

pub(super) const LANGUAGE: Language = Language {
    system: System::Gem,
    extensions: &["rb"],
    imports,
    is_standard: |root| is_one_of(tables::RUBY, root),
    is_local: |root, place: &Place<'_>| place.parts.contains(root) || mentions(place.settings, root),
    is_of: |root, gem| {
        let flat = |text: &str| text.to_lowercase().replace(['-', '_'], "");
        let (root, gem) = (flat(root), flat(gem));
        gem == root || gem.strip_prefix(&root).is_some() || root.strip_prefix(&gem).is_some() || gem.ends_with(&root)
    },
    certainty: Certainty::Sure,
};

fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut rescued = false;
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        match body {
            "begin" => rescued = true,
            "end" => rescued = false,
            _ => {}
        }
        let Some(rest) = body.strip_prefix("require ").or_else(|| body.strip_prefix("require(")) else { continue };
        let rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| *c == '\'' || *c == '"') else { continue };
        let path = rest[1..].split(quote).next().unwrap_or_default();
        let root = path.split('/').next().unwrap_or(path);
        if !root.is_empty() && !root.starts_with('.') && !root.contains("#{") {
            let need = if rescued || body.contains(" rescue ") { Need::May } else { Need::Must };
            found.push(Import { root: root.to_owned(), line: n + 1, need });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requires_are_read_by_their_first_part() {
        let text = "require 'json'\nrequire \"a/b\"\nrequire_relative 'c'\nrequire './d'\nbegin\n  require 'e'\nrescue LoadError\nend\nrequire(\"f\")\nrequire \"#{g}\"\n";
        let found: Vec<_> = imports(text).into_iter().map(|i| (i.root, i.need)).collect();
        let want = [("json", Need::Must), ("a", Need::Must), ("e", Need::May), ("f", Need::Must)];
        assert_eq!(found, want.map(|(r, n)| (r.to_owned(), n)));
    }
}
