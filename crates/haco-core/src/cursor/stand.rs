//! Finds where one ticket stands: the rules in their order, the first that applies.

use super::{
    World,
    ground::{Ground, ground},
    refusal::words,
    standing::{Block, Need, Standing},
};
use crate::{
    attempt::Attempt,
    code::Code,
    hash::Hash,
    id::TicketId,
    oid::Oid,
    plan::Plan,
    route::{self, Rung},
    settings::SUPERVISOR,
    studio::{By, Per, Stage, When},
    subject::{self, Base},
    ticket::Ticket,
    verdict::{Answer, Verdict, latest},
};
use std::collections::BTreeMap;

/// Where `ticket` stands, given where everything it depends on stands.
pub(super) fn stand(
    world: &World<'_>,
    plan: &Plan,
    stage: &Stage,
    frame: &Hash,
    ticket: &Ticket,
    done: &BTreeMap<TicketId, Standing>,
) -> Standing {
    let contract = subject::contract(ticket);
    let asked = stage.has(Per::Stage, When::Before, By::Ask);
    let in_scope = !asked || is_in_scope(plan, frame, ticket, &contract);
    let ground = ground(world, ticket, done);
    let mut standing =
        Standing { contract, in_scope, on: None, attempt: None, audited: false, acceptance: None, need: Need::Scope };
    if let Ground::On(on) = &ground {
        standing.on = Some(on.clone());
    }
    if let Some(closed) = ticket.closed_by() {
        standing.need = if closed.action == "split" { Need::Split } else { Need::Abandoned };
        return standing;
    }
    if !standing.in_scope && ticket.attempts.is_empty() && ticket.shipment.is_none() {
        return standing;
    }
    let on = standing.on.clone().unwrap_or_default();
    let eye = Eye {
        world,
        plan,
        stage,
        ticket,
        base: Base { plan: &plan.base, on: &on },
        contract: standing.contract.clone(),
    };
    let need = match ground {
        Ground::On(_) => eye.work(&mut standing),
        Ground::Wait(on) => Need::Wait(on),
        Ground::Gone(on) => Need::Blocked(Block {
            code: Code::IllegalStep.to_string(),
            why: format!("it depends on {on}, which is closed"),
            actor: "human",
            command: words(["haco", "abandon", ticket.id.as_str()]),
        }),
    };
    if ticket.shipment.is_some() {
        standing.need = Need::Shipped;
    } else if standing.in_scope || need == Need::Ship {
        standing.need = need;
    }
    standing
}

fn is_in_scope(plan: &Plan, frame: &Hash, ticket: &Ticket, contract: &Hash) -> bool {
    plan.approval().is_some_and(|a| a.frame.as_ref() == Some(frame) && a.contracts.get(&ticket.id) == Some(contract))
}

/// One ticket seen with its plan, its stage and what it is built on.
struct Eye<'a> {
    world: &'a World<'a>,
    plan: &'a Plan,
    stage: &'a Stage,
    ticket: &'a Ticket,
    base: Base<'a>,
    contract: Hash,
}

