//! One thing that may be done now, and the offers that a single ticket or an empty plan makes.

use super::{
    World,
    refusal::words,
    standing::{Block, Need, Standing},
};
use crate::{
    code::Code,
    config::Unit,
    id::{PlanId, TicketId},
    plan::Plan,
    settings::{HUMAN, SUPERVISOR},
    ticket::Ticket,
};

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

pub(super) fn offer(
    action: Action,
    actor: &str,
    plan: &Plan,
    ticket: Option<&Ticket>,
    stage: &str,
    why: String,
) -> Offer {
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

pub(super) fn outside(action: Action, plan: &Plan, ticket: Option<&Ticket>, stage: &str, block: &Block) -> Offer {
    Offer { command: block.command.clone(), ..offer(action, block.actor, plan, ticket, stage, block.why.clone()) }
}

pub(super) fn decompose(world: &World<'_>, plan: &Plan, stage: &str) -> Offer {
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

pub(super) fn ticket_offer(
    world: &World<'_>,
    plan: &Plan,
    stage: &str,
    ticket: &Ticket,
    standing: &Standing,
) -> Option<Offer> {
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
            // A lead that is a model cuts a ticket by itself; what it proposes waits for a person.
            let runnable = spent && block.command.first().is_some_and(|c| c == "haco-plan");
            Offer { runnable, ..outside(action, plan, Some(ticket), stage, &named) }
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
