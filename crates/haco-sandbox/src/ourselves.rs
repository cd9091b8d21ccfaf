//! Confine this very process, before it reads what a stranger sends: no file, no other process, no socket of its own making.
//!
//! ```text
//! haco ── starts itself again, empty environment, a socket as stdin ──► shed(): closes all else, dies with haco
//!   │ a connected socket, whenever one is asked for                     reads its task, certificates
//!   └──────────────────────────────────────────────────────────────────► confine_ourselves(), and only then a reply
//! ```
//!
//! What is left is memory, time, and reading and writing what is open. Each of the two walls closes the files alone; the
//! filter also closes whatever is no file.

mod filter;

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::{io, process};

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};

use crate::cannot::CannotRun;
use crate::layer::{Layer, OURSELVES};
use crate::{child, hand, sys, walls};

/// Memory of the process, its program included: a reply of 16 MiB with room to understand it.
const MEMORY_BYTES: u64 = 4 << 30;
/// A few connections at a time.
const DESCRIPTORS: u64 = 64;

/// The first thing that a process does which is going to confine itself: it closes what it inherited beyond the three
/// streams, cannot be looked into, leaves no core, and dies when who started it does.
pub fn shed() -> io::Result<()> {
    let failed = io::Error::from_raw_os_error;
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0).map_err(failed)?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0, 0).map_err(failed)?;
    sys::close_from(3).map_err(failed)
}

/// Confines the calling process, which has one thread, for good: from here on it opens no file, starts and reaches no
/// process and makes no socket. Returns the walls that stand; one that cannot be had is [`CannotRun::MissingWall`]
/// unless `allow_weaker` names it.
pub fn confine_ourselves(allow_weaker: &[Layer]) -> Result<Vec<Layer>, CannotRun> {
    let failed = |errno| CannotRun::Io(io::Error::from_raw_os_error(errno));
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0).map_err(failed)?;
    child::drop_capabilities().map_err(failed)?;
    for (what, most) in [
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_FSIZE, 0),
        (libc::RLIMIT_NOFILE, DESCRIPTORS),
        (libc::RLIMIT_AS, MEMORY_BYTES),
    ] {
        child::limit(what, most).map_err(failed)?;
    }
    let mut stand = Vec::new();
    for layer in OURSELVES {
        match build(*layer) {
            Ok(()) => stand.push(*layer),
            Err(_) if allow_weaker.contains(layer) => {}
            Err(cause) => return Err(walls::missing(*layer, &cause)),
        }
    }
    Ok(stand)
}

fn build(layer: Layer) -> Result<(), String> {
    match layer {
        Layer::Landlock => fence().map_err(|error| error.to_string()),
        _ => {
            let program = filter::program(process::id())?;
            child::install(&program).map_err(|errno| io::Error::from_raw_os_error(errno).to_string())
        }
    }
}

/// No file, no TCP of its own and nobody outside, as far as this kernel's Landlock goes; files are in every version.
fn fence() -> io::Result<()> {
    let built = || -> Result<RulesetStatus, landlock::RulesetError> {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V5))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?;
        Ok(ruleset.restrict_self()?.ruleset)
    };
    match built().map_err(io::Error::other)? {
        RulesetStatus::NotEnforced => Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP)),
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Ok(()),
    }
}

/// Sends an open descriptor to the process at the other end of a local socket.
pub fn hand_over(socket: impl AsFd, open: impl AsFd) -> io::Result<()> {
    let (socket, open) = (socket.as_fd().as_raw_fd(), open.as_fd().as_raw_fd());
    hand::send(socket, open).map_err(io::Error::from_raw_os_error)
}

/// Takes the descriptor that [`hand_over`] sends; an error where something else came.
pub fn take_over(socket: impl AsFd) -> io::Result<OwnedFd> {
    let fd = hand::receive(socket.as_fd().as_raw_fd());
    let fd = fd.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no descriptor came"))?;
    // SAFETY: the kernel has just made this descriptor for us, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
