//! Many documents at once: every plan with the tickets that it names, or only what one ticket hangs together with.

use crate::{
    Result, Store,
    dir::Dir,
    fail,
    parse::{document, plan_path, ticket_path},
    store::no_ticket,
};
use haco_core::{
    code::Failure,
    id::{PlanId, TicketId},
    plan::Plan,
    ticket::Ticket,
    tickets::Tickets,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

/// Plans and tickets as they were read; a ticket that no plan names is not among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// By id.
    pub plans: BTreeMap<PlanId, Plan>,
    /// By id.
    pub tickets: Tickets,
}

impl Store {
    /// All plans, without their tickets.
    pub fn plans(&self) -> Result<BTreeMap<PlanId, Plan>> {
        let plans = self.plan_ids()?.into_iter().map(|id| self.plan(&id).map(|plan| (id, plan)));
        plans.collect()
    }

    /// All tickets that a plan names.
    pub fn tickets(&self) -> Result<Tickets> {
        Ok(self.world(None)?.tickets)
    }

    /// One plan, or all of them, with the tickets that they name. One bad file is a failure: nothing is skipped.
    pub fn world(&self, plan: Option<&PlanId>) -> Result<World> {
        let plans = match plan {
            Some(id) => BTreeMap::from([(id.clone(), self.plan(id)?)]),
            None => self.plans()?,
        };
        let mut named: Vec<(&TicketId, &PlanId)> =
            plans.values().flat_map(|p| p.tickets.iter().map(move |id| (id, &p.id))).collect();
        named.sort_unstable();
        if let Some(pair) = named.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let [(id, first), (_, plan)] = [pair[0], pair[1]];
            let shown = self.top().shown(&plan_path(plan));
            return Err(fail::unreadable(&shown, format!("it names '{id}', which the plan '{first}' has too")));
        }
        let tickets = self.read_all(&named)?;
        Ok(World { plans, tickets })
    }

    /// The ticket `id`, its plan, and the tickets that it depends on or was split into, and so on; no others are read.
    pub fn ticket_closure(&self, id: &TicketId) -> Result<World> {
        let first = self.ticket(id)?;
        let plan = self.plan(&first.plan)?;
        let members: BTreeSet<&TicketId> = plan.tickets.iter().collect();
        if !members.contains(id) {
            return Err(no_ticket(id).fix("haco doctor"));
        }
        let folder = self.top().sub("tickets")?;
        let mut tickets = Tickets::default();
        let mut due = near(&first);
        tickets.insert(Box::new(first));
        while let Some(next) = due.pop() {
            // What the plan does not name is for the rules to judge: it does not exist.
            if members.contains(&next) && !tickets.contains_key(&next) {
                let ticket = self.named_ticket(&folder, &next, &plan.id)?;
                due.extend(near(&ticket));
                tickets.insert(Box::new(ticket));
            }
        }
        Ok(World { plans: BTreeMap::from([(plan.id.clone(), plan)]), tickets })
    }

    /// The ticket that `plan` names: it must be there and say the same.
    fn named_ticket(&self, folder: &Option<Dir>, id: &TicketId, plan: &PlanId) -> Result<Ticket> {
        let missing = || {
            let why = format!("it names '{id}', and there is no '{}'", self.top().shown(&ticket_path(id)));
            fail::unreadable(&self.top().shown(&plan_path(plan)), why).fix("haco doctor")
        };
        let name = format!("{id}.json");
        let bytes = folder.as_ref().map(|dir| dir.read(&name)).transpose()?.flatten().ok_or_else(missing)?;
        let ticket: Ticket = document(&bytes, id.as_str(), || self.top().shown(&ticket_path(id)))?;
        match ticket.plan == *plan {
            true => Ok(ticket),
            false => Err(fail::unreadable(
                &self.top().shown(&ticket_path(id)),
                format!("field 'plan': it says '{}', and the plan '{plan}' has it", ticket.plan),
            )),
        }
    }

    /// Reads and parses on as many threads as there are processors.
    fn read_all(&self, named: &[(&TicketId, &PlanId)]) -> Result<Tickets> {
        let folder = self.top().sub("tickets")?;
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = named.len().div_ceil(threads).max(64);
        let read = &|part: &[(&TicketId, &PlanId)]| -> (Vec<Box<Ticket>>, Vec<Failure>) {
            let (mut tickets, mut bad) = (Vec::with_capacity(part.len()), Vec::new());
            for (id, plan) in part {
                match self.named_ticket(&folder, id, plan) {
                    Ok(ticket) => tickets.push(Box::new(ticket)),
                    Err(failure) => bad.push(failure),
                }
            }
            (tickets, bad)
        };
        let (good, bad): (Vec<_>, Vec<_>) = thread::scope(|scope| {
            let parts: Vec<_> = named.chunks(share).map(|part| scope.spawn(move || read(part))).collect();
            parts.into_iter().map(|p| p.join().expect("reading returns failures and does not panic")).unzip()
        });
        let mut bad = bad.into_iter().flatten();
        match bad.next() {
            Some(first) => Err(also(first, bad.count())),
            None => Ok(good.into_iter().flatten().collect()),
        }
    }
}

