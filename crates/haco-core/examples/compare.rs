//! Compares two directories as a change from one to the other and prints what is refused and flagged in it as one JSON
//! object; `benches/depend` runs it on releases of real packages.

use haco_core::{
    delta::{Around, Delta},
    depend, flags,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{self, Write},
    path::Path,
};

type Files = BTreeMap<String, Vec<u8>>;

fn main() -> io::Result<()> {
    let mut dirs = env::args().skip(1);
    let (Some(old), Some(new)) = (dirs.next(), dirs.next()) else {
        return Err(io::Error::other("usage: compare OLD-DIR NEW-DIR"));
    };
    let (old, new) = (files(Path::new(&old))?, files(Path::new(&new))?);
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let sides = all.into_iter().map(|path| (path, old.get(path), new.get(path)));
    let changes: Vec<Delta<'_>> = sides
        .filter(|(_, old, new)| old != new)
        .map(|(path, old, new)| Delta { path, old: old.map(Vec::as_slice), new: new.map(Vec::as_slice) })
        .collect();
    let paths: Vec<String> = old.keys().cloned().collect();
    let read = |path: &str| old.get(path).cloned();
    let report = depend::compare(&changes, &[], &Around { paths: &paths, read: &read });
    let line = |f| flags::line(f);
    let refused: Vec<&str> = report.refused.iter().map(|r| r.message.as_str()).collect();
    let packages: BTreeSet<&str> = report.refused.iter().map(|r| r.package.as_str()).collect();
    let depend: Vec<String> = report.flags.iter().map(line).collect();
    let other: Vec<String> = flags::of(&changes).iter().map(line).collect();
    let answer = json!({
        "changed": changes.len(), "refused": refused, "packages": packages, "dependency_flags": depend, "flags": other,
    });
    writeln!(io::stdout(), "{answer}")
}

fn files(top: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut open = vec![top.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_symlink() {
                continue;
            } else if path.is_dir() {
                open.push(path);
            } else if let Some(name) = path.strip_prefix(top).ok().and_then(Path::to_str) {
                files.insert(name.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}
