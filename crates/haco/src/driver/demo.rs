//! haco demo: run the whole loop on a small repository made for it.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Run the whole loop on a small repository made for it
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
