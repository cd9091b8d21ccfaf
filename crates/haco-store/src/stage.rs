//! Writing one file or folder so that a reader, a crash or a full disk sees the old one or the new one.
//!
//! ```text
//! create .name.PID-N.tmp ─ write ─ fsync │ rename to name ─ fsync the directory
//!              stage                     │        land          (the caller's)
//! ```

use crate::{
    Result,
    dir::{Dir, parts, split},
    fail,
};
use haco_core::hash::Hash;
use nix::{
    errno::Errno,
    fcntl::{OFlag, renameat},
    unistd::{Pid, UnlinkatFlags, unlinkat},
};
use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A file that is whole and kept by the disk, but not yet under its name; dropped, it is removed unless it is to stay.
#[derive(Debug)]
pub(crate) struct Staged {
    dir: Arc<Dir>,
    temporary: String,
    name: String,
    stays: bool,
}

impl Staged {
    /// Writes `bytes` beside where `name` will be; a link or special file under that name is refused.
    pub(crate) fn new(dir: &Arc<Dir>, name: &str, bytes: &[u8]) -> Result<Staged> {
        if let Some(kind) = dir.kind(name) {
            return Err(fail::unreadable(&dir.shown(name), format!("it is {kind}, not a regular file")));
        }
        let (file, temporary) = create(dir, name)?;
        let staged = Staged { dir: dir.clone(), temporary, name: name.to_owned(), stays: false };
        let mut plain = file.file();
        plain.write_all(bytes).map_err(|e| dir.failure("write", name, e))?;
        dir.sync_file(&file, name)?;
        Ok(staged)
    }

    /// From now on the file outlives a failure to land: the journal names it, and it proves that the write is unfinished.
    pub(crate) fn stay(&mut self) {
        self.stays = true;
    }

