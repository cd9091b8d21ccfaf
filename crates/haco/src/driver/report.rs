//! haco report: what work cost and how it went, from tickets and call records.

use super::gates;
use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    attempt::Usage,
    id::TicketId,
    report::{self, Call, Cost, Rate, Report},
    settings::{HUMAN, SUPERVISOR},
    verdict::ApprovedModel,
};
use serde_json::{Map, Value, json};

/// Print what work cost and how it went
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let plan = args.plan.as_deref().map(gates::plan).transpose()?;
    let loaded = desk.load(plan.as_ref())?;
    let report = report::report(&loaded.tickets, &desk.position(&loaded).standings, &calls(&desk, &loaded)?);
    for line in lines(&report) {
        out.line(line)?;
    }
    Ok(Outcome { json: json(&report), ..Outcome::yes() })
}

/// Every call that left a record, and of steps without one what the ticket says.
fn calls(desk: &Desk, loaded: &Loaded) -> Result<Vec<Call>> {
    let mut all = Vec::new();
    for ticket in loaded.tickets.values() {
        let id = &ticket.id;
        let mut recorded = Vec::new();
        for n in desk.store.list(&format!("drafts/{id}"))? {
            for step in desk.store.list(&format!("drafts/{id}/{n}"))? {
                if let Some(call) = record(desk, &format!("drafts/{id}/{n}/{step}/call.json"), Some(id))? {
                    all.push(call);
                    recorded.push(format!("{n}/{step}"));
                }
            }
        }
        // A withdrawn approval still says what its models were.
        let scopes = loaded.plan_of(ticket)?.verdicts.iter().rev();
        let approved: Vec<&ApprovedModel> = scopes.flat_map(|v| &v.models).collect();
        for attempt in &ticket.attempts {
            for (at, step) in (attempt.from..).zip(&attempt.steps) {
                let place = format!("{}/{at}-{}", attempt.n, step.role);
                let called = step.usage.is_some() && ![SUPERVISOR, HUMAN].contains(&step.model.as_str());
                if called && !recorded.contains(&place) {
                    all.push(stored(id, &step.model, step.usage.clone(), &approved));
                }
            }
        }
    }
    for plan in loaded.plans.keys() {
        for name in desk.store.list(&format!("plans/{plan}/calls"))? {
            all.extend(record(desk, &format!("plans/{plan}/calls/{name}/call.json"), None)?);
        }
    }
    Ok(all)
}

fn stored(id: &TicketId, model: &str, usage: Option<Usage>, approved: &[&ApprovedModel]) -> Call {
    let paid = approved.iter().find(|m| m.name == model).map(|m| m.paid);
    let timing_ms = usage.as_ref().map_or(0, |u| u.timing_ms);
    Call { ticket: Some(id.clone()), model: model.to_owned(), paid, usage, timing_ms }
}

/// One `call.json`; none where there is no such file or it is of another shape.
fn record(desk: &Desk, path: &str, ticket: Option<&TicketId>) -> Result<Option<Call>> {
    let Some(bytes) = desk.store.read(path)? else { return Ok(None) };
    Ok(serde_json::from_slice::<Value>(&bytes).ok().and_then(|value| call(&value, ticket)))
}

/// A call by its record; one that never reached a model is none.
fn call(value: &Value, ticket: Option<&TicketId>) -> Option<Call> {
    let model = value["model"]["name"].as_str()?.to_owned();
    let usage: Option<Usage> = serde_json::from_value(value["usage"].clone()).ok();
    if usage.is_none() && !value["error"].is_null() {
        return None;
    }
    let timing_ms = value["timing_ms"].as_u64().unwrap_or(0);
    Some(Call { ticket: ticket.cloned(), model, paid: value["model"]["paid"].as_bool(), usage, timing_ms })
}

fn lines(report: &Report) -> Vec<String> {
    let rate = |rate: Rate| match (rate.n * 100).checked_div(rate.of) {
        None => "none accepted yet".to_owned(),
        Some(percent) => format!("{} of {} ({percent} %)", rate.n, rate.of),
    };
    let each = match report.per_accepted() {
        None => "none accepted yet".to_owned(),
        Some(usd) if report.cost.unknown > 0 => format!("${usd:.4} at least"),
        Some(usd) => format!("${usd:.4}"),
    };
    let mut lines = vec![
        format!("accepted      {} of {}", report.accepted, report.tickets),
        format!("cost          {}", report.cost.text()),
        format!("per accepted  {each}"),
        format!("local finish  {}", rate(report.local_finish)),
        format!("one shot      {}", rate(report.one_shot)),
        format!("attempts      {}, {} of them again", report.attempts, report.retries),
        format!("model time    {:.1} s", report.time_ms as f64 / 1000.0),
    ];
    if report.by_supervisor > 0 {
        lines.push(format!("supervisor    {} drafts, at its own cost", report.by_supervisor));
    }
    for (name, used) in &report.models {
        let tokens = format!("{} + {} tokens", used.prompt_tokens, used.completion_tokens);
        let missing = if used.uncounted > 0 { format!(", {} calls uncounted", used.uncounted) } else { String::new() };
        lines.push(format!("model         {name}: {} calls, {tokens}{missing}, {}", used.calls, used.cost.text()));
    }
    for (code, ids) in &report.blocked {
        lines.push(format!("blocked       {code}: {}", gates::list(ids)));
    }
    lines
}

fn json(report: &Report) -> Map<String, Value> {
    let usd = |cost: &Cost| json!(cost.usd);
    let models: Vec<Value> = report
        .models
        .iter()
        .map(|(name, used)| {
            json!({"name": name, "calls": used.calls, "prompt_tokens": used.prompt_tokens,
                   "completion_tokens": used.completion_tokens, "uncounted_calls": used.uncounted,
                   "cost_usd": usd(&used.cost), "cost": used.cost.kind(), "time_ms": used.time_ms})
        })
        .collect();
    let blocked: Vec<Value> = report.blocked.iter().map(|(code, ids)| json!({"code": code, "tickets": ids})).collect();
    let fields = [
        ("accepted", json!(report.accepted)),
        ("tickets", json!(report.tickets)),
        ("cost_usd", usd(&report.cost)),
        ("cost", json!(report.cost.kind())),
        ("unknown_cost_calls", json!(report.cost.unknown)),
        ("cost_per_accepted_usd", json!(report.per_accepted())),
        ("local_finish", json!(report.local_finish)),
        ("one_shot", json!(report.one_shot)),
        ("attempts", json!(report.attempts)),
        ("retries", json!(report.retries)),
        ("supervisor_drafts", json!(report.by_supervisor)),
        ("time_ms", json!(report.time_ms)),
        ("models", json!(models)),
        ("blocked", json!(blocked)),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_from_its_record_and_one_that_reached_nobody_is_none() {
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "cost": "unknown", "timing_ms": 9});
        let value = json!({"model": {"name": "m", "paid": false}, "usage": usage, "timing_ms": 9, "error": null});
        let found = call(&value, None).expect("a call");
        assert_eq!((found.model.as_str(), found.paid, found.timing_ms), ("m", Some(false), 9));
        let failed = json!({"model": {"name": "m"}, "usage": null, "error": {"code": "dns"}});
        assert_eq!(call(&failed, None), None);
    }

    #[test]
    fn an_empty_report_divides_by_nothing() {
        let lines = lines(&Report::default()).join("\n");
        assert!(
            lines.contains("per accepted  none accepted yet") && lines.contains("cost          $0.0000"),
            "{lines}"
        );
        assert_eq!(json(&Report::default())["cost_per_accepted_usd"], Value::Null);
    }
}
