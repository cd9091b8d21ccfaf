//! Find every name under which something that is to be hidden could be seen: its own path, the same directory mounted
//! elsewhere, and hard links.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::places::{Kind, Place, cause};
use crate::CannotRun;
use crate::job::Job;

/// What has to be covered inside so that nothing of `hide` is seen.
pub(super) fn places<'a>(job: &Job, asked: &[Place<'a>], tools: &[PathBuf]) -> Result<Vec<Place<'a>>, CannotRun> {
    if job.files.hide.is_empty() {
        return Ok(Vec::new());
    }
    let tool = |dir: &PathBuf| Place { from: dir.clone(), at: dir.clone(), kind: Kind::Ro };
    let asked = asked.iter().map(|p| Place { from: p.from.clone(), at: p.at.clone(), kind: p.kind });
    let named = asked.len();
    let shown: Vec<Place<'a>> = asked.chain(tools.iter().map(tool)).collect();
    let mounts = mounts();
    let mut covers = Vec::new();
    let mut linked = HashSet::new();
    for path in job.files.hide {
        let path = path.canonicalize().map_err(|e| refused(path, &cause(&e)))?;
        for name in names(&path, &mounts) {
            if shown[..named].iter().any(|place| place.from == name) {
                return Err(refused(&path, "it is to be shown and hidden"));
            }
            covers.extend(seen_at(&name, &shown).into_iter().map(|at| cover(&name, at)));
        }
        walk(&path, &mut |_, meta| {
            if meta.nlink() > 1 {
                linked.insert((meta.dev(), meta.ino()));
            }
        })?;
    }
    covers.extend(links(&linked, &shown[..named])?);
    covers.sort_by(|a, b| a.at.cmp(&b.at));
    covers.dedup_by(|a, b| a.at == b.at);
    Ok(covers)
}

fn refused(path: &Path, why: &str) -> CannotRun {
    CannotRun::Refused(format!("'{}' cannot be hidden: {why}", path.display()))
}

fn cover<'a>(from: &Path, at: PathBuf) -> Place<'a> {
    let kind = if from.is_dir() { Kind::NoDir } else { Kind::NoFile };
    Place { from: from.to_owned(), at, kind }
}

/// Where a path outside is seen inside: in the places, and in the system's directories.
fn seen_at(path: &Path, shown: &[Place]) -> Vec<PathBuf> {
    let system = super::system::shows(path).then(|| path.to_owned());
    shown.iter().filter_map(|place| place.inside(path)).chain(system).collect()
}

/// Hard links to any of these in what the job names.
fn links<'a>(linked: &HashSet<Inode>, shown: &[Place<'a>]) -> Result<Vec<Place<'a>>, CannotRun> {
    let mut found = Vec::new();
    if linked.is_empty() {
        return Ok(found);
    }
    for place in shown {
        walk(&place.from, &mut |path, meta| {
            if meta.nlink() > 1 && linked.contains(&(meta.dev(), meta.ino())) {
                found.extend(seen_at(path, shown).into_iter().map(|at| cover(path, at)));
            }
        })?;
    }
    Ok(found)
}

/// What is the same file under whatever name.
type Inode = (u64, u64);

/// Every file below a directory, or the file itself, without following links. What goes away meanwhile is not there.
fn walk(top: &Path, each: &mut dyn FnMut(&Path, &fs::Metadata)) -> Result<(), CannotRun> {
    let mut open = vec![top.to_owned()];
    let mut seen = HashSet::<Inode>::new();
    while let Some(path) = open.pop() {
        let meta = match path.symlink_metadata() {
            Err(gone) if gone.kind() == ErrorKind::NotFound => continue,
            meta => meta.map_err(|e| CannotRun::Refused(format!("'{}': {}", path.display(), cause(&e))))?,
        };
        if !meta.is_dir() {
            each(&path, &meta);
        } else if seen.insert((meta.dev(), meta.ino())) {
            // What cannot be listed here cannot be read by who runs it either.
            open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    Ok(())
}

/// One line of mountinfo: which file system, which of its directories, and where.
struct Mount {
    device: String,
    root: PathBuf,
    at: PathBuf,
}

fn mounts() -> Vec<Mount> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mount = |line: &str| {
        let mut words = line.split(' ').skip(2);
        let (device, root, at) = (words.next()?, words.next()?, words.next()?);
        Some(Mount { device: device.to_owned(), root: unescaped(root), at: unescaped(at) })
    };
    table.lines().filter_map(mount).collect()
}

/// mountinfo writes some characters as three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    PathBuf::from(codes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain)))
}

/// A path and its other names where the same part of a file system is mounted several times.
fn names(path: &Path, mounts: &[Mount]) -> Vec<PathBuf> {
    let mut all = vec![path.to_owned()];
    let own = mounts.iter().rev().filter(|m| path.starts_with(&m.at)).max_by_key(|m| m.at.components().count());
    if let Some((own, below)) = own.and_then(|own| Some((own, path.strip_prefix(&own.at).ok()?))) {
        let there = own.root.join(below);
        let others = mounts.iter().filter(|m| m.device == own.device);
        all.extend(others.filter_map(|m| Some(m.at.join(there.strip_prefix(&m.root).ok()?))));
    }
    all.iter_mut().for_each(|path| *path = path.components().collect());
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_name_for_each_mount_of_its_directory() {
        let mount = |root: &str, at: &str| Mount { device: "8:1".to_owned(), root: root.into(), at: at.into() };
        let other = Mount { device: "8:2".to_owned(), root: "/".into(), at: "/mnt/other".into() };
        let mounts = [mount("/", "/"), mount("/home/me", "/mnt/me"), mount("/srv", "/mnt/srv"), other];
        let names = |path: &str| names(Path::new(path), &mounts);
        assert_eq!(names("/home/me/secret"), ["/home/me/secret", "/mnt/me/secret"].map(PathBuf::from));
        assert_eq!(names("/mnt/me/secret"), ["/home/me/secret", "/mnt/me/secret"].map(PathBuf::from));
        assert_eq!(names("/mnt/me"), ["/home/me", "/mnt/me"].map(PathBuf::from));
        assert_eq!(names("/mnt/other/x"), [PathBuf::from("/mnt/other/x")]);
    }

    #[test]
    fn what_goes_away_during_a_walk_is_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let names = ["a", "b", "c"].map(|name| dir.path().join(name));
        names.iter().for_each(|name| fs::write(name, "").expect("written"));
        let mut met = Vec::new();
        let mut first = |path: &Path, _: &fs::Metadata| {
            met.push(path.to_owned());
            names.iter().filter(|name| *name != path).for_each(|name| fs::remove_file(name).expect("removed"));
        };
        walk(dir.path(), &mut first).expect("it ends");
        assert_eq!(met.len(), 1);
    }

    #[test]
    fn spaces_in_mount_points_are_read() {
        assert_eq!(unescaped("/a\\040b"), PathBuf::from("/a b"));
    }
}
