//! haco init: make .haco here; with options, what a supervising agent needs.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Make .haco here; with options, what a supervising agent needs
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
