//! Tickets that somebody else wrote: a new plan of them, more for a plan, or a new contract for one.

use super::{Args, checks, make, report, source};
use crate::{
    contracts::{self, Order, Target},
    desk::Desk,
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    id::{PlanId, TicketId},
    intake::{self, Incoming, Source},
};
use std::collections::BTreeSet;

/// A new plan with the document's tickets.
pub(super) fn new(desk: &mut Desk, from: &str, args: &Args, out: &mut Out) -> Result<Outcome> {
    let typed = source::typed(args)?;
    let incoming = read(from)?;
    let said = &incoming.plan;
    let title = || incoming.tickets.first().map(|d| d.title.clone());
    let words = typed.or_else(|| said.requirement.clone()).or_else(|| said.summary.clone()).or_else(title);
    let (plan, exact) = make::plan(desk, args, words.unwrap_or_default(), said, out)?;
    let found = checks::find(desk, &plan)?;
    let order = order(Target::New { plan: Box::new(plan), exact }, BTreeSet::new());
    let (plan, added) = contracts::store(desk, order, incoming)?;
    if !added.ids.is_empty() {
        checks::keep(desk, &found, out)?;
        out.say(format!("plan '{plan}'"));
    }
    report::end(desk, &plan, &added, Code::BadTicket, out)
}

/// More tickets for a plan. In a document of this very plan, an id of the plan means that ticket.
pub(super) fn add(desk: &Desk, from: &str, plan: &PlanId, out: &mut Out) -> Result<Outcome> {
    desk.store.plan(plan)?;
    let mut incoming = read(from)?;
    let replaced =
        if incoming.plan.id.as_ref() == Some(plan) { own(desk, plan, &mut incoming)? } else { BTreeSet::new() };
    let (_, added) = contracts::store(desk, order(Target::There(plan), replaced), incoming)?;
    report::end(desk, plan, &added, Code::BadTicket, out)
}

/// The plan's open tickets that the document names; closed and shipped ones stay out of it.
fn own(desk: &Desk, plan: &PlanId, incoming: &mut Incoming) -> Result<BTreeSet<TicketId>> {
    let tickets = desk.store.world(Some(plan))?.tickets;
    let done = |id: &TicketId| tickets.get(id).is_some_and(|t| t.closed_by().is_some() || t.shipment.is_some());
    incoming.tickets.retain(|draft| !draft.id.as_ref().is_some_and(done));
    Ok(incoming.tickets.iter().filter_map(|d| d.id.clone()).filter(|id| tickets.contains_key(id)).collect())
}

/// A new contract for `ticket`; what was done of the old one stays in its history.
pub(super) fn replace(
    desk: &Desk,
    from: &str,
    ticket: &TicketId,
    named: Option<&PlanId>,
    out: &mut Out,
) -> Result<Outcome> {
    let unknown = |why: String| Failure::new(Code::UnknownId, why);
    let plan = desk.store.ticket(ticket)?.plan;
    if named.is_some_and(|named| *named != plan) {
        return Err(unknown(format!("ticket '{ticket}' is of plan '{plan}'")).fix("leave --plan out").into());
    }
    if !desk.store.plan(&plan)?.tickets.contains(ticket) {
        return Err(unknown(format!("plan '{plan}' does not name '{ticket}'")).fix("haco doctor").into());
    }
    let mut incoming = read(from)?;
    contracts::whole(&incoming)?;
    let [draft] = incoming.tickets.as_mut_slice() else {
        let count = incoming.tickets.len();
        let failure = Failure::new(Code::BadPlan, format!("{ticket}: one contract is needed, and there are {count}"));
        return Err(failure.fix(format!("haco split {ticket} --from -")).into());
    };
    draft.id = Some(ticket.clone());
    incoming.plan = intake::IncomingPlan::default();
    let (_, added) = contracts::store(desk, order(Target::There(&plan), BTreeSet::from([ticket.clone()])), incoming)?;
    report::end(desk, &plan, &added, Code::BadTicket, out)
}

fn read(from: &str) -> Result<Incoming> {
    let incoming = intake::read(&source::document(from)?, Source::File)?;
    if incoming.tickets.is_empty() && incoming.bad.is_empty() {
        contracts::whole(&incoming)?;
    }
    Ok(incoming)
}

fn order<'a>(target: Target<'a>, replaced: BTreeSet<TicketId>) -> Order<'a> {
    let actor = contracts::actor(Source::File);
    Order { target, actor, replaced, split: None, first: false, before: &|_| Ok(()) }
}
