//! haco: the face of the suite.

use crate::{
    exit::{Outcome, Program},
    output::{Common, Out},
};
use anyhow::Result;
use clap::Parser;

/// Run AI coding work the way a careful team would
#[derive(Debug, Parser)]
#[command(name = "haco", version)]
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
