//! Who a thread belongs to, what a file is, and whether somebody in this network namespace listens there. Runs in the
//! first process inside: no memory is asked for.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::RawFd;

use crate::sys::{self, Done, close};

/// The process of a thread.
pub(crate) fn process(thread: u32) -> Done<i32> {
    let mut name = [0; 32];
    write!(&mut name[..], "/proc/{thread}/status\0").map_err(|_| libc::EINVAL)?;
    // SAFETY: the name was written with a zero byte at its end.
    let fd = sys::done(unsafe { libc::open(name.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC) }.into())? as RawFd;
    let mut text = [0; 1024];
    // SAFETY: the buffer is valid for its length.
    let read = sys::done(unsafe { libc::read(fd, text.as_mut_ptr().cast(), text.len()) } as i64);
    close(fd);
    after(&text[..read? as usize], b"\nTgid:\t").ok_or(libc::ESRCH)
}

/// The number behind a label.
fn after(text: &[u8], label: &[u8]) -> Option<i32> {
    let at = text.windows(label.len()).position(|window| window == label)? + label.len();
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number, digit| Some(number.unwrap_or(0) * 10 + i32::from(digit - b'0')))
}

/// What a file is; without a path, the descriptor's own.
pub(crate) fn stat(at: RawFd, path: &CStr) -> Done<libc::statx> {
    // SAFETY: all bytes zero is a valid value of this plain structure.
    let mut found: libc::statx = unsafe { std::mem::zeroed() };
    let flags = libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW;
    let what = libc::STATX_TYPE | libc::STATX_INO | libc::STATX_MNT_ID;
    // SAFETY: the path outlives the call, and the structure is valid for writing.
    sys::done(unsafe { libc::statx(at, path.as_ptr(), flags, what, &raw mut found) }.into()).map(|_| found)
}

/// Header and question of `NETLINK_SOCK_DIAG` for sockets in the file system (linux/unix_diag.h).
#[repr(C)]
struct Question {
    len: u32,
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
    family: u8,
    protocol: u8,
    pad: u16,
    states: u32,
    inode: u32,
    show: u32,
    cookie: [u32; 2],
}

const BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x301;
const SHOW_FILE: u32 = 2;
const HEADER: usize = 16;
const SOCKET: usize = 16;
const FILE: u16 = 1;

/// Whether a socket of this network namespace is bound to the file.
pub(crate) fn listens_here(file: &libc::statx) -> bool {
    // The kernel keeps the major number above twenty bits of the minor one, and tells the lower half of the inode's.
    let device = file.stx_dev_major << 20 | file.stx_dev_minor;
    let wanted = (file.stx_ino as u32, device);
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: only makes a descriptor.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) };
    let found = sys::done(socket.into()).and_then(|fd| ask(fd as RawFd, wanted));
    close(socket);
    found.unwrap_or(false)
}

fn ask(socket: RawFd, wanted: (u32, u32)) -> Done<bool> {
    let question = Question {
        len: size_of::<Question>() as u32,
        kind: BY_FAMILY,
        flags: REQUEST_DUMP,
        sequence: 1,
        port: 0,
        family: libc::AF_UNIX as u8,
        protocol: 0,
        pad: 0,
        states: u32::MAX,
        inode: u32::MAX,
        show: SHOW_FILE,
        cookie: [u32::MAX; 2],
    };
    // SAFETY: the question is valid for its length.
    sys::done(unsafe { libc::send(socket, (&raw const question).cast(), size_of::<Question>(), 0) } as i64)?;
    let mut answers = [0; 32 << 10];
    loop {
        // SAFETY: the buffer is valid for its length.
        let read = sys::done(unsafe { libc::recv(socket, answers.as_mut_ptr().cast(), answers.len(), 0) } as i64)?;
        match judge(&answers[..read as usize], wanted) {
            Some(found) => return Ok(found),
            None if read == 0 => return Ok(false),
            None => {}
        }
    }
}

/// Whether the file is among these answers; none where more may come.
fn judge(mut answers: &[u8], wanted: (u32, u32)) -> Option<bool> {
    while answers.len() >= HEADER {
        let (len, kind) = (number(answers, 0)? as usize, short(answers, 4)?);
        if kind != BY_FAMILY || len < HEADER || len > answers.len() {
            return Some(false);
        }
        if is_bound(answers.get(HEADER + SOCKET..len)?, wanted) {
            return Some(true);
        }
        answers = &answers[len.next_multiple_of(4).min(answers.len())..];
    }
    None
}

fn is_bound(mut attributes: &[u8], wanted: (u32, u32)) -> bool {
    while let (Some(len), Some(kind)) = (short(attributes, 0), short(attributes, 2)) {
        if kind == FILE && (number(attributes, 4), number(attributes, 8)) == (Some(wanted.0), Some(wanted.1)) {
            return true;
        }
        let next = usize::from(len).next_multiple_of(4).max(4);
        attributes = attributes.get(next..).unwrap_or_default();
    }
    false
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_file_that_somebody_listens_at_is_told_from_one_where_nobody_does() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("s");
        let listener = UnixListener::bind(&path).expect("bound");
        let handle = std::fs::File::open(dir.path()).expect("opened");
        let found = |name: &CStr| stat(handle.as_raw_fd(), name).expect("it is there");
        assert!(listens_here(&found(c"s")));
        drop(listener);
        assert!(!listens_here(&found(c"s")));
    }

    #[test]
    fn a_thread_has_a_process() {
        let thread = nix::unistd::gettid().as_raw() as u32;
        assert_eq!(process(thread), Ok(std::process::id() as i32));
    }
}
