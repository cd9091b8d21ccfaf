//! What of a ticket's dependencies decides about it: the candidates that its base unites, or what it waits for.

use super::{
    World,
    standing::{Need, Standing},
};
use crate::{id::TicketId, oid::Oid, ticket::Ticket};
use std::collections::BTreeMap;

/// What of a ticket's dependencies decides about it.
pub(super) enum Ground {
    On(Vec<Oid>),
    Wait(Vec<TicketId>),
    Gone(TicketId),
}

/// The candidates that a ticket is built on; a split is met by all of its children.
pub(super) fn ground(world: &World<'_>, ticket: &Ticket, done: &BTreeMap<TicketId, Standing>) -> Ground {
    let (mut on, mut wait) = (Vec::new(), Vec::new());
    let mut open: Vec<TicketId> = ticket.depends_on.clone();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let Some((dependency, standing)) = world.tickets.get(&id).zip(done.get(&id)) else {
            wait.push(id);
            continue;
        };
        match &standing.need {
            Need::Split => open.extend(dependency.closed_by().map(|d| d.into.clone()).unwrap_or_default()),
            Need::Abandoned => return Ground::Gone(id),
            _ if standing.audited => {
                let attempt = standing.attempt.and_then(|n| dependency.attempt(n));
                on.extend(attempt.and_then(|a| a.candidate.as_ref()).map(|c| c.commit.clone()));
            }
            _ => wait.push(id),
        }
    }
    if wait.is_empty() {
        on.sort();
        on.dedup();
        Ground::On(on)
    } else {
        wait.sort();
        Ground::Wait(wait)
    }
}
