//! A directory that somebody works in, seen and changed through open directories: no link below it is followed, what is no
//! regular file is said and left alone, and several files change together or not at all (`write`).

mod write;

pub use write::Replace;

use crate::{
    Result,
    dir::{Dir, LIMIT, kind_of},
};
use haco_core::{
    code::{Code, Failure},
    oid::Mode as FileMode,
    path::RepoPath,
};
use nix::{
    dir::Type,
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    libc::{dev_t, ino_t, mode_t},
    sys::stat::{FileStat, Mode, SFlag, fstat, fstatat},
};
use std::{
    fs::{File, TryLockError},
    io::Read,
    os::fd::AsFd,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

/// A directory with somebody's files.
#[derive(Debug)]
pub struct Tree {
    top: Dir,
}

/// What a path of a tree names.
#[derive(Debug)]
pub enum Look {
    /// Nothing; its directory may be missing too.
    Nothing,
    /// A regular file.
    File(Seen),
    /// Something that is not edited, as a sentence that goes on after the path's name and a colon.
    Unfit(String),
}

/// A file as it was when it was read.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether its owner may run it.
    pub mode: FileMode,
    stat: FileStat,
}

impl Seen {
    /// What stays the same while nobody puts another file under the name or changes its mode.
    fn identity(&self) -> (dev_t, ino_t, mode_t) {
        (self.stat.st_dev, self.stat.st_ino, self.stat.st_mode)
    }
}

/// The right to be the only process that changes a tree through this module, held until it is dropped.
#[derive(Debug)]
pub struct OnlyWriter {
    _locked: Option<File>,
}

/// How long somebody else's change of the same directory is waited for.
const WAIT: Duration = Duration::from_secs(5);

