//! haco-ship: what was accepted is pushed, byte for byte, as one branch of a plan or of a ticket.
//!
//! `ready` decides what may ship, `branch` makes the commits; here is pushed, and recorded what was. No model is called.

mod branch;
mod ready;
#[cfg(test)]
mod tests;

use crate::{
    clock,
    desk::{Desk, Loaded},
    exit::{self, Outcome, Program},
    input,
    output::{Answered, Common, Out, Tally},
};
use anyhow::Result;
use branch::Branch;
use clap::Parser;
use haco_core::{
    code::{Code, Failure},
    cursor::{Need, Position, refusal},
    graph,
    id::{PlanId, TicketId},
    journal::Event,
    oid::Oid,
    plan::Plan,
    ticket::Shipment,
};
use haco_git::Pushed;
use ready::{below, is_open, may_ship};
use serde_json::{Value, json};
use std::{cell::OnceCell, collections::BTreeMap};

/// The word in the journal.
const EVENT: &str = "shipped";

/// Push what was accepted
///
/// One branch haco/PLAN of a plan, one commit a ticket; or one branch haco/T-001 of a ticket and what it depends on.
/// Prints the ids that shipped. Doing it twice is one branch.
#[derive(Debug, Parser)]
#[command(name = "haco-ship", version)]
pub struct Args {
    /// One plan, or tickets; none: one id a line on stdin
    #[arg(value_name = "PLAN|ID")]
    ids: Vec<String>,
    /// Where to push to; otherwise ship.remote of the configuration, otherwise origin
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Show branch, commits and what would be pushed, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// Whether anything is pushed and recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Push,
    Show,
}

/// Where a branch goes.
struct Target {
    remote: String,
    url: OnceCell<String>,
    mode: Mode,
}

impl Target {
    /// The remote's address, asked for once and not before the tickets may ship.
    fn url(&self, desk: &Desk) -> Result<&str> {
        if let Some(url) = self.url.get() {
            return Ok(url);
        }
        let url = desk.repo()?.remote_url(&self.remote)?;
        Ok(self.url.get_or_init(|| url))
    }
}

/// What may ship as one branch.
struct Ready<'a> {
    plan: &'a Plan,
    /// In the order of their dependencies.
    tickets: Vec<TicketId>,
    branch: String,
}

/// Runs the program.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let remote = args.remote.clone().unwrap_or_else(|| desk.settings.remote.clone());
    let mode = if args.dry_run { Mode::Show } else { Mode::Push };
    let target = Target { remote, url: OnceCell::new(), mode };
    if let Some(plan) = the_plan(&args)? {
        return whole(&desk, out, &plan, &target);
    }
    let ids = input::ids(args.ids.clone(), || Ok(None))?;
    if mode == Mode::Show {
        let shown = ids.map(|id| one(&desk, out, &id?, &target)).collect::<Result<Vec<_>>>()?;
        return Ok(Outcome::yes().with("branches", shown));
    }
    let mut tally = Tally::default();
    for id in ids {
        let id = id?;
        match one(&desk, out, &id, &target) {
            Ok(_) => {
                let status = desk.load_ticket(&id).ok().and_then(|l| desk.position(&l).status(&desk.world(&l), &id));
                tally.take(out, &id, Answered { status, ..Answered::default() })?;
            }
            Err(error) if exit::is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                tally.take(out, &id, Answered { failure: Some(exit::failure_of(&error)), ..Answered::default() })?;
            }
        }
    }
    Ok(tally.end())
}

/// The plan that is shipped whole: one argument that has a plan's form.
fn the_plan(args: &Args) -> Result<Option<PlanId>> {
    let plan = args.ids.iter().find_map(|text| text.parse::<PlanId>().ok());
    if plan.is_some() && args.ids.len() > 1 {
        return Err(Failure::new(Code::Usage, "a plan is shipped alone").fix("haco-ship --help").into());
    }
    Ok(plan)
}

