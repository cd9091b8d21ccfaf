//! Plan which files a confined command sees, as steps that need no thought and no memory to carry out.
//!
//! The root is new and empty: what is not put there is not there. It gets the system's programs and libraries and the
//! toolchains of the `PATH` read-only, `/proc` and the harmless devices, scratch directories in memory, and then what
//! the job names, the outer before the inner.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::job::{Job, Net};
use crate::sys::{NODEV, NOEXEC, NOSUID, RDONLY};
use crate::{CannotRun, Layer, walls};

mod account;
mod hidden;
mod homes;
mod places;
mod secrets;
mod system;
mod toolchains;

use places::{Kind, Layers, Place};

/// One system call or a few, with its strings made. Paths are those of the new root; the machine's is at [`OLD`].
pub(crate) enum Step {
    /// Show the tree at one path at another, with these attributes.
    Bind { from: CString, at: CString, set: u64 },
    /// Mount a new file system.
    Mount { kind: &'static CStr, at: CString, flags: libc::c_ulong, options: CString },
    /// Show an empty unreadable file or an empty directory at a path, where something is there.
    Cover { at: CString, with: &'static CStr },
    /// Set attributes on a mount.
    Seal { at: CString, set: u64 },
    /// Make a directory, where it can be made.
    Dir { at: CString, mode: libc::mode_t },
    /// Make a file.
    File { at: CString, mode: libc::mode_t, bytes: Vec<u8> },
    /// Make a symbolic link.
    Link { target: CString, at: CString },
    /// Make one path below a directory be something else.
    Lay { top: CString, above: Vec<CString>, name: CString, change: Laid },
    /// Put the tree that was brought at a path.
    Tree { at: CString },
    /// Let go of the machine's root.
    Leave,
}

impl Step {
    /// What it means that this step could not be carried out.
    pub(crate) fn cannot(&self, cause: &str) -> CannotRun {
        let named = |at: &CString| format!("'{}': {cause}", at.to_string_lossy());
        match self {
            Step::Mount { kind, at, .. } if *kind == c"overlay" => CannotRun::NoOverlay(named(at)),
            Step::Lay { top, name, .. } => {
                CannotRun::Refused(format!("'{}' cannot be laid over {}", name.to_string_lossy(), named(top)))
            }
            Step::Bind { at, .. }
            | Step::Mount { at, .. }
            | Step::Cover { at, .. }
            | Step::Seal { at, .. }
            | Step::Dir { at, .. }
            | Step::File { at, .. }
            | Step::Tree { at, .. }
            | Step::Link { at, .. } => walls::missing(Layer::Mount, &named(at)),
            Step::Leave => walls::missing(Layer::Mount, cause),
        }
    }
}

/// What a path is made to be.
pub(crate) enum Laid {
    File(Vec<u8>, libc::mode_t),
    Link(CString),
    Gone,
}

/// Where the machine's root is while the new one is built.
pub(crate) const OLD: &str = "/.old";
/// The empty unreadable file and the empty directory that cover others.
pub(crate) const NO_FILE: &CStr = c"/dev/.none";
pub(crate) const NO_DIR: &CStr = c"/dev/.no";

/// Directories that start empty and take writes that nobody keeps.
const SCRATCH: [(&str, libc::mode_t); 4] =
    [("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/run", 0o755), ("/dev/shm", 0o1777)];
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// What of `/proc` tells about the machine rather than about the command.
const MACHINES_OWN: [&CStr; 7] = [
    c"/proc/kcore",
    c"/proc/keys",
    c"/proc/key-users",
    c"/proc/kmsg",
    c"/proc/sysrq-trigger",
    c"/proc/timer_list",
    c"/proc/sched_debug",
];
const READABLE: u64 = RDONLY | NOSUID | NODEV;
const WRITABLE: u64 = NOSUID | NODEV;

/// The steps of a view.
pub(crate) struct View {
    pub(crate) steps: Vec<Step>,
    /// Where something may be written.
    pub(crate) writable: Vec<PathBuf>,
    /// Mounts on which nobody outside can listen.
    pub(crate) own: Vec<CString>,
    /// What the job's directory is inside.
    pub(crate) dir: PathBuf,
    /// The tree that a step puts at its path.
    pub(crate) tree: Option<OwnedFd>,
}

/// Says how to build the view of a job; `own_processes` where `/proc` will show only its own.
pub(crate) fn plan(job: &Job, own_processes: bool) -> Result<View, CannotRun> {
    let mut places = places::asked(job)?;
    let home = job.env.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home));
    let tools = toolchains::of(job, &places);
    let covers = hidden::places(job, &places, &tools.dirs)?;
    places.extend(tools.dirs.iter().map(|dir| Place { from: dir.clone(), at: dir.clone(), kind: Kind::Ro }));
    places.extend(covers);
    let mut view = View {
        steps: Vec::new(),
        writable: Vec::new(),
        own: Vec::new(),
        dir: dir(job, &places),
        tree: secrets::closed(),
    };
    view.devices();
    view.scratch(home.as_deref().filter(|home| home.is_absolute() && !places.iter().any(|p| home.starts_with(&p.at))));
    view.system(job.net);
    view.processes(own_processes);
    view.account(home.as_deref());
    let typed = places::links(job, &places);
    tools.links.iter().chain(&typed).for_each(|(at, target)| view.link(target, at));
    places.sort_by_key(|place| (place.at.components().count(), place.is_cover()));
    for (number, place) in places.iter().enumerate() {
        view.place(number, place)?;
    }
    let secrets = secrets::of(&tools.dirs, view.tree.is_some());
    view.steps.extend(secrets.iter().map(|path| cover(path)));
    view.steps.extend(places.iter().filter(|p| matches!(p.kind, Kind::NoDir)).map(|p| seal(&p.at)));
    // Nobody inside is to see a layer by itself.
    view.steps.push(Step::Cover { at: c"/dev/.over".to_owned(), with: NO_DIR });
    view.steps.push(Step::Leave);
    view.steps.push(seal(Path::new("/")));
    Ok(view)
}

