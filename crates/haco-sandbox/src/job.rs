//! What is to be run, what it may see, write and use, and how it ended.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Kept, Layer};

/// What starts.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// One string for `/bin/sh -c`.
    Shell(&'a str),
    /// A program, found inside on the job's own `PATH` unless it has a slash, and its arguments.
    Argv(&'a [OsString]),
}

/// Which network the command sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// None at all: not even its own loopback is up.
    None,
    /// A loopback of its own and nothing else.
    Loopback,
    /// The machine's network: no wall at all.
    Host,
}

/// Where the bytes of standard input come from; a pipe carries them either way.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// These, and then its end.
    Bytes(&'a [u8]),
    /// What can be read here, as it comes.
    From(BorrowedFd<'a>),
}

/// Where standard output and standard error go, as they come; pipes carry them either way.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// Nowhere but into [`Ended`].
    Keep,
    /// On to these two, bounded as what is kept is: the tail of what is too long comes at the end, behind a line that
    /// counts what was left out.
    Pass(BorrowedFd<'a>, BorrowedFd<'a>),
}

/// What the command may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall time; then everything is killed.
    pub timeout: Duration,
    /// Bytes of all processes together, memory file systems and shared memory included. It is looked at fifty times a
    /// second; pages that processes share count once. Without it the scratch directories hold 2 GiB.
    pub mem_bytes: Option<u64>,
    /// Processes and threads alive at once.
    pub processes: u64,
    /// Bytes of the largest file that may be written.
    pub file_size: u64,
    /// Bytes kept of each stream, half from its beginning and half from its end.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            timeout: Duration::from_secs(120),
            mem_bytes: None,
            processes: 1024,
            file_size: 4 << 30,
            output_bytes: 256 << 10,
        }
    }
}

/// A directory that looks writable: what is written to it stays in a layer above.
#[derive(Clone, Copy, Debug)]
pub struct Overlay<'a> {
    /// What is there at first; never written.
    pub lower: &'a Path,
    /// What earlier jobs kept in directories that were their `upper`, the topmost first, shown over `lower`; never written.
    pub kept: &'a [&'a Path],
    /// Where it is shown.
    pub at: &'a Path,
    /// A directory of the caller's for the layer above, on a file system that can hold one. Two jobs one after the
    /// other that name the same see what the first wrote; two at once may not. Without it the layer lies in memory and
    /// is gone with the job.
    pub upper: Option<&'a Path>,
    /// What is laid into it before the command starts.
    pub changes: &'a [Change],
}

/// One file of an overlay that is to be other than below.
#[derive(Clone, Debug)]
pub struct Change {
    /// Below the overlay's top; links on the way to it are not followed but refuse the job.
    pub path: PathBuf,
    /// What it is to be.
    pub to: Content,
}

/// What a path of an overlay is to be.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file with these bytes and permissions.
    File(Vec<u8>, u32),
    /// A symbolic link.
    Link(PathBuf),
    /// Nothing.
    Gone,
}

/// What the command sees of the files beside system directories and the toolchains of its `PATH`. Where one lies in
/// another the inner one counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    /// What may be written; changes last.
    pub rw: &'a [PathBuf],
    /// What may be read.
    pub ro: &'a [PathBuf],
    /// Directories that may be read and look writable; changes are gone at the end.
    pub share: &'a [PathBuf],
    /// What is not to be seen under any name: other mounts of it and hard links to it are covered too, which takes a
    /// walk through it.
    pub hide: &'a [PathBuf],
    /// Where the first of `rw` is shown, with all that is said about what lies in it.
    pub shown_at: Option<&'a Path>,
    /// Directories with a layer above.
    pub overlays: &'a [Overlay<'a>],
}

/// One command to run confined.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What starts.
    pub program: Program<'a>,
    /// Where it starts, as it is seen inside.
    pub dir: &'a Path,
    /// What it sees and may write.
    pub files: Files<'a>,
    /// The whole environment; see [`crate::clean_env`].
    pub env: &'a [(String, String)],
    /// Its standard input.
    pub stdin: Input<'a>,
    /// Where its output goes.
    pub output: Output<'a>,
    /// What it may use up.
    pub limits: Limits,
    /// Which network it sees.
    pub net: Net,
    /// Walls that may be missing because a person said so.
    pub allow_weaker: &'a [Layer],
}

impl<'a> Job<'a> {
    /// A program that sees nothing of its own, has no input, a loopback, the usual limits, and every wall.
    pub fn new(program: Program<'a>, dir: &'a Path) -> Job<'a> {
        Job {
            program,
            dir,
            files: Files::default(),
            env: &[],
            stdin: Input::Bytes(b""),
            output: Output::Keep,
            limits: Limits::default(),
            net: Net::Loopback,
            allow_weaker: &[],
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// Killed: its time was over.
    TimedOut,
    /// Killed: it passed a limit.
    Limit(LimitKind),
}

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Memory of all processes together.
    Memory,
    /// Processes and threads alive at once.
    Processes,
    /// The size of a file.
    FileSize,
}

/// What is known after a command has ended and nothing of it is left.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub end: End,
    /// What is kept of its standard output; only counted where it was passed on.
    pub stdout: Kept,
    /// What is kept of its standard error; only counted where it was passed on.
    pub stderr: Kept,
    /// Wall time.
    pub wall: Duration,
    /// Processor time, user and system, of all processes that were waited for.
    pub cpu: Duration,
    /// Resident bytes of the largest single process.
    pub max_rss: u64,
    /// The walls that stood.
    pub layers: Vec<Layer>,
}
