//! A ticket's record held against the same work done again: what stood in a ticket at a time, and the first thing that came
//! out differently.

use crate::{
    attempt::Attempt,
    plan::Plan,
    subject,
    ticket::Ticket,
    verdict::{Verdict, latest},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The first thing that came out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The attempt; none where it is about the ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// `prompt`, `candidate.tree`, `dod/1`, `what is next`.
    pub what: String,
    /// What the record says.
    pub recorded: String,
    /// What came out.
    pub replayed: String,
}

impl Difference {
    /// In one line.
    pub fn line(&self) -> String {
        let Difference { attempt, what, recorded, replayed } = self;
        let at = attempt.map_or(String::new(), |n| format!("attempt {n}: "));
        format!("{at}{what}: recorded '{}', now '{}'", short(recorded), short(replayed))
    }
}

/// How much of a value a line shows.
const MOST_CHARS: usize = 120;

fn short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_CHARS).collect();
    if text.chars().count() > MOST_CHARS { line + "…" } else { line }
}

/// The attempts of `ticket` that its contract of now was made for: a replaced contract is not in the record any more.
pub fn replayable(ticket: &Ticket) -> impl Iterator<Item = &Attempt> {
    let replaced = ticket.decisions.iter().filter(|d| d.action == "replace").map(|d| d.attempt).max().unwrap_or(0);
    ticket.attempts.iter().filter(move |a| a.n > replaced)
}

/// What `ticket` itself knew before attempt `n` was made, without what programs make again: a decision says after which
/// attempt it was made, and a verdict about a candidate says nothing before that is there. `None` is the end.
pub fn before(ticket: &Ticket, n: Option<u32>) -> Ticket {
    let mut then = ticket.clone();
    then.verdicts.retain(|v| !is_made_again(v));
    if let Some(n) = n {
        then.attempts.retain(|a| a.n < n);
        then.decisions.retain(|d| d.attempt < n);
        then.shipment = None;
    }
    then
}

/// What another ticket of the plan was when `attempt` began: that with the candidate which the attempt is built on, else
/// what stood there at that time.
pub fn beside(other: &Ticket, attempt: &Attempt) -> Ticket {
    let is_under = |a: &&Attempt| a.candidate.as_ref().is_some_and(|c| attempt.on.contains(&c.commit));
    let mut then = other.clone();
    match other.attempts.iter().find(is_under).map(|a| a.n) {
        Some(n) => {
            then.attempts.retain(|a| a.n <= n);
            then.decisions.retain(|d| d.attempt < n);
        }
        None => {
            then.attempts.retain(|a| a.at <= attempt.at);
            then.verdicts.retain(|v| v.at <= attempt.at);
            then.decisions.retain(|d| d.at <= attempt.at);
        }
    }
    then.shipment = then.shipment.filter(|s| s.at <= attempt.at);
    then
}

/// What stood in the plan at `at`.
pub fn plan_at(plan: &Plan, at: &str) -> Plan {
    let mut then = plan.clone();
    then.verdicts.retain(|v| *v.at <= *at);
    then.decisions.retain(|d| *d.at <= *at);
    then
}

/// What of a verdict a program made, so that it is made again; people's and the supervisor's are taken over.
pub fn is_made_again(verdict: &Verdict) -> bool {
    let by_model = verdict.model.as_deref().is_some_and(|m| m != crate::settings::SUPERVISOR);
    verdict.by == "harness" || by_model
}

/// The first thing in which an attempt came out differently: its fields in the order in which they are filled.
pub fn attempts(recorded: &Attempt, replayed: Option<&Attempt>) -> Option<Difference> {
    let Some(replayed) = replayed else {
        return Some(Difference {
            attempt: Some(recorded.n),
            what: "attempt".to_owned(),
            recorded: "made".to_owned(),
            replayed: "not made".to_owned(),
        });
    };
    let [mut old, mut new] = [recorded, replayed].map(|a| json!(a));
    for value in [&mut old, &mut new] {
        value.as_object_mut().map(|fields| fields.remove("at"));
    }
    let order = ["n", "repeats", "base", "on", "from", "steps", "edits", "candidate", "outcome", "failure"];
    order.iter().find_map(|field| {
        let (what, recorded_value, replayed_value) = first(field, &old[*field], &new[*field])?;
        Some(Difference {
            attempt: Some(recorded.n),
            what,
            recorded: said(&recorded_value),
            replayed: said(&replayed_value),
        })
    })
}

