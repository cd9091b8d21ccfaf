//! haco report: print cost per accepted ticket and how the work went.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Print cost per accepted ticket and how the work went
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
