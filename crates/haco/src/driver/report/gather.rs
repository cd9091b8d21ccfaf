//! What a report is made of, from tickets, call records, evidence and the journal; nothing is written.

use crate::{
    clock,
    desk::{Desk, Loaded},
};
use anyhow::Result;
use haco_core::{
    attempt::Usage,
    code::{Code, Failure},
    cursor::Need,
    egress::{self, Egress},
    id::{PlanId, TicketId},
    journal::Line,
    money::{self, Ledger},
    report::{Call, Cloud, Facts, Life},
    settings::{HUMAN, SUPERVISOR, Settings},
    ticket::Ticket,
    verdict::{Answer, ApprovedModel, Verdict},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// With what the same work is compared where no route has a paid model of known price.
const USUAL_CLOUD: &str = "anthropic:claude-sonnet-4-6";

/// What the report is about.
pub(super) struct Scope<'a> {
    /// This plan alone.
    pub(super) plan: Option<&'a PlanId>,
    /// Seconds since 1970: what was over before does not count.
    pub(super) since: Option<i64>,
}

impl Scope<'_> {
    fn counts(&self, at: &str) -> bool {
        self.since.is_none_or(|since| clock::seconds(at).is_none_or(|at| at >= since))
    }

    fn is_about(&self, line: &Line) -> bool {
        self.counts(&line.at) && self.plan.is_none_or(|plan| line.plan.as_ref() == Some(plan))
    }
}

/// `2026-01-31`, a time in RFC 3339, or so many days or hours ago (`7d`, `12h`).
pub(super) fn since(text: &str) -> Result<i64, Failure> {
    let ago = |unit: char, seconds: i64| {
        let n: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n >= 0)?;
        clock::seconds(&clock::now())?.checked_sub(n.checked_mul(seconds)?)
    };
    let day = || clock::seconds(&format!("{text}T00:00:00Z"));
    ago('d', 86_400).or_else(|| ago('h', 3600)).or_else(day).or_else(|| clock::seconds(text)).ok_or_else(|| {
        let why = format!("'{}' is no time: a day such as 2026-01-31, or 7d, or 12h", text.escape_debug());
        Failure::new(Code::Usage, why).fix("haco report --since 7d")
    })
}

/// Every call of the journal that left this machine.
pub(super) fn egress(desk: &Desk, scope: &Scope<'_>) -> Result<Vec<Egress>> {
    let lines = desk.store.journal().lines()?;
    Ok(lines.iter().filter(|line| scope.is_about(line)).filter_map(egress::of_line).collect())
}

/// Everything.
pub(super) fn facts<'a>(
    desk: &Desk,
    loaded: &Loaded,
    scope: &Scope<'_>,
    cloud: Option<&'a Cloud>,
) -> Result<Facts<'a>> {
    let lines = desk.store.journal().lines()?;
    let mut facts = Facts { cloud, standings: desk.position(loaded).standings, ..Facts::default() };
    let mut ledger = Ledger::default();
    for line in lines.iter().filter(|line| scope.is_about(line)) {
        ledger.take(line);
        facts.calls.extend(failed(line, loaded));
    }
    facts.held = ledger.all().held;
    for ticket in loaded.tickets.values() {
        let is_accepted = facts.standings.get(&ticket.id).is_some_and(|s| matches!(s.need, Need::Ship | Need::Shipped));
        let life = life(loaded, ticket, &lines, is_accepted)?;
        let over = ticket.closed_by().map(|d| d.at.as_str());
        let old = |at: Option<i64>| at.zip(scope.since).is_some_and(|(at, since)| at < since);
        if old(life.accepted) || over.is_some_and(|at| !scope.counts(at)) {
            continue;
        }
        facts.calls.extend(calls_of(desk, loaded, ticket, scope)?);
        facts.checks_ms += checks_ms(desk, ticket, scope)?;
        facts.lives.insert(ticket.id.clone(), life);
        facts.tickets.insert(Box::new(ticket.clone()));
    }
    for plan in loaded.plans.keys() {
        for name in desk.store.list(&format!("plans/{plan}/calls"))? {
            facts.calls.extend(record(desk, &format!("plans/{plan}/calls/{name}"), (None, "tech_lead"), scope)?);
        }
    }
    Ok(facts)
}

