//! How all six programs are called, for what is made from it: completions and man pages.

use clap::{Command, CommandFactory};

/// The suite's other programs, as they are called through haco.
pub const THROUGH_HACO: [&str; 5] = ["plan", "worker", "verify", "audit", "ship"];

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
