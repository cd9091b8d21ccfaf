//! Do the tests tell the base from finished work? They run on the base before any model is called.

use super::{
    candidate,
    checks::{self, Asking, Judged, Which},
    copy::Copy,
    record, take_up,
};
use crate::{
    clock,
    desk::{Desk, event},
    ground,
    output::{Answered, Out},
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Need, Standing, refusal},
    id::TicketId,
    subject::{self, Base},
    ticket::{Baseline, Test, Ticket},
    verdict::{Answer, Verdict, latest},
};
use serde_json::json;

/// The check's name.
const CHECK: &str = "baseline";

/// Runs one ticket's tests on its base.
pub(super) fn verify(desk: &Desk, out: &Out, id: &TicketId, again: bool) -> Result<Answered> {
    let (_step, loaded, standing) = take_up(desk, id)?;
    let ticket = loaded.ticket(id)?;
    let plan = loaded.plan_of(ticket)?;
    let on = ready(ticket, &standing)?;
    let subject = subject::baseline(&standing.contract, &Base { plan: &plan.base, on });
    match latest(&ticket.verdicts, CHECK, &subject).filter(|v| v.verdict != Answer::Blocked && !again) {
        Some(v) if v.verdict == Answer::Pass => {
            out.say(format!("{id}: its checks already passed on the base"));
            return Ok(answered(Answer::Pass, None));
        }
        Some(v) => {
            let reason = v.reason.clone().unwrap_or_default();
            return Ok(answered(Answer::Fail, Some(vacuous(ticket, &reason))));
        }
        None => {}
    }
    let base = ground::base_commit(desk, plan, &loaded.tickets, on)?;
    let evidence = format!("evidence/{id}/base");
    let mut verdict = Verdict::new(CHECK, subject, Answer::Pass, "harness", &clock::now());
    let mut failure = None;
    if ticket.definition_of_done.tests.is_empty() {
        decide(ticket, &[], &mut verdict, &mut failure);
    } else {
        let repo = desk.repo()?;
        let tree = repo.edit_tree(&base, &candidate::contract_changes(repo, ticket, &base)?)?;
        let asking = Asking {
            ticket,
            tree: &tree,
            evidence: &evidence,
            extra: vec![("HACO_TICKET".to_owned(), id.to_string()), ("HACO_BASE".to_owned(), base.to_string())],
            which: Which::Tests,
            again: true,
        };
        let copy = Copy::of(desk, &plan.base, &tree)?;
        let judged = checks::ask(desk, &copy, &asking)?;
        verdict.evidence = Some(format!("{evidence}/checks.json"));
        decide(ticket, &judged, &mut verdict, &mut failure);
    }
    let answer = verdict.verdict;
    let data = json!({"verdict": answer, "reason": verdict.reason});
    let event = haco_core::journal::Event { data, ..event(CHECK, "harness", ticket) };
    record(desk, ticket, event, |now| {
        now.verdicts.push(verdict);
        Ok(())
    })?;
    Ok(answered(answer, failure))
}

/// The candidates that the base unites, where the tests may run on it: the contract is approved and nothing is waited for.
fn ready<'a>(ticket: &Ticket, standing: &'a Standing) -> Result<&'a [haco_core::oid::Oid]> {
    let closed = matches!(standing.need, Need::Shipped | Need::Abandoned | Need::Split);
    match &standing.on {
        Some(on) if standing.in_scope && !closed => Ok(on),
        _ => Err(refusal(&ticket.id, standing, "its checks on the base").into()),
    }
}

fn answered(answer: Answer, failure: Option<Failure>) -> Answered {
    Answered { verdict: Some(answer.as_str().to_owned()), failure, ..Answered::default() }
}

fn vacuous(ticket: &Ticket, reason: &str) -> Failure {
    let fix = format!("haco-plan --plan {} --replace {} --from -", ticket.plan, ticket.id);
    Failure::new(Code::VacuousCheck, format!("{}: {reason}", ticket.id)).fix(fix)
}

