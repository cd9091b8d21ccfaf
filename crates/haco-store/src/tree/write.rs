//! Several files of a tree replaced, made and deleted together.
//!
//! ```text
//! lock ─ write and sync every new file beside its place ─ look again │ rename each ─ sync ─ delete ─ sync
//!        nothing has changed yet, and a full disk or a kill leaves it so │ a failure takes back what was done
//! ```
//!
//! A kill between two renames leaves each file old or new. The same change made again finds the new ones done.

use super::{Look, OnlyWriter, Seen, Tree};
use crate::{Result, dir::Dir, fail, stage};
use haco_core::{
    code::{Code, Failure},
    path::RepoPath,
};
use nix::{
    errno::Errno,
    fcntl::{OFlag, openat, renameat},
    sys::stat::{FileStat, Mode, fchmod, mkdirat},
    unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Write},
    sync::Arc,
};

/// One file that is to change.
#[derive(Clone, Copy, Debug)]
pub struct Replace<'a> {
    /// Which file.
    pub path: &'a RepoPath,
    /// As it was when the change was decided; none where it was not there.
    pub old: Option<&'a Seen>,
    /// Its new bytes; none where it goes.
    pub new: Option<&'a [u8]>,
    /// Whose owner and mode it gets where it was not there: the file that is moved here.
    pub like: Option<&'a Seen>,
}

/// What our files are called until they have their name.
const OURS: &str = "haco-edit";

impl Tree {
    /// Makes all `changes`, or none: modes stay, a new file's is what the umask leaves, missing directories are made, and
    /// one that a deletion empties stays.
    ///
    /// # Errors
    /// [`Code::Stale`] where a file is not as it was, [`Code::Io`] where the disk fails; then nothing is changed, and where
    /// taking back fails too the message names what is.
    pub fn replace(&self, _alone: &OnlyWriter, changes: &[Replace<'_>]) -> Result<()> {
        let mut places = Places { tree: self, open: BTreeMap::new(), made: Vec::new() };
        let mut done = Vec::new();
        places.carry_out(changes, &mut done).map_err(|failure| {
            let failure = places.take_back(&done, failure);
            places.unmake();
            failure
        })
    }

    /// Nobody else changed the file since it was seen.
    fn as_seen(&self, change: &Replace<'_>) -> Result<()> {
        let same = match (change.old, &self.look(change.path)?) {
            (None, Look::Nothing) => true,
            (Some(old), Look::File(now)) => old.bytes == now.bytes && old.identity() == now.identity(),
            _ => false,
        };
        let stale = || Failure::new(Code::Stale, format!("'{}' changed meanwhile", change.path));
        same.then_some(()).ok_or_else(stale)
    }
}

/// The directories of one change, opened once each.
struct Places<'t> {
    tree: &'t Tree,
    /// By path below the tree; the tree's own is empty.
    open: BTreeMap<String, Arc<Dir>>,
    /// Those that were made, in that order: where, and which name.
    made: Vec<(Arc<Dir>, String)>,
}

/// New bytes that the disk keeps, under a name that nobody reads; removed where they do not get theirs.
struct Staged<'c> {
    change: &'c Replace<'c>,
    dir: Arc<Dir>,
    temporary: String,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // After the rename there is nothing left under this name.
        let _ = unlinkat(self.dir.as_ref(), self.temporary.as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

impl Staged<'_> {
    fn land(&self) -> Result<()> {
        let (dir, path) = (self.dir.as_ref(), self.change.path.as_str());
        renameat(dir, self.temporary.as_str(), dir, name(path)).map_err(|e| said("write", path, &e.into()))
    }
}

