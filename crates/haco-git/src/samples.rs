//! Real repositories in temporary directories for the tests, out of reach of the configuration of whoever runs them.

use crate::repo::Repo;
use haco_core::code::{Code, Failure};
use haco_core::oid::{Blob, Change, Mode};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const ISOLATION: &[(&str, &str)] = &[("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];

pub(crate) struct Sample {
    dir: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Sample {
    /// A repository without a commit.
    pub(crate) fn empty() -> Sample {
        let temporary = tempfile::tempdir().expect("temporary directory");
        let dir = temporary.path().canonicalize().expect("path").join("repo");
        std::fs::create_dir(&dir).expect("directory");
        let sample = Sample { dir, _temporary: temporary };
        sample.git(&["init", "-q", "-b", "main"]);
        sample.git(&["config", "user.name", "Ann"]);
        sample.git(&["config", "user.email", "ann@example.com"]);
        sample
    }

    /// A commit with a file, a program, a file in a directory of its own and a symlink.
    pub(crate) fn new() -> Sample {
        let sample = Sample::empty();
        sample.write("README", "read me\n");
        sample.write("src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n");
        sample.write("docs/deep/page.md", "page\n");
        sample.write("run.sh", "#!/bin/sh\n");
        let run = sample.dir.join("run.sh");
        std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o755)).expect("mode");
        std::os::unix::fs::symlink("src", sample.dir.join("link")).expect("symlink");
        sample.commit_all("first");
        sample
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn repo(&self) -> Repo {
        let mut repo = Repo::open(&self.dir).expect("open");
        for (key, value) in ISOLATION {
            repo.git = repo.git.env(key, value);
        }
        repo
    }

    /// Runs git here and returns its trimmed stdout.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.dir, args)
    }

    pub(crate) fn git_in(&self, dir: &Path, args: &[impl AsRef<OsStr>]) -> String {
        let output =
            Command::new("git").current_dir(dir).envs(ISOLATION.iter().copied()).args(args).output().expect("git");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        std::fs::write(path, text).expect("file");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.dir.join(path)).expect("file")
    }

    pub(crate) fn commit_all(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// A new bare repository beside this one.
    pub(crate) fn bare(&self, name: &str) -> PathBuf {
        let dir = self.dir.parent().expect("parent").join(name);
        self.git(&["init", "-q", "--bare", dir.to_str().expect("utf-8")]);
        dir
    }

    /// Every file below the top, git's own index and HEAD included, with its bytes and mode.
    pub(crate) fn snapshot(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.dir, &mut files);
        for own in [".git/index", ".git/HEAD"] {
            files.push((own.into(), 0, std::fs::read(self.dir.join(own)).unwrap_or_default()));
        }
        files.sort();
        files
    }

    /// The change that puts `new` at `path`, from what HEAD has there; none deletes.
    pub(crate) fn change(&self, path: &str, new: Option<&str>) -> Change {
        let repo = self.repo();
        let tree = repo.head_commit().expect("head");
        let old = repo.blob(&tree, path).expect("old");
        let new = new.map(|text| Blob { oid: repo.write_blob(text.as_bytes()).expect("blob"), mode: Mode::Regular });
        Change { path: path.to_owned(), old, new }
    }
}

fn collect(dir: &Path, files: &mut Vec<(PathBuf, u32, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).expect("directory") {
        let path = entry.expect("entry").path();
        let meta = path.symlink_metadata().expect("metadata");
        let bytes = match () {
            () if path.ends_with(".git") => continue,
            () if meta.is_symlink() => path.read_link().expect("link").into_os_string().into_encoded_bytes(),
            () if meta.is_dir() => {
                collect(&path, files);
                Vec::new()
            }
            () => std::fs::read(&path).expect("file"),
        };
        files.push((path, meta.permissions().mode(), bytes));
    }
}

pub(crate) fn code_of(error: &anyhow::Error) -> Option<Code> {
    error.downcast_ref::<Failure>().map(|failure| failure.code)
}

pub(crate) fn fix_of(error: &anyhow::Error) -> Option<String> {
    error.downcast_ref::<Failure>().and_then(|failure| failure.fix.clone())
}
