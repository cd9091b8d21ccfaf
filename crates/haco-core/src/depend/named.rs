//! What a project names already, in all manifests and lockfiles of its tree and in those that the change makes.

use super::{
    entry::{COMMAND, Entry, System, What},
    read::{self, Read},
};
use crate::delta::{Around, Delta};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

/// The most manifests that are read, and their most bytes in all.
const MOST_FILES: usize = 500;
const MOST_BYTES: usize = 64 << 20;

/// The names of a project's packages by system; read when first asked for.
pub(super) struct Named<'a> {
    changes: &'a [Delta<'a>],
    around: &'a Around<'a>,
    names: OnceCell<Names>,
    paths: OnceCell<BTreeSet<&'a str>>,
}

/// Folded names by system.
#[derive(Default)]
struct Names {
    manifests: BTreeMap<System, BTreeSet<String>>,
    locks: BTreeMap<System, BTreeSet<String>>,
}

impl<'a> Named<'a> {
    pub(super) fn new(changes: &'a [Delta<'a>], around: &'a Around<'a>) -> Named<'a> {
        Named { changes, around, names: OnceCell::new(), paths: OnceCell::new() }
    }

    /// Whether a manifest names it.
    pub(super) fn by_manifest(&self, system: System, folded: &str) -> bool {
        self.names().manifests.get(&system).is_some_and(|names| names.contains(folded))
    }

    /// Whether a manifest or a lockfile has a name for which this holds.
    pub(super) fn any(&self, system: System, is: impl Fn(&String) -> bool) -> bool {
        let all = [&self.names().manifests, &self.names().locks];
        all.iter().any(|names| names.get(&system).is_some_and(|names| names.iter().any(&is)))
    }

    /// Whether a manifest or a lockfile names it.
    pub(super) fn has(&self, system: System, folded: &str) -> bool {
        self.by_manifest(system, folded) || self.names().locks.get(&system).is_some_and(|names| names.contains(folded))
    }

    /// Whether a file is there by that path, or below it.
    pub(super) fn is_there(&self, place: &str) -> bool {
        let paths = self.paths.get_or_init(|| {
            let new = self.changes.iter().filter(|c| c.new.is_some()).map(|c| c.path);
            self.around.paths.iter().map(String::as_str).chain(new).collect()
        });
        let below = format!("{place}/");
        place.is_empty()
            || paths.contains(place)
            || paths.range(below.as_str()..).next().is_some_and(|path| path.starts_with(&below))
    }

    /// The place inside the repository that an entry's source is, where it is one that exists.
    pub(super) fn local(&self, entry: &Entry, manifest: &str) -> Option<String> {
        let place = resolved(manifest, entry.source.strip_prefix("path ")?.trim())?;
        self.is_there(&place).then_some(place)
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| self.collect())
    }

    fn collect(&self) -> Names {
        let mut names = Names::default();
        let mut left = MOST_BYTES;
        let manifests = self.around.paths.iter().filter(|p| read::is_manifest(p)).take(MOST_FILES);
        for path in manifests.filter(|p| !self.changes.iter().any(|c| c.path == p.as_str())) {
            let Some(bytes) = (self.around.read)(path).filter(|b| b.len() <= left) else { continue };
            left -= bytes.len();
            take(&mut names, path, &bytes, Commands::Count);
        }
        for change in self.changes {
            change.old.into_iter().for_each(|bytes| take(&mut names, change.path, bytes, Commands::Count));
            change.new.into_iter().for_each(|bytes| take(&mut names, change.path, bytes, Commands::AreNew));
        }
        names
    }
}

/// Whether what a command installs is something that the project names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commands {
    Count,
    AreNew,
}

fn take(names: &mut Names, path: &str, bytes: &[u8], commands: Commands) {
    match read::read(path, bytes) {
        Some(Ok(Read::Manifest(entries))) => {
            let counts = |e: &&Entry| commands == Commands::Count || e.group != COMMAND;
            for entry in entries.iter().filter(|e| e.what == What::Package).filter(counts) {
                names.manifests.entry(entry.system).or_default().insert(entry.system.folded(&entry.name));
            }
        }
        Some(Ok(Read::Lock(lock))) => {
            names.locks.entry(lock.system).or_default().extend(lock.packages.into_iter().map(|p| p.name));
        }
        Some(Err(_)) | None => {}
    }
}

/// Where a local source of a manifest leads: a path of the repository, or out of it.
pub(super) fn resolved(manifest: &str, relative: &str) -> Option<String> {
    if relative.starts_with(['/', '~', '$']) || relative.contains(['\\', ':']) {
        return None;
    }
    let mut parts: Vec<&str> = manifest.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_source_stays_in_the_repository_or_is_none() {
        assert_eq!(resolved("a/b/Cargo.toml", "../c").as_deref(), Some("a/c"));
        assert_eq!(resolved("Cargo.toml", "./x/").as_deref(), Some("x"));
        for out in ["../../x", "/x", "~/x", "C:\\x"] {
            assert_eq!(resolved("a/Cargo.toml", out), None, "{out}");
        }
    }
}
