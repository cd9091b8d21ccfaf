//! Tickets that came from outside become contracts of a plan: read, checked, given ids and ordered, then stored at once.
//!
//! `graph` judges what waits for what, `merge` what an existing ticket takes over; who wrote the text and what is printed
//! is the caller's.

mod graph;
mod merge;
#[cfg(test)]
mod tests;

use crate::{
    clock,
    desk::{Desk, Loaded},
    ground,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{self, Facts, Need},
    id::{PlanId, TicketId},
    intake::{self, Bad, Incoming, Source},
    journal::Event,
    plan::Plan,
    ticket::Ticket,
    tickets::Tickets,
    verdict::Decision,
};
use haco_store::{StepLock, Tx};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

pub use graph::{flaws, hold_back};

/// What came of it.
#[derive(Debug, Default)]
pub struct Added {
    /// The new tickets, in the document's order.
    pub ids: Vec<TicketId>,
    /// What was changed on the way in, a sentence each.
    pub notes: Vec<String>,
    /// Tickets that were not taken, with their reasons.
    pub bad: Vec<Bad>,
}

/// The plan that takes the tickets.
pub enum Target<'a> {
    /// One that is there.
    There(&'a PlanId),
    /// One that is made with them; where its id is taken it gets a number, or with `exact` it fails.
    New {
        /// Without tickets yet.
        plan: Box<Plan>,
        /// Whether a person named the id.
        exact: bool,
    },
}

/// What is to be stored and by whom.
pub struct Order<'a> {
    /// Where to.
    pub target: Target<'a>,
    /// `tech_lead`, `supervisor` or `human`.
    pub actor: &'a str,
    /// Tickets that get a new contract: those of the document that have these ids.
    pub replaced: BTreeSet<TicketId>,
    /// The ticket whose children the others are, and why.
    pub split: Option<(&'a TicketId, Option<String>)>,
    /// Whether the plan must have no tickets yet.
    pub first: bool,
    /// Called with the plan's id once it is sure, before anything is stored.
    pub before: &'a dyn Fn(&PlanId) -> Result<()>,
}

/// Reads `text` and adds its tickets to `plan`; with `split`, they are that ticket's children, take over what it depends
/// on, and the split is recorded in the same step with `reason`. Of a split all children must be valid; else the valid
/// ones are stored. Whoever splits holds the parent's step.
pub fn add(
    desk: &Desk,
    plan: &PlanId,
    text: &str,
    source: Source,
    split: Option<(&TicketId, Option<String>)>,
) -> Result<Added> {
    let incoming = intake::read(text, source)?;
    if split.is_some() {
        whole(&incoming)?;
    }
    let order = Order {
        target: Target::There(plan),
        actor: actor(source),
        replaced: BTreeSet::new(),
        split,
        first: false,
        before: &|_| Ok(()),
    };
    store(desk, order, incoming).map(|(_, added)| added)
}

/// Who writes: a model is the lead, a text is of the agent that drives this program, else of a person.
pub fn actor(source: Source) -> &'static str {
    match source {
        Source::Model => "tech_lead",
        Source::File if std::env::var("CLAUDECODE").is_ok_and(|v| v == "1") => "supervisor",
        Source::File => "human",
    }
}

/// All tickets of a document, or a failure that says what is wrong with the first bad one.
pub fn whole(incoming: &Incoming) -> Result<(), Failure> {
    match incoming.bad.as_slice() {
        [] if incoming.tickets.is_empty() => Err(Failure::new(Code::BadPlan, "the document holds no ticket")),
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            Err(Failure::new(Code::BadTicket, format!("a ticket is not valid: {}{more}", first.reasons.join("; "))))
        }
    }
}

/// Stores the valid tickets of `incoming` in one step, and the plan with them; where none is valid, nothing.
pub fn store(desk: &Desk, order: Order<'_>, mut incoming: Incoming) -> Result<(PlanId, Added)> {
    let (mut tx, mut plan) = begin(desk, &order.target)?;
    let bad = std::mem::take(&mut incoming.bad);
    let mut notes = std::mem::take(&mut incoming.notes);
    if incoming.tickets.is_empty() {
        return Ok((plan.id, Added { bad, notes, ..Added::default() }));
    }
    if order.first && !plan.tickets.is_empty() {
        return Err(has_tickets(&plan.id).into());
    }
    let there = as_read(&tx, &plan)?;
    let came = assign(desk, &mut tx, &plan, &there.tickets, &order, incoming.clone(), &mut notes)?;
    stages_are_known(desk, &there, &plan, &came)?;
    merge::plan(&mut plan, &incoming.plan);
    let mut tickets = there.tickets.clone();
    let ids = lay(&mut plan, &mut tickets, came, &order, &mut notes)?;
    let _steps = may_change(desk, &there, &ids, &order)?;
    graph::order(&mut tickets, &mut notes)?;
    (order.before)(&plan.id)?;
    for ticket in tickets.into_values() {
        if there.tickets.get(&ticket.id) != Some(&ticket) {
            tx.put_ticket(ticket)?;
        }
    }
    let (id, event) = (plan.id.clone(), event(&order, &plan.id, &ids));
    tx.put_plan(plan)?;
    tx.commit(event)?;
    Ok((id, Added { ids, notes, bad }))
}

