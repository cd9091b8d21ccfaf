//! haco doctor: find what is wrong with the state, and mend it.

use super::text::{candidate, many};
use crate::{
    desk::{self, Desk, Loaded},
    exit::Outcome,
    output::{Out, shown},
};
use anyhow::Result;
use haco_core::{
    attempt::Candidate,
    code::{Code, Failure},
    cursor::Need,
    id::TicketId,
    verdict::Severity,
};
use haco_git::Expect;
use haco_sandbox::Wall;
use haco_store::{Finding, Place, Store};
use serde_json::{Value, json};

/// What findings name that can be mended without a person's word.
const MEND: &str = "haco doctor --fix";

/// Find what is wrong with the state, and mend it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Move aside and make again what can be; a person's word is never needed for it
    #[arg(long)]
    fix: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let here = std::env::current_dir().map_err(|e| Failure::new(Code::Io, format!("no current directory: {e}")))?;
    let place = Place::find(&here)?;
    let store = Store::open(&place)?;
    let mut acts = Vec::new();
    if args.fix {
        acts.extend(haco_store::doctor_fix(&store)?);
        acts.extend(refs_made(&place));
    }
    let mut findings = haco_store::doctor(&store);
    let (beyond, notes) = beyond_the_store(&place);
    findings.extend(beyond);
    let walls = haco_sandbox::walls();
    acts.iter().try_for_each(|act| out.line(act))?;
    print(out, &findings)?;
    notes.iter().for_each(|note| out.say(format!("note: {note}")));
    walls.iter().filter(|w| !w.ok).for_each(|w| out.say(missing(w)));
    if findings.is_empty() && acts.is_empty() && !out.is_json() {
        out.say("nothing is wrong");
    }
    Ok(outcome(args.fix, &findings, &walls, notes, acts))
}

fn print(out: &mut Out, findings: &[Finding]) -> Result<()> {
    for finding in findings {
        out.line(format!("{}: {}", shown(&finding.file), shown(&finding.problem)))?;
        if let Some(fix) = &finding.fix {
            out.line(format!("  hint: {}", shown(fix)))?;
        }
    }
    Ok(())
}

fn missing(wall: &Wall) -> String {
    let fix = wall.fix.as_ref().map_or(String::new(), |fix| format!("; hint: {fix}"));
    format!("note: checks cannot run: the wall '{}' cannot be had: {}{fix}", wall.layer.as_str(), wall.detail)
}

fn outcome(fixed: bool, findings: &[Finding], walls: &[Wall], notes: Vec<String>, acts: Vec<String>) -> Outcome {
    let outcome = Outcome::yes()
        .with("findings", findings.iter().map(finding_json).collect::<Vec<Value>>())
        .with("walls", walls.iter().map(wall_json).collect::<Vec<Value>>())
        .with("notes", notes);
    let outcome = if fixed { outcome.with("acts", acts) } else { outcome };
    if findings.is_empty() {
        return outcome;
    }
    let failure = Failure::new(Code::Findings, many(findings.len() as u64, "finding"));
    let mended = findings.iter().any(|f| f.fix.as_deref() == Some(MEND));
    let failure = if mended { failure.fix(MEND) } else { failure };
    Outcome { failure: Some(failure), ..outcome }
}

fn finding_json(finding: &Finding) -> Value {
    let mut all = json!({"file": finding.file, "problem": finding.problem, "severity": finding.severity});
    if let Some(fix) = &finding.fix {
        all["fix"] = json!(fix);
    }
    all
}

fn wall_json(wall: &Wall) -> Value {
    let mut all = json!({"layer": wall.layer.as_str(), "ok": wall.ok, "detail": wall.detail});
    if let Some(fix) = &wall.fix {
        all["fix"] = json!(fix);
    }
    all
}

/// What is wrong with the configuration and with git's part of the state; and what is no fault, but does not count.
fn beyond_the_store(place: &Place) -> (Vec<Finding>, Vec<String>) {
    if let Err(error) = desk::layers(Some(place)) {
        return (vec![configuration(&crate::exit::failure_of(&error))], Vec::new());
    }
    let Ok(desk) = Desk::at(&place.worktree) else { return Default::default() };
    let notes = desk.settings.ignored.clone();
    // Documents that cannot be read were found by the store.
    let Ok(loaded) = desk.load(None) else { return (Vec::new(), notes) };
    let findings = git(&desk, &loaded).unwrap_or_else(|error| {
        let failure = crate::exit::failure_of(&error);
        vec![found(".git", failure.message, failure.fix)]
    });
    (findings, notes)
}

