//! The door that every connect(2) of the command goes through. Runs in the first process inside: no memory is asked for.
//!
//! A socket with a path in the file system can be reached from any network namespace, through read-only mounts and
//! through Landlock. So the filter hands each connect to this process, which looks who listens and then connects for
//! the command, on the command's own socket, to the very file that it looked at. Nothing of the command's is looked at
//! twice, so nothing can be changed in between.
//!
//! ```text
//! command ── connect(fd, address) ──► kernel ── notification ──► first process: copy of the address, copy of the socket
//!    ▲                                                              │ of the command's own making? then connect
//!    └────────────────────────── result ◄───────────────────────────┘
//! ```

use std::ffi::CString;
use std::io::Write;
use std::os::fd::RawFd;

use crate::sys::{self, Done, close};
use crate::who;

/// What the door has to know.
pub(crate) struct Door {
    /// Paths of the mounts on which nobody outside can listen.
    pub(crate) own: Vec<CString>,
    /// The same mounts by number, once they are there.
    pub(crate) own_mounts: Vec<u64>,
    /// Whether the network namespace is the command's own.
    pub(crate) own_net: bool,
}

/// As the kernel has it (linux/seccomp.h).
#[repr(C)]
struct Notification {
    id: u64,
    pid: u32,
    flags: u32,
    nr: i32,
    arch: u32,
    instruction: u64,
    args: [u64; 6],
}

#[repr(C)]
struct Response {
    id: u64,
    val: i64,
    error: i32,
    flags: u32,
}

const RECEIVE: u64 = 0xc050_2100;
const SEND: u64 = 0xc018_2101;
const IS_VALID: u64 = 0x4008_2102;
/// The longest address that a socket takes.
const MOST: usize = size_of::<libc::sockaddr_storage>();

/// Answers one connect. What may take its time is left to a process of its own.
pub(crate) fn answer(door: &Door, listener: RawFd) {
    // SAFETY: all bytes zero is a valid value, and the kernel asks for it.
    let mut asked: Notification = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is the one that this request writes.
    if unsafe { libc::ioctl(listener, RECEIVE as _, &raw mut asked) } < 0 {
        return;
    }
    match Call::of(listener, &asked) {
        Err(errno) => respond(listener, asked.id, errno),
        Ok(call) => {
            // Where there can be no process more, everybody waits.
            let who = if call.waits() { fork() } else { -1 };
            if who <= 0 {
                respond(listener, asked.id, call.connect(door).err().unwrap_or(0));
            }
            close(call.socket);
            if who == 0 {
                // SAFETY: ends the process that was made for this call, without running what haco registered.
                unsafe { libc::_exit(0) };
            }
        }
    }
}

/// Zero in the new process, its number in this one, less where there can be none.
fn fork() -> i64 {
    // SAFETY: like fork(2) without its handlers: this process has one thread and calls nothing that takes a lock.
    unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) }
}

fn respond(listener: RawFd, id: u64, errno: i32) {
    let answer = Response { id, val: 0, error: -errno, flags: 0 };
    // SAFETY: the structure is the one that this request reads. Who asked may be gone.
    unsafe { libc::ioctl(listener, SEND as _, &raw const answer) };
}

/// One connect, with everything copied from who asked.
struct Call {
    thread: u32,
    socket: RawFd,
    address: [u8; MOST],
    len: usize,
}

