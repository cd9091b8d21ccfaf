use super::draft::draft;
use crate::sample::{Sample, quiet, reply};
use haco_core::{
    code::Code,
    cursor::{Need, Status},
    verdict::{Answer, Decision},
};
use serde_json::json;

fn read(sample: &Sample, path: &str) -> String {
    let bytes = sample.desk().store.read(path).expect("reads").unwrap_or_default();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_draft_is_stored_with_its_prompt_and_its_call() {
    let sample = Sample::new(&json!({"T-001/*/worker": reply("a.py\n```\nprint(2)\n```\n")}));
    let said = draft(&sample.desk(), &sample.id, None, &quiet());
    assert!(said.failure.is_none(), "{:?}", said.failure);
    assert_eq!((said.attempt, said.status), (Some(1), Some(Status::Testing)));
    let prompt = read(&sample, "drafts/T-001/1/0-worker/prompt.md");
    for part in ["print(1)", "`b.py` (does not exist yet", "import a", "prints 2", "`true` must pass"] {
        assert!(prompt.contains(part), "{part}: {prompt}");
    }
    assert_eq!(read(&sample, "drafts/T-001/1/0-worker/reply.md"), "a.py\n```\nprint(2)\n```\n");
    assert!(read(&sample, "drafts/T-001/1/0-worker/call.json").contains("\"completion_tokens\": 5"));
    assert_eq!(sample.turn().standing.need, Need::Verify { attempt: 1 });
    let again = draft(&sample.desk(), &sample.id, None, &quiet());
    assert_eq!((again.failure, again.attempt, again.status), (None, Some(1), Some(Status::Testing)));
    assert_eq!(sample.ticket().attempts.len(), 1, "what is drafted already is not drafted again");
}

#[test]
fn a_server_that_is_away_costs_no_try_and_is_journalled() {
    let sample = Sample::new(&json!({}));
    let said = draft(&sample.desk(), &sample.id, None, &quiet());
    assert_eq!(said.failure.expect("a failure").code, Code::NoReplay);
    assert!(sample.ticket().attempts.is_empty());
    let lines = sample.desk().store.journal().lines().expect("reads");
    let last = lines.last().expect("a line");
    assert_eq!((last.event.as_str(), &last.data["code"]), ("call_failed", &json!("no_replay")));
}

#[test]
fn a_whole_reply_that_is_no_artifact_spends_a_try_and_the_last_one_is_the_budget() {
    let sample = Sample::new(&json!({"*/*/worker": reply(" ")}));
    let said = draft(&sample.desk(), &sample.id, None, &quiet());
    assert_eq!(said.failure.expect("a failure").code, Code::EmptyReply);
    let ticket = sample.ticket();
    assert_eq!(ticket.attempts[0].outcome.as_deref(), Some("empty_reply"));
    assert!(read(&sample, "drafts/T-001/1/0-worker/body").contains("\"done\""));
    let spent = draft(&sample.desk(), &sample.id, None, &quiet()).failure.expect("a refusal");
    assert_eq!((spent.code, spent.fix.as_deref()), (Code::BudgetSpent, Some("haco split T-001 --from -")));
}

#[test]
fn a_model_that_nobody_approved_is_not_asked() {
    let sample = Sample::new(&json!({"*/*/worker": reply("x")}));
    let said = draft(&sample.desk(), &sample.id, Some("ollama:other"), &quiet());
    assert_eq!(said.failure.expect("a refusal").code, Code::OutsideApproval);
    assert!(draft(&sample.desk(), &sample.id, Some("judge"), &quiet()).failure.is_none(), "approved is approved");
}

#[test]
fn somebody_else_at_work_is_named() {
    let sample = Sample::new(&json!({"*/*/worker": reply("x")}));
    let desk = sample.desk();
    let _step = desk.store.try_step(&sample.id).expect("tries").expect("is free");
    let failure = draft(&desk, &sample.id, None, &quiet()).failure.expect("busy");
    assert_eq!(failure.code, Code::Busy);
    assert!(failure.message.starts_with("T-001 is held by pid "), "{}", failure.message);
}

#[test]
fn the_failing_output_and_a_persons_words_are_in_the_next_prompt() {
    let sample = Sample::new(&json!({"*/*/worker": reply("a.py\n```\nprint(3)\n```\n")}));
    sample.edit(|t| t.execution.retry_budget = None);
    // The contract is another one now, which nobody approved.
    let refused = draft(&sample.desk(), &sample.id, None, &quiet()).failure.expect("a refusal");
    assert_eq!((refused.code, refused.fix.as_deref()), (Code::IllegalStep, Some("haco approve")));
    sample.edit(|t| t.execution.retry_budget = Some(0));
    assert!(draft(&sample.desk(), &sample.id, None, &quiet()).failure.is_none());
    sample.candidate("print(3)\n", Answer::Fail);
    sample.desk().store.write("evidence/T-001/1/failure.txt", b"E assert 3 == 2\n").expect("writes");
    let desk = sample.desk();
    let past = super::past::of(&desk, &sample.turn().loaded, &sample.ticket()).expect("reads");
    assert_eq!(past.failure, Some((1, "E assert 3 == 2\n".to_owned())));
    sample.edit(|t| {
        let mut decision = Decision::new("rework", "human", "2026-01-01T00:00:00Z", 1);
        decision.feedback = Some("print two".into());
        t.decisions.push(decision);
    });
    assert!(draft(&sample.desk(), &sample.id, None, &quiet()).failure.is_none());
    let prompt = read(&sample, "drafts/T-001/2/0-worker/prompt.md");
    assert!(prompt.contains("print two") && !prompt.contains("E assert"), "{prompt}");
}
