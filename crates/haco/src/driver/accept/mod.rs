//! haco accept: gate 2. A person sees what passed every check and audit, and accepts exactly those bytes.

mod due;
mod show;

use super::gates::{self, Target};
use crate::{
    clock,
    desk::{Desk, Loaded},
    exit::Outcome,
    output::{Answered, Out, Tally},
    person,
};
use anyhow::Result;
use due::Due;
use haco_core::{
    code::{Code, Failure},
    id::{PlanId, TicketId},
    journal::Event,
    settings::HUMAN,
    verdict::{Answer, Verdict, Via},
};
use serde_json::json;
use std::collections::BTreeMap;

/// Gate 2: accept audited work
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan, or tickets (T-001 …); a ticket may be accepted before the others
    #[arg(required = true, value_name = "PLAN|TICKET")]
    ids: Vec<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let asked = by_plan(&desk, &args.ids)?;
    let mut all: Vec<(PlanId, Loaded, Due)> = Vec::new();
    for (plan, targets) in &asked {
        let loaded = desk.load(Some(plan))?;
        desk.store.check_all(loaded.tickets.keys(), plan)?;
        let due = due::of(&desk, &loaded, plan, targets)?;
        all.push((plan.clone(), loaded, due));
    }
    let open: Vec<TicketId> = all.iter().flat_map(|(_, _, due)| due.subjects.keys().cloned()).collect();
    if open.is_empty() {
        out.say("accepted already: nothing new waits for acceptance");
        return done(&desk, out, &all);
    }
    if out.can_ask() {
        for (plan, loaded, due) in &all {
            out.ask(&show::text(&desk, loaded, plan, due)?);
        }
    }
    let question = format!("accept {}?", gates::list(&open));
    person::decide(out, &question, &format!("haco accept {}", args.ids.join(" ")))?;
    for (plan, _, due) in &all {
        record(&desk, plan, &asked[plan], due)?;
    }
    done(&desk, out, &all)
}

/// What was named, by plan.
fn by_plan(desk: &Desk, ids: &[String]) -> Result<BTreeMap<PlanId, Vec<Target>>> {
    let mut asked: BTreeMap<PlanId, Vec<Target>> = BTreeMap::new();
    for text in ids {
        let target = gates::target(text)?;
        let plan = match &target {
            Target::Plan(id) => desk.store.plan(id).map_err(|f| f.fix("haco status"))?.id,
            Target::Ticket(id) => desk.store.ticket(&gates::ticket_id(desk, id.as_str())?)?.plan,
        };
        asked.entry(plan).or_default().push(target);
    }
    Ok(asked)
}

/// Records the acceptance of a plan's tickets in one step, where they are still what was shown.
fn record(desk: &Desk, plan: &PlanId, targets: &[Target], shown: &Due) -> Result<()> {
    if shown.subjects.is_empty() {
        return Ok(());
    }
    // The configuration is read again too: with another policy the scope does not stand.
    let desk = Desk::at(&desk.place.worktree)?;
    let ids: Vec<TicketId> = shown.subjects.keys().cloned().collect();
    let mut tx = desk.store.begin(&ids, Some(plan))?;
    let loaded = desk.load(Some(plan))?;
    desk.store.check_all(loaded.tickets.keys(), plan)?;
    let stale = || {
        let message = format!("{} changed while being accepted: nothing was recorded", gates::list(&ids));
        Failure::new(Code::Stale, message).fix(format!("haco accept {}", ids[0]))
    };
    let now = due::of(&desk, &loaded, plan, targets).map_err(|_| stale())?;
    if now.subjects != shown.subjects {
        return Err(stale().into());
    }
    let at = clock::now();
    for (id, subject) in &shown.subjects {
        let mut ticket = tx.ticket(id)?.clone();
        let verdict = Verdict::new("acceptance", subject.clone(), Answer::Pass, HUMAN, &at);
        ticket.verdicts.push(Verdict { via: Some(Via::Tty), ..verdict });
        tx.put_ticket(ticket)?;
    }
    let ticket = if let [one] = ids.as_slice() { Some(one.clone()) } else { None };
    let data = json!({"subjects": shown.subjects});
    Ok(tx.commit(Event { plan: Some(plan.clone()), ticket, data, ..Event::new("accept", HUMAN, &at) })?)
}

/// The accepted tickets, one a line.
fn done(desk: &Desk, out: &mut Out, all: &[(PlanId, Loaded, Due)]) -> Result<Outcome> {
    let mut tally = Tally::default();
    for (plan, _, due) in all {
        let loaded = desk.load(Some(plan))?;
        let (world, position) = (desk.world(&loaded), desk.position(&loaded));
        for id in due.subjects.keys().chain(&due.already) {
            let attempt = position.standings.get(id).and_then(|s| s.attempt);
            let status = position.status(&world, id);
            tally.take(out, id, Answered { status, attempt, ..Answered::default() })?;
        }
    }
    Ok(tally.end())
}
