//! The first process inside: builds the walls around itself, starts the command, and waits. Its death ends everything.
//!
//! It is a fork of haco that never calls execve, so it closes what haco had open, and nobody inside may look into it.

use std::os::fd::RawFd;

use crate::child::{self, Failed};
use crate::job::Layer;
use crate::mounts;
use crate::prepare::Prepared;
use crate::sys::{self, Done};

/// One message of the report pipe: what it is about, which, and a number.
pub(crate) type Message = [i32; 3];
/// A wall (its place in `Layer::ALL`) failed with this error number.
pub(crate) const WALL: i32 = 1;
/// The directory could not be entered.
pub(crate) const DIR: i32 = 2;
/// The program could not be executed.
pub(crate) const EXEC: i32 = 3;
/// The command is this process.
pub(crate) const STARTED: i32 = 4;
/// The command ended with this status of wait(2).
pub(crate) const ENDED: i32 = 5;

const REPORT: RawFd = 3;

/// The ends of the pipes that belong inside.
pub(crate) struct Ends {
    pub(crate) stdin: RawFd,
    pub(crate) stdout: RawFd,
    pub(crate) stderr: RawFd,
    pub(crate) report: RawFd,
}

/// Lives as the first process inside, and ends.
pub(crate) fn live(prepared: &mut Prepared, ends: &Ends) -> ! {
    let failed = match build(prepared, ends) {
        Err((layer, errno)) => Some(Failed::Wall(layer, errno)),
        Ok(()) => start(prepared),
    };
    if let Some(failed) = failed {
        report_failure(failed);
    }
    // SAFETY: ends this process without running what haco registered for its own exit.
    unsafe { libc::_exit(125) }
}

fn build(prepared: &mut Prepared, ends: &Ends) -> Result<(), (Layer, i32)> {
    let wall = |layer| move |errno| (layer, errno);
    streams(ends).map_err(wall(Layer::Pid))?;
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0).map_err(wall(Layer::Pid))?;
    // Also tells whether haco died before it could be noticed: then nobody reads.
    report([0, 0, 0]).map_err(wall(Layer::Pid))?;
    let has = |layer| prepared.layers.contains(&layer);
    if has(Layer::User) {
        map_user(prepared).map_err(wall(Layer::User))?;
    }
    if has(Layer::Net) {
        loopback().map_err(wall(Layer::Net))?;
    }
    if has(Layer::Uts) {
        let name = b"haco";
        // SAFETY: the name is valid for its length.
        sys::done(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }.into()).map_err(wall(Layer::Uts))?;
    }
    if has(Layer::Mount) {
        mounts::build(&prepared.steps, &mut prepared.slots).map_err(wall(Layer::Mount))?;
    }
    sys::close_from(REPORT + 1).map_err(wall(Layer::Mount))?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0, 0).map_err(wall(Layer::Pid))
}

/// Puts the pipes where they belong and closes all else.
fn streams(ends: &Ends) -> Done {
    for (from, to) in [(ends.stdin, 0), (ends.stdout, 1), (ends.stderr, 2), (ends.report, REPORT)] {
        // SAFETY: the ends were opened above all of the places that are filled here.
        sys::done(unsafe { libc::dup2(from, to) }.into())?;
    }
    // SAFETY: only a flag of a descriptor that was just made.
    sys::done(unsafe { libc::fcntl(REPORT, libc::F_SETFD, libc::FD_CLOEXEC) }.into())?;
    sys::close_from(REPORT + 1)
}

/// The caller stays who it is, and nobody else exists.
fn map_user(prepared: &Prepared) -> Done {
    for (file, text) in [
        (c"/proc/self/setgroups", &b"deny"[..]),
        (c"/proc/self/gid_map", &prepared.gid_map),
        (c"/proc/self/uid_map", &prepared.uid_map),
    ] {
        // SAFETY: the path is a constant.
        let fd = sys::done(unsafe { libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) }.into())? as RawFd;
        sys::write(fd, text)?;
        // SAFETY: it is closed once and not used again.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

fn loopback() -> Done {
    // SAFETY: makes a descriptor of its own.
    let socket = sys::done(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }.into())?;
    // SAFETY: all bytes zero is a valid value of this plain structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the structure is the one that this request takes, and it outlives the call.
    let up = sys::done(unsafe { libc::ioctl(socket as RawFd, libc::SIOCSIFFLAGS as _, &raw const request) }.into());
    // SAFETY: it is closed once and not used again.
    unsafe { libc::close(socket as RawFd) };
    up.map(drop)
}

/// Starts the command, reaps everything, and reports how the command itself ended.
fn start(prepared: &Prepared) -> Option<Failed> {
    // SAFETY: like fork(2) without its handlers, which are not wanted: this process has one thread, and its child goes
    // straight to execve.
    let forked = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    let command = match sys::done(forked) {
        Err(errno) => return Some(Failed::Wall(Layer::Pid, errno)),
        Ok(0) => return Some(child::become_command(prepared)),
        Ok(pid) => pid as i32,
    };
    for fd in 0..REPORT {
        // SAFETY: the streams are the command's alone; nothing here uses them.
        unsafe { libc::close(fd) };
    }
    report([STARTED, 0, command]).ok()?;
    loop {
        let mut status = 0;
        // SAFETY: the status is valid for writing.
        let ended = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        if ended == command {
            report([ENDED, 0, status]).ok();
            return None;
        }
        if ended < 0 && sys::errno() != libc::EINTR {
            return None;
        }
    }
}

fn report_failure(failed: Failed) {
    let message = match failed {
        Failed::Wall(layer, errno) => [WALL, layer as i32, errno],
        Failed::Dir(errno) => [DIR, 0, errno],
        Failed::Exec(errno) => [EXEC, 0, errno],
    };
    // Nobody is left to tell when this fails.
    report(message).ok();
}

fn report(message: Message) -> Done {
    // SAFETY: three numbers are twelve bytes, all of them initialised.
    sys::write(REPORT, unsafe { std::slice::from_raw_parts(message.as_ptr().cast(), size_of::<Message>()) })
}
