//! JavaScript and TypeScript: the quoted text behind `from`, `import`, `require(` and `import(`, where it is relative to
//! the file or begins with `@/` or `~/`, which most projects point at `src/`.

use super::{Source, Tree, dir, join, lines};

const ENDINGS: [&str; 9] = ["ts", "tsx", "js", "jsx", "mts", "mjs", "cjs", "vue", "svelte"];

pub(super) fn imported(source: Source<'_>, tree: &Tree<'_>) -> Vec<String> {
    lines(source.text).flat_map(quoted).filter_map(|name| resolve(source.path, name, tree)).collect()
}

/// What a line imports: each quoted text that a word of importing stands before.
fn quoted(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = &rest[at..at + 1];
        let Some(end) = rest[at + 1..].find(quote) else { break };
        let before = rest[..at].trim_end().trim_end_matches('(').trim_end();
        if ["from", "import", "require"].iter().any(|word| before.ends_with(word)) {
            found.push(&rest[at + 1..at + 1 + end]);
        }
        rest = &rest[at + end + 2..];
    }
    found
}

fn resolve(path: &str, name: &str, tree: &Tree<'_>) -> Option<String> {
    let stem = match name.strip_prefix("@/").or_else(|| name.strip_prefix("~/")) {
        Some(below) => join("src", below)?,
        None if name.starts_with('.') => join(dir(path), name)?,
        None => return None,
    };
    if tree.has(&stem) {
        return Some(stem);
    }
    // TypeScript's own sources are imported by the name of what they become.
    let bare = stem.strip_suffix(".js").or_else(|| stem.strip_suffix(".mjs")).unwrap_or(&stem);
    let files = [stem.as_str(), bare].into_iter().flat_map(|s| ENDINGS.map(|e| format!("{s}.{e}")));
    tree.first(files.chain(ENDINGS.map(|e| format!("{stem}/index.{e}"))))
}
