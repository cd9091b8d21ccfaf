//! C and C++: `#include "x.h"`, beside the file, in `include/` or wherever one file alone has that name; and a source's own
//! header.

use super::{Source, Tree, dir, join, lines};

pub(super) fn imported(source: Source<'_>, tree: &Tree<'_>) -> Vec<String> {
    let mut found: Vec<String> =
        lines(source.text).filter_map(name).filter_map(|name| resolve(source.path, name, tree)).collect();
    let stem = source.path.rsplit_once('.').map_or(source.path, |(stem, _)| stem);
    found.extend(["h", "hpp", "hh"].map(|e| format!("{stem}.{e}")).into_iter().find(|path| tree.has(path)));
    found
}

fn name(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?.trim_start();
    let inside = rest.strip_prefix('"').and_then(|r| r.split_once('"'));
    // A library's own headers are often written like the system's.
    inside.or_else(|| rest.strip_prefix('<').and_then(|r| r.split_once('>'))).map(|(name, _)| name)
}

fn resolve(path: &str, name: &str, tree: &Tree<'_>) -> Option<String> {
    let places = [dir(path), "include", "src", ""];
    let near = tree.first(places.into_iter().filter_map(|place| join(place, name)));
    near.or_else(|| {
        let mut all = tree.ending(name);
        let one = all.next()?;
        all.next().is_none().then(|| one.to_owned())
    })
}
