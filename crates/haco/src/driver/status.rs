//! haco status: show where plans and tickets stand.

use super::{
    next,
    text::{Row, cut, one_line, reason, status},
};
use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    cursor::{Position, Status, plan_is_done},
    graph,
    id::{PlanId, TicketId},
    plan::Plan,
    ticket::Ticket,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many tickets of a plan a person gets.
const SHORT: usize = 7;

/// Show where plans and tickets stand
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this plan
    #[arg(value_name = "PLAN")]
    plan: Option<PlanId>,
    /// Show every ticket
    #[arg(long)]
    full: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let loaded = desk.load(args.plan.as_ref())?;
    let position = desk.position(&loaded);
    let view = View { loaded: &loaded, position: &position };
    let outcome = match out.is_json() {
        true => Outcome::yes().with("plans", loaded.plans.values().map(|p| view.json(p)).collect::<Vec<Value>>()),
        false => Outcome::yes(),
    };
    for plan in loaded.plans.values() {
        view.lines(plan, args.full).iter().try_for_each(|line| out.line(line))?;
    }
    match position.offers.first() {
        Some(offer) => {
            out.line(format!("next: {}", next::summary(offer)))?;
            if !offer.command.is_empty() {
                out.line(format!("  run: {}", next::quoted(&offer.command)))?;
            }
            Ok(outcome.with("next", next::fields(offer)))
        }
        None => {
            let nothing = if loaded.plans.is_empty() { "there is no plan yet" } else { "nothing is left to do" };
            out.say(format!("{nothing}: haco plan \"what you want\""));
            Ok(outcome)
        }
    }
}

/// Plans and tickets with where they stand.
pub(super) struct View<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) position: &'a Position,
}

impl View<'_> {
    fn status(&self, id: &TicketId) -> Status {
        status(self.position, self.loaded.facts.busy.contains_key(id), id)
    }

    fn tickets<'a>(&'a self, plan: &Plan) -> Vec<&'a Ticket> {
        plan.tickets.iter().filter_map(|id| self.loaded.tickets.get(id)).collect()
    }

    /// A ticket's reason, where its status does not say it all.
    fn reason(&self, id: &TicketId) -> Option<String> {
        let held = self.loaded.facts.busy.get(id).map(|holder| format!("held by {holder}"));
        held.or_else(|| self.position.standings.get(id).and_then(|s| reason(id, s)))
    }

    fn json(&self, plan: &Plan) -> Value {
        json!({
            "id": plan.id, "requirement": plan.requirement, "done": plan_is_done(plan, self.position),
            "tickets": self.rows(plan),
        })
    }

    /// The plan's tickets as `--json` has them.
    pub(super) fn rows<'a>(&'a self, plan: &Plan) -> Vec<Row<'a>> {
        let row = |ticket: &'a Ticket| Row {
            id: &ticket.id,
            title: &ticket.title,
            status: self.status(&ticket.id),
            more: None,
            why: self.reason(&ticket.id),
        };
        self.tickets(plan).into_iter().map(row).collect()
    }

    /// A plan for people: a head, and below it the tickets as a tree.
    pub(super) fn lines(&self, plan: &Plan, full: bool) -> Vec<String> {
        let tickets = self.tickets(plan);
        let done = plan_is_done(plan, self.position);
        let end = if done { "done".to_owned() } else { counts(tickets.iter().map(|t| self.status(&t.id))) };
        let mut lines = vec![format!("{}: {} ({end})", plan.id, cut(&plan.requirement, 60))];
        if done && !full {
            return lines;
        }
        let tree = graph::draw(&tickets);
        let short = if full || tree.len() <= SHORT + 1 { tree.len() } else { SHORT };
        let width = tree.iter().map(|(before, id)| before.chars().count() + id.as_str().len()).max().unwrap_or(0);
        lines.extend(tree[..short].iter().map(|(before, id)| self.line(before, id, width)));
        if short < tree.len() {
            let rest = counts(tree[short..].iter().map(|(_, id)| self.status(id)));
            lines.push(format!("  … and {} more ({rest}): haco status {} --full", tree.len() - short, plan.id));
        }
        lines
    }

    fn line(&self, before: &str, id: &TicketId, width: usize) -> String {
        let title = self.loaded.tickets.get(id).map_or(String::new(), |t| cut(&t.title, 80));
        let name = format!("{before}{id}");
        let pad = " ".repeat(width - name.chars().count());
        let why = self.reason(id).map_or(String::new(), |why| format!(" [{}]", one_line(&why)));
        format!("  {name}{pad}  {:9}  {title}{why}", self.status(id).as_str())
    }
}

/// `2 ready, 1 waiting`, in the order of the words.
fn counts(all: impl Iterator<Item = Status>) -> String {
    let mut number: BTreeMap<Status, usize> = BTreeMap::new();
    all.for_each(|status| *number.entry(status).or_default() += 1);
    match number.is_empty() {
        true => "no tickets yet".to_owned(),
        false => number.iter().map(|(s, n)| format!("{n} {}", s.as_str())).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_counted_by_their_word() {
        let all = [Status::Ready, Status::Shipped, Status::Ready];
        assert_eq!(counts(all.into_iter()), "1 shipped, 2 ready");
        assert_eq!(counts([].into_iter()), "no tickets yet");
    }
}
