//! haco apply: put an audited change into the working tree.

use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Put an audited change into the working tree
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
