//! What the working tree holds: at given paths beside HEAD, and where it differs from it. Reads only; putting changes in is
//! `apply`'s. No link is followed on the way to a file.

use crate::repo::Repo;
use crate::tree::{parents, unsafe_path};
use anyhow::{Context, Result, ensure};
use haco_core::code::{Code, Failure};
use haco_core::oid::{Blob, Mode, Oid};
use haco_core::path::RepoPath;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

/// As many paths as every system takes in one command line.
const PATHS_A_RUN: usize = 200;

/// What HEAD and the disk have at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathState {
    /// The path below the top of the working tree.
    pub path: String,
    /// The file in HEAD's tree.
    pub head: Option<Blob>,
    /// The file on the disk, as the blob that `git add` would make of it.
    pub disk: Option<Blob>,
}

/// What stands on the disk at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OnDisk {
    Nothing,
    /// Nothing, as a file stands where a directory would have to.
    BelowFile(String),
    Directory,
    File(Blob),
}

/// Whether hashing a file also stores its blob.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objects {
    HashOnly,
    Write,
}

impl Repo {
    /// What HEAD and the disk have at the paths, without writing anything. A symlink, a directory or a submodule there or
    /// on the way is [`Code::UnsafePath`].
    pub fn worktree_state(&self, paths: &[&str]) -> Result<Vec<PathState>> {
        self.states(paths, Objects::HashOnly)
    }

    /// The same, with the disk's files stored as blobs, so that a change can name them.
    pub fn record_worktree(&self, paths: &[&str]) -> Result<Vec<PathState>> {
        self.states(paths, Objects::Write)
    }

    /// Paths where the working tree or the index differs from HEAD, untracked ones included (a directory without any
    /// tracked file as one path that ends in `/`), `.haco` and ignored files not.
    pub fn dirty_paths(&self) -> Result<Vec<String>> {
        let args = ["status", "--porcelain=v2", "-z", "--untracked-files=normal", "--no-renames"];
        let stdout = self.git.run("status", args)?;
        let paths = stdout.split(|b| *b == 0).filter_map(status_path).map(|p| String::from_utf8_lossy(p).into_owned());
        Ok(paths.filter(|path| path != ".haco" && !path.starts_with(".haco/")).collect())
    }

    fn states(&self, paths: &[&str], objects: Objects) -> Result<Vec<PathState>> {
        let head = self.head_commit()?;
        let disk = self.on_disk(paths, objects)?;
        let state = |(path, disk): (&&str, OnDisk)| {
            let disk = match disk {
                OnDisk::File(blob) => Some(blob),
                OnDisk::Nothing | OnDisk::BelowFile(_) => None,
                OnDisk::Directory => return Err(unsafe_path(path, "it is a directory")),
            };
            let head = self.blob(&head, path)?;
            Ok(PathState { path: (*path).to_owned(), head, disk })
        };
        paths.iter().zip(disk).map(state).collect()
    }

    /// What stands on the disk at each path, in the same order. Files are hashed by git, so that line ends count as
    /// `git add` counts them, but no filter driver runs.
    pub(crate) fn on_disk(&self, paths: &[&str], objects: Objects) -> Result<Vec<OnDisk>> {
        let mut found = paths.iter().map(|path| self.look(path)).collect::<Result<Vec<_>>>()?;
        let files: Vec<usize> = (0..paths.len()).filter(|i| matches!(found[*i], Look::File(_))).collect();
        let mut oids = self.hash_files(&files.iter().map(|i| paths[*i]).collect::<Vec<_>>(), objects)?.into_iter();
        let disk = found.drain(..).map(|look| match look {
            Look::File(mode) => OnDisk::File(Blob { oid: oids.next().expect("one id a file"), mode }),
            Look::Other(other) => other,
        });
        Ok(disk.collect())
    }

    fn look(&self, path: &str) -> Result<Look> {
        path.parse::<RepoPath>().map_err(|message| Failure::new(Code::UnsafePath, message))?;
        for at in parents(path).chain([path]) {
            let full = self.worktree().join(at);
            let meta = match full.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Look::Other(OnDisk::Nothing)),
                meta => meta.with_context(|| format!("cannot look at '{at}'"))?,
            };
            if meta.is_symlink() {
                return Err(unsafe_path(path, &format!("'{at}' is a symlink")));
            } else if meta.is_dir() && full.join(".git").symlink_metadata().is_ok() {
                return Err(unsafe_path(path, &format!("'{at}' is another repository")));
            } else if meta.is_file() && at == path {
                return Ok(Look::File(self.mode(path, meta.permissions().mode())?));
            } else if meta.is_file() {
                return Ok(Look::Other(OnDisk::BelowFile(at.to_owned())));
            } else if !meta.is_dir() {
                return Err(unsafe_path(path, &format!("'{at}' is neither a file nor a directory")));
            }
        }
        Ok(Look::Other(OnDisk::Directory))
    }

    /// The mode that git gives a file: where the file system has no executable bit (`core.fileMode`), that of HEAD.
    fn mode(&self, path: &str, bits: u32) -> Result<Mode> {
        if self.gix.config_snapshot().boolean("core.fileMode") == Some(false) {
            let head = self.blob(&self.head_commit()?, path)?;
            return Ok(head.map_or(Mode::Regular, |blob| blob.mode));
        }
        Ok(if bits & 0o100 == 0 { Mode::Regular } else { Mode::Executable })
    }

    fn hash_files(&self, paths: &[&str], objects: Objects) -> Result<Vec<Oid>> {
        let mut oids = Vec::new();
        if paths.is_empty() {
            return Ok(oids);
        }
        let options = self.git.without_filters()?;
        for paths in paths.chunks(PATHS_A_RUN) {
            let mut args: Vec<&str> = options.iter().map(String::as_str).collect();
            args.push("hash-object");
            args.extend((objects == Objects::Write).then_some("-w"));
            args.push("--");
            args.extend(paths);
            let stdout = String::from_utf8_lossy(&self.git.run("hash-object", args)?).into_owned();
            oids.extend(stdout.lines().map(str::parse).collect::<Result<Vec<Oid>, _>>().map_err(anyhow::Error::msg)?);
        }
        ensure!(oids.len() == paths.len(), "'git hash-object' gave {} ids for {} files", oids.len(), paths.len());
        Ok(oids)
    }
}

