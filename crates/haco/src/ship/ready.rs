//! What may ship: which tickets belong to a branch, and what they still wait for.

use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Need, Position},
    id::TicketId,
    plan::Plan,
    verdict::{Answer, latest},
};
use std::collections::BTreeSet;

/// Every open ticket is accepted, and where there are several their union passed every check.
pub(super) fn may_ship(desk: &Desk, position: &Position, plan: &Plan, open: &[TicketId]) -> Result<()> {
    let need = |id: &TicketId| position.standings.get(id).map(|s| &s.need);
    let waiting: Vec<&str> =
        open.iter().filter(|id| !matches!(need(id), Some(Need::Ship | Need::Shipped))).map(TicketId::as_str).collect();
    if !waiting.is_empty() {
        let (some, more) = waiting.split_at(waiting.len().min(5));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let message = format!("{}: not accepted: {}{more}", plan.id, some.join(", "));
        return Err(Failure::new(Code::IllegalStep, message).fix("haco next").into());
    }
    if open.len() < 2 {
        return Ok(());
    }
    if desk.settings.unit == haco_core::config::Unit::Ticket {
        let message = format!("{}: its tickets ship one by one: ship.unit says so", plan.id);
        let ids = open.iter().filter(|id| need(id) == Some(&Need::Ship)).map(TicketId::as_str).collect::<Vec<_>>();
        return Err(Failure::new(Code::IllegalStep, message).fix(format!("haco-ship {}", ids.join(" "))).into());
    }
    let passed = position
        .unions
        .get(&plan.id)
        .and_then(|union| latest(&plan.verdicts, "union", &union.subject))
        .is_some_and(|v| v.verdict == Answer::Pass);
    if !passed {
        let message = format!("{}: the union of its tickets has not passed every check", plan.id);
        return Err(Failure::new(Code::IllegalStep, message).fix(format!("haco-verify {}", plan.id)).into());
    }
    Ok(())
}

pub(super) fn is_open(position: &Position, id: &TicketId) -> bool {
    position.standings.get(id).is_some_and(|s| !matches!(s.need, Need::Abandoned | Need::Split))
}

/// The ticket and all that it is built on; a split ticket stands for its children.
pub(super) fn below(loaded: &Loaded, id: &TicketId) -> BTreeSet<TicketId> {
    let mut seen = BTreeSet::new();
    let mut open = vec![id.clone()];
    while let Some(id) = open.pop() {
        let Some(ticket) = loaded.tickets.get(&id) else { continue };
        if seen.insert(id) {
            open.extend(ticket.depends_on.iter().cloned());
            open.extend(ticket.closed_by().into_iter().flat_map(|d| d.into.iter().cloned()));
        }
    }
    seen
}
