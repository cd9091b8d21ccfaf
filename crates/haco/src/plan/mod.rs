//! haco-plan: Turn a requirement into tickets.

use crate::{
    exit::{Outcome, Program},
    output::{Common, Out},
};
use anyhow::Result;
use clap::Parser;

/// Turn a requirement into tickets
#[derive(Debug, Parser)]
#[command(name = "haco-plan", version)]
pub struct Args {
    #[command(flatten)]
    common: Common,
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs the program.
pub fn run(_args: Args, _out: &mut Out) -> Result<Outcome> {
    Ok(Outcome::yes())
}
