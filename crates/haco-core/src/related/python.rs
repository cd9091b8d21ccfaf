//! Python: `import a.b`, `from a.b import c` and `from ..a import b`, from the top, from `src/` and from the file's own
//! folder.

use super::{Source, Tree, dir, lines};

pub(super) fn imported(source: Source<'_>, tree: &Tree<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in lines(source.text) {
        let body = line.split('#').next().unwrap_or(line).trim();
        if let Some((from, names)) = &mut open {
            names.push_str(body);
            if body.contains(')') {
                found.extend(members(source.path, from, names, tree));
                open = None;
            }
        } else if let Some((from, names)) = body.strip_prefix("from ").and_then(|rest| rest.split_once(" import ")) {
            match names.contains('(') && !names.contains(')') {
                true => open = Some((from.trim().to_owned(), names.to_owned())),
                false => found.extend(members(source.path, from.trim(), names, tree)),
            }
        } else if let Some(names) = body.strip_prefix("import ") {
            found.extend(listed(names).filter_map(|name| absolute(source.path, name, tree)));
        }
    }
    found
}

/// A dotted module by itself, as a command names it: its last parts may be a class and a method.
pub(super) fn module(name: &str, tree: &Tree<'_>) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let whole = parts.iter().all(|p| p.chars().all(|c| c.is_alphanumeric() || c == '_') && !p.is_empty());
    (1..=parts.len()).rev().filter(|_| whole).find_map(|n| file(&parts[..n].join("/"), tree))
}

/// `from x import a, b`: each may be a module of the package, else all are the module's own.
fn members(path: &str, from: &str, names: &str, tree: &Tree<'_>) -> Vec<String> {
    let names = names.trim_matches(|c| c == '(' || c == ')' || c == ' ');
    let inside = listed(names).filter_map(|name| {
        let whole = if from.ends_with('.') { format!("{from}{name}") } else { format!("{from}.{name}") };
        resolve(path, &whole, tree)
    });
    let inside: Vec<String> = inside.collect();
    if inside.is_empty() { resolve(path, from, tree).into_iter().collect() } else { inside }
}

fn listed(names: &str) -> impl Iterator<Item = &str> {
    let bare = |name: &'_ str| -> usize { name.find(" as ").unwrap_or(name.len()) };
    names
        .split(',')
        .map(move |name| name[..bare(name)].trim_matches(|c: char| c.is_whitespace() || "()".contains(c)))
        .filter(|name| !name.is_empty())
}

fn resolve(path: &str, name: &str, tree: &Tree<'_>) -> Option<String> {
    let dots = name.chars().take_while(|c| *c == '.').count();
    if dots == 0 {
        return absolute(path, name, tree);
    }
    let mut here = dir(path);
    for _ in 1..dots {
        here = dir(here);
    }
    file(&below(here, &name[dots..].replace('.', "/")), tree)
}

fn absolute(path: &str, name: &str, tree: &Tree<'_>) -> Option<String> {
    let relative = name.replace('.', "/");
    ["", "src", dir(path)].iter().find_map(|root| file(&below(root, &relative), tree))
}

fn below(dir: &str, relative: &str) -> String {
    match (dir.is_empty(), relative.is_empty()) {
        (true, _) => relative.to_owned(),
        (_, true) => dir.to_owned(),
        _ => format!("{dir}/{relative}"),
    }
}

fn file(stem: &str, tree: &Tree<'_>) -> Option<String> {
    tree.first([format!("{stem}.py"), format!("{stem}/__init__.py"), format!("{stem}.pyi")])
}
