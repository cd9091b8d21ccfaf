//! An accepted change put into the working tree: all of it or, where a local change is in the way, none. The index stays as
//! it is, no link is followed, and a file is replaced whole.

use crate::repo::Repo;
use crate::tree::{check_paths, parents, unsafe_path};
use crate::worktree::{Objects, OnDisk};
use anyhow::{Context, Result};
use haco_core::code::{Code, Failure};
use haco_core::oid::{Blob, Change, Mode};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What became of the paths of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Created or replaced.
    pub written: Vec<String>,
    /// Deleted.
    pub removed: Vec<String>,
    /// As the change wants them before it began.
    pub already: Vec<String>,
}

/// A file that is whole on the disk and waits for its name; gone with the value where it never gets it.
struct Staged {
    path: String,
    temporary: PathBuf,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename there is nothing left under this name.
        fs::remove_file(&self.temporary).ok();
    }
}

impl Repo {
    /// Puts the changes into the working tree. Every path must hold its `old`, or already its `new`; else nothing is
    /// touched and [`Code::LocalChanges`] names the paths. Directories that a deletion empties go too.
    pub fn apply(&self, changes: &[Change]) -> Result<Applied> {
        check_paths(changes)?;
        let (todo, already) = self.plan(changes)?;
        let (writes, removals): (Vec<&Change>, Vec<&Change>) =
            todo.into_iter().partition(|change| change.new.is_some());
        let staged = writes.iter().map(|change| self.stage(change)).collect::<Result<Vec<_>>>()?;
        for change in &removals {
            self.remove(&change.path).with_context(|| format!("cannot delete '{}'", change.path))?;
        }
        for file in &staged {
            self.place_staged(file)?;
        }
        let paths = |changes: &[&Change]| changes.iter().map(|change| change.path.clone()).collect();
        Ok(Applied { written: paths(&writes), removed: paths(&removals), already })
    }

    /// Which changes are still to be made and which paths are as wanted; an error where anything else is in the way.
    fn plan<'a>(&self, changes: &'a [Change]) -> Result<(Vec<&'a Change>, Vec<String>)> {
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        let gone: BTreeSet<&str> = changes.iter().filter(|c| c.new.is_none()).map(|c| c.path.as_str()).collect();
        let (mut todo, mut already, mut local) = (Vec::new(), Vec::new(), Vec::new());
        for (change, disk) in changes.iter().zip(self.on_disk(&paths, Objects::HashOnly)?) {
            let held = match disk {
                OnDisk::File(blob) => Some(blob),
                OnDisk::Nothing => None,
                OnDisk::BelowFile(at) if change.new.is_none() || gone.contains(at.as_str()) => None,
                OnDisk::Directory if change.new.is_none() || self.goes(&change.path, &gone)? => None,
                OnDisk::BelowFile(_) | OnDisk::Directory => {
                    local.push(change.path.as_str());
                    continue;
                }
            };
            match held {
                held if held == change.new => already.push(change.path.clone()),
                held if held == change.old => todo.push(change),
                _ => local.push(change.path.as_str()),
            }
        }
        if local.is_empty() { Ok((todo, already)) } else { Err(local_changes(&local)) }
    }

    /// Whether every file below the directory is among those that go.
    fn goes(&self, dir: &str, gone: &BTreeSet<&str>) -> Result<bool> {
        let unreadable = || format!("cannot read '{dir}'");
        for entry in fs::read_dir(self.worktree().join(dir)).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let path = format!("{dir}/{}", entry.file_name().to_string_lossy());
            let is_dir = entry.file_type().with_context(unreadable)?.is_dir();
            if !(if is_dir { self.goes(&path, gone)? } else { gone.contains(path.as_str()) }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes a change's bytes, as a checkout would, under a temporary name in the nearest directory that is there.
    fn stage(&self, change: &Change) -> Result<Staged> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let blob = change.new.as_ref().expect("only changes that write are staged");
        let bytes = self.smudged(&change.path, blob)?;
        let is_dir = |dir: &&str| self.worktree().join(dir).symlink_metadata().is_ok_and(|meta| meta.is_dir());
        let near = parents(&change.path).take_while(is_dir).last().unwrap_or("");
        let name = format!(".haco-{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let temporary = self.worktree().join(near).join(name);
        let staged = Staged { path: change.path.clone(), temporary };
        write_new(&staged.temporary, blob.mode, &bytes).with_context(|| format!("cannot write '{}'", change.path))?;
        Ok(staged)
    }

    /// The bytes that a checkout would write: line ends as the attributes say, no filter driver.
    fn smudged(&self, path: &str, blob: &Blob) -> Result<Vec<u8>> {
        let mut args = self.git.without_filters()?;
        args.extend(["cat-file".into(), "--filters".into(), format!("--path={path}"), blob.oid.to_string()]);
        self.git.run("cat-file", args)
    }

    fn remove(&self, path: &str) -> std::io::Result<()> {
        fs::remove_file(self.worktree().join(path))?;
        let mut dirs: Vec<&str> = parents(path).collect();
        while let Some(dir) = dirs.pop() {
            match fs::remove_dir(self.worktree().join(dir)) {
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                    return sync_dir(&self.worktree().join(dir));
                }
                removed => removed?,
            }
        }
        sync_dir(self.worktree())
    }

    fn place_staged(&self, file: &Staged) -> Result<()> {
        for dir in parents(&file.path) {
            let full = self.worktree().join(dir);
            match fs::create_dir(&full) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let real = full.symlink_metadata().is_ok_and(|meta| meta.is_dir());
                    real.then_some(())
                        .ok_or_else(|| unsafe_path(&file.path, &format!("'{dir}' is not a directory")))?;
                }
                made => made.with_context(|| format!("cannot create '{dir}'"))?,
            }
        }
        let target = self.worktree().join(&file.path);
        let renamed =
            fs::rename(&file.temporary, &target).and_then(|()| sync_dir(target.parent().unwrap_or(self.worktree())));
        renamed.with_context(|| format!("cannot write '{}'", file.path))
    }
}

