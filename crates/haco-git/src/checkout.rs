//! A tree as files in a directory of its own, for checks to run in: no `.git`, no hook, no program of a filter driver, and
//! the user's index out of the way.

use crate::repo::Repo;
use anyhow::{Context, Result, ensure};
use haco_core::oid::Oid;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// An index for one checkout, beside the user's in git's own directory; gone with the value.
struct Index(PathBuf);

impl Index {
    fn new(git_dir: &Path) -> Index {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        Index(git_dir.join(format!("haco-index-{}-{n}", std::process::id())))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // Nothing is lost where it was never written or cannot go: the next checkout uses another name.
        std::fs::remove_file(&self.0).ok();
    }
}

impl Repo {
    /// Writes the files of a commit or tree into `dir`, which must be empty or missing. Line ends are as the tree's own
    /// attributes say, symlinks stay symlinks, a submodule is an empty directory. Content that a filter driver (such as
    /// lfs) would fetch stays what the tree holds.
    pub fn checkout(&self, treeish: &Oid, dir: &Path) -> Result<()> {
        let shown = dir.display();
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create '{shown}'"))?;
        let dir = dir.canonicalize().with_context(|| format!("cannot open '{shown}'"))?;
        let empty = std::fs::read_dir(&dir).with_context(|| format!("cannot read '{shown}'"))?.next().is_none();
        ensure!(empty, "cannot check out into '{shown}': it is not empty");
        let index = Index::new(self.gix.git_dir());
        let mut args: Vec<OsString> = self.git.without_filters()?.into_iter().map(OsString::from).collect();
        args.extend(["-c", "core.sparseCheckout=false", "--git-dir"].map(OsString::from));
        args.extend([self.gix.git_dir().into(), "--work-tree".into(), dir.into_os_string()]);
        args.extend(["read-tree", "--reset", "-u", "--no-recurse-submodules", treeish.as_str()].map(OsString::from));
        self.git.clone().env("GIT_INDEX_FILE", &index.0).run("read-tree", args).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;
    use std::process::Command;

    fn assert_equal_trees(a: &Path, b: &Path) {
        let output =
            Command::new("diff").args(["-r", "--no-dereference", "-x", ".git"]).args([a, b]).output().expect("diff");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    #[test]
    fn the_files_are_those_of_git_worktree_add() {
        let sample = Sample::new();
        sample.write(".gitattributes", "*.txt text eol=crlf\n*.id ident\n");
        sample.write("a.txt", "one\ntwo\n");
        sample.write("b.id", "$Id$\n");
        let head = sample.git(&["rev-parse", "HEAD"]);
        sample.git(&["add", "."]);
        sample.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},vendor/sub")]);
        sample.git(&["commit", "-q", "-m", "second"]);
        let repo = sample.repo();
        let (ours, theirs) = (sample.dir().join("../ours"), sample.dir().join("../theirs"));
        let before = sample.snapshot();
        repo.checkout(&repo.head_commit().expect("head"), &ours).expect("checkout");
        assert_eq!(sample.snapshot(), before);
        sample.git(&["worktree", "add", "-q", "--detach", theirs.to_str().expect("utf-8")]);
        assert_equal_trees(&ours, &theirs);
        assert_eq!(std::fs::read(ours.join("a.txt")).expect("file"), b"one\r\ntwo\r\n");
        assert!(ours.join("link").symlink_metadata().expect("link").is_symlink());
        assert_eq!(std::fs::read_dir(ours.join("vendor/sub")).expect("directory").count(), 0);
        assert!(!ours.join(".git").exists());
        let left = std::fs::read_dir(sample.dir().join(".git")).expect("directory");
        assert!(!left.flatten().any(|e| e.file_name().to_string_lossy().starts_with("haco-index")));
    }

    #[test]
    fn attributes_are_those_of_the_tree_and_not_of_the_working_tree() {
        let sample = Sample::new();
        sample.write(".gitattributes", "README eol=crlf\n");
        let dir = sample.dir().join("../out");
        sample.repo().checkout(&sample.repo().head_commit().expect("head"), &dir).expect("checkout");
        assert_eq!(std::fs::read(dir.join("README")).expect("file"), b"read me\n");
    }

    #[test]
    fn no_filter_driver_and_no_hook_is_run() {
        let sample = Sample::new();
        sample.write(".gitattributes", "README filter=mine\n");
        sample.commit_all("attributes");
        sample.git(&["config", "filter.mine.smudge", "touch \"$PWD/ran\"; cat"]);
        sample.git(&["config", "filter.mine.required", "true"]);
        let dir = sample.dir().join("../out");
        sample.repo().checkout(&sample.repo().head_commit().expect("head"), &dir).expect("checkout");
        assert_eq!(std::fs::read(dir.join("README")).expect("file"), b"read me\n");
        assert!(!dir.join("ran").exists() && !sample.dir().join("ran").exists());
    }

    #[test]
    fn a_sparse_working_tree_still_gives_every_file() {
        let sample = Sample::new();
        sample.git(&["sparse-checkout", "set", "src"]);
        let dir = sample.dir().join("../out");
        sample.repo().checkout(&sample.repo().head_commit().expect("head"), &dir).expect("checkout");
        assert!(dir.join("docs/deep/page.md").exists());
    }

    #[test]
    fn a_linked_worktree_checks_out_as_well() {
        let sample = Sample::new();
        sample.git(&["worktree", "add", "-q", "--detach", "linked"]);
        let repo = Repo::open(&sample.dir().join("linked")).expect("open");
        let dir = sample.dir().join("../out");
        repo.checkout(&repo.head_commit().expect("head"), &dir).expect("checkout");
        assert!(dir.join("README").exists());
        assert_eq!(sample.git(&["-C", "linked", "status", "--porcelain"]), "");
    }

    #[test]
    fn a_directory_that_is_not_empty_is_refused() {
        let sample = Sample::new();
        let error =
            sample.repo().checkout(&sample.repo().head_commit().expect("head"), sample.dir()).expect_err("full");
        assert!(error.to_string().ends_with("it is not empty"), "{error}");
    }
}
