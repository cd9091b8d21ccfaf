//! The few system calls that no library here wraps. All of them may be called between fork and exec.

use std::ffi::CStr;
use std::mem::MaybeUninit;
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
pub(crate) const NOEXEC: u64 = 0x8;

const AT_RECURSIVE: libc::c_int = 0x8000;
const OPEN_TREE_CLONE: libc::c_int = 1;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x4;

/// Show files under the owners that a user namespace gives them.
pub(crate) const IDMAP: u64 = 0x0010_0000;

/// The kernel's `struct mount_attr`.
#[repr(C)]
#[derive(Default)]
pub(crate) struct MountAttr {
    pub(crate) set: u64,
    pub(crate) clear: u64,
    pub(crate) propagation: u64,
    pub(crate) userns_fd: u64,
}

/// A detached copy of the mounts at and below a path that has no link anywhere in it.
pub(crate) fn open_tree(path: &CStr) -> Done<RawFd> {
    let at = open_plain(path)?;
    let flags = OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC | libc::AT_EMPTY_PATH;
    // SAFETY: the path is a C string that outlives the call.
    let tree = done(unsafe { libc::syscall(libc::SYS_open_tree, at, c"".as_ptr(), flags) });
    close(at);
    tree.map(|fd| fd as RawFd)
}

#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// A handle on what a path names, if nothing in the path is a link: who can write above it cannot turn it elsewhere.
fn open_plain(path: &CStr) -> Done<RawFd> {
    let how = OpenHow { flags: (libc::O_PATH | libc::O_CLOEXEC) as u64, mode: 0, resolve: libc::RESOLVE_NO_SYMLINKS };
    let size = size_of::<OpenHow>();
    // SAFETY: path and structure outlive the call, and the size is the structure's.
    let fd = unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path.as_ptr(), &raw const how, size) };
    done(fd).map(|fd| fd as RawFd)
}

/// Memory for the stack of a process that only makes system calls: 64 KiB.
type Stack = [u128; 4 << 10];

/// Runs `act` on `of` as a new process in this one's memory, on a stack of its own, and goes on once that ended or became
/// another program: nothing of the memory is copied. Gives the number of the process.
///
/// # Safety
/// `act` only makes system calls, and writes to nothing but what `of` points to.
pub(crate) unsafe fn sharing(
    flags: libc::c_int,
    act: extern "C" fn(*mut libc::c_void) -> libc::c_int,
    of: *mut libc::c_void,
) -> Done<i32> {
    let mut stack = MaybeUninit::<Stack>::uninit();
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack grows downwards from its end and outlives the call, which comes back when nobody uses it any more.
    let pid = unsafe { libc::clone(act, stack.as_mut_ptr().add(1).cast(), flags, of) };
    done(pid.into()).map(|_| pid)
}

/// Closes a descriptor that was made here.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: the caller made it and does not use it again.
    unsafe { libc::close(fd) };
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
    set_mount(at, path, &MountAttr { set, ..MountAttr::default() }, whole)
}

/// The same with all that can be said of a mount.
pub(crate) fn set_mount(at: RawFd, path: &CStr, attr: &MountAttr, whole: bool) -> Done {
    let flags = libc::AT_EMPTY_PATH | if whole { AT_RECURSIVE } else { 0 };
    let size = size_of::<MountAttr>();
    // SAFETY: path and structure outlive the call, and the size is the structure's.
    let answer =
        unsafe { libc::syscall(libc::SYS_mount_setattr, at, path.as_ptr(), flags, std::ptr::from_ref(attr), size) };
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

/// Writes all of a file's bytes.
pub(crate) fn write_all(fd: RawFd, mut bytes: &[u8]) -> Done {
    while !bytes.is_empty() {
        // SAFETY: the slice is valid for its length.
        let wrote = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        bytes = &bytes[done(wrote as i64)? as usize..];
    }
    Ok(())
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

/// Writes a few bytes to a file that is there.
pub(crate) fn write_file(path: &CStr, text: &[u8]) -> Done {
    // SAFETY: the path outlives the call.
    let fd = done(unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) }.into())? as RawFd;
    let written = write(fd, text);
    close(fd);
    written
}

unsafe extern "C" {
    static environ: *const *mut libc::c_char;
}

/// Overwrites the text of every variable that this process was given. It has one thread, and nobody reads them any more.
pub(crate) fn wipe_environment() {
    // SAFETY: the array ends with a null pointer, and each text with a zero byte; both are this process's own copy.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            libc::memset((*at).cast(), 0, libc::strlen(*at));
            at = at.add(1);
        }
    }
}

/// A descriptor that can be read when a child has ended.
pub(crate) fn signals_of_children() -> Done<RawFd> {
    let only = 1u64 << (libc::SIGCHLD - 1);
    let (how, no_old) = (libc::SIG_BLOCK, std::ptr::null::<u64>());
    // SAFETY: the kernel's set is eight bytes, which `only` holds; no old set is asked for.
    done(unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const only, no_old, 8usize) })?;
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: as above.
    done(unsafe { libc::syscall(libc::SYS_signalfd4, -1, &raw const only, 8usize, flags) }).map(|fd| fd as RawFd)
}

/// Two connected sockets.
pub(crate) fn socket_pair() -> Done<[RawFd; 2]> {
    let mut pair = [-1; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: the pair is valid for writing.
    done(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) }.into()).map(|_| pair)
}

/// Reads what is there and forgets it.
pub(crate) fn drain(fd: RawFd) {
    let mut piece = [0u8; 1024];
    // SAFETY: the buffer is valid for its length.
    while unsafe { libc::read(fd, piece.as_mut_ptr().cast(), piece.len()) } == piece.len() as isize {}
}

/// The version of Landlock that the kernel speaks; none where it has none.
pub(crate) fn landlock_version() -> Done<i64> {
    // SAFETY: with this flag the kernel reads no structure.
    done(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, 1u32) })
}
