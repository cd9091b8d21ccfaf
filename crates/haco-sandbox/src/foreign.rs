//! Take a copy of a tree in which every file is somebody else's, so that even root reads in it what everybody may read.
//!
//! Inside, root still owns what root owns outside. A mount can show files under other owners (mount_setattr(2),
//! `MOUNT_ATTR_IDMAP`): here all get one that nobody is. The kernel takes the new owners from a user namespace, which is
//! made for this by a process that does nothing else.

use std::ffi::{CStr, c_int, c_void};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::sys::{self, Done, MountAttr};

/// No file is this one's: the highest number that an owner may have. It is what root's files would have to be owned by to
/// be root's in the copy.
const NOBODYS: &[u8] = b"4294967294 0 1";

/// A detached copy of the mounts at and below `path`, with these attributes, in which nothing is the caller's. Only root
/// needs one and only root can make one, on file systems that can do it; elsewhere it is an error.
pub(crate) fn tree(path: &CStr, set: u64) -> Done<OwnedFd> {
    let owners = owners()?;
    let tree = owned(sys::open_tree(path)?);
    let attr = MountAttr { set: set | sys::IDMAP, userns_fd: owners.as_raw_fd() as u64, ..MountAttr::default() };
    sys::set_mount(tree.as_raw_fd(), c"", &attr, true)?;
    Ok(tree)
}

/// The user namespace that gives every file to nobody.
fn owners() -> Done<OwnedFd> {
    let mut made: Done<RawFd> = Err(libc::ECHILD);
    // SAFETY: `make` makes system calls and writes `made`.
    let pid = unsafe { sys::sharing(libc::CLONE_NEWUSER | libc::CLONE_FILES, make, (&raw mut made).cast()) }?;
    // SAFETY: no status is asked for.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } < 0 && sys::errno() == libc::EINTR {}
    made.map(owned)
}

extern "C" fn make(answer: *mut c_void) -> c_int {
    let maps = [
        (c"/proc/thread-self/setgroups", &b"deny"[..]),
        (c"/proc/thread-self/gid_map", NOBODYS),
        (c"/proc/thread-self/uid_map", NOBODYS),
    ];
    let mapped = maps.iter().try_for_each(|(file, text)| sys::write_file(file, text));
    let made = mapped.and_then(|()| {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        // SAFETY: the path is a constant.
        sys::done(unsafe { libc::open(c"/proc/thread-self/ns/user".as_ptr(), flags) }.into())
    });
    // SAFETY: it is the place that the waiting thread gave for this, and nobody else looks at it meanwhile.
    unsafe { *answer.cast::<Done<RawFd>>() = made.map(|fd| fd as RawFd) };
    0
}

fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the caller has just made it, and nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