impl Places<'_> {
    /// The directory `rel`, none where it is not there. What a killed process left in it is removed.
    fn directory(&mut self, rel: &str) -> Result<Option<Arc<Dir>>> {
        if let Some(dir) = self.open.get(rel) {
            return Ok(Some(dir.clone()));
        }
        let top = &self.tree.top;
        let Some(dir) = (if rel.is_empty() { Some(top.here()?) } else { top.sub(rel)? }) else { return Ok(None) };
        for (name, _) in super::entries(&dir)?.iter().filter(|(n, _)| stage::is_of(n, OURS) && stage::left_over(n)) {
            unlinkat(&dir, name.as_str(), UnlinkatFlags::NoRemoveDir).map_err(|e| dir.failure("remove", name, e))?;
        }
        let dir = Arc::new(dir);
        self.open.insert(rel.to_owned(), dir.clone());
        Ok(Some(dir))
    }

    /// Makes the changes; `done` are those that happened, whatever the end.
    fn carry_out<'c>(&mut self, changes: &'c [Replace<'c>], done: &mut Vec<&'c Replace<'c>>) -> Result<()> {
        let writes = changes.iter().filter(|c| c.new.is_some());
        let staged = writes.map(|change| self.stage(change)).collect::<Result<Vec<_>>>()?;
        changes.iter().try_for_each(|change| self.tree.as_seen(change))?;
        self.land(changes, &staged, done)
    }

    fn stage<'c>(&mut self, change: &'c Replace<'c>) -> Result<Staged<'c>> {
        let path = change.path.as_str();
        let failed = |e: io::Error| said("write", path, &e);
        let dir = self.home(path)?;
        // What only its owner may read is never readable to others under another name.
        let model = change.old.or(change.like);
        let bits = if model.is_some() { 0o600 } else { 0o666 };
        let (file, temporary) = create(&dir, Mode::from_bits_truncate(bits)).map_err(|e| failed(e.into()))?;
        let staged = Staged { change, dir, temporary };
        let mut plain = &file;
        plain.write_all(change.new.unwrap_or_default()).map_err(failed)?;
        if let Some(model) = model {
            like(&file, &model.stat).map_err(|e| failed(e.into()))?;
        }
        staged.dir.sync_plain(&file).map_err(failed)?;
        Ok(staged)
    }

    /// The directory of `path`, made where it is not there.
    fn home(&mut self, path: &str) -> Result<Arc<Dir>> {
        let rel = parent(path);
        if let Some(dir) = self.directory(rel)? {
            return Ok(dir);
        }
        let failed = |e: Errno| said("make", rel, &e.into());
        let above = self.home(rel)?;
        mkdirat(above.as_ref(), name(rel), Mode::from_bits_truncate(0o777)).map_err(failed)?;
        self.made.push((above, name(rel).to_owned()));
        self.directory(rel)?.ok_or_else(|| failed(Errno::ENOENT))
    }

    /// Puts every file under its name, and once that is kept removes what goes; `done` are those that happened.
    fn land<'c>(
        &mut self,
        changes: &'c [Replace<'c>],
        staged: &[Staged<'c>],
        done: &mut Vec<&'c Replace<'c>>,
    ) -> Result<()> {
        for file in staged {
            file.land()?;
            done.push(file.change);
        }
        for (above, _) in &self.made {
            above.sync()?;
        }
        self.sync(staged.iter().map(|s| s.change.path))?;
        let goes: Vec<&Replace> = changes.iter().filter(|c| c.new.is_none()).collect();
        for change in &goes {
            self.remove(change.path)?;
            done.push(change);
        }
        self.sync(goes.iter().map(|c| c.path))
    }

    fn remove(&mut self, path: &RepoPath) -> Result<()> {
        let failed = |e: Errno| said("delete", path.as_str(), &e.into());
        let home = self.directory(parent(path.as_str()))?.ok_or_else(|| failed(Errno::ENOENT))?;
        unlinkat(home.as_ref(), name(path.as_str()), UnlinkatFlags::NoRemoveDir).map_err(failed)
    }

    /// Asks the disk to keep the directories of `paths`, each once.
    fn sync<'p>(&mut self, paths: impl Iterator<Item = &'p RepoPath>) -> Result<()> {
        let dirs: BTreeSet<&str> = paths.map(|p| parent(p.as_str())).collect();
        for rel in dirs {
            if let Some(dir) = self.directory(rel)? {
                dir.sync()?;
            }
        }
        Ok(())
    }

    /// Puts back what was there before, last first.
    fn take_back(&mut self, done: &[&Replace<'_>], failure: Failure) -> Failure {
        let mut left = Vec::new();
        for change in done.iter().rev() {
            let back = match change.old {
                None => self.remove(change.path),
                Some(old) => {
                    let again = Replace { new: Some(&old.bytes), ..**change };
                    let restored = self.stage(&again).and_then(|file| file.land());
                    restored.and_then(|()| self.sync(std::iter::once(change.path)))
                }
            };
            if back.is_err() {
                left.push(format!("'{}'", change.path));
            }
        }
        let end = match left.is_empty() {
            true => "; nothing was changed".to_owned(),
            false => format!("; changed already, and not to be put back: {}", left.join(", ")),
        };
        Failure { message: failure.message + &end, ..failure }
    }

    /// Removes the directories that were made, where nothing is in them.
    fn unmake(&mut self) {
        for (above, part) in self.made.drain(..).rev() {
            // One that somebody else uses already stays.
            let _ = unlinkat(above.as_ref(), part.as_str(), UnlinkatFlags::RemoveDir);
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn said(verb: &str, path: &str, cause: &io::Error) -> Failure {
    Failure::new(Code::Io, format!("cannot {verb} '{path}': {}", fail::words(cause)))
}

fn create(dir: &Dir, bits: Mode) -> nix::Result<(File, String)> {
    let how = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    loop {
        let temporary = stage::temporary(OURS);
        match openat(dir, temporary.as_str(), how, bits) {
            Ok(fd) => return Ok((File::from(fd), temporary)),
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Gives `file` the owner and the mode of the one that it replaces. Where the group cannot be kept, it gets no more rights
/// than everybody has.
fn like(file: &File, old: &FileStat) -> nix::Result<()> {
    let ours = nix::sys::stat::fstat(file)?;
    let mut bits = old.st_mode & 0o777;
    let denied = |owner| fchown(file, owner, Some(Gid::from_raw(old.st_gid))) == Err(Errno::EPERM);
    if (ours.st_uid, ours.st_gid) != (old.st_uid, old.st_gid) && denied(Some(Uid::from_raw(old.st_uid))) && denied(None)
    {
        bits &= !0o070 | (bits & 0o007) << 3;
    }
    fchmod(file, Mode::from_bits_truncate(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt},
    };

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let held = tempfile::tempdir().expect("temporary directory");
        for (path, text) in files {
            let path = held.path().join(path);
            fs_err::create_dir_all(path.parent().expect("a directory")).expect("makes");
            fs_err::write(path, text).expect("writes");
        }
        let tree = Tree::open(held.path()).expect("opens");
        (held, tree)
    }

    fn path(text: &str) -> RepoPath {
        text.parse().expect("a path")
    }

    fn seen(tree: &Tree, at: &str) -> Option<Seen> {
        match tree.look(&path(at)).expect("looks") {
            Look::File(seen) => Some(seen),
            Look::Nothing => None,
            Look::Unfit(why) => panic!("{why}"),
        }
    }

    /// Changes each file to the text beside it.
    fn change(tree: &Tree, wanted: &[(&str, Option<&str>)]) -> Result<()> {
        let parts: Vec<_> = wanted.iter().map(|(at, new)| (path(at), seen(tree, at), *new)).collect();
        let changes: Vec<Replace> = parts
            .iter()
            .map(|(path, old, new)| Replace { path, old: old.as_ref(), new: new.map(str::as_bytes), like: None })
            .collect();
        tree.replace(&tree.only_writer().expect("nobody else"), &changes)
    }

    fn names(held: &tempfile::TempDir) -> Vec<String> {
        let listed = fs_err::read_dir(held.path()).expect("lists").map(|e| e.expect("an entry").file_name());
        let mut names: Vec<String> = listed.map(|n| n.into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn files_change_come_and_go_together_and_each_costs_one_sync() {
        let (held, tree) = tree(&[("a", "old"), ("b", "b"), ("sub/c", "c")]);
        fs::set_permissions(held.path().join("a"), fs::Permissions::from_mode(0o750)).expect("sets");
        change(&tree, &[("a", Some("new")), ("x/y/z", Some("z")), ("b", None)]).expect("changes");
        assert_eq!(fs_err::read(held.path().join("a")).expect("reads"), b"new");
        assert_eq!(fs_err::read(held.path().join("x/y/z")).expect("reads"), b"z");
        assert_eq!(fs_err::metadata(held.path().join("a")).expect("stats").mode() & 0o7777, 0o750);
        assert_eq!(names(&held), ["a", "sub", "x"]);
        // Two files, the tree for the new directory, x for y in it, the tree and x/y, and the tree for what went.
        assert_eq!(tree.syncs(), 7);
    }

    #[test]
    fn what_changed_meanwhile_is_left_alone_and_nothing_else_is_written() {
        let (held, tree) = tree(&[("a", "old"), ("b", "old")]);
        let (a, b) = (path("a"), path("b"));
        let (old_a, old_b) = (seen(&tree, "a"), seen(&tree, "b"));
        fs_err::write(held.path().join("b"), "theirs").expect("writes");
        let changes = [
            Replace { path: &a, old: old_a.as_ref(), new: Some(b"new"), like: None },
            Replace { path: &b, old: old_b.as_ref(), new: Some(b"new"), like: None },
        ];
        let failure = tree.replace(&tree.only_writer().expect("nobody else"), &changes).expect_err("stale");
        assert_eq!(
            (failure.code, failure.message.as_str()),
            (Code::Stale, "'b' changed meanwhile; nothing was changed")
        );
        assert_eq!(fs_err::read(held.path().join("a")).expect("reads"), b"old");
        assert_eq!(names(&held), ["a", "b"]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_others_left_is_not() {
        let (held, tree) =
            tree(&[("a", "old"), (".haco-edit.2147483646-1.tmp", "left"), (".other.2147483646-1.tmp", "theirs")]);
        change(&tree, &[("a", Some("new"))]).expect("changes");
        assert_eq!(names(&held), [".other.2147483646-1.tmp", "a"]);
    }

    #[test]
    fn a_file_where_a_directory_is_to_be_stops_everything() {
        let (held, tree) = tree(&[("a", "old"), ("b", "b")]);
        let (a, below) = (path("a"), path("b/c"));
        let old = seen(&tree, "a");
        assert!(matches!(tree.look(&below).expect("looks"), Look::Unfit(why) if why.contains("'b' is a regular file")));
        let changes = [
            Replace { path: &a, old: old.as_ref(), new: Some(b"new"), like: None },
            Replace { path: &below, old: None, new: Some(b"c"), like: None },
        ];
        tree.replace(&tree.only_writer().expect("nobody else"), &changes).expect_err("refused");
        assert_eq!(fs_err::read(held.path().join("a")).expect("reads"), b"old");
        assert_eq!(names(&held), ["a", "b"]);
    }

    #[test]
    fn a_second_writer_waits_for_the_first() {
        let (held, tree) = tree(&[("a", "old")]);
        let first = tree.only_writer().expect("nobody else");
        let other = Tree::open(held.path()).expect("opens");
        let waits = std::thread::spawn(move || other.only_writer().map(drop));
        drop(first);
        waits.join().expect("ends").expect("comes after");
    }
}
