//! What was spent, by the journal's lines alone, and whether a call may be made under the caps.

use super::Usd;
use crate::{
    attempt::CostKind,
    code::{Code, Failure},
    config::Budget,
    id::{PlanId, TicketId},
    journal::Line,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a line says that holds money for a call.
#[derive(Deserialize)]
struct Held {
    #[serde(deserialize_with = "Option::deserialize")]
    hold_nano_usd: Option<Usd>,
}

/// What a line says that settles one.
#[derive(Deserialize)]
struct Paid {
    #[serde(default)]
    call: Option<u64>,
    cost: CostKind,
    #[serde(default)]
    nano_usd: Option<Usd>,
}

/// Money of one call.
#[derive(Clone, Debug)]
struct Entry {
    plan: Option<PlanId>,
    ticket: Option<TicketId>,
    day: String,
    held: Option<Usd>,
    /// None while the call is in progress, or was cut off.
    paid: Option<CostKind>,
    usd: Option<Usd>,
}

/// The money of every call, by the number of the line that began it.
#[derive(Clone, Debug, Default)]
pub struct Ledger(BTreeMap<u64, Entry>);

/// What was spent on one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Of calls whose cost is known.
    pub known: Usd,
    /// Held for calls that are in progress, were cut off, or whose cost nobody said.
    pub held: Usd,
    /// Calls whose cost nobody knows and for which nothing was held.
    pub unknown: u64,
}

impl Spent {
    /// What counts against a cap.
    pub fn counts(&self) -> Usd {
        self.known + self.held
    }
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The plan that it belongs to.
    pub plan: Option<&'a PlanId>,
    /// The ticket that it is for.
    pub ticket: Option<&'a TicketId>,
    /// Today in UTC, `2026-01-01`.
    pub day: &'a str,
    /// The most that it can cost.
    pub worst: Usd,
}

impl Ledger {
    /// Takes in the next line of the journal; most have nothing to do with money.
    pub fn take(&mut self, line: &Line) {
        match line.event.as_str() {
            "call" => {
                if let Ok(held) = serde_json::from_value::<Held>(line.data.clone()) {
                    self.0.insert(line.seq, Entry { held: held.hold_nano_usd, ..Entry::of(line) });
                }
            }
            "paid" => {
                if let Ok(paid) = serde_json::from_value::<Paid>(line.data.clone()) {
                    self.settle(line, &paid);
                }
            }
            _ => {}
        }
    }

    fn settle(&mut self, line: &Line, paid: &Paid) {
        let entry = self.0.entry(paid.call.unwrap_or(line.seq)).or_insert_with(|| Entry::of(line));
        // What was settled once stays: a line that was written twice counts once.
        if entry.paid.is_none() {
            entry.paid = Some(paid.cost);
            entry.usd = paid.nano_usd.filter(|_| paid.cost != CostKind::Unknown);
        }
    }

    fn sum(&self, of: impl Fn(&Entry) -> bool) -> Spent {
        let mut spent = Spent::default();
        for entry in self.0.values().filter(|e| of(e)) {
            match (entry.usd, entry.held) {
                (Some(usd), _) => spent.known = spent.known + usd,
                (None, Some(held)) => spent.held = spent.held + held,
                (None, None) => spent.unknown += 1,
            }
        }
        spent
    }

    /// On one ticket.
    pub fn of_ticket(&self, id: &TicketId) -> Spent {
        self.sum(|e| e.ticket.as_ref() == Some(id))
    }

    /// On one plan, its lead's calls included.
    pub fn of_plan(&self, id: &PlanId) -> Spent {
        self.sum(|e| e.plan.as_ref() == Some(id))
    }

    /// On one day (UTC), by when the calls began.
    pub fn of_day(&self, day: &str) -> Spent {
        self.sum(|e| e.day == day)
    }

    /// Everything.
    pub fn all(&self) -> Spent {
        self.sum(|_| true)
    }

    /// Whether the call's worst case fits below every cap.
    pub fn allows(&self, budget: &Budget, claim: &Claim<'_>) -> Result<(), Failure> {
        let ticket = claim.ticket.map(|id| (budget.ticket_usd, "ticket_usd", self.of_ticket(id), id.to_string()));
        let plan = claim.plan.map(|id| (budget.plan_usd, "plan_usd", self.of_plan(id), format!("plan '{id}'")));
        let day = Some((budget.day_usd, "day_usd", self.of_day(claim.day), claim.day.to_owned()));
        for (cap, name, spent, what) in [ticket, plan, day].into_iter().flatten() {
            let Some(cap) = cap.map(Usd::down) else { continue };
            if spent.counts() + claim.worst > cap {
                return Err(over(claim.worst, (cap, name), spent, &what));
            }
        }
        Ok(())
    }
}

impl Entry {
    fn of(line: &Line) -> Entry {
        let day = line.at.get(..10).unwrap_or_default().to_owned();
        Entry { plan: line.plan.clone(), ticket: line.ticket.clone(), day, held: None, paid: None, usd: None }
    }
}

