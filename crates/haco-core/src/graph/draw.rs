//! The graph for people: Mermaid for a page, a tree for a terminal.

use super::{Edges, depth, edges};
use crate::{id::TicketId, ticket::Ticket};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many levels a tree is indented; deeper ones stand below each other.
const DEEPEST: usize = 12;

/// A Mermaid flow chart, an arrow from each ticket to those that wait for it.
pub fn mermaid(tickets: &[&Ticket]) -> String {
    let mut chart = String::from("graph TD\n");
    let node = |id: &TicketId| id.as_str().replace('-', "");
    for ticket in tickets {
        let title = escaped(&format!("{} {}", ticket.id, ticket.title));
        writeln!(chart, "  {}[\"{title}\"]", node(&ticket.id)).expect("a string takes everything");
    }
    let here: std::collections::BTreeSet<&TicketId> = tickets.iter().map(|t| &t.id).collect();
    for ticket in tickets {
        for need in ticket.depends_on.iter().filter(|need| here.contains(need)) {
            writeln!(chart, "  {} --> {}", node(need), node(&ticket.id)).expect("a string takes everything");
        }
    }
    chart
}

/// Mermaid's own entities, so that no title ends its label or becomes markup.
fn escaped(title: &str) -> String {
    let mut out = String::new();
    for c in title.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' => {
                write!(out, "#{};", u32::from(c)).expect("a string takes everything");
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Each ticket once, below the deepest of those that it waits for, with what to print before it.
pub fn draw(tickets: &[&Ticket]) -> Vec<(String, TicketId)> {
    let graph = edges(tickets.iter().copied());
    let depth = depth(&graph);
    let mut below: BTreeMap<Option<&TicketId>, Vec<&TicketId>> = BTreeMap::new();
    for (id, needs) in &graph {
        let deeper = |need: &&TicketId| depth.get(*need).is_some_and(|d| *d < depth[id]);
        let parent = needs.iter().filter(deeper).max_by_key(|need| (depth[*need], std::cmp::Reverse(*need)));
        below.entry(parent).or_default().push(id);
    }
    let mut lines = Vec::with_capacity(graph.len());
    let roots = below.get(&None).into_iter().flatten().rev();
    let mut open: Vec<Branch> = roots.map(|id| (*id, String::new(), String::new(), 0)).collect();
    while let Some((id, prefix, inner, level)) = open.pop() {
        lines.push((prefix, id.clone()));
        push_children(&graph, &below, id, (inner, level), &mut open);
    }
    lines
}

/// A ticket, what stands before it, what stands before its children, and its level.
type Branch<'a> = (&'a TicketId, String, String, usize);

fn push_children<'a>(
    graph: &'a Edges,
    below: &BTreeMap<Option<&'a TicketId>, Vec<&'a TicketId>>,
    id: &TicketId,
    (inner, level): (String, usize),
    open: &mut Vec<Branch<'a>>,
) {
    let key = graph.get_key_value(id).map(|(id, _)| id);
    let children = below.get(&key).into_iter().flatten();
    for (i, child) in children.rev().enumerate() {
        let (tee, bar) = if i == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let deeper = if level < DEEPEST { format!("{inner}{bar}") } else { inner.clone() };
        open.push((child, format!("{inner}{tee}"), deeper, level + 1));
    }
}
