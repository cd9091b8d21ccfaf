//! haco show: show a ticket or a plan.

mod summary;

use super::{
    status::View,
    text::{one_line, status},
};
use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{due, plan_is_done},
    id::{PlanId, TicketId},
};
use serde_json::json;

/// How many lines a person gets of a ticket.
const SHORT: usize = 10;

/// Show a ticket or a plan
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A ticket's id, or a plan's
    #[arg(value_name = "TICKET|PLAN")]
    id: String,
    /// Show everything
    #[arg(long)]
    full: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    match (args.id.parse::<TicketId>(), args.id.parse::<PlanId>()) {
        (Ok(id), _) => ticket(&desk, &id, args.full, out),
        (Err(_), Ok(id)) => plan(&desk, &id, args.full, out),
        (Err(why), Err(_)) => Err(Failure::new(Code::UnknownId, why).fix("haco list").into()),
    }
}

fn ticket(desk: &Desk, id: &TicketId, full: bool, out: &mut Out) -> Result<Outcome> {
    let loaded = desk.glance(id)?;
    let position = desk.position(&loaded);
    let (ticket, busy) = (loaded.ticket(id)?, loaded.facts.busy.get(id));
    let status = status(&position, busy.is_some(), id);
    let why = match (busy, position.standings.get(id)) {
        (Some(holder), _) => format!("held by {holder}"),
        (None, Some(standing)) => due(id, standing).0,
        (None, None) => "its stage is not one of its plan's studio".to_owned(),
    };
    if out.is_json() {
        let outcome = Outcome::yes().with("status", json!(status)).with("why", why);
        return Ok(outcome.with("ticket", serde_json::to_value(ticket)?));
    }
    let plan = loaded.plan_of(ticket)?;
    let sight = summary::Sight { ticket, plan, standing: position.standings.get(id), full };
    let lines = sight.lines(status, &why);
    let short = if full || lines.len() <= SHORT { lines.len() } else { SHORT - 1 };
    lines[..short].iter().try_for_each(|line| out.line(line))?;
    if short < lines.len() {
        out.line(format!("… and {} more lines: haco show {id} --full", lines.len() - short))?;
    }
    Ok(Outcome::yes())
}

fn plan(desk: &Desk, id: &PlanId, full: bool, out: &mut Out) -> Result<Outcome> {
    let loaded = desk.load(Some(id))?;
    let position = desk.position(&loaded);
    let plan = desk.store.plan(id)?;
    let view = View { loaded: &loaded, position: &position };
    if out.is_json() {
        let outcome = Outcome::yes().with("plan", serde_json::to_value(&plan)?);
        return Ok(outcome.with("done", plan_is_done(&plan, &position)).with_list("tickets", &view.rows(&plan)));
    }
    view.lines(&plan, full).iter().try_for_each(|line| out.line(line))?;
    let approved = plan.approval().map_or("not approved".to_owned(), |v| format!("approved {}", v.at));
    out.line(format!("base {}, studio {}, mode {}, {approved}", plan.base.short(), plan.studio, plan.mode))?;
    if full {
        out.line(format!("requirement: {}", one_line(&plan.requirement)))?;
        let summary = plan.summary.iter().map(|s| format!("summary: {}", one_line(s)));
        let assumptions = plan.assumptions.iter().map(|a| format!("assumption: {}", one_line(a)));
        summary.chain(assumptions).try_for_each(|line| out.line(line))?;
    }
    Ok(Outcome::yes())
}
