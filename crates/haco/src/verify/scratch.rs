//! A directory for one set of checks: gone with the value, or, where its process was killed, with the next one's start.
//! A lock beside it says whether anybody still uses it, so that no process number has to be believed.

use super::lock::{self, Held, Want};
use anyhow::{Context, Result};
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

const PREFIX: &str = "haco-check-";
const LOCK: &str = ".lock";

/// A directory of its own.
pub(super) struct Scratch {
    dir: PathBuf,
    lock: PathBuf,
    _held: Held,
}

impl Scratch {
    /// Makes one in `parent`, after removing those there that nobody uses any more.
    pub(super) fn new(parent: &Path) -> Result<Scratch> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        fs_err::create_dir_all(parent)?;
        let parent = fs_err::canonicalize(parent)?;
        sweep(&parent);
        loop {
            let name = format!("{PREFIX}{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let lock = parent.join(format!("{name}{LOCK}"));
            let Some(held) = lock::take(&lock, Want::AloneNow)? else { continue };
            let scratch = Scratch { dir: parent.join(name), lock, _held: held };
            remove(&scratch.dir);
            fs_err::create_dir(&scratch.dir).context("cannot make a directory for checks")?;
            return Ok(scratch);
        }
    }

    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes over what is in the way on the same file system, to go with this; that there is nothing is as good.
    pub(super) fn discard(&self, path: &Path) -> Result<()> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let to = self.dir.join(format!("gone-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        match std::fs::rename(path, to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot move '{}' away", path.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.dir);
        // What cannot go now goes with the next start.
        let _ = std::fs::remove_file(&self.lock);
    }
}

/// Removes what processes left that were killed; what cannot go stays for the next time.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for lock in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let name = lock.file_name();
        let Some(name) = name.to_str().and_then(|n| n.strip_suffix(LOCK)).filter(|n| n.starts_with(PREFIX)) else {
            continue;
        };
        if let Ok(Some(_held)) = lock::take(&lock.path(), Want::AloneNow) {
            remove(&parent.join(name));
            let _ = std::fs::remove_file(lock.path());
        }
    }
}

/// Removes a directory with all that is in it, whatever permissions a check gave that.
pub(super) fn remove(dir: &Path) {
    open_up(dir);
    let _ = std::fs::remove_dir_all(dir);
}

fn open_up(dir: &Path) {
    let Ok(meta) = dir.symlink_metadata() else { return };
    if !meta.is_dir() {
        return;
    }
    if meta.permissions().mode() & 0o700 != 0o700 {
        let _ = std::fs::set_permissions(dir, Permissions::from_mode(0o700));
    }
    let below = std::fs::read_dir(dir).into_iter().flatten().flatten();
    below.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())).for_each(|e| open_up(&e.path()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_its_value_whatever_is_in_it() {
        let parent = tempfile::tempdir().expect("directory");
        let scratch = Scratch::new(parent.path()).expect("makes");
        fs_err::create_dir_all(scratch.dir().join("a/b")).expect("makes");
        fs_err::set_permissions(scratch.dir().join("a"), Permissions::from_mode(0o0)).expect("closes");
        drop(scratch);
        assert_eq!(fs_err::read_dir(parent.path()).expect("reads").count(), 0);
    }

    #[test]
    fn what_the_dead_left_goes_and_what_the_living_use_stays() {
        let parent = tempfile::tempdir().expect("directory");
        let used = Scratch::new(parent.path()).expect("makes");
        fs_err::create_dir_all(parent.path().join("haco-check-1-0/full")).expect("makes");
        fs_err::write(parent.path().join("haco-check-1-0.lock"), "").expect("writes");
        fs_err::write(parent.path().join("mine.lock"), "").expect("writes");
        drop(Scratch::new(parent.path()).expect("makes"));
        let mut left: Vec<_> = fs_err::read_dir(parent.path()).expect("reads").flatten().map(|e| e.path()).collect();
        left.sort();
        assert_eq!(left, [used.dir(), used.lock.as_path(), &parent.path().join("mine.lock")]);
    }
}
