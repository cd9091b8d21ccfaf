//! Go: an import of a package of the same module, by the module's path in the nearest `go.mod`, is every file of that
//! folder; and what lies in the file's own folder is one package with it.

use super::{MOST_OF_ONE, Read, Source, Tree, dir, lines};

pub(super) fn imported(source: Source<'_>, tree: &Tree<'_>, read: Read<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((top, module)) = module(source.path, tree, read) {
        for package in packages(source.text) {
            let Some(below) = package.strip_prefix(module.as_str()) else { continue };
            let Some(below) = below.strip_prefix('/') else { continue };
            let folder = if top.is_empty() { below.to_owned() } else { format!("{top}/{below}") };
            found.extend(sources(tree, &folder));
        }
    }
    found.extend(sources(tree, dir(source.path)));
    found
}

fn sources(tree: &Tree<'_>, folder: &str) -> Vec<String> {
    let files = tree.within(folder).filter(|p| p.ends_with(".go") && !p.ends_with("_test.go"));
    files.take(MOST_OF_ONE).map(str::to_owned).collect()
}

/// The folder of the nearest `go.mod` above a file, and the path that its module has.
fn module(path: &str, tree: &Tree<'_>, read: Read<'_>) -> Option<(String, String)> {
    let mut here = dir(path);
    loop {
        let manifest = if here.is_empty() { "go.mod".to_owned() } else { format!("{here}/go.mod") };
        if tree.has(&manifest) {
            let text = read(&manifest)?;
            let name = text.lines().find_map(|l| l.trim().strip_prefix("module "))?.trim().to_owned();
            return Some((here.to_owned(), name));
        }
        if here.is_empty() {
            return None;
        }
        here = dir(here);
    }
}

/// The quoted paths of `import "a"` and of an `import ( … )` block.
fn packages(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut block = false;
    for line in lines(text) {
        let body = line.trim();
        if block || body.starts_with("import ") {
            found.extend(body.split('"').nth(1));
        }
        block = if block { !body.starts_with(')') } else { body.starts_with("import (") };
    }
    found
}
