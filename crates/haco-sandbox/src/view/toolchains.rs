//! What a job's `PATH` and the variables of version managers need besides the system's directories.

use std::fs;
use std::path::{Path, PathBuf};

use super::homes::{homes, toolchain};
use super::places::Place;
use super::system;
use crate::env::MANAGERS;
use crate::job::Job;

/// What is shown read-only so that the programs of a `PATH` run.
#[derive(Default)]
pub(super) struct Tools {
    pub(super) dirs: Vec<PathBuf>,
    /// Entries of the `PATH` that are links, with what they lead to.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
}

/// Directories of programs that nobody links out of.
const PLAIN: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
/// As many links out of one directory are followed.
const MOST_LINKS: usize = 300;
/// What lies beside `bin` where something was installed, and not where somebody works.
const INSTALLED: [&str; 5] = ["lib", "lib64", "libexec", "share", "include"];

/// The toolchains of a job. What a place of the job's shows is left to that place.
pub(super) fn of(job: &Job, places: &[Place]) -> Tools {
    let get = |name: &str| job.env.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let mut finder = Finder { homes: homes(), places, tools: Tools::default() };
    finder.entry(Path::new("/bin"));
    get("PATH").split(':').map(Path::new).for_each(|entry| finder.entry(entry));
    for dir in MANAGERS.iter().map(|(name, _)| PathBuf::from(get(name))).filter(|dir| dir.is_absolute()) {
        finder.root(&dir);
    }
    let Tools { mut dirs, mut links } = finder.tools;
    dirs.sort();
    dirs.dedup_by(|later, earlier| later.starts_with(earlier));
    links.retain(|(at, _)| !dirs.iter().any(|dir| at.starts_with(dir)));
    links.sort();
    links.dedup_by(|later, earlier| later.0 == earlier.0);
    Tools { dirs, links }
}

struct Finder<'p, 'a> {
    homes: Vec<PathBuf>,
    places: &'p [Place<'a>],
    tools: Tools,
}

impl Finder<'_, '_> {
    fn entry(&mut self, entry: &Path) {
        let Ok(real) = entry.canonicalize() else { return };
        if !entry.is_absolute() || !real.is_dir() {
            return;
        }
        self.needs(&real);
        if PLAIN.iter().all(|plain| real != Path::new(plain)) {
            let entries = fs::read_dir(&real).into_iter().flatten().flatten();
            let links = entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_symlink())).take(MOST_LINKS);
            let targets: Vec<_> = links.filter_map(|link| link.path().canonicalize().ok()).collect();
            targets.iter().filter_map(|target| target.parent()).for_each(|dir| self.needs(dir));
        }
        if real != entry && !system::shows(entry) && !self.is_shown(entry) {
            self.tools.links.push((entry.to_owned(), real));
        }
    }

    /// The root of a version manager that a variable names.
    fn root(&mut self, dir: &Path) {
        if let Ok(dir) = dir.canonicalize() {
            let at_home = self.homes.iter().any(|home| dir.starts_with(home));
            if at_home { self.needs(&dir.join("bin")) } else { self.add(dir) }
        }
    }

    /// What programs in this directory need; nothing where it is visible anyway.
    fn needs(&mut self, dir: &Path) {
        if system::shows(dir) || self.is_shown(dir) {
            return;
        }
        match self.homes.iter().any(|home| dir.starts_with(home)) {
            true => toolchain(dir, &self.homes).into_iter().for_each(|dir| self.add(dir)),
            false => self.add(installed(dir)),
        }
    }

    fn add(&mut self, dir: PathBuf) {
        let covers = |other: &Path| other.starts_with(&dir);
        let above = self.homes.iter().any(|home| covers(home)) || self.places.iter().any(|place| covers(&place.from));
        if dir.exists() && !above && !is_common(&dir) && !system::shows(&dir) && !self.is_shown(&dir) {
            self.tools.dirs.push(dir);
        }
    }

    fn is_shown(&self, path: &Path) -> bool {
        let tools = self.tools.dirs.iter().any(|dir| path.starts_with(dir));
        tools || self.places.iter().any(|place| path.starts_with(&place.at))
    }
}

/// Whether a directory is everybody's, so that being on the `PATH` says nothing about what lies in it.
fn is_common(dir: &Path) -> bool {
    dir.components().count() <= 2
        || ["/dev", "/proc", "/sys"].iter().any(|kernel| dir.starts_with(kernel))
        || [Path::new("/var/tmp"), Path::new("/var/lib"), Path::new("/var/log")].contains(&dir)
}

/// The directory that something was installed into as a whole, if this is its `bin`.
fn installed(dir: &Path) -> PathBuf {
    if let Some(store) = ["/nix/store", "/gnu/store"].iter().find(|store| dir.starts_with(store)) {
        return PathBuf::from(store);
    }
    let prefix = dir.parent().filter(|_| dir.ends_with("bin") || dir.ends_with("sbin"));
    let whole =
        |prefix: &&Path| !prefix.join(".git").exists() && INSTALLED.iter().any(|name| prefix.join(name).is_dir());
    prefix.filter(whole).unwrap_or(dir).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_everybodys_is_no_toolchain() {
        for dir in ["/", "/tmp", "/opt", "/home", "/var/tmp", "/dev/shm"] {
            assert!(is_common(Path::new(dir)), "{dir}");
        }
        assert!(!is_common(Path::new("/opt/jdk")) && !is_common(Path::new("/nix/store")));
    }

    #[test]
    fn what_was_installed_comes_whole_and_a_checkout_does_not() {
        let top = tempfile::tempdir().expect("a directory");
        let bin = |name: &str, beside: &[&str]| {
            let dir = top.path().join(name);
            beside.iter().chain(&["bin"]).for_each(|below| fs::create_dir_all(dir.join(below)).expect("made"));
            installed(&dir.join("bin")).strip_prefix(top.path()).expect("below").to_owned()
        };
        assert_eq!(bin("jdk", &["lib"]), Path::new("jdk"));
        assert_eq!(bin("app", &["lib", ".git"]), Path::new("app/bin"));
        assert_eq!(bin("scripts", &[]), Path::new("scripts/bin"));
    }
}
