//! haco withdraw: take back an approval or an acceptance.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Take back an approval or an acceptance
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
