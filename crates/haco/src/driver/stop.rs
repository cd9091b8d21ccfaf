//! haco stop: let the running haco run end its steps and exit.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Let the running haco run end its steps and exit
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
