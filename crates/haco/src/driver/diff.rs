//! haco diff: print a candidate's change.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Print a candidate's change
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