/// Whether a path lies in the system's directories, which every confined command sees. The rest it sees only where it is
/// shown, so only what lies there ever needs to be hidden.
pub fn always_seen(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| system::shows(&path))
}

fn cover(path: &Path) -> Step {
    Step::Cover { at: text(path), with: if path.is_dir() { NO_DIR } else { NO_FILE } }
}

/// The directory to start in, if it was named by a path outside that a place shows elsewhere.
fn dir(job: &Job, places: &[Place]) -> PathBuf {
    let named = job.dir.canonicalize().unwrap_or_else(|_| job.dir.to_owned());
    let shown = places.iter().filter_map(|place| place.inside(&named)).next();
    shown.unwrap_or_else(|| job.dir.to_owned())
}

fn seal(at: &Path) -> Step {
    Step::Seal { at: text(at), set: RDONLY }
}

impl View {
    fn dir(&mut self, at: &Path, mode: libc::mode_t) {
        let above: Vec<_> = at.ancestors().skip(1).filter(|dir| dir.parent().is_some()).collect();
        self.steps.extend(above.iter().rev().map(|dir| Step::Dir { at: text(dir), mode: 0o755 }));
        self.steps.push(Step::Dir { at: text(at), mode });
    }

    fn link(&mut self, target: &Path, at: &Path) {
        self.dir(at.parent().unwrap_or(Path::new("/")), 0o755);
        self.steps.push(Step::Link { target: text(target), at: text(at) });
    }

    /// Shows what is outside at `from`, below directories that are made where there are none.
    fn bind(&mut self, from: &Path, at: &Path, set: u64) {
        if from.is_dir() {
            self.dir(at, 0o755);
        } else {
            self.dir(at.parent().unwrap_or(Path::new("/")), 0o755);
            self.steps.push(Step::File { at: text(at), mode: 0, bytes: Vec::new() });
        }
        self.steps.push(Step::Bind { from: outside(from), at: text(at), set });
    }

    fn devices(&mut self) {
        self.dir(Path::new("/dev"), 0o755);
        self.steps.push(Step::File { at: NO_FILE.to_owned(), mode: 0, bytes: Vec::new() });
        self.steps.push(Step::Dir { at: NO_DIR.to_owned(), mode: 0o755 });
        let devices = DEVICES.iter().map(|name| Path::new("/dev").join(name)).filter(|path| path.exists());
        devices.for_each(|path| self.bind(&path, &path, NOSUID | NOEXEC));
        self.dir(Path::new("/dev/pts"), 0o755);
        let (flags, options) = (libc::MS_NOSUID | libc::MS_NOEXEC, c"newinstance,ptmxmode=0666,mode=620".to_owned());
        self.steps.push(Step::Mount { kind: c"devpts", at: c"/dev/pts".to_owned(), flags, options });
        for (target, at) in [
            ("pts/ptmx", "/dev/ptmx"),
            ("/proc/self/fd", "/dev/fd"),
            ("/proc/self/fd/0", "/dev/stdin"),
            ("/proc/self/fd/1", "/dev/stdout"),
            ("/proc/self/fd/2", "/dev/stderr"),
        ] {
            self.link(Path::new(target), Path::new(at));
        }
    }

    /// The scratch directories, the home among them, are parts of the root's own memory that stay writable.
    fn scratch(&mut self, home: Option<&Path>) {
        let in_scratch = |home: &Path| SCRATCH.iter().any(|(dir, _)| home.starts_with(dir));
        let own = home.filter(|home| !in_scratch(home)).map(|home| (home, 0o700));
        for (dir, mode) in SCRATCH.iter().map(|(dir, mode)| (Path::new(*dir), *mode)).chain(own) {
            self.dir(dir, mode);
            self.steps.push(Step::Bind { from: text(dir), at: text(dir), set: WRITABLE });
            self.writable.push(dir.to_owned());
            self.own.push(text(dir));
        }
        home.into_iter().for_each(|home| self.dir(home, 0o700));
        self.link(Path::new("/run"), Path::new("/var/run"));
        self.link(Path::new("/run/lock"), Path::new("/var/lock"));
    }

