//! Every check of a ticket asked of one tree, and the evidence of it: a log each, `checks.json`, and for the next prompt
//! `failure.txt`. Writing the verdicts into the ticket is the caller's.

use super::{
    copy::{Copy, Extra},
    extract,
    ran::Ran,
};
use crate::{clock, desk::Desk, key};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    oid::Oid,
    subject,
    ticket::{CheckKind, Test, Ticket},
    verdict::{Answer, Verdict, latest},
};
use haco_sandbox::{Layer, Limits};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};

/// Bytes of `failure.txt`.
const FAILURE_BYTES: usize = 4096;

/// What is asked, of what, and where its evidence goes.
pub(super) struct Asking<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) tree: &'a Oid,
    /// A directory below `.haco/`.
    pub(super) evidence: &'a str,
    /// Variables of the checks.
    pub(super) extra: Extra,
    /// Which of the checks.
    pub(super) which: Which,
    /// Whether a pass or fail that is known is asked again.
    pub(super) again: bool,
}

/// Which checks of a ticket are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Tests,
}

/// One check with its verdict.
pub(super) struct Judged<'a> {
    pub(super) test: &'a Test,
    pub(super) verdict: Verdict,
    /// Whether it was asked just now.
    pub(super) fresh: bool,
    /// What would let it be asked, where it could not be.
    pub(super) fix: Option<String>,
}

/// Whether all checks of a ticket have a pass or fail on this tree, so that no copy is needed.
pub(super) fn known<'a>(asking: &Asking<'a>) -> Option<Vec<Judged<'a>>> {
    if asking.again {
        return None;
    }
    let all = checks(asking).into_iter();
    all.map(|(name, subject, test)| {
        let verdict = settled(asking.ticket, &name, &subject)?.clone();
        Some(Judged { test, verdict, fresh: false, fix: None })
    })
    .collect()
}

/// Asks every check that is not known and writes its evidence.
pub(super) fn ask<'a>(desk: &Desk, copy: &Copy<'_>, asking: &Asking<'a>) -> Result<Vec<Judged<'a>>> {
    let mut judged = Vec::new();
    let mut list: Vec<Value> = Vec::new();
    let mut files = BTreeSet::new();
    if let Some(said) = copy.setup() {
        desk.store.write(&format!("{}/setup.log", asking.evidence), &key::hidden(&desk.settings, said.as_bytes()))?;
    }
    for (name, subject, test) in checks(asking) {
        if let Some(verdict) = settled(asking.ticket, &name, &subject).filter(|_| !asking.again) {
            list.push(entry(test, verdict, None, &[]));
            judged.push(Judged { test, verdict: verdict.clone(), fresh: false, fix: None });
            continue;
        }
        let ran = copy.ask(test, &asking.extra)?;
        let log = format!("{}/{}.log", asking.evidence, file(&name, &mut files));
        desk.store.write(&log, &key::hidden(&desk.settings, &ran.log))?;
        let verdict = verdict(name, subject, test, &ran, log);
        list.push(entry(test, &verdict, Some(&ran), &desk.settings.verify.allow_weaker));
        judged.push(Judged { test, verdict, fresh: true, fix: ran.fix });
    }
    let text = serde_json::to_string_pretty(&Value::from(list)).expect("a list of plain values is JSON");
    desk.store.write(&format!("{}/checks.json", asking.evidence), (text + "\n").as_bytes())?;
    Ok(judged)
}

fn checks<'a>(asking: &Asking<'a>) -> Vec<(String, Hash, &'a Test)> {
    let ticket: &'a Ticket = asking.ticket;
    let wanted = |kind| asking.which == Which::All || kind == CheckKind::Test;
    let all = ticket.checks().into_iter().filter(|(_, kind, _)| wanted(*kind));
    all.map(|(name, _, test)| (name, subject::check(test, asking.tree), test)).collect()
}

/// The pass or fail that a check of `ticket` has on this subject; what could not be asked is none.
pub(super) fn settled<'a>(ticket: &'a Ticket, name: &str, subject: &Hash) -> Option<&'a Verdict> {
    latest(&ticket.verdicts, name, subject).filter(|v| v.verdict != Answer::Blocked)
}

fn verdict(name: String, subject: Hash, test: &Test, ran: &Ran, log: String) -> Verdict {
    let pass = ran.answer == Answer::Pass;
    let reason = match ran.answer {
        Answer::Pass => None,
        Answer::Fail => Some(format!("'{}' {}", one_line(&test.command), ran.end)),
        Answer::Blocked => Some(ran.end.clone()),
    };
    Verdict {
        code: ran.code.filter(|_| !pass).map(|c| c.to_string()),
        reason,
        evidence: Some(log),
        ..Verdict::new(name, subject, ran.answer, "harness", &clock::now())
    }
}

fn one_line(command: &str) -> String {
    let mut words = command.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(120) {
        words.truncate(at);
        words.push('…');
    }
    words
}

/// One check in `checks.json`: what it used and might have, the walls that stood, and those that a person allowed to be
/// missing.
fn entry(test: &Test, verdict: &Verdict, ran: Option<&Ran>, weaker: &[String]) -> Value {
    let mut entry = json!({"check": verdict.check, "command": test.command, "verdict": verdict.verdict});
    match ran {
        None => entry["end"] = json!("judged before on the same tree"),
        Some(ran) => {
            entry["end"] = json!(ran.end);
            entry["log_sha256"] = json!(Hash::of(&ran.log));
        }
    }
    if let Some(used) = ran.and_then(|ran| ran.used.as_ref()) {
        let Limits { timeout, mem_bytes, processes, file_size, output_bytes } = used.limits;
        entry["wall_ms"] = json!(used.wall_ms);
        entry["cpu_ms"] = json!(used.cpu_ms);
        entry["max_rss"] = json!(used.max_rss);
        entry["limits"] = json!({
            "timeout_sec": timeout.as_secs(), "mem_bytes": mem_bytes, "processes": processes, "file_size": file_size,
            "output_bytes": output_bytes,
        });
        entry["walls"] = json!(used.walls.iter().map(|l| l.as_str()).collect::<Vec<_>>());
        let missing: Vec<&str> = Layer::ALL.iter().filter(|l| !used.walls.contains(l)).map(|l| l.as_str()).collect();
        if !missing.is_empty() {
            let (missing, weaker) = (missing.join(", "), weaker.join(", "));
            entry["weaker"] = json!(format!("it ran without the wall {missing}: verify.allow_weaker names {weaker}"));
        }
    }
    entry["log"] = json!(verdict.evidence);
    entry
}

