//! A verdict put into the ticket, where what was judged is still what is there.

use super::Case;
use crate::{clock, desk::event, output::Answered, review, turn::Turn};
use anyhow::Result;
use haco_core::{
    audit::Audit,
    code::{Code, Failure},
    journal::Event,
    settings::{HUMAN, SUPERVISOR},
    verdict::{Answer, Verdict, Via},
};
use serde_json::json;

/// Who judged.
pub(super) enum By {
    /// This entry of the route.
    Model(String),
    /// The driving agent.
    Supervisor,
    /// A person at a terminal.
    Person,
}

/// Records an answer; the failure inside is the verdict's own.
pub(super) fn audit(case: &Case<'_>, audit: Audit, by: &By, evidence: Option<String>) -> Result<Answered> {
    let mut verdict = bare(case, audit.verdict, by);
    verdict.evidence = evidence;
    if audit.verdict != Answer::Pass {
        verdict.code = Some(Code::AuditRejected.to_string());
        verdict.reason = Some(reason(case, &audit)?);
    }
    verdict.criteria = audit.criteria;
    verdict.findings = audit.findings;
    store(case, verdict)
}

/// Records that no usable answer could be had: nothing was judged.
pub(super) fn unusable(case: &Case<'_>, by: &By, why: &str, evidence: Option<String>) -> Result<Answered> {
    let mut verdict = bare(case, Answer::Blocked, by);
    verdict.evidence = evidence;
    verdict.code = Some(Code::AuditUnusable.to_string());
    verdict.reason = Some(format!("the auditor gave no usable verdict: {}", one_line(why)));
    store(case, verdict)
}

fn bare(case: &Case<'_>, answer: Answer, by: &By) -> Verdict {
    let (who, model, via) = match by {
        By::Model(name) => (case.due.role.as_str(), Some(name.clone()), None),
        By::Supervisor => (case.due.role.as_str(), Some(SUPERVISOR.to_owned()), None),
        By::Person => (HUMAN, None, Some(Via::Tty)),
    };
    Verdict { model, via, ..Verdict::new(&*case.due.role, case.due.subject.clone(), answer, who, &clock::now()) }
}

/// The worst finding, else the first criterion that is not met.
fn reason(case: &Case<'_>, audit: &Audit) -> Result<String> {
    if let Some(worst) = audit.findings.iter().min_by_key(|f| f.severity) {
        return Ok(one_line(&worst.message));
    }
    let criteria = &case.ticket()?.definition_of_done.acceptance_criteria;
    let unmet = criteria.iter().zip(&audit.criteria).find(|(_, answer)| !answer.met);
    Ok(unmet.map_or("rejected".to_owned(), |(criterion, _)| format!("not met: {}", one_line(criterion))))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn store(case: &Case<'_>, verdict: Verdict) -> Result<Answered> {
    let (desk, id) = (case.desk, case.id);
    let plan = case.ticket()?.plan.clone();
    let mut tx = desk.store.begin(std::slice::from_ref(id), Some(&plan))?;
    let now = Turn::of(desk, id)?;
    let due = review::due(desk, &now.loaded, now.loaded.ticket(id)?, &now.standing);
    if due.as_ref() != Some(&case.due) {
        let failure = Failure::new(Code::Stale, format!("{id}: what was audited is not what is there now"));
        return Err(failure.fix("haco next").into());
    }
    let mut ticket = tx.ticket(id)?.clone();
    let answered = answered(case, &verdict);
    let actor = match verdict.model.as_deref() {
        Some(SUPERVISOR) => SUPERVISOR.to_owned(),
        _ => verdict.by.clone(),
    };
    let data = json!({
        "attempt": case.due.attempt, "verdict": verdict.verdict.as_str(), "model": verdict.model, "code": verdict.code,
    });
    ticket.verdicts.push(verdict);
    let event = Event { data, ..event("audit", &actor, &ticket) };
    tx.put_ticket(ticket)?;
    tx.commit(event)?;
    Ok(answered)
}

fn answered(case: &Case<'_>, verdict: &Verdict) -> Answered {
    let (id, n) = (case.id, case.due.attempt);
    let why = verdict.reason.clone().unwrap_or_default();
    let failure = match verdict.verdict {
        Answer::Pass => None,
        Answer::Fail => {
            let failure = Failure::new(Code::AuditRejected, format!("{id}: the audit rejected attempt {n}: {why}"));
            Some(failure.fix(format!("haco show {id}")))
        }
        Answer::Blocked => {
            let failure = Failure::new(Code::AuditUnusable, format!("{id}: {why}"));
            Some(failure.fix(format!("haco-audit {id}")))
        }
    };
    Answered { verdict: Some(verdict.verdict.as_str().to_owned()), attempt: Some(n), failure, ..Answered::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(one_line(" a\n b\t\tc "), "a b c");
    }
}