    fn system(&mut self, net: Net) {
        let (dirs, links) = system::entries();
        for dir in &dirs {
            if self.tree.is_some() && dir == Path::new(secrets::CONFIGURATION) {
                self.dir(dir, 0o755);
                self.steps.push(Step::Tree { at: text(dir) });
            } else {
                self.bind(dir, dir, READABLE);
            }
        }
        links.iter().for_each(|(at, target)| self.link(target, at));
        if let Some(names) = (net == Net::Host).then(system::resolver).flatten() {
            self.bind(&names, &names, READABLE);
        }
    }

    fn processes(&mut self, own: bool) {
        self.dir(Path::new("/proc"), 0o755);
        let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        self.steps.push(match own {
            true => Step::Mount { kind: c"proc", at: c"/proc".to_owned(), flags, options: CString::default() },
            false => Step::Bind { from: outside(Path::new("/proc")), at: c"/proc".to_owned(), set: READABLE },
        });
        self.steps.extend(MACHINES_OWN.map(|at| Step::Cover { at: at.to_owned(), with: NO_FILE }));
        let processors = Path::new("/sys/devices/system/cpu");
        if processors.is_dir() {
            self.bind(processors, processors, READABLE);
        }
    }

    /// The command finds its own account by name, and no other of this machine.
    fn account(&mut self, home: Option<&Path>) {
        let account = account::of(home.unwrap_or(Path::new("/")));
        for (at, kept, bytes) in
            [("/etc/passwd", "/dev/.passwd", account.passwd), ("/etc/group", "/dev/.group", account.group)]
        {
            if Path::new(at).is_file() {
                self.steps.push(Step::File { at: text(Path::new(kept)), mode: 0o644, bytes });
                self.steps.push(Step::Bind { from: text(Path::new(kept)), at: text(Path::new(at)), set: READABLE });
            }
        }
    }

    fn place(&mut self, number: usize, place: &Place) -> Result<(), CannotRun> {
        match place.kind {
            Kind::Rw => {
                self.bind(&place.from, &place.at, WRITABLE);
                self.writable.push(place.at.clone());
            }
            Kind::Ro => self.bind(&place.from, &place.at, READABLE),
            Kind::Over(layers) => self.overlay(number, place, layers)?,
            Kind::NoFile => self.steps.push(Step::Cover { at: text(&place.at), with: NO_FILE }),
            Kind::NoDir => {
                let options = c"mode=755,size=64k".to_owned();
                let flags = libc::MS_NOSUID | libc::MS_NODEV;
                self.steps.push(Step::Mount { kind: c"tmpfs", at: text(&place.at), flags, options });
            }
        }
        Ok(())
    }

    fn overlay(&mut self, number: usize, place: &Place, layers: Layers) -> Result<(), CannotRun> {
        let Layers { kept, upper, changes } = layers;
        let layer = match upper {
            Some(dir) => {
                ["upper", "work"].iter().try_for_each(|name| std::fs::create_dir_all(dir.join(name)))?;
                PathBuf::from(OLD).join(dir.canonicalize()?.strip_prefix("/").unwrap_or(dir))
            }
            None => {
                let layer = PathBuf::from(format!("/dev/.over/{number}"));
                self.dir(&layer.join("upper"), place.from.metadata()?.mode() & 0o7777);
                self.dir(&layer.join("work"), 0o700);
                layer
            }
        };
        self.dir(&place.at, 0o755);
        let old = |path: &Path| PathBuf::from(OLD).join(path.strip_prefix("/").unwrap_or(path));
        let kept =
            kept.iter().map(|dir| Ok(old(&dir.join("upper").canonicalize()?))).collect::<io::Result<Vec<_>>>()?;
        let lower: Vec<_> = kept.iter().chain([&old(&place.from)]).map(|path| escaped(path)).collect();
        let option = |name: &str, path: &Path| [name.as_bytes(), &escaped(path)].concat();
        let options = [
            [&b"userxattr,lowerdir="[..], &lower.join(&b':')].concat(),
            option(",upperdir=", &layer.join("upper")),
            option(",workdir=", &layer.join("work")),
        ];
        let options = CString::new(options.concat()).unwrap_or_default();
        self.steps.push(Step::Mount { kind: c"overlay", at: text(&place.at), flags: WRITABLE_FLAGS, options });
        self.steps.extend(changes.iter().map(|change| places::lay(&place.at, change)).collect::<Result<Vec<_>, _>>()?);
        self.writable.push(place.at.clone());
        self.own.push(text(&place.at));
        Ok(())
    }
}

const WRITABLE_FLAGS: libc::c_ulong = libc::MS_NOSUID | libc::MS_NODEV;

/// A path in an overlay's options, where some characters separate.
fn escaped(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.flat_map(|b| if b",:\\".contains(b) { vec![b'\\', *b] } else { vec![*b] }).collect()
}

/// A path of the machine's, while the new root is built.
fn outside(path: &Path) -> CString {
    text(&Path::new(OLD).join(path.strip_prefix("/").unwrap_or(path)))
}

/// A path for the kernel. One with a NUL names nothing, and so does what is made of it.
pub(crate) fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}
