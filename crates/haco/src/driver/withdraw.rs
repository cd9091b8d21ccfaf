//! haco withdraw: take back an approval or an acceptance before shipping; a person's decision, like the gates.

use super::gates::{self, Target};
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
    cursor::{Need, Position, refusal},
    hash::Hash,
    id::{PlanId, TicketId},
    journal::Event,
    settings::HUMAN,
    verdict::{Answer, Decision, Verdict, Via},
};
use serde_json::json;
use std::collections::BTreeMap;

/// Take back an approval or an acceptance, before shipping
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A ticket: its acceptance. A plan: the acceptances in it, or where there are none, its approval
    #[arg(value_name = "PLAN|TICKET")]
    id: String,
}

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Taken {
    /// The approval of a plan with this subject.
    Approval(Hash),
    /// Acceptances with their subjects.
    Acceptances(BTreeMap<TicketId, Hash>),
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let target = gates::target(&args.id)?;
    let plan = target.plan(&desk)?;
    let loaded = desk.load(Some(&plan))?;
    desk.store.check_all(loaded.tickets.keys(), &plan)?;
    let Some(taken) = what(&loaded, &desk.position(&loaded), &plan, &target)? else {
        out.say(format!("'{}': there is nothing to take back", args.id));
        return Ok(Outcome::yes());
    };
    person::decide(out, &question(&plan, &taken), &format!("haco withdraw {}", args.id))?;
    record(&desk, &plan, &target, &taken)?;
    done(&desk, out, &plan, &taken)
}

/// What `target` takes back; none where nothing stands.
fn what(loaded: &Loaded, position: &Position, plan: &PlanId, target: &Target) -> Result<Option<Taken>> {
    let accepted = |id: &TicketId| {
        let standing = position.standings.get(id).filter(|s| s.need == Need::Ship)?;
        Some((id.clone(), standing.acceptance.clone()?))
    };
    let ids = match target {
        Target::Ticket(id) => {
            let standing = gates::standing(position, id)?;
            gates::until_shipping(id, standing, "withdrawal")?;
            if let Need::Accept { .. } = standing.need {
                return Ok(None);
            }
            let all = accepted(id).ok_or_else(|| refusal(id, standing, "withdrawal"))?;
            return Ok(Some(Taken::Acceptances(BTreeMap::from([all]))));
        }
        Target::Plan(_) => &loaded.plans[plan].tickets,
    };
    let all: BTreeMap<TicketId, Hash> = ids.iter().filter_map(accepted).collect();
    if !all.is_empty() {
        return Ok(Some(Taken::Acceptances(all)));
    }
    let open = ids.iter().filter_map(|id| loaded.tickets.get(id)).any(gates::is_open);
    match loaded.plans[plan].approval() {
        None => Ok(None),
        Some(_) if !open && !ids.is_empty() => {
            let message = format!("plan '{plan}': withdrawal is not the next step: nothing of it is open");
            Err(Failure::new(Code::IllegalStep, message).fix("haco status").into())
        }
        Some(approval) => Ok(Some(Taken::Approval(approval.subject.clone()))),
    }
}

fn question(plan: &PlanId, taken: &Taken) -> String {
    match taken {
        Taken::Approval(_) => {
            format!("take back the approval of plan '{plan}'? nothing in it goes on until it is approved")
        }
        Taken::Acceptances(all) => {
            let ids: Vec<TicketId> = all.keys().cloned().collect();
            format!("take back the acceptance of {} (plan '{plan}' stays approved)?", gates::list(&ids))
        }
    }
}

/// Records it, where the same still stands.
fn record(desk: &Desk, plan: &PlanId, target: &Target, shown: &Taken) -> Result<()> {
    let ids: Vec<TicketId> = match shown {
        Taken::Approval(_) => Vec::new(),
        Taken::Acceptances(all) => all.keys().cloned().collect(),
    };
    let mut tx = desk.store.begin(&ids, Some(plan))?;
    let loaded = desk.load(Some(plan))?;
    if what(&loaded, &desk.position(&loaded), plan, target)?.as_ref() != Some(shown) {
        let message = format!("plan '{plan}' changed while it was being withdrawn: nothing was recorded");
        return Err(Failure::new(Code::Stale, message).fix("haco status").into());
    }
    let at = clock::now();
    let no = |check: &str, subject: &Hash| Verdict {
        via: Some(Via::Tty),
        ..Verdict::new(check, subject.clone(), Answer::Fail, HUMAN, &at)
    };
    let decision = |attempt| Decision {
        via: Some(Via::Tty),
        plan: Some(plan.clone()),
        ..Decision::new("withdraw", HUMAN, &at, attempt)
    };
    let data = match shown {
        Taken::Approval(subject) => {
            let mut stored = tx.plan()?.clone();
            stored.verdicts.push(no("scope", subject));
            stored.decisions.push(decision(0));
            tx.put_plan(stored)?;
            json!({"check": "scope"})
        }
        Taken::Acceptances(all) => {
            for (id, subject) in all {
                let mut ticket = tx.ticket(id)?.clone();
                ticket.verdicts.push(no("acceptance", subject));
                ticket.decisions.push(decision(gates::latest_attempt(&ticket)));
                tx.put_ticket(ticket)?;
            }
            json!({"check": "acceptance", "tickets": ids})
        }
    };
    Ok(tx.commit(Event { plan: Some(plan.clone()), data, ..Event::new("withdraw", HUMAN, &at) })?)
}

/// The tickets whose acceptance was taken back, or the plan.
fn done(desk: &Desk, out: &mut Out, plan: &PlanId, taken: &Taken) -> Result<Outcome> {
    let Taken::Acceptances(all) = taken else {
        out.line(plan.as_str())?;
        return Ok(Outcome::yes().with("plan", plan.as_str()));
    };
    let loaded = desk.load(Some(plan))?;
    let (world, position) = (desk.world(&loaded), desk.position(&loaded));
    let mut tally = Tally::default();
    for id in all.keys() {
        tally.take(out, id, Answered { status: position.status(&world, id), ..Answered::default() })?;
    }
    Ok(tally.end().with("plan", plan.as_str()))
}