    /// Puts the file under its name; the directory is still to be synced.
    pub(crate) fn land(mut self) -> Result<()> {
        land(&self.dir, &self.temporary, &self.name)?;
        self.stays = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.stays {
            // A file that stays is found by its name: nothing reads it, and the doctor moves it aside.
            let _ = unlinkat(self.dir.as_ref(), self.temporary.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Puts the file `temporary` under `name`; the directory is still to be synced.
pub(crate) fn land(dir: &Dir, temporary: &str, name: &str) -> Result<()> {
    renameat(dir, temporary, dir, name).map_err(|e| dir.failure("replace", name, e))
}

fn create(dir: &Dir, name: &str) -> Result<(fs_err::File, String)> {
    loop {
        let temporary = temporary(name);
        match dir.open(&temporary, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL) {
            Ok(Some(file)) => return Ok((file, temporary)),
            Ok(None) => return Err(dir.failure("write", name, Errno::ENOENT)),
            Err(_) if dir.has(&temporary) => {}
            Err(failure) => return Err(failure),
        }
    }
}

/// A name beside `name` that nothing else has.
pub(crate) fn temporary(name: &str) -> String {
    format!(".{}.{}.tmp", short(name), unique())
}

/// As much of `name` as leaves room for the rest of a temporary name.
fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

/// A name that no other living process of this machine makes: the process and a number.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{}-{}", Pid::this(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether `name` is a temporary name whose process is gone; the living still need theirs.
pub(crate) fn left_over(name: &str) -> bool {
    let unique = name.strip_suffix(".tmp").and_then(|n| n.rsplit('.').next());
    let process = unique.and_then(|u| u.split('-').next()).and_then(|pid| pid.parse::<i32>().ok());
    process.is_some_and(|pid| nix::sys::signal::kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}

/// Whether `temporary` is a name that a write of `name` makes.
pub(crate) fn is_of(temporary: &str, name: &str) -> bool {
    let rest = temporary.strip_prefix(&format!(".{}.", short(name))).and_then(|t| t.strip_suffix(".tmp"));
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    rest.and_then(|unique| unique.split_once('-')).is_some_and(|(process, n)| number(process) && number(n))
}

/// A file beside `rel` that a write of it staged and did not land, with exactly the bytes of `after`: its directory and
/// name. Only those whose names `fits` are looked at.
pub(crate) fn unfinished(
    top: &Dir,
    rel: &str,
    after: &Hash,
    fits: impl Fn(&str) -> bool,
) -> Result<Option<(Dir, String)>> {
    let (parent, name) = split(rel);
    let Some(dir) = parent.map_or_else(|| top.here().map(Some), |p| top.sub(p))? else { return Ok(None) };
    // One that is gone meanwhile, or cannot be read, proves nothing.
    let same = |t: &String| dir.read(t).ok().flatten().is_some_and(|bytes| Hash::of(&bytes) == *after);
    let found = dir.names()?.into_iter().find(|t| is_of(t, name) && fits(t) && same(t));
    Ok(found.map(|temporary| (dir, temporary)))
}

/// Replaces the file `name` durably.
pub(crate) fn replace(dir: &Arc<Dir>, name: &str, bytes: &[u8]) -> Result<()> {
    Staged::new(dir, name, bytes)?.land()?;
    dir.sync()
}

/// Makes the folder `rel` with exactly `files`, whole or not at all; what lay there before is moved to `aside/`.
pub(crate) fn folder(top: &Dir, rel: &str, files: &[(&str, &[u8])]) -> Result<()> {
    parts(rel)?;
    let tmp = top.sub_made("tmp")?;
    let building = format!("folder.{}.tmp", unique());
    let folder = Arc::new(tmp.sub_made(&building)?);
    let (parent, name) = split(rel);
    let parent = parent.map_or_else(|| top.here(), |p| top.sub_made(p))?;
    let built = fill(&folder, files).and_then(|()| {
        if parent.has(name) {
            aside(top, &parent, name)?;
        }
        let moved = renameat(&tmp, building.as_str(), &parent, name);
        moved.map_err(|e| parent.failure("make", name, e))
    });
    if built.is_err() {
        for (name, _) in files {
            let _ = unlinkat(folder.as_ref(), *name, UnlinkatFlags::NoRemoveDir);
        }
        let _ = unlinkat(&tmp, building.as_str(), UnlinkatFlags::RemoveDir);
    }
    built?;
    parent.sync()
}

fn fill(folder: &Arc<Dir>, files: &[(&str, &[u8])]) -> Result<()> {
    for (name, bytes) in files {
        parts(name)?;
        Staged::new(folder, name, bytes)?.land()?;
    }
    folder.sync()
}

/// Moves `name` out of the way, to `aside/<name>.<n>`, and says where it is now.
pub(crate) fn aside(top: &Dir, from: &Dir, name: &str) -> Result<String> {
    let aside = top.sub_made("aside")?;
    let to = free_name(&aside, name);
    renameat(from, name, &aside, to.as_str()).map_err(|e| from.failure("move aside", name, e))?;
    aside.sync()?;
    from.sync()?;
    Ok(aside.shown(&to))
}

/// The first of `<name>.1`, `<name>.2` … that nothing has.
pub(crate) fn free_name(aside: &Dir, name: &str) -> String {
    let numbered = (1u32..).map(|n| format!("{}.{n}", name.trim_start_matches('.')));
    numbered.into_iter().find(|to| !aside.has(to)).expect("there are more numbers than files")
}

/// The hash of what `rel` holds, or none where nothing is there.
pub(crate) fn hash(top: &Dir, rel: &str) -> Result<Option<Hash>> {
    let (parent, name) = split(rel);
    let bytes = match parent {
        Some(parent) => match top.sub(parent)? {
            Some(dir) => dir.read(name)?,
            None => None,
        },
        None => top.read(name)?,
    };
    Ok(bytes.map(|b| Hash::of(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn top() -> (tempfile::TempDir, Arc<Dir>) {
        let held = tempfile::tempdir().expect("temporary directory");
        let top = Dir::top(held.path()).expect("opens").expect("is there");
        (held, Arc::new(top))
    }

    #[test]
    fn a_replaced_file_is_whole_readable_by_others_and_costs_two_syncs() {
        let (held, top) = top();
        replace(&top, "a.json", b"one").expect("writes");
        replace(&top, "a.json", b"two").expect("writes");
        assert_eq!(fs_err::read(held.path().join("a.json")).expect("reads"), b"two");
        let mode = fs_err::metadata(held.path().join("a.json")).expect("stats").permissions().mode() & 0o777;
        assert_eq!(mode & 0o600, 0o600);
        assert_eq!(mode & !0o644, 0);
        assert_eq!(top.syncs(), 4);
        assert_eq!(top.names().expect("lists"), ["a.json"]);
    }

    #[test]
    fn what_is_staged_and_dropped_leaves_the_old_file_alone() {
        let (_held, top) = top();
        replace(&top, "a", b"old").expect("writes");
        drop(Staged::new(&top, "a", b"new").expect("stages"));
        assert_eq!(top.read("a").expect("reads").as_deref(), Some(&b"old"[..]));
        assert_eq!(top.names().expect("lists"), ["a"]);
    }

    #[test]
    fn a_link_where_the_file_should_go_is_refused_and_not_replaced() {
        let (held, top) = top();
        symlink("/nonexistent", held.path().join("a")).expect("link");
        let failure = replace(&top, "a", b"x").expect_err("refused");
        assert_eq!(failure.message, "'.haco/a': it is a symbolic link, not a regular file");
        assert_eq!(top.names().expect("lists"), ["a"]);
    }

    #[test]
    fn a_folder_appears_whole_and_the_one_before_it_is_kept_aside() {
        let (_held, top) = top();
        folder(&top, "drafts/T-001/1/0-worker", &[("prompt.md", b"p"), ("reply.md", b"r")]).expect("writes");
        folder(&top, "drafts/T-001/1/0-worker", &[("prompt.md", b"q")]).expect("writes again");
        let now = top.sub("drafts/T-001/1/0-worker").expect("opens").expect("is there");
        assert_eq!(now.names().expect("lists"), ["prompt.md"]);
        let before = top.sub("aside/0-worker.1").expect("opens").expect("is there");
        assert_eq!(before.names().expect("lists"), ["prompt.md", "reply.md"]);
        assert_eq!(top.sub("tmp").expect("opens").expect("is there").names().expect("lists"), [""; 0]);
    }

    #[test]
    fn a_folder_that_fails_leaves_nothing() {
        let (_held, top) = top();
        folder(&top, "drafts/x", &[("a", b"1"), ("../b", b"2")]).expect_err("refused");
        assert_eq!(top.sub("tmp").expect("opens").expect("is there").names().expect("lists"), [""; 0]);
        assert!(top.sub("drafts/x").expect("reads").is_none());
    }

    #[test]
    fn a_temporary_name_says_whose_write_it_was() {
        let name = "a-name-that-is-longer-than-forty-characters.json";
        assert!(is_of(&temporary(name), name));
        assert!(is_of(".T-001.json.12-3.tmp", "T-001.json"));
        for other in [
            ".T-001.json.tmp",
            ".T-001.json.x-1.tmp",
            ".T-001.json.12.tmp",
            "T-001.json.12-3.tmp",
            ".T-002.json.12-3.tmp",
        ] {
            assert!(!is_of(other, "T-001.json"), "{other}");
        }
    }

    #[test]
    fn temporary_files_of_the_living_are_not_left_over() {
        assert!(!left_over(&format!(".T-001.json.{}.tmp", unique())));
        assert!(left_over(".T-001.json.2147483646-1.tmp"));
        assert!(!left_over("T-001.json"));
    }
}