/// The first place in which two values differ, with what is there.
fn first(at: &str, old: &Value, new: &Value) -> Option<(String, Value, Value)> {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            // The prompt comes before what came of it.
            let prompt = keys.iter().filter(|k| *k == &"prompt").chain(keys.iter().filter(|k| *k != &"prompt"));
            prompt.copied().find_map(|key| {
                let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                first(&format!("{at}.{key}"), &value(a), &value(b))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(i, (a, b))| first(&format!("{at}[{i}]"), a, b))
        }
        _ if old == new => None,
        _ => Some((at.to_owned(), old.clone(), new.clone())),
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The first verdict about an attempt's candidate that came out differently. Logs are not compared: a check's answer is its
/// verdict; what an auditor and the flags say is their answer.
pub fn verdicts(recorded: &Ticket, replayed: &Ticket, attempt: &Attempt) -> Option<Difference> {
    let tree = attempt.candidate.as_ref().map(|candidate| &candidate.tree)?;
    recorded.checks().into_iter().find_map(|(name, _, test)| {
        let subject = subject::check(test, tree);
        let [old, new] = [recorded, replayed].map(|t| latest(&t.verdicts, &name, &subject));
        let old = old?;
        (new.map(|v| v.verdict) != Some(old.verdict)).then(|| Difference {
            attempt: Some(attempt.n),
            what: name,
            recorded: word(Some(old)),
            replayed: word(new),
        })
    })
}

/// The first difference of one judge's verdict about one subject.
pub fn judged(n: Option<u32>, old: &Verdict, replayed: &Ticket) -> Option<Difference> {
    let new = latest(&replayed.verdicts, &old.check, &old.subject);
    let same = new.is_some_and(|v| {
        (v.verdict, &v.code, &v.findings, &v.criteria) == (old.verdict, &old.code, &old.findings, &old.criteria)
    });
    (!same).then(|| Difference { attempt: n, what: old.check.clone(), recorded: word(Some(old)), replayed: word(new) })
}

fn word(verdict: Option<&Verdict>) -> String {
    let Some(verdict) = verdict else { return "not asked".to_owned() };
    let why = verdict.reason.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let found: String = verdict.findings.iter().map(|f| format!("; {}", f.message)).collect();
    format!("{}{why}{found}", verdict.verdict.as_str())
}

/// The first line in which two texts differ.
pub fn texts(n: u32, what: &str, recorded: &str, replayed: &str) -> Option<Difference> {
    if recorded == replayed {
        return None;
    }
    let (mut old, mut new) = (recorded.split('\n'), replayed.split('\n'));
    let mut line = 0;
    loop {
        line += 1;
        let pair = (old.next(), new.next());
        if pair.0 != pair.1 {
            let end = || "(its end)".to_owned();
            return Some(Difference {
                attempt: Some(n),
                what: format!("line {line} of {what}"),
                recorded: pair.0.map_or_else(end, str::to_owned),
                replayed: pair.1.map_or_else(end, str::to_owned),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hash::Hash, verdict::Answer};

    fn attempt(tree: &str) -> Attempt {
        serde_json::from_value(json!({
            "n": 2, "base": "a".repeat(40), "at": "2026-01-02T00:00:00Z", "outcome": "candidate",
            "steps": [{"role": "worker", "model": "m", "outcome": "advance", "prompt": "0".repeat(64)}],
            "candidate": {"commit": "c".repeat(40), "tree": tree.repeat(40), "change": []}
        }))
        .expect("an attempt")
    }

    fn ticket(attempts: &[Attempt]) -> Ticket {
        serde_json::from_value(json!({
            "id": "T-001", "title": "t", "type": "feature", "plan": "p", "task": {"description": "d"},
            "definition_of_done": {"tests": [{"command": "true"}]}, "attempts": attempts,
            "decisions": [{"at": "2026-01-03T00:00:00Z", "by": "human", "action": "replace", "attempt": 1}]
        }))
        .expect("a ticket")
    }

    #[test]
    fn an_attempt_at_another_time_is_the_same_attempt() {
        let one = attempt("b");
        let later = Attempt { at: "2027-01-01T00:00:00Z".into(), ..one.clone() };
        assert_eq!(attempts(&one, Some(&later)), None);
    }

    #[test]
    fn the_first_difference_of_an_attempt_is_named_the_prompt_before_what_came_of_it() {
        let mut other = attempt("d");
        let found = attempts(&attempt("b"), Some(&other)).expect("another tree");
        assert_eq!(
            found.line(),
            format!("attempt 2: candidate.tree: recorded '{}', now '{}'", "b".repeat(40), "d".repeat(40))
        );
        other.steps[0].prompt = None;
        other.steps[0].model = "n".into();
        assert_eq!(attempts(&attempt("b"), Some(&other)).map(|d| d.what).as_deref(), Some("steps[0].prompt"));
        assert_eq!(attempts(&other, None).map(|d| d.replayed).as_deref(), Some("not made"));
    }

    #[test]
    fn a_check_that_answers_otherwise_is_named_and_one_that_was_not_asked_is_not() {
        let attempt = attempt("b");
        let [mut old, mut new] = [ticket(&[]), ticket(&[])];
        assert_eq!(verdicts(&old, &new, &attempt), None);
        let subject = subject::check(&old.definition_of_done.tests[0], &attempt.candidate.as_ref().expect("one").tree);
        let verdict = |answer| Verdict::new("dod/1", subject.clone(), answer, "harness", "2026-01-01T00:00:00Z");
        old.verdicts.push(verdict(Answer::Pass));
        let line = |new: &Ticket| verdicts(&old, new, &attempt).map(|d| d.line());
        assert_eq!(line(&new).as_deref(), Some("attempt 2: dod/1: recorded 'pass', now 'not asked'"));
        new.verdicts.push(verdict(Answer::Fail));
        assert_eq!(line(&new).as_deref(), Some("attempt 2: dod/1: recorded 'pass', now 'fail'"));
        new.verdicts.push(verdict(Answer::Pass));
        assert_eq!(line(&new), None);
    }

    #[test]
    fn an_auditor_that_finds_something_else_is_named() {
        let subject = Hash::of(b"x");
        let mut old = Verdict::new("auditor", subject, Answer::Pass, "auditor", "2026-01-01T00:00:00Z");
        let mut new = ticket(&[]);
        new.verdicts.push(old.clone());
        assert_eq!(judged(None, &old, &new), None);
        old.reason = Some("words may differ".into());
        assert_eq!(judged(None, &old, &new), None);
        old.criteria.push(crate::verdict::Criterion { met: true, file: None, line: None, note: None });
        assert!(judged(Some(1), &old, &new).is_some());
    }

    #[test]
    fn texts_differ_in_a_line() {
        assert_eq!(texts(1, "its prompt", "a\nb", "a\nb"), None);
        let found = texts(1, "its prompt", "a\nb\u{1b}", "a\n").expect("differs");
        assert_eq!(found.line(), "attempt 1: line 2 of its prompt: recorded 'b ', now ''");
        assert_eq!(texts(1, "p", "a", "a\nb").map(|d| d.recorded).as_deref(), Some("(its end)"));
    }

    #[test]
    fn a_ticket_before_an_attempt_knows_what_was_decided_after_the_one_before() {
        let mut ticket = ticket(&[attempt("b")]);
        assert_eq!(replayable(&ticket).count(), 1, "the attempt after the contract was replaced");
        ticket.verdicts.push(Verdict::new("dod/1", Hash::of(b""), Answer::Pass, "harness", "2026-01-01T00:00:00Z"));
        ticket.verdicts.push(Verdict::new("auditor", Hash::of(b""), Answer::Pass, "human", "2026-01-01T00:00:00Z"));
        let counts = |t: Ticket| [t.attempts.len(), t.verdicts.len(), t.decisions.len()];
        assert_eq!(counts(before(&ticket, Some(2))), [0, 1, 1]);
        assert_eq!(counts(before(&ticket, Some(1))), [0, 1, 0]);
        assert_eq!(counts(before(&ticket, None)), [1, 1, 1]);
    }

    #[test]
    fn another_ticket_is_the_one_with_the_candidate_that_was_built_on() {
        let mut other = ticket(&[attempt("b"), Attempt { n: 3, candidate: None, ..attempt("b") }]);
        other.decisions[0].attempt = 2;
        let mut on = attempt("d");
        on.on = vec![other.attempts[0].candidate.as_ref().expect("one").commit.clone()];
        let then = beside(&other, &on);
        assert_eq!((then.attempts.len(), then.decisions.len()), (1, 0));
        on.on.clear();
        assert_eq!(beside(&other, &on).attempts.len(), 2, "by its time");
        on.at = "2026-01-01T00:00:00Z".into();
        assert_eq!(beside(&other, &on).attempts.len(), 0);
    }
}
