//! What may be accepted now, and what the cursor says against the rest.

use super::gates::{self, Target};
use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    config::Unit,
    cursor::{Action, Need, Position, refusal},
    hash::Hash,
    id::{PlanId, TicketId},
};
use std::collections::{BTreeMap, BTreeSet};

/// What of one plan is asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Due {
    /// The subject of each ticket that waits.
    pub subjects: BTreeMap<TicketId, Hash>,
    /// Those that were accepted before.
    pub already: BTreeSet<TicketId>,
}

/// What `targets`, all of `plan`, come to; a failure where something of it may not be accepted yet.
pub fn of(desk: &Desk, loaded: &Loaded, plan: &PlanId, targets: &[Target]) -> Result<Due> {
    let position = desk.position(loaded);
    let mut due = Due::default();
    for target in targets {
        match target {
            Target::Ticket(id) => one(&position, id, &mut due)?,
            Target::Plan(_) => whole(loaded, &position, plan, desk.settings.unit, &mut due)?,
        }
    }
    Ok(due)
}

/// A ticket may be accepted as soon as it is audited.
fn one(position: &Position, id: &TicketId, due: &mut Due) -> Result<()> {
    let standing = gates::standing(position, id)?;
    match &standing.need {
        Need::Accept { subject } => {
            due.subjects.insert(id.clone(), subject.clone());
        }
        Need::Ship | Need::Shipped => {
            due.already.insert(id.clone());
        }
        _ => return Err(refusal(id, standing, "acceptance").into()),
    }
    Ok(())
}

/// A plan is accepted as a whole once its union passed; with one branch a ticket, whatever is audited.
fn whole(loaded: &Loaded, position: &Position, plan: &PlanId, unit: Unit, due: &mut Due) -> Result<()> {
    let of_plan = &loaded.plans[plan].tickets;
    let needs =
        |id: &&TicketId, wanted: fn(&Need) -> bool| position.standings.get(*id).is_some_and(|s| wanted(&s.need));
    let waiting: Vec<&TicketId> = of_plan.iter().filter(|id| needs(id, |n| matches!(n, Need::Accept { .. }))).collect();
    let accepted = of_plan.iter().filter(|id| needs(id, |n| matches!(n, Need::Ship | Need::Shipped)));
    due.already.extend(accepted.cloned());
    let left = of_plan
        .iter()
        .any(|id| !needs(&id, |n| matches!(n, Need::Abandoned | Need::Split | Need::Ship | Need::Shipped)));
    let offered = |o: &haco_core::cursor::Offer| o.action == Action::Accept && o.plan == *plan;
    let may = position.offers.iter().any(offered) || (unit == Unit::Ticket && !waiting.is_empty());
    if !may && (left || due.already.is_empty()) {
        return Err(not_yet(position, plan).into());
    }
    for id in waiting {
        one(position, id, due)?;
    }
    Ok(())
}

/// Why a plan may not be accepted, with the command that is next.
fn not_yet(position: &Position, plan: &PlanId) -> Failure {
    let offer = position.offers.iter().find(|o| o.plan == *plan && o.action != Action::Accept);
    let (why, fix) = match offer {
        Some(offer) => (offer.why.clone(), offer.command.join(" ")),
        None => ("no ticket of it is audited".to_owned(), "haco status".to_owned()),
    };
    Failure::new(Code::IllegalStep, format!("plan '{plan}': acceptance is not the next step: {why}")).fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::cursor::Standing;

    fn position(needs: &[Need]) -> Position {
        let mut position = Position::default();
        for (n, need) in (1..).zip(needs) {
            let (contract, need) = (Hash::of(b"c"), need.clone());
            let standing =
                Standing { contract, in_scope: true, on: None, attempt: None, audited: false, acceptance: None, need };
            position.standings.insert(TicketId::ticket(n), standing);
        }
        position
    }

    fn loaded(count: u32) -> Loaded {
        let plan: haco_core::plan::Plan = serde_json::from_value(serde_json::json!({
            "id": "p", "requirement": "r", "base": "a".repeat(40), "studio": "hybrid", "mode": "continuous",
            "tickets": (1..=count).map(TicketId::ticket).collect::<Vec<_>>(),
        }))
        .expect("a plan");
        let plans = BTreeMap::from([(plan.id.clone(), plan)]);
        Loaded { plans, tickets: Default::default(), facts: Default::default() }
    }

    fn accept() -> Need {
        Need::Accept { subject: Hash::of(b"s") }
    }

    fn plan(needs: &[Need], unit: Unit) -> Result<Due> {
        let mut due = Due::default();
        let count = u32::try_from(needs.len()).expect("a few");
        whole(&loaded(count), &position(needs), &"p".parse().expect("id"), unit, &mut due).map(|()| due)
    }

    #[test]
    fn one_audited_ticket_may_be_accepted_early_and_the_plan_may_not() {
        let mut due = Due::default();
        one(&position(&[accept()]), &TicketId::ticket(1), &mut due).expect("audited");
        assert_eq!(due.subjects.len(), 1);
        let error = plan(&[accept(), Need::Verify { attempt: 1 }], Unit::Plan).expect_err("its union did not pass");
        assert_eq!(error.downcast::<Failure>().expect("ours").code, Code::IllegalStep);
        assert_eq!(plan(&[accept(), Need::Verify { attempt: 1 }], Unit::Ticket).expect("by ticket").subjects.len(), 1);
    }

    #[test]
    fn what_was_accepted_is_done_already() {
        let due = plan(&[Need::Ship, Need::Abandoned, Need::Shipped], Unit::Plan).expect("done");
        assert_eq!((due.subjects.len(), due.already.len()), (0, 2));
        plan(&[Need::Abandoned], Unit::Plan).expect_err("nothing was ever accepted");
    }

    #[test]
    fn a_ticket_that_is_not_audited_is_refused() {
        let mut due = Due::default();
        one(&position(&[Need::Scope]), &TicketId::ticket(1), &mut due).expect_err("not approved");
    }
}