/// The tickets that one looks at together with `ticket`.
pub(crate) fn near(ticket: &Ticket) -> Vec<TicketId> {
    let children = ticket.decisions.iter().flat_map(|d| &d.into);
    ticket.depends_on.iter().chain(children).cloned().collect()
}

/// The first failure, which says how many more there are.
fn also(first: Failure, more: usize) -> Failure {
    match more {
        0 => first,
        more => {
            let message = format!("{} (and {more} more)", first.message);
            Failure { message, ..first }.fix("haco doctor")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use haco_core::{code::Code, verdict::Decision};

    #[test]
    fn the_world_is_what_plans_name() {
        let held = sample::with(&["T-001", "T-002"]);
        held.foreign("tickets/T-003.json", "not read: no plan names it");
        let world = held.store.world(None).expect("reads");
        assert_eq!(world.tickets.keys().map(TicketId::as_str).collect::<Vec<_>>(), ["T-001", "T-002"]);
        assert_eq!(world.plans.len(), 1);
        assert_eq!(held.store.world(Some(&"demo".parse().expect("id"))).expect("reads"), world);
        assert_eq!(held.store.tickets().expect("reads"), world.tickets);
    }

    #[test]
    fn one_bad_ticket_stops_the_view_and_says_how_many_more_there_are() {
        let ids: Vec<String> = (1..=200).map(|n| TicketId::ticket(n).to_string()).collect();
        let held = sample::with(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(held.store.world(None).expect("reads").tickets.len(), 200);
        held.foreign("tickets/T-007.json", "");
        held.foreign("tickets/T-190.json", "{");
        let failure = held.store.world(None).expect_err("bad");
        assert_eq!(failure.code, Code::UnreadableState);
        assert_eq!(failure.message, "'.haco/tickets/T-007.json': it is empty (and 1 more)");
    }

    #[test]
    fn a_ticket_that_is_named_but_missing_or_of_another_plan_is_said_by_name() {
        let held = sample::with(&["T-001", "T-002"]);
        held.foreign("tickets/T-001.json", crate::parse::pretty(&sample::ticket("T-001", "other")));
        let failure = held.store.world(None).expect_err("another plan's");
        assert!(failure.message.contains("field 'plan': it says 'other'"), "{failure}");
        fs_err::remove_file(held.place.dir.join("tickets/T-001.json")).expect("removes");
        let failure = held.store.world(None).expect_err("missing");
        assert!(failure.message.starts_with("'.haco/plans/demo/plan.json': it names 'T-001'"), "{failure}");
    }

    #[test]
    fn two_plans_may_not_name_one_ticket() {
        let held = sample::with(&["T-001"]);
        fs_err::create_dir(held.place.dir.join("plans/other")).expect("makes");
        held.foreign("plans/other/plan.json", crate::parse::pretty(&sample::plan("other", &["T-001"])));
        let failure = held.store.world(None).expect_err("twice");
        assert!(failure.message.contains("which the plan 'demo' has too"), "{failure}");
    }

    #[test]
    fn a_closure_reads_only_what_hangs_together() {
        let held = sample::with(&["T-001", "T-002", "T-003", "T-004"]);
        let mut top = sample::ticket("T-001", "demo");
        top.depends_on = vec![sample::id("T-002")];
        let mut split = sample::ticket("T-002", "demo");
        split.decisions =
            vec![Decision { into: vec![sample::id("T-003")], ..Decision::new("split", "human", "2026-01-01", 0) }];
        held.foreign("tickets/T-001.json", crate::parse::pretty(&top));
        held.foreign("tickets/T-002.json", crate::parse::pretty(&split));
        held.foreign("tickets/T-004.json", "torn, and not in the way");
        let world = held.store.ticket_closure(&sample::id("T-001")).expect("reads");
        assert_eq!(world.tickets.keys().map(TicketId::as_str).collect::<Vec<_>>(), ["T-001", "T-002", "T-003"]);
    }

    #[test]
    fn a_ticket_that_no_plan_names_does_not_exist() {
        let held = sample::with(&["T-001"]);
        held.foreign("tickets/T-002.json", crate::parse::pretty(&sample::ticket("T-002", "demo")));
        let failure = held.store.ticket_closure(&sample::id("T-002")).expect_err("an orphan");
        assert_eq!(failure.code, Code::UnknownId);
    }
}
