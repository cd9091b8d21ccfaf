//! One ticket's latest draft made into a candidate and checked, or the same draft on a new base.

use super::{
    candidate::{self, Built, Made, Refused},
    checks::{self, Asking, Judged, Which},
    copy::Copy,
    record, take_up,
};
use crate::{
    clock,
    desk::{Desk, Loaded, event},
    ground,
    output::{Answered, Out},
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Step},
    code::{Code, Failure},
    cursor::{Need, Standing, refusal},
    flags,
    id::TicketId,
    subject,
    ticket::{Test, Ticket},
    verdict::{Answer, Finding, Verdict},
};
use haco_git::Expect;
use serde_json::json;

/// The most flags that are said at once.
const MOST_FLAGS: usize = 5;

/// What is to be done for a ticket.
enum Start {
    /// The attempt's candidate is made, where it is not yet, and its checks are asked.
    Check(u32),
    /// The attempt's draft is made into a candidate of the new base.
    Repeat(u32),
    /// Every check of the attempt has passed.
    Passed(u32),
}

/// Verifies one ticket.
pub(super) fn verify(desk: &Desk, out: &Out, id: &TicketId, again: bool) -> Result<Answered> {
    let (_step, mut loaded, standing) = take_up(desk, id)?;
    let n = match start(loaded.ticket(id)?, &standing, again)? {
        Start::Passed(n) => {
            out.say(format!("{id}: attempt {n} already passed its checks"));
            return Ok(Answered { verdict: Some("pass".to_owned()), attempt: Some(n), ..Answered::default() });
        }
        Start::Check(n) => n,
        Start::Repeat(n) => {
            let ticket = repeat(desk, &loaded, loaded.ticket(id)?, &standing, n)?;
            let n = ticket.attempts.last().map_or(n, |a| a.n);
            loaded.tickets.insert(Box::new(ticket));
            n
        }
    };
    match ensure(desk, out, &loaded, loaded.ticket(id)?, n)? {
        Ok(ticket) => {
            loaded.tickets.insert(Box::new(ticket));
            check(desk, out, &loaded, id, n, again)
        }
        Err(refused) => {
            let failure = Failure::new(
                refused.code,
                format!("{id}: the draft of attempt {n} makes no candidate: {}", refused.line),
            );
            Ok(Answered { attempt: Some(n), failure: Some(failure), ..Answered::default() })
        }
    }
}

fn start(ticket: &Ticket, standing: &Standing, again: bool) -> Result<Start> {
    let id = &ticket.id;
    let no = || refusal(id, standing, "a check of a draft");
    if !standing.in_scope {
        return Err(no().into());
    }
    let blocked_check =
        |command: &[String]| matches!(command, [program, one] if program == "haco-verify" && one == id.as_str());
    Ok(match (&standing.need, standing.attempt) {
        (Need::Rebase { attempt }, _) => Start::Repeat(*attempt),
        (Need::Verify { attempt }, _) => Start::Check(*attempt),
        (Need::Blocked(block), Some(n)) if blocked_check(&block.command) => Start::Check(n),
        (_, Some(n)) if again && ticket.attempt(n).is_some_and(|a| a.candidate.is_some()) => Start::Check(n),
        (Need::Audit { .. } | Need::Accept { .. } | Need::Ship | Need::Shipped, Some(n)) => Start::Passed(n),
        (_, Some(n)) if was_judged(ticket, n) => Start::Check(n),
        _ => return Err(no().into()),
    })
}

/// Whether the checks of attempt `n` have their answer: all passed, or one failed. It is given again and not asked again.
fn was_judged(ticket: &Ticket, n: u32) -> bool {
    let Some(made) = ticket.attempt(n).and_then(|a| a.candidate.as_ref()) else { return false };
    let all = ticket.checks();
    let settled = |(name, _, test): &(String, _, &Test)| {
        checks::settled(ticket, name, &subject::check(test, &made.tree)).map(|v| v.verdict)
    };
    all.iter().all(|check| settled(check).is_some()) || all.iter().any(|check| settled(check) == Some(Answer::Fail))
}

