//! The repository that holds a directory: opening it, and the commits, trees and objects that names stand for.

use crate::program::Program;
use anyhow::{Context, Result, anyhow};
use gix::ObjectId;
use haco_core::code::{Code, Failure};
use haco_core::oid::Oid;
use std::path::{Path, PathBuf};

/// A git repository with a working tree. Cheap to clone; one clone a thread.
#[derive(Clone, Debug)]
pub struct Repo {
    pub(crate) gix: gix::Repository,
    pub(crate) git: Program,
    worktree: PathBuf,
}

impl Repo {
    /// Opens the repository whose working tree, main or linked, holds `dir`. In process only the repository's own
    /// configuration is read and no environment variable. Fails with [`Code::NotARepository`] outside one and in a bare
    /// one.
    pub fn open(dir: &Path) -> Result<Repo> {
        let shown = dir.display();
        let dir = dir.canonicalize().with_context(|| format!("cannot open '{shown}'"))?;
        gix::discover::upwards(&dir).map_err(|_| {
            Failure::new(Code::NotARepository, format!("'{shown}' is not inside a git repository")).fix("git init")
        })?;
        let options = gix::open::Options::isolated();
        let trust = gix::sec::trust::Mapping { full: options.clone(), reduced: options };
        let found = gix::ThreadSafeRepository::discover_opts(&dir, Default::default(), trust)
            .with_context(|| format!("cannot open the repository of '{shown}'"))?;
        let gix = found.to_thread_local();
        refuse_reftable(&gix)?;
        let worktree = gix.workdir().ok_or_else(|| {
            Failure::new(Code::NotARepository, format!("'{shown}' is in a bare repository: there is no working tree"))
                .fix("git worktree add ../work")
        })?;
        let worktree = worktree.canonicalize().with_context(|| format!("cannot open '{}'", worktree.display()))?;
        Ok(Repo { git: Program::new(&worktree), worktree, gix })
    }

    /// The top of the working tree, absolute.
    pub fn worktree(&self) -> &Path {
        &self.worktree
    }

    /// The top of the main working tree, which is another one where this is a linked one; none where the repository
    /// behind the linked ones is bare.
    pub fn main_worktree(&self) -> Result<Option<PathBuf>> {
        let main = self.gix.main_repo().context("cannot open the main working tree")?;
        main.workdir()
            .map(|dir| dir.canonicalize().with_context(|| format!("cannot open '{}'", dir.display())))
            .transpose()
    }

    /// The commit that HEAD names, detached or through a branch; [`Code::NoCommit`] where there is none yet.
    pub fn head_commit(&self) -> Result<Oid> {
        let head = self.gix.head().context("cannot read HEAD")?;
        if head.is_unborn() {
            let failure = Failure::new(Code::NoCommit, format!("'{}' has no commit yet", self.worktree.display()));
            return Err(failure.fix("git commit --allow-empty -m start").into());
        }
        let commit = self.gix.head_commit().context("HEAD does not name a commit")?;
        Ok(oid(commit.id))
    }

    /// The commit that a revision (`main`, `HEAD~2`, `refs/haco/T-001/2`, an id) names; [`Code::Usage`] where none.
    pub fn resolve(&self, rev: &str) -> Result<Oid> {
        let found =
            self.gix.rev_parse_single(rev).and_then(|id| id.object()).and_then(|object| object.peel_to_commit());
        let none = |_| {
            Failure::new(Code::Usage, format!("'{}' names no commit", rev.escape_debug()))
                .fix("git log --oneline --all")
        };
        Ok(oid(found.map_err(none)?.id))
    }

    /// The tree of a commit; a tree is its own.
    pub fn tree_of(&self, commit: &Oid) -> Result<Oid> {
        Ok(oid(self.tree(commit)?.id))
    }

    /// Whether the object is here and readable.
    pub fn has(&self, object: &Oid) -> bool {
        self.id(object).is_ok_and(|id| matches!(self.gix.try_find_header(id), Ok(Some(_))))
    }

    /// The name and address that git's configuration has for the person; [`Code::Usage`] where one is missing.
    pub fn person(&self) -> Result<(String, String)> {
        let get = |key: &str, example: &str| -> Result<String> {
            let value = self.git.config(key)?.ok_or_else(|| {
                Failure::new(Code::Usage, format!("git does not know who you are: there is no '{key}'"))
                    .fix(format!("git config --global {key} '{example}'"))
            });
            Ok(value?)
        };
        Ok((get("user.name", "Your Name")?, get("user.email", "you@example.com")?))
    }

    /// The tree of a commit, or the tree itself.
    /// What git tracks at `dir` and below it, in whatever case, by the index of this working tree.
    pub fn tracked(&self, dir: &str) -> Result<Vec<String>> {
        let index = self.gix.index_or_empty().context("cannot read the index")?;
        let paths = index.entries().iter().map(|entry| String::from_utf8_lossy(entry.path(&index)).into_owned());
        let is_below = |path: &String| {
            path.get(..dir.len()).is_some_and(|start| start.eq_ignore_ascii_case(dir))
                && matches!(path.as_bytes().get(dir.len()), None | Some(b'/'))
        };
        Ok(paths.filter(is_below).collect())
    }

    pub(crate) fn tree(&self, treeish: &Oid) -> Result<gix::Tree<'_>> {
        let found = self.gix.find_object(self.id(treeish)?).and_then(|object| object.peel_to_tree());
        found.with_context(|| format!("cannot read the tree of '{treeish}'"))
    }

    /// An id as `gix` has it; an error where it is of the other hash than the repository's.
    pub(crate) fn id(&self, oid: &Oid) -> Result<ObjectId> {
        let id = ObjectId::from_hex(oid.as_str().as_bytes()).ok().filter(|id| id.kind() == self.gix.object_hash());
        id.ok_or_else(|| anyhow!("'{oid}' is not an id of this repository: it uses {}", self.gix.object_hash()))
    }
}

