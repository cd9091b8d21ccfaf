//! Everything that the new process needs, made before it exists: between fork and exec nothing may ask for memory.

use std::ffi::{CString, OsStr, c_char};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use landlock::{ABI, AccessFs};
use nix::unistd::{getgid, getuid};

use crate::cannot::CannotRun;
use crate::door::Door;
use crate::job::{Job, Limits, Net, Program};
use crate::layer::Layer;
use crate::view::{self, Step, View};
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
    pub(crate) loopback: bool,
    pub(crate) root: CString,
    pub(crate) steps: Vec<Step>,
    /// What a step puts at its path.
    pub(crate) tree: Option<OwnedFd>,
    pub(crate) door: Door,
    /// For the kernel, which counts no process of root's otherwise.
    pub(crate) most_processes: Vec<u8>,
    pub(crate) limits: Vec<(u32, u64)>,
    pub(crate) fence: Fence,
    pub(crate) filter: Vec<libc::sock_filter>,
    pub(crate) dir: CString,
    /// Where the program may be.
    pub(crate) programs: Vec<CString>,
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
    let (programs, argv) = program(job)?;
    let env = job.env.iter().map(|(name, value)| c_text(format!("{name}={value}"))).collect::<Result<_, _>>()?;
    let view = match has(Layer::Mount) {
        true => view::plan(job, has(Layer::Pid))?,
        false => {
            View { steps: vec![], writable: job.files.rw.to_vec(), own: vec![], dir: job.dir.to_owned(), tree: None }
        }
    };
    let filter = match has(Layer::Seccomp) {
        true => filter::program().map_err(|cause| walls::missing(Layer::Seccomp, &cause))?,
        false => Vec::new(),
    };
    let most = job.limits.processes.saturating_add(SPARE);
    Ok(Prepared {
        namespaces: layers.iter().map(|layer| namespace(*layer)).fold(0, |all, one| all | one),
        layers: layers.to_vec(),
        uid_map: format!("{0} {0} 1", getuid()).into_bytes(),
        gid_map: format!("{0} {0} 1", getgid()).into_bytes(),
        loopback: job.net != Net::None,
        root: root(&job.limits)?,
        door: Door { own_mounts: vec![u64::MAX; view.own.len()], own: view.own, own_net: has(Layer::Net) },
        most_processes: most.max(LEAST_PID_MAX).to_string().into_bytes(),
        limits: if has(Layer::Limits) { limits(&job.limits, has(Layer::User).then_some(most)) } else { Vec::new() },
        fence: fence(&view.writable)?,
        steps: view.steps,
        tree: view.tree,
        filter,
        dir: view::text(&view.dir),
        programs,
        argv: Strings::new(argv),
        envp: Strings::new(env),
    })
}

/// Processes that may be there beyond the limit until that is noticed.
const SPARE: u64 = 64;
/// Less the kernel refuses.
const LEAST_PID_MAX: u64 = 302;
/// What scratch directories hold where memory has no limit.
const SCRATCH_BYTES: u64 = 2 << 30;

/// The options of the root's memory.
fn root(limits: &Limits) -> Result<CString, CannotRun> {
    let bytes = limits.mem_bytes.unwrap_or(SCRATCH_BYTES).max(1 << 20);
    c_text(format!("mode=755,size={bytes},nr_inodes={}", (bytes >> 12).max(4096)))
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
        Layer::Cgroup => libc::CLONE_NEWCGROUP,
        Layer::Limits | Layer::Landlock | Layer::Seccomp => 0,
    }
}

/// The files to try one after the other, and the arguments.
fn program(job: &Job) -> Result<(Vec<CString>, Vec<CString>), CannotRun> {
    match job.program {
        Program::Shell(command) => {
            let all = vec![c"sh".to_owned(), c"-c".to_owned(), c_text(command.to_owned())?];
            Ok((vec![c"/bin/sh".to_owned()], all))
        }
        Program::Argv(argv) => {
            let name = argv.first().filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| CannotRun::NotFound(String::new()))?;
            let all = argv.iter().map(|arg| c_text(arg.as_bytes())).collect::<Result<_, _>>()?;
            Ok((candidates(name, job).iter().map(|file| view::text(file)).collect(), all))
        }
    }
}

/// The files that a name may mean on the job's own `PATH`.
fn candidates(name: &OsStr, job: &Job) -> Vec<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(name)];
    }
    let path = job.env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path.as_str());
    path.split(':').filter(|dir| dir.starts_with('/')).map(|dir| Path::new(dir).join(name)).collect()
}

/// Without a user namespace the count of processes would be that of everything this user runs.
fn limits(limits: &Limits, processes: Option<u64>) -> Vec<(u32, u64)> {
    let mut all = vec![
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_FSIZE, limits.file_size),
        (libc::RLIMIT_NOFILE, 4096),
        (libc::RLIMIT_MEMLOCK, 8 << 20),
        (libc::RLIMIT_MSGQUEUE, 1 << 20),
    ];
    all.extend(processes.map(|most| (libc::RLIMIT_NPROC, most)));
    all
}

/// What may be written, once more.
fn fence(writable: &[PathBuf]) -> Result<Fence, CannotRun> {
    let version = sys::landlock_version().unwrap_or(0);
    let abi = match version {
        ..=1 => ABI::V1,
        2 => ABI::V2,
        _ => ABI::V3,
    };
    let writes = AccessFs::from_write(abi);
    let below = writable.iter().map(|path| view::text(path)).chain([c"/dev".to_owned()]);
    Ok(Fence {
        version,
        writes: writes.bits(),
        writes_to_a_file: (writes & AccessFs::from_file(abi)).bits(),
        below: below.collect(),
    })
}

fn c_text(text: impl Into<Vec<u8>>) -> Result<CString, CannotRun> {
    CString::new(text).map_err(|e| CannotRun::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, e)))
}
