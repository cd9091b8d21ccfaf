//! haco stop: let the running haco run end its steps and exit.

use super::run::{LOCK, STOP};
use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;

/// Let the running haco run end its steps and exit
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let Some(who) = desk.store.who_is_at(LOCK)? else {
        out.say("no haco run is at work here");
        return Ok(Outcome::yes().with("running", false));
    };
    // It names the one that is meant, so that no later run obeys it.
    desk.store.write(STOP, who.as_bytes())?;
    out.say(format!("{who} ends once its steps in hand have"));
    Ok(Outcome::yes().with("running", true).with("holder", who))
}