impl Tree {
    /// Opens the directory at `path`, which may be a link to one.
    ///
    /// # Errors
    /// [`Code::Usage`] where there is no directory, [`Code::Io`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Tree> {
        Ok(Tree { top: Dir::named(path)? })
    }

    /// Waits a while for whoever changes this directory in the same way. Where the file system has no locks, nobody is
    /// kept out.
    ///
    /// # Errors
    /// [`Code::Busy`] where somebody else is at it for more than five seconds.
    pub fn only_writer(&self) -> Result<OnlyWriter> {
        let how = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let here = openat(&self.top, ".", how, Mode::empty()).map_err(|e| self.top.failure("open", "", e))?;
        let (here, began) = (File::from(here), Instant::now());
        loop {
            match here.try_lock() {
                Ok(()) => return Ok(OnlyWriter { _locked: Some(here) }),
                Err(TryLockError::Error(_)) => return Ok(OnlyWriter { _locked: None }),
                Err(TryLockError::WouldBlock) if began.elapsed() < WAIT => sleep(Duration::from_millis(5)),
                Err(TryLockError::WouldBlock) => {
                    let why = format!("another process is changing files below '{}'", self.top.shown(""));
                    return Err(Failure::new(Code::Busy, why));
                }
            }
        }
    }

    /// How often this process has asked the disk to keep what it wrote here.
    pub fn syncs(&self) -> u64 {
        self.top.syncs()
    }

    /// What is at `path`, with its bytes where it is a file.
    ///
    /// # Errors
    /// [`Code::Io`] where it is there and cannot be read.
    pub fn look(&self, path: &RepoPath) -> Result<Look> {
        let (dir, name) = match self.directory_of(path)? {
            Way::Open(dir, name) => (dir, name),
            Way::Missing => return Ok(Look::Nothing),
            Way::Blocked(why) => return Ok(Look::Unfit(why)),
        };
        let stat = match fstatat(&dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => return Ok(Look::Nothing),
            Err(errno) => return Err(dir.failure("read", name, errno)),
        };
        if let Some(why) = unfit(&stat) {
            return Ok(Look::Unfit(why));
        }
        let how = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let fd = openat(&dir, name, how, Mode::empty()).map_err(|e| dir.failure("read", name, e))?;
        let stat = fstat(fd.as_fd()).map_err(|e| dir.failure("read", name, e))?;
        if let Some(why) = unfit(&stat) {
            return Ok(Look::Unfit(why));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0) + 1);
        File::from(fd).take(LIMIT + 1).read_to_end(&mut bytes).map_err(|e| dir.failure("read", name, e))?;
        if bytes.len() as u64 > LIMIT {
            return Ok(Look::Unfit("it is larger than 64 MiB".to_owned()));
        }
        let mode = if stat.st_mode & 0o100 == 0 { FileMode::Regular } else { FileMode::Executable };
        Ok(Look::File(Seen { bytes, mode, stat }))
    }

    /// Whether anything is at `path`, whatever it is.
    ///
    /// # Errors
    /// [`Code::Io`] where a directory on the way cannot be opened.
    pub fn has(&self, path: &RepoPath) -> Result<bool> {
        Ok(matches!(self.directory_of(path)?, Way::Open(dir, name) if dir.has(name)))
    }

    /// The names in the directory of `path`; none where it is not there.
    ///
    /// # Errors
    /// [`Code::Io`] where it cannot be listed.
    pub fn beside(&self, path: &RepoPath) -> Result<Vec<String>> {
        match self.directory_of(path)? {
            Way::Open(dir, _) => Ok(entries(&dir)?.into_iter().map(|(name, _)| name).collect()),
            Way::Missing | Way::Blocked(_) => Ok(Vec::new()),
        }
    }

    /// The regular files below `from` that `wanted` says yes to, sorted; only directories that `enter` says yes to are
    /// gone into, and none through a link. Names that no [`RepoPath`] holds are left out.
    ///
    /// # Errors
    /// [`Code::Io`] where a directory cannot be listed.
    pub fn files(
        &self,
        from: &str,
        wanted: &dyn Fn(&str) -> bool,
        enter: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<RepoPath>> {
        let mut found = Vec::new();
        let mut open = vec![from.to_owned()];
        while let Some(rel) = open.pop() {
            let dir = match rel.is_empty() {
                true => self.top.here()?,
                false => match self.directory(&rel)? {
                    Way::Open(dir, _) => dir,
                    Way::Missing | Way::Blocked(_) => continue,
                },
            };
            for (name, kind) in entries(&dir)? {
                let path = if rel.is_empty() { name } else { format!("{rel}/{name}") };
                let Ok(checked) = path.parse::<RepoPath>() else { continue };
                match kind {
                    Type::Directory if enter(&path) => open.push(path),
                    Type::File if wanted(&path) => found.push(checked),
                    _ => {}
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn directory_of<'p>(&self, path: &'p RepoPath) -> Result<Way<'p>> {
        match path.as_str().rsplit_once('/') {
            None => Ok(Way::Open(self.top.here()?, path.as_str())),
            Some((dir, name)) => Ok(match self.directory(dir)? {
                Way::Open(dir, _) => Way::Open(dir, name),
                Way::Missing => Way::Missing,
                Way::Blocked(why) => Way::Blocked(why),
            }),
        }
    }

    /// The directory `rel`, which is checked already.
    fn directory(&self, rel: &str) -> Result<Way<'static>> {
        let mut here = self.top.here()?;
        for part in rel.split('/') {
            here = match here.enter(part) {
                Ok(dir) => dir,
                Err(Errno::ENOENT) => return Ok(Way::Missing),
                Err(Errno::ENOTDIR | Errno::ELOOP) => {
                    let kind = here.kind(part).unwrap_or("a regular file");
                    return Ok(Way::Blocked(format!("'{}' is {kind}, not a directory", here.shown(part))));
                }
                Err(errno) => return Err(here.failure("open", part, errno)),
            };
        }
        Ok(Way::Open(here, ""))
    }
}

/// Where the walk to a path's directory ends.
enum Way<'p> {
    /// There, with the name that is left.
    Open(Dir, &'p str),
    /// Before something that is not there.
    Missing,
    /// Before something that is no directory.
    Blocked(String),
}

/// Why a file is not one that is edited.
fn unfit(stat: &FileStat) -> Option<String> {
    let special = SFlag::S_IFMT.bits() & stat.st_mode;
    if special != SFlag::S_IFREG.bits() {
        return Some(format!("it is {}, not a regular file", kind_of(stat.st_mode)));
    }
    let privileged: mode_t = Mode::S_ISUID.bits() | Mode::S_ISGID.bits();
    if stat.st_mode & privileged != 0 {
        return Some("it runs with its owner's rights (set-user-ID or set-group-ID)".to_owned());
    }
    (stat.st_nlink > 1).then(|| format!("it has {} names (hard links), and only one would change", stat.st_nlink))
}

/// The names here with what they are, without `.` and `..` and what is not UTF-8.
fn entries(dir: &Dir) -> Result<Vec<(String, Type)>> {
    let failed = |e: Errno| dir.failure("list", "", e);
    let how = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = openat(dir, ".", how, Mode::empty()).map_err(failed)?;
    let mut found = Vec::new();
    for entry in nix::dir::Dir::from_fd(fd).map_err(failed)?.iter() {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name == "." || name == ".." {
            continue;
        }
        // Some file systems do not say the kind with the name.
        let kind = entry.file_type().or_else(|| {
            let stat = fstatat(dir, name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
            match kind_of(stat.st_mode) {
                "a regular file" => Some(Type::File),
                "a directory" => Some(Type::Directory),
                _ => None,
            }
        });
        found.extend(kind.map(|kind| (name, kind)));
    }
    Ok(found)
}
