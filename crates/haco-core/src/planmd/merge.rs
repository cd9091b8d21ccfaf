//! A fresh PLAN.md, or one in which only what is ours is replaced.

use super::{
    outline::{Kind, Outline, Section},
    parse, words, write,
};
use crate::{id::TicketId, plan::Plan, ticket::Ticket};
use std::collections::{BTreeMap, BTreeSet};

/// PLAN.md for a plan. Of `previous`, everything outside our marks stays byte for byte and in its place; a section that
/// was written by hand in our form is replaced by its block, and headings below a ticket that are not ours stay behind
/// it. Blocks of tickets that the plan no longer has go.
pub fn render(plan: &Plan, tickets: &[Ticket], previous: Option<&str>) -> String {
    let blocks = Blocks::of(plan, tickets);
    match previous {
        Some(text) if !text.trim().is_empty() => merged(&blocks, text),
        _ => fresh(&blocks),
    }
}

struct Blocks<'a> {
    plan: Vec<(&'static str, String)>,
    tickets: Vec<(&'a Ticket, String)>,
}

impl<'a> Blocks<'a> {
    fn of(plan: &Plan, tickets: &'a [Ticket]) -> Blocks<'a> {
        let own = write::PLAN_BLOCKS.iter().filter_map(|name| Some((*name, write::plan_block(plan, name)?)));
        let tickets = tickets.iter().enumerate().map(|(i, t)| (t, write::ticket_block(t, i + 1)));
        Blocks { plan: own.collect(), tickets: tickets.collect() }
    }
}

fn fresh(blocks: &Blocks) -> String {
    let own = blocks.plan.iter().map(|(_, text)| text.as_str());
    let tickets = blocks.tickets.iter().map(|(_, text)| text.as_str());
    own.chain(["## Tickets\n"]).chain(tickets).collect::<Vec<_>>().join("\n")
}

/// What becomes of one section of the previous text.
struct Change {
    from: usize,
    to: usize,
    text: String,
}

fn merged(blocks: &Blocks, previous: &str) -> String {
    let outline = Outline::of(previous);
    let ids = matches(&outline, blocks);
    let mut changes = Vec::new();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let marked: BTreeSet<&str> = outline.sections.iter().filter_map(|s| s.mark).collect();
    for section in &outline.sections {
        let name = name(section, &ids);
        let found = name.and_then(|name| blocks.get(name).map(|text| (name, text)));
        let known =
            section.mark.is_some_and(|mark| write::PLAN_BLOCKS.contains(&mark) || mark.parse::<TicketId>().is_ok());
        let text = match found {
            Some((name, _)) if section.mark.is_none() && marked.contains(name) => continue,
            Some((name, text)) if placed.insert(name) => text.to_owned(),
            _ if known => String::new(),
            _ => continue,
        };
        changes.push(change(&outline, section, text));
    }
    add_missing(blocks, &outline, &placed, &mut changes);
    apply(&outline, changes)
}

impl Blocks<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let own = self.plan.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_str());
        let ticket = || self.tickets.iter().find(|(t, _)| t.id.as_str() == name).map(|(_, text)| text.as_str());
        own.or_else(ticket)
    }
}

/// The ticket of each ticket section, by the line of its heading: by its id, else by its title.
fn matches<'a>(outline: &Outline, blocks: &Blocks<'a>) -> BTreeMap<usize, &'a TicketId> {
    let by_id: BTreeMap<&str, &'a TicketId> = blocks.tickets.iter().map(|(t, _)| (t.id.as_str(), &t.id)).collect();
    let by_title: BTreeMap<&str, &'a TicketId> =
        blocks.tickets.iter().map(|(t, _)| (t.title.as_str(), &t.id)).collect();
    let mut ids = BTreeMap::new();
    for section in outline.sections.iter().filter(|s| s.kind == Kind::Ticket) {
        let (id, title) = words::ticket_heading(section.title).expect("the outline took it for a ticket's heading");
        let id = section.mark.map(str::to_owned).or(id.map(|id| id.to_string()));
        let found = match id {
            Some(id) => by_id.get(id.as_str()),
            None => by_title.get(title.as_str()),
        };
        ids.extend(found.map(|id| (section.heading, *id)));
    }
    ids
}

