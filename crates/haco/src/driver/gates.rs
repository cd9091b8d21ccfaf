//! What the commands that record a decision share: what a person named, who decides, and one decision on one ticket under
//! its lock.

use crate::{
    clock,
    desk::{self, Desk, Loaded},
    exit::Outcome,
    input,
    output::{Answered, Out, Tally},
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Need, Position, Standing, refusal},
    graph,
    id::{PlanId, TicketId},
    settings::{HUMAN, SUPERVISOR},
    ticket::Ticket,
    tickets::Tickets,
    verdict::{Decision, Via},
};

/// What an argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `T-001`, `F-001`.
    Ticket(TicketId),
    /// Any other id.
    Plan(PlanId),
}

impl Target {
    /// The plan that is meant, or that the ticket belongs to.
    pub fn plan(&self, desk: &Desk) -> Result<PlanId> {
        Ok(match self {
            Target::Plan(id) => desk.store.plan(id).map_err(|f| f.fix("haco status"))?.id,
            Target::Ticket(id) => desk.store.ticket(&ticket_id(desk, id.as_str())?)?.plan,
        })
    }
}

/// Reads an argument: what has the form of a ticket's id is one.
pub fn target(text: &str) -> Result<Target> {
    if let Ok(id) = text.parse() {
        return Ok(Target::Ticket(id));
    }
    Ok(Target::Plan(plan(text)?))
}

/// Reads a plan's id.
pub fn plan(text: &str) -> Result<PlanId> {
    let bad = |why: String| Failure::new(Code::UnknownId, why).fix("haco status");
    Ok(text.parse().map_err(bad)?)
}

/// Who decides: a person where one sits at a terminal and no agent drives it, else the supervisor.
pub fn actor(out: &Out) -> (&'static str, Option<Via>) {
    let driven = std::env::var_os("CLAUDECODE").is_some_and(|v| v == "1");
    if driven || !out.can_ask() { (SUPERVISOR, None) } else { (HUMAN, Some(Via::Tty)) }
}

/// The latest attempt's number; 0 for none.
pub fn latest_attempt(ticket: &Ticket) -> u32 {
    ticket.attempts.last().map_or(0, |a| a.n)
}

/// The tickets that are still to be done and wait for `id`, directly or not, also as a part of what was split.
pub fn open_dependents(tickets: &Tickets, id: &TicketId) -> Vec<TicketId> {
    let mut edges = graph::edges(tickets.values());
    for ticket in tickets.values() {
        let into = ticket.closed_by().map(|d| d.into.clone()).unwrap_or_default();
        edges.entry(ticket.id.clone()).or_default().extend(into);
    }
    let waits = graph::dependents(&edges, id);
    waits.into_iter().filter(|id| tickets.get(id).is_some_and(is_open)).collect()
}

/// Whether nobody took the ticket out and it is not shipped.
pub fn is_open(ticket: &Ticket) -> bool {
    ticket.closed_by().is_none() && ticket.shipment.is_none()
}

/// Ids in a sentence.
pub fn list(ids: &[TicketId]) -> String {
    ids.iter().map(TicketId::as_str).collect::<Vec<_>>().join(", ")
}

/// Where a ticket stands; a failure where its plan cannot say.
pub fn standing<'a>(position: &'a Position, id: &TicketId) -> Result<&'a Standing> {
    let none = || Failure::new(Code::BadPlan, format!("nobody can say where '{id}' stands")).fix("haco doctor");
    Ok(position.standings.get(id).ok_or_else(none)?)
}

/// Refuses `what` for a ticket that was shipped or taken out: it is legal until shipping.
pub fn until_shipping(id: &TicketId, standing: &Standing, what: &str) -> Result<()> {
    match standing.need {
        Need::Shipped | Need::Abandoned | Need::Split => Err(refusal(id, standing, what).into()),
        _ => Ok(()),
    }
}

/// Records one decision on one ticket: `decide` sees it as it is under its lock, and says no or what is recorded.
pub fn record(
    desk: &Desk,
    id: &TicketId,
    decide: impl FnOnce(&Loaded, &Ticket, &Standing) -> Result<Decision>,
) -> Result<()> {
    let plan = desk.store.ticket(id)?.plan;
    let mut tx = desk.store.begin(std::slice::from_ref(id), Some(&plan))?;
    let loaded = desk.load_ticket(id)?;
    let position = desk.position(&loaded);
    let mut ticket = tx.ticket(id)?.clone();
    let decision = decide(&loaded, &ticket, standing(&position, id)?)?;
    let event = desk::event(&decision.action, &decision.by, &ticket);
    ticket.decisions.push(decision);
    tx.put_ticket(ticket)?;
    Ok(tx.commit(event)?)
}

/// A decision of now by whoever sits here.
pub fn decision(out: &Out, action: &str, ticket: &Ticket) -> Decision {
    let (by, via) = actor(out);
    Decision { via, ..Decision::new(action, by, &clock::now(), latest_attempt(ticket)) }
}

/// The answer of a command about one ticket: its id, and with `--json` where it stands now.
pub fn done(desk: &Desk, out: &mut Out, id: &TicketId) -> Result<Outcome> {
    let mut tally = Tally::default();
    let loaded = desk.load_ticket(id)?;
    let status = desk.position(&loaded).status(&desk.world(&loaded), id);
    tally.take(out, id, Answered { status, ..Answered::default() })?;
    Ok(tally.end())
}

/// One ticket's id as typed, which must be there.
pub fn ticket_id(desk: &Desk, text: &str) -> Result<TicketId> {
    let id = input::id(text)?;
    desk.store.ticket(&id).map_err(|f| if f.code == Code::UnknownId { f.fix("haco list") } else { f })?;
    Ok(id)
}

/// Untrusted text on one line: line ends and tabs become visible too, so that it cannot look like more lines.
pub fn flat(text: &str) -> String {
    let one = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c => c.to_string(),
    };
    text.trim_end().chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(n: u32, on: &[u32]) -> Ticket {
        let on: Vec<TicketId> = on.iter().map(|n| TicketId::ticket(*n)).collect();
        serde_json::from_value(serde_json::json!({
            "id": TicketId::ticket(n), "title": "t", "type": "chore", "plan": "p", "depends_on": on,
            "task": {"description": "d"}, "definition_of_done": {},
        }))
        .expect("a ticket")
    }

    fn world(tickets: Vec<Ticket>) -> Tickets {
        tickets.into_iter().collect()
    }

    #[test]
    fn an_argument_is_a_ticket_before_it_is_a_plan() {
        assert_eq!(target("T-001").expect("ticket"), Target::Ticket(TicketId::ticket(1)));
        assert!(matches!(target("t-001").expect("plan"), Target::Plan(_)));
        assert!(target("../x").is_err());
    }

    #[test]
    fn what_waits_for_a_part_of_a_split_waits_for_the_part() {
        let mut split = ticket(2, &[1]);
        let into = vec![TicketId::ticket(4)];
        split.decisions.push(Decision { into, ..Decision::new("split", "supervisor", "2026-01-01T00:00:00Z", 0) });
        let all = world(vec![ticket(1, &[]), split, ticket(3, &[2]), ticket(4, &[1])]);
        assert_eq!(list(&open_dependents(&all, &TicketId::ticket(4))), "T-003");
        assert_eq!(list(&open_dependents(&all, &TicketId::ticket(1))), "T-003, T-004");
    }

    #[test]
    fn untrusted_text_stays_on_its_line() {
        assert_eq!(flat("a\n  models none\t\n"), "a\\n  models none");
    }
}
