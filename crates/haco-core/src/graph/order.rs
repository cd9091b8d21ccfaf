//! Tickets that may touch the same path get an order, so that candidates of unordered tickets unite without a merge.

use super::{Edges, edges};
use crate::{
    id::{PlanId, TicketId},
    path::RepoPath,
    ticket::Ticket,
};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Adds a dependency between tickets of one plan that may touch the same path and have no order yet, and says so in a
/// sentence each. The later id waits for the earlier one, but a ticket that changes a file waits for the one that creates
/// it, and what exists is never turned into a circle. Tickets that a person closed, or that stand in a circle, stay out.
pub fn order_overlaps(tickets: &mut [Ticket]) -> Vec<String> {
    let paths = paths(tickets);
    let mut graph = edges(tickets.iter());
    let mut added = creators_first(&paths, &mut graph);
    let rank = ranks(&graph);
    for (path, mut all) in paths {
        all.sort_by_key(|touch| rank.get(&touch.id));
        all.retain(|touch| rank.contains_key(&touch.id));
        for pair in all.windows(2) {
            add(&mut graph, &rank, (&pair[0].id, &pair[1].id), &path.1, &mut added);
        }
    }
    let mut notes = Vec::with_capacity(added.len());
    let place: BTreeMap<TicketId, usize> = tickets.iter().enumerate().map(|(i, t)| (t.id.clone(), i)).collect();
    for (first, then, path) in added {
        let path = path.as_str().escape_debug();
        notes.push(format!("{then} waits for {first}: both may touch '{path}'"));
        tickets[place[&then]].depends_on.push(first);
    }
    notes
}

struct Touch {
    id: TicketId,
    creates: bool,
    begun: bool,
}

type Paths = BTreeMap<(PlanId, RepoPath), Vec<Touch>>;
type Added = Vec<(TicketId, TicketId, RepoPath)>;

/// Which tickets may touch a path, by path, and only where there are several.
fn paths(tickets: &[Ticket]) -> Paths {
    let mut paths = Paths::new();
    for ticket in tickets.iter().filter(|t| t.closed_by().is_none()) {
        let changed = ticket.task.target_files.iter();
        let brought = ticket.definition_of_done.files.iter().map(|f| &f.path);
        let touched: BTreeSet<&RepoPath> = changed.chain(&ticket.task.new_files).chain(brought).collect();
        for path in touched {
            let creates = ticket.task.new_files.contains(path);
            let touch = Touch { id: ticket.id.clone(), creates, begun: !ticket.attempts.is_empty() };
            paths.entry((ticket.plan.clone(), path.clone())).or_default().push(touch);
        }
    }
    paths.retain(|_, all| all.len() > 1);
    paths
}

/// Where an earlier id changes what a later one creates, the order is the other way round, unless the earlier has begun
/// or the later waits for it already.
fn creators_first(paths: &Paths, graph: &mut Edges) -> Added {
    let mut added = Added::new();
    for ((_, path), all) in paths {
        let Some(creator) = all.iter().filter(|t| t.creates).min_by_key(|t| &t.id) else { continue };
        for other in all.iter().filter(|t| !t.creates && !t.begun && t.id < creator.id) {
            let ordered = reaches(graph, &other.id, &creator.id, |_| true);
            if !ordered && !reaches(graph, &creator.id, &other.id, |_| true) {
                push(graph, (&creator.id, &other.id), path, &mut added);
            }
        }
    }
    added
}

fn add(
    graph: &mut Edges,
    rank: &BTreeMap<TicketId, usize>,
    (first, then): (&TicketId, &TicketId),
    path: &RepoPath,
    added: &mut Added,
) {
    let lowest = rank.get(first);
    if !reaches(graph, then, first, |id| rank.get(id) > lowest) {
        push(graph, (first, then), path, added);
    }
}

fn push(graph: &mut Edges, (first, then): (&TicketId, &TicketId), path: &RepoPath, added: &mut Added) {
    graph.get_mut(then).expect("every ticket is in its graph").push(first.clone());
    added.push((first.clone(), then.clone(), path.clone()));
}

/// Whether `from` waits for `to`, by way of tickets that are `worth` following.
fn reaches(graph: &Edges, from: &TicketId, to: &TicketId, worth: impl Fn(&TicketId) -> bool) -> bool {
    let mut seen: BTreeSet<&TicketId> = BTreeSet::new();
    let mut open = vec![from];
    while let Some(needs) = open.pop().map(|id| graph.get(id)) {
        let needs = needs.into_iter().flatten();
        if needs.clone().any(|need| need == to) {
            return true;
        }
        for need in needs.filter(|need| worth(need)) {
            if seen.insert(need) {
                open.push(need);
            }
        }
    }
    false
}

/// An order in which each ticket comes after all that it waits for, and small ids as early as that allows: filled from
/// its end with the largest id that nothing unplaced waits for. What stands in a circle has no rank.
fn ranks(graph: &Edges) -> BTreeMap<TicketId, usize> {
    let mut waiting: BTreeMap<&TicketId, usize> = graph.keys().map(|id| (id, 0)).collect();
    for need in graph.values().flatten() {
        waiting.entry(need).and_modify(|n| *n += 1);
    }
    let mut ready: BinaryHeap<&TicketId> = waiting.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
    let mut rank = BTreeMap::new();
    while let Some(id) = ready.pop() {
        rank.insert(id.clone(), graph.len() - rank.len());
        for need in &graph[id] {
            if let Some(n) = waiting.get_mut(need) {
                *n -= 1;
                if *n == 0 {
                    ready.push(need);
                }
            }
        }
    }
    rank
}