/// An id as we store it.
pub(crate) fn oid(id: ObjectId) -> Oid {
    id.to_string().parse().expect("git ids are 40 or 64 lower-case hexadecimal digits")
}

/// Refs in git's newer binary table would look like none at all.
fn refuse_reftable(gix: &gix::Repository) -> Result<()> {
    match gix.config_snapshot().string("extensions.refStorage") {
        Some(format) if format != "files" => {
            let message = format!("'{}' keeps its refs as '{format}': haco reads files only", gix.git_dir().display());
            Err(Failure::new(Code::NotARepository, message).fix("git refs migrate --ref-format=files").into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, code_of, fix_of};

    #[test]
    fn a_directory_below_the_top_opens_the_whole_repository() {
        let sample = Sample::new();
        let repo = Repo::open(&sample.dir().join("src")).expect("open");
        assert_eq!(repo.worktree(), sample.dir());
        assert_eq!(repo.head_commit().expect("head").as_str(), sample.git(&["rev-parse", "HEAD"]));
    }

    #[test]
    fn what_is_tracked_is_known_in_whatever_case() {
        let sample = Sample::new();
        assert_eq!(sample.repo().tracked(".haco").expect("index"), [""; 0]);
        sample.write(".haco/journal.jsonl", "");
        sample.write(".HACO/plans/p", "");
        sample.write(".haco-notes", "");
        sample.commit_all("state");
        let found = sample.repo().tracked(".haco").expect("index");
        assert!([".haco/journal.jsonl", ".HACO/plans/p"].iter().all(|p| found.iter().any(|f| f == p)), "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(Sample::empty().repo().tracked(".haco").expect("no index yet"), [""; 0]);
    }

    #[test]
    fn outside_a_repository_the_fix_is_git_init() {
        let dir = tempfile::tempdir().expect("directory");
        let error = Repo::open(dir.path()).expect_err("no repository");
        assert_eq!(code_of(&error), Some(Code::NotARepository));
        assert_eq!(fix_of(&error).as_deref(), Some("git init"));
    }

    #[test]
    fn a_bare_repository_is_refused() {
        let sample = Sample::new();
        let error = Repo::open(&sample.bare("bare.git")).expect_err("bare");
        assert_eq!(code_of(&error), Some(Code::NotARepository));
        assert!(error.to_string().contains("bare"), "{error}");
    }

    #[test]
    fn refs_in_a_table_are_refused_rather_than_overlooked() {
        let sample = Sample::new();
        sample.git(&["init", "-q", "--ref-format=reftable", "table"]);
        let error = Repo::open(&sample.dir().join("table")).expect_err("reftable");
        assert_eq!(fix_of(&error).as_deref(), Some("git refs migrate --ref-format=files"));
    }

    #[test]
    fn a_repository_without_a_commit_says_how_to_make_one() {
        let sample = Sample::empty();
        let error = sample.repo().head_commit().expect_err("unborn");
        assert_eq!(code_of(&error), Some(Code::NoCommit));
        assert_eq!(fix_of(&error).as_deref(), Some("git commit --allow-empty -m start"));
    }

    #[test]
    fn a_detached_head_is_a_commit_too() {
        let sample = Sample::new();
        sample.git(&["checkout", "-q", "--detach"]);
        assert_eq!(sample.repo().head_commit().expect("head").as_str(), sample.git(&["rev-parse", "HEAD"]));
    }

    #[test]
    fn a_linked_worktree_has_its_own_head_and_knows_the_main_one() {
        let sample = Sample::new();
        let first = sample.git(&["rev-parse", "HEAD"]);
        sample.git(&["worktree", "add", "-q", "--detach", "linked"]);
        sample.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
        let linked = Repo::open(&sample.dir().join("linked/src")).expect("open");
        assert_eq!(linked.head_commit().expect("head").as_str(), first);
        assert_eq!(linked.worktree(), sample.dir().join("linked"));
        assert_eq!(linked.main_worktree().expect("main").as_deref(), Some(sample.dir()));
    }

    #[test]
    fn a_repository_with_sha_256_ids_works() {
        let sample = Sample::empty();
        sample.git(&["init", "-q", "--object-format=sha256", "wide"]);
        let repo = Repo::open(&sample.dir().join("wide")).expect("open");
        let blob = repo.write_blob(b"one\n").expect("blob");
        assert_eq!(blob.as_str(), sample.git(&["-C", "wide", "rev-parse", blob.as_str()]));
        assert!(repo.has(&blob) && !repo.has(&"0".repeat(40).parse().expect("id")));
    }

    #[test]
    fn a_name_that_is_no_commit_is_wrong_usage() {
        let sample = Sample::new();
        assert_eq!(sample.repo().resolve("HEAD").expect("head"), sample.repo().head_commit().expect("head"));
        for rev in ["nothing", "HEAD:src", "", "--all"] {
            assert_eq!(code_of(&sample.repo().resolve(rev).expect_err(rev)), Some(Code::Usage), "{rev}");
        }
    }

    #[test]
    fn a_person_whom_git_does_not_know_learns_the_command() {
        let sample = Sample::new();
        assert_eq!(sample.repo().person().expect("person"), ("Ann".to_owned(), "ann@example.com".to_owned()));
        sample.git(&["config", "--unset", "user.email"]);
        let error = sample.repo().person().expect_err("no address");
        assert_eq!(code_of(&error), Some(Code::Usage));
        assert!(fix_of(&error).expect("fix").starts_with("git config --global user.email"));
    }
}
