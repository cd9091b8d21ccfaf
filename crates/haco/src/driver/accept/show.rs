//! Audited work as a person sees it before accepting: what changed, what passed, who judged, and what it cost.

use super::{
    due::Due,
    gates::{self, flat},
};
use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Candidate, Edits},
    cursor::{Need, Standing},
    flags,
    id::PlanId,
    oid::Change,
    report,
    subject::{self, Base},
    ticket::Ticket,
    verdict::{Severity, Verdict, latest},
};
use std::fmt::Write;

/// Everything that is decided about the tickets of `plan`.
pub fn text(desk: &Desk, loaded: &Loaded, plan: &PlanId, due: &Due) -> Result<String> {
    let position = desk.position(loaded);
    let mut text = format!("plan {plan}\n");
    for id in due.subjects.keys() {
        let (ticket, standing) = (loaded.ticket(id)?, gates::standing(&position, id)?);
        let attempt = standing.attempt.and_then(|n| ticket.attempt(n));
        if let Some((attempt, candidate)) = attempt.and_then(|a| Some((a, a.candidate.as_ref()?))) {
            one(&mut text, desk, loaded, (ticket, standing, attempt, candidate))?;
        }
    }
    let open = |need: &Need| !matches!(need, Need::Abandoned | Need::Split | Need::Ship | Need::Shipped);
    let rest = position.standings.iter().filter(|(id, s)| open(&s.need) && !due.subjects.contains_key(*id));
    let others: Vec<_> = rest.map(|(id, _)| id.clone()).collect();
    if !others.is_empty() {
        line_of(&mut text, "  not asked about: ", &gates::list(&others));
    }
    Ok(text)
}

fn one(
    text: &mut String,
    desk: &Desk,
    loaded: &Loaded,
    (ticket, standing, attempt, candidate): (&Ticket, &Standing, &Attempt, &Candidate),
) -> Result<()> {
    line_of(text, "  ", &format!("{} {}", ticket.id, flat(&ticket.title)));
    let stat = desk.repo()?.diff_stat(&attempt.base, &candidate.commit)?;
    let (files, added, removed) = (stat.files, stat.added, stat.removed);
    let author = flat(attempt.author().unwrap_or("nobody"));
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    let wrote = format!("{files}, +{added} -{removed}, drafted by {author}, attempt {}", attempt.n);
    line_of(text, "    change  ", &wrote);
    for change in &candidate.change {
        line_of(text, "            ", &change_line(ticket, change));
    }
    if let Some(how) = attempt.edits.as_ref().and_then(Edits::text) {
        line_of(text, "    edits   ", &how);
    }
    for flag in flags::recorded(ticket, attempt) {
        line_of(text, "    flag    ", &flat(&flags::line(flag)));
    }
    for (_, _, test) in ticket.checks() {
        line_of(text, "    passed  ", &flat(&test.command));
    }
    for audit in audits(desk, loaded, ticket, standing, attempt) {
        let judge = audit.model.as_deref().unwrap_or(&audit.by);
        line_of(text, "    audit   ", &format!("{} by {}", audit.verdict.as_str(), flat(judge)));
        for finding in &audit.findings {
            let at = finding.file.as_ref().map(|f| format!(" {f}:{}", finding.line.unwrap_or(1))).unwrap_or_default();
            let line = format!("{}{at}: {}", word(finding.severity), finding.message);
            line_of(text, "            ", &flat(&line));
        }
    }
    let models = loaded.plans[&ticket.plan].approval().map(|a| a.models.as_slice()).unwrap_or_default();
    let paid = |name: &str| models.iter().find(|m| m.name == name).map(|m| m.paid);
    line_of(text, "    drafts  ", &report::cost_of_attempts(ticket, paid).text());
    line_of(text, "    whole   ", &format!("haco diff {}", ticket.id));
    Ok(())
}

/// One path, what happens to it, and whether it is the contract's own.
fn change_line(ticket: &Ticket, change: &Change) -> String {
    let letter = match (&change.old, &change.new) {
        (None, _) => 'A',
        (_, None) => 'D',
        _ => 'M',
    };
    let own = ticket.definition_of_done.files.iter().any(|f| f.path.to_string() == change.path);
    let mode = |b: &Option<haco_core::oid::Blob>| b.as_ref().map(|b| b.mode);
    let bits = letter == 'M' && mode(&change.old) != mode(&change.new);
    let notes = [(own, " (the contract's own)"), (bits, " (mode changes)")];
    let notes: String = notes.iter().filter(|(is, _)| *is).map(|(_, note)| *note).collect();
    format!("{letter} {}{notes}", flat(&change.path))
}

/// The verdicts of the verifying roles that count.
fn audits<'a>(
    desk: &Desk,
    loaded: &Loaded,
    ticket: &'a Ticket,
    standing: &Standing,
    attempt: &Attempt,
) -> Vec<&'a Verdict> {
    let Some(candidate) = &attempt.candidate else { return Vec::new() };
    let plan = &loaded.plans[&ticket.plan];
    let on = standing.on.clone().unwrap_or_default();
    let base = Base { plan: &plan.base, on: &on };
    let passed =
        |(name, _, test): (String, _, &_)| latest(&ticket.verdicts, &name, &subject::check(test, &candidate.tree));
    let checks: Vec<&Verdict> = ticket.checks().into_iter().filter_map(passed).collect();
    let judged = subject::audit(&standing.contract, &base, attempt, &checks);
    let world = desk.world(loaded);
    let stage = world.studios.get(&plan.studio).and_then(|s| s.stage(ticket.stage.as_deref()));
    let roles = stage.into_iter().flat_map(|s| s.verifiers());
    roles.filter_map(|role| latest(&ticket.verdicts, &role.name, &judged)).collect()
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker => "blocker",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn line_of(text: &mut String, head: &str, line: &str) {
    writeln!(text, "{head}{line}").expect("a string takes everything");
}