fn name<'a>(section: &Section<'a>, ids: &BTreeMap<usize, &'a TicketId>) -> Option<&'a str> {
    match section.kind {
        Kind::Head => Some("plan"),
        Kind::Summary => Some("summary"),
        Kind::Requirement => Some("requirement"),
        Kind::Assumptions => Some("assumptions"),
        Kind::Ticket => ids.get(&section.heading).map(|id| id.as_str()),
    }
}

/// Replaces a section: with its marks, or without the blank lines behind it. Headings that are not ours move behind it.
fn change(outline: &Outline, section: &Section, mut text: String) -> Change {
    let mut to = section.end;
    if outline.is_marked(section) {
        to += 1;
    } else {
        while to > section.heading + 1 && outline.lines[to - 1].trim().is_empty() {
            to -= 1;
        }
    }
    let mut theirs = false;
    for at in section.heading + 1..section.end {
        if section.kind == Kind::Ticket
            && let Some((_, title)) = outline.heading(at)
        {
            let before = std::mem::replace(&mut theirs, !parse::is_known(title));
            text.push_str(if theirs && !before { "\n" } else { "" });
        }
        if theirs && at < to {
            text.push_str(outline.lines[at]);
            text.push('\n');
        }
    }
    Change { from: section.from, to, text }
}

fn add_missing(blocks: &Blocks, outline: &Outline, placed: &BTreeSet<&str>, changes: &mut Vec<Change>) {
    let ticket = |c: &&Change| outline.sections.iter().any(|s| s.kind == Kind::Ticket && s.from == c.from);
    let heading = (0..outline.lines.len()).find(|at| {
        outline.heading(*at).is_some_and(|(level, title)| level == 2 && title.eq_ignore_ascii_case("tickets"))
    });
    let own = blocks.plan.iter().filter(|(name, _)| !placed.contains(name));
    let own: String = own.map(|(_, text)| format!("{text}\n")).collect();
    let tickets = blocks.tickets.iter().filter(|(t, _)| !placed.contains(t.id.as_str()));
    let mut tickets: String = tickets.map(|(_, text)| format!("\n{text}")).collect();
    let first = changes.iter().filter(ticket).map(|c| c.from).chain(heading).min();
    let end = outline.lines.len();
    if heading.is_none() && !tickets.is_empty() && first.is_none() {
        tickets.insert_str(0, "\n## Tickets\n");
    }
    let behind = changes.iter().filter(ticket).map(|c| c.to).max().or(heading.map(|at| at + 1)).unwrap_or(end);
    let before = first.unwrap_or(0);
    for (at, text) in [(before, own), (behind, tickets)] {
        if !text.is_empty() {
            changes.push(Change { from: at, to: at, text });
        }
    }
}

fn apply(outline: &Outline, mut changes: Vec<Change>) -> String {
    changes.sort_by_key(|c| (c.from, c.to));
    let mut out = String::new();
    let mut at = 0;
    for change in changes {
        copy(outline, at..change.from, &mut out);
        if !out.is_empty() && !out.ends_with('\n') && !change.text.is_empty() {
            out.push('\n');
        }
        out.push_str(&change.text);
        at = change.to.max(at);
    }
    copy(outline, at..outline.lines.len(), &mut out);
    out
}

/// Lines with their line feeds; the last line of the text has none.
fn copy(outline: &Outline, lines: std::ops::Range<usize>, out: &mut String) {
    for at in lines {
        out.push_str(outline.lines[at]);
        if at + 1 < outline.lines.len() {
            out.push('\n');
        }
    }
}
