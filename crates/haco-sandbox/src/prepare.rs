//! Everything that the new process needs, made before it exists: between fork and exec nothing may ask for memory.

use std::ffi::{CString, c_char};
use std::os::fd::RawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use landlock::{ABI, AccessFs};
use nix::unistd::{getgid, getuid};

use crate::job::{CannotRun, Job, Layer, Limits, Net, Program};
use crate::view::{self, Step};
use crate::{filter, sys, walls};

/// What Landlock forbids, and below what it does not.
pub(crate) struct Fence {
    pub(crate) version: i64,
    pub(crate) writes: u64,
    pub(crate) writes_to_a_file: u64,
    pub(crate) below: Vec<CString>,
}

/// A job as bytes and numbers.
pub(crate) struct Prepared {
    pub(crate) namespaces: libc::c_int,
    pub(crate) layers: Vec<Layer>,
    pub(crate) uid_map: Vec<u8>,
    pub(crate) gid_map: Vec<u8>,
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: Vec<RawFd>,
    pub(crate) limits: Vec<(u32, u64)>,
    pub(crate) fence: Fence,
    pub(crate) filter: Vec<libc::sock_filter>,
    pub(crate) dir: CString,
    pub(crate) program: CString,
    pub(crate) argv: Strings,
    pub(crate) envp: Strings,
}

/// Strings with the null-terminated array of pointers that execve wants.
pub(crate) struct Strings {
    /// Owns what `pointers` points to.
    _strings: Vec<CString>,
    pub(crate) pointers: Vec<*const c_char>,
}

impl Strings {
    fn new(strings: Vec<CString>) -> Strings {
        let pointers = strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect();
        Strings { _strings: strings, pointers }
    }
}

/// Makes everything for a job behind these walls.
pub(crate) fn prepare(job: &Job, layers: &[Layer]) -> Result<Prepared, CannotRun> {
    let has = |layer| layers.contains(&layer);
    let (program, argv) = program(job)?;
    let env = job.env.iter().map(|(name, value)| c_text(format!("{name}={value}"))).collect::<Result<_, _>>()?;
    let view =
        if has(Layer::Mount) { view::plan(job, has(Layer::Pid))? } else { view::View { steps: vec![], slots: 0 } };
    let filter = match has(Layer::Seccomp) {
        true => filter::program().map_err(|cause| walls::missing(Layer::Seccomp, &cause))?,
        false => Vec::new(),
    };
    Ok(Prepared {
        namespaces: layers.iter().map(|layer| namespace(*layer)).fold(0, |all, one| all | one),
        layers: layers.to_vec(),
        uid_map: format!("{0} {0} 1", getuid()).into_bytes(),
        gid_map: format!("{0} {0} 1", getgid()).into_bytes(),
        steps: view.steps,
        slots: vec![-1; view.slots],
        limits: if has(Layer::Limits) { limits(&job.limits, has(Layer::User)) } else { Vec::new() },
        fence: fence(job, has(Layer::Mount))?,
        filter,
        dir: view::text(&job.dir.canonicalize()?),
        program,
        argv: Strings::new(argv),
        envp: Strings::new(env),
    })
}

/// The walls that a job asks for.
pub(crate) fn wanted(job: &Job) -> Vec<Layer> {
    Layer::ALL.iter().copied().filter(|layer| *layer != Layer::Net || job.net != Net::Host).collect()
}

/// The flag for clone(2) that makes this wall; zero where something else does.
pub(crate) fn namespace(layer: Layer) -> libc::c_int {
    match layer {
        Layer::User => libc::CLONE_NEWUSER,
        Layer::Mount => libc::CLONE_NEWNS,
        Layer::Pid => libc::CLONE_NEWPID,
        Layer::Net => libc::CLONE_NEWNET,
        Layer::Ipc => libc::CLONE_NEWIPC,
        Layer::Uts => libc::CLONE_NEWUTS,
        Layer::Limits | Layer::Landlock | Layer::Seccomp => 0,
    }
}

fn program(job: &Job) -> Result<(CString, Vec<CString>), CannotRun> {
    match job.program {
        Program::Shell(command) => {
            Ok((c"/bin/sh".to_owned(), vec![c"sh".to_owned(), c"-c".to_owned(), c_text(command.to_owned())?]))
        }
        Program::Argv(argv) => {
            let name = argv.first().ok_or_else(|| CannotRun::NotFound(String::new()))?;
            let all = argv.iter().map(|arg| c_text(arg.clone())).collect::<Result<_, _>>()?;
            Ok((view::text(&found(name, job)?), all))
        }
    }
}

/// The file that a name means on the job's own `PATH`.
fn found(name: &str, job: &Job) -> Result<PathBuf, CannotRun> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let path = job.env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path.as_str());
    let mut files = path.split(':').map(|dir| Path::new(dir).join(name)).filter(|file| file.is_file()).peekable();
    if files.peek().is_none() {
        return Err(CannotRun::NotFound(name.to_owned()));
    }
    let executable = |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
    files.find(executable).ok_or_else(|| CannotRun::NotExecutable(name.to_owned()))
}

/// Without a user namespace the count of processes would be that of everything this user runs.
fn limits(limits: &Limits, own_user: bool) -> Vec<(u32, u64)> {
    let mut all = vec![
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_FSIZE, limits.file_size),
        (libc::RLIMIT_NOFILE, 4096),
        (libc::RLIMIT_MEMLOCK, 8 << 20),
    ];
    if own_user {
        all.push((libc::RLIMIT_NPROC, limits.processes));
    }
    all
}

/// Scratch directories are writable only where they are the command's own.
fn fence(job: &Job, own_view: bool) -> Result<Fence, CannotRun> {
    let version = sys::landlock_version().unwrap_or(0);
    let abi = match version {
        ..=1 => ABI::V1,
        2 => ABI::V2,
        _ => ABI::V3,
    };
    let writes = AccessFs::from_write(abi);
    let own: &[&str] = if own_view { &["/tmp", "/var/tmp", "/dev"] } else { &["/dev"] };
    let below = job.rw.iter().map(|path| path.canonicalize().map(|path| view::text(&path)));
    let own = own.iter().map(|dir| Ok(view::text(Path::new(dir))));
    Ok(Fence {
        version,
        writes: writes.bits(),
        writes_to_a_file: (writes & AccessFs::from_file(abi)).bits(),
        below: below.chain(own).collect::<std::io::Result<_>>()?,
    })
}

fn c_text(text: String) -> Result<CString, CannotRun> {
    CString::new(text).map_err(|e| CannotRun::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, e)))
}