/// The failure for a plan that the lead has cut already.
pub fn has_tickets(id: &PlanId) -> Failure {
    Failure::new(Code::IllegalStep, format!("plan '{id}' has its tickets already"))
        .fix(format!("haco plan --plan {id} --from FILE"))
}

/// The plan and its tickets as the transaction read them.
fn as_read(tx: &Tx<'_>, plan: &Plan) -> Result<Loaded> {
    let tickets: Result<Tickets> = plan.tickets.iter().map(|id| Ok(tx.ticket(id)?.clone())).collect();
    let tickets = tickets?;
    Ok(Loaded { plans: BTreeMap::from([(plan.id.clone(), plan.clone())]), tickets, facts: Facts::default() })
}

fn stages_are_known(desk: &Desk, there: &Loaded, plan: &Plan, came: &[Ticket]) -> Result<()> {
    let Some(studio) = desk.world(there).studios.get(&plan.studio) else { return Ok(()) };
    match came.iter().find(|t| studio.stage(t.stage.as_deref()).is_none()) {
        None => Ok(()),
        Some(ticket) => {
            let stage = ticket.stage.as_deref().unwrap_or_default().escape_debug();
            let why = format!("ticket '{}': the studio '{}' has no stage '{stage}'", ticket.id, plan.studio);
            Err(Failure::new(Code::BadTicket, why).into())
        }
    }
}

/// Makes a plan that has no tickets yet; the id that it got.
pub fn make(desk: &Desk, plan: Plan, exact: bool, actor: &str) -> Result<PlanId> {
    let (mut tx, plan) = begin(desk, &Target::New { plan: Box::new(plan), exact })?;
    let id = plan.id.clone();
    tx.put_plan(plan)?;
    let event = Event { plan: Some(id.clone()), ..Event::new("plan_made", actor, &clock::now()) };
    tx.commit(event)?;
    Ok(id)
}

/// The plan, locked with all of its tickets; a new one under the id that it gets.
fn begin<'a>(desk: &'a Desk, target: &Target<'_>) -> Result<(Tx<'a>, Plan)> {
    match target {
        Target::There(id) => loop {
            let held: Vec<TicketId> = desk.store.plan(id)?.tickets;
            let tx = desk.store.begin(&held, Some(id))?;
            // Somebody may have added to it before the locks stood.
            if tx.plan()?.tickets == held {
                let plan = tx.plan()?.clone();
                return Ok((tx, plan));
            }
        },
        Target::New { plan, exact } => {
            let (mut id, mut n) = (plan.id.clone(), 1);
            loop {
                let tx = desk.store.begin(&[], Some(&id))?;
                if !tx.plan_exists() {
                    return Ok((tx, Plan { id, ..(**plan).clone() }));
                }
                if *exact {
                    return Err(taken(&id).into());
                }
                n += 1;
                id = plan.id.numbered(n);
            }
        }
    }
}

/// The failure for a plan's id that somebody named and that is not free.
pub fn taken(id: &PlanId) -> Failure {
    Failure::new(Code::BadPlan, format!("there is a plan '{id}' already"))
        .fix(format!("add to it with --plan {id}, or name another id with --id {}", id.numbered(2)))
}

/// Whether the tickets that change may still change, as the cursor has it; their steps are held from here on.
fn may_change(desk: &Desk, there: &Loaded, ids: &[TicketId], order: &Order<'_>) -> Result<Vec<StepLock>> {
    let replaced: Vec<&TicketId> = ids.iter().filter(|id| there.tickets.contains_key(id)).collect();
    let split = order.split.iter().map(|(id, _)| (*id, "a split"));
    let changed: Vec<_> = replaced.iter().map(|id| (*id, "a new contract")).chain(split).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let position = desk.position(there);
    for (id, wanted) in changed {
        let standing = position.standings.get(id);
        if let Some(standing) = standing.filter(|s| matches!(s.need, Need::Shipped | Need::Abandoned | Need::Split)) {
            return Err(cursor::refusal(id, standing, wanted).into());
        }
    }
    replaced.into_iter().map(|id| step(desk, id)).collect()
}

