//! The program `haco-audit`.

use haco::{audit, exit};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::asking::<audit::Args>("haco-audit", audit::run)
}
