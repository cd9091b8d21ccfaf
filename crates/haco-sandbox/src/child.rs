//! The command's own last steps before execve, each giving something up. Runs between fork and exec: no memory is asked for.

use std::ffi::CStr;
use std::os::fd::RawFd;

use crate::hand;
use crate::layer::Layer;
use crate::prepare::{Fence, Prepared};
use crate::sys::{self, Done};

/// What went wrong on the way to execve.
pub(crate) enum Failed {
    /// A wall could not be built.
    Wall(Layer, i32),
    /// A step of the view could not be carried out.
    Step(usize, i32),
    /// The directory to start in could not be entered.
    Dir(i32),
    /// The program could not be executed.
    Exec(i32),
}

/// Becomes the command; comes back only with what went wrong.
/// `parent` is a socket that the listener of the filter goes to.
pub(crate) fn become_command(prepared: &Prepared, parent: RawFd) -> Failed {
    match confine(prepared, parent) {
        Err(failed) => failed,
        Ok(()) => {
            let (argv, envp) = (prepared.argv.pointers.as_ptr(), prepared.envp.pointers.as_ptr());
            let mut found = libc::ENOENT;
            for program in &prepared.programs {
                // SAFETY: both arrays end with a null pointer, and `prepared` owns the strings that they point to.
                unsafe { libc::execve(program.as_ptr(), argv, envp) };
                match sys::errno() {
                    libc::ENOENT | libc::ENOTDIR => {}
                    // Another of the same name may do.
                    libc::EACCES => found = libc::EACCES,
                    errno => return Failed::Exec(errno),
                }
            }
            Failed::Exec(found)
        }
    }
}

fn confine(prepared: &Prepared, parent: RawFd) -> Result<(), Failed> {
    let has = |layer| prepared.layers.contains(&layer);
    let wall = |layer| move |errno| Failed::Wall(layer, errno);
    // SAFETY: neither call touches memory; a new session has no terminal to push characters into.
    unsafe { (libc::setsid(), libc::umask(0o022)) };
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0).map_err(wall(Layer::Pid))?;
    // SAFETY: the path outlives the call.
    sys::done(unsafe { libc::chdir(prepared.dir.as_ptr()) }.into()).map_err(Failed::Dir)?;
    prepared.limits.iter().try_for_each(|(what, most)| limit(*what, *most)).map_err(wall(Layer::Limits))?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0).map_err(wall(Layer::User))?;
    drop_capabilities().map_err(wall(Layer::User))?;
    if has(Layer::Landlock) {
        fence(&prepared.fence).map_err(wall(Layer::Landlock))?;
    }
    default_signals();
    if has(Layer::Seccomp) {
        filter(&prepared.filter).and_then(|listener| hand::send(parent, listener)).map_err(wall(Layer::Seccomp))?;
    }
    Ok(())
}

/// Lowers a limit; never raises one.
pub(crate) fn limit(what: u32, most: u64) -> Done {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid for writing.
    sys::done(unsafe { libc::getrlimit(what, &raw mut now) }.into())?;
    let most = most.min(now.rlim_max);
    let new = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the structure is valid for reading.
    sys::done(unsafe { libc::setrlimit(what, &raw const new) }.into()).map(drop)
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: libc::c_int,
}

/// Empties the bounding set, so that being root gives nothing at execve, and then the sets of this process.
pub(crate) fn drop_capabilities() -> Done {
    for capability in 0..64 {
        match sys::prctl(libc::PR_CAPBSET_DROP, capability, 0) {
            Err(libc::EINVAL) => break,
            // Who may not drop one has none to pass on.
            Err(libc::EPERM) | Ok(()) => {}
            Err(errno) => return Err(errno),
        }
    }
    let header = CapHeader { version: 0x2008_0522, pid: 0 };
    let none = [0u32; 6];
    // SAFETY: version 3 of the header takes two triples of 32-bit sets, which `none` holds.
    sys::done(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) }).map(drop)
}

#[repr(C)]
struct RulesetAttr {
    fs: u64,
    net: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: RawFd,
}

/// Forbids writing but below some paths and, where the kernel can, reaching sockets and processes outside.
fn fence(fence: &Fence) -> Done {
    let (size, scoped) = match fence.version {
        ..=0 => return Err(libc::EOPNOTSUPP),
        1..=3 => (8usize, 0),
        4..=5 => (16, 0),
        _ => (24, 3),
    };
    let attr = RulesetAttr { fs: fence.writes, net: 0, scoped };
    // SAFETY: the structure is at least as large as the size that is passed.
    let ruleset =
        sys::done(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attr, size, 0u32) })? as RawFd;
    for path in &fence.below {
        allow(ruleset, path, fence)?;
    }
    // SAFETY: the descriptor was made above.
    sys::done(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0u32) })?;
    // SAFETY: it is closed once and not used again.
    unsafe { libc::close(ruleset) };
    Ok(())
}

fn allow(ruleset: RawFd, path: &CStr, fence: &Fence) -> Done {
    // SAFETY: the path outlives the call.
    let parent = sys::done(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }.into())? as RawFd;
    let add = |allowed| {
        let rule = PathBeneath { allowed, parent };
        // SAFETY: one is the kind of rule that this structure is, and it outlives the call.
        sys::done(unsafe { libc::syscall(libc::SYS_landlock_add_rule, ruleset, 1u32, &raw const rule, 0u32) })
    };
    let added = add(fence.writes).or_else(|_| add(fence.writes_to_a_file));
    // SAFETY: it is closed once and not used again.
    unsafe { libc::close(parent) };
    added.map(drop)
}

/// Undoes what the caller ignored or blocked, which execve would pass on.
fn default_signals() {
    for signal in 1..=64 {
        // SAFETY: the default action runs no code of ours; signals that cannot be set are refused without harm.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let none = 0u64;
    let (how, no_old) = (libc::SIG_SETMASK, std::ptr::null::<u64>());
    // SAFETY: the kernel's set is eight bytes, which `none` holds; no old set is asked for.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const none, no_old, 8usize) };
}

/// Installs the filter; the descriptor is where its questions are answered.
fn filter(program: &[libc::sock_filter]) -> Done<RawFd> {
    let whole = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: the program outlives the call, and its length is its own.
    sys::done(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const whole) }).map(|fd| fd as RawFd)
}

/// Installs a filter that asks nobody, for every thread of this process.
pub(crate) fn install(program: &[libc::sock_filter]) -> Done {
    let whole = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
    // SAFETY: the program outlives the call, and its length is its own.
    match sys::done(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const whole) })? {
        0 => Ok(()),
        // The thread that could not be taken along.
        _ => Err(libc::EBUSY),
    }
}