/// Every call for a ticket that left a record, and of steps without one what the ticket says.
fn calls_of(desk: &Desk, loaded: &Loaded, ticket: &Ticket, scope: &Scope<'_>) -> Result<Vec<Call>> {
    let id = &ticket.id;
    let (mut all, mut recorded) = (Vec::new(), Vec::new());
    for n in desk.store.list(&format!("drafts/{id}"))? {
        for step in desk.store.list(&format!("drafts/{id}/{n}"))? {
            let role = role(&step);
            if desk.store.read(&format!("drafts/{id}/{n}/{step}/call.json"))?.is_some() {
                recorded.push(format!("{n}/{step}"));
                all.extend(record(desk, &format!("drafts/{id}/{n}/{step}"), (Some(id), role), scope)?);
            }
        }
    }
    for attempt in ticket.attempts.iter().filter(|a| scope.counts(&a.at)) {
        for (at, step) in (attempt.from..).zip(&attempt.steps) {
            let place = format!("{}/{at}-{}", attempt.n, step.role);
            let called = step.usage.is_some() && ![SUPERVISOR, HUMAN].contains(&step.model.as_str());
            if called && !recorded.contains(&place) {
                let paid = paid(loaded, ticket, &step.model);
                all.push(call(Some(id), (&step.role, &step.model), paid, step.usage.clone()));
            }
        }
    }
    Ok(all)
}

/// `0-worker.1` is the worker's.
fn role(folder: &str) -> &str {
    let name = folder.split_once('-').map_or(folder, |(_, name)| name);
    name.rsplit_once('.').filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit())).map_or(name, |(name, _)| name)
}

fn call(ticket: Option<&TicketId>, (role, model): (&str, &str), paid: Option<bool>, usage: Option<Usage>) -> Call {
    let timing_ms = usage.as_ref().map_or(0, |u| u.timing_ms);
    Call { ticket: ticket.cloned(), role: role.to_owned(), model: model.to_owned(), paid, usage, timing_ms }
}

/// A withdrawn approval still says what its models were.
fn paid(loaded: &Loaded, ticket: &Ticket, model: &str) -> Option<bool> {
    let scopes = loaded.plans.get(&ticket.plan)?.verdicts.iter().rev();
    let approved: Vec<&ApprovedModel> = scopes.flat_map(|v| &v.models).collect();
    approved.iter().find(|m| m.name == model).map(|m| m.paid)
}

/// One `call.json`; none where it is of another shape or older.
fn record(
    desk: &Desk,
    folder: &str,
    (ticket, role): (Option<&TicketId>, &str),
    scope: &Scope<'_>,
) -> Result<Option<Call>> {
    let Some(bytes) = desk.store.read(&format!("{folder}/call.json"))? else { return Ok(None) };
    let read = serde_json::from_slice::<Value>(&bytes).ok();
    let value = read.filter(|value| value["at"].as_str().is_none_or(|at| scope.counts(at)));
    Ok(value.and_then(|value| of_record(&value, ticket, role)))
}

/// A call by its record; one that never reached a model is none.
fn of_record(value: &Value, ticket: Option<&TicketId>, role: &str) -> Option<Call> {
    let model = value["model"]["name"].as_str()?;
    let usage: Option<Usage> = serde_json::from_value(value["usage"].clone()).ok();
    if usage.is_none() && !value["error"].is_null() {
        return None;
    }
    let timing_ms = value["timing_ms"].as_u64().unwrap_or(0);
    Some(Call { timing_ms, ..call(ticket, (role, model), value["model"]["paid"].as_bool(), usage) })
}

/// Calls that brought nothing and may have cost something: they have no record but the journal's line.
fn failed(line: &Line, loaded: &Loaded) -> Vec<Call> {
    let usage = |value: &Value| serde_json::from_value::<Usage>(value["usage"].clone()).ok();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match line.event.as_str() {
        "call_failed" => {
            let ticket = line.ticket.as_ref().and_then(|id| loaded.tickets.get(id));
            let (Some(usage), Some(model)) = (usage(&line.data), text(&line.data["model"])) else { return Vec::new() };
            let paid = ticket.and_then(|ticket| paid(loaded, ticket, &model));
            vec![call(line.ticket.as_ref(), (&line.actor, &model), paid, Some(usage))]
        }
        // With a plan, its calls are kept below it.
        "plan_refused" if line.plan.is_none() => {
            let calls = line.data["calls"].as_array().into_iter().flatten();
            let one = |c: &Value| Some(call(None, (&line.actor, c["model"].as_str()?), None, Some(usage(c)?)));
            calls.filter_map(one).collect()
        }
        _ => Vec::new(),
    }
}

