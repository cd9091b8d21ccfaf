//! haco abandon: take a ticket out of its plan.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Take a ticket out of its plan
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
