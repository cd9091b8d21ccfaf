//! What the next prompt answers: the failing output, the refusal or the audit of the attempt before, and what people
//! asked for.

use crate::{
    context::end_of,
    desk::{Desk, Loaded},
    review,
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Near},
    code::Code,
    route, subject,
    ticket::Ticket,
    verdict::{Answer, Verdict, latest},
};

/// How much failing output a prompt holds, in bytes.
const FAILURE_BYTES: usize = 4096;

/// What became of the attempt before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// Its number and what its checks or its auditor said.
    pub failure: Option<(u32, String)>,
    /// Why its reply could not be applied.
    pub refusal: Option<String>,
    /// The lines that this is about.
    pub near: Vec<Near>,
    /// Every rework's words, in order.
    pub feedback: Vec<String>,
}

/// Reads it for `ticket`; an attempt before the last rework or retry is off the books.
pub(super) fn of(desk: &Desk, loaded: &Loaded, ticket: &Ticket) -> Result<Past> {
    let reworks = ticket.decisions.iter().filter(|d| d.action == "rework");
    let mut past = Past { feedback: reworks.filter_map(|d| d.feedback.clone()).collect(), ..Past::default() };
    let Some(last) = ticket.attempts.last().filter(|a| a.n > route::reset(ticket)) else { return Ok(past) };
    if last.ended_without_candidate() {
        past.refusal = last.failure.clone();
        past.near = last.edits.iter().flat_map(|e| e.near.clone()).collect();
        return Ok(past);
    }
    let failing = failing(ticket, last);
    let text = match failing.is_empty() {
        true => audit(loaded, ticket, last),
        false => Some(output(desk, ticket, last, &failing)?),
    };
    past.failure = text.filter(|t| !t.trim().is_empty()).map(|t| (last.n, t));
    Ok(past)
}

/// The checks that say no to an attempt's tree.
fn failing<'a>(ticket: &'a Ticket, attempt: &Attempt) -> Vec<(String, &'a Verdict)> {
    let Some(candidate) = &attempt.candidate else { return Vec::new() };
    let verdict = |(name, _, test): (String, _, &haco_core::ticket::Test)| {
        let found = latest(&ticket.verdicts, &name, &subject::check(test, &candidate.tree))?;
        (found.verdict == Answer::Fail).then_some((test.command.clone(), found))
    };
    ticket.checks().into_iter().filter_map(verdict).collect()
}

/// The lines that matter, as the harness stored them; else the end of each failing check's log.
fn output(desk: &Desk, ticket: &Ticket, attempt: &Attempt, failing: &[(String, &Verdict)]) -> Result<String> {
    let stored = desk.store.read(&format!("evidence/{}/{}/failure.txt", ticket.id, attempt.n))?;
    if let Some(bytes) = stored {
        return Ok(end_of(&bytes, FAILURE_BYTES));
    }
    let mut text = String::new();
    for (command, verdict) in failing {
        let log = verdict.evidence.as_deref().map(|path| desk.store.read(path)).transpose()?.flatten();
        let why = verdict.reason.as_deref().unwrap_or("failed");
        text.push_str(&format!("$ {command}\n{}\n", log.map_or(why.to_owned(), |log| end_of(&log, FAILURE_BYTES))));
    }
    Ok(end_of(text.as_bytes(), FAILURE_BYTES))
}

/// What the auditor of an attempt found.
fn audit(loaded: &Loaded, ticket: &Ticket, attempt: &Attempt) -> Option<String> {
    let subject = review::subject_of(loaded, ticket, attempt)?;
    let said = |v: &&Verdict| v.subject == subject && v.verdict == Answer::Fail;
    Some(findings(ticket, ticket.verdicts.iter().rev().find(said)?))
}

fn findings(ticket: &Ticket, verdict: &Verdict) -> String {
    let mut text = String::from("Every check passed, and the auditor rejected the change:\n");
    for finding in &verdict.findings {
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            _ => String::new(),
        };
        let severity = serde_json::json!(finding.severity);
        text.push_str(&format!("- {}: {place}{}\n", severity.as_str().unwrap_or_default(), finding.message));
    }
    let criteria = &ticket.definition_of_done.acceptance_criteria;
    for (criterion, answer) in criteria.iter().zip(&verdict.criteria).filter(|(_, a)| !a.met) {
        let note = answer.note.as_deref().map_or_else(String::new, |n| format!(" ({n})"));
        text.push_str(&format!("- not met: {criterion}{note}\n"));
    }
    text
}

/// Whether a code says that a whole reply came and was no artifact: a try that is spent.
pub(super) fn is_no_artifact(code: Code) -> bool {
    code.status() == haco_core::code::Status::No
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::{
        hash::Hash,
        verdict::{Criterion, Finding, Severity},
    };

    #[test]
    fn findings_and_unmet_criteria_are_in_the_next_prompt() {
        let ticket: Ticket = serde_json::from_value(serde_json::json!({
            "id": "T-001", "title": "t", "type": "feature", "plan": "p", "task": {"description": "d"},
            "definition_of_done": {"acceptance_criteria": ["greets", "is fast"]}
        }))
        .expect("a ticket");
        let mut verdict = Verdict::new("auditor", Hash::of(b""), Answer::Fail, "auditor", "2026-01-01T00:00:00Z");
        let finding = |file: Option<&str>, line| Finding {
            severity: Severity::High,
            file: file.map(str::to_owned),
            line,
            message: "wrong".into(),
        };
        verdict.findings = vec![finding(Some("a.py"), Some(3)), finding(None, None)];
        let answer = |met| Criterion { met, file: None, line: None, note: Some("n".into()) };
        verdict.criteria = vec![answer(true), answer(false)];
        let text = findings(&ticket, &verdict);
        assert!(text.ends_with("- high: a.py:3: wrong\n- high: wrong\n- not met: is fast (n)\n"), "{text}");
    }

    #[test]
    fn only_a_whole_reply_spends_a_try() {
        for code in [Code::Refusal, Code::EmptyReply, Code::ContentFilter, Code::UnexpectedToolCall, Code::Length] {
            assert!(is_no_artifact(code), "{code}");
        }
        for code in [Code::Truncated, Code::ConnectionRefused, Code::RateLimited, Code::SpendLimit, Code::BadKey] {
            assert!(!is_no_artifact(code), "{code}");
        }
    }
}
