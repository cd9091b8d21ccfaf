//! haco completions: print shell completions.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Print shell completions
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
