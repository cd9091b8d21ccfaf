//! Start a job behind every wall that can be had, and say how it ended or which wall is missing.

use std::io;

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::cannot::CannotRun;
use crate::inner::{self, DIR, EXEC, Message, STEP, WALL};
use crate::job::{End, Ended, Job, LimitKind, Program};
use crate::layer::Layer;
use crate::pipes;
use crate::prepare::{self, Prepared};
use crate::walls;
use crate::watch::{self, Watched};

/// Runs one command confined and bounded, and comes back when nothing of it is left.
///
/// A wall that cannot be had is [`CannotRun::MissingWall`], unless the job names it in `allow_weaker`; then
/// [`Ended::layers`] is without it. The calling thread has to live as long as the command: its death ends the command.
pub fn run(job: &Job) -> Result<Ended, CannotRun> {
    attempts(job).0
}

/// Runs a job, trying again without each wall that may be missing; also says which were, and why.
pub(crate) fn attempts(job: &Job) -> (Result<Ended, CannotRun>, Vec<(Layer, String)>) {
    let mut layers = prepare::wanted(job);
    let mut gone = Vec::new();
    loop {
        match once(job, &layers) {
            Err(CannotRun::MissingWall { layer, cause, .. })
                if layers.contains(&layer) && job.allow_weaker.contains(&layer) =>
            {
                layers.retain(|known| *known != layer);
                gone.push((layer, cause));
            }
            other => return (other, gone),
        }
    }
}

fn once(job: &Job, layers: &[Layer]) -> Result<Ended, CannotRun> {
    let mut prepared = prepare::prepare(job, layers)?;
    let (outer, inside) = pipes::make()?;
    let first = start(&mut prepared, &inside.ends())?;
    drop(inside);
    let watched = watch::watch(first, outer, job, layers.contains(&Layer::Pid))?;
    if let Some(failure) = watched.failure {
        return Err(cannot(job, &prepared, failure));
    }
    Ok(ended(watched, layers))
}

/// Forks into the new namespaces.
fn start(prepared: &mut Prepared, ends: &inner::Ends) -> Result<Pid, CannotRun> {
    let flags = prepared.namespaces;
    // SAFETY: without a stack this is fork(2). The child has one thread and calls nothing that takes a lock or asks for
    // memory: it only makes system calls on what was prepared.
    match unsafe { libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) } {
        0 => inner::live(prepared, ends),
        -1 => Err(blame(&prepared.layers, Errno::last())),
        pid => Ok(Pid::from_raw(pid as i32)),
    }
}

/// Finds out which namespace it was that could not be had.
fn blame(layers: &[Layer], errno: Errno) -> CannotRun {
    let base = if layers.contains(&Layer::User) { libc::CLONE_NEWUSER } else { 0 };
    let own = layers.iter().copied().filter(|layer| prepare::namespace(*layer) != 0);
    for layer in own {
        if let Err(errno) = try_namespace(base | prepare::namespace(layer)) {
            return walls::missing(layer, errno.desc());
        }
    }
    CannotRun::Io(io::Error::from(errno))
}

fn try_namespace(flags: libc::c_int) -> Result<(), Errno> {
    // SAFETY: without a stack this is fork(2), and the child ends at once.
    match unsafe { libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) } {
        // SAFETY: ends the child without running what haco registered for its own exit.
        0 => unsafe { libc::_exit(0) },
        -1 => Err(Errno::last()),
        pid => {
            waitpid(Pid::from_raw(pid as i32), None).ok();
            Ok(())
        }
    }
}

fn cannot(job: &Job, prepared: &Prepared, [what, which, errno]: Message) -> CannotRun {
    let error = io::Error::from_raw_os_error(errno);
    let name = match job.program {
        Program::Shell(_) => "/bin/sh".to_owned(),
        Program::Argv(argv) => argv.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
    };
    match (what, errno) {
        (WALL, _) => {
            let layer = Layer::ALL.get(which as usize).copied().unwrap_or(Layer::User);
            walls::missing(layer, Errno::from_raw(errno).desc())
        }
        (STEP, _) => match prepared.steps.get(which as usize) {
            Some(step) => step.cannot(Errno::from_raw(errno).desc()),
            None => CannotRun::Io(error),
        },
        (EXEC, libc::ENOENT | libc::ENOTDIR) => CannotRun::NotFound(name),
        (EXEC, libc::EACCES | libc::ENOEXEC) => CannotRun::NotExecutable(name),
        (DIR, _) => CannotRun::Io(io::Error::new(error.kind(), format!("'{}': {error}", job.dir.display()))),
        _ => CannotRun::Io(error),
    }
}

fn ended(watched: Watched, layers: &[Layer]) -> Ended {
    let by_itself = match watched.status {
        Some(status) if libc::WIFEXITED(status) => End::Exited(libc::WEXITSTATUS(status)),
        Some(status) if libc::WTERMSIG(status) == libc::SIGXFSZ => End::Limit(LimitKind::FileSize),
        Some(status) => End::Signalled(libc::WTERMSIG(status)),
        None => End::Signalled(libc::SIGKILL),
    };
    Ended {
        // What had ended before the kill reached it ended by itself.
        end: watched.status.map(|_| by_itself).or(watched.killed).unwrap_or(by_itself),
        stdout: watched.stdout,
        stderr: watched.stderr,
        wall: watched.wall,
        cpu: watched.cpu,
        max_rss: watched.max_rss,
        layers: layers.to_vec(),
    }
}