/// Ships a plan's open tickets as one branch.
fn whole(desk: &Desk, out: &mut Out, id: &PlanId, target: &Target) -> Result<Outcome> {
    let loaded = desk.load(Some(id))?;
    desk.store.check_plan(id)?;
    let gone = || Failure::new(Code::UnknownId, format!("no such plan: '{id}'"));
    let plan = loaded.plans.get(id).ok_or_else(gone)?;
    let position = desk.position(&loaded);
    let open: Vec<TicketId> = plan.tickets.iter().filter(|t| is_open(&position, t)).cloned().collect();
    for ticket in &open {
        desk.store.check(ticket)?;
    }
    if open.is_empty() {
        return Err(Failure::new(Code::IllegalStep, format!("{id}: it has no ticket to ship")).fix("haco next").into());
    }
    let shipped = |t: &TicketId| loaded.tickets.get(t).is_some_and(|t| t.shipment.is_some());
    let branches = if open.iter().all(shipped) {
        again(desk, out, &loaded, &open, target)?
    } else {
        may_ship(desk, &position, plan, &open)?;
        let order = graph::topological(&graph::edges(loaded.tickets.values()));
        let tickets = order.into_iter().filter(|t| open.contains(t)).collect();
        let ready = Ready { plan, tickets, branch: format!("haco/{id}") };
        vec![ship(desk, out, &loaded, &position, &ready, target)?]
    };
    let outcome = Outcome::yes().with("plan", id.as_str()).with("branches", branches);
    if target.mode == Mode::Show {
        return Ok(outcome);
    }
    for ticket in &open {
        out.line(ticket.as_str())?;
    }
    let list: Vec<Value> = open.iter().map(|t| json!({"id": t, "status": "shipped"})).collect();
    Ok(outcome.with("tickets", list))
}

/// Ships one ticket with what it depends on, as a branch of its own.
fn one(desk: &Desk, out: &mut Out, id: &TicketId, target: &Target) -> Result<Value> {
    desk.store.check(id)?;
    let loaded = desk.load_ticket(id)?;
    let ticket = loaded.ticket(id)?;
    let plan = loaded.plan_of(ticket)?;
    desk.store.check_plan(&plan.id)?;
    if ticket.shipment.is_some() {
        let branches = again(desk, out, &loaded, std::slice::from_ref(id), target)?;
        return Ok(branches.into_iter().next().unwrap_or_default());
    }
    let position = desk.position(&loaded);
    let below = below(&loaded, id);
    for one in below.iter().filter(|t| is_open(&position, t)) {
        desk.store.check(one)?;
        match position.standings.get(one) {
            Some(s) if matches!(s.need, Need::Ship | Need::Shipped) => {}
            Some(s) => return Err(refusal(one, s, "shipping").into()),
            None => return Err(Failure::new(Code::IllegalStep, format!("{one}: its plan has no such stage")).into()),
        }
    }
    let order = graph::topological(&graph::edges(loaded.tickets.values()));
    let tickets = order.into_iter().filter(|t| below.contains(t) && is_open(&position, t)).collect();
    let ready = Ready { plan, tickets, branch: format!("haco/{id}") };
    ship(desk, out, &loaded, &position, &ready, target)
}

/// Makes the branch, pushes it and records where the tickets are; or shows what would be.
fn ship(
    desk: &Desk,
    out: &mut Out,
    loaded: &Loaded,
    position: &Position,
    ready: &Ready<'_>,
    target: &Target,
) -> Result<Value> {
    target.url(desk)?;
    let mut steps = Vec::new();
    for id in &ready.tickets {
        let busy = || Failure::new(Code::Busy, format!("{id}: a step of it is held by another process"));
        steps.push(desk.store.try_step(id)?.ok_or_else(busy)?);
    }
    let made = branch::make(desk, loaded, position, ready.plan, &ready.tickets, ready.branch.clone())?;
    let none = || Failure::new(Code::IllegalStep, format!("'{}' would hold no commit", made.name));
    let tip = made.tip().ok_or_else(none)?.clone();
    if target.mode == Mode::Show {
        return show(desk, out, ready.plan, &made, target, &tip);
    }
    let earlier = ready.tickets.iter().filter_map(|id| loaded.tickets.get(id)?.shipment.as_ref());
    let earlier = earlier.filter(|s| s.branch == made.name && s.remote == target.remote).map(|s| &s.commit).next_back();
    let pushed = desk.repo()?.push(&target.remote, &tip, &made.name, earlier)?;
    record(desk, ready, target, &tip)?;
    let word = if pushed == Pushed::AlreadyThere { "is already at" } else { "pushed to" };
    out.say(format!("{} {word} {}: {}", made.name, target.remote, tip.short()));
    let url = branch::compare(target.url(desk)?, &made.name);
    out.say(url.clone().unwrap_or_else(|| format!("branch {}", made.name)));
    Ok(json!({"branch": made.name, "commit": tip, "remote": target.remote, "url": url}))
}