/// A new attempt with the draft of attempt `n` on the base of now; it costs nothing.
fn repeat(desk: &Desk, loaded: &Loaded, ticket: &Ticket, standing: &Standing, n: u32) -> Result<Ticket> {
    let on = standing.on.clone().unwrap_or_default();
    let base = ground::base_commit(desk, loaded.plan_of(ticket)?, &loaded.tickets, &on)?;
    record(desk, ticket, event("rebase", "harness", ticket), |now| {
        let gone = || Failure::new(Code::Stale, format!("{}: attempt {n} is gone", ticket.id));
        let old = now.attempt(n).ok_or_else(gone)?.clone();
        let steps = old.steps.into_iter().map(|s| Step { usage: None, ..s }).collect();
        now.attempts.push(Attempt {
            n: now.attempts.last().map_or(1, |a| a.n + 1),
            base,
            on,
            from: old.from,
            repeats: Some(n),
            steps,
            edits: None,
            candidate: None,
            outcome: None,
            failure: None,
            at: clock::now(),
        });
        Ok(())
    })
}

/// The ticket with a candidate in attempt `n`: the one that stands there, rebuilt where its objects are missing, or a new
/// one. A draft that makes none ends its attempt.
fn ensure(
    desk: &Desk,
    out: &Out,
    loaded: &Loaded,
    ticket: &Ticket,
    n: u32,
) -> Result<std::result::Result<Ticket, Refused>> {
    let (id, repo) = (&ticket.id, desk.repo()?);
    let gone = || Failure::new(Code::Stale, format!("{id}: attempt {n} is gone"));
    let attempt = ticket.attempt(n).ok_or_else(gone)?;
    if attempt.candidate.as_ref().is_some_and(|c| repo.has(&c.commit)) {
        return Ok(Ok(ticket.clone()));
    }
    match candidate::build(desk, loaded, ticket, attempt)? {
        Made::Candidate(built) => {
            say(out, id, &built.flags);
            keep(desk, ticket, n, built).map(Ok)
        }
        Made::Refused(refused) => {
            let data = json!({"attempt": n, "code": refused.code.as_str()});
            let refusal = haco_core::journal::Event { data, ..event("refused", "harness", ticket) };
            record(desk, ticket, refusal, |now| {
                let attempt = now.attempts.iter_mut().find(|a| a.n == n).ok_or_else(gone)?;
                attempt.outcome = Some(refused.code.to_string());
                attempt.failure = Some(refused.text.clone());
                attempt.edits = Some(refused.edits.clone());
                Ok(())
            })?;
            Ok(Err(refused))
        }
    }
}

/// Says what should be seen in a candidate; all of it stands in the ticket.
pub(super) fn say(out: &Out, id: &TicketId, flags: &[Finding]) {
    for flag in flags.iter().take(MOST_FLAGS) {
        out.say(format!("{id}: {}", flags::line(flag)));
    }
    if flags.len() > MOST_FLAGS {
        out.say(format!("{id}: and {} more flags: haco show {id} --full", flags.len() - MOST_FLAGS));
    }
}

