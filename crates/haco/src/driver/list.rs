//! haco list: list tickets.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// List tickets
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