/// Prints the branch, its commits and how much it changes.
fn show(desk: &Desk, out: &mut Out, plan: &Plan, made: &Branch, target: &Target, tip: &Oid) -> Result<Value> {
    let stat = desk.repo()?.diff_stat(&plan.base, tip)?;
    out.line(format!("{} on {}", made.name, plan.base.short()))?;
    for one in &made.commits {
        out.line(crate::output::shown(&format!("  {} {}: {}", one.commit.short(), one.ticket, one.title)))?;
    }
    out.line(format!("{} files, +{} -{}", stat.files, stat.added, stat.removed))?;
    out.line(format!("would push {}:refs/heads/{} to {}", tip.short(), made.name, target.remote))?;
    let commits = made.commits.iter().map(|c| json!({"id": c.ticket, "title": c.title, "commit": c.commit}));
    Ok(json!({
        "branch": made.name, "commit": tip, "remote": target.remote, "commits": commits.collect::<Vec<_>>(),
        "files": stat.files, "added": stat.added, "removed": stat.removed,
    }))
}

/// Writes the shipment into the tickets that have none yet.
fn record(desk: &Desk, ready: &Ready<'_>, target: &Target, tip: &Oid) -> Result<()> {
    let mut tx = desk.store.begin(&ready.tickets, Some(&ready.plan.id))?;
    let forge = branch::compare(target.url(desk)?, &ready.branch);
    let mut ids = Vec::new();
    for id in &ready.tickets {
        let mut ticket = tx.ticket(id)?.clone();
        let moved = ticket.shipment.as_ref().is_some_and(|s| s.branch == ready.branch && s.commit != *tip);
        if ticket.shipment.is_some() && !moved {
            continue;
        }
        ticket.shipment = Some(Shipment {
            branch: ready.branch.clone(),
            commit: tip.clone(),
            remote: target.remote.clone(),
            forge: None,
            url: forge.clone(),
            number: None,
            state: "pushed".to_owned(),
            at: clock::now(),
        });
        tx.put_ticket(ticket)?;
        ids.push(id.clone());
    }
    let data = json!({"branch": ready.branch, "commit": tip, "remote": target.remote, "tickets": ids});
    let only = match ready.tickets.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    };
    let event = Event::new(EVENT, "harness", &clock::now());
    Ok(tx.commit(Event { plan: Some(ready.plan.id.clone()), ticket: only, data, ..event })?)
}

/// What was shipped before is there, or is pushed again as it was; says so, a branch a line.
fn again(desk: &Desk, out: &Out, loaded: &Loaded, ids: &[TicketId], target: &Target) -> Result<Vec<Value>> {
    let shipments = ids.iter().filter_map(|id| loaded.tickets.get(id)?.shipment.as_ref());
    let branches: BTreeMap<&str, &Oid> = shipments.map(|s| (s.branch.as_str(), &s.commit)).collect();
    let mut said = Vec::new();
    for (branch, commit) in branches {
        let url = branch::compare(target.url(desk)?, branch);
        let word = match target.mode {
            Mode::Show => "was shipped before and would be pushed again to",
            Mode::Push => match desk.repo()?.push(&target.remote, commit, branch, Some(commit))? {
                Pushed::AlreadyThere => "is already at",
                Pushed::Done => "pushed again to",
            },
        };
        out.say(format!("{branch} {word} {}: {}", target.remote, commit.short()));
        out.say(url.clone().unwrap_or_else(|| format!("branch {branch}")));
        said.push(json!({"branch": branch, "commit": commit, "remote": target.remote, "url": url}));
    }
    Ok(said)
}