fn write_new(path: &Path, mode: Mode, bytes: &[u8]) -> std::io::Result<()> {
    let bits = match mode {
        Mode::Regular => 0o666,
        Mode::Executable => 0o777,
    };
    let mut file = File::options().write(true).create_new(true).mode(bits).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

fn local_changes(paths: &[&str]) -> anyhow::Error {
    let quoted = |paths: &[&str]| paths.iter().map(|path| format!("'{path}'")).collect::<Vec<_>>();
    let message = format!("nothing was applied: local changes in {}", quoted(paths).join(", "));
    let words = paths.iter().map(|path| format!("'{}'", path.replace('\'', r"'\''"))).collect::<Vec<_>>();
    let fix = format!("git stash push --include-untracked -- {}", words.join(" "));
    Failure::new(Code::LocalChanges, message).fix(fix).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, code_of, fix_of};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn several(sample: &Sample) -> Vec<Change> {
        vec![
            sample.change("src/lib.rs", Some("new\n")),
            sample.change("src/a/b/c.rs", Some("deep\n")),
            sample.change("docs/deep/page.md", None),
        ]
    }

    #[test]
    fn a_change_is_written_and_the_index_is_not() {
        let sample = Sample::new();
        let index = fs::read(sample.dir().join(".git/index")).expect("index");
        let applied = sample.repo().apply(&several(&sample)).expect("apply");
        assert_eq!(applied.written, ["src/lib.rs", "src/a/b/c.rs"]);
        assert_eq!(applied.removed, ["docs/deep/page.md"]);
        assert_eq!((sample.read("src/lib.rs"), sample.read("src/a/b/c.rs")), ("new\n".into(), "deep\n".into()));
        assert!(!sample.dir().join("docs").exists());
        assert_eq!(fs::read(sample.dir().join(".git/index")).expect("index"), index);
        let left: Vec<_> = sample.snapshot().into_iter().filter(|f| f.0.to_string_lossy().ends_with(".tmp")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn what_is_applied_is_the_tree_that_was_accepted() {
        let sample = Sample::new();
        let changes = several(&sample);
        let tree = sample.repo().edit_tree(&sample.repo().head_commit().expect("head"), &changes).expect("tree");
        sample.repo().apply(&changes).expect("apply");
        sample.git(&["add", "-A"]);
        assert_eq!(sample.git(&["write-tree"]), tree.as_str());
    }

    #[test]
    fn applying_twice_changes_nothing_the_second_time() {
        let sample = Sample::new();
        sample.repo().apply(&several(&sample)).expect("apply");
        let before = sample.snapshot();
        let again = sample.repo().apply(&several(&sample)).expect("apply");
        assert_eq!((again.written.len(), again.removed.len(), again.already.len()), (0, 0, 3));
        assert_eq!(sample.snapshot(), before);
    }

    #[test]
    fn a_path_is_one_word_of_the_fix() {
        let fix = fix_of(&local_changes(&["a'$(id)'b", "c"])).expect("a fix");
        assert!(fix.ends_with(r"-- 'a'\''$(id)'\''b' 'c'"), "{fix}");
    }

    #[test]
    fn local_changes_stop_all_of_it_and_are_named() {
        let sample = Sample::new();
        sample.write("docs/deep/page.md", "mine\n");
        sample.write("src/a/b/c.rs", "mine too\n");
        let before = sample.snapshot();
        let error = sample.repo().apply(&several(&sample)).expect_err("local changes");
        assert_eq!(code_of(&error), Some(Code::LocalChanges));
        assert!(error.to_string().ends_with("local changes in 'src/a/b/c.rs', 'docs/deep/page.md'"), "{error}");
        assert!(fix_of(&error).expect("fix").starts_with("git stash push"));
        assert_eq!(sample.snapshot(), before);
    }

    #[test]
    fn a_file_or_directory_in_the_way_is_a_local_change() {
        let sample = Sample::new();
        sample.write("one", "a file\n");
        sample.write("two/file", "a file\n");
        for path in ["one/below", "two"] {
            let before = sample.snapshot();
            let error = sample.repo().apply(&[sample.change(path, Some("x"))]).expect_err(path);
            assert_eq!(code_of(&error), Some(Code::LocalChanges), "{error}");
            assert_eq!(sample.snapshot(), before);
        }
    }

    #[test]
    fn a_linked_directory_is_never_written_through() {
        let sample = Sample::new();
        let outside = tempfile::tempdir().expect("directory");
        symlink(outside.path(), sample.dir().join("away")).expect("symlink");
        let error = sample.repo().apply(&[sample.change("away/x", Some("x"))]).expect_err("link");
        assert_eq!(code_of(&error), Some(Code::UnsafePath));
        assert_eq!(fs::read_dir(outside.path()).expect("directory").count(), 0);
    }

    #[test]
    fn the_executable_bit_follows_the_change() {
        let sample = Sample::new();
        let bits = |path: &str| fs::metadata(sample.dir().join(path)).expect("metadata").permissions().mode() & 0o111;
        let mut on = sample.change("README", Some("read me\n"));
        on.new.as_mut().expect("new").mode = Mode::Executable;
        sample.repo().apply(&[on, sample.change("run.sh", Some("#!/bin/sh\n"))]).expect("apply");
        assert_ne!(bits("README") & 0o100, 0);
        assert_eq!(bits("run.sh"), 0);
    }

    #[test]
    fn a_file_and_a_directory_may_change_places() {
        let sample = Sample::new();
        let there = [
            sample.change("docs/deep/page.md", None),
            sample.change("docs", Some("x\n")),
            sample.change("README", None),
        ];
        let below = sample.change("README/a", Some("y\n"));
        sample.repo().apply(&[there.as_slice(), &[below]].concat()).expect("apply");
        assert_eq!((sample.read("docs"), sample.read("README/a")), ("x\n".into(), "y\n".into()));
    }

    #[test]
    fn line_ends_are_written_as_the_attributes_say() {
        let sample = Sample::new();
        sample.write(".gitattributes", "*.txt text eol=crlf\n");
        sample.commit_all("attributes");
        let change = sample.change("a.txt", Some("one\n"));
        sample.repo().apply(std::slice::from_ref(&change)).expect("apply");
        assert_eq!(sample.read("a.txt"), "one\r\n");
        assert_eq!(sample.repo().apply(&[change]).expect("apply").already, ["a.txt"]);
    }
}
