//! What may be done now, in order: what the programs can do first, then what somebody outside must do.

use super::{
    Status, World, frame,
    standing::{Block, Need, Standing, Union, list, stand, words},
};
use crate::{
    code::Code,
    config::Unit,
    graph,
    hash::Hash,
    id::{PlanId, TicketId},
    plan::Plan,
    settings::{HUMAN, SUPERVISOR},
    studio::{By, Per, Studio, When},
    subject,
    ticket::Ticket,
    verdict::{Answer, latest},
};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done; callers treat it as an open set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The lead cuts the requirement into tickets.
    Decompose,
    /// Gate 1.
    ApproveScope,
    /// The checks on the base.
    Baseline,
    /// A model's draft.
    Draft,
    /// The checks on a candidate, or on the union.
    Verify,
    /// The same draft on a new base.
    Rebase,
    /// An auditor's verdict.
    Audit,
    /// Gate 2.
    Accept,
    /// Push it.
    Ship,
    /// The budget is spent.
    Escalate,
    /// Somebody outside.
    Blocked,
    /// Somebody else is at it.
    Wait,
}

impl Action {
    /// As printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Decompose => "decompose",
            Action::ApproveScope => "approve_scope",
            Action::Baseline => "baseline",
            Action::Draft => "draft",
            Action::Verify => "verify",
            Action::Rebase => "rebase",
            Action::Audit => "audit",
            Action::Accept => "accept",
            Action::Ship => "ship",
            Action::Escalate => "escalate",
            Action::Blocked => "blocked",
            Action::Wait => "wait",
        }
    }
}

/// One thing that may be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What.
    pub action: Action,
    /// Who: `worker harness auditor tech_lead human`, or a studio's role.
    pub actor: String,
    /// The role of the chain, where one acts.
    pub role: Option<String>,
    /// Of which plan.
    pub plan: PlanId,
    /// On which ticket; none is the whole plan.
    pub ticket: Option<TicketId>,
    /// In which stage.
    pub stage: String,
    /// One line.
    pub why: String,
    /// The command that does it, or that somebody outside runs.
    pub command: Vec<String>,
    /// Whether the command needs nobody's answer.
    pub runnable: bool,
    /// The route's entry that acts, for limits on parallel calls.
    pub model: Option<String>,
}

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
        by_depth.sort_by_key(|t| (depth.get(&t.id).copied().unwrap_or(usize::MAX), t.id.clone()));
        for ticket in &by_depth {
            if let Some(stage) = studio.stage(ticket.stage.as_deref()) {
                let standing = stand(world, plan, stage, &frame, ticket, &self.standings);
                self.standings.insert(ticket.id.clone(), standing);
            }
        }
        let mut order = tickets;
        order.sort_by_key(|t| (t.priority, depth.get(&t.id).copied().unwrap_or(usize::MAX), t.id.clone()));
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

fn offer(action: Action, actor: &str, plan: &Plan, ticket: Option<&Ticket>, stage: &str, why: String) -> Offer {
    Offer {
        action,
        actor: actor.to_owned(),
        role: None,
        plan: plan.id.clone(),
        ticket: ticket.map(|t| t.id.clone()),
        stage: stage.to_owned(),
        why,
        command: Vec::new(),
        runnable: false,
        model: None,
    }
}

fn outside(action: Action, plan: &Plan, ticket: Option<&Ticket>, stage: &str, block: &Block) -> Offer {
    Offer { command: block.command.clone(), ..offer(action, block.actor, plan, ticket, stage, block.why.clone()) }
}

fn decompose(world: &World<'_>, plan: &Plan, stage: &str) -> Offer {
    let lead = world.settings.tech_lead.first().map_or(SUPERVISOR, String::as_str);
    let why = format!("plan '{}' has no tickets yet", plan.id);
    let base = offer(Action::Decompose, "tech_lead", plan, None, stage, why);
    let mut command = words(["haco-plan", "--plan", plan.id.as_str()]);
    let runnable = lead != SUPERVISOR && lead != HUMAN;
    if !runnable {
        command.extend(words(["--from", "-"]));
    }
    let actor = if lead == HUMAN { HUMAN } else { "tech_lead" };
    Offer { actor: actor.to_owned(), role: Some("tech_lead".to_owned()), command, runnable, ..base }
}

