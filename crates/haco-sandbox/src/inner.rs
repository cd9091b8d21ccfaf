//! The first process inside: builds the walls around itself, starts the command, and waits. Its death ends everything.
//!
//! It is a fork of haco that never calls execve, so it closes what haco had open, wipes the environment that it was given,
//! and nobody inside may look into it.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, RawFd};

use crate::child::{self, Failed};
use crate::door::{self, Door};
use crate::hand;
use crate::layer::Layer;
use crate::mounts::{self, TREE};
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
/// A step of the view (its place in the plan) failed with this error number.
pub(crate) const STEP: i32 = 6;

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
    let failed = build(prepared, ends).and_then(|()| start(prepared));
    if let Err(failed) = failed {
        report_failure(failed);
    }
    // SAFETY: ends this process without running what haco registered for its own exit.
    unsafe { libc::_exit(125) }
}

fn build(prepared: &mut Prepared, ends: &Ends) -> Result<(), Failed> {
    let wall = |layer| move |errno| Failed::Wall(layer, errno);
    streams(ends, prepared.tree.as_ref().map(AsRawFd::as_raw_fd)).map_err(wall(Layer::Pid))?;
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0).map_err(wall(Layer::Pid))?;
    // Also tells whether haco died before it could be noticed: then nobody reads.
    report([0, 0, 0]).map_err(wall(Layer::Pid))?;
    sys::wipe_environment();
    // SAFETY: touches no memory; the modes of what is made here are meant as they stand.
    unsafe { libc::umask(0) };
    let has = |layer| prepared.layers.contains(&layer);
    if has(Layer::User) {
        map_user(prepared).map_err(wall(Layer::User))?;
    }
    lower(prepared);
    if has(Layer::Net) && prepared.loopback {
        loopback().map_err(wall(Layer::Net))?;
    }
    if has(Layer::Uts) {
        let name = b"haco";
        // SAFETY: the name is valid for its length.
        sys::done(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }.into()).map_err(wall(Layer::Uts))?;
    }
    if has(Layer::Mount) {
        mounts::build(&prepared.steps, &prepared.root).map_err(|failed| match failed {
            (Some(step), errno) => Failed::Step(step, errno),
            (None, errno) => Failed::Wall(Layer::Mount, errno),
        })?;
        door::learn_mounts(&mut prepared.door);
    }
    sys::close_from(REPORT + 1).map_err(wall(Layer::Mount))?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0, 0).map_err(wall(Layer::Pid))
}

/// Second bolts where the kernel has them: as many processes as are allowed whoever runs them, no user namespace in this
/// one, and the first to go when the machine's memory is full. The first bolts are the limits and the filter.
fn lower(prepared: &Prepared) {
    for (file, text) in [
        (c"/proc/sys/kernel/pid_max", prepared.most_processes.as_slice()),
        (c"/proc/sys/user/max_user_namespaces", b"0"),
        (c"/proc/self/oom_score_adj", b"1000"),
    ] {
        sys::write_file(file, text).ok();
    }
}

/// Puts the pipes and the tree where they belong and closes all else.
fn streams(ends: &Ends, tree: Option<RawFd>) -> Done {
    let all = [(ends.stdin, 0), (ends.stdout, 1), (ends.stderr, 2), (ends.report, REPORT)];
    for (from, to) in all.into_iter().chain(tree.map(|tree| (tree, TREE))) {
        // SAFETY: the ends were opened above all of the places that are filled here.
        sys::done(unsafe { libc::dup2(from, to) }.into())?;
    }
    // SAFETY: only a flag of a descriptor that was just made.
    sys::done(unsafe { libc::fcntl(REPORT, libc::F_SETFD, libc::FD_CLOEXEC) }.into())?;
    sys::close_from(TREE + 1)
}

/// The caller stays who it is, and nobody else exists.
fn map_user(prepared: &Prepared) -> Done {
    for (file, text) in [
        (c"/proc/self/setgroups", &b"deny"[..]),
        (c"/proc/self/gid_map", &prepared.gid_map),
        (c"/proc/self/uid_map", &prepared.uid_map),
    ] {
        sys::write_file(file, text)?;
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

/// What becomes the command.
struct Next<'a> {
    prepared: &'a Prepared,
    parent: RawFd,
}

/// Comes back only where the command could not be executed.
extern "C" fn become_command(next: *mut c_void) -> c_int {
    // SAFETY: `start` gives one of these, and waits.
    let next = unsafe { &*next.cast::<Next>() };
    report_failure(child::become_command(next.prepared, next.parent));
    125
}

/// Starts the command, and serves until it ends.
fn start(prepared: &Prepared) -> Result<(), Failed> {
    let wall = |layer| move |errno| Failed::Wall(layer, errno);
    let pair = sys::socket_pair().map_err(wall(Layer::Seccomp))?;
    let children = sys::signals_of_children().map_err(wall(Layer::Pid))?;
    let mut next = Next { prepared, parent: pair[1] };
    // SAFETY: until execve the child only makes system calls on what was prepared.
    let command = unsafe { sys::sharing(0, become_command, (&raw mut next).cast()) }.map_err(wall(Layer::Pid))?;
    // The streams are the command's alone; nothing here uses them.
    (0..REPORT).chain([pair[1]]).for_each(sys::close);
    report([STARTED, 0, command]).map_err(wall(Layer::Pid))?;
    // It fails to come where the command could not start, which was reported.
    let listener = hand::receive(pair[0]);
    sys::close(pair[0]);
    serve(&prepared.door, listener, children, command);
    Ok(())
}

/// Reaps everything, and answers at the door, until the command has ended; then reports how.
fn serve(door: &Door, mut listener: Option<RawFd>, children: RawFd, command: i32) {
    loop {
        let mut fds = [(children, libc::POLLIN), (listener.unwrap_or(-1), libc::POLLIN)]
            .map(|(fd, events)| libc::pollfd { fd, events, revents: 0 });
        // SAFETY: the array is valid for its length.
        if unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) } < 0 && sys::errno() != libc::EINTR {
            return;
        }
        if fds[0].revents != 0 {
            sys::drain(children);
            if let Some(status) = reap(command) {
                report([ENDED, 0, status]).ok();
                return;
            }
        }
        match (listener, fds[1].revents) {
            (Some(fd), events) if events & libc::POLLIN != 0 => door::answer(door, fd),
            // Nobody is behind the filter any more.
            (Some(_), events) if events != 0 => listener = None,
            _ => {}
        }
    }
}

/// Takes leave of everything that has ended; the command's status if it is among them.
fn reap(command: i32) -> Option<i32> {
    let mut found = None;
    loop {
        let mut status = 0;
        // SAFETY: the status is valid for writing.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) } {
            ended if ended == command => found = Some(status),
            ended if ended > 0 => {}
            _ => return found,
        }
    }
}

fn report_failure(failed: Failed) {
    let message = match failed {
        Failed::Wall(layer, errno) => [WALL, layer as i32, errno],
        Failed::Step(step, errno) => [STEP, step as i32, errno],
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