fn life(loaded: &Loaded, ticket: &Ticket, lines: &[Line], is_accepted: bool) -> Result<Life> {
    let path = format!("tickets/{}.json", ticket.id);
    let made = lines.iter().find(|l| l.files.iter().any(|f| f.path == path)).map(|l| l.at.as_str());
    let scopes = loaded.plan_of(ticket)?.verdicts.iter();
    let approved = scopes.filter(|v| v.verdict == Answer::Pass && v.contracts.contains_key(&ticket.id));
    let passed = |of: &dyn Fn(&Verdict) -> bool| {
        let found = ticket.verdicts.iter().rev().find(|v| v.verdict == Answer::Pass && of(v));
        found.and_then(|v| clock::seconds(&v.at))
    };
    let is_audit = |v: &Verdict| {
        !["acceptance", "baseline"].contains(&v.check.as_str()) && !v.check.contains('/') && v.by != "harness"
    };
    let accepted = passed(&|v| v.check == "acceptance").filter(|_| is_accepted);
    Ok(Life {
        made: made.and_then(clock::seconds),
        approved: approved.filter_map(|v| clock::seconds(&v.at)).min(),
        audited: passed(&is_audit),
        accepted,
    })
}

/// What the evidence says of how long checks ran.
fn checks_ms(desk: &Desk, ticket: &Ticket, scope: &Scope<'_>) -> Result<u64> {
    let mut sum = 0;
    for name in desk.store.list(&format!("evidence/{}", ticket.id))? {
        let attempt = name.parse().ok().and_then(|n| ticket.attempt(n));
        let Some(bytes) = desk.store.read(&format!("evidence/{}/{name}/checks.json", ticket.id))? else { continue };
        if attempt.is_some_and(|a| !scope.counts(&a.at)) {
            continue;
        }
        let read: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        sum += wall_ms(&read);
    }
    Ok(sum)
}

/// Every `wall_ms` in a document, wherever it stands.
fn wall_ms(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(wall_ms).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(key, v)| if key == "wall_ms" { v.as_u64().unwrap_or(0) } else { wall_ms(v) }).sum()
        }
        _ => 0,
    }
}

/// The first paid model of a route whose price is known, else one that many know.
pub(super) fn cloud(settings: &Settings) -> Option<Cloud> {
    // Nothing is asked of it: a model that may not be called can be compared with.
    let open = Settings { local_only: false, ..settings.clone() };
    let worker = open.worker.iter().map(|entry| entry.model.clone());
    let names = worker.chain(open.tech_lead.clone()).chain(open.auditor.clone()).chain([USUAL_CLOUD.to_owned()]);
    let priced = |name: String| {
        let model = open.model(&name).ok().filter(|m| m.paid && ![SUPERVISOR, HUMAN].contains(&name.as_str()))?;
        let price = money::price(&model)?;
        let source = match model.entry.price {
            Some(_) => "as the configuration says".to_owned(),
            None => format!("as published, read on {}", money::table().as_of),
        };
        Some(Cloud { name, price, source })
    };
    names.collect::<Vec<_>>().into_iter().find_map(priced)
}

/// Tickets of which something is known.
pub(super) fn lives_in_order<'a>(facts: &'a Facts<'_>) -> BTreeMap<&'a TicketId, u64> {
    facts.lives.iter().filter_map(|(id, life)| Some((id, life.cycle()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_read_from_its_record_and_one_that_reached_nobody_is_none() {
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "cost": "unknown", "timing_ms": 9});
        let value = json!({"model": {"name": "m", "paid": false}, "usage": usage, "timing_ms": 9, "error": null});
        let found = of_record(&value, None, "worker").expect("a call");
        assert_eq!((found.model.as_str(), found.paid, found.timing_ms), ("m", Some(false), 9));
        let failed = json!({"model": {"name": "m"}, "usage": null, "error": {"code": "dns"}});
        assert_eq!(of_record(&failed, None, "worker"), None);
    }

    #[test]
    fn a_folder_names_its_role_whatever_its_step_and_repair() {
        assert_eq!(["0-worker", "1-auditor.1", "2-red-team", "x"].map(role), ["worker", "auditor", "red-team", "x"]);
    }

    #[test]
    fn a_time_is_a_day_or_a_while_ago() {
        assert_eq!(since("1970-01-02").ok(), Some(86_400));
        assert_eq!(since("1970-01-02T00:00:01Z").ok(), Some(86_401));
        let now = clock::seconds(&clock::now()).expect("a time");
        assert!(since("2d").is_ok_and(|at| (now - 172_801..=now - 172_799).contains(&at)));
        for wrong in ["yesterday", "-1d", "", "99999999999999999d"] {
            assert_eq!(since(wrong).map_err(|f| f.code), Err(Code::Usage), "{wrong}");
        }
    }

    #[test]
    fn without_a_paid_model_the_usual_cloud_is_compared_with() {
        let mut settings = Settings::resolve(&haco_core::settings::Layers::default());
        settings.local_only = true;
        let found = cloud(&settings).expect("the table has it");
        assert_eq!((found.name.as_str(), found.price.output_usd_per_mtok), (USUAL_CLOUD, 15.0));
    }
}
