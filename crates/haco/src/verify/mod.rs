//! haco-verify: drafts become candidates, and checks are asked of them in throw-away copies.
//!
//! `candidate` builds a tree from a draft, `copy` runs commands confined on a `pristine` checkout with what is `shared`,
//! `checks` asks a ticket's and writes evidence;
//! `ticket`, `baseline`, `union` and `worktree` are the four things that can be verified.

mod baseline;
mod candidate;
mod checks;
mod command;
mod copy;
mod extract;
mod lock;
mod pristine;
mod ran;
mod scan;
mod scratch;
mod setup;
mod shared;
#[cfg(test)]
mod tests;
mod ticket;
mod union;
mod worktree;

use crate::{
    desk::{Desk, Loaded},
    exit::{self, Outcome, Program},
    input::{self, Ids},
    output::{Answered, Common, Out, Tally},
    turn,
};
use anyhow::Result;
use clap::Parser;
use haco_core::{
    code::{Code, Failure},
    cursor::{Action, Standing, Status},
    flags,
    id::{PlanId, TicketId},
    journal::Event,
    subject,
    ticket::Ticket,
    verdict::Finding,
};
use haco_store::StepLock;

/// Turn drafts into candidates and run their checks
///
/// Exits 0 where every check passed, 1 where one failed, 125 where one could not be asked. Prints the ids that passed.
#[derive(Debug, Parser)]
#[command(name = "haco-verify", version)]
pub struct Args {
    /// Tickets, or one plan for the union of its tickets; none: one id a line on stdin
    #[arg(value_name = "ID|PLAN")]
    ids: Vec<String>,
    /// Run the tests on the base: do they tell it from finished work?
    #[arg(long, conflicts_with = "worktree")]
    baseline: bool,
    /// Take the working tree's files in scope as the draft
    #[arg(long, conflicts_with = "again")]
    worktree: bool,
    /// Ask again what is known to pass or fail
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    common: Common,
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// What is asked of each ticket.
#[derive(Clone, Copy)]
enum What {
    Draft,
    Baseline,
    Worktree,
}

/// Runs the program.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let what = match (args.baseline, args.worktree) {
        (true, _) => What::Baseline,
        (_, true) => What::Worktree,
        _ => What::Draft,
    };
    if let Some(plan) = the_plan(&args, what)? {
        return union::verify(&Desk::open()?, out, &plan, args.again);
    }
    let desk = Desk::open()?;
    let mut tally = Tally::default();
    for id in ids(&desk, &args, what)? {
        let id = id?;
        let answered = one(&desk, out, &id, what, args.again).or_else(|error| match exit::is_broken_pipe(&error) {
            true => Err(error),
            false => Ok(Answered { failure: Some(exit::failure_of(&error)), ..Answered::default() }),
        })?;
        let (status, flags) = afterwards(&desk, &id, answered.attempt);
        tally.take(out, &id, Answered { status, flags, ..answered })?;
    }
    Ok(tally.end())
}

/// The plan whose union is asked for: one argument that has a plan's form.
fn the_plan(args: &Args, what: What) -> Result<Option<PlanId>> {
    let plan = args.ids.iter().find_map(|text| text.parse::<PlanId>().ok());
    let wrong = |why: &str| Failure::new(Code::Usage, why).fix("haco-verify --help");
    match plan {
        Some(_) if !matches!(what, What::Draft) => {
            Err(wrong("a plan is verified without --baseline and --worktree").into())
        }
        Some(_) if args.ids.len() > 1 => Err(wrong("a plan is verified alone").into()),
        plan => Ok(plan),
    }
}

fn ids(desk: &Desk, args: &Args, what: What) -> Result<Ids> {
    let fits = |action: Action| match what {
        What::Draft => matches!(action, Action::Verify | Action::Rebase),
        What::Baseline => action == Action::Baseline,
        What::Worktree => action == Action::Draft,
    };
    input::ids(args.ids.clone(), || {
        let loaded = desk.load(None)?;
        let offers = desk.position(&loaded).offers;
        Ok(offers.into_iter().find(|o| fits(o.action) && o.ticket.is_some()).and_then(|o| o.ticket))
    })
}

fn one(desk: &Desk, out: &Out, id: &TicketId, what: What, again: bool) -> Result<Answered> {
    match what {
        What::Draft => ticket::verify(desk, out, id, again),
        What::Baseline => baseline::verify(desk, out, id, again),
        What::Worktree => worktree::verify(desk, out, id),
    }
}

/// Where a ticket stands now, and what should be seen in the attempt's candidate.
fn afterwards(desk: &Desk, id: &TicketId, attempt: Option<u32>) -> (Option<Status>, Vec<Finding>) {
    let Ok(loaded) = desk.load_ticket(id) else { return (None, Vec::new()) };
    let status = desk.position(&loaded).status(&desk.world(&loaded), id);
    let flags = loaded.ticket(id).ok().and_then(|ticket| {
        let attempt = ticket.attempt(attempt?)?;
        Some(flags::recorded(ticket, attempt).to_vec())
    });
    (status, flags.unwrap_or_default())
}

/// One ticket with its step held, freshly read and checked for foreign writes, and where it stands.
fn take_up(desk: &Desk, id: &TicketId) -> Result<(StepLock, Loaded, Standing)> {
    desk.store.check(id)?;
    let step = turn::hold(desk, id)?;
    let loaded = desk.load_ticket(id)?;
    desk.store.check_plan(&loaded.ticket(id)?.plan)?;
    let standing = desk.position(&loaded).standings.remove(id);
    let none = || Failure::new(Code::IllegalStep, format!("{id}: its plan has no such stage"));
    Ok((step, loaded, standing.ok_or_else(none)?))
}

/// Changes a ticket that was read before, where its contract and attempts are still what was read.
fn record(desk: &Desk, read: &Ticket, event: Event, edit: impl FnOnce(&mut Ticket) -> Result<()>) -> Result<Ticket> {
    let id = &read.id;
    let mut tx = desk.store.begin(std::slice::from_ref(id), Some(&read.plan))?;
    let mut now = tx.ticket(id)?.clone();
    if subject::contract(&now) != subject::contract(read) || now.attempts != read.attempts {
        let message = format!("{id}: it was changed while this step ran, and nothing was recorded");
        return Err(Failure::new(Code::Stale, message).fix("haco next").into());
    }
    edit(&mut now)?;
    tx.put_ticket(now.clone())?;
    tx.commit(event)?;
    Ok(now)
}
