//! haco list: list tickets.

use super::text::{More, Row, cut, reason, status};
use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    cursor::{Position, Status},
    graph,
    id::PlanId,
    ticket::Ticket,
};
use std::mem::ManuallyDrop;

/// How many lines a person gets.
const SHORT: usize = 10;

/// List tickets
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only tickets with this status; repeat it for more
    #[arg(long, value_name = "STATUS")]
    status: Vec<Status>,
    /// Only of this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<PlanId>,
    /// Print ids alone, one a line
    #[arg(long)]
    ids: bool,
    /// Print a Mermaid chart of what waits for what
    #[arg(long, conflicts_with = "ids")]
    graph: bool,
    /// At most so many; 0 for all [default: 10 for people, else all]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    // The end of the process frees ten thousand tickets faster than we do.
    let loaded = ManuallyDrop::new(desk.load(args.plan.as_ref())?);
    let position = ManuallyDrop::new(desk.position(&loaded));
    let of = |t: &Ticket| status(&position, loaded.facts.busy.contains_key(&t.id), &t.id);
    let wanted = |t: &&Ticket| args.status.is_empty() || args.status.contains(&of(t));
    let all: Vec<(&Ticket, Status)> = loaded.tickets.values().filter(wanted).map(|t| (t, of(t))).collect();
    let whole = args.ids || args.graph || out.is_json();
    let limit = limit(args.limit, whole, all.len());
    let shown = &all[..limit];
    if args.ids {
        shown.iter().try_for_each(|(ticket, _)| out.line(ticket.id.as_str()))?;
    } else if args.graph {
        out.bytes(chart(shown).as_bytes())?;
    } else if !out.is_json() {
        let widths = widths(shown);
        shown.iter().try_for_each(|(ticket, status)| out.line(line(ticket, *status, widths)))?;
        out.flush()?;
        more(out, &loaded, all.len() - limit);
    }
    let outcome = Outcome::yes().with("total", all.len()).with("truncated", limit < all.len());
    if !out.is_json() {
        return Ok(outcome);
    }
    let rows: Vec<Row> = shown.iter().map(|(ticket, status)| full_row(ticket, *status, &position)).collect();
    let outcome = outcome.with_list("tickets", &rows);
    Ok(if args.graph { outcome.with("graph", chart(shown)) } else { outcome })
}

/// How many of `all` are shown.
fn limit(asked: Option<usize>, whole: bool, all: usize) -> usize {
    match asked {
        Some(0) => all,
        Some(n) => n.min(all),
        None if whole => all,
        None => all.min(SHORT),
    }
}

fn chart(shown: &[(&Ticket, Status)]) -> String {
    graph::mermaid(&shown.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>())
}

/// The widest id and status.
fn widths(shown: &[(&Ticket, Status)]) -> (usize, usize) {
    let widest = |of: fn(&(&Ticket, Status)) -> usize| shown.iter().map(of).max().unwrap_or(0);
    (widest(|(t, _)| t.id.as_str().len()), widest(|(_, s)| s.as_str().len()))
}

fn line(ticket: &Ticket, status: Status, (id, word): (usize, usize)) -> String {
    format!("{:id$}  {:word$}  {}", ticket.id, status.as_str(), cut(&ticket.title, 120))
}

/// What a person does not see, and how to.
fn more(out: &Out, loaded: &Loaded, hidden: usize) {
    if hidden > 0 {
        out.say(format!("… and {hidden} more: haco list --limit 0"));
    } else if loaded.plans.is_empty() {
        out.say("there is no plan yet: haco plan \"what you want\"");
    }
}

fn full_row<'a>(ticket: &'a Ticket, status: Status, position: &Position) -> Row<'a> {
    let why = position.standings.get(&ticket.id).and_then(|standing| reason(&ticket.id, standing));
    Row { id: &ticket.id, title: &ticket.title, status, more: Some(More::of(ticket)), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_ten_lines_and_programs_get_all() {
        assert_eq!(limit(None, false, 30), 10);
        assert_eq!(limit(None, true, 30), 30);
        assert_eq!(limit(Some(0), false, 30), 30);
        assert_eq!(limit(Some(3), true, 30), 3);
        assert_eq!(limit(Some(40), true, 30), 30);
    }
}
