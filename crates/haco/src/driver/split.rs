//! haco split: replace a ticket by smaller ones, which wait for approval, or say that it is one thing; legal until
//! shipping, also for an agent.

use super::gates;
use crate::{
    contracts,
    desk::Desk,
    exit::Outcome,
    input,
    output::{Answered, Out, Tally},
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    id::TicketId,
    intake::Source,
    verdict::Decision,
};

const MOST_BYTES: u64 = 16 << 20;

/// Replace a ticket by smaller ones
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket (T-001)
    ticket: String,
    /// The smaller tickets (JSON, JSON Lines or PLAN.md); - reads them from stdin
    #[arg(long, value_name = "FILE|-", required_unless_present = "whole")]
    from: Option<String>,
    /// Say that it cannot be smaller, so that what follows on spent tries is another way
    #[arg(long, conflicts_with = "from", requires = "reason")]
    whole: bool,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let id = gates::ticket_id(&desk, &args.ticket)?;
    desk.store.check(&id)?;
    let loaded = desk.load_ticket(&id)?;
    let plan = loaded.ticket(&id)?.plan.clone();
    desk.store.check_plan(&plan)?;
    gates::until_shipping(&id, gates::standing(&desk.position(&loaded), &id)?, "splitting it")?;
    let Some(from) = &args.from else { return whole(&desk, &id, args.reason, out) };
    let text = input::file_or_stdin(from, MOST_BYTES)?;
    let added = contracts::add(&desk, &plan, &text, Source::File, Some((&id, args.reason)))?;
    for note in &added.notes {
        out.say(note);
    }
    if added.ids.is_empty() {
        let why = added.bad.iter().flat_map(|b| &b.reasons).next().map_or("it holds no ticket", String::as_str);
        return Err(Failure::new(Code::TicketsRefused, format!("{id}: it was not split: {why}")).into());
    }
    out.say(format!("{id}: split into {}; a person approves them: haco approve {plan}", gates::list(&added.ids)));
    let loaded = desk.load(Some(&plan))?;
    let (world, position) = (desk.world(&loaded), desk.position(&loaded));
    let mut tally = Tally::default();
    for child in &added.ids {
        tally.take(out, child, Answered { status: position.status(&world, child), ..Answered::default() })?;
    }
    Ok(tally.end().with("plan", plan.as_str()))
}

/// A decision that lasts as long as the contract.
fn whole(desk: &Desk, id: &TicketId, reason: Option<String>, out: &mut Out) -> Result<Outcome> {
    gates::record(desk, id, |_, ticket, _| Ok(Decision { reason, ..gates::decision(out, "whole", ticket) }))?;
    out.say(format!("{id}: it is not cut"));
    gates::done(desk, out, id)
}
