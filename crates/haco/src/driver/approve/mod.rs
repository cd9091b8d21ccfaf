//! haco approve: gate 1. A person sees the scope (requirement, base, contracts, models, policy) and approves exactly that.

mod scope;
mod show;

use super::gates;
use crate::{
    clock,
    desk::{Desk, Loaded},
    exit::Outcome,
    output::{Answered, Out, Tally},
    person,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Action, Position, plan_is_done},
    id::{PlanId, TicketId},
    journal::Event,
    settings::HUMAN,
    verdict::{Answer, Decision, Verdict, Via},
};
use scope::Scope;
use serde_json::json;

/// Gate 1: approve the scope of a plan
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan; without one, the one that waits
    plan: Option<String>,
    /// Drop a ticket, and whatever depends on it, from the plan (repeatable)
    #[arg(long, value_name = "T-001")]
    exclude: Vec<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let named = args.plan.as_deref().map(gates::plan).transpose()?;
    let exclude: Vec<TicketId> = args.exclude.iter().map(|t| crate::input::id(t)).collect::<Result<_>>()?;
    let plan = which(&desk, named)?;
    let loaded = desk.load(Some(&plan))?;
    let scope = Scope::of(&desk, &loaded, &plan, &exclude)?;
    desk.store.check_all(loaded.tickets.keys(), &plan)?;
    if scope.stands() {
        out.say(format!("plan '{plan}' is approved already: nothing in it is new"));
        return done(&desk, out, &scope);
    }
    if out.can_ask() {
        out.ask(&show::text(&desk, &loaded, &scope)?);
    }
    person::decide(out, &show::question(&scope), &command(&plan, &exclude))?;
    record(&desk, &scope, &exclude)?;
    done(&desk, out, &scope)
}

fn command(plan: &PlanId, exclude: &[TicketId]) -> String {
    let dropped: String = exclude.iter().map(|id| format!(" --exclude {id}")).collect();
    format!("haco approve {plan}{dropped}")
}

/// The plan named, else the only one that waits for its scope; where none does, the only one that is open.
fn which(desk: &Desk, named: Option<PlanId>) -> Result<PlanId> {
    if let Some(plan) = named {
        return Ok(desk.store.plan(&plan).map_err(|f| f.fix("haco status"))?.id);
    }
    let loaded = desk.load(None)?;
    let position = desk.position(&loaded);
    let waits = |plan: &&PlanId| {
        let offered = position.offers.iter().any(|o| o.action == Action::ApproveScope && o.plan == **plan);
        offered || models_changed(desk, &loaded, &position, plan)
    };
    let waiting: Vec<&PlanId> = loaded.plans.keys().filter(waits).collect();
    let open: Vec<&PlanId> = loaded.plans.values().filter(|p| !plan_is_done(p, &position)).map(|p| &p.id).collect();
    match (waiting.as_slice(), open.as_slice()) {
        ([one], _) | ([], [one]) => Ok((*one).clone()),
        ([], []) => Err(Failure::new(Code::NothingLeft, "no plan is waiting for approval").fix("haco next").into()),
        (several @ [first, ..], _) | ([], several @ [first, ..]) => {
            let ids = several.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ");
            let failure = Failure::new(Code::WhichPlan, format!("several plans are open: {ids}"));
            Err(failure.fix(format!("haco approve {first}")).into())
        }
    }
}

/// Whether a plan with work left was approved with another set of models; one that cannot be resolved has changed too.
fn models_changed(desk: &Desk, loaded: &Loaded, position: &Position, plan: &PlanId) -> bool {
    let plan = &loaded.plans[plan];
    let Some(approval) = plan.approval() else { return false };
    !plan_is_done(plan, position)
        && Scope::of(desk, loaded, &plan.id, &[]).map_or(true, |scope| scope.models != approval.models)
}

/// Records the approval and the exclusions in one step, where the scope is still what was shown.
fn record(desk: &Desk, shown: &Scope, exclude: &[TicketId]) -> Result<()> {
    // Everything is read again, the configuration too; whoever changes a contract holds the plan's lock.
    let desk = Desk::at(&desk.place.worktree)?;
    let dropped: Vec<TicketId> = shown.dropped.iter().map(|d| d.id.clone()).collect();
    let mut tx = desk.store.begin(&dropped, Some(&shown.plan))?;
    let loaded = desk.load(Some(&shown.plan))?;
    desk.store.check_all(loaded.tickets.keys(), &shown.plan)?;
    if Scope::of(&desk, &loaded, &shown.plan, exclude)? != *shown {
        let message = format!("plan '{}' changed while it was being approved: nothing was recorded", shown.plan);
        return Err(Failure::new(Code::Stale, message).fix(command(&shown.plan, exclude)).into());
    }
    let at = clock::now();
    for dropped in &shown.dropped {
        let mut ticket = tx.ticket(&dropped.id)?.clone();
        let decision = Decision::new("exclude", HUMAN, &at, gates::latest_attempt(&ticket));
        ticket.decisions.push(Decision { via: Some(Via::Tty), reason: Some(dropped.why.clone()), ..decision });
        tx.put_ticket(ticket)?;
    }
    let mut plan = tx.plan()?.clone();
    plan.verdicts.push(Verdict {
        via: Some(Via::Tty),
        models: shown.models.clone(),
        frame: Some(shown.frame.clone()),
        contracts: shown.contracts.clone(),
        ..Verdict::new("scope", shown.subject.clone(), Answer::Pass, HUMAN, &at)
    });
    tx.put_plan(plan)?;
    let data = json!({"subject": shown.subject, "excluded": dropped});
    Ok(tx.commit(Event { plan: Some(shown.plan.clone()), data, ..Event::new("approve", HUMAN, &at) })?)
}

/// The tickets that the approval holds, one a line.
fn done(desk: &Desk, out: &mut Out, scope: &Scope) -> Result<Outcome> {
    let loaded = desk.load(Some(&scope.plan))?;
    let (world, position) = (desk.world(&loaded), desk.position(&loaded));
    let mut tally = Tally::default();
    for id in scope.contracts.keys() {
        tally.take(out, id, Answered { status: position.status(&world, id), ..Answered::default() })?;
    }
    let excluded: Vec<&str> = scope.dropped.iter().map(|d| d.id.as_str()).collect();
    let outcome = if scope.contracts.is_empty() { Outcome::yes() } else { tally.end() };
    Ok(outcome.with("plan", scope.plan.as_str()).with("excluded", excluded))
}
