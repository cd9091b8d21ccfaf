//! Where the other programs are, and how all six are called, for what is made from it: completions and man pages.

use clap::{Command, CommandFactory};
use std::path::PathBuf;

/// The suite's other programs, as they are called through haco.
pub const THROUGH_HACO: [&str; 5] = ["plan", "worker", "verify", "audit", "ship"];

/// A program of the suite beside this one, else whatever PATH has.
pub fn beside(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|me| Some(me.parent()?.join(name)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

/// haco, and the others in the order of [`THROUGH_HACO`].
pub fn commands() -> (Command, [Command; 5]) {
    let others = [
        crate::plan::Args::command(),
        crate::worker::Args::command(),
        crate::verify::Args::command(),
        crate::audit::Args::command(),
        crate::ship::Args::command(),
    ];
    (crate::driver::Args::command(), others)
}
