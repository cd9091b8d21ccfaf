//! What an auditor is shown: the diff, the evidence of the checks and the criteria, in one prompt; and which audit is due.

use crate::{
    context::end_of,
    desk::{Desk, Loaded},
    ground,
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Candidate},
    code::{Code, Failure},
    cursor::{Need, Standing},
    flags,
    hash::Hash,
    id::TicketId,
    oid::Oid,
    prompt::{self, Evidence, Shown, Template},
    studio::{Stage, Studio},
    subject,
    ticket::Ticket,
    verdict::{Answer, Verdict, latest},
};

/// How much of a check's output an auditor reads, in bytes.
const LOG_BYTES: usize = 2048;

/// An audit that may be answered now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which attempt.
    pub attempt: u32,
    /// The role that judges; its verdicts carry this name.
    pub role: String,
    /// The role's index in the chain.
    pub step: usize,
    /// What is judged.
    pub subject: Hash,
}

/// The audit that is due, or that was blocked and may be asked again.
pub fn due(desk: &Desk, loaded: &Loaded, ticket: &Ticket, standing: &Standing) -> Option<Due> {
    let plan = loaded.plans.get(&ticket.plan)?;
    let stage = desk.world(loaded).studios.get(&plan.studio).and_then(|s: &Studio| s.stage(ticket.stage.as_deref()))?;
    match &standing.need {
        Need::Audit { attempt, role, subject } => {
            let step = step_of(stage, role)?;
            Some(Due { attempt: *attempt, role: role.clone(), step, subject: subject.clone() })
        }
        Need::Blocked(block) if block.command.first().is_some_and(|c| c == "haco-audit") => {
            let attempt = ticket.attempt(standing.attempt?)?;
            let subject = subject_of(loaded, ticket, attempt)?;
            let blocked =
                |name: &str| latest(&ticket.verdicts, name, &subject).is_some_and(|v| v.verdict == Answer::Blocked);
            let role = stage.verifiers().find(|r| blocked(&r.name))?.name.clone();
            let step = step_of(stage, &role)?;
            Some(Due { attempt: attempt.n, role, step, subject })
        }
        _ => None,
    }
}

fn step_of(stage: &Stage, role: &str) -> Option<usize> {
    stage.chain.iter().position(|r| r.name == role)
}

/// What an audit of this attempt judges; none where a check has not passed on its tree.
pub fn subject_of(loaded: &Loaded, ticket: &Ticket, attempt: &Attempt) -> Option<Hash> {
    let plan = loaded.plans.get(&ticket.plan)?;
    let tree = &attempt.candidate.as_ref()?.tree;
    let verdicts: Option<Vec<&Verdict>> = ticket
        .checks()
        .into_iter()
        .map(|(name, _, test)| {
            latest(&ticket.verdicts, &name, &subject::check(test, tree)).filter(|v| v.verdict == Answer::Pass)
        })
        .collect();
    let base = subject::Base { plan: &plan.base, on: &attempt.on };
    Some(subject::audit(&subject::contract(ticket), &base, attempt, &verdicts?))
}

/// The prompt for the audit of the latest candidate.
pub fn prompt(desk: &Desk, loaded: &Loaded, id: &TicketId) -> Result<String> {
    repaired(desk, loaded, id, None)
}

/// The same with what was wrong with the last answer.
pub fn repaired(desk: &Desk, loaded: &Loaded, id: &TicketId, wrong: Option<&str>) -> Result<String> {
    let ticket = loaded.ticket(id)?;
    let (attempt, candidate) = judged(ticket)?;
    let diff = diff(desk, loaded, ticket)?;
    let evidence = evidence(desk, ticket, candidate)?;
    let flags: Vec<String> = flags::recorded(ticket, attempt).iter().map(flags::line).collect();
    let mut parts: Vec<&str> = vec![&diff];
    parts.extend(evidence.iter().map(|e| e.log.as_str()));
    parts.extend(flags.iter().map(String::as_str));
    let mark = prompt::mark(&format!("{id}/{}/audit", attempt.n), &parts);
    let template = desk.template(Template::Audit)?;
    let shown = Shown { diff: &diff, flags: &flags, evidence: &evidence };
    Ok(prompt::audit(&template, ticket, &shown, &mark, wrong)?)
}

/// What the latest candidate changes, as a unified diff.
pub fn diff(desk: &Desk, loaded: &Loaded, ticket: &Ticket) -> Result<String> {
    let (base, tree) = trees(desk, loaded, ticket)?;
    Ok(String::from_utf8_lossy(&desk.repo()?.diff(&base, &tree)?).into_owned())
}

/// The base's commit and the candidate's tree.
pub fn trees(desk: &Desk, loaded: &Loaded, ticket: &Ticket) -> Result<(Oid, Oid)> {
    let (attempt, candidate) = judged(ticket)?;
    let base = ground::base_commit(desk, loaded.plan_of(ticket)?, &loaded.tickets, &attempt.on)?;
    if desk.repo()?.has(&candidate.tree) {
        return Ok((base, candidate.tree.clone()));
    }
    let gone = format!("{}: the tree of attempt {} is not in this repository", ticket.id, attempt.n);
    Err(Failure::new(Code::Stale, gone).fix(format!("haco-verify --again {}", ticket.id)).into())
}

fn judged(ticket: &Ticket) -> Result<(&Attempt, &Candidate)> {
    let last = ticket.attempts.last().and_then(|a| a.candidate.as_ref().map(|c| (a, c)));
    let none = || Failure::new(Code::IllegalStep, format!("{}: there is no candidate to audit", ticket.id));
    Ok(last.ok_or_else(none)?)
}

/// Each check with its verdict on the candidate's tree and the end of its output.
fn evidence(desk: &Desk, ticket: &Ticket, candidate: &Candidate) -> Result<Vec<Evidence>> {
    let mut all = Vec::new();
    for (name, _, test) in ticket.checks() {
        let verdict = latest(&ticket.verdicts, &name, &subject::check(test, &candidate.tree));
        let path = verdict.and_then(|v| v.evidence.as_deref());
        let log = path.map(|path| desk.store.read(path)).transpose()?.flatten().unwrap_or_default();
        let answer = verdict.map_or("not asked", |v| v.verdict.as_str()).to_owned();
        let log = end_of(&log, LOG_BYTES);
        all.push(Evidence { check: name, command: test.command.clone(), verdict: answer, log });
    }
    Ok(all)
}
