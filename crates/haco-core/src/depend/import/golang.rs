//! Go: import paths whose first part is a host.

use super::{Certainty, Import, Language, Need, Place};
use crate::depend::entry::System;

pub(super) const LANGUAGE: Language = Language {
    system: System::Go,
    extensions: &["go"],
    imports,
    is_standard: |root| !root.split('/').next().is_some_and(|host| host.contains('.')),
    is_local: |root, place: &Place<'_>| {
        let modules = place.settings.lines().filter_map(|l| l.trim().strip_prefix("module "));
        let mut modules = modules.map(|m| m.trim().trim_matches('"'));
        // Without a module nothing is declared anywhere.
        let has_module = place.paths.iter().any(|p| p.rsplit('/').next() == Some("go.mod"));
        !has_module || modules.any(|m| below(root, m))
    },
    is_of: below,
    certainty: Certainty::Sure,
};

fn below(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut block = false;
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        let alone = body.strip_prefix("import ");
        match alone {
            Some(rest) if rest.trim_start().starts_with('(') => block = true,
            _ if block && body.starts_with(')') => block = false,
            _ => {
                let rest = alone.or(block.then_some(body)).filter(|r| !r.starts_with("//"));
                let path = rest.and_then(|r| r.split('"').nth(1));
                found.extend(path.map(|p| Import { root: p.to_owned(), line: n + 1, need: Need::Must }));
            }
        }
        // Imports stand before everything else.
        if ["func ", "type ", "var ", "const "].iter().any(|w| line.starts_with(w)) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_single_imports_are_read() {
        let text = "package x\nimport \"fmt\"\nimport (\n\t// \"no\"\n\ty \"example.com/y/z\"\n\t_ \"os\"\n)\nfunc f() {\n\timport \"no\"\n";
        let found: Vec<_> = imports(text).into_iter().map(|i| (i.root, i.line)).collect();
        assert_eq!(found, [("fmt".to_owned(), 2), ("example.com/y/z".to_owned(), 5), ("os".to_owned(), 6)]);
    }
}
