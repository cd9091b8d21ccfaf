//! A plan's open tickets together: every check of each of them on the one tree that they make.

use super::{
    checks::{self, Asking, Which},
    copy::Copy,
    ticket,
};
use crate::{
    clock,
    desk::{Desk, Loaded},
    exit::Outcome,
    ground,
    output::Out,
    turn,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Need, Position, Union},
    id::{PlanId, TicketId},
    journal::Event,
    oid::Oid,
    plan::Plan,
    verdict::{Answer, Verdict, latest},
};
use haco_git::{Expect, Who};
use serde_json::json;

/// The check's name.
const CHECK: &str = "union";

/// Verifies the union of one plan.
pub(super) fn verify(desk: &Desk, out: &mut Out, id: &PlanId, again: bool) -> Result<Outcome> {
    desk.store.check_plan(id)?;
    let loaded = desk.load(Some(id))?;
    let gone = || Failure::new(Code::UnknownId, format!("no such plan: '{id}'"));
    let plan = loaded.plans.get(id).ok_or_else(gone)?;
    for ticket in &plan.tickets {
        desk.store.check(ticket)?;
    }
    let mut position = desk.position(&loaded);
    let Some(union) = position.unions.remove(id) else { return without(out, plan, &position) };
    match latest(&plan.verdicts, CHECK, &union.subject).filter(|v| v.verdict != Answer::Blocked && !again) {
        Some(v) if v.verdict == Answer::Pass => {
            out.say(format!("{id}: its union already passed every check"));
            return yes(out, id);
        }
        Some(v) => {
            let reason = v.reason.clone().unwrap_or_default();
            return Ok(no(id, Failure::new(Code::ChecksFailed, format!("{id}: the union fails: {reason}"))));
        }
        None => {}
    }
    let _steps = union.tickets.iter().map(|t| turn::hold(desk, t)).collect::<Result<Vec<_>>>()?;
    ask(desk, out, &loaded, &position, &union, again)
}

/// A plan without a union that can be asked: one ticket is its own union; else something comes first.
fn without(out: &mut Out, plan: &Plan, position: &Position) -> Result<Outcome> {
    let id = &plan.id;
    let standing = |t: &TicketId| position.standings.get(t);
    let open = |t: &&TicketId| !standing(t).is_some_and(|s| matches!(s.need, Need::Abandoned | Need::Split));
    let open: Vec<&TicketId> = plan.tickets.iter().filter(open).collect();
    let waiting = open.iter().find(|t| !standing(t).is_some_and(|s| s.audited || s.need == Need::Shipped));
    let why = match (open.as_slice(), waiting) {
        ([], _) => "it has no open ticket".to_owned(),
        (_, Some(waiting)) => format!("{waiting} is not audited"),
        ([one], None) => {
            out.say(format!("{id}: {one} is its only open ticket, and passed its checks"));
            return yes(out, id);
        }
        (_, None) if open.iter().all(|t| standing(t).is_some_and(|s| s.need == Need::Shipped)) => {
            out.say(format!("{id}: it was shipped"));
            return yes(out, id);
        }
        _ => "its tickets ship one by one".to_owned(),
    };
    let failure = Failure::new(Code::IllegalStep, format!("{id}: its union cannot be checked: {why}"));
    Ok(no(id, failure.fix("haco next")))
}

fn yes(out: &mut Out, id: &PlanId) -> Result<Outcome> {
    out.line(id.as_str())?;
    Ok(Outcome::yes().with("plan", id.as_str()).with("verdict", "pass"))
}

fn no(id: &PlanId, failure: Failure) -> Outcome {
    let verdict = match failure.code {
        Code::ChecksFailed => Some("fail"),
        Code::MissingTool | Code::MissingService | Code::MissingWall => Some("blocked"),
        _ => None,
    };
    let outcome = Outcome::no(failure).with("plan", id.as_str());
    verdict.into_iter().fold(outcome, |outcome, verdict| outcome.with("verdict", verdict))
}

