//! The lead is asked, and asked again where its answer is not valid: a model here and now, an agent or a person later.

use super::{Args, checks, make, report, source};
use crate::{
    call::{self, Called},
    clock,
    contracts::{self, Order, Target},
    desk::Desk,
    exit::Outcome,
    lead,
    output::Out,
    purse::Errand,
};
use anyhow::Result;
use haco_core::{
    bound,
    code::{Code, Failure, Status},
    id::{PlanId, TicketId},
    intake::{self, Bad, Incoming, IncomingPlan, Source},
    journal::Event,
    plan::Plan,
    prompt,
    settings::{HUMAN, Resolved, SUPERVISOR},
};
use haco_net::Ask;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How often an answer that is not valid goes back with the reasons.
const REPAIRS: usize = 2;
/// As many reasons as a repair can take in.
const MOST_REASONS: usize = 40;

/// A new plan for a requirement.
pub(super) fn new(desk: &mut Desk, args: &Args, out: &mut Out) -> Result<Outcome> {
    desk.repo()?.head_commit()?;
    let requirement = source::requirement(args)?;
    let (plan, exact) = make::plan(desk, args, requirement, &IncomingPlan::default(), out)?;
    let found = checks::find(desk, &plan)?;
    let lead = lead_of(desk, args.model.as_deref());
    if lead == SUPERVISOR || lead == HUMAN {
        let id = contracts::make(desk, plan, exact, contracts::actor(Source::File))?;
        checks::keep(desk, &found, out)?;
        return Ok(outside(&lead, &id));
    }
    let answer = answer(desk, &plan, &lead, out)?;
    let target = Target::New { plan: Box::new(plan), exact };
    let outcome = store(desk, target, answer, out)?;
    if outcome.json.contains_key("plan") {
        checks::keep(desk, &found, out)?;
    }
    Ok(outcome)
}

/// The lead of a plan that has no tickets yet.
pub(super) fn again(desk: &mut Desk, id: &PlanId, model: Option<&str>, out: &mut Out) -> Result<Outcome> {
    desk.store.check_plan(id)?;
    let plan = desk.store.plan(id)?;
    if !plan.tickets.is_empty() {
        return Err(contracts::has_tickets(id).into());
    }
    let found = checks::find(desk, &plan)?;
    checks::keep(desk, &found, out)?;
    let lead = lead_of(desk, model);
    if lead == SUPERVISOR || lead == HUMAN {
        return Ok(outside(&lead, id));
    }
    let answer = answer(desk, &plan, &lead, out)?;
    store(desk, Target::There(id), answer, out)
}

pub(super) fn lead_of(desk: &Desk, named: Option<&str>) -> String {
    named.or(desk.settings.tech_lead.first().map(String::as_str)).unwrap_or(SUPERVISOR).to_owned()
}

/// Somebody else answers, and `haco next` has the prompt.
fn outside(lead: &str, plan: &PlanId) -> Outcome {
    let (code, who) = match lead {
        HUMAN => (Code::NeedsPerson, "a person"),
        _ => (Code::NeedsSupervisor, "the supervisor"),
    };
    let message = format!("plan '{plan}' waits for its tickets from {who}");
    let failure = Failure::new(code, message).fix(prompt::answer_command(plan));
    Outcome::no(failure).with("plan", plan.as_str()).with("tickets", Vec::<Value>::new())
}

/// What a model answered in the end, and every call on the way.
pub(super) struct Answer {
    pub(super) incoming: Result<Incoming, Failure>,
    pub(super) calls: Vec<Call>,
}

/// One call as it is kept.
pub(super) struct Call {
    prompt: String,
    reply: String,
    record: Value,
}

