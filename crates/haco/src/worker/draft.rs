//! One ticket's draft: prompt, call, and what came of it as an attempt. A call that brought no reply is journalled and
//! costs no try.

use super::{
    ask::{self, Asked},
    past,
};
use crate::{
    call::{self, Called, kept},
    clock,
    desk::{Desk, event},
    exit::failure_of,
    ground,
    output::{Answered, Out},
    purse::Errand,
    turn::{self, Turn},
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Draft, Step, StepOutcome},
    code::{Code, Failure},
    cursor::Need,
    hash::Hash,
    id::TicketId,
    oid::Oid,
    route,
    settings::{HUMAN, Resolved, SUPERVISOR},
    ticket::Ticket,
};
use haco_net::Ask;
use serde_json::{Value, json};

/// Everything that is decided before the call.
struct Work {
    n: u32,
    role: String,
    model: Resolved,
    base: Oid,
    on: Vec<Oid>,
    asked: Asked,
    at: String,
}

/// Drafts `id`; `named` is the model that was asked for by name.
pub(super) fn draft(desk: &Desk, id: &TicketId, named: Option<&str>, out: &Out) -> Answered {
    let mut answered = Answered::default();
    let done = drafted(desk, id, named, out, &mut answered);
    answered.failure = match done {
        Ok(failure) => failure,
        Err(error) => Some(failure_of(&error)),
    };
    answered.status = Turn::of(desk, id).ok().map(|turn| turn.status());
    answered
}

fn drafted(
    desk: &Desk,
    id: &TicketId,
    named: Option<&str>,
    out: &Out,
    answered: &mut Answered,
) -> Result<Option<Failure>> {
    let _step = turn::hold(desk, id)?;
    let turn = Turn::of(desk, id)?;
    if let Some(n) = drafted_before(&turn) {
        out.say(format!("{id}: attempt {n} is drafted already"));
        answered.attempt = Some(n);
        return Ok(None);
    }
    let work = prepare(desk, id, &turn, named)?;
    out.say(format!("{id}: asking '{}' (attempt {})", work.model.name, work.n));
    let place = format!("{id}/{}/{}", work.n, work.role);
    let ask = Ask { prompt: &work.asked.prompt, ..Ask::default() };
    let plan = &turn.loaded.ticket(id)?.plan;
    let errand = Errand {
        place: &place,
        role: &work.role,
        plan: Some(plan),
        ticket: Some(id),
        files: work.asked.context.get("files"),
    };
    let called = call::call(desk, &work.model, &ask, &errand, out)?;
    match &called.failure {
        Some(failure) if !past::is_no_artifact(failure.code) => {
            note(desk, turn.loaded.ticket(id)?, &work, &called, failure)?;
            Ok(Some(named_after(id, failure)))
        }
        failure => {
            store(desk, id, &work, &called)?;
            record(desk, id, &turn, &work, &called)?;
            answered.attempt = Some(work.n);
            Ok(failure.as_ref().map(|f| named_after(id, f)))
        }
    }
}

/// The attempt whose draft goes on to its checks, or has passed them: nothing is left to draft.
fn drafted_before(turn: &Turn) -> Option<u32> {
    match turn.standing.need {
        Need::Verify { .. } | Need::Audit { .. } | Need::Accept { .. } | Need::Ship => turn.standing.attempt,
        _ => None,
    }
}

fn named_after(id: &TicketId, failure: &Failure) -> Failure {
    Failure { message: format!("{id}: {}", failure.message), ..failure.clone() }
}

fn prepare(desk: &Desk, id: &TicketId, turn: &Turn, named: Option<&str>) -> Result<Work> {
    let Need::Draft { model, role, .. } = &turn.standing.need else {
        return Err(turn::refusal(id, &turn.standing, "a draft").into());
    };
    let ticket = turn.loaded.ticket(id)?;
    let on = turn.standing.on.clone().unwrap_or_default();
    let plan = turn.loaded.plan_of(ticket)?;
    let base = ground::base_commit(desk, plan, &turn.loaded.tickets, &on)?;
    let n = ticket.attempts.last().map_or(1, |a| a.n + 1);
    let past = past::of(desk, &turn.loaded, ticket)?;
    let ask = |name: &str| {
        let model = model_for(desk, turn, ticket, name)?;
        let asked = ask::ask(desk, ticket, (n, &base, &model), &past)?;
        Ok((model, asked))
    };
    let first = named.unwrap_or(model);
    let (model, asked) = match ask(first) {
        Err(error) if named.is_none() && failure_of(&error).code == Code::ContextExceeded => {
            after(desk, turn, ticket, first).iter().find_map(|name| ask(name).ok()).ok_or(error)?
        }
        done => done?,
    };
    Ok(Work { n, role: role.clone(), model, base, on, asked, at: clock::now() })
}

