//! What of the system's configuration and of toolchains nobody but its owner is to read.

use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::getuid;

use super::{READABLE, text};
use crate::{foreign, pipes};

/// Hidden whoever runs the command: being in a group must not open them either.
const NAMED: [&str; 10] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
    "/etc/NetworkManager/system-connections",
    "/etc/kubernetes",
    "/etc/wireguard",
];
const CREDENTIALS: [&str; 2] = ["credentials", "credentials.toml"];

/// What configures the system, and who may do what.
pub(super) const CONFIGURATION: &str = "/etc";

/// For root, the configuration with everything in it closed that only its owner may read; none where that cannot be had.
/// Others than root it is closed to anyway.
pub(super) fn closed() -> Option<OwnedFd> {
    let tree = getuid().is_root().then(|| foreign::tree(&text(Path::new(CONFIGURATION)), READABLE).ok()).flatten();
    tree.and_then(|tree| pipes::high(tree).ok())
}

/// The paths to cover; `tools` are the directories of toolchains. Unless the configuration `is_closed`, all of it is looked
/// at for root.
pub(super) fn of(tools: &[PathBuf], is_closed: bool) -> Vec<PathBuf> {
    let tokens = tools.iter().flat_map(|dir| CREDENTIALS.map(|name| dir.join(name)));
    let named = NAMED.iter().map(PathBuf::from).chain(tokens).filter(|path| path.symlink_metadata().is_ok());
    let mut all: Vec<PathBuf> = named.filter_map(|path| path.canonicalize().ok()).collect();
    if getuid().is_root() && !is_closed {
        // Inside, root is still their owner.
        search(Path::new(CONFIGURATION), &mut all);
    }
    all.sort();
    all.dedup();
    all
}

/// Collects what others than owner and group may not read.
fn search(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        // Where a link leads is looked at by itself.
        let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if link {
            continue;
        }
        let Ok(meta) = entry.metadata() else { continue };
        let needed = if meta.is_dir() { 0o005 } else { 0o004 };
        if meta.mode() & needed != needed {
            found.push(entry.path());
        } else if meta.is_dir() {
            search(&entry.path(), found);
        }
    }
}
