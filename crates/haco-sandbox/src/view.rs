//! Plan which files a confined command sees, as steps that need no thought and no memory to carry out.
//!
//! Everything is read-only; homes, temporary and run-time directories are empty; `/dev` holds the harmless devices;
//! toolchains of the `PATH` that live in a home come back read-only without their credentials; what the job may write
//! comes back writable; sockets that somebody listens on are covered, because a read-only mount does not stop connect(2).

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::job::Job;
use crate::sys::{NODEV, NOSUID, RDONLY};
use crate::view::homes::{homes, toolchain};

mod homes;

/// One system call or two, with its strings made.
pub(crate) enum Step {
    /// Keep the tree at a path under this number, with these attributes.
    Grab { path: CString, slot: usize, set: u64 },
    /// Put a kept tree at a path.
    Put { slot: usize, at: CString },
    /// Mount a new file system.
    Mount { kind: &'static std::ffi::CStr, at: CString, flags: libc::c_ulong, options: &'static std::ffi::CStr },
    /// Cover a directory by an empty one, where it is there.
    Hide(CString),
    /// Cover a file by an empty unreadable one, where it is there.
    Cover(CString),
    /// Set attributes on a mount, or on all of them from there on, where it is there.
    Seal { at: CString, set: u64, whole: bool },
    /// Make a directory, where it can be made.
    Dir(CString),
    /// Make an empty file that nobody may read.
    File(CString),
    /// Make a symbolic link.
    Link { target: &'static std::ffi::CStr, at: CString },
}

/// The empty unreadable file that covers others.
pub(crate) const NOTHING: &std::ffi::CStr = c"/dev/.nothing";

/// Directories that start empty and take writes that nobody keeps.
const SCRATCH: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Secrets that only root could read; inside, root is still their owner.
const ROOTS_OWN: [&str; 14] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/security/opasswd",
    "/etc/ssl/private",
    "/etc/NetworkManager/system-connections",
    "/etc/kubernetes",
    "/etc/wireguard",
    "/var/cache/debconf/passwords.dat",
    "/var/lib/docker",
    "/var/lib/kubelet",
];
const CREDENTIALS: [&str; 2] = ["credentials", "credentials.toml"];
const ALL: u64 = RDONLY | NOSUID | NODEV;

/// The steps of a view, and how many trees they keep.
pub(crate) struct View {
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: usize,
}

/// Says how to build the view of a job; `own_processes` where `/proc` will show only its own.
pub(crate) fn plan(job: &Job, own_processes: bool) -> std::io::Result<View> {
    let rw = canonical(job.rw)?;
    let ro = canonical(job.ro)?;
    let homes = homes();
    let tools = toolchains(job, &homes);
    let mut view = View { steps: Vec::new(), slots: 0 };
    let rw_slots: Vec<_> = rw.iter().map(|path| (view.grab(path, NOSUID | NODEV), path.clone())).collect();
    let ro_slots: Vec<_> = ro.iter().map(|path| (view.grab(path, ALL), path.clone())).collect();
    let tool_slots: Vec<_> = tools.iter().map(|path| (view.grab(path, ALL), path.clone())).collect();
    let devices: Vec<_> = DEVICES
        .iter()
        .map(|name| Path::new("/dev").join(name))
        .filter(|path| path.exists())
        .map(|path| (view.grab(&path, NOSUID), path))
        .collect();
    view.steps.push(Step::Seal { at: c"/".to_owned(), set: ALL, whole: true });
    view.devices(&devices);
    let masks = masks(&homes);
    masks.iter().for_each(|mask| view.tmpfs(mask));
    if own_processes {
        let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        view.steps.push(Step::Mount { kind: c"proc", at: c"/proc".to_owned(), flags, options: c"" });
    }
    view.put(tool_slots);
    view.hide(job.hide, &tools);
    let mut shown: Vec<_> = ro_slots.into_iter().chain(rw_slots).collect();
    shown.sort_by_key(|(_, path)| path.components().count());
    view.put(shown);
    view.finish(job, &masks, |path| rw.iter().chain(&ro).any(|shown| shown == path));
    Ok(view)
}

impl View {
    fn grab(&mut self, path: &Path, set: u64) -> usize {
        self.steps.push(Step::Grab { path: text(path), slot: self.slots, set });
        self.slots += 1;
        self.slots - 1
    }

    /// Puts trees where they were, below directories that are made where a mask took them away.
    fn put(&mut self, trees: Vec<(usize, PathBuf)>) {
        for (slot, path) in trees {
            self.dirs(path.parent().unwrap_or(Path::new("/")));
            let point = if path.is_dir() { Step::Dir(text(&path)) } else { Step::File(text(&path)) };
            self.steps.push(point);
            self.steps.push(Step::Put { slot, at: text(&path) });
        }
    }

    fn dirs(&mut self, path: &Path) {
        let mut above: Vec<_> = path.ancestors().filter(|dir| dir.parent().is_some()).collect();
        above.reverse();
        self.steps.extend(above.into_iter().map(|dir| Step::Dir(text(dir))));
    }

