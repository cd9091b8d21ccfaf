//! haco status: show where the plans stand.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Show where the plans stand
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