/// Makes a candidate reachable, then names it in its attempt, with a verdict for what should be seen in it. One that was
/// there already must be the same.
pub(super) fn keep(desk: &Desk, ticket: &Ticket, n: u32, built: Built) -> Result<Ticket> {
    let Built { candidate: made, edits, flags } = built;
    let id = &ticket.id;
    let known = ticket.attempt(n).and_then(|a| a.candidate.as_ref());
    if let Some(known) = known.filter(|k| **k != made) {
        let why =
            format!("{id}: attempt {n} rebuilt is {}, and {} was judged", made.commit.short(), known.commit.short());
        return Err(Failure::new(Code::Stale, why).fix("git fetch REMOTE 'refs/haco/*:refs/haco/*'").into());
    }
    desk.repo()?.set_ref(&format!("refs/haco/{id}/{n}"), &made.commit, Expect::Anything)?;
    if known.is_some() {
        return Ok(ticket.clone());
    }
    let data = json!({"attempt": n, "commit": made.commit, "tree": made.tree, "flags": flags.len()});
    let event = haco_core::journal::Event { data, ..event("candidate", "harness", ticket) };
    record(desk, ticket, event, |now| {
        let gone = || Failure::new(Code::Stale, format!("{id}: attempt {n} is gone"));
        let attempt = now.attempts.iter_mut().find(|a| a.n == n).ok_or_else(gone)?;
        let subject = subject::flags(&subject::contract(ticket), &attempt.base, &made.tree);
        attempt.candidate = Some(made);
        attempt.edits = edits;
        attempt.outcome = Some("candidate".to_owned());
        if !flags.is_empty() {
            let verdict = Verdict::new(flags::CHECK, subject, Answer::Pass, "harness", &clock::now());
            now.verdicts.push(Verdict { findings: flags, ..verdict });
        }
        Ok(())
    })
}

/// Asks the checks of attempt `n` of its candidate and records the verdicts.
pub(super) fn check(desk: &Desk, out: &Out, loaded: &Loaded, id: &TicketId, n: u32, again: bool) -> Result<Answered> {
    let ticket = loaded.ticket(id)?;
    let none = || Failure::new(Code::Stale, format!("{id}: attempt {n} has no candidate"));
    let attempt = ticket.attempt(n).ok_or_else(none)?;
    let made = attempt.candidate.as_ref().ok_or_else(none)?;
    let evidence = format!("evidence/{id}/{n}");
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let asking = Asking {
        ticket,
        tree: &made.tree,
        evidence: &evidence,
        extra: vec![
            variable("HACO_TICKET", id.as_str()),
            variable("HACO_BASE", attempt.base.as_str()),
            variable("HACO_CANDIDATE", made.commit.as_str()),
        ],
        which: Which::All,
        again,
    };
    desk.store.write(&format!("{evidence}/candidate.diff"), &desk.repo()?.diff(&attempt.base, &made.tree)?)?;
    let judged = match checks::known(&asking) {
        Some(known) => {
            out.detail(format!("{id}: its tree was checked before"));
            failure_text(desk, &evidence, checks::failure_text(desk, &known, &[])?)?;
            known
        }
        None => {
            out.detail(format!("{id}: checking attempt {n}, {}", made.commit.short()));
            let copy = Copy::of(desk, &loaded.plan_of(ticket)?.base, &made.tree)?;
            let judged = checks::ask(desk, &copy, &asking)?;
            failure_text(desk, &evidence, checks::failure_text(desk, &judged, &[copy.top()])?)?;
            judged
        }
    };
    let verdict = answer(&judged);
    let fresh: Vec<_> = judged.iter().filter(|j| j.fresh).map(|j| j.verdict.clone()).collect();
    if !fresh.is_empty() {
        let data = json!({"attempt": n, "verdict": verdict, "checks": fresh.len()});
        let event = haco_core::journal::Event { data, ..event("verdicts", "harness", ticket) };
        record(desk, ticket, event, |now| {
            now.verdicts.extend(fresh);
            Ok(())
        })?;
    }
    let failure = checks::failure(id.as_str(), &judged);
    Ok(Answered { verdict: Some(verdict.as_str().to_owned()), attempt: Some(n), failure, ..Answered::default() })
}

fn failure_text(desk: &Desk, evidence: &str, text: Option<String>) -> Result<()> {
    text.map_or(Ok(()), |text| Ok(desk.store.write(&format!("{evidence}/failure.txt"), text.as_bytes())?))
}

/// The worst answer: a fail, else a check that could not be asked.
pub(super) fn answer(judged: &[Judged<'_>]) -> Answer {
    let has = |answer| judged.iter().any(|j| j.verdict.verdict == answer);
    [Answer::Fail, Answer::Blocked].into_iter().find(|a| has(*a)).unwrap_or(Answer::Pass)
}
