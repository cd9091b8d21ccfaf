//! The few system calls that no library here wraps. All of them may be called between fork and exec.

use std::ffi::CStr;
use std::os::fd::RawFd;

/// The number of the last error of this thread.
pub(crate) fn errno() -> i32 {
    // SAFETY: the location is this thread's own and always valid.
    unsafe { *libc::__errno_location() }
}

/// A result of a system call, or the error number.
pub(crate) type Done<T = ()> = Result<T, i32>;

/// Turns minus one into the error number.
pub(crate) fn done(answer: i64) -> Done<i64> {
    if answer < 0 { Err(errno()) } else { Ok(answer) }
}

pub(crate) const RDONLY: u64 = 0x1;
pub(crate) const NOSUID: u64 = 0x2;
pub(crate) const NODEV: u64 = 0x4;

const AT_RECURSIVE: libc::c_int = 0x8000;
const OPEN_TREE_CLONE: libc::c_int = 1;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x4;

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// A detached copy of the mounts at and below a path: it stays when the path is covered.
pub(crate) fn open_tree(path: &CStr) -> Done<RawFd> {
    let flags = OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC;
    // SAFETY: the path is a C string that outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    done(fd).map(|fd| fd as RawFd)
}

/// Puts a detached tree at a path.
pub(crate) fn move_mount(tree: RawFd, to: &CStr) -> Done {
    // SAFETY: both strings outlive the call, and the descriptor is the caller's.
    let answer = unsafe {
        libc::syscall(libc::SYS_move_mount, tree, c"".as_ptr(), libc::AT_FDCWD, to.as_ptr(), MOVE_MOUNT_F_EMPTY_PATH)
    };
    done(answer).map(drop)
}

/// Sets attributes on a mount, or on a whole tree; the path may be empty to mean the descriptor itself.
pub(crate) fn mount_setattr(at: RawFd, path: &CStr, set: u64, whole: bool) -> Done {
    let attr = MountAttr { set, clear: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if whole { AT_RECURSIVE } else { 0 };
    let size = size_of::<MountAttr>();
    // SAFETY: path and structure outlive the call, and the size is the structure's.
    let answer = unsafe { libc::syscall(libc::SYS_mount_setattr, at, path.as_ptr(), flags, &raw const attr, size) };
    done(answer).map(drop)
}

/// Mounts a file system of a kind that needs no source.
pub(crate) fn mount(kind: &CStr, at: &CStr, flags: libc::c_ulong, options: &CStr) -> Done {
    // SAFETY: all strings outlive the call.
    let answer = unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
    done(answer.into()).map(drop)
}

/// Writes all of a few bytes; what does not fit at once is an error.
pub(crate) fn write(fd: RawFd, bytes: &[u8]) -> Done {
    // SAFETY: the slice is valid for its length.
    let wrote = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    match done(wrote as i64)? {
        n if n as usize == bytes.len() => Ok(()),
        _ => Err(libc::EIO),
    }
}

/// `prctl(2)` with up to two arguments.
pub(crate) fn prctl(what: libc::c_int, one: libc::c_ulong, two: libc::c_ulong) -> Done {
    // SAFETY: only options with integer arguments are used here.
    done(unsafe { libc::prctl(what, one, two, 0 as libc::c_ulong, 0 as libc::c_ulong) }.into()).map(drop)
}

/// Closes every descriptor from this one on.
pub(crate) fn close_from(first: RawFd) -> Done {
    // SAFETY: closing is what is wanted; nothing in this process uses those descriptors any more.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first as libc::c_uint, libc::c_uint::MAX, 0) };
    done(answer).map(drop)
}

/// The version of Landlock that the kernel speaks; none where it has none.
pub(crate) fn landlock_version() -> Done<i64> {
    // SAFETY: with this flag the kernel reads no structure.
    done(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, 1u32) })
}