/// A message that begins with a file in single quotes.
fn configuration(failure: &Failure) -> Finding {
    let named = failure.message.strip_prefix('\'').and_then(|rest| rest.split_once("': "));
    let (file, problem) = named.unwrap_or((".haco/config.json", &failure.message));
    found(file, problem.to_owned(), failure.fix.clone())
}

fn found(file: &str, problem: String, fix: Option<String>) -> Finding {
    Finding { file: file.to_owned(), problem, severity: Severity::High, fix }
}

/// Bases and candidates that are named but not there.
fn git(desk: &Desk, loaded: &Loaded) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if loaded.plans.is_empty() {
        return Ok(findings);
    }
    let repo = desk.repo()?;
    for plan in loaded.plans.values().filter(|p| !repo.has(&p.base)) {
        let problem = format!("its base, the commit '{}', is not in this repository", plan.base.short());
        findings.push(found(
            &format!(".haco/plans/{}/plan.json", plan.id),
            problem,
            Some("git fetch --all".to_owned()),
        ));
    }
    for (name, id, candidate) in candidates(desk, loaded) {
        let at = repo.ref_oid(&name)?;
        if !repo.has(&candidate.commit) {
            let problem = format!("the candidate '{}' is not in this repository", candidate.commit.short());
            findings.push(found(&name, problem, Some(format!("haco-verify {id}"))));
        } else if at.as_ref() != Some(&candidate.commit) {
            let update = format!("git update-ref {name} {}", candidate.commit);
            let fix = if at.is_none() { MEND.to_owned() } else { update };
            let problem = at.map_or("it is missing".to_owned(), |oid| format!("it names '{}' instead", oid.short()));
            let problem = format!("{problem}, and git may remove the candidate '{}'", candidate.commit.short());
            findings.push(found(&name, problem, Some(fix)));
        }
    }
    Ok(findings)
}

/// The candidates that count now, with the names of their refs.
fn candidates<'a>(desk: &Desk, loaded: &'a Loaded) -> Vec<(String, &'a TicketId, &'a Candidate)> {
    let position = desk.position(loaded);
    let of = |id: &'a TicketId| {
        let ended = |need: &Need| matches!(need, Need::Shipped | Need::Abandoned | Need::Split);
        let standing = position.standings.get(id).filter(|s| !ended(&s.need))?;
        let (attempt, candidate) = candidate(loaded.tickets.get(id)?, Some(standing))?;
        Some((format!("refs/haco/{id}/{}", attempt.n), id, candidate))
    };
    loaded.tickets.keys().filter_map(of).collect()
}

/// Makes the refs of candidates that are there and named by none; what cannot be read is left to the findings.
fn refs_made(place: &Place) -> Vec<String> {
    let Ok(desk) = Desk::at(&place.worktree) else { return Vec::new() };
    let (Ok(loaded), Ok(repo)) = (desk.load(None), desk.repo()) else { return Vec::new() };
    let lost = |(name, _, candidate): &(String, &TicketId, &Candidate)| {
        repo.has(&candidate.commit) && repo.ref_oid(name).is_ok_and(|at| at.is_none())
    };
    let make = |(name, _, candidate): (String, &TicketId, &Candidate)| {
        repo.set_ref(&name, &candidate.commit, Expect::Absent).ok().map(|()| format!("made '{name}'"))
    };
    candidates(&desk, &loaded).into_iter().filter(lost).filter_map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_cannot_be_read_is_a_finding_about_its_file() {
        let failure =
            Failure::new(Code::BadConfig, "'.haco/config.json': field 'x': unknown").fix("haco schema config");
        let finding = configuration(&failure);
        assert_eq!((finding.file.as_str(), finding.problem.as_str()), (".haco/config.json", "field 'x': unknown"));
    }

    #[test]
    fn the_answer_is_yes_only_where_nothing_was_found() {
        let none = outcome(false, &[], &[], vec![], vec![]);
        assert!(none.failure.is_none() && !none.json.contains_key("acts"));
        let fix = Some("haco doctor --fix".to_owned());
        let some =
            outcome(true, &[found("a", "b".into(), None), found("c", "d".into(), fix.clone())], &[], vec![], vec![]);
        let failure = some.failure.expect("no");
        assert_eq!((failure.code, failure.fix), (Code::Findings, fix));
        assert!(some.json.contains_key("acts"));
    }
}
