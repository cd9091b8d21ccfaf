//! Carry out a planned view inside the new mount namespace. Runs between fork and exec: no memory is asked for.

use std::ffi::{CStr, CString};
use std::os::fd::RawFd;

use crate::sys::{self, Done, NODEV, NOEXEC, NOSUID, RDONLY};
use crate::view::{Laid, Step};

/// The descriptor of the tree that was brought.
pub(crate) const TREE: RawFd = 4;

/// Where the new root is put together before it is the root: a directory that every machine has. It is covered there
/// for a moment, and the steps find what was in it below `OLD`.
const BUILD: &CStr = c"/proc";

/// Makes an empty root and carries out every step in it. An error says which step failed, if one did.
pub(crate) fn build(steps: &[Step], root: &CStr) -> Result<(), (Option<usize>, i32)> {
    new_root(root).map_err(|errno| (None, errno))?;
    steps.iter().enumerate().try_for_each(|(n, step)| carry_out(step).map_err(|errno| (Some(n), errno)))
}

/// Cuts the namespace off from the machine's, and changes to a root in memory with these options.
fn new_root(options: &CStr) -> Done {
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the path is a constant, and the other arguments may be null when only the propagation changes.
    let private = unsafe { libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), flags, std::ptr::null()) };
    sys::done(private.into())?;
    sys::mount(c"tmpfs", BUILD, libc::MS_NOSUID | libc::MS_NODEV, options)?;
    // SAFETY: these take constant paths.
    sys::done(unsafe { libc::chdir(BUILD.as_ptr()) }.into())?;
    // SAFETY: as above.
    sys::done(unsafe { libc::mkdir(c".old".as_ptr(), 0o700) }.into())?;
    // SAFETY: as above.
    sys::done(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".old".as_ptr()) })?;
    // SAFETY: as above.
    sys::done(unsafe { libc::chdir(c"/".as_ptr()) }.into()).map(drop)
}

fn carry_out(step: &Step) -> Done {
    match step {
        Step::Bind { from, at, set } => bind(from, at, *set),
        Step::Mount { kind, at, flags, options } => sys::mount(kind, at, *flags, options),
        Step::Cover { at, with } => if_there(bind(with, at, COVER)),
        Step::Seal { at, set } => sys::mount_setattr(libc::AT_FDCWD, at, *set, false),
        Step::Dir { at, mode } => {
            // SAFETY: the path outlives the call. That it is there already is as good.
            unsafe { libc::mkdir(at.as_ptr(), *mode) };
            Ok(())
        }
        Step::File { at, mode, bytes } => if_new(write_new(libc::AT_FDCWD, at, *mode, bytes)),
        Step::Link { target, at } => {
            // SAFETY: both strings outlive the call.
            if_new(sys::done(unsafe { libc::symlink(target.as_ptr(), at.as_ptr()) }.into()).map(drop))
        }
        Step::Lay { top, above, name, change } => lay(top, above, name, change),
        Step::Tree { at } => sys::move_mount(TREE, at),
        Step::Leave => leave(),
    }
}

fn bind(from: &CStr, at: &CStr, set: u64) -> Done {
    let tree = sys::open_tree(from)?;
    let bound = sys::mount_setattr(tree, c"", set, true).and_then(|()| sys::move_mount(tree, at));
    sys::close(tree);
    bound
}

const COVER: u64 = RDONLY | NOSUID | NODEV | NOEXEC;

fn leave() -> Done {
    // SAFETY: the paths are constants.
    sys::done(unsafe { libc::umount2(c"/.old".as_ptr(), libc::MNT_DETACH) }.into())?;
    // SAFETY: as above.
    sys::done(unsafe { libc::rmdir(c"/.old".as_ptr()) }.into()).map(drop)
}

fn write_new(dir: RawFd, at: &CStr, mode: libc::mode_t, bytes: &[u8]) -> Done {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the path outlives the call.
    let fd = sys::done(unsafe { libc::openat(dir, at.as_ptr(), flags, mode) }.into())? as RawFd;
    let written = sys::write_all(fd, bytes);
    sys::close(fd);
    written
}

/// Makes one path below a directory be something else, through no link.
fn lay(top: &CStr, above: &[CString], name: &CStr, change: &Laid) -> Done {
    let mut dir = open_dir(libc::AT_FDCWD, top)?;
    for part in above {
        if !matches!(change, Laid::Gone) {
            // SAFETY: the name outlives the call. That it is there already is as good.
            unsafe { libc::mkdirat(dir, part.as_ptr(), 0o755) };
        }
        let next = open_dir(dir, part);
        sys::close(dir);
        dir = match (next, change) {
            (Err(libc::ENOENT), Laid::Gone) => return Ok(()),
            (next, _) => next?,
        };
    }
    let laid = remove(dir, name).and_then(|()| match change {
        Laid::Gone => Ok(()),
        Laid::File(bytes, mode) => write_new(dir, name, *mode, bytes),
        Laid::Link(target) => {
            // SAFETY: both strings outlive the call.
            sys::done(unsafe { libc::symlinkat(target.as_ptr(), dir, name.as_ptr()) }.into()).map(drop)
        }
    });
    sys::close(dir);
    laid
}

fn open_dir(dir: RawFd, name: &CStr) -> Done<RawFd> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name outlives the call.
    sys::done(unsafe { libc::openat(dir, name.as_ptr(), flags) }.into()).map(|fd| fd as RawFd)
}

/// Removes a file, or an empty directory; that there is none is as good.
fn remove(dir: RawFd, name: &CStr) -> Done {
    // SAFETY: the name outlives the calls.
    let unlink = |flags| sys::done(unsafe { libc::unlinkat(dir, name.as_ptr(), flags) }.into()).map(drop);
    match unlink(0) {
        Err(libc::ENOENT) => Ok(()),
        Err(libc::EISDIR) => unlink(libc::AT_REMOVEDIR),
        other => other,
    }
}

/// What is not there need not be covered.
fn if_there(answer: Done) -> Done {
    match answer {
        Err(libc::ENOENT | libc::ENOTDIR) => Ok(()),
        other => other,
    }
}

/// What is there already need not be made.
fn if_new(answer: Done) -> Done {
    match answer {
        Err(libc::EEXIST) => Ok(()),
        other => other,
    }
}
