//! haco doctor: check the state; --fix moves aside and derives again.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Check the state; --fix moves aside and derives again
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
