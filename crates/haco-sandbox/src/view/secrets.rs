//! What of the system's configuration and of toolchains nobody but its owner is to read.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::getuid;

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

/// The paths to cover; `tools` are the directories of toolchains.
pub(super) fn of(tools: &[PathBuf]) -> Vec<PathBuf> {
    let tokens = tools.iter().flat_map(|dir| CREDENTIALS.map(|name| dir.join(name)));
    let named = NAMED.iter().map(PathBuf::from).chain(tokens).filter(|path| path.symlink_metadata().is_ok());
    let mut all: Vec<PathBuf> = named.filter_map(|path| path.canonicalize().ok()).collect();
    if getuid().is_root() {
        // Inside, root is still their owner.
        closed(Path::new("/etc"), &mut all);
    }
    all.sort();
    all.dedup();
    all
}

/// Collects what others than owner and group may not read.
fn closed(dir: &Path, found: &mut Vec<PathBuf>) {
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
            closed(&entry.path(), found);
        }
    }
}
