//! What waits for what: flaws of the graph by name, an order for tickets that may touch the same path, and drawings.
//!
//! Everything but the search for flaws takes the graph as sound; a circle never makes it fail or hang.

mod draw;
mod order;

pub use draw::{draw, mermaid};
pub use order::order_overlaps;

use crate::{
    code::{Code, Failure},
    id::TicketId,
    ticket::Ticket,
};
use std::collections::{BTreeMap, BTreeSet};

/// Each ticket with the tickets that it waits for.
pub type Edges = BTreeMap<TicketId, Vec<TicketId>>;

/// The graph of `tickets`; one that was split waits for its children, as whatever depends on it does.
pub fn edges<'a>(tickets: impl IntoIterator<Item = &'a Ticket>) -> Edges {
    let children = |t: &'a Ticket| t.closed_by().into_iter().flat_map(|d| &d.into);
    tickets.into_iter().map(|t| (t.id.clone(), t.depends_on.iter().chain(children(t)).cloned().collect())).collect()
}

/// Something that makes a graph unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The tickets that have it.
    pub tickets: Vec<TicketId>,
    /// What it is: `bad_ticket`, or `cycle` for a circle.
    pub failure: Failure,
}

/// Every dependency on nothing (neither here nor in `elsewhere`), on itself, and every circle.
pub fn flaws(graph: &Edges, elsewhere: &BTreeSet<TicketId>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (id, needs) in graph {
        let mut add = |code, why: String| {
            let failure = Failure::new(code, format!("ticket '{id}' is not valid: {why}"));
            flaws.push(Flaw { tickets: vec![id.clone()], failure });
        };
        for need in needs {
            if need == id {
                add(Code::Cycle, "depends_on: it depends on itself".into());
            } else if !graph.contains_key(need) && !elsewhere.contains(need) {
                add(Code::BadTicket, format!("depends_on: there is no ticket '{need}'"));
            }
        }
    }
    flaws.extend(circles(graph));
    flaws
}

/// One flaw a circle of two or more, each node of the graph visited once.
fn circles(graph: &Edges) -> Vec<Flaw> {
    let mut done: BTreeSet<&TicketId> = BTreeSet::new();
    let mut flaws = Vec::new();
    for start in graph.keys() {
        let mut path: Vec<(&TicketId, usize)> = Vec::new();
        let mut on_path: BTreeSet<&TicketId> = BTreeSet::new();
        if done.insert(start) {
            on_path.insert(start);
            path.push((start, 0));
        }
        while let Some((id, next)) = path.last_mut() {
            let (id, at) = (*id, *next);
            *next += 1;
            let Some(need) = graph[id].get(at) else {
                on_path.remove(id);
                path.pop();
                continue;
            };
            let Some((need, _)) = graph.get_key_value(need).filter(|(need, _)| *need != id) else { continue };
            if on_path.contains(need) {
                flaws.push(circle(&path, need));
            } else if done.insert(need) {
                on_path.insert(need);
                path.push((need, 0));
            }
        }
    }
    flaws
}

fn circle(path: &[(&TicketId, usize)], closes: &TicketId) -> Flaw {
    let ids: Vec<TicketId> = path.iter().map(|(id, _)| (*id).clone()).skip_while(|id| id != closes).collect();
    let all: Vec<&str> = ids.iter().map(TicketId::as_str).chain([closes.as_str()]).collect();
    let message = format!("tickets depend on each other in a circle: {}", all.join(" -> "));
    Flaw { tickets: ids, failure: Failure::new(Code::Cycle, message) }
}

/// How many tickets stand below each: 0 for one that waits for nothing here. What is in a circle, or waits for one,
/// comes after all others.
pub fn depth(graph: &Edges) -> BTreeMap<TicketId, usize> {
    let dependents = reversed(graph);
    let mut open: BTreeMap<&TicketId, usize> = BTreeMap::new();
    for (id, needs) in graph {
        open.insert(id, needs.iter().filter(|n| graph.contains_key(*n)).count());
    }
    let mut depth: BTreeMap<TicketId, usize> = graph.keys().map(|id| (id.clone(), graph.len())).collect();
    let mut level: Vec<&TicketId> = open.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
    for at in 0.. {
        let mut next = Vec::new();
        for id in level {
            depth.insert(id.clone(), at);
            for dependent in dependents.get(id).into_iter().flatten() {
                let left = open.get_mut(dependent).expect("dependents are in the graph");
                *left -= 1;
                if *left == 0 {
                    next.push(*dependent);
                }
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    depth
}

/// Every ticket after all that it waits for: by depth, then id.
pub fn topological(graph: &Edges) -> Vec<TicketId> {
    let mut all: Vec<(usize, TicketId)> = depth(graph).into_iter().map(|(id, depth)| (depth, id)).collect();
    all.sort();
    all.into_iter().map(|(_, id)| id).collect()
}

/// All that `id` waits for, directly or not, without itself.
pub fn closure(graph: &Edges, id: &TicketId) -> BTreeSet<TicketId> {
    reach(id, |id| graph.get(id).into_iter().flatten())
}

/// All that waits for `id`, directly or not, without itself.
pub fn dependents(graph: &Edges, id: &TicketId) -> BTreeSet<TicketId> {
    let reversed = reversed(graph);
    reach(id, |id| reversed.get(id).into_iter().flatten().copied())
}

fn reach<'a, I: Iterator<Item = &'a TicketId>>(id: &TicketId, next: impl Fn(&TicketId) -> I) -> BTreeSet<TicketId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&TicketId> = next(id).collect();
    while let Some(at) = open.pop() {
        if at != id && seen.insert(at.clone()) {
            open.extend(next(at));
        }
    }
    seen
}

fn reversed(graph: &Edges) -> BTreeMap<&TicketId, Vec<&TicketId>> {
    let mut reversed: BTreeMap<&TicketId, Vec<&TicketId>> = BTreeMap::new();
    for (id, needs) in graph {
        for need in needs {
            reversed.entry(need).or_default().push(id);
        }
    }
    reversed
}

#[cfg(test)]
mod tests;
