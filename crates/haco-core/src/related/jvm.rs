//! Java and its kin: `import a.b.C;` is a file `…/a/b/C.java`, `import a.b.*;` that folder; and a class of the same folder
//! needs no import, so that its name in the text is one.

use super::{MOST_OF_ONE, Source, Tree, dir, lines, words};
use std::collections::BTreeSet;

const ENDINGS: [&str; 3] = [".java", ".kt", ".scala"];

pub(super) fn imported(source: Source<'_>, tree: &Tree<'_>) -> Vec<String> {
    let mut found: Vec<String> = lines(source.text).filter_map(name).flat_map(|name| files(name, tree)).collect();
    let used: BTreeSet<&str> = lines(source.text).flat_map(words).collect();
    let beside = tree.within(dir(source.path)).filter(|path| class(path).is_some_and(|name| used.contains(name)));
    found.extend(beside.take(MOST_OF_ONE).map(str::to_owned));
    found
}

fn name(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("import ")?;
    Some(rest.strip_prefix("static ").unwrap_or(rest).trim_end_matches(';').trim())
}

fn files(name: &str, tree: &Tree<'_>) -> Vec<String> {
    let path = name.replace('.', "/");
    if let Some(folder) = path.strip_suffix("/*") {
        let inside = tree.paths.iter().filter(|p| class(p).is_some());
        let of = |p: &&&str| dir(p).strip_suffix(folder).is_some_and(|b| b.is_empty() || b.ends_with('/'));
        return inside.filter(of).take(MOST_OF_ONE).map(|p| (*p).to_owned()).collect();
    }
    // A static import and an inner class end with a member of the class that has the file.
    let outer = dir(&path);
    let stems = [path.as_str(), outer].into_iter().filter(|stem| stem.contains('/'));
    let file =
        stems.flat_map(|s| ENDINGS.map(|e| format!("{s}{e}"))).find_map(|f| tree.ending(&f).next().map(str::to_owned));
    file.into_iter().collect()
}

/// The class that a file is named after.
fn class(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next()?;
    ENDINGS.iter().find_map(|ending| file.strip_suffix(ending))
}
