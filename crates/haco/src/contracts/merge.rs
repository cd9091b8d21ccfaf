//! What a document says of things that are there already.

use haco_core::{intake::IncomingPlan, plan::Plan, subject, ticket::Ticket, verdict::Decision};

/// Gives `there` the contract of `new` and nothing else of it; whether anything changed. Attempts at another contract
/// are off the books from here on.
pub(super) fn contract(there: &mut Ticket, new: Ticket, actor: &str, at: &str) -> bool {
    let old = there.clone();
    *there = Ticket {
        created_by: new.created_by.or(old.created_by.clone()),
        metadata: if new.metadata.is_empty() { old.metadata.clone() } else { new.metadata },
        attempts: old.attempts.clone(),
        verdicts: old.verdicts.clone(),
        decisions: old.decisions.clone(),
        shipment: old.shipment.clone(),
        plan: old.plan.clone(),
        id: old.id.clone(),
        ..new
    };
    if subject::contract(there) != subject::contract(&old) {
        let last = old.attempts.last().map_or(0, |a| a.n);
        there.decisions.push(Decision::new("replace", actor, at, last));
    }
    *there != old
}

/// Takes summary and assumptions over; of a document of this very plan they are all there is, else they come on top.
pub(super) fn plan(plan: &mut Plan, said: &IncomingPlan) {
    let own = said.id.as_ref() == Some(&plan.id);
    if own || plan.summary.is_none() {
        plan.summary = said.summary.clone().or(plan.summary.take());
    }
    if own && !said.assumptions.is_empty() {
        plan.assumptions.clear();
    }
    for assumption in &said.assumptions {
        if !plan.assumptions.contains(assumption) {
            plan.assumptions.push(assumption.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ticket(with: Value) -> Ticket {
        let mut whole = json!({
            "id": "T-001", "title": "Do it", "type": "chore", "plan": "p",
            "task": {"description": "d", "target_files": ["a"]}, "definition_of_done": {"static_checks": ["true"]},
        });
        whole.as_object_mut().expect("an object").extend(with.as_object().expect("an object").clone());
        serde_json::from_value(whole).expect("a ticket")
    }

    #[test]
    fn a_new_contract_keeps_what_was_done_and_takes_it_off_the_books() {
        let base = "1".repeat(40);
        let mut there = ticket(json!({"attempts": [{"n": 2, "base": base, "at": "2026-01-01T00:00:00Z"}]}));
        let new = ticket(json!({"id": "T-009", "title": "Do it well"}));
        assert!(contract(&mut there, new, "human", "2026-01-01T00:00:00Z"));
        assert_eq!((there.id.as_str(), there.title.as_str(), there.attempts.len()), ("T-001", "Do it well", 1));
        assert_eq!((there.decisions[0].action.as_str(), haco_core::route::reset(&there)), ("replace", 2));
    }

    #[test]
    fn the_same_contract_changes_nothing_and_another_priority_is_no_other_contract() {
        let mut there = ticket(json!({"metadata": {"a": 1}}));
        assert!(!contract(&mut there, ticket(json!({})), "human", "2026-01-01T00:00:00Z"));
        assert!(contract(&mut there, ticket(json!({"priority": "high"})), "human", "2026-01-01T00:00:00Z"));
        assert!(there.decisions.is_empty());
    }
}
