//! haco trust: trust the repository's configuration, or take in a file that somebody else wrote.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Trust the repository's configuration, or take in a file that somebody else wrote
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