impl Call {
    fn of(listener: RawFd, asked: &Notification) -> Done<Call> {
        let len = asked.args[2] as u32 as usize;
        if len > MOST {
            return Err(libc::EINVAL);
        }
        let mut address = [0; MOST];
        copy(asked.pid, asked.args[1], &mut address[..len])?;
        let process = who::process(asked.pid)?;
        // SAFETY: both only make descriptors.
        let pidfd = sys::done(unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) })? as RawFd;
        // SAFETY: as above.
        let socket = sys::done(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, asked.args[0] as i32, 0) });
        close(pidfd);
        let socket = socket? as RawFd;
        let call = Call { thread: asked.pid, socket, address, len };
        // SAFETY: the number outlives the call. The thread that asked is still the one that everything came from.
        sys::done(unsafe { libc::ioctl(listener, IS_VALID as _, &raw const asked.id) }.into())
            .map(|_| call)
            .inspect_err(|_| close(socket))
    }

    /// Whether connecting may take its time.
    fn waits(&self) -> bool {
        // SAFETY: only reads a flag.
        unsafe { libc::fcntl(self.socket, libc::F_GETFL) & libc::O_NONBLOCK == 0 }
    }

    fn connect(&self, door: &Door) -> Done {
        let mut domain: libc::c_int = 0;
        let mut size = size_of::<libc::c_int>() as libc::socklen_t;
        let (level, what) = (libc::SOL_SOCKET, libc::SO_DOMAIN);
        // SAFETY: number and size are valid for writing.
        let asked = unsafe { libc::getsockopt(self.socket, level, what, (&raw mut domain).cast(), &raw mut size) };
        sys::done(asked.into())?;
        match domain {
            libc::AF_INET | libc::AF_INET6 => self.go(&self.address[..self.len]),
            libc::AF_UNIX => self.local(door),
            _ => Err(libc::EPERM),
        }
    }

    fn go(&self, address: &[u8]) -> Done {
        // SAFETY: the address is valid for its length.
        sys::done(unsafe { libc::connect(self.socket, address.as_ptr().cast(), address.len() as u32) }.into()).map(drop)
    }

    fn local(&self, door: &Door) -> Done {
        let begins = size_of::<libc::sa_family_t>();
        let path = &self.address[begins.min(self.len)..self.len];
        match path.first() {
            // A name in the network namespace, and so of this one only if that is.
            None | Some(0) if door.own_net => return self.go(&self.address[..self.len]),
            None | Some(0) => return Err(libc::EPERM),
            Some(_) => {}
        }
        let mut text = [0; MOST];
        let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
        text[..end].copy_from_slice(&path[..end]);
        let file = self.open(&text)?;
        let connected = if is_own(file, door) { self.go(&address_of(file)) } else { Err(libc::EACCES) };
        close(file);
        connected
    }

    /// The file that a path means to who asked.
    fn open(&self, path: &[u8; MOST]) -> Done<RawFd> {
        let mut name = [0; 32];
        write!(&mut name[..], "/proc/{}/cwd\0", self.thread).map_err(|_| libc::EINVAL)?;
        // SAFETY: both names end with a zero byte: the first was written so, and the second is shorter than its room.
        let dir = sys::done(unsafe { libc::open(name.as_ptr().cast(), libc::O_PATH | libc::O_CLOEXEC) }.into())?;
        // SAFETY: as above.
        let file = unsafe { libc::openat(dir as RawFd, path.as_ptr().cast(), libc::O_PATH | libc::O_CLOEXEC) };
        let file = sys::done(file.into());
        close(dir as RawFd);
        file.map(|fd| fd as RawFd)
    }
}

/// An address that means a file that is open here, whatever its path means by now.
fn address_of(file: RawFd) -> [u8; 32] {
    let mut address = [0; 32];
    address[..2].copy_from_slice(&(libc::AF_UNIX as libc::sa_family_t).to_ne_bytes());
    // What fits, and it does: the longest descriptor has ten digits.
    let _ = write!(&mut address[2..], "/proc/self/fd/{file}\0");
    address
}

/// Whether only the command can listen at this file: it lies in memory of its own, or its own namespace has the socket.
fn is_own(file: RawFd, door: &Door) -> bool {
    let Ok(found) = who::stat(file, c"") else { return false };
    if found.stx_mode & libc::S_IFMT as u16 != libc::S_IFSOCK as u16 {
        return false;
    }
    door.own_mounts.contains(&found.stx_mnt_id) || door.own_net && who::listens_here(&found)
}

/// Finds out the numbers of the mounts, as soon as they are there.
pub(crate) fn learn_mounts(door: &mut Door) {
    for (path, number) in door.own.iter().zip(&mut door.own_mounts) {
        *number = who::stat(libc::AT_FDCWD, path.as_c_str()).map_or(u64::MAX, |found| found.stx_mnt_id);
    }
}

fn copy(thread: u32, from: u64, to: &mut [u8]) -> Done {
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote = libc::iovec { iov_base: from as *mut libc::c_void, iov_len: to.len() };
    // SAFETY: the local buffer is valid for its length; the remote one is the kernel's to check.
    let read = unsafe { libc::process_vm_readv(thread as i32, &raw const local, 1, &raw const remote, 1, 0) };
    match sys::done(read as i64)? {
        n if n as usize == to.len() => Ok(()),
        _ => Err(libc::EFAULT),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_requests_are_those_of_the_kernels_header() {
        let request =
            |direction: u64, size: usize, number: u64| direction << 30 | (size as u64) << 16 | 0x2100 | number;
        assert_eq!(RECEIVE, request(3, size_of::<Notification>(), 0));
        assert_eq!(SEND, request(3, size_of::<Response>(), 1));
        assert_eq!(IS_VALID, request(1, size_of::<u64>(), 2));
    }

    #[test]
    fn a_file_has_an_address_without_its_path() {
        let address = address_of(7);
        let path = CStr::from_bytes_until_nul(&address[2..]).expect("it ends");
        assert_eq!(path, c"/proc/self/fd/7");
    }
}
