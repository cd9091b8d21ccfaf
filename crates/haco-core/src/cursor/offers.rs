//! What may be done now, in order: what the programs can do first, then what somebody outside must do.

use super::{
    Status, World, frame,
    offer::{Action, Offer, decompose, offer, outside, ticket_offer},
    refusal::{list, words},
    stand::stand,
    standing::{Block, Need, Standing, Union},
};
use crate::{
    code::Code,
    config::Unit,
    graph,
    hash::Hash,
    id::{PlanId, TicketId},
    plan::Plan,
    settings::HUMAN,
    studio::{By, Per, Studio, When},
    subject,
    ticket::Ticket,
    verdict::{Answer, latest},
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is derived about the plans and tickets of a world.
#[derive(Clone, Debug, Default)]
pub struct Position {
    /// Where each ticket stands.
    pub standings: BTreeMap<TicketId, Standing>,
    /// What may be done now, in order.
    pub offers: Vec<Offer>,
    /// The unions of plans whose open tickets are all audited.
    pub unions: BTreeMap<PlanId, Union>,
}

impl Position {
    /// The position of this world. The same files and facts give the same answer.
    pub fn of(world: &World<'_>) -> Position {
        let mut position = Position::default();
        for plan in world.plans.values() {
            position.plan(world, plan);
        }
        let runnable_first = |o: &Offer| (!o.runnable, o.action == Action::Wait);
        position.offers.sort_by_key(runnable_first);
        position
    }

    /// A ticket's status.
    pub fn status(&self, world: &World<'_>, id: &TicketId) -> Option<Status> {
        let standing = self.standings.get(id)?;
        Some(Status::of(standing, world.facts.busy.contains_key(id)))
    }

    fn plan(&mut self, world: &World<'_>, plan: &Plan) {
        let (Some(studio), Some(frame)) = (world.studios.get(&plan.studio), frame(world, plan)) else {
            let why = format!("plan '{}' names the studio '{}', which is not known", plan.id, plan.studio);
            let block =
                Block { code: Code::BadPlan.to_string(), why, actor: HUMAN, command: words(["haco", "doctor"]) };
            self.offers.push(outside(Action::Blocked, plan, None, "", &block));
            return;
        };
        let first = studio.stages.first().map(|s| s.name.clone()).unwrap_or_default();
        let tickets: Vec<&Ticket> = plan.tickets.iter().filter_map(|id| world.tickets.get(id)).collect();
        if plan.tickets.is_empty() {
            self.offers.push(decompose(world, plan, &first));
            return;
        }
        let depth = graph::depth(&graph::edges(tickets.iter().copied()));
        let mut by_depth = tickets.clone();
        by_depth.sort_by_cached_key(|t| (depth.get(&t.id).copied().unwrap_or(usize::MAX), t.id.clone()));
        for ticket in &by_depth {
            if let Some(stage) = studio.stage(ticket.stage.as_deref()) {
                let standing = stand(world, plan, stage, &frame, ticket, &self.standings);
                self.standings.insert(ticket.id.clone(), standing);
            }
        }
        let mut order = tickets;
        order.sort_by_cached_key(|t| (t.priority, depth.get(&t.id).copied().unwrap_or(usize::MAX), t.id.clone()));
        let open_stage = self.open_stage(studio, &order);
        let now: Vec<&Ticket> = order
            .iter()
            .copied()
            .filter(|t| studio.stage(t.stage.as_deref()).map(|s| s.name.as_str()) == Some(open_stage.as_str()))
            .collect();
        for ticket in &now {
            self.ticket(world, plan, &open_stage, ticket);
        }
        self.scope(plan, &open_stage, &now);
        self.end(world, plan, studio, &open_stage, [&now, &order]);
    }

    /// The first stage with a ticket that is not done there; after the last, the last.
    fn open_stage(&self, studio: &Studio, tickets: &[&Ticket]) -> String {
        let in_stage = |t: &Ticket, name: &str| studio.stage(t.stage.as_deref()).is_some_and(|s| s.name == name);
        let unfinished = |t: &&&Ticket| !self.standings.get(&t.id).is_some_and(is_finished);
        let open =
            studio.stages.iter().find(|s| tickets.iter().filter(|t| in_stage(t, &s.name)).any(|t| unfinished(&t)));
        open.or(studio.stages.last()).map(|s| s.name.clone()).unwrap_or_default()
    }

    fn ticket(&mut self, world: &World<'_>, plan: &Plan, stage: &str, ticket: &Ticket) {
        let Some(standing) = self.standings.get(&ticket.id) else { return };
        if let Some(holder) = world.facts.busy.get(&ticket.id) {
            let why = format!("{} is held by {holder}", ticket.id);
            self.offers.push(Offer {
                command: words(["haco", "show", ticket.id.as_str()]),
                ..offer(Action::Wait, "harness", plan, Some(ticket), stage, why)
            });
            return;
        }
        if let Some(offer) = ticket_offer(world, plan, stage, ticket, standing) {
            self.offers.push(offer);
        }
    }

    fn scope(&mut self, plan: &Plan, stage: &str, tickets: &[&Ticket]) {
        let waits = |t: &&Ticket| self.standings.get(&t.id).is_some_and(|s| s.need == Need::Scope);
        let ids: Vec<TicketId> = tickets.iter().copied().filter(waits).map(|t| t.id.clone()).collect();
        if !ids.is_empty() {
            let why = format!("{} not in an approved scope", are(&ids));
            let command = words(["haco", "approve", plan.id.as_str()]);
            self.offers.push(Offer { command, ..offer(Action::ApproveScope, HUMAN, plan, None, stage, why) });
        }
    }

    /// What the stage, and after the last one the plan, needs once its tickets are audited: the union's checks,
    /// acceptance, shipping.
    fn end(&mut self, world: &World<'_>, plan: &Plan, studio: &Studio, stage: &str, all: [&[&Ticket]; 2]) {
        let [of_stage, of_plan] = all.map(|tickets| self.open(tickets));
        let audited =
            |tickets: &[&Ticket]| tickets.iter().all(|t| self.standings.get(&t.id).is_some_and(|s| s.audited));
        let needs = |tickets: &[&Ticket], wanted: fn(&Need) -> bool| -> Vec<TicketId> {
            let is = |t: &&&Ticket| self.standings.get(&t.id).is_some_and(|s| wanted(&s.need));
            tickets.iter().filter(is).map(|t| t.id.clone()).collect()
        };
        if !audited(&of_stage) || world.settings.unit == Unit::Ticket {
            return;
        }
        let to_ship = needs(&of_plan, |n| *n == Need::Ship);
        let shipped = needs(&of_plan, |n| *n == Need::Shipped);
        let waiting = needs(&of_stage, |n| matches!(n, Need::Accept { .. }));
        if shipped.len() == of_plan.len() {
            return;
        }
        let united = studio.stages.iter().any(|s| s.has(Per::Plan, When::After, By::Harness));
        if united && of_plan.len() > 1 && audited(&of_plan) && !self.united(world, plan, stage, &of_plan) {
            return;
        }
        if !waiting.is_empty() {
            let why = format!("{} passed every check and audit", list(&waiting));
            let command = words(["haco", "accept", plan.id.as_str()]);
            self.offers.push(Offer { command, ..offer(Action::Accept, HUMAN, plan, None, stage, why) });
        } else if to_ship.len() + shipped.len() == of_plan.len() {
            let why = "every ticket is accepted".to_owned();
            let command = words(["haco-ship", plan.id.as_str()]);
            let ships = offer(Action::Ship, "harness", plan, None, stage, why);
            self.offers.push(Offer { command, runnable: true, ..ships });
        }
    }

    /// Whether the union of these tickets passed every check; where not, what is to be done is offered.
    fn united(&mut self, world: &World<'_>, plan: &Plan, stage: &str, open: &[&Ticket]) -> bool {
        let union = self.union(world, plan, open);
        let verdict = latest(&plan.verdicts, "union", &union.subject);
        self.unions.insert(plan.id.clone(), union);
        let command = words(["haco-verify", plan.id.as_str()]);
        match verdict {
            None => {
                let why = "every ticket is audited; their union must pass every check".to_owned();
                let runs = offer(Action::Verify, "harness", plan, None, stage, why);
                self.offers.push(Offer { command, runnable: true, ..runs });
            }
            Some(v) if v.verdict != Answer::Pass => {
                let why = v.reason.clone().unwrap_or_else(|| "the union of the tickets fails a check".to_owned());
                let block = Block { code: v.code.clone().unwrap_or_default(), why, actor: HUMAN, command };
                self.offers.push(outside(Action::Blocked, plan, None, stage, &block));
            }
            Some(_) => return true,
        }
        false
    }

    fn open<'a>(&self, tickets: &[&'a Ticket]) -> Vec<&'a Ticket> {
        tickets.iter().copied().filter(|t| self.is_open(t)).collect()
    }

    fn is_open(&self, ticket: &Ticket) -> bool {
        self.standings.get(&ticket.id).is_some_and(|s| !matches!(s.need, Need::Abandoned | Need::Split))
    }

    fn union(&self, world: &World<'_>, plan: &Plan, open: &[&Ticket]) -> Union {
        let mut parts: BTreeMap<TicketId, (Hash, crate::oid::Oid)> = BTreeMap::new();
        for ticket in open {
            let Some(standing) = self.standings.get(&ticket.id) else { continue };
            let candidate = standing.attempt.and_then(|n| ticket.attempt(n)).and_then(|a| a.candidate.as_ref());
            if let Some(candidate) = candidate {
                parts.insert(ticket.id.clone(), (standing.contract.clone(), candidate.commit.clone()));
            }
        }
        let all: Vec<&Ticket> = plan.tickets.iter().filter_map(|id| world.tickets.get(id)).collect();
        let keep: BTreeSet<&TicketId> = parts.keys().collect();
        let tickets = graph::topological(&graph::edges(all)).into_iter().filter(|id| keep.contains(id)).collect();
        Union { subject: subject::union(plan, &parts), tickets }
    }
}

fn is_finished(standing: &Standing) -> bool {
    matches!(standing.need, Need::Shipped | Need::Abandoned | Need::Split | Need::Ship)
}

/// Whether nothing is left to do in a plan: it has tickets, and each is shipped or closed.
pub fn plan_is_done(plan: &Plan, position: &Position) -> bool {
    let done = |id: &TicketId| {
        let need = position.standings.get(id).map(|s| &s.need);
        matches!(need, Some(Need::Shipped | Need::Abandoned | Need::Split))
    };
    !plan.tickets.is_empty() && plan.tickets.iter().all(done)
}

fn are(ids: &[TicketId]) -> String {
    match ids {
        [one] => format!("{one} is"),
        [_, ..] if ids.len() <= 5 => format!("{} are", list(ids)),
        _ => format!("{} and {} more are", list(&ids[..4]), ids.len() - 4),
    }
}
