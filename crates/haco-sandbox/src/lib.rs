//! Run one untrusted command confined and bounded, or one program on a terminal of its own; or confine this very process.
//!
//! [`run`] builds the walls around a command before its first instruction, bounds what it may use, and ends everything
//! that it started. [`confine_ourselves`] is for a process that is about to read what a stranger sends. What a command may
//! see and write is the caller's to say; whether its answer is good is not judged here.
//!
//! ```text
//! haco ── clone(new namespaces) ──► PID 1: maps the user, mounts the view, loopback, hostname
//!   ▲                                 │ fork
//!   │ report pipe: a wall failed,     ▼
//!   │ started, ended               the command: new session, limits, no capabilities, Landlock, seccomp, execve
//!   └─ stdin, stdout, stderr are pipes; SIGKILL of PID 1, or haco's death, ends all of it
//! ```
#![warn(missing_docs)]

mod cannot;
mod env;
mod job;
mod kept;
mod layer;
pub mod terminal;
mod tie;
mod walls;

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod door;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod foreign;
#[cfg(target_os = "linux")]
mod hand;
#[cfg(target_os = "linux")]
mod inner;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod ourselves;
#[cfg(target_os = "linux")]
mod pipes;
#[cfg(target_os = "linux")]
mod prepare;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
mod view;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(target_os = "linux")]
mod who;

pub use cannot::CannotRun;
pub use env::{INNER_HOME, clean_env};
pub use job::{Change, Content, End, Ended, Files, Input, Job, LimitKind, Limits, Net, Output, Overlay, Program};
pub use kept::Kept;
#[cfg(target_os = "linux")]
pub use launch::run;
pub use layer::{Layer, OURSELVES};
#[cfg(target_os = "linux")]
pub use ourselves::{confine_ourselves, hand_over, shed, take_over};
pub use tie::die_with_parent;
#[cfg(target_os = "linux")]
pub use view::always_seen;
pub use walls::{Wall, walls};

/// Confines nothing and so runs nothing: the walls are Linux's.
#[cfg(not(target_os = "linux"))]
pub fn run(_job: &Job) -> Result<Ended, CannotRun> {
    Err(walls::missing(Layer::User, "this system is not Linux"))
}

/// Whether a path lies in what every confined command sees; where nothing is confined nothing is.
#[cfg(not(target_os = "linux"))]
pub fn always_seen(_path: &std::path::Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