fn over(worst: Usd, (cap, name): (Usd, &str), spent: Spent, what: &str) -> Failure {
    let mut parts = vec![format!("{} are spent", spent.known)];
    if spent.held > Usd::ZERO {
        parts.push(format!("{} are held for calls in progress or of unknown cost", spent.held));
    }
    let message = format!(
        "the call may cost {worst}, and of the {cap} of 'budget.{name}' for {what} only {} are left: {}",
        cap.less(spent.counts()),
        parts.join(" and ")
    );
    Failure::new(Code::OverBudget, message).fix("haco report")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Event;
    use serde_json::{Value, json};

    /// Lines in a row: event, ticket's number, day, data.
    fn ledger(lines: &[(&str, u32, &str, Value)]) -> Ledger {
        let (mut ledger, mut last) = (Ledger::default(), None);
        for (event, ticket, day, data) in lines {
            let event = Event {
                ticket: Some(TicketId::ticket(*ticket)),
                plan: Some("p".parse().expect("an id")),
                data: data.clone(),
                ..Event::new(event, "worker", &format!("{day}T10:00:00Z"))
            };
            let line = Line::after(last.as_ref(), event, vec![]);
            ledger.take(&line);
            last = Some(line);
        }
        ledger
    }

    fn hold(usd: f64) -> Value {
        json!({"hold_nano_usd": Usd::up(usd)})
    }

    fn paid(call: u64, usd: f64) -> Value {
        json!({"call": call, "cost": "actual", "nano_usd": Usd::up(usd)})
    }

    fn sample() -> Ledger {
        ledger(&[
            ("call", 1, "2026-01-01", hold(0.5)),
            ("call", 2, "2026-01-01", hold(0.25)),
            ("paid", 1, "2026-01-02", paid(1, 0.125)),
            ("call", 1, "2026-01-02", hold(1.0)),
            ("paid", 1, "2026-01-02", json!({"call": 4, "cost": "unknown"})),
            ("draft", 1, "2026-01-02", json!({"hold_nano_usd": 1})),
        ])
    }

    #[test]
    fn a_settled_call_counts_what_it_came_to_and_any_other_what_was_held() {
        let spent = |known, held| Spent { known: Usd::up(known), held: Usd::up(held), unknown: 0 };
        let ledger = sample();
        assert_eq!(ledger.all(), spent(0.125, 1.25));
        assert_eq!(ledger.of_ticket(&TicketId::ticket(1)), spent(0.125, 1.0));
        assert_eq!(ledger.of_ticket(&TicketId::ticket(2)), spent(0.0, 0.25));
        assert_eq!(ledger.of_day("2026-01-01"), spent(0.125, 0.25), "the day on which it began");
        assert_eq!(ledger.of_plan(&"p".parse().expect("an id")), ledger.all());
    }

    #[test]
    fn a_call_is_settled_once() {
        let ledger = ledger(&[
            ("call", 1, "2026-01-01", hold(0.5)),
            ("call", 1, "2026-01-01", json!({"origin": "https://private.lan:443"})),
            ("paid", 1, "2026-01-01", paid(1, 0.25)),
            ("paid", 1, "2026-01-01", paid(1, 0.0)),
        ]);
        assert_eq!(ledger.all().counts(), Usd::up(0.25));
    }

    #[test]
    fn money_that_a_server_named_for_a_call_without_a_hold_counts_too() {
        let said = json!({"cost": "actual", "nano_usd": Usd::up(0.02)});
        let nothing = json!({"hold_nano_usd": null});
        let ledger = ledger(&[("paid", 1, "2026-01-01", said), ("call", 1, "2026-01-01", nothing)]);
        assert_eq!(ledger.all(), Spent { known: Usd::up(0.02), held: Usd::ZERO, unknown: 1 });
    }

    #[test]
    fn a_call_fits_exactly_or_not_at_all() {
        let ledger = sample();
        let (plan, one, two) = ("p".parse().expect("an id"), TicketId::ticket(1), TicketId::ticket(2));
        let asked = |budget: &Budget, ticket, worst| {
            let claim = Claim { plan: Some(&plan), ticket: Some(ticket), day: "2026-01-02", worst: Usd::up(worst) };
            ledger.allows(budget, &claim).map_err(|f| f.message)
        };
        let cap = |ticket_usd, plan_usd, day_usd| Budget { ticket_usd, plan_usd, day_usd };
        assert_eq!(asked(&cap(Some(0.75), None, None), &two, 0.5), Ok(()));
        assert!(asked(&cap(Some(0.75), None, None), &two, 0.500_000_001).is_err());
        assert!(asked(&cap(None, Some(1.5), None), &two, 0.126).is_err_and(|why| why.contains("plan 'p'")));
        assert_eq!(asked(&cap(None, None, Some(1.5)), &one, 0.5), Ok(()));
        assert_eq!(asked(&cap(None, None, None), &one, 1e6), Ok(()));
        let why = asked(&cap(Some(1.2), None, None), &one, 0.1).expect_err("too much");
        let want = "the call may cost $0.1000, and of the $1.2000 of 'budget.ticket_usd' for T-001 only $0.0750 are left: \
                    $0.1250 are spent and $1.0000 are held for calls in progress or of unknown cost";
        assert_eq!(why, want);
    }
}
