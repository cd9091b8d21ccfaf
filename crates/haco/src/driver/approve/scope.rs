//! What gate 1 is about, as it stands now: frame, contracts, models and what is dropped.

use super::gates;
use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor,
    hash::Hash,
    id::{PlanId, TicketId},
    subject,
    ticket::Ticket,
    tickets::Tickets,
    verdict::{ApprovedModel, Verdict},
};
use std::collections::{BTreeMap, BTreeSet};

/// A ticket that the approval drops, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    pub id: TicketId,
    pub why: String,
}

/// One scope, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    pub plan: PlanId,
    pub frame: Hash,
    pub contracts: BTreeMap<TicketId, Hash>,
    pub models: Vec<ApprovedModel>,
    pub subject: Hash,
    pub dropped: Vec<Dropped>,
    /// The approval that stands, where there is one.
    pub before: Option<Verdict>,
}

impl Scope {
    /// The scope of `plan` without `exclude` and what depends on it.
    pub fn of(desk: &Desk, loaded: &Loaded, plan: &PlanId, exclude: &[TicketId]) -> Result<Scope> {
        let plan = &loaded.plans[plan];
        let unknown = || {
            let message = format!("plan '{}' names the studio '{}', which is not known", plan.id, plan.studio);
            Failure::new(Code::BadPlan, message).fix("haco doctor")
        };
        let frame = cursor::frame(&desk.world(loaded), plan).ok_or_else(unknown)?;
        if plan.tickets.is_empty() {
            let message = format!("plan '{}' has no tickets yet: there is nothing to approve", plan.id);
            let fix = format!("haco-plan --plan {}", plan.id);
            let offer = desk.position(loaded).offers.into_iter().find(|o| o.plan == plan.id && !o.command.is_empty());
            let fix = offer.map_or(fix, |o| o.command.join(" "));
            return Err(Failure::new(Code::IllegalStep, message).fix(fix).into());
        }
        let dropped = dropped(&loaded.tickets, plan.id.as_str(), exclude)?;
        let gone: BTreeSet<&TicketId> = dropped.iter().map(|d| &d.id).collect();
        let kept: Vec<&Ticket> =
            loaded.tickets.values().filter(|t| gates::is_open(t) && !gone.contains(&t.id)).collect();
        if kept.is_empty() && !dropped.is_empty() {
            let message = format!("nothing of plan '{}' would be left to approve", plan.id);
            return Err(Failure::new(Code::IllegalStep, message).fix(format!("haco abandon {}", dropped[0].id)).into());
        }
        let contracts = kept.iter().map(|t| (t.id.clone(), subject::contract(t))).collect();
        let models = desk.settings.model_set(kept.iter().copied())?;
        let subject = subject::scope(&frame, &contracts);
        let before = plan.approval().cloned();
        Ok(Scope { plan: plan.id.clone(), frame, contracts, models, subject, dropped, before })
    }

    /// Whether an approval stands that holds all of this: frame, every contract and the same models.
    pub fn stands(&self) -> bool {
        let same = |(id, contract): (&TicketId, &Hash)| self.was(id) == Some(contract);
        self.dropped.is_empty()
            && self.before.as_ref().is_some_and(|b| b.frame.as_ref() == Some(&self.frame) && b.models == self.models)
            && self.contracts.iter().all(same)
    }

    /// A ticket's contract in the approval that stands.
    pub fn was(&self, id: &TicketId) -> Option<&Hash> {
        self.before.as_ref()?.contracts.get(id)
    }
}

/// What is dropped with `exclude`, each ticket once, in order.
fn dropped(tickets: &Tickets, plan: &str, exclude: &[TicketId]) -> Result<Vec<Dropped>> {
    let mut all: Vec<Dropped> = Vec::new();
    for id in exclude {
        let none =
            || Failure::new(Code::UnknownId, format!("no such ticket in plan '{plan}': '{id}'")).fix("haco list");
        let ticket = tickets.get(id).ok_or_else(none)?;
        if ticket.shipment.is_some() {
            let message = format!("{id}: excluding it is not the next step: it was shipped");
            return Err(Failure::new(Code::IllegalStep, message).fix(format!("haco show {id}")).into());
        }
        if gates::is_open(ticket) {
            all.push(Dropped { id: id.clone(), why: "excluded".to_owned() });
        }
    }
    for id in exclude {
        for dependent in gates::open_dependents(tickets, id) {
            if !all.iter().any(|d| d.id == dependent) {
                all.push(Dropped { id: dependent, why: format!("it depends on {id}, which was excluded") });
            }
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> Tickets {
        let ticket = |n: u32, on: &[u32]| -> Ticket {
            let on: Vec<TicketId> = on.iter().map(|n| TicketId::ticket(*n)).collect();
            serde_json::from_value(serde_json::json!({
                "id": TicketId::ticket(n), "title": "t", "type": "chore", "plan": "p", "depends_on": on,
                "task": {"description": "d"}, "definition_of_done": {},
            }))
            .expect("a ticket")
        };
        let all = [ticket(1, &[]), ticket(2, &[1]), ticket(3, &[2]), ticket(4, &[])];
        all.into_iter().collect()
    }

    #[test]
    fn an_exclusion_takes_what_depends_on_it_and_says_why() {
        let ids = [2, 2].map(TicketId::ticket);
        let dropped = dropped(&tickets(), "p", &ids).expect("dropped");
        let said: Vec<String> = dropped.iter().map(|d| format!("{} {}", d.id, d.why)).collect();
        assert_eq!(said, ["T-002 excluded", "T-003 it depends on T-002, which was excluded"]);
    }

    #[test]
    fn a_ticket_that_is_out_already_is_not_dropped_again_and_a_strange_one_is_refused() {
        let mut all = tickets();
        let id = TicketId::ticket(4);
        let decision = haco_core::verdict::Decision::new("abandon", "human", "2026-01-01T00:00:00Z", 0);
        all.get_mut(&id).expect("there").decisions.push(decision);
        assert!(dropped(&all, "p", &[id]).expect("nothing to do").is_empty());
        dropped(&all, "p", &[TicketId::ticket(9)]).expect_err("no such ticket");
    }
}
