//! The program `haco-plan`.

use haco::{exit, plan};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::asking::<plan::Args>("haco-plan", plan::run)
}
