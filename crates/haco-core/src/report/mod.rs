//! What work cost and how it went: accepted tickets, money, rates, times, attempts and what stands in the way.
//!
//! `rate` says how far a share can be believed, `times` how long work took, `score` what each model and role did, `counter`
//! what the cloud alone would have cost.
//! A cost that nobody knows is counted as such and never as zero; a call of a model that is free costs nothing.

mod counter;
mod rate;
mod score;
mod times;

pub use counter::{Cloud, Counterfactual, counterfactual};
pub use rate::Rate;
pub use score::{Part, Used, passed};
pub use times::{Life, Spread, throughput};

use crate::{
    attempt::{CostKind, Usage},
    code::Code,
    cursor::{Need, Standing},
    id::TicketId,
    money::Usd,
    settings::{HUMAN, SUPERVISOR},
    ticket::Ticket,
    tickets::Tickets,
};
use std::collections::{BTreeMap, BTreeSet};

/// One call of a model, whatever came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The ticket that it was for; none is the plan.
    pub ticket: Option<TicketId>,
    /// Who asked: `worker`, `auditor`, `tech_lead`, or a studio's role.
    pub role: String,
    /// The route's entry.
    pub model: String,
    /// Whether it may cost money; none where nobody can say.
    pub paid: Option<bool>,
    /// Tokens and money, where known.
    pub usage: Option<Usage>,
    /// Milliseconds on the wall.
    pub timing_ms: u64,
}

/// Money, with how far it can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// US dollars, of the calls whose cost is known.
    pub usd: f64,
    /// Calls whose cost the server did not say and the configuration's price did.
    pub estimated: u64,
    /// Calls whose cost nobody knows.
    pub unknown: u64,
}

impl Cost {
    /// Counts one call.
    pub fn add(&mut self, paid: Option<bool>, usage: Option<&Usage>) {
        let known = usage.and_then(|u| u.cost_usd);
        self.usd += known.unwrap_or(0.0);
        match (known, usage.map(|u| u.cost)) {
            (Some(_), Some(CostKind::Estimated)) => self.estimated += 1,
            (None, _) if paid != Some(false) => self.unknown += 1,
            _ => {}
        }
    }

    /// `actual`, `estimated` or `unknown`: the weakest of its parts.
    pub fn kind(&self) -> CostKind {
        match (self.unknown, self.estimated) {
            (1.., _) => CostKind::Unknown,
            (0, 1..) => CostKind::Estimated,
            (0, 0) => CostKind::Actual,
        }
    }

    /// In words, with what is missing in it.
    pub fn text(&self) -> String {
        let estimated = if self.estimated > 0 { ", estimated" } else { "" };
        let unknown = match self.unknown {
            0 => String::new(),
            1 => " and 1 call of unknown cost".to_owned(),
            n => format!(" and {n} calls of unknown cost"),
        };
        format!("${:.4}{estimated}{unknown}", self.usd)
    }
}

/// What the drafts of one ticket cost, by its own record; `paid` says whether a model may cost money.
pub fn cost_of_attempts(ticket: &Ticket, paid: impl Fn(&str) -> Option<bool>) -> Cost {
    let mut cost = Cost::default();
    for step in ticket.attempts.iter().flat_map(|a| &a.steps) {
        if step.usage.is_some() {
            cost.add(paid(&step.model), step.usage.as_ref());
        }
    }
    cost
}

/// What the report is made of.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Every ticket that it is about.
    pub tickets: Tickets,
    /// Where each stands.
    pub standings: BTreeMap<TicketId, Standing>,
    /// Every call for them or for their plans.
    pub calls: Vec<Call>,
    /// Their points in time.
    pub lives: BTreeMap<TicketId, Life>,
    /// Milliseconds in checks.
    pub checks_ms: u64,
    /// Money that is held for calls which nobody settled.
    pub held: Usd,
    /// What to compare with.
    pub cloud: Option<&'a Cloud>,
}

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Tickets that are neither abandoned nor split.
    pub tickets: u64,
    /// Those that a person accepted as they are.
    pub accepted: u64,
    /// Of every call.
    pub cost: Cost,
    /// Accepted without a paid call, and without a draft of the supervisor or a person.
    pub local_finish: Rate,
    /// Accepted with the first attempt.
    pub one_shot: Rate,
    /// Drafts tried; one verified again on a new base is not another.
    pub attempts: u64,
    /// Attempts after a ticket's first.
    pub retries: u64,
    /// Drafts of the supervisor, whose cost is its own and not here.
    pub by_supervisor: u64,
    /// Tickets that the models of their route did not finish: cut, drafted by the lead or a person, or waiting for them.
    pub escalated: u64,
    /// By the route's entry.
    pub models: BTreeMap<String, Used>,
    /// By role.
    pub roles: BTreeMap<String, Part>,
    /// The tickets that are blocked, by the code of the reason.
    pub blocked: BTreeMap<String, Vec<TicketId>>,
    /// Milliseconds in calls of models.
    pub time_ms: u64,
    /// Milliseconds in checks.
    pub checks_ms: u64,
    /// Seconds for which tickets waited for people, at both gates.
    pub waited_sec: u64,
    /// Seconds from approval to acceptance.
    pub cycle_sec: Option<Spread>,
    /// Accepted tickets an hour.
    pub throughput: Option<f64>,
    /// Held for calls that were cut off, or are in progress, or whose cost nobody said.
    pub held: Usd,
    /// What the cloud alone would have cost.
    pub counterfactual: Option<Counterfactual>,
}