fn ticket_offer(world: &World<'_>, plan: &Plan, stage: &str, ticket: &Ticket, standing: &Standing) -> Option<Offer> {
    let id = ticket.id.as_str();
    let make = |action, actor: &str, why: String, command: Vec<String>| Offer {
        command,
        runnable: true,
        ..offer(action, actor, plan, Some(ticket), stage, why)
    };
    Some(match &standing.need {
        Need::Baseline => {
            let why = format!("{id}: do its checks tell the base from finished work?");
            make(Action::Baseline, "harness", why, words(["haco-verify", "--baseline", id]))
        }
        Need::Draft { model, attempt, role } => Offer {
            role: Some(role.clone()),
            model: Some(model.clone()),
            ..make(Action::Draft, "worker", format!("{id}: try {attempt} of '{model}'"), words(["haco-worker", id]))
        },
        Need::Verify { attempt } => make(
            Action::Verify,
            "harness",
            format!("{id}: attempt {attempt} is not checked"),
            words(["haco-verify", id]),
        ),
        Need::Rebase { attempt } => {
            let why = format!("{id}: its base has moved; attempt {attempt} is checked again on the new one");
            make(Action::Rebase, "harness", why, words(["haco-verify", id]))
        }
        Need::Audit { attempt, role, .. } => audit(world, ticket, *attempt, role, make),
        Need::Accept { .. } if world.settings.unit == Unit::Ticket => {
            let why = format!("{id} passed every check and audit");
            let asks = make(Action::Accept, HUMAN, why, words(["haco", "accept", id]));
            Offer { runnable: false, ..asks }
        }
        Need::Ship if world.settings.unit == Unit::Ticket => {
            make(Action::Ship, "harness", format!("{id} is accepted"), words(["haco-ship", id]))
        }
        Need::Blocked(block) => {
            let spent = block.code == Code::BudgetSpent.as_str();
            let action = if spent { Action::Escalate } else { Action::Blocked };
            let named = Block { why: format!("{id}: {}", block.why), ..block.clone() };
            outside(action, plan, Some(ticket), stage, &named)
        }
        _ => return None,
    })
}

/// The auditor is the first entry of the route that did not write the draft, nor runs the same model.
fn audit(
    world: &World<'_>,
    ticket: &Ticket,
    attempt: u32,
    role: &str,
    make: impl Fn(Action, &str, String, Vec<String>) -> Offer,
) -> Offer {
    let id = ticket.id.as_str();
    let why = format!("{id}: attempt {attempt} passed its checks");
    let with_role = |o: Offer| Offer { role: Some(role.to_owned()), ..o };
    match crate::audit::judge(world.settings, ticket.attempt(attempt).and_then(|a| a.author())) {
        crate::audit::Judge::Model(model) => {
            let runs = make(Action::Audit, "auditor", why, words(["haco-audit", id]));
            with_role(Offer { model: Some(model), ..runs })
        }
        crate::audit::Judge::Supervisor => {
            let asks = make(Action::Audit, "auditor", why, words(["haco-audit", id, "--verdict", "-"]));
            with_role(Offer { runnable: false, ..asks })
        }
        crate::audit::Judge::Person => {
            let asks = make(Action::Audit, HUMAN, why, words(["haco-audit", id]));
            with_role(Offer { runnable: false, ..asks })
        }
    }
}

fn are(ids: &[TicketId]) -> String {
    match ids {
        [one] => format!("{one} is"),
        [_, ..] if ids.len() <= 5 => format!("{} are", list(ids)),
        _ => format!("{} and {} more are", list(&ids[..4]), ids.len() - 4),
    }
}