/// Fills the verdict in, and the failure where it is not a pass.
fn decide(ticket: &Ticket, judged: &[Judged<'_>], verdict: &mut Verdict, failure: &mut Option<Failure>) {
    let blocked = judged.iter().find(|j| j.verdict.verdict == Answer::Blocked);
    if let Some(blocked) = blocked {
        verdict.verdict = Answer::Blocked;
        verdict.code = blocked.verdict.code.clone();
        verdict.reason = blocked.verdict.reason.as_ref().map(|why| format!("'{}': {why}", blocked.verdict.check));
        *failure = Some(checks::said(ticket.id.as_str(), blocked));
        return;
    }
    let answers: Vec<(&str, &Test, Answer)> =
        judged.iter().map(|j| (j.verdict.check.as_str(), j.test, j.verdict.verdict)).collect();
    if let Err(reason) = tells(&ticket.kind, &answers) {
        *failure = Some(vacuous(ticket, &reason));
        verdict.verdict = Answer::Fail;
        verdict.code = Some(Code::VacuousCheck.to_string());
        verdict.reason = Some(reason);
    }
}

/// Whether the answers on the base tell it from finished work: the marks hold, or, where none is made, a test of a feature
/// or a bugfix fails.
fn tells(kind: &str, answers: &[(&str, &Test, Answer)]) -> std::result::Result<(), String> {
    if answers.iter().any(|(_, test, _)| test.baseline.is_some()) {
        let broken = answers.iter().filter_map(|(name, test, answer)| match (test.baseline, answer) {
            (Some(Baseline::Fail), Answer::Pass) => Some(format!("'{name}' must fail on the base and passes")),
            (Some(Baseline::Pass), Answer::Fail) => Some(format!("'{name}' must pass on the base and fails")),
            _ => None,
        });
        let broken: Vec<String> = broken.collect();
        return if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) };
    }
    if !matches!(kind, "feature" | "bugfix") || answers.iter().any(|(.., answer)| *answer == Answer::Fail) {
        return Ok(());
    }
    let names: Vec<String> = answers.iter().map(|(name, ..)| format!("'{name}'")).collect();
    Err(match names.as_slice() {
        [] => format!("a {kind} needs a test, and it has only checks that prove nothing about the base"),
        [one] => format!("{one} already passes on the base, so it proves nothing"),
        _ => format!("{} already pass on the base, so they prove nothing", names.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(baseline: Option<Baseline>) -> Test {
        Test { baseline, ..Test::of("x") }
    }

    #[test]
    fn without_marks_a_test_of_a_feature_or_bugfix_must_fail() {
        let test = marked(None);
        let (pass, fail) = (("dod/1", &test, Answer::Pass), ("dod/2", &test, Answer::Fail));
        for kind in ["feature", "bugfix"] {
            assert!(tells(kind, &[pass, fail]).is_ok());
            let said = tells(kind, &[pass]).expect_err("vacuous");
            assert_eq!(said, "'dod/1' already passes on the base, so it proves nothing");
            assert!(tells(kind, &[]).expect_err("vacuous").contains("needs a test"));
        }
        for kind in ["refactor", "test", "chore", "finding"] {
            assert!(tells(kind, &[pass]).is_ok() && tells(kind, &[]).is_ok());
        }
    }

    #[test]
    fn marks_must_hold_and_an_unmarked_test_counts_as_any() {
        let [fails, passes, any, none] =
            [Some(Baseline::Fail), Some(Baseline::Pass), Some(Baseline::Any), None].map(marked);
        let good = [("1", &fails, Answer::Fail), ("2", &passes, Answer::Pass), ("3", &none, Answer::Pass)];
        assert!(tells("feature", &good).is_ok());
        assert!(tells("feature", &[("1", &any, Answer::Pass)]).is_ok());
        let bad = [("1", &fails, Answer::Pass), ("2", &passes, Answer::Fail)];
        let said = tells("chore", &bad).expect_err("broken marks");
        assert_eq!(said, "'1' must fail on the base and passes; '2' must pass on the base and fails");
    }
}
