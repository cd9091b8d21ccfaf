//! haco next: print the one next action and the command that performs it.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Print the one next action and the command that performs it
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
