//! haco accept: gate 2: accept audited work.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Gate 2: accept audited work
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