enum Judged<'a> {
    Pass(Vec<&'a Verdict>),
    Ask,
    Fail,
    Blocked(&'a Verdict),
}

impl<'a> Eye<'a> {
    /// The rules in their order; the first that applies.
    fn work(&self, standing: &mut Standing) -> Need {
        if let Some(need) = self.before() {
            return need;
        }
        let Some(attempt) = self.ticket.attempts.last().filter(|a| a.n > route::reset(self.ticket)) else {
            return self.draft(0);
        };
        standing.attempt = Some(attempt.n);
        if attempt.ended_without_candidate() {
            return self.draft(self.stage.restart(attempt.steps.len() + attempt.from as usize));
        }
        if attempt.steps.iter().any(|s| s.outcome == crate::attempt::StepOutcome::Reject) {
            return self.draft(self.stage.restart(attempt.steps.len() + attempt.from as usize));
        }
        let next_role = attempt.from as usize + attempt.steps.len();
        if self.stage.last_builder().is_some_and(|last| next_role <= last) {
            return self.draft(next_role);
        }
        let Some(candidate) = &attempt.candidate else { return Need::Verify { attempt: attempt.n } };
        if attempt.on != self.base.on {
            return Need::Rebase { attempt: attempt.n };
        }
        let checks = match self.checks(&candidate.tree) {
            Judged::Pass(verdicts) => verdicts,
            Judged::Ask => return Need::Verify { attempt: attempt.n },
            Judged::Fail => return self.draft(self.stage.restart(self.stage.chain.len())),
            Judged::Blocked(v) => return self.blocked(v, "haco-verify"),
        };
        let audit = subject::audit(&self.contract, &self.base, attempt, &checks);
        let audits = match self.audits(attempt, audit) {
            Ok(audits) => audits,
            Err(need) => return need,
        };
        standing.audited = true;
        let subject = subject::acceptance(&self.contract, &self.base, attempt, &audits);
        standing.acceptance = Some(subject.clone());
        self.accepted(subject)
    }

    /// The checks before the work: only the harness's baseline is asked per ticket today.
    fn before(&self) -> Option<Need> {
        let check = self.stage.checks(Per::Ticket, When::Before, By::Harness).next()?;
        let verdict = latest(&self.ticket.verdicts, &check.name, &subject::baseline(&self.contract, &self.base));
        match verdict {
            None => Some(Need::Baseline),
            Some(v) if v.verdict == Answer::Pass => None,
            Some(v) if v.verdict == Answer::Fail => Some(Need::Blocked(Block {
                code: v.code.clone().unwrap_or_default(),
                why: v.reason.clone().unwrap_or_else(|| "its checks prove nothing on the base".to_owned()),
                actor: "tech_lead",
                command: words([
                    "haco-plan",
                    "--plan",
                    self.plan.id.as_str(),
                    "--replace",
                    self.ticket.id.as_str(),
                    "--from",
                    "-",
                ]),
            })),
            Some(v) => Some(Need::Blocked(Block {
                command: words(["haco-verify", "--baseline", self.ticket.id.as_str()]),
                ..block(v, Vec::new())
            })),
        }
    }

    /// A draft by the role at `from`, from the first model with a try left.
    fn draft(&self, from: usize) -> Need {
        let role = self.stage.chain.get(from).map_or("worker", |r| r.name.as_str());
        let settings = self.world.settings;
        let tokens = self.world.facts.prompt_tokens.get(&self.ticket.id).copied().unwrap_or(0);
        let route = route::of(self.ticket, &settings.worker, tokens);
        match route::next(self.ticket, &route, settings, self.is_child()) {
            route::Next::Model(model, attempt) => match self.outside_approval(&model) {
                Some(block) => Need::Blocked(block),
                None => Need::Draft { model, attempt, role: role.to_owned() },
            },
            route::Next::Rung(rung) => Need::Blocked(self.escalation(rung)),
        }
    }

    fn outside_approval(&self, model: &str) -> Option<Block> {
        let human = |code: Code, why: String, command| Block { code: code.to_string(), why, actor: "human", command };
        let approve = words(["haco", "approve", self.plan.id.as_str()]);
        let approval = self.plan.approval()?;
        match self.world.settings.approved(model) {
            Err(failure) => Some(human(failure.code, failure.message, approve)),
            Ok(found) if approval.models.contains(&found) => None,
            Ok(_) => Some(human(
                Code::OutsideApproval,
                format!("'{model}' is not in the set of models that was approved with the scope"),
                approve,
            )),
        }
    }

    /// Whether it came of a split.
    fn is_child(&self) -> bool {
        let mut decisions = self.world.tickets.values().flat_map(|t| &t.decisions);
        decisions.any(|d| d.action == "split" && d.into.contains(&self.ticket.id))
    }

    fn escalation(&self, rung: Rung) -> Block {
        let id = self.ticket.id.as_str();
        let lead = self.world.settings.tech_lead.first().map_or(SUPERVISOR, String::as_str);
        let (actor, what, command) = match rung {
            Rung::Smaller if lead == SUPERVISOR => {
                let what = format!("cut it into smaller tickets, or say that it is one: haco split {id} --whole");
                ("tech_lead", what, words(["haco", "split", id, "--from", "-"]))
            }
            Rung::Smaller => {
                ("tech_lead", format!("'{lead}' cuts it into smaller tickets"), words(["haco-plan", "--split", id]))
            }
            Rung::Another => {
                let what = format!("draft it yourself, or write another contract: haco-plan --replace {id} --from -");
                ("tech_lead", what, words(["haco-verify", "--worktree", id]))
            }
            Rung::Person => {
                ("human", "retry, rework with feedback, split or replace it".to_owned(), words(["haco", "retry", id]))
            }
            Rung::Nobody => ("human", "its contract lets it lie".to_owned(), words(["haco", "retry", id])),
        };
        Block {
            code: Code::BudgetSpent.to_string(),
            why: format!("the tries of every model that it has are spent; {what}"),
            actor,
            command,
        }
    }

    /// What the harness's checks say of a tree.
    fn checks(&self, tree: &Oid) -> Judged<'a> {
        let mut passed = Vec::new();
        let (mut asked, mut blocked) = (false, None);
        for (name, _kind, test) in self.ticket.checks() {
            match latest(&self.ticket.verdicts, &name, &subject::check(test, tree)) {
                None => asked = true,
                Some(v) => match v.verdict {
                    Answer::Pass => passed.push(v),
                    Answer::Fail => return Judged::Fail,
                    Answer::Blocked => blocked = Some(v),
                },
            }
        }
        match (blocked, asked) {
            (Some(v), _) => Judged::Blocked(v),
            (None, true) => Judged::Ask,
            (None, false) => Judged::Pass(passed),
        }
    }

    /// The verifying roles in order.
    fn audits(&self, attempt: &Attempt, subject: Hash) -> Result<Vec<&'a Verdict>, Need> {
        let mut audits = Vec::new();
        for role in self.stage.verifiers() {
            match latest(&self.ticket.verdicts, &role.name, &subject) {
                None => return Err(Need::Audit { attempt: attempt.n, role: role.name.clone(), subject }),
                Some(v) => match v.verdict {
                    Answer::Pass => audits.push(v),
                    Answer::Fail => {
                        let at = self.stage.chain.iter().position(|r| r.name == role.name);
                        return Err(self.draft(self.stage.restart(at.unwrap_or(self.stage.chain.len()))));
                    }
                    Answer::Blocked => return Err(self.blocked(v, "haco-audit")),
                },
            }
        }
        Ok(audits)
    }

    fn accepted(&self, subject: Hash) -> Need {
        for gate in self.stage.checks(Per::Ticket, When::After, By::Ask) {
            let verdict = latest(&self.ticket.verdicts, &gate.name, &subject);
            if verdict.is_none_or(|v| v.verdict != Answer::Pass) {
                return Need::Accept { subject };
            }
        }
        Need::Ship
    }

    fn blocked(&self, verdict: &Verdict, program: &str) -> Need {
        Need::Blocked(block(verdict, words([program, self.ticket.id.as_str()])))
    }
}

fn block(verdict: &Verdict, command: Vec<String>) -> Block {
    let cause = verdict.reason.clone().unwrap_or_else(|| "it could not be asked".to_owned());
    Block {
        code: verdict.code.clone().unwrap_or_default(),
        why: format!("{}: {cause}", verdict.check),
        actor: "human",
        command,
    }
}
