//! haco approve: gate 1: approve the scope of a plan.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Gate 1: approve the scope of a plan
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
