//! haco trust: a person takes in what somebody else wrote: the repository's configuration, or one state file.

mod config;
mod state;

use super::gates;
use crate::{exit::Outcome, output::Out};
use anyhow::Result;

/// Trust the repository's configuration, or a state file that somebody else wrote
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A ticket or a plan whose file is taken in as it is; without one, .haco/config.json
    #[arg(value_name = "TICKET|PLAN")]
    id: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    match args.id {
        None => config::trust(out),
        Some(id) => state::trust(&gates::target(&id)?, out),
    }
}
