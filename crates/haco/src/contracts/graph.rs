//! What waits for what once new tickets stand among a plan's others.

use anyhow::Result;
use haco_core::{
    code::Failure,
    graph::{self, Edges},
    id::TicketId,
    intake::{Bad, Incoming},
    ticket::Ticket,
    tickets::Tickets,
};
use std::collections::{BTreeMap, BTreeSet};

/// Refuses what cannot be an order, then orders the tickets that may touch the same path and says so.
pub(super) fn order(tickets: &mut Tickets, notes: &mut Vec<String>) -> Result<()> {
    if let Some(failure) = first(graph::flaws(&graph::edges(tickets.values()), &BTreeSet::new())) {
        return Err(failure.into());
    }
    let mut all: Vec<Ticket> = tickets.values().cloned().collect();
    notes.extend(graph::order_overlaps(&mut all));
    tickets.extend(all);
    Ok(())
}

/// All flaws in one failure, with the code of the first.
fn first(flaws: Vec<graph::Flaw>) -> Option<Failure> {
    let all: Vec<String> = flaws.iter().map(|f| f.failure.message.clone()).collect();
    let first = flaws.into_iter().next()?.failure;
    Some(Failure { message: all.join("; "), ..first })
}

/// What is wrong between the tickets of a document, given those that are there already.
pub fn flaws(incoming: &Incoming, there: &BTreeSet<TicketId>) -> Vec<graph::Flaw> {
    let keys = keys(incoming, there);
    let edges: Edges = keys.iter().zip(&incoming.tickets).map(|(id, d)| (id.clone(), d.depends_on.clone())).collect();
    graph::flaws(&edges, there)
}

/// Each ticket's id; one that the document gives none gets an id that nobody names.
fn keys(incoming: &Incoming, there: &BTreeSet<TicketId>) -> Vec<TicketId> {
    let named: BTreeSet<TicketId> = incoming.tickets.iter().filter_map(|d| d.id.clone()).chain(there.clone()).collect();
    let mut unused = (0..1_000_000_000).rev().map(TicketId::ticket).filter(|id| !named.contains(id));
    let mut next = || unused.next().expect("a document has fewer tickets than there are ids");
    incoming.tickets.iter().map(|d| d.id.clone().unwrap_or_else(&mut next)).collect()
}

/// Moves the tickets that have a flaw, and whatever waits for them, to the bad ones.
pub fn hold_back(incoming: &mut Incoming, there: &BTreeSet<TicketId>) {
    loop {
        let mut why: BTreeMap<TicketId, Vec<String>> = BTreeMap::new();
        for flaw in flaws(incoming, there) {
            for id in flaw.tickets {
                why.entry(id).or_default().push(flaw.failure.message.clone());
            }
        }
        if why.is_empty() {
            return;
        }
        let keys = keys(incoming, there);
        for (key, draft) in keys.iter().zip(std::mem::take(&mut incoming.tickets)) {
            match why.remove(key) {
                None => incoming.tickets.push(draft),
                Some(reasons) => incoming.bad.push(Bad {
                    index: draft.index,
                    id: draft.id.map(|id| id.to_string()),
                    title: Some(draft.title),
                    reasons,
                }),
            }
        }
        incoming.bad.sort_by_key(|b| b.index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::intake::{self, Source};

    fn incoming(needs: &[(&str, &[&str])]) -> Incoming {
        let tickets = needs.iter().map(|(id, needs)| {
            serde_json::json!({
                "id": id, "title": format!("Do {id}"), "type": "chore", "depends_on": needs,
                "task": {"description": "d", "new_files": ["a"]},
                "definition_of_done": {"static_checks": ["true"]},
            })
        });
        let text = serde_json::Value::from_iter(tickets).to_string();
        intake::read(&text, Source::File).expect("a document")
    }

    #[test]
    fn what_waits_for_a_ticket_with_a_flaw_is_held_back_with_it() {
        let mut all = incoming(&[("T-001", &["T-009"]), ("T-002", &["T-001"]), ("", &["T-002"]), ("T-004", &[])]);
        hold_back(&mut all, &BTreeSet::new());
        assert_eq!(all.tickets.iter().map(|d| d.title.as_str()).collect::<Vec<_>>(), ["Do T-004"]);
        assert_eq!(all.bad.iter().map(|b| b.index).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(all.bad[0].reasons, ["ticket 'T-001' is not valid: depends_on: there is no ticket 'T-009'"]);
    }

    #[test]
    fn a_ticket_of_the_plan_may_be_waited_for() {
        let all = incoming(&[("T-002", &["T-001"])]);
        assert!(flaws(&all, &[TicketId::ticket(1)].into()).is_empty());
        assert_eq!(flaws(&all, &BTreeSet::new()).len(), 1);
    }
}
