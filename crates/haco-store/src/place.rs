//! Where we are: the worktree that we stand in and the main worktree whose `.haco/` all worktrees share. Git is not
//! started; the files read here are those of gitrepository-layout(5).

use crate::Result;
use haco_core::code::{Code, Failure};
use nix::fcntl::OFlag;
use std::{
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A git working tree and the `.haco/` that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The top of the worktree that we stand in.
    pub worktree: PathBuf,
    /// The top of the main worktree; the same where no worktree is linked.
    pub main: PathBuf,
    /// `.haco` of the main worktree, whether it is there or not.
    pub dir: PathBuf,
}

impl Place {
    /// Walks up from `from` to the first git working tree; a submodule is a repository of its own.
    pub fn find(from: &Path) -> Result<Place> {
        let from = fs_err::canonicalize(from).map_err(|e| Failure::new(Code::Io, e.to_string()))?;
        for here in from.ancestors() {
            if let Some(git) = git_dir(here)? {
                let main = main_of(here, &git)?;
                return Ok(Place { worktree: here.to_owned(), dir: main.join(".haco"), main });
            }
            if is_git_dir(here) {
                return Err(no_worktree(here));
            }
        }
        Err(Failure::new(Code::NotARepository, format!("'{}' is not inside a git repository", from.display()))
            .fix("git init"))
    }
}

/// The git directory of the worktree `here`; none where it is no worktree's top.
fn git_dir(here: &Path) -> Result<Option<PathBuf>> {
    let dot = here.join(".git");
    if dot.is_dir() {
        return Ok(dot.join("HEAD").symlink_metadata().is_ok().then_some(dot));
    }
    let Some(text) = small_file(&dot)? else { return Ok(None) };
    let Some(named) = text.strip_prefix("gitdir:").map(str::trim) else {
        return Err(broken(&dot, "it names no git directory"));
    };
    let git = here.join(named);
    match git.join("HEAD").symlink_metadata() {
        Ok(_) => Ok(Some(git)),
        Err(_) => Err(broken(&dot, &format!("the git directory '{named}' that it names is not there"))),
    }
}

/// The main worktree's top for the worktree `here` with the git directory `git`.
fn main_of(here: &Path, git: &Path) -> Result<PathBuf> {
    let Some(common) = small_file(&git.join("commondir"))? else { return Ok(here.to_owned()) };
    let common = git.join(common.trim());
    let common = fs_err::canonicalize(&common).map_err(|e| Failure::new(Code::NotARepository, e.to_string()))?;
    let config = small_file(&common.join("config"))?.unwrap_or_default();
    if core_value(&config, "bare").as_deref() == Some("true") {
        return Err(bare(&common));
    }
    if let Some(top) = core_value(&config, "worktree") {
        return fs_err::canonicalize(common.join(top)).map_err(|e| Failure::new(Code::NotARepository, e.to_string()));
    }
    match (common.file_name(), common.parent()) {
        (Some(name), Some(top)) if name == ".git" => Ok(top.to_owned()),
        _ => Err(bare(&common)),
    }
}

/// The value of `core.<key>` in a git configuration file, as git writes it.
fn core_value(config: &str, key: &str) -> Option<String> {
    let mut in_core = false;
    let mut found = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            in_core = line.eq_ignore_ascii_case("[core]");
        } else if let Some((name, value)) = line.split_once('=')
            && in_core
            && name.trim().eq_ignore_ascii_case(key)
        {
            found = Some(value.trim().trim_matches('"').to_owned());
        }
    }
    found
}

fn is_git_dir(here: &Path) -> bool {
    here.join("HEAD").is_file() && here.join("objects").is_dir() && here.join("refs").is_dir()
}

fn no_worktree(git: &Path) -> Failure {
    match git.file_name() {
        Some(name) if name == ".git" => Failure::new(
            Code::NotARepository,
            format!("'{}' is a git directory, not a working tree: run this in its worktree", git.display()),
        ),
        _ => bare(git),
    }
}

fn bare(git: &Path) -> Failure {
    Failure::new(
        Code::NotARepository,
        format!("'{}' is a bare repository: it has no main worktree that could hold .haco", git.display()),
    )
    .fix(format!("git clone '{}'", git.display()))
}

fn broken(dot: &Path, why: &str) -> Failure {
    Failure::new(Code::NotARepository, format!("cannot use '{}': {why}", dot.display()))
}

