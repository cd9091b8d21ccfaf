//! A ticket whose tries are spent, cut by a lead that is a model: a proposal, which a person approves.

use super::{ask, report};
use crate::{
    clock,
    contracts::{self, Order, Target},
    desk::{Desk, event},
    exit::Outcome,
    output::Out,
    turn::Turn,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{self, Need},
    id::TicketId,
    intake::{Incoming, Source},
    plan::{Granularity, Plan},
    settings::{HUMAN, SUPERVISOR},
    ticket::Ticket,
    verdict::Decision,
};
use serde_json::json;
use std::collections::BTreeSet;

/// Asks the lead for smaller tickets in the place of `id`; where it sees one thing alone, that is recorded.
pub(super) fn cut(desk: &Desk, id: &TicketId, named: Option<&str>, out: &mut Out) -> Result<Outcome> {
    let turn = Turn::of(desk, id)?;
    if matches!(turn.standing.need, Need::Shipped | Need::Abandoned | Need::Split) {
        return Err(cursor::refusal(id, &turn.standing, "a split").into());
    }
    let ticket = turn.loaded.ticket(id)?;
    let plan = turn.loaded.plan_of(ticket)?;
    let lead = ask::lead_of(desk, named);
    may_lead(desk, plan, ticket, &lead)?;
    let asked = Plan {
        requirement: requirement(ticket),
        granularity: Some(Granularity::Fine),
        context: Vec::new(),
        ..plan.clone()
    };
    let answer = ask::answer(desk, &asked, &lead, out)?;
    let calls = answer.calls;
    let reason = match answer.incoming {
        Ok(incoming) if incoming.tickets.len() > 1 && incoming.bad.is_empty() => {
            let keep = |plan: &_| ask::keep(desk, plan, &calls);
            return propose(desk, (plan, id), incoming, &keep, out);
        }
        Ok(incoming) if incoming.bad.is_empty() => "the lead sees one thing in it".to_owned(),
        Ok(_) => "the lead found no valid tickets for it".to_owned(),
        Err(failure) if failure.code == Code::BadPlan => failure.message,
        Err(failure) => return Err(failure.into()),
    };
    ask::keep(desk, &plan.id, &calls)?;
    whole(desk, ticket, &reason)?;
    out.say(format!("{id}: it is not cut: {reason}"));
    Ok(Outcome::yes().with("plan", plan.id.as_str()).with("tickets", json!([])))
}

/// A model that a person approved with the scope; anybody else cuts it with `haco split`.
fn may_lead(desk: &Desk, plan: &Plan, ticket: &Ticket, lead: &str) -> Result<(), Failure> {
    let id = &ticket.id;
    let by_hand = format!("haco split {id} --from -");
    if lead == SUPERVISOR || lead == HUMAN {
        let code = if lead == HUMAN { Code::NeedsPerson } else { Code::NeedsSupervisor };
        return Err(Failure::new(code, format!("{id}: '{lead}' cuts it into smaller tickets")).fix(by_hand));
    }
    let asked = desk.settings.approved(lead)?;
    if plan.approval().is_some_and(|a| !a.models.contains(&asked)) {
        let why = format!("{id}: '{lead}' is not in the set of models that was approved with the scope");
        return Err(Failure::new(Code::OutsideApproval, why).fix(format!("haco approve {}", plan.id)));
    }
    Ok(())
}

/// What the lead is asked instead of the plan's requirement. What a check printed is not in it: that is nobody's word.
fn requirement(ticket: &Ticket) -> String {
    let failed: Vec<&str> = ticket.attempts.iter().filter_map(|a| a.outcome.as_deref()).collect();
    let contract = json!({"title": ticket.title, "type": ticket.kind, "task": ticket.task,
                          "context": ticket.context, "definition_of_done": ticket.definition_of_done});
    format!(
        "One ticket was tried {} times and is not done ({}). Cut it into two or more smaller tickets that together do \
         what it asks, each with its own tests. If it is one thing that cannot be smaller, answer with one ticket.\n\n\
         The ticket:\n\n{contract:#}\n",
        ticket.attempts.len(),
        if failed.is_empty() { "its checks or its audit said no".to_owned() } else { failed.join(", ") },
    )
}

fn propose(
    desk: &Desk,
    (plan, id): (&Plan, &TicketId),
    incoming: Incoming,
    before: &dyn Fn(&haco_core::id::PlanId) -> Result<()>,
    out: &mut Out,
) -> Result<Outcome> {
    let split = Some((id, Some("its tries are spent".to_owned())));
    let actor = contracts::actor(Source::Model);
    let target = Target::There(&plan.id);
    let order = Order { target, actor, replaced: BTreeSet::new(), split, first: false, before };
    let (plan, added) = contracts::store(desk, order, incoming)?;
    report::end(desk, &plan, &added, Code::TicketsRefused, out)
}

/// Records that a ticket is one thing, so that the next rung is another way.
fn whole(desk: &Desk, ticket: &Ticket, reason: &str) -> Result<()> {
    let mut tx = desk.store.begin(std::slice::from_ref(&ticket.id), Some(&ticket.plan))?;
    let mut ticket = tx.ticket(&ticket.id)?.clone();
    let last = ticket.attempts.last().map_or(0, |a| a.n);
    let actor = contracts::actor(Source::Model);
    let decision = Decision::new("whole", actor, &clock::now(), last);
    ticket.decisions.push(Decision { reason: Some(reason.to_owned()), ..decision });
    let event = event("whole", actor, &ticket);
    tx.put_ticket(ticket)?;
    Ok(tx.commit(event)?)
}
