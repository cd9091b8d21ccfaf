//! haco-worker: Draft a ticket, or answer a prompt, with a model.

use crate::{
    exit::{Outcome, Program},
    output::{Common, Out},
};
use anyhow::Result;
use clap::Parser;

/// Draft a ticket, or answer a prompt, with a model
#[derive(Debug, Parser)]
#[command(name = "haco-worker", version)]
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
