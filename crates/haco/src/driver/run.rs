//! haco run: do every next action until only somebody outside can go on.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Do every next action until only somebody outside can go on
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
