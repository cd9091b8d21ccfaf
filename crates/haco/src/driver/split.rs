//! haco split: replace a ticket by smaller ones.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Replace a ticket by smaller ones
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