/// The name of a check's log without its end: no slash, nothing that a shell minds, no name twice.
fn file(check: &str, taken: &mut BTreeSet<String>) -> String {
    let keep = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = check.replace('/', "--").chars().map(keep).take(60).collect();
    let free = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}~{n}") });
    let free = free.into_iter().find(|n| !taken.contains(n)).expect("numbers do not end");
    taken.insert(free.clone());
    free
}

/// The failing checks for the next prompt, at most 4 KB, or nothing where none failed. `copies` are directories whose
/// names are not to be seen.
pub(super) fn failure_text(desk: &Desk, judged: &[Judged<'_>], copies: &[&Path]) -> Result<Option<String>> {
    let failed: Vec<&Judged<'_>> = judged.iter().filter(|j| j.verdict.verdict == Answer::Fail).collect();
    let copies: Vec<&str> = copies.iter().filter_map(|c| c.to_str()).collect();
    let mut text = String::new();
    for (i, one) in failed.iter().enumerate() {
        let log = one.verdict.evidence.as_deref().map_or(Ok(None), |path| desk.store.read(path))?.unwrap_or_default();
        let head =
            format!("The check '{}' failed: {}\n", one.verdict.check, one.verdict.reason.as_deref().unwrap_or("no"));
        let room = (FAILURE_BYTES - 64).saturating_sub(text.len()) / (failed.len() - i);
        if room < 200 {
            text.push_str(&format!("and {} more failed\n", failed.len() - i));
            break;
        }
        let said = extract::failing(&String::from_utf8_lossy(&log), &copies, room.saturating_sub(head.len() + 2));
        text.push_str(&head);
        if !said.is_empty() {
            text.push_str(&format!("{said}\n"));
        }
        text.push('\n');
    }
    Ok((!failed.is_empty()).then(|| text.trim_end().to_owned() + "\n"))
}

/// Why the answer is not yes: the first check that failed, else the first that could not be asked.
pub(super) fn failure(whose: &str, judged: &[Judged<'_>]) -> Option<Failure> {
    let with = |answer| judged.iter().find(move |j| j.verdict.verdict == answer);
    with(Answer::Fail).or_else(|| with(Answer::Blocked)).map(|one| said(whose, one))
}

/// One check that did not pass, as a failure of `whose`.
pub(super) fn said(whose: &str, one: &Judged<'_>) -> Failure {
    let Judged { verdict, fix, .. } = one;
    let reason = verdict.reason.as_deref().unwrap_or("no reason was recorded");
    let log = verdict.evidence.as_deref().map(|e| format!("less .haco/{e}"));
    if verdict.verdict == Answer::Fail {
        let failure = Failure::new(Code::ChecksFailed, format!("{whose}: '{}' failed: {reason}", verdict.check));
        return log.into_iter().fold(failure, Failure::fix);
    }
    let code = Code::ALL.iter().copied().find(|c| Some(c.as_str()) == verdict.code.as_deref());
    let code = code.unwrap_or(Code::MissingTool);
    let message = match code {
        // The reason names the command.
        Code::MissingTool => format!("{whose}: {reason}"),
        _ => format!("{whose}: '{}' could not be asked: {reason}", verdict.check),
    };
    Failure { fix: fix.clone(), ..Failure::new(code, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged<'a>(test: &'a Test, check: &str, answer: Answer) -> Judged<'a> {
        let subject = Hash::of(b"");
        let code = (answer == Answer::Blocked).then(|| "missing_service".to_owned());
        let verdict = Verdict::new(check, subject, answer, "harness", "2026-01-01T00:00:00Z");
        Judged { test, verdict: Verdict { code, reason: Some("why".to_owned()), ..verdict }, fresh: true, fix: None }
    }

    #[test]
    fn a_fail_outranks_what_could_not_be_asked() {
        let test = Test::of("x");
        let all = [
            judged(&test, "dod/1", Answer::Pass),
            judged(&test, "dod/2", Answer::Blocked),
            judged(&test, "dod/3", Answer::Fail),
        ];
        let said = |all: &[Judged<'_>]| failure("T-001", all).map(|f| (f.code, f.message));
        assert_eq!(said(&all), Some((Code::ChecksFailed, "T-001: 'dod/3' failed: why".to_owned())));
        let blocked = "T-001: 'dod/2' could not be asked: why".to_owned();
        assert_eq!(said(&all[..2]), Some((Code::MissingService, blocked)));
        assert_eq!(said(&all[..1]), None);
    }

    #[test]
    fn logs_have_safe_names_of_their_own() {
        let mut taken = BTreeSet::new();
        let mut name = |check: &str| file(check, &mut taken);
        assert_eq!(name("dod/static/1"), "dod--static--1");
        assert_eq!(name("dod/../a b\n"), "dod--..--a_b_");
        assert_eq!(name("dod/static/1"), "dod--static--1~2");
        assert!(name(&"é".repeat(300)).len() <= 255);
    }
}
