//! Where one ticket stands: what is approved, what it is built on, which attempt counts, and what it needs next.

use super::World;
use crate::{
    attempt::Attempt,
    code::{Code, Failure},
    hash::Hash,
    id::TicketId,
    oid::Oid,
    plan::Plan,
    route,
    studio::{By, Per, Stage, When},
    subject::{self, Base},
    ticket::{EscalateTo, Ticket},
    verdict::{Answer, Verdict, latest},
};
use std::collections::BTreeMap;

/// What a ticket needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it was shipped.
    Shipped,
    /// Nothing: a person took it out.
    Abandoned,
    /// Nothing: its children carry it.
    Split,
    /// A person's approval of its contract.
    Scope,
    /// Other tickets first.
    Wait(Vec<TicketId>),
    /// Its checks on the base.
    Baseline,
    /// A draft from this entry of the route; which of its tries, from 1.
    Draft {
        /// The route's entry.
        model: String,
        /// From 1.
        attempt: u32,
        /// The role of the chain.
        role: String,
    },
    /// The latest draft made into a candidate and checked.
    Verify {
        /// Which attempt.
        attempt: u32,
    },
    /// The same draft on a new base.
    Rebase {
        /// Which attempt is repeated.
        attempt: u32,
    },
    /// A verdict of a verifying role.
    Audit {
        /// Which attempt.
        attempt: u32,
        /// The role that judges.
        role: String,
        /// What it judges.
        subject: Hash,
    },
    /// A person's acceptance of exactly this.
    Accept {
        /// What is accepted.
        subject: Hash,
    },
    /// To be shipped.
    Ship,
    /// Somebody outside.
    Blocked(Block),
}

/// Why nothing can go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The failure's code.
    pub code: String,
    /// One line.
    pub why: String,
    /// `human` or `tech_lead`.
    pub actor: &'static str,
    /// What to run once the cause is gone, or instead.
    pub command: Vec<String>,
}

/// Where one ticket stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// SHA-256 of its contract as it is now.
    pub contract: Hash,
    /// Whether its contract stands in the latest approved scope.
    pub in_scope: bool,
    /// The candidates that its base unites, once all its dependencies are audited.
    pub on: Option<Vec<Oid>>,
    /// The attempt that counts.
    pub attempt: Option<u32>,
    /// Whether the attempt that counts passed every check and audit: dependents may build on it.
    pub audited: bool,
    /// What a person accepts, where it is audited.
    pub acceptance: Option<Hash>,
    /// What it needs next.
    pub need: Need,
}

/// The union of a plan's open tickets, once all of them are audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// What the union's verdict is about.
    pub subject: Hash,
    /// In the order in which they are built on each other.
    pub tickets: Vec<TicketId>,
}

/// What of a ticket's dependencies decides about it.
pub(super) enum Ground {
    On(Vec<Oid>),
    Wait(Vec<TicketId>),
    Gone(TicketId),
}

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

/// The candidates that a ticket is built on; a split is met by all of its children.
fn ground(world: &World<'_>, ticket: &Ticket, done: &BTreeMap<TicketId, Standing>) -> Ground {
    let (mut on, mut wait) = (Vec::new(), Vec::new());
    let mut open: Vec<TicketId> = ticket.depends_on.clone();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let Some((dependency, standing)) = world.tickets.get(&id).zip(done.get(&id)) else {
            wait.push(id);
            continue;
        };
        match &standing.need {
            Need::Split => open.extend(dependency.closed_by().map(|d| d.into.clone()).unwrap_or_default()),
            Need::Abandoned => return Ground::Gone(id),
            _ if standing.audited => {
                let attempt = standing.attempt.and_then(|n| dependency.attempt(n));
                on.extend(attempt.and_then(|a| a.candidate.as_ref()).map(|c| c.commit.clone()));
            }
            _ => wait.push(id),
        }
    }
    if wait.is_empty() {
        on.sort();
        on.dedup();
        Ground::On(on)
    } else {
        wait.sort();
        Ground::Wait(wait)
    }
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
        let route = route::of(self.ticket, &self.world.settings.worker);
        let since = route::reset(self.ticket);
        let failed = self.ticket.attempts.iter().filter(|a| a.n > since);
        match route::next(self.ticket, &route, failed) {
            route::Next::Model(model, attempt) => match self.outside_approval(&model) {
                Some(block) => Need::Blocked(block),
                None => Need::Draft { model, attempt, role: role.to_owned() },
            },
            route::Next::Spent(to) => Need::Blocked(self.escalation(to)),
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

    fn escalation(&self, to: EscalateTo) -> Block {
        let id = self.ticket.id.as_str();
        let tries = self.ticket.execution.tries();
        Block {
            code: Code::BudgetSpent.to_string(),
            why: format!("{tries} tries of each model are spent; retry, rework with feedback, split or replace it"),
            actor: if to == EscalateTo::TechLead { "tech_lead" } else { "human" },
            command: words(["haco", "retry", id]),
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

pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// Why a step is not legal here, with the command that is.
pub fn refusal(id: &TicketId, standing: &Standing, wanted: &str) -> Failure {
    let (why, fix) = match &standing.need {
        Need::Shipped => ("it was shipped".to_owned(), format!("haco show {id}")),
        Need::Abandoned => ("it was abandoned".to_owned(), format!("haco show {id}")),
        Need::Split => ("it was split".to_owned(), format!("haco show {id}")),
        Need::Scope => ("its contract is not in an approved scope".to_owned(), "haco approve".to_owned()),
        Need::Wait(on) => (format!("it waits for {}", list(on)), "haco next".to_owned()),
        Need::Baseline => ("its checks have not run on the base".to_owned(), format!("haco-verify --baseline {id}")),
        Need::Draft { .. } => ("a draft is due".to_owned(), format!("haco-worker {id}")),
        Need::Verify { .. } => ("its draft is not checked".to_owned(), format!("haco-verify {id}")),
        Need::Rebase { .. } => ("its base has moved".to_owned(), format!("haco-verify {id}")),
        Need::Audit { .. } => ("its audit is due".to_owned(), format!("haco-audit {id}")),
        Need::Accept { .. } => ("it waits for acceptance".to_owned(), format!("haco accept {id}")),
        Need::Ship => ("it is accepted".to_owned(), format!("haco-ship {id}")),
        Need::Blocked(block) => (format!("it is blocked: {}", block.why), block.command.join(" ")),
    };
    Failure::new(Code::IllegalStep, format!("{id}: {wanted} is not the next step: {why}")).fix(fix)
}

pub(super) fn list(ids: &[TicketId]) -> String {
    ids.iter().map(TicketId::as_str).collect::<Vec<_>>().join(", ")
}
