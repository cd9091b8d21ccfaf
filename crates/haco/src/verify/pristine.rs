//! Checkouts of base trees that many candidates have below them, kept in `.haco/checkouts/`. None is ever written while
//! it is used. Each has a lock beside it with a seal: the newest change of status in it. What somebody touched since, an
//! editor, a formatter, a careless `sed`, no longer fits the seal and is made anew.

use super::{
    lock::{self, Held, Want},
    scratch::Scratch,
};
use crate::desk::Desk;
use anyhow::{Context, Result, ensure};
use haco_core::oid::Oid;
use std::{
    fs::{FileTimes, Metadata},
    io::{Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// So many are kept that nobody uses.
const MOST: usize = 4;
/// What was used longer ago goes in any case.
const OLDEST: Duration = Duration::from_secs(14 * 24 * 3600);

/// A checkout that stays as it is until this is dropped.
pub(super) struct Pristine {
    dir: PathBuf,
    _used: Held,
}

impl Pristine {
    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Where one is or will be.
struct Slot {
    dir: PathBuf,
    lock: PathBuf,
}

/// The checkout of `tree` in which every file is later than `than`; made where there is none. Where one is in use that
/// is not late enough, there will be two.
pub(super) fn hold(desk: &Desk, tree: &Oid, than: SystemTime, scratch: &Scratch) -> Result<Pristine> {
    let top = desk.place.dir.join("checkouts");
    fs_err::create_dir_all(&top)?;
    let top = fs_err::canonicalize(top)?;
    let mut n = 1;
    loop {
        let name = if n == 1 { tree.to_string() } else { format!("{tree}.{n}") };
        let slot = Slot { dir: top.join(&name), lock: top.join(format!("{name}.lock")) };
        let lock = shared(&slot)?;
        if slot.made(&lock)?.is_some_and(|at| at > than) {
            note_use(&lock)?;
            prune(&top, scratch);
            return Ok(Pristine { dir: slot.dir, _used: lock });
        }
        let want = if slot.dir.exists() { Want::AloneNow } else { Want::Alone };
        drop(lock);
        match lock::take(&slot.lock, want)? {
            Some(mut alone) => slot.make(&mut alone, (desk, tree, than), scratch)?,
            None => n += 1,
        }
    }
}

/// What was used last goes last.
pub(super) fn note_use(lock: &Held) -> Result<()> {
    let now = FileTimes::new().set_modified(SystemTime::now());
    lock.0.file().set_times(now).context("cannot note the use of a checkout")
}

fn shared(slot: &Slot) -> Result<Held> {
    lock::take(&slot.lock, Want::Shared)?.context("a lock that was waited for was not had")
}

impl Slot {
    /// The time of all of its files, where it is as it was made.
    fn made(&self, lock: &Held) -> Result<Option<SystemTime>> {
        let mut text = String::new();
        let mut file = lock.0.file();
        file.rewind()?;
        file.take(64).read_to_string(&mut text)?;
        let Ok(meta) = self.dir.symlink_metadata() else { return Ok(None) };
        let as_sealed = text.trim().parse() == Ok(newest_change(&self.dir)?);
        Ok(meta.modified().ok().filter(|_| as_sealed && meta.is_dir()))
    }

    /// Makes it, or only gives its files another time.
    fn make(&self, lock: &mut Held, (desk, tree, than): (&Desk, &Oid, SystemTime), scratch: &Scratch) -> Result<()> {
        let made = self.made(lock)?;
        if made.is_some_and(|at| at > than) {
            return Ok(());
        }
        let now = SystemTime::now();
        ensure!(now > than, "the clock went backwards");
        lock.0.file().set_len(0).context("cannot open the seal of a checkout")?;
        if made.is_none() {
            scratch.discard(&self.dir)?;
            let new = scratch.dir().join("pristine");
            desk.repo()?.checkout(tree, &new)?;
            fs_err::rename(new, &self.dir)?;
        }
        each(&self.dir, &mut |path, meta| match meta.is_symlink() {
            true => Ok(()),
            false => set_time(path, now),
        })?;
        let file = lock.0.file_mut();
        file.rewind()?;
        file.write_all(newest_change(&self.dir)?.to_string().as_bytes()).context("cannot seal a checkout")
    }
}

fn set_time(path: &Path, to: SystemTime) -> Result<()> {
    let file = fs_err::File::open(path)?;
    Ok(file.file().set_times(FileTimes::new().set_modified(to))?)
}

/// The newest change of status of anything in a directory, in nanoseconds. What came or went changed what it was in.
pub(super) fn newest_change(dir: &Path) -> Result<i128> {
    let mut newest = 0;
    each(dir, &mut |_, meta| {
        newest = newest.max(i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()));
        Ok(())
    })?;
    Ok(newest)
}

/// Everything in a directory, itself last.
pub(super) fn each(path: &Path, found: &mut impl FnMut(&Path, &Metadata) -> Result<()>) -> Result<()> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).with_context(|| format!("cannot read '{}'", path.display())),
    };
    if meta.is_dir() {
        within(path, found)?;
    }
    found(path, &meta)
}

/// Asks a directory for what is in it rather than the root for each path: a checkout is walked before every use.
fn within(dir: &Path, found: &mut impl FnMut(&Path, &Metadata) -> Result<()>) -> Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e.into()),
        };
        if meta.is_dir() {
            within(&path, found)?;
        }
        found(&path, &meta)?;
    }
    Ok(())
}

/// Moves away what was not used for long and what is one too many; that it cannot is no reason to stop.
fn prune(top: &Path, scratch: &Scratch) {
    let entries = std::fs::read_dir(top).into_iter().flatten().flatten().map(|e| e.path());
    let locks = entries.filter(|path| path.extension().is_some_and(|e| e == "lock"));
    let used = |path: &PathBuf| path.symlink_metadata().and_then(|m| m.modified()).ok();
    let mut locks: Vec<(SystemTime, PathBuf)> = locks.filter_map(|path| Some((used(&path)?, path))).collect();
    locks.sort_by(|a, b| b.cmp(a));
    for (n, (at, path)) in locks.into_iter().enumerate() {
        let old = at.elapsed().is_ok_and(|age| age > OLDEST);
        if n < MOST && !old {
            continue;
        }
        if let Ok(Some(_alone)) = lock::take(&path, Want::AloneNow)
            && scratch.discard(&path.with_extension("")).is_ok()
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_change_is_that_of_anything_in_it() {
        let dir = tempfile::tempdir().expect("directory");
        fs_err::create_dir(dir.path().join("a")).expect("makes");
        fs_err::write(dir.path().join("a/x"), "1").expect("writes");
        let before = newest_change(dir.path()).expect("reads");
        // Until the clock of the file system has gone on.
        let after = loop {
            fs_err::write(dir.path().join("a/x"), "2").expect("writes");
            let after = newest_change(dir.path()).expect("reads");
            if after != before {
                break after;
            }
        };
        assert!(after > before);
    }
}