    fn tmpfs(&mut self, at: &Path) {
        let options =
            if SCRATCH.iter().any(|dir| at == Path::new(dir)) { c"mode=1777,size=2g" } else { c"mode=755,size=64m" };
        self.steps.push(Step::Mount { kind: c"tmpfs", at: text(at), flags: libc::MS_NOSUID | libc::MS_NODEV, options });
    }

    fn devices(&mut self, devices: &[(usize, PathBuf)]) {
        self.tmpfs(Path::new("/dev"));
        self.steps.push(Step::File(NOTHING.to_owned()));
        self.put(devices.to_vec());
        self.steps.push(Step::Dir(c"/dev/shm".to_owned()));
        self.steps.push(Step::Dir(c"/dev/pts".to_owned()));
        let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
        let options = c"newinstance,ptmxmode=0666,mode=620";
        self.steps.push(Step::Mount { kind: c"devpts", at: c"/dev/pts".to_owned(), flags, options });
        for (target, at) in [
            (c"pts/ptmx", c"/dev/ptmx"),
            (c"/proc/self/fd", c"/dev/fd"),
            (c"/proc/self/fd/0", c"/dev/stdin"),
            (c"/proc/self/fd/1", c"/dev/stdout"),
            (c"/proc/self/fd/2", c"/dev/stderr"),
        ] {
            self.steps.push(Step::Link { target, at: at.to_owned() });
        }
    }

    fn hide(&mut self, hide: &[PathBuf], tools: &[PathBuf]) {
        let secrets = tools.iter().flat_map(|dir| CREDENTIALS.map(|name| dir.join(name)));
        let files = ROOTS_OWN.iter().map(PathBuf::from).chain(host_keys()).chain(secrets);
        for path in files.chain(hide.iter().cloned()).filter_map(|path| path.canonicalize().ok()) {
            let step = if path.is_dir() { Step::Hide(text(&path)) } else { Step::Cover(text(&path)) };
            self.steps.push(step);
        }
    }

    /// Covers sockets, makes the home, and makes what is hidden read-only, which it could not be before.
    fn finish(&mut self, job: &Job, masks: &[PathBuf], shown: impl Fn(&Path) -> bool) {
        self.steps.extend(listened_sockets().iter().map(|path| Step::Cover(text(path))));
        if let Some((_, home)) = job.env.iter().find(|(name, _)| name == "HOME") {
            self.dirs(Path::new(home));
        }
        let scratch = |path: &Path| SCRATCH.iter().any(|dir| path == Path::new(dir));
        let hidden = job.hide.iter().filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_dir());
        let sealed = masks.iter().cloned().chain([PathBuf::from("/dev")]).chain(hidden);
        for path in sealed.filter(|path| !scratch(path) && !shown(path)) {
            self.steps.push(Step::Seal { at: text(&path), set: RDONLY, whole: false });
        }
    }
}

/// Directories that are empty inside, without those that lie in one another.
fn masks(homes: &[PathBuf]) -> Vec<PathBuf> {
    let fixed = SCRATCH.iter().chain(&["/run", "/home", "/root"]).filter_map(|dir| Path::new(dir).canonicalize().ok());
    let mut all: Vec<PathBuf> = fixed.chain(homes.iter().cloned()).filter(|dir| dir.is_dir()).collect();
    all.sort();
    all.dedup_by(|later, earlier| later.starts_with(earlier));
    all
}

/// What of the homes, and of the run-time directory, the job's `PATH` needs.
fn toolchains(job: &Job, homes: &[PathBuf]) -> Vec<PathBuf> {
    let path = job.env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path.as_str());
    let mut all: Vec<PathBuf> = path
        .split(':')
        .map(Path::new)
        .filter(|entry| entry.is_absolute() && entry.is_dir())
        .flat_map(|entry| toolchain(entry, homes))
        .filter(|dir| dir.exists())
        .collect();
    all.sort();
    all.dedup_by(|later, earlier| later.starts_with(earlier));
    all
}

/// The private keys of this machine's own ssh server.
fn host_keys() -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir("/etc/ssh").into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().ends_with("_key"))
}

/// Paths of the sockets that are bound on this machine now.
fn listened_sockets() -> Vec<PathBuf> {
    let table = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let mut all: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.find(" /").map(|at| &line[at + 1..]))
        .filter_map(|path| Path::new(path).canonicalize().ok())
        .collect();
    all.sort();
    all.dedup();
    all
}

fn canonical(paths: &[PathBuf]) -> std::io::Result<Vec<PathBuf>> {
    let named = |path: &PathBuf, e: std::io::Error| std::io::Error::new(e.kind(), format!("'{}': {e}", path.display()));
    paths.iter().map(|path| path.canonicalize().map_err(|e| named(path, e))).collect()
}

/// A path for the kernel. One with a NUL names nothing, and so does what is made of it.
pub(crate) fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}
