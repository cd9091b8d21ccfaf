//! What the setup of checks made of a base tree, kept beside its checkout as a layer for many candidates. It depends on
//! the commands, the base, and what a candidate changes in the files that say what is to be installed.

use super::{
    lock::{self, Held, Want},
    pristine,
    scratch::Scratch,
};
use anyhow::{Context, Result};
use haco_core::{code::Failure, hash::Hash};
use haco_sandbox::{Change, Content};
use std::{
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Files that say what is installed, by name.
const LOCKS: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "Gemfile",
    "Gemfile.lock",
    "Pipfile",
    "Pipfile.lock",
    "build.gradle",
    "bun.lock",
    "composer.json",
    "composer.lock",
    "deno.lock",
    "go.mod",
    "go.sum",
    "gradle.lockfile",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "pyproject.toml",
    "rust-toolchain.toml",
    "setup.cfg",
    "setup.py",
    "uv.lock",
    "yarn.lock",
];

/// Why there is none.
pub(super) enum Failed {
    /// There are no overlays here.
    NoOverlay,
    /// A command failed, or could not be confined.
    Why(Failure),
}

/// A layer that stays as it is until this is dropped.
pub(super) struct Kept {
    dir: PathBuf,
    said: String,
    _used: Held,
}

impl Kept {
    /// The directory that was its overlay's `upper`.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What its commands said.
    pub(super) fn said(&self) -> &str {
        &self.said
    }
}

/// Those changes of a candidate on which the setup depends.
pub(super) fn changes(all: &[Change]) -> Vec<Change> {
    let name = |change: &&Change| {
        let name = change.path.file_name().unwrap_or_default().to_string_lossy();
        LOCKS.contains(&&*name) || (name.starts_with("requirements") && name.ends_with(".txt"))
    };
    all.iter().filter(name).cloned().collect()
}

/// What tells one setup of a base from another.
pub(super) fn key(commands: &[String], words: &str, changes: &[Change]) -> String {
    let mut all = format!("{commands:?} {words}");
    for change in changes {
        let bytes = match &change.to {
            Content::File(bytes, mode) => format!("{mode:o} {}", Hash::of(bytes)),
            Content::Link(to) => format!("{to:?}"),
            Content::Gone => "gone".to_owned(),
        };
        all.push_str(&format!(" {:?} {bytes}", change.path));
    }
    Hash::of(all.as_bytes()).to_string()[..16].to_owned()
}

/// The layer at `dir`; where there is none that is whole, `make` makes it there and returns what was said.
pub(super) fn hold(
    dir: &Path,
    scratch: &Scratch,
    mut make: impl FnMut(&Path) -> Result<std::result::Result<String, Failed>>,
) -> Result<std::result::Result<Kept, Failed>> {
    let path = PathBuf::from(format!("{}.lock", dir.display()));
    let wait = |want| lock::take(&path, want)?.context("a lock that was waited for was not had");
    loop {
        let used = wait(Want::Shared)?;
        if let Some(said) = done(dir, &used)? {
            pristine::note_use(&used)?;
            return Ok(Ok(Kept { dir: dir.to_owned(), said, _used: used }));
        }
        drop(used);
        let mut alone = wait(Want::Alone)?;
        if done(dir, &alone)?.is_some() {
            continue;
        }
        alone.0.file().set_len(0)?;
        scratch.discard(dir)?;
        fs_err::create_dir_all(dir)?;
        let said = match make(dir)? {
            Ok(said) => said,
            Err(failure) => {
                scratch.discard(dir)?;
                return Ok(Err(failure));
            }
        };
        alone.0.rewind()?;
        write!(alone.0, "{}\n{said}", pristine::newest_change(&dir.join("upper"))?)?;
    }
}

/// What was said when it was made, where it is whole and as it was.
fn done(dir: &Path, lock: &Held) -> Result<Option<String>> {
    let mut text = String::new();
    let mut file = lock.0.file();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let Some((seal, said)) = text.split_once('\n') else { return Ok(None) };
    let whole = dir.is_dir() && seal.parse() == Ok(pristine::newest_change(&dir.join("upper"))?);
    Ok(whole.then(|| said.to_owned()))
}
