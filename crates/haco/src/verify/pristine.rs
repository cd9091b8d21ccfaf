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
    sync::{Condvar, Mutex},
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
/// A checkout is looked over before every use, so the directories are shared among the processors.
pub(super) fn newest_change(dir: &Path) -> Result<i128> {
    let meta = match dir.symlink_metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        meta => meta.with_context(|| format!("cannot read '{}'", dir.display()))?,
    };
    let queue = Queue { left: Mutex::new((vec![dir.to_owned()], 1)), more: Condvar::new() };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let newest = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| newest_of(&queue))).collect();
        let own = newest_of(&queue);
        let all = others.into_iter().map(|other| other.join().expect("a look does not panic"));
        all.chain([own]).try_fold(0, |newest, one| one.map(|one| newest.max(one)))
    })?;
    Ok(newest.max(changed(&meta)))
}

/// More than this many only wait for each other.
const MOST_THREADS: usize = 4;

fn changed(meta: &Metadata) -> i128 {
    i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec())
}

/// Directories that nobody has read yet, and how many of all that were found are not done.
struct Queue {
    left: Mutex<(Vec<PathBuf>, usize)>,
    more: Condvar,
}

impl Queue {
    /// The next directory; none when all are done.
    fn next(&self) -> Option<PathBuf> {
        let idle = |left: &mut (Vec<PathBuf>, usize)| left.0.is_empty() && left.1 > 0;
        let left = self.left.lock().expect("a look does not panic");
        self.more.wait_while(left, idle).expect("a look does not panic").0.pop()
    }

    /// One is done, and had these in it.
    fn done(&self, found: Vec<PathBuf>) {
        let mut left = self.left.lock().expect("a look does not panic");
        left.1 = left.1 + found.len() - 1;
        left.0.extend(found);
        self.more.notify_all();
    }
}

/// The newest change of status in the directories that this thread gets from the queue.
fn newest_of(queue: &Queue) -> Result<i128> {
    let (mut newest, mut failed) = (0, None);
    while let Some(dir) = queue.next() {
        let mut found = Vec::new();
        let read = one_directory(&dir, &mut |path, meta| {
            newest = newest.max(changed(meta));
            found.extend(meta.is_dir().then_some(path).map(Path::to_owned));
            Ok(())
        });
        failed = failed.or(read.err());
        queue.done(found);
    }
    failed.map_or(Ok(newest), Err)
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

/// What is in a directory, and in those in it.
fn within(dir: &Path, found: &mut impl FnMut(&Path, &Metadata) -> Result<()>) -> Result<()> {
    let mut dirs = Vec::new();
    one_directory(dir, &mut |path, meta| match meta.is_dir() {
        true => {
            dirs.push((path.to_owned(), meta.clone()));
            Ok(())
        }
        false => found(path, meta),
    })?;
    dirs.into_iter().try_for_each(|(path, meta)| {
        within(&path, found)?;
        found(&path, &meta)
    })
}

/// What is in one directory, which is asked for it rather than the root for each path; what goes away is not in it.
fn one_directory(dir: &Path, found: &mut impl FnMut(&Path, &Metadata) -> Result<()>) -> Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(meta) => found(&entry.path(), &meta)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
        }
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
