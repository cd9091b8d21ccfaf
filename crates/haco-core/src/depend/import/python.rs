//! Python: the first name of `import a.b` and `from a.b import c`.

use super::{Certainty, Import, Language, Need, Place, is_one_of, mentions, tables};
use crate::depend::entry::System;

pub(super) const LANGUAGE: Language = Language {
    system: System::Pypi,
    extensions: &["py", "pyi"],
    imports,
    is_standard: |root| is_one_of(tables::PYTHON, root),
    is_local: |root, place: &Place<'_>| {
        let spelt = root.replace('_', "-");
        place.parts.contains(root) || mentions(place.settings, root) || mentions(place.settings, &spelt)
    },
    is_of,
    certainty: Certainty::Sure,
};

fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut quote: Option<&str> = None;
    let mut outer: Vec<(usize, bool)> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let inside = quote.is_some();
        quote = after(line, quote);
        let body = line.trim();
        if inside || body.is_empty() || body.starts_with('#') {
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        outer.retain(|(at, _)| *at < depth);
        let lenient =
            ["try:", "except", "if TYPE_CHECKING", "if typing.TYPE_CHECKING", "with suppress", "with contextlib"]
                .iter()
                .any(|w| body.starts_with(w));
        let need = if outer.iter().any(|(_, lenient)| *lenient) { Need::May } else { Need::Must };
        outer.push((depth, lenient));
        let roots = roots(body).into_iter();
        found.extend(roots.map(|root| Import { root: root.to_owned(), line: n + 1, need }));
    }
    found
}

fn roots(body: &str) -> Vec<&str> {
    if let Some(names) = body.strip_prefix("import ") {
        return names.split('#').next().unwrap_or(names).split(',').filter_map(first).collect();
    }
    let from = body.strip_prefix("from ").and_then(|rest| rest.split_once(" import"));
    from.and_then(|(name, _)| first(name)).into_iter().collect()
}

/// The first part of a dotted name; none where it is relative.
fn first(name: &str) -> Option<&str> {
    let root = name.trim().split(['.', ' ', ';', '#']).next()?;
    let begins = root.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (begins && root.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(root)
}

/// The triple quotes that are open after a line.
fn after<'a>(line: &'a str, open: Option<&'a str>) -> Option<&'a str> {
    let mut open = open;
    let mut rest = line;
    loop {
        let next = match open {
            Some(quote) => rest.find(quote).map(|at| (at, None)),
            None => {
                if rest.trim_start().starts_with('#') {
                    return None;
                }
                ["\"\"\"", "'''"].iter().filter_map(|q| rest.find(q).map(|at| (at, Some(*q)))).min()
            }
        };
        let Some((at, now)) = next else { return open };
        open = now;
        rest = &rest[at + 3..];
    }
}

/// By the usual names, by a table of the others, and for namespaces by how the name begins.
fn is_of(root: &str, package: &str) -> bool {
    let spelt = root.to_lowercase().replace('_', "-");
    let bare = package.trim_start_matches("python-").trim_end_matches("-python").trim_start_matches("py");
    package == spelt
        || bare == spelt
        || package.trim_start_matches("types-") == spelt
        || package.strip_prefix(&spelt).is_some_and(|rest| rest.starts_with('-'))
        || tables::PYTHON_PACKAGES.iter().any(|(name, packages)| *name == root && is_one_of(packages, package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_and_text_is_not() {
        let text = "\"\"\"import no\n\nimport nor\n\"\"\"\nimport os, a.b as c\nfrom d.e import (f,\n g)\nfrom . import h\n\
                    try:\n    import i\nexcept ImportError:\n    import j\ndef f():\n    import k  # import l\n    x = '''\n\
                    import m'''\n    import n";
        let found: Vec<_> = imports(text).into_iter().map(|i| (i.root, i.line, i.need)).collect();
        let want = [
            ("os", 5, Need::Must),
            ("a", 5, Need::Must),
            ("d", 6, Need::Must),
            ("i", 10, Need::May),
            ("j", 12, Need::May),
            ("k", 14, Need::Must),
            ("n", 17, Need::Must),
        ];
        assert_eq!(found, want.map(|(root, line, need)| (root.to_owned(), line, need)));
    }

    #[test]
    fn a_package_brings_what_is_usually_imported_from_it() {
        for (root, package) in
            [("yaml", "pyyaml"), ("flask_login", "flask-login"), ("google", "google-cloud-storage"), ("PIL", "pillow")]
        {
            assert!(is_of(root, package), "{root}");
        }
        assert!(!is_of("requests", "requestz") && !is_of("left_pad", "left"));
    }
}
