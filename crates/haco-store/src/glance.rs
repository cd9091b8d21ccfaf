//! One ticket with what it hangs together with, and of its plan only what concerns these: a plan may name ten thousand
//! tickets, and to show one of them must not cost what they all cost.

use crate::{Result, Store, World, parse::plan_path, world::near};
use haco_core::{
    id::{PlanId, TicketId},
    plan::Plan,
    ticket::SCHEMA_VERSION,
    tickets::Tickets,
};
use serde_json::{Map, Value, json, value::RawValue};
use std::collections::BTreeMap;

/// A document's fields, each as the bytes that it has.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

impl Store {
    /// As [`Store::ticket_closure`], with a plan that names, and whose approvals hold, only the tickets that were read:
    /// enough to see where they stand, and not to be written.
    pub fn glance(&self, id: &TicketId) -> Result<World> {
        match self.glanced(id) {
            Some(world) => Ok(world),
            // Whatever is odd is judged, and named, by the way that reads everything.
            None => self.ticket_closure(id),
        }
    }

    fn glanced(&self, id: &TicketId) -> Option<World> {
        let mut tickets = Tickets::default();
        let mut due = vec![id.clone()];
        while let Some(next) = due.pop().filter(|_| tickets.len() < 1000) {
            if !tickets.contains_key(&next) {
                let ticket = self.ticket(&next).ok()?;
                due.extend(near(&ticket));
                tickets.insert(Box::new(ticket));
            }
        }
        let plan = tickets[id].plan.clone();
        let bytes = self.read(&plan_path(&plan)).ok()??;
        let plan = lean(&bytes, &plan, &tickets)?;
        let whole = due.is_empty() && tickets.values().all(|t| t.plan == plan.id && plan.tickets.contains(&t.id));
        whole.then(|| World { plans: BTreeMap::from([(plan.id.clone(), plan)]), tickets })
    }
}

/// The plan in `bytes` with no other tickets than `wanted`; none where it is not as we write plans.
fn lean(bytes: &[u8], id: &PlanId, wanted: &Tickets) -> Option<Plan> {
    let fields: Fields = serde_json::from_slice(bytes).ok()?;
    let mut plan = Map::new();
    for (key, raw) in fields {
        let value = match key.as_str() {
            "tickets" => named(raw.get(), wanted)?,
            "verdicts" => {
                let verdicts: Vec<Fields> = serde_json::from_str(raw.get()).ok()?;
                verdicts.into_iter().map(|verdict| judged(verdict, wanted)).collect::<Option<_>>()?
            }
            _ => serde_json::from_str(raw.get()).ok()?,
        };
        plan.insert(key, value);
    }
    let plan: Plan = serde_json::from_value(Value::Object(plan)).ok()?;
    (plan.schema_version == SCHEMA_VERSION && plan.id == *id).then_some(plan)
}

/// Those of `wanted` that the list of ids `raw` names; none where an id could be written in another way.
fn named(raw: &str, wanted: &Tickets) -> Option<Value> {
    let there = wanted.keys().filter(|id| raw.contains(&format!("\"{id}\"")));
    (!raw.contains('\\')).then(|| json!(there.collect::<Vec<_>>()))
}

/// A verdict with no other contracts than those of `wanted`.
fn judged(verdict: Fields, wanted: &Tickets) -> Option<Value> {
    let mut all = Map::new();
    for (key, raw) in verdict {
        let value = match key.as_str() {
            "contracts" if raw.get().contains('\\') => return None,
            "contracts" => wanted.keys().filter_map(|id| contract(raw.get(), id)).collect::<Map<_, _>>().into(),
            _ => serde_json::from_str(raw.get()).ok()?,
        };
        all.insert(key, value);
    }
    Some(all.into())
}

/// The entry of `id` in an object of hashes.
fn contract(raw: &str, id: &TicketId) -> Option<(String, Value)> {
    let (_, rest) = raw.split_once(&format!("\"{id}\""))?;
    let hash = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()?;
    Some((id.to_string(), hash.into()))
}

#[cfg(test)]
mod tests {
    use crate::{parse::pretty, sample};
    use haco_core::{
        hash::Hash,
        verdict::{Answer, Verdict},
    };

    #[test]
    fn a_glance_sees_what_the_whole_reading_sees_of_its_tickets() {
        let held = sample::with(&["T-001", "T-002", "T-003"]);
        let (one, two) = (sample::id("T-001"), sample::id("T-002"));
        let mut first = sample::ticket("T-001", "demo");
        first.depends_on = vec![two.clone()];
        held.foreign("tickets/T-001.json", pretty(&first));
        let mut plan = held.store.plan(&"demo".parse().expect("id")).expect("reads");
        let mut scope = Verdict::new("scope", Hash::of(b"subject"), Answer::Pass, "human", "2026-01-01T00:00:00Z");
        scope.contracts = plan.tickets.iter().map(|id| (id.clone(), Hash::of(id.as_str().as_bytes()))).collect();
        plan.verdicts.push(scope);
        held.foreign("plans/demo/plan.json", pretty(&plan));
        let glance = held.store.glance(&one).expect("reads");
        let whole = held.store.ticket_closure(&one).expect("reads");
        assert_eq!(glance.tickets, whole.tickets);
        let seen = glance.plans.values().next().expect("its plan");
        assert_eq!(seen.tickets, [one.clone(), two.clone()]);
        assert_eq!(seen.verdicts[0].contracts.len(), 2);
        plan.tickets.truncate(2);
        plan.verdicts[0].contracts.remove(&sample::id("T-003"));
        assert_eq!(*seen, plan);
    }

    #[test]
    fn whatever_is_odd_is_named_as_by_the_whole_reading() {
        let held = sample::with(&["T-001", "T-002"]);
        let one = sample::id("T-001");
        let mut first = sample::ticket("T-001", "demo");
        first.depends_on = vec![sample::id("T-002")];
        held.foreign("tickets/T-001.json", pretty(&first));
        for (file, text) in [
            ("tickets/T-002.json", "{"),
            ("tickets/T-002.json", "{\"schema_version\": 2}"),
            ("plans/demo/plan.json", "{\"tickets\": [\"T-001\"]"),
            ("plans/demo/plan.json", "[]"),
        ] {
            held.foreign(file, text);
            let glance = held.store.glance(&one).expect_err(text);
            let whole = held.store.ticket_closure(&one).expect_err(text);
            assert_eq!((glance.code, glance.message), (whole.code, whole.message));
        }
    }
}
