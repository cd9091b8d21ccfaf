//! One open directory, below `.haco/` or of somebody's own files: every step is taken from a file descriptor and no symbolic
//! link is followed, so that nobody can lead a reader or a writer elsewhere. Special files never hang a reader.

use crate::{Result, fail};
use haco_core::code::{Code, Failure};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    sys::stat::{Mode, SFlag, fstat, fstatat, mkdirat},
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The most bytes that one file below `.haco/` may have to be read.
pub(crate) const LIMIT: u64 = 64 << 20;

/// A directory below `.haco/` or below one that somebody named, or that one itself.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    rel: String,
    whose: Whose,
    top: Arc<Path>,
    syncs: Arc<AtomicU64>,
}

/// Whose files are below a directory, which decides how they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// State, called by its path from `.haco` on.
    Ours,
    /// What somebody works on, called by its path below the directory that was named.
    Theirs,
}

impl Dir {
    /// Opens `.haco/` itself; none where it is not there.
    pub(crate) fn top(path: &Path) -> Result<Option<Dir>> {
        let here = nix::fcntl::open(path, directory(), Mode::empty());
        let fd = match here {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                return Err(Failure::new(Code::Io, format!("'{}' is not a directory", path.display())));
            }
            Err(errno) => return Err(fail::io("open", ".haco", path, &errno.into())),
        };
        Ok(Some(Dir { fd, rel: String::new(), whose: Whose::Ours, top: path.into(), syncs: Arc::default() }))
    }

    /// Opens a directory of somebody's own files. Whoever names it may name it by a link; below it none is followed.
    pub(crate) fn named(path: &Path) -> Result<Dir> {
        let fd = nix::fcntl::open(path, directory() - OFlag::O_NOFOLLOW, Mode::empty()).map_err(|errno| {
            let why = format!("cannot open '{}': {}", fail::escaped(path), fail::words(&errno.into()));
            Failure::new(if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) { Code::Usage } else { Code::Io }, why)
        })?;
        Ok(Dir { fd, rel: String::new(), whose: Whose::Theirs, top: path.into(), syncs: Arc::default() })
    }

    /// What a person reads for `name` in this directory; the directory itself for an empty name.
    pub(crate) fn shown(&self, name: &str) -> String {
        let top = if self.whose == Whose::Ours { ".haco" } else { "" };
        let parts = [top, &self.rel, name].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/");
        if parts.is_empty() { fail::escaped(&self.top) } else { parts.escape_debug().collect() }
    }

    /// Where `name` lies, absolute.
    pub(crate) fn absolute(&self, name: &str) -> PathBuf {
        self.top.join(&self.rel).join(name)
    }

    /// How often this process has asked the disk to keep what it wrote below this `.haco/`.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// The failure of doing `verb` to `name`.
    pub(crate) fn failure(&self, verb: &str, name: &str, cause: impl Into<io::Error>) -> Failure {
        let failure = fail::io(verb, &self.shown(name), &self.top, &cause.into());
        // What is not ours is not given away with a command either.
        Failure { fix: failure.fix.filter(|_| self.whose == Whose::Ours), ..failure }
    }

    /// This directory once more.
    pub(crate) fn here(&self) -> Result<Dir> {
        let fd = self.fd.try_clone().map_err(|e| self.failure("open", "", e))?;
        Ok(self.again(fd, String::new()))
    }

    /// The directory `rel` below this one; none where it, or one on the way, is not there.
    pub(crate) fn sub(&self, rel: &str) -> Result<Option<Dir>> {
        let mut here = self.here()?;
        for part in parts(rel)? {
            match here.enter(part) {
                Ok(dir) => here = dir,
                Err(Errno::ENOENT) => return Ok(None),
                Err(errno) => return Err(here.no_directory(part, errno)),
            }
        }
        Ok(Some(here))
    }

    /// The directory `part`, which is one name, in this one.
    pub(crate) fn enter(&self, part: &str) -> std::result::Result<Dir, Errno> {
        openat(&self.fd, part, directory(), Mode::empty()).map(|fd| self.again(fd, part.to_owned()))
    }

    /// The directory `rel` below this one, made durably where it is not there.
    pub(crate) fn sub_made(&self, rel: &str) -> Result<Dir> {
        let mut here = self.here()?;
        for part in parts(rel)? {
            here = here.made(part)?;
        }
        Ok(here)
    }

    fn made(&self, part: &str) -> Result<Dir> {
        if let Some(there) = self.sub(part)? {
            return Ok(there);
        }
        match mkdirat(&self.fd, part, Mode::from_bits_truncate(0o777)) {
            Ok(()) => self.sync()?,
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(self.failure("make", part, errno)),
        }
        let gone = || self.failure("open", part, Errno::ENOENT);
        self.sub(part)?.ok_or_else(gone)
    }

    fn again(&self, fd: OwnedFd, part: String) -> Dir {
        let rel = [self.rel.as_str(), &part].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/");
        Dir { fd, rel, whose: self.whose, top: self.top.clone(), syncs: self.syncs.clone() }
    }

    fn no_directory(&self, part: &str, errno: Errno) -> Failure {
        match errno {
            Errno::ENOTDIR | Errno::ELOOP => {
                let kind = self.kind(part).unwrap_or("not a directory");
                Failure::new(Code::UnreadableState, format!("'{}' is {kind}, not a directory", self.shown(part)))
            }
            _ => self.failure("open", part, errno),
        }
    }

    /// What `name` is where it is not a regular file or a directory; none where it is, or is not there.
    pub(crate) fn kind(&self, name: &str) -> Option<&'static str> {
        let stat = fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
        match kind_of(stat.st_mode) {
            "a regular file" | "a directory" => None,
            special => Some(special),
        }
    }

    /// Whether anything has this name here, a dangling link too.
    pub(crate) fn has(&self, name: &str) -> bool {
        fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// Opens the regular file `name`; none where there is none.
    pub(crate) fn open(&self, name: &str, how: OFlag) -> Result<Option<fs_err::File>> {
        Ok(self.opened(name, how)?.map(|(file, _)| file))
    }

    /// The same, with its length in bytes.
    fn opened(&self, name: &str, how: OFlag) -> Result<Option<(fs_err::File, u64)>> {
        let how = how | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let fd = match openat(&self.fd, name, how, Mode::from_bits_truncate(0o644)) {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(self.not_opened(name, errno)),
        };
        let stat = fstat(fd.as_fd()).map_err(|e| self.failure("read", name, e))?;
        match kind_of(stat.st_mode) {
            "a regular file" => {
                let length = u64::try_from(stat.st_size).unwrap_or_default();
                Ok(Some((fs_err::File::from_parts(File::from(fd), self.absolute(name)), length)))
            }
            kind => Err(fail::unreadable(&self.shown(name), format!("it is {kind}, not a regular file"))),
        }
    }

    fn not_opened(&self, name: &str, errno: Errno) -> Failure {
        match self.kind(name) {
            Some(kind) => fail::unreadable(&self.shown(name), format!("it is {kind}, not a regular file")),
            None => self.failure("open", name, errno),
        }
    }

    /// The bytes of the regular file `name`; none where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some((file, length)) = self.opened(name, OFlag::O_RDONLY)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(LIMIT)).expect("64 MiB fit") + 1);
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|e| self.failure("read", name, e))?;
        match bytes.len() as u64 > LIMIT {
            true => Err(fail::unreadable(&self.shown(name), "it is larger than 64 MiB")),
            false => Ok(Some(bytes)),
        }
    }

    /// Every name here, sorted, without `.` and `..`; a name that is not UTF-8 is a failure.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let failed = |e: Errno| self.failure("list", "", e);
        let fd = openat(&self.fd, ".", directory(), Mode::empty()).map_err(failed)?;
        let mut names = Vec::new();
        for entry in nix::dir::Dir::from_fd(fd).map_err(failed)?.iter() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_str();
            let name = name.map_err(|_| fail::unreadable(&self.shown(""), "it holds a name that is not UTF-8"))?;
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Asks the disk to keep the names in this directory.
    pub(crate) fn sync(&self) -> Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        nix::unistd::fsync(&self.fd).map_err(|e| self.failure("sync", "", e))
    }

    /// Asks the disk to keep the bytes of `file`.
    pub(crate) fn sync_plain(&self, file: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        file.sync_all()
    }

    /// Asks the disk to keep the bytes of `file`, which is `name` here.
    pub(crate) fn sync_file(&self, file: &fs_err::File, name: &str) -> Result<()> {
        self.sync_plain(file.file()).map_err(|e| self.failure("sync", name, e))
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The parts of a path below `.haco/`; one that could lead out of it is refused.
pub(crate) fn parts(rel: &str) -> Result<Vec<&str>> {
    let all: Vec<&str> = rel.split('/').collect();
    let bad = |p: &&str| p.is_empty() || *p == "." || *p == ".." || p.contains('\0') || p.len() > 255;
    match all.iter().any(bad) {
        true => Err(Failure::new(Code::UnsafePath, format!("'{}' is not a path below .haco", rel.escape_debug()))),
        false => Ok(all),
    }
}

/// The directory's part of `rel`, and the name in it.
pub(crate) fn split(rel: &str) -> (Option<&str>, &str) {
    rel.rsplit_once('/').map_or((None, rel), |(dir, name)| (Some(dir), name))
}

fn directory() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

/// What a file of this mode is called.
pub(crate) fn kind_of(mode: nix::libc::mode_t) -> &'static str {
    match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => "a regular file",
        SFlag::S_IFDIR => "a directory",
        SFlag::S_IFLNK => "a symbolic link",
        SFlag::S_IFIFO => "a FIFO",
        SFlag::S_IFSOCK => "a socket",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn top() -> (tempfile::TempDir, Dir) {
        let held = tempfile::tempdir().expect("temporary directory");
        let top = Dir::top(held.path()).expect("opens").expect("is there");
        (held, top)
    }

    #[test]
    fn a_path_that_could_lead_out_is_refused() {
        let (_held, top) = top();
        for bad in ["", "/etc", "../x", "a/../b", "a//b", "./a", "a/"] {
            assert_eq!(top.sub(bad).expect_err(bad).code, Code::UnsafePath, "{bad}");
        }
    }

    #[test]
    fn a_linked_directory_on_the_way_is_refused_for_reading_and_making() {
        let (held, top) = top();
        let elsewhere = tempfile::tempdir().expect("temporary directory");
        symlink(elsewhere.path(), held.path().join("tickets")).expect("link");
        for failure in [top.sub("tickets").expect_err("read"), top.sub_made("tickets/x").expect_err("make")] {
            assert_eq!(failure.message, "'.haco/tickets' is a symbolic link, not a directory");
        }
        assert_eq!(fs_err::read_dir(elsewhere.path()).expect("lists").count(), 0);
    }

    #[test]
    fn haco_itself_may_not_be_a_link() {
        let (held, _top) = top();
        symlink(held.path(), held.path().join("link")).expect("link");
        assert!(Dir::top(&held.path().join("link")).expect_err("refused").message.contains("is not a directory"));
        assert!(Dir::top(&held.path().join("none")).expect("reads").is_none());
    }

    #[test]
    fn directories_are_made_once_and_their_parents_kept() {
        let (_held, top) = top();
        top.sub_made("a/b").expect("makes");
        assert_eq!(top.syncs(), 2);
        assert_eq!(top.sub_made("a/b").expect("finds").shown("c\n"), ".haco/a/b/c\\n");
        assert_eq!(top.syncs(), 2);
        assert!(top.sub("a/c").expect("reads").is_none());
    }
}