fn step(desk: &Desk, id: &TicketId) -> Result<StepLock> {
    if let Some(held) = desk.store.try_step(id)? {
        return Ok(held);
    }
    let holder = desk.store.busy()?.remove(id).unwrap_or_else(|| "another process".to_owned());
    Err(Failure::new(Code::Busy, format!("{id} is held by {holder}")).fix("haco stop").into())
}

/// The document's tickets with their ids, and their paths sorted by what the base and the plan's other tickets bring.
fn assign(
    desk: &Desk,
    tx: &mut Tx<'_>,
    plan: &Plan,
    tickets: &Tickets,
    order: &Order<'_>,
    incoming: Incoming,
    notes: &mut Vec<String>,
) -> Result<Vec<Ticket>> {
    let mut taken = BTreeSet::new();
    for id in incoming.tickets.iter().filter_map(|d| d.id.clone()) {
        if !order.replaced.contains(&id) && !tx.is_free(&id)? {
            taken.insert(id);
        }
    }
    let mut free = tx.new_ticket_ids(incoming.tickets.len() * 2)?.into_iter();
    let base = ground::base_commit(desk, plan, &Tickets::default(), &[])?;
    let mut files: BTreeSet<String> = desk.repo()?.list(&base)?.into_iter().map(|entry| entry.path).collect();
    let others = tickets.values().filter(|t| t.closed_by().is_none() && !order.replaced.contains(&t.id));
    files.extend(others.flat_map(|t| &t.task.new_files).map(|path| path.as_str().to_owned()));
    let next = || free.next().expect("each ticket uses one at most, beside those that the document names");
    let assigned = intake::assign(incoming, &taken, next, &plan.id, &files);
    notes.extend(assigned.notes);
    for ticket in &assigned.tickets {
        let vague = intake::vague(&ticket.definition_of_done.acceptance_criteria);
        notes.extend(vague.into_iter().map(|warning| format!("{}: {warning}", ticket.id)));
    }
    Ok(assigned.tickets)
}

/// Puts what came among the plan's tickets; the ids that are new or changed.
fn lay(
    plan: &mut Plan,
    tickets: &mut Tickets,
    came: Vec<Ticket>,
    order: &Order<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<TicketId>> {
    let mut ids = Vec::new();
    let none = |id| Failure::new(Code::UnknownId, format!("plan '{}' has no ticket '{id}'", plan.id)).fix("haco list");
    let inherited = match &order.split {
        Some((parent, _)) => tickets.get(parent).ok_or_else(|| none(parent))?.depends_on.clone(),
        None => Vec::new(),
    };
    for mut ticket in came {
        if let Some(there) = tickets.get_mut(&ticket.id) {
            if merge::contract(there, ticket, order.actor, &clock::now()) {
                ids.push(there.id.clone());
            } else {
                notes.push(format!("{}: the contract is as it was", there.id));
            }
            continue;
        }
        let more: Vec<TicketId> = inherited.iter().filter(|id| !ticket.depends_on.contains(id)).cloned().collect();
        ticket.depends_on.extend(more);
        ticket.created_by.get_or_insert_with(|| order.actor.to_owned());
        ids.push(ticket.id.clone());
        plan.tickets.push(ticket.id.clone());
        tickets.insert(Box::new(ticket));
    }
    if let Some((parent, reason)) = &order.split {
        let parent = tickets.get_mut(parent).expect("what it depends on was read above");
        let last = parent.attempts.last().map_or(0, |a| a.n);
        let decision = Decision::new("split", order.actor, &clock::now(), last);
        parent.decisions.push(Decision { reason: reason.clone(), into: ids.clone(), ..decision });
    }
    Ok(ids)
}

fn event(order: &Order<'_>, plan: &PlanId, ids: &[TicketId]) -> Event {
    let (word, ticket) = match (&order.split, order.replaced.iter().next()) {
        (Some((parent, _)), _) => ("split", Some((*parent).clone())),
        (None, Some(one)) if ids == [one.clone()] => ("contract_replaced", Some(one.clone())),
        // Nothing but the plan's own words may have changed.
        (None, _) if ids.is_empty() => ("", None),
        _ => ("tickets_added", None),
    };
    let data = json!({"tickets": ids});
    Event { plan: Some(plan.clone()), ticket, data, ..Event::new(word, order.actor, &clock::now()) }
}
