//! Another model in the worker's place: it drafts as often as the ticket lets a model try, its drafts are checked, and
//! nobody audits them.

use super::{beside::Beside, record::Record};
use crate::{exit::Outcome, output::Out, replayed::Replayed, turn::Turn};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, CostKind, Usage},
    code::{Code, Failure, Status},
    config::Budget,
    cursor::Need,
    route,
    ticket::Ticket,
};
use serde_json::json;
use std::path::Path;

/// Runs it and says what came of it beside what came of the recorded work.
pub(super) fn run(record: &Record<'_>, model: &str, keep: Option<&Path>, out: &mut Out) -> Result<Outcome> {
    allowed(record, model)?;
    let beside = Beside::make(record, keep)?;
    approve(&beside, model)?;
    beside.prepare(&Replayed::default())?;
    let passed = tries(&beside, model, out)?;
    let id = &record.id;
    let ticket = beside.ticket()?;
    let [new, old] = [cost(&ticket), cost(record.ticket())];
    let end = match passed {
        Some(n) => format!("would have passed with attempt {n}"),
        None => "would not have passed".to_owned(),
    };
    let outcome = Outcome::yes().with("ticket", id.as_str()).with("model", model).with("passed", passed.is_some());
    let outcome =
        outcome.with("attempts", ticket.attempts.len()).with("cost", new.json()).with("recorded_cost", old.json());
    let line = format!("{id}: '{model}' {end}: {}; recorded: {}", new.text(), old.text());
    if passed.is_some() {
        out.line(line)?;
        return Ok(outcome);
    }
    let failure =
        Failure::new(Code::ChecksFailed, line).fix(format!("haco replay --keep ../replay-{id} --model {model} {id}"));
    Ok(Outcome { failure: Some(failure), ..outcome })
}

/// Who costs nothing may be tried; who costs money is asked only where a person approved it with the scope, and where no cap
/// stands: what is spent beside the record is not counted in it.
fn allowed(record: &Record<'_>, name: &str) -> Result<()> {
    let settings = &record.desk.settings;
    let model = settings.model(name)?;
    if !model.paid {
        return Ok(());
    }
    let asked = settings.approved(name)?;
    if record.plan().approval().is_none_or(|a| !a.models.contains(&asked)) {
        let why = format!("'{name}' costs money and is not in the set of models that was approved with the scope");
        return Err(Failure::new(Code::OutsideApproval, why).fix(format!("haco approve {}", record.plan().id)).into());
    }
    if settings.budget != Budget::default() {
        let why = format!("'{name}' costs money, and a replay's calls are not counted against the caps of 'budget'");
        let failure = Failure::new(Code::OverBudget, why);
        return Err(failure.fix("take a model that costs nothing, or 'budget' out of the configuration").into());
    }
    Ok(())
}

/// Lets the model stand in the scope there. So does the route, wherever its models are by now: its turn it is, but it is
/// not asked.
fn approve(beside: &Beside<'_>, name: &str) -> Result<()> {
    let desk = beside.desk()?;
    let mut route = beside.record.ticket().execution.own_route();
    route.extend(desk.settings.worker.iter().map(|entry| entry.model.clone()));
    let mut models = vec![desk.settings.approved(name)?];
    models.extend(route.iter().filter_map(|name| desk.settings.approved(name).ok()));
    let mut plan = desk.store.plan(&beside.record.plan().id)?;
    for scope in plan.verdicts.iter_mut().filter(|v| v.check == "scope") {
        scope.models.extend(models.iter().filter(|m| !scope.models.contains(m)).cloned().collect::<Vec<_>>());
    }
    beside.put(plan, Vec::new())
}

/// The attempt that passed its checks; a model that cannot be asked is a failure.
fn tries(beside: &Beside<'_>, model: &str, out: &Out) -> Result<Option<u32>> {
    let id = &beside.record.id;
    let named = format!("--model={model}");
    for _ in 0..route::tries(&beside.record.desk.settings, beside.record.ticket(), model) {
        if Turn::of(&beside.desk()?, id)?.standing.need == Need::Baseline {
            settled(beside.run("haco-verify", &["--baseline"])?)?;
        }
        out.detail(format!("{id}: asking '{model}'"));
        if let Some(failure) = beside.run("haco-worker", &[&named])? {
            settled(Some(failure))?;
            continue;
        }
        match beside.run("haco-verify", &[])? {
            None => return Ok(beside.ticket()?.attempts.last().map(|a| a.n)),
            failure => settled(failure)?,
        }
    }
    Ok(None)
}

/// A no is an answer; anything else ends the replay.
fn settled(failure: Option<Failure>) -> Result<()> {
    match failure {
        Some(failure) if failure.code.status() != Status::No => Err(failure.into()),
        _ => Ok(()),
    }
}

/// What the calls of a ticket's attempts came to.
struct Cost {
    calls: usize,
    tokens: [u64; 2],
    usd: Option<f64>,
}

fn cost(ticket: &Ticket) -> Cost {
    let steps = ticket.attempts.iter().filter(|a: &&Attempt| a.repeats.is_none()).flat_map(|a| &a.steps);
    let all: Vec<&Usage> = steps.filter_map(|s| s.usage.as_ref()).collect();
    let known = all.iter().all(|u| u.cost != CostKind::Unknown);
    Cost {
        calls: all.len(),
        tokens: [all.iter().map(|u| u.prompt_tokens).sum(), all.iter().map(|u| u.completion_tokens).sum()],
        usd: known.then(|| all.iter().filter_map(|u| u.cost_usd).sum()),
    }
}

impl Cost {
    fn text(&self) -> String {
        let Cost { calls, tokens: [prompt, reply], usd } = self;
        let usd = usd.map_or("cost unknown".to_owned(), |usd| format!("${usd:.4}"));
        let calls = if *calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
        format!("{} tokens in {calls}, {usd}", prompt + reply)
    }

    fn json(&self) -> serde_json::Value {
        json!({"calls": self.calls, "prompt_tokens": self.tokens[0], "completion_tokens": self.tokens[1], "usd": self.usd})
    }
}