/// The text of a small regular file of git's; none where there is none.
fn small_file(path: &Path) -> Result<Option<String>> {
    let mut how = fs_err::OpenOptions::new();
    how.read(true).options_mut().custom_flags(OFlag::O_NONBLOCK.bits());
    let file = match how.open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::new(Code::Io, e.to_string())),
    };
    let regular = file.metadata().is_ok_and(|m| m.is_file());
    let mut text = String::new();
    match regular && file.take(1 << 20).read_to_string(&mut text).is_ok() {
        true => Ok(Some(text)),
        false => Err(broken(path, "it is not a text file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(dir: &Path, args: &[&str]) {
        let ran = Command::new("git")
            .current_dir(dir)
            .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs");
        assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn with_repo() -> (tempfile::TempDir, PathBuf) {
        let held = tempfile::tempdir().expect("temporary directory");
        let top = held.path().canonicalize().expect("is there");
        fs_err::create_dir(top.join("main")).expect("makes");
        git(&top.join("main"), &["init", "-q"]);
        git(&top.join("main"), &["commit", "-q", "--allow-empty", "-m", "first"]);
        (held, top)
    }

    #[test]
    fn a_place_is_found_from_a_directory_below_it() {
        let (_held, top) = with_repo();
        fs_err::create_dir_all(top.join("main/a/b")).expect("makes");
        let place = Place::find(&top.join("main/a/b")).expect("finds");
        let main = top.join("main");
        assert_eq!(place, Place { worktree: main.clone(), dir: main.join(".haco"), main });
    }

    #[test]
    fn a_linked_worktree_uses_the_main_one() {
        let (_held, top) = with_repo();
        git(&top.join("main"), &["worktree", "add", "-q", "../linked"]);
        let place = Place::find(&top.join("linked")).expect("finds");
        assert_eq!((place.worktree, place.main), (top.join("linked"), top.join("main")));
        assert_eq!(place.dir, top.join("main/.haco"));
    }

    #[test]
    fn a_submodule_is_its_own_repository_and_so_are_its_worktrees() {
        let (_held, top) = with_repo();
        git(&top, &["init", "-q", "super"]);
        git(&top.join("super"), &["submodule", "--quiet", "add", "../main", "sub"]);
        let sub = top.join("super/sub");
        let place = Place::find(&sub).expect("finds");
        assert_eq!((&place.worktree, &place.main), (&sub, &sub));
        git(&sub, &["worktree", "add", "-q", "../../elsewhere"]);
        assert_eq!(Place::find(&top.join("elsewhere")).expect("finds").main, sub);
    }

    #[test]
    fn outside_a_repository_the_fix_is_to_make_one() {
        let held = tempfile::tempdir().expect("temporary directory");
        let failure = Place::find(held.path()).expect_err("none");
        assert_eq!((failure.code, failure.fix.as_deref()), (Code::NotARepository, Some("git init")));
        fs_err::create_dir(held.path().join(".git")).expect("makes");
        assert_eq!(Place::find(held.path()).expect_err("an empty .git is none").code, Code::NotARepository);
    }

    #[test]
    fn a_bare_repository_is_refused_with_words_also_from_its_worktrees() {
        let (_held, top) = with_repo();
        git(&top, &["clone", "-q", "--bare", "main", "bare.git"]);
        git(&top.join("bare.git"), &["worktree", "add", "-q", "../linked", "HEAD"]);
        for from in ["bare.git", "bare.git/refs", "linked"] {
            let failure = Place::find(&top.join(from)).expect_err(from);
            assert!(failure.message.contains("is a bare repository"), "{}", failure.message);
        }
        let failure = Place::find(&top.join("main/.git/refs")).expect_err("inside .git");
        assert!(failure.message.contains("is a git directory"), "{}", failure.message);
    }

    #[test]
    fn a_git_file_that_names_nothing_is_said_by_name() {
        let held = tempfile::tempdir().expect("temporary directory");
        for (text, why) in [("gitdir: gone\n", "is not there"), ("hello\n", "names no git directory")] {
            fs_err::write(held.path().join(".git"), text).expect("writes");
            let failure = Place::find(held.path()).expect_err(text);
            assert!(failure.message.contains(".git") && failure.message.contains(why), "{}", failure.message);
        }
    }
}
