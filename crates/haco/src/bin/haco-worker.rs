//! The program `haco-worker`.

use haco::{exit, worker};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::asking::<worker::Args>("haco-worker", worker::run)
}