pub(super) fn answer(desk: &Desk, plan: &Plan, lead: &str, out: &Out) -> Result<Answer> {
    let model = desk.settings.model(lead)?;
    let there: BTreeSet<TicketId> = plan.tickets.iter().cloned().collect();
    let (mut calls, mut errors) = (Vec::new(), None);
    let mut best: Result<Incoming, Failure> = Err(Failure::new(Code::BadPlan, "the lead was not asked"));
    for round in 0..=REPAIRS {
        let why = if round == 0 { "for tickets" } else { "to mend its answer" };
        out.say(format!("asking '{lead}' {why}"));
        let (called, call) = one(desk, plan, &model, errors.as_deref(), out)?;
        calls.push(call);
        let read = match called.failure {
            Some(failure) if failure.code.status() != Status::No => {
                if best.is_err() {
                    best = Err(failure);
                }
                break;
            }
            Some(failure) => Err(failure),
            None => intake::read(&called.text, Source::Model).and_then(some),
        };
        let wrong = wrong(&read, &there);
        if is_better(&read, &best) {
            best = read;
        }
        if wrong.is_empty() {
            break;
        }
        out.detail(format!("the answer is not valid: {}", wrong.join("; ")));
        errors = Some(list(&wrong));
    }
    if let Ok(incoming) = &mut best {
        contracts::hold_back(incoming, &there);
    }
    Ok(Answer { incoming: best, calls })
}

fn one(desk: &Desk, plan: &Plan, model: &Resolved, errors: Option<&str>, out: &Out) -> Result<(Called, Call)> {
    let prompt = lead::ask(desk, plan, errors)?;
    let stable = match errors {
        None => bound::stable(&prompt),
        Some(_) => bound::stable(&lead::ask(desk, plan, None)?),
    };
    let ask = Ask { prompt: &prompt, schema: Some(bound::plan()), stable, ..Ask::default() };
    let place = format!("plan/{}/tech_lead", plan.id);
    let files = json!([{"path": "(names and signatures of the base)", "bytes": prompt.len()}]);
    let errand = Errand { place: &place, role: "tech_lead", plan: Some(&plan.id), ticket: None, files: Some(&files) };
    let called = call::call(desk, model, &ask, &errand, out)?;
    let record = called.record(model, &prompt, None, &clock::now());
    let reply = called.text.clone();
    Ok((called, Call { prompt, reply, record }))
}

/// An answer without a ticket is none.
fn some(incoming: Incoming) -> Result<Incoming, Failure> {
    match incoming.tickets.is_empty() && incoming.bad.is_empty() {
        true => Err(Failure::new(Code::BadPlan, "the answer holds no ticket")),
        false => Ok(incoming),
    }
}

/// Everything that is wrong with an answer, for the next prompt.
fn wrong(read: &Result<Incoming, Failure>, there: &BTreeSet<TicketId>) -> Vec<String> {
    match read {
        Err(failure) => vec![failure.message.clone()],
        Ok(incoming) => {
            let flaws = contracts::flaws(incoming, there).into_iter().map(|flaw| flaw.failure.message);
            incoming.bad.iter().flat_map(|bad: &Bad| bad.reasons.clone()).chain(flaws).collect()
        }
    }
}

/// A later answer replaces an earlier one unless it has fewer valid tickets.
fn is_better(new: &Result<Incoming, Failure>, old: &Result<Incoming, Failure>) -> bool {
    match (new, old) {
        (Ok(new), Ok(old)) => new.tickets.len() >= old.tickets.len(),
        (Err(_), Ok(_)) => false,
        (_, Err(_)) => true,
    }
}

fn list(wrong: &[String]) -> String {
    let mut lines: Vec<String> = wrong.iter().take(MOST_REASONS).map(|why| format!("- {why}")).collect();
    if wrong.len() > MOST_REASONS {
        lines.push(format!("- and {} more", wrong.len() - MOST_REASONS));
    }
    lines.join("\n")
}

