//! haco abandon: take a ticket out of its plan; legal until shipping, also for an agent.

use super::gates;
use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{cursor::Need, verdict::Decision};

/// Take a ticket out of its plan
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket (T-001)
    ticket: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let id = gates::ticket_id(&desk, &args.ticket)?;
    let loaded = desk.load_ticket(&id)?;
    if gates::standing(&desk.position(&loaded), &id)?.need == Need::Abandoned {
        desk.store.check(&id)?;
        out.say(format!("{id}: it was abandoned already"));
        return gates::done(&desk, out, &id);
    }
    gates::record(&desk, &id, |_, ticket, standing| {
        gates::until_shipping(&id, standing, "abandoning it")?;
        let reason = args.reason.filter(|r| !r.trim().is_empty());
        Ok(Decision { reason, ..gates::decision(out, "abandon", ticket) })
    })?;
    let plan = desk.load(Some(&loaded.ticket(&id)?.plan))?;
    let dependents = gates::open_dependents(&plan.tickets, &id);
    if dependents.is_empty() {
        out.say(format!("{id}: abandoned"));
    } else {
        out.say(format!("{id}: abandoned; blocked by that: {}", gates::list(&dependents)));
    }
    gates::done(&desk, out, &id)
}