impl Report {
    /// Cost per accepted ticket in US dollars; none where none is accepted.
    pub fn per_accepted(&self) -> Option<f64> {
        (self.accepted > 0).then(|| self.cost.usd / self.accepted as f64)
    }
}

/// The report on these facts.
pub fn report(facts: &Facts<'_>) -> Report {
    let mut report = Report { checks_ms: facts.checks_ms, held: facts.held, ..Report::default() };
    for call in &facts.calls {
        report.count(call);
    }
    let paid: BTreeSet<&TicketId> =
        facts.calls.iter().filter(|c| c.paid != Some(false)).filter_map(|c| c.ticket.as_ref()).collect();
    let mut accepted = Vec::new();
    for ticket in facts.tickets.values() {
        let Some(standing) = facts.standings.get(&ticket.id) else { continue };
        let is_accepted = matches!(standing.need, Need::Ship | Need::Shipped);
        score::drafts(&mut report.models, ticket, is_accepted);
        report.ticket(ticket, standing, paid.contains(&ticket.id));
        if is_accepted {
            accepted.push(ticket);
        }
    }
    let lives: Vec<Life> = facts.lives.values().copied().collect();
    report.waited_sec = lives.iter().map(Life::waited).sum();
    report.cycle_sec = Spread::of(lives.iter().filter_map(Life::cycle).collect());
    report.throughput = throughput(&lives);
    let others = facts.calls.iter().filter(|c| c.role != "worker").filter_map(|c| c.usage.as_ref());
    let other = others.fold([0, 0], |[p, c], u| [p + u.prompt_tokens, c + u.completion_tokens]);
    report.counterfactual = facts.cloud.and_then(|cloud| counterfactual(cloud, &accepted, other));
    report
}

impl Report {
    /// Counts one ticket; `paid` says that a call for it may have cost money.
    fn ticket(&mut self, ticket: &Ticket, standing: &Standing, paid: bool) {
        let tries: Vec<_> = ticket.attempts.iter().filter(|a| a.repeats.is_none()).collect();
        let authors: Vec<&str> = tries.iter().filter_map(|a| a.steps.last()).map(|s| s.model.as_str()).collect();
        let outside = authors.iter().any(|a| [SUPERVISOR, HUMAN].contains(a));
        self.attempts += tries.len() as u64;
        self.retries += (tries.len() as u64).saturating_sub(1);
        self.by_supervisor += authors.iter().filter(|a| **a == SUPERVISOR).count() as u64;
        let spent = matches!(&standing.need, Need::Blocked(b) if b.code == Code::BudgetSpent.as_str());
        let cut = ticket.decisions.iter().any(|d| matches!(d.action.as_str(), "split" | "whole"));
        self.escalated += u64::from(outside || spent || cut);
        match &standing.need {
            Need::Abandoned | Need::Split => return,
            Need::Ship | Need::Shipped => {
                self.accepted += 1;
                self.local_finish.count(!paid && !outside);
                self.one_shot.count(tries.len() <= 1);
            }
            Need::Blocked(block) => self.blocked.entry(block.code.clone()).or_default().push(ticket.id.clone()),
            _ => {}
        }
        self.tickets += 1;
    }
}

