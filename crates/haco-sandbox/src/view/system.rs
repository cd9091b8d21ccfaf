//! Which directories of the machine every command sees.

use std::fs;
use std::path::{Path, PathBuf};

/// Programs, libraries and their configuration.
const SYSTEM: [&str; 9] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libexec", "/etc"];

/// Directories, and links with their targets.
pub(super) fn entries() -> (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>) {
    let (mut dirs, mut links) = (Vec::new(), Vec::new());
    for path in SYSTEM.map(PathBuf::from) {
        match fs::read_link(&path) {
            Ok(target) => links.push((path, target)),
            Err(_) if path.is_dir() => dirs.push(path),
            Err(_) => {}
        }
    }
    (dirs, links)
}

/// Whether a path without links lies in what every command sees.
pub(super) fn shows(path: &Path) -> bool {
    SYSTEM.iter().any(|dir| path.starts_with(dir))
}

/// The file that tells where names are looked up, if it is one that commands do not see anyway.
pub(super) fn resolver() -> Option<PathBuf> {
    Path::new("/etc/resolv.conf").canonicalize().ok().filter(|path| !shows(path))
}
