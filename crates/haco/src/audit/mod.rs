//! haco-audit: Review candidates against their contracts.

use crate::{
    exit::{Outcome, Program},
    output::{Common, Out},
};
use anyhow::Result;
use clap::Parser;

/// Review candidates against their contracts
#[derive(Debug, Parser)]
#[command(name = "haco-audit", version)]
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
