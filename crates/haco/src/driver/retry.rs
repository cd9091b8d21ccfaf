//! haco retry: reopen a blocked ticket with a fresh budget.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Reopen a blocked ticket with a fresh budget
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
