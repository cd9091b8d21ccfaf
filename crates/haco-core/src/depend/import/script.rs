//! JavaScript and TypeScript: the package of `import … from 'x'`, `export … from 'x'`, `import('x')` and `require('x')`.

use super::{Certainty, Import, Language, Need, Place, is_one_of, tables};
use crate::depend::entry::System;

pub(super) const LANGUAGE: Language = Language {
    system: System::Npm,
    extensions: &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"],
    imports,
    is_standard: |root| {
        is_one_of(tables::NODE, root) || root.split_once(':').is_some_and(|(s, _)| !BRINGS.contains(&s))
    },
    is_local,
    is_of: |root, package| {
        let root = BRINGS.iter().find_map(|s| root.strip_prefix(*s)?.strip_prefix(':')).unwrap_or(root);
        package == root.to_lowercase() || package.strip_prefix("@types/").is_some_and(|p| p == typed(root))
    },
    certainty: Certainty::Sure,
};

/// Schemes that fetch.
const BRINGS: [&str; 4] = ["npm", "jsr", "https", "http"];

/// The name that types of a package with a scope have.
fn typed(root: &str) -> String {
    root.trim_start_matches('@').replace('/', "__")
}

fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut in_template = false;
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        let inside = in_template;
        if line.matches('`').count() % 2 == 1 {
            in_template = !in_template;
        }
        if inside || body.starts_with("//") || body.starts_with('*') || body.starts_with("/*") || body.len() > 5000 {
            continue;
        }
        for specifier in specifiers(body) {
            if let Some(root) = root(specifier) {
                found.push(Import { root, line: n + 1, need: Need::Must });
            }
        }
    }
    found
}

fn specifiers(body: &str) -> Vec<&str> {
    let begins = ["import ", "import'", "import\"", "import{", "export ", "} from", "}from", "from '", "from \""]
        .iter()
        .any(|w| body.starts_with(w));
    let mut found = Vec::new();
    if begins && !body.starts_with("import type ") && !body.starts_with("export type ") {
        let at = body.rfind(" from ").map(|at| at + 6).or_else(|| body.rfind("}from").map(|at| at + 5));
        let at = at.or_else(|| body.starts_with("from ").then_some(5));
        let at = at.or_else(|| (body.starts_with("import ") && !body.contains('=')).then_some(7));
        found.extend(at.and_then(|at| literal(&body[at..])));
    }
    for call in ["require(", "import("] {
        for (at, _) in body.match_indices(call) {
            let before = body[..at].chars().next_back();
            let alone = !before.is_some_and(|c| c.is_alphanumeric() || "_.$'\"`".contains(c));
            found.extend(literal(&body[at + call.len()..]).filter(|_| alone));
        }
    }
    found
}

/// The text of a string that begins here and is nothing else.
fn literal(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let inner = &text[1..];
    inner.find(quote).map(|end| &inner[..end])
}

/// `@scope/name` or `name`; nothing for a path or what a bundler resolves.
fn root(specifier: &str) -> Option<String> {
    let specifier = specifier.split(['?', '!']).next().unwrap_or(specifier);
    if specifier.starts_with(['.', '/', '#', '~', '$']) || specifier.starts_with("@/") || specifier.is_empty() {
        return None;
    }
    if specifier.starts_with("http") && specifier.contains("://") {
        return Some(specifier.to_owned());
    }
    let (scheme, rest) = specifier.split_once(':').map_or(("", specifier), |(s, r)| (s, r));
    let parts: Vec<&str> = rest.trim_start_matches('/').split('/').collect();
    let scoped = parts.first().is_some_and(|p| p.starts_with('@')) && parts.len() > 1;
    let name = if scoped { format!("{}/{}", parts[0], parts[1]) } else { parts[0].to_owned() };
    let at = name.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(name.len(), |(at, _)| at);
    let name = &name[..at];
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || "@/-_.".contains(c));
    fits.then(|| if scheme.is_empty() { name.to_owned() } else { format!("{scheme}:{name}") })
}

/// A directory or file by its name (`baseUrl`), a member of the workspace, or an alias in a configuration.
fn is_local(root: &str, place: &Place<'_>) -> bool {
    let first = root.split('/').next().unwrap_or(root);
    let aliased = ["\"", "'"].iter().any(|q| {
        place.settings.contains(&format!("{q}{root}/"))
            || place.settings.contains(&format!("{q}{root}{q}:"))
            || (first.starts_with('@') && place.settings.contains(&format!("{q}{first}/*")))
    });
    let is_member = place.settings.contains(&format!("\"name\": \"{root}\""))
        || place.settings.contains(&format!("\"name\":\"{root}\""));
    place.parts.contains(root) || is_member || aliased || place.text.contains(&format!("declare module '{root}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_of_all_forms_are_read_and_text_is_not() {
        let text = "import a from 'a'\nimport 'b/x.css';\nimport * as c from \"@s/c/deep\"\nexport { d } from 'd'\n} from 'e';\n\
                    const f = require('f/x'), g = await import('g');\nimport { h } from './h';\n// import i from 'i'\n\
                    const t = `\nimport j from 'j'\n`;\nimport p,\n  { q }\n  from 'p';\nimport type { K } from 'k';\nmy.require('l'); \"require('m')\";\n\
                    import n from 'npm:n@1';\nimport fs from 'node:fs';\nimport x = require('o')";
        let found: Vec<String> = imports(text).into_iter().map(|i| i.root).collect();
        assert_eq!(found, ["a", "b", "@s/c", "d", "e", "f", "g", "p", "npm:n", "node:fs", "o"]);
    }
}
