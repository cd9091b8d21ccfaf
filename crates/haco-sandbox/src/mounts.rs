//! Carry out a planned view inside the new mount namespace. Runs between fork and exec: no memory is asked for.

use std::ffi::CStr;
use std::os::fd::RawFd;

use crate::sys::{self, Done, NODEV, NOSUID, RDONLY};
use crate::view::{NOTHING, Step};

/// Cuts the namespace off from the machine's and carries out every step; `slots` has room for every tree.
pub(crate) fn build(steps: &[Step], slots: &mut [RawFd]) -> Done {
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the path is a constant, and the other arguments may be null when only the propagation changes.
    let private = unsafe { libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), flags, std::ptr::null()) };
    sys::done(private.into())?;
    steps.iter().try_for_each(|step| carry_out(step, slots))
}

fn carry_out(step: &Step, slots: &mut [RawFd]) -> Done {
    match step {
        Step::Grab { path, slot, set } => {
            slots[*slot] = sys::open_tree(path)?;
            sys::mount_setattr(slots[*slot], c"", *set, true)
        }
        Step::Put { slot, at } => sys::move_mount(slots[*slot], at),
        Step::Mount { kind, at, flags, options } => sys::mount(kind, at, *flags, options),
        Step::Hide(at) => if_there(sys::mount(c"tmpfs", at, libc::MS_NOSUID | libc::MS_NODEV, c"mode=755,size=64m")),
        Step::Cover(at) => cover(at),
        Step::Seal { at, set, whole } => if_there(sys::mount_setattr(libc::AT_FDCWD, at, *set, *whole)),
        Step::Dir(at) => {
            // SAFETY: the path outlives the call. That it is there already is as good.
            unsafe { libc::mkdir(at.as_ptr(), 0o755) };
            Ok(())
        }
        Step::File(at) => {
            // SAFETY: the path outlives the call. That it is there already is as good.
            unsafe { libc::mknod(at.as_ptr(), libc::S_IFREG, 0) };
            Ok(())
        }
        Step::Link { target, at } => {
            // SAFETY: both strings outlive the call.
            sys::done(unsafe { libc::symlink(target.as_ptr(), at.as_ptr()) }.into()).map(drop)
        }
    }
}

fn cover(at: &CStr) -> Done {
    let tree = sys::open_tree(NOTHING)?;
    sys::mount_setattr(tree, c"", RDONLY | NOSUID | NODEV, false)?;
    if_there(sys::move_mount(tree, at))
}

/// What is not there need not be hidden.
fn if_there(answer: Done) -> Done {
    match answer {
        Err(libc::ENOENT | libc::ENOTDIR) => Ok(()),
        other => other,
    }
}