/// Stores the valid tickets with the calls that brought them; where there is none, no plan is made.
fn store(desk: &Desk, target: Target<'_>, answer: Answer, out: &mut Out) -> Result<Outcome> {
    let id = match &target {
        Target::There(id) => (*id).clone(),
        Target::New { plan, .. } => plan.id.clone(),
    };
    let there = matches!(target, Target::There(_));
    let calls = answer.calls;
    let keep = |id: &PlanId| keep(desk, id, &calls);
    let failed = match answer.incoming {
        Ok(incoming) if !incoming.tickets.is_empty() => {
            let actor = contracts::actor(Source::Model);
            let order = Order { target, actor, replaced: BTreeSet::new(), split: None, first: true, before: &keep };
            let (id, added) = contracts::store(desk, order, incoming)?;
            out.say(format!("plan '{id}'"));
            return report::end(desk, &id, &added, Code::TicketsRefused, out);
        }
        failed => failed,
    };
    if there {
        keep(&id)?;
    }
    note(desk, there.then_some(&id), &calls)?;
    match failed {
        Ok(incoming) => {
            let added = contracts::Added { bad: incoming.bad, notes: incoming.notes, ..Default::default() };
            report::end(desk, &id, &added, Code::TicketsRefused, out)
        }
        Err(failure) if matches!(failure.code.status(), Status::No | Status::Usage) => {
            let message = format!("the lead's answer is not valid after {REPAIRS} repairs: {}", failure.message);
            Ok(Outcome::no(Failure { code: Code::TicketsRefused, message, fix: failure.fix }))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The calls below the plan, each in a folder of its own.
pub(super) fn keep(desk: &Desk, plan: &PlanId, calls: &[Call]) -> Result<()> {
    let dir = format!("plans/{plan}/calls");
    let there = desk.store.list(&dir)?.iter().filter_map(|name| name.parse::<usize>().ok()).max().unwrap_or(0);
    for (n, call) in (there + 1..).zip(calls) {
        let record = format!("{:#}\n", call.record);
        let files = [
            ("prompt.md", call.prompt.as_bytes()),
            ("reply.md", call.reply.as_bytes()),
            ("call.json", record.as_bytes()),
        ];
        desk.store.write_draft(&format!("{dir}/{n}"), &files)?;
    }
    Ok(())
}

/// Calls that brought nothing may have cost something.
fn note(desk: &Desk, plan: Option<&PlanId>, calls: &[Call]) -> Result<()> {
    let calls: Vec<Value> = calls
        .iter()
        .map(|c| json!({"model": c.record["model"]["name"], "usage": c.record["usage"], "error": c.record["error"]}))
        .collect();
    let data = json!({"calls": calls});
    let event = Event::new("plan_refused", contracts::actor(Source::Model), &clock::now());
    desk.store.note(Event { plan: plan.cloned(), data, ..event })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Incoming, Failure> {
        intake::read(text, Source::Model).and_then(some)
    }

    const GOOD: &str = r#"{"tickets": [{"title": "a", "type": "chore", "task": {"description": "d", "new_files": ["a"]},
        "definition_of_done": {"static_checks": ["true"]}, "depends_on": ["T-009"]}]}"#;

    #[test]
    fn the_reasons_of_an_answer_that_is_not_valid_go_back() {
        assert_eq!(wrong(&read("I would rather not"), &BTreeSet::new()).len(), 1);
        assert_eq!(wrong(&read("{\"tickets\": []}"), &BTreeSet::new()), ["the answer holds no ticket"]);
        let unknown = wrong(&read(GOOD), &BTreeSet::new());
        assert!(unknown[0].contains("there is no ticket 'T-009'"), "{unknown:?}");
        assert!(wrong(&read(GOOD), &["T-009".parse().expect("an id")].into()).is_empty());
    }

    #[test]
    fn an_answer_with_more_valid_tickets_stays() {
        assert!(is_better(&read(GOOD), &read("prose")));
        assert!(!is_better(&read("prose"), &read(GOOD)));
        assert!(!is_better(&read("{\"tickets\": [{\"title\": 1}]}"), &read(GOOD)));
    }

    #[test]
    fn a_long_list_of_reasons_is_cut() {
        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(list(&many).lines().count(), MOST_REASONS + 1);
    }
}