fn ask(
    desk: &Desk,
    out: &mut Out,
    loaded: &Loaded,
    position: &Position,
    union: &Union,
    again: bool,
) -> Result<Outcome> {
    let first = union.tickets.first().ok_or_else(|| Failure::new(Code::IllegalStep, "the union holds no ticket"))?;
    let plan = loaded.plan_of(loaded.ticket(first)?)?;
    let parts = candidates(loaded, position, union)?;
    let repo = desk.repo()?;
    let tree = ground::union_tree(desk, plan, &loaded.tickets, &parts)?;
    let commit = repo.commit(&tree, &parts, &format!("The union of plan '{}'\n", plan.id), &Who::Haco)?;
    out.detail(format!("{}: checking the union of {} tickets, {}", plan.id, parts.len(), commit.short()));
    let folder = format!("evidence/plans/{}/{}", plan.id, tree.short());
    let mut copy = None;
    let mut worst: Option<(Answer, Failure)> = None;
    for id in &union.tickets {
        let evidence = format!("{folder}/{id}");
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let asking = Asking {
            ticket: loaded.ticket(id)?,
            tree: &tree,
            evidence: &evidence,
            extra: vec![
                variable("HACO_TICKET", id.as_str()),
                variable("HACO_BASE", plan.base.as_str()),
                variable("HACO_CANDIDATE", commit.as_str()),
            ],
            which: Which::All,
            again,
        };
        let judged = match checks::known(&asking) {
            Some(known) => known,
            None => {
                if copy.is_none() {
                    copy = Some(Copy::of(desk, &plan.base, &tree)?);
                }
                checks::ask(desk, copy.as_ref().expect("it was made just now"), &asking)?
            }
        };
        let tops: Vec<_> = copy.iter().map(Copy::top).collect();
        if let Some(text) = checks::failure_text(desk, &judged, &tops)? {
            desk.store.write(&format!("{evidence}/failure.txt"), text.as_bytes())?;
        }
        let answer = ticket::answer(&judged);
        let worse = worst.as_ref().is_none_or(|(w, _)| *w == Answer::Blocked && answer == Answer::Fail);
        if let Some(failure) = checks::failure(id.as_str(), &judged).filter(|_| worse) {
            worst = Some((answer, failure));
        }
    }
    drop(copy);
    let verdict = Verdict {
        code: worst.as_ref().map(|(_, f)| f.code.to_string()),
        reason: worst.as_ref().map(|(_, f)| f.message.clone()),
        evidence: Some(folder),
        ..Verdict::new(
            CHECK,
            union.subject.clone(),
            worst.as_ref().map_or(Answer::Pass, |(a, _)| *a),
            "harness",
            &clock::now(),
        )
    };
    if verdict.verdict == Answer::Pass {
        repo.set_ref(&format!("refs/haco/plans/{}", plan.id), &commit, Expect::Anything)?;
    }
    keep(desk, union, &plan.id, verdict)?;
    match worst {
        None => yes(out, &plan.id),
        Some((_, failure)) => {
            let message = format!("{}: the union does not pass: {}", plan.id, failure.message);
            Ok(no(&plan.id, Failure { message, ..failure }))
        }
    }
}

/// Each ticket's candidate that counts, in the union's order.
fn candidates(loaded: &Loaded, position: &Position, union: &Union) -> Result<Vec<Oid>> {
    let one = |id: &TicketId| {
        let attempt = position.standings.get(id).and_then(|s| s.attempt);
        let ticket = loaded.ticket(id)?;
        let candidate = attempt.and_then(|n| ticket.attempt(n)).and_then(|a| a.candidate.as_ref());
        let none = || Failure::new(Code::Stale, format!("{id}: it has no candidate"));
        Ok(candidate.ok_or_else(none)?.commit.clone())
    };
    union.tickets.iter().map(one).collect()
}

/// Records the verdict where the union is still what was asked.
fn keep(desk: &Desk, union: &Union, id: &PlanId, verdict: Verdict) -> Result<()> {
    let mut tx = desk.store.begin(&union.tickets, Some(id))?;
    let now = desk.load(Some(id))?;
    if desk.position(&now).unions.get(id).map(|u| &u.subject) != Some(&union.subject) {
        let message = format!("{id}: its tickets changed while their union was checked");
        return Err(Failure::new(Code::Stale, message).fix("haco next").into());
    }
    let data = json!({"verdict": verdict.verdict, "reason": verdict.reason});
    let mut plan = tx.plan()?.clone();
    plan.verdicts.push(verdict);
    tx.put_plan(plan)?;
    let event = Event::new(CHECK, "harness", &clock::now());
    Ok(tx.commit(Event { plan: Some(id.clone()), data, ..event })?)
}
