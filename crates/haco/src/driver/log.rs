//! haco log: print the journal.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Print the journal
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