enum Look {
    File(Mode),
    Other(OnDisk),
}

/// The path in one record of `git status --porcelain=v2 -z`: what stands behind the fixed fields of its kind.
fn status_path(record: &[u8]) -> Option<&[u8]> {
    let fields = match record.first()? {
        b'1' => 9,
        b'u' => 11,
        b'?' => 2,
        _ => return None,
    };
    record.splitn(fields, |b| *b == b' ').nth(fields - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, code_of};

    #[test]
    fn a_state_says_what_head_and_the_disk_hold() {
        let sample = Sample::new();
        sample.write("src/lib.rs", "changed\n");
        std::fs::remove_file(sample.dir().join("README")).expect("remove");
        sample.write("new", "new\n");
        let states =
            sample.repo().worktree_state(&["src/lib.rs", "README", "new", "run.sh", "no/such"]).expect("state");
        let shown = |blob: &Option<Blob>| blob.as_ref().map(|b| b.oid.as_str().to_owned());
        assert_eq!(shown(&states[0].head).as_deref(), Some(sample.git(&["rev-parse", "HEAD:src/lib.rs"]).as_str()));
        assert_eq!(shown(&states[0].disk).as_deref(), Some(sample.git(&["hash-object", "src/lib.rs"]).as_str()));
        assert!(states[1].head.is_some() && states[1].disk.is_none());
        assert!(states[2].head.is_none() && states[2].disk.is_some());
        assert_eq!(states[3].head, states[3].disk);
        assert_eq!(states[3].disk.as_ref().map(|b| b.mode), Some(Mode::Executable));
        assert!(states[4].head.is_none() && states[4].disk.is_none());
    }

    #[test]
    fn looking_writes_no_object_and_recording_does() {
        let sample = Sample::new();
        sample.write("new", "never seen\n");
        let oid = |states: Vec<PathState>| states[0].disk.clone().expect("disk").oid;
        let looked = oid(sample.repo().worktree_state(&["new"]).expect("state"));
        assert!(!sample.repo().has(&looked));
        assert_eq!(oid(sample.repo().record_worktree(&["new"]).expect("state")), looked);
        assert!(sample.repo().has(&looked));
    }

    #[test]
    fn line_ends_count_as_git_counts_them() {
        let sample = Sample::new();
        sample.write(".gitattributes", "*.txt text eol=crlf\n");
        sample.write("a.txt", "one\r\n");
        sample.commit_all("crlf");
        let states = sample.repo().worktree_state(&["a.txt"]).expect("state");
        assert_eq!(states[0].head, states[0].disk);
    }

    #[test]
    fn links_directories_and_paths_outside_are_refused_by_name() {
        let sample = Sample::new();
        std::os::unix::fs::symlink("README", sample.dir().join("alias")).expect("symlink");
        for (path, what) in [
            ("link", "'link' is a symlink"),
            ("link/lib.rs", "'link' is a symlink"),
            ("alias", "'alias' is a symlink"),
            ("src", "it is a directory"),
            ("../outside", "'.' or '..'"),
        ] {
            let error = sample.repo().worktree_state(&[path]).expect_err(path);
            assert_eq!(code_of(&error), Some(Code::UnsafePath), "{path}");
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn dirty_paths_are_all_but_ours_and_the_ignored() {
        let sample = Sample::new();
        assert!(sample.repo().dirty_paths().expect("paths").is_empty());
        sample.write(".gitignore", "*.log\n");
        sample.write("a.log", "ignored\n");
        sample.write("src/lib.rs", "changed\n");
        sample.write("with space and\nnewline", "new\n");
        sample.write("fresh/a", "new\n");
        sample.write(".haco/config.json", "{}\n");
        sample.git(&["mv", "README", "READ"]);
        let before = sample.snapshot();
        let mut paths = sample.repo().dirty_paths().expect("paths");
        paths.sort();
        assert_eq!(paths, [".gitignore", "READ", "README", "fresh/", "src/lib.rs", "with space and\nnewline"]);
        assert_eq!(sample.snapshot(), before);
    }

    #[test]
    fn a_path_in_conflict_is_dirty() {
        let record = b"u UU N... 100644 100644 100644 100644 aaa bbb ccc src/a b.rs";
        assert_eq!(status_path(record), Some(b"src/a b.rs".as_slice()));
    }
}