impl Report {
    fn count(&mut self, call: &Call) {
        let used = self.models.entry(call.model.clone()).or_default();
        used.calls += 1;
        used.time_ms += call.timing_ms;
        self.time_ms += call.timing_ms;
        match &call.usage {
            Some(usage) => {
                used.prompt_tokens += usage.prompt_tokens;
                used.completion_tokens += usage.completion_tokens;
            }
            None => used.uncounted += 1,
        }
        used.cost.add(call.paid, call.usage.as_ref());
        self.cost.add(call.paid, call.usage.as_ref());
        let part = self.roles.entry(call.role.clone()).or_default();
        part.calls += 1;
        part.time_ms += call.timing_ms;
        part.cost.add(call.paid, call.usage.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cursor::Block, hash::Hash};
    use serde_json::json;

    fn ticket(n: u32, authors: &[&str]) -> Ticket {
        let attempt = |(i, model): (usize, &&str)| {
            json!({"n": i + 1, "base": "a".repeat(40), "at": "2026-01-01T00:00:00Z",
                   "steps": [{"role": "worker", "model": model, "outcome": "advance"}]})
        };
        serde_json::from_value(json!({
            "id": TicketId::ticket(n), "title": "t", "type": "chore", "plan": "p",
            "task": {"description": "d"}, "definition_of_done": {},
            "attempts": authors.iter().enumerate().map(attempt).collect::<Vec<_>>(),
        }))
        .expect("a ticket")
    }

    fn stands(need: Need) -> Standing {
        let contract = Hash::of(b"c");
        Standing { contract, in_scope: true, on: None, attempt: None, audited: false, acceptance: None, need }
    }

    fn usage(cost: CostKind, cost_usd: Option<f64>) -> Option<Usage> {
        Some(Usage { prompt_tokens: 10, completion_tokens: 5, cost_usd, cost, timing_ms: 7 })
    }

    fn call(n: u32, model: &str, paid: bool, usage: Option<Usage>) -> Call {
        Call {
            ticket: Some(TicketId::ticket(n)),
            role: "worker".into(),
            model: model.into(),
            paid: Some(paid),
            usage,
            timing_ms: 7,
        }
    }

    fn sample() -> Report {
        let tickets =
            [ticket(1, &["qwen"]), ticket(2, &["qwen", "claude"]), ticket(3, &[]), ticket(4, &["supervisor"])];
        let block = Block { code: "budget_spent".into(), why: "w".into(), actor: "human", command: vec![] };
        let needs = [Need::Ship, Need::Shipped, Need::Blocked(block), Need::Ship];
        let calls = [
            call(1, "qwen", false, usage(CostKind::Unknown, None)),
            call(2, "qwen", false, usage(CostKind::Unknown, None)),
            call(2, "claude", true, usage(CostKind::Estimated, Some(0.5))),
            call(3, "claude", true, None),
        ];
        let standings = tickets.iter().map(|t| t.id.clone()).zip(needs.map(stands)).collect();
        let life = |made, accepted| Life { made: Some(made), approved: Some(10), audited: Some(50), accepted };
        let lives = [life(0, Some(70)), life(4, Some(110)), life(0, None)];
        report(&Facts {
            tickets: tickets.into_iter().collect(),
            standings,
            calls: calls.to_vec(),
            lives: (1..).map(TicketId::ticket).zip(lives).collect(),
            ..Facts::default()
        })
    }

    #[test]
    fn rates_count_only_what_was_accepted() {
        let report = sample();
        assert_eq!((report.tickets, report.accepted, report.attempts, report.retries), (4, 3, 4, 1));
        assert_eq!(report.local_finish, Rate { n: 1, of: 3 }, "a paid call and a supervisor's draft are not local");
        assert_eq!(report.one_shot, Rate { n: 2, of: 3 });
        assert_eq!(report.blocked["budget_spent"], [TicketId::ticket(3)]);
        assert_eq!(report.escalated, 2, "one is blocked on spent tries, one was drafted by the supervisor");
        assert_eq!((report.models["claude"].accepted, report.models["qwen"].passed), (1, Rate { n: 0, of: 2 }));
    }

    #[test]
    fn time_is_counted_between_the_gates() {
        let report = sample();
        assert_eq!(report.cycle_sec, Some(Spread { n: 2, median: 60, p90: 100 }));
        assert_eq!(report.waited_sec, (10 + 20) + (6 + 60) + 10);
        assert_eq!(report.throughput, Some(2.0 * 3600.0 / 100.0));
        assert_eq!((report.roles["worker"].calls, report.roles["worker"].cost.usd), (4, 0.5));
    }

    #[test]
    fn a_free_call_costs_nothing_and_an_unknown_cost_is_said() {
        let report = sample();
        assert_eq!((report.cost.usd, report.cost.unknown, report.cost.estimated), (0.5, 1, 1));
        assert_eq!(report.cost.kind(), CostKind::Unknown);
        assert_eq!(report.cost.text(), "$0.5000, estimated and 1 call of unknown cost");
        assert_eq!(report.models["qwen"].cost.kind(), CostKind::Actual);
        assert_eq!((report.models["claude"].calls, report.models["claude"].uncounted, report.time_ms), (2, 1, 28));
    }

    #[test]
    fn nothing_accepted_has_no_cost_per_accepted() {
        assert_eq!(Report::default().per_accepted(), None);
        assert!(sample().per_accepted().is_some_and(|usd| (usd - 0.5 / 3.0).abs() < 1e-9));
    }
}