/// The models of the route behind `first`: a prompt that its window does not hold goes to the next one whose window does.
fn after(desk: &Desk, turn: &Turn, ticket: &Ticket, first: &str) -> Vec<String> {
    let tokens = turn.loaded.facts.prompt_tokens.get(&ticket.id).copied().unwrap_or(0);
    let route = route::of(ticket, &desk.settings.worker, tokens);
    route.into_iter().skip_while(|name| name != first).skip(1).collect()
}

/// The model of this name, where a person approved it with the scope and it has a try left.
fn model_for(desk: &Desk, turn: &Turn, ticket: &Ticket, name: &str) -> Result<Resolved> {
    let id = &ticket.id;
    if matches!(name, SUPERVISOR | HUMAN) {
        let code = if name == HUMAN { Code::NeedsPerson } else { Code::NeedsSupervisor };
        let failure = Failure::new(code, format!("{id}: '{name}' drafts it, in the working tree"));
        return Err(failure.fix(format!("haco-verify --worktree {id}")).into());
    }
    let plan = turn.loaded.plan_of(ticket)?;
    let asked = desk.settings.approved(name)?;
    if plan.approval().is_some_and(|a| !a.models.contains(&asked)) {
        let why = format!("{id}: '{name}' is not in the set of models that was approved with the scope");
        return Err(Failure::new(Code::OutsideApproval, why).fix(format!("haco approve {}", plan.id)).into());
    }
    let used = route::used(ticket, name);
    if used >= route::tries(&desk.settings, ticket, name) {
        let failure = Failure::new(Code::BudgetSpent, format!("{id}: {used} tries of '{name}' are spent"));
        return Err(failure.fix(format!("haco retry {id} --model {name}")).into());
    }
    Ok(desk.settings.model(name)?)
}

/// Exactly what was sent and what came back.
fn store(desk: &Desk, id: &TicketId, work: &Work, called: &Called) -> Result<()> {
    let folder = format!("drafts/{id}/{}/0-{}", work.n, work.role);
    kept::keep(desk, &folder, called, &work.asked.prompt, &call_record(work, called))
}

fn call_record(work: &Work, called: &Called) -> Value {
    let asked = &work.asked;
    let mut record = called.record(&work.model, &asked.prompt, Some(asked.format), &work.at);
    record["context"] = asked.context.clone();
    record
}

/// A call that brought nothing: the action stays offered.
fn note(desk: &Desk, ticket: &Ticket, work: &Work, called: &Called, failure: &Failure) -> Result<()> {
    let data = json!({
        "code": failure.code.as_str(), "model": work.model.name, "role": work.role, "message": failure.message,
        "usage": called.usage,
    });
    let dir = format!("drafts/{}/{}", ticket.id, work.n);
    kept::keep_failed(desk, &dir, called, &work.asked.prompt, &call_record(work, called))?;
    desk.store.note(haco_core::journal::Event { data, ..event("call_failed", &work.role, ticket) })?;
    Ok(())
}

/// Records the attempt, where the ticket still asks for exactly this draft.
fn record(desk: &Desk, id: &TicketId, before: &Turn, work: &Work, called: &Called) -> Result<()> {
    let plan = before.loaded.ticket(id)?.plan.clone();
    let mut tx = desk.store.begin(std::slice::from_ref(id), Some(&plan))?;
    let now = Turn::of(desk, id)?;
    let same = now.standing == before.standing && now.loaded.ticket(id)? == before.loaded.ticket(id)?;
    if !same {
        let failure = Failure::new(Code::Stale, format!("{id}: it changed while its draft was made"));
        return Err(failure.fix("haco next").into());
    }
    let mut ticket = tx.ticket(id)?.clone();
    ticket.attempts.push(attempt(work, called));
    let code = called.failure.as_ref().map(|f| f.code.as_str());
    let data = json!({"attempt": work.n, "model": work.model.name, "code": code});
    let event = haco_core::journal::Event { data, ..event("draft", &work.role, &ticket) };
    tx.put_ticket(ticket)?;
    Ok(tx.commit(event)?)
}

fn attempt(work: &Work, called: &Called) -> Attempt {
    let failure = called.failure.as_ref();
    let code = failure.map(|f| f.code.to_string());
    let draft = Draft { sha256: Hash::of(called.text.as_bytes()), format: work.asked.format };
    let step = Step {
        role: work.role.clone(),
        model: work.model.name.clone(),
        prompt: Some(Hash::of(work.asked.prompt.as_bytes())),
        draft: failure.is_none().then_some(draft),
        usage: called.usage.clone(),
        outcome: if failure.is_none() { StepOutcome::Advance } else { StepOutcome::Reject },
        failure: code.clone(),
        left_out: work.asked.left_out.clone(),
    };
    Attempt {
        n: work.n,
        base: work.base.clone(),
        on: work.on.clone(),
        from: 0,
        repeats: None,
        steps: vec![step],
        edits: None,
        candidate: None,
        outcome: code,
        failure: failure.map(|f| f.message.clone()),
        at: work.at.clone(),
    }
}
