//! What is to be run, what it may use, and how it ended.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use haco_core::code::{Code, Failure};

use crate::Kept;

/// What starts.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// One string for `/bin/sh -c`.
    Shell(&'a str),
    /// A program, found on the job's own `PATH` unless it has a slash, and its arguments.
    Argv(&'a [String]),
}

/// Which network the command sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// No network but a loopback of its own.
    None,
    /// A loopback of its own; today the same as `None`.
    Loopback,
    /// The machine's network: no wall at all.
    Host,
}

/// What the command may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall time; then everything is killed.
    pub timeout: Duration,
    /// Resident bytes of all processes together, looked at fifty times a second; shared pages count once a process.
    pub mem_bytes: Option<u64>,
    /// Processes alive at once.
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

/// One command to run confined.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// What starts.
    pub program: Program<'a>,
    /// Where it starts; has to be visible inside.
    pub dir: &'a Path,
    /// What may be written. Everything else is read-only, or thrown away at the end.
    pub rw: &'a [PathBuf],
    /// What is shown read-only although it lies below something that is hidden.
    pub ro: &'a [PathBuf],
    /// What is not to be seen, beyond the homes and the temporary directories, which never are. `rw` and `ro` win.
    pub hide: &'a [PathBuf],
    /// The whole environment; see [`crate::clean_env`].
    pub env: &'a [(String, String)],
    /// The bytes of standard input.
    pub stdin: &'a [u8],
    /// What it may use up.
    pub limits: Limits,
    /// Which network it sees.
    pub net: Net,
    /// Walls that may be missing because a person said so.
    pub allow_weaker: &'a [Layer],
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
    /// Processes alive at once.
    Processes,
    /// The size of a file.
    FileSize,
}

/// What is known after a command has ended and nothing of it is left.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub end: End,
    /// What is kept of its standard output.
    pub stdout: Kept,
    /// What is kept of its standard error.
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

macro_rules! layers {
    ($($layer:ident $text:literal $meaning:literal;)*) => {
        /// One wall of the confinement.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Layer { $(#[doc = $meaning] $layer,)* }

        impl Layer {
            /// Every wall, in the order in which they are built.
            pub const ALL: &[Layer] = &[$(Layer::$layer,)*];

            /// The word for configuration and messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Layer::$layer => $text,)* }
            }
        }
    };
}

layers! {
    User "user" "A user namespace: whatever rights it has are rights over itself.";
    Mount "mount" "A mount namespace: its own view of the files, read-only but for what it may write.";
    Pid "pid" "A process namespace: it sees and reaches no process but its own, and none survives.";
    Net "network" "A network namespace: a loopback and nothing else.";
    Ipc "ipc" "A namespace for System V and POSIX message queues, semaphores and shared memory.";
    Uts "uts" "A host name of its own.";
    Limits "limits" "Resource limits.";
    Landlock "landlock" "Landlock: a second fence around what may be written.";
    Seccomp "seccomp" "A system call filter.";
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Layer {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Layer, Failure> {
        Layer::ALL.iter().copied().find(|layer| layer.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Layer::ALL.iter().map(|layer| layer.as_str()).collect();
            Failure::new(Code::BadConfig, format!("'{text}' is no wall: use one of {}", known.join(", ")))
        })
    }
}

/// Why a command did not run; nothing of it did.
#[derive(Debug)]
pub enum CannotRun {
    /// A wall cannot be had here, and nobody allowed to do without it.
    MissingWall {
        /// Which.
        layer: Layer,
        /// What the system said.
        cause: String,
        /// How to get it.
        fix: String,
    },
    /// The program is not there.
    NotFound(String),
    /// The program is there and cannot be executed.
    NotExecutable(String),
    /// A pipe, a path or a process could not be had.
    Io(std::io::Error),
}

impl CannotRun {
    /// The same as a failure with its code, for a person.
    pub fn failure(&self) -> Failure {
        match self {
            CannotRun::MissingWall { fix, .. } => Failure::new(Code::MissingWall, self.to_string()).fix(fix),
            CannotRun::NotFound(_) | CannotRun::NotExecutable(_) => Failure::new(Code::MissingTool, self.to_string()),
            CannotRun::Io(_) => Failure::new(Code::Io, self.to_string()),
        }
    }
}

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotRun::MissingWall { layer, cause, .. } => write!(f, "no wall '{layer}' here: {cause}"),
            CannotRun::NotFound(name) => write!(f, "cannot run '{name}': no such program"),
            CannotRun::NotExecutable(name) => write!(f, "cannot run '{name}': it cannot be executed"),
            CannotRun::Io(error) => write!(f, "cannot run a confined command: {error}"),
        }
    }
}

impl std::error::Error for CannotRun {}

impl From<std::io::Error> for CannotRun {
    fn from(error: std::io::Error) -> CannotRun {
        CannotRun::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_is_read_back_from_its_word() {
        for layer in Layer::ALL {
            assert_eq!(layer.as_str().parse::<Layer>(), Ok(*layer));
        }
        let no = "moat".parse::<Layer>().expect_err("a moat is no wall");
        assert!(no.message.starts_with("'moat' is no wall: use one of user, mount"), "{no}");
    }

    #[test]
    fn a_missing_wall_tells_which_why_and_how_to_get_it() {
        let missing =
            CannotRun::MissingWall { layer: Layer::Net, cause: "EPERM".to_owned(), fix: "sysctl x=0".to_owned() };
        let failure = missing.failure();
        assert_eq!(failure.code, Code::MissingWall);
        assert_eq!(failure.message, "no wall 'network' here: EPERM");
        assert_eq!(failure.fix.as_deref(), Some("sysctl x=0"));
    }
}
