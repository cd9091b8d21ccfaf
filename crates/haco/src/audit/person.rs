//! A person's verdict at a terminal: the change, its evidence and each criterion, one question each.

use super::{Case, record, record::By, same_author};
use crate::{
    output::{Answered, Out},
    person, review,
};
use anyhow::Result;
use haco_core::{
    audit::{Audit, Judge},
    code::{Code, Failure},
    settings::HUMAN,
    verdict::{Answer, Criterion, Finding, Severity},
};

/// Shows the candidate and asks; anything but a clear answer decides nothing.
pub(super) fn audit(case: &Case<'_>, judge: Judge, out: &Out) -> Result<Answered> {
    let id = case.id;
    if case.author()?.as_deref() == Some(HUMAN) {
        return Err(same_author(id, HUMAN).into());
    }
    if judge == Judge::Supervisor {
        out.say(format!("{id}: the supervising agent would audit it: haco-audit {id} --prompt; here you do"));
    }
    show(case, out)?;
    let mut criteria = Vec::new();
    for criterion in &case.ticket()?.definition_of_done.acceptance_criteria {
        let met = yes_or_no(out, &format!("met: {criterion}?"), id.as_str())?;
        criteria.push(Criterion { met, file: None, line: None, note: None });
    }
    let met = criteria.iter().all(|c| c.met);
    if met && yes_or_no(out, &format!("{id}: does attempt {} pass the audit?", case.due.attempt), id.as_str())? {
        return record::audit(case, Audit { verdict: Answer::Pass, criteria, findings: Vec::new() }, &By::Person, None);
    }
    let message = person::answer(out, "What must change? (one line, for the next attempt) ")?.trim().to_owned();
    if message.is_empty() {
        return Err(undecided(id.as_str()).into());
    }
    let findings = vec![Finding { severity: Severity::High, file: None, line: None, message }];
    record::audit(case, Audit { verdict: Answer::Fail, criteria, findings }, &By::Person, None)
}

fn show(case: &Case<'_>, out: &Out) -> Result<()> {
    let ticket = case.ticket()?;
    let diff = review::diff(case.desk, &case.turn.loaded, ticket)?;
    out.ask(&format!("{}: {}\n\n{}\n\n{diff}\n", case.id, ticket.title, ticket.task.description.trim()));
    for (name, _, test) in ticket.checks() {
        out.ask(&format!("passed: {name}: {}\n", test.command));
    }
    Ok(())
}

fn yes_or_no(out: &Out, question: &str, id: &str) -> Result<bool> {
    match person::answer(out, &format!("{question} [y/n] "))?.trim() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err(undecided(id).into()),
    }
}

fn undecided(id: &str) -> Failure {
    let failure = Failure::new(Code::Undecided, format!("{id}: nothing was decided and nothing was recorded"));
    failure.fix(format!("haco-audit {id}"))
}
