//! haco show: show one ticket, or a plan.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Show one ticket, or a plan
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
