use super::{one, supervisor};
use crate::{
    exit::failure_of,
    output::Answered,
    sample::{Sample, quiet, reply},
};
use anyhow::Result;
use haco_core::{
    code::Code,
    cursor::Need,
    settings::SUPERVISOR,
    verdict::{Answer, Verdict},
};
use serde_json::{Value, json};

const PASS: &str = r#"{"verdict":"pass","criteria":[{"met":true,"file":"a.py","line":1}],"findings":[]}"#;
const FAIL: &str = r#"{"verdict":"fail","criteria":[{"met":false}],
    "findings":[{"severity":"low","message":"dull"},{"severity":"blocker","file":"a.py","line":1,"message":"wrong"}]}"#;

/// A candidate that passed its checks, and an auditor that answers so.
fn ready(auditor: Value) -> Sample {
    let sample = Sample::new(&json!({"*/*/worker": reply("draft"), "*/*/auditor": auditor}));
    let draft = |s: &Sample| {
        let attempt = json!([{"n": 1, "base": s.desk().repo().expect("git").head_commit().expect("head"),
            "steps": [{"role": "worker", "model": "small", "outcome": "advance",
                       "draft": {"sha256": haco_core::hash::Hash::of(b"x"), "format": "whole"}}],
            "at": "2026-01-01T00:00:00Z"}]);
        s.edit(|t| t.attempts = serde_json::from_value(attempt).expect("attempts"));
    };
    draft(&sample);
    sample
}

fn passed(auditor: Value) -> Sample {
    let sample = ready(auditor);
    sample.candidate("print(2)\n", Answer::Pass);
    sample
}

fn code(answered: Result<Answered>) -> Option<Code> {
    answered.map_or_else(|error| Some(failure_of(&error).code), |a| a.failure.map(|f| f.code))
}

fn last(sample: &Sample) -> Verdict {
    sample.ticket().verdicts.last().expect("a verdict").clone()
}

fn audit(sample: &Sample) -> Option<Code> {
    code(one(&sample.desk(), &sample.id, None, &quiet()))
}

fn answer(sample: &Sample, text: &str) -> Option<Code> {
    let file = sample.top.join("verdict.json");
    fs_err::write(&file, text).expect("writes");
    code(supervisor(&sample.desk(), &sample.id, file.to_str().expect("text")))
}

#[test]
fn a_pass_of_a_model_is_recorded_with_its_call() {
    let sample = passed(reply(PASS));
    assert_eq!(audit(&sample), None);
    let verdict = last(&sample);
    assert_eq!(
        (verdict.verdict, verdict.by.as_str(), verdict.model.as_deref()),
        (Answer::Pass, "auditor", Some("judge"))
    );
    assert_eq!(verdict.evidence.as_deref(), Some("drafts/T-001/1/1-auditor/reply.md"));
    assert!(matches!(sample.turn().standing.need, Need::Accept { .. }));
    let prompt = sample.desk().store.read("drafts/T-001/1/1-auditor/prompt.md").expect("reads").expect("is there");
    let prompt = String::from_utf8(prompt).expect("text");
    assert!(
        prompt.contains("+print(2)") && prompt.contains("1. prints 2") && prompt.contains("verdict pass"),
        "{prompt}"
    );
}

#[test]
fn a_rejection_is_a_no_with_the_worst_finding() {
    let sample = passed(reply(FAIL));
    assert_eq!(audit(&sample), Some(Code::AuditRejected));
    let verdict = last(&sample);
    assert_eq!((verdict.verdict, verdict.reason.as_deref()), (Answer::Fail, Some("wrong")));
    assert_eq!(verdict.findings.len(), 2);
}

#[test]
fn an_answer_that_stays_malformed_is_blocked_and_can_be_asked_again() {
    let sample = passed(reply("I approve."));
    assert_eq!(audit(&sample), Some(Code::AuditUnusable));
    assert_eq!(last(&sample).verdict, Answer::Blocked);
    let repair = sample.desk().store.read("drafts/T-001/1/1-auditor.1/prompt.md").expect("reads").expect("is there");
    assert!(String::from_utf8_lossy(&repair).contains("Your last answer was not valid"));
    assert!(matches!(sample.turn().standing.need, Need::Blocked(_)));
    fs_err::write(sample.top.join("replies.json"), json!({"*/*/auditor": reply(PASS)}).to_string()).expect("writes");
    assert_eq!(audit(&sample), None, "an explicit call asks again");
}

#[test]
fn a_model_that_is_away_records_nothing() {
    let sample = passed(json!({"error": "model 'm' not found"}));
    let before = sample.ticket();
    assert!(matches!(audit(&sample), Some(c) if c.status().number() == 69));
    assert_eq!(sample.ticket(), before);
}

#[test]
fn nothing_is_audited_before_its_checks_passed() {
    let sample = ready(reply(PASS));
    assert_eq!(audit(&sample), Some(Code::IllegalStep));
    assert_eq!(answer(&sample, PASS), Some(Code::IllegalStep));
}

#[test]
fn the_supervisors_malformed_verdict_is_refused_and_nothing_is_recorded() {
    let sample = passed(reply(PASS));
    let before = sample.ticket();
    for bad in
        ["looks good", r#"{"verdict":"pass"}"#, r#"{"verdict":"pass","criteria":[{"met":true,"file":"../a.py"}]}"#]
    {
        assert_eq!(answer(&sample, bad), Some(Code::BadVerdict), "{bad}");
    }
    assert_eq!(sample.ticket(), before);
    assert_eq!(answer(&sample, PASS), None);
    assert_eq!(last(&sample).model.as_deref(), Some(SUPERVISOR));
}

#[test]
fn a_supervisor_that_the_route_does_not_name_judges_nothing() {
    let sample = passed(reply(PASS));
    let config = sample.top.join(".haco/config.json");
    let text = fs_err::read_to_string(&config).expect("reads");
    let without = text.replace(r#","supervisor""#, "").replace(r#", "supervisor""#, "");
    assert_ne!(text, without);
    fs_err::write(&config, without).expect("writes");
    assert_eq!(answer(&sample, PASS), Some(Code::IllegalStep));
}

#[test]
fn the_author_of_a_draft_does_not_audit_it() {
    let sample = passed(reply(PASS));
    let named = |model| code(one(&sample.desk(), &sample.id, Some(model), &quiet()));
    assert_eq!(named("small"), Some(Code::SameAuthor));
    assert_eq!(named("ollama:other"), Some(Code::OutsideApproval));
    sample.edit(|t| t.attempts[0].steps[0].model = SUPERVISOR.to_owned());
    assert_eq!(answer(&sample, PASS), Some(Code::SameAuthor));
}
