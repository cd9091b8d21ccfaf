//! haco replay: the record comes out the same, what does not is named, and the record is not touched.

use crate::{
    greeter::{self, GREETS, GREETS_WRONGLY, MODEL, approve, initialised, ticket, verdict},
    peers::ollama::{Ollama, Question, Reply},
    sandbox::Sandbox,
    want::{any, has, json},
};
use serde_json::json;

/// A model that is wrong the first time, an auditor that passes, and two others: one that is right at once, one that never is.
fn server() -> Ollama {
    Ollama::with_models(&[MODEL, "judge:1b", "good:1b", "bad:1b"], |question: &Question| {
        if question.prompt.contains("You audit one change") {
            return Reply::text(verdict("pass", &[]).to_string());
        }
        let mended = question.prompt.contains("What went wrong in attempt");
        let good = question.model == "good:1b" || question.model == MODEL && mended;
        Reply::text(if good { GREETS } else { GREETS_WRONGLY })
    })
}

/// A ticket that went through the loop to a person's acceptance, with a failed attempt and a mended one.
fn accepted(server: &Ollama) -> Sandbox {
    let sandbox = initialised(server);
    greeter::routed(&sandbox, false);
    let plan = greeter::plan("greetings", &[ticket("T-001", json!({"execution": {"retry_budget": 1}}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    approve(&sandbox);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert_eq!(greeter::records(&sandbox, "T-001")[0], 2);
    greeter::accept(&sandbox, "T-001");
    sandbox
}

/// Every file below `.haco/` and every ref, by its hash.
fn state(sandbox: &Sandbox) -> String {
    let files =
        "find .haco -type f -print0 | sort -z | xargs -0 sha256sum; git for-each-ref; find .git -type f | wc -l";
    sandbox.run(&["sh", "-c", files]).gives(0, any(), "").stdout
}

#[test]
fn a_failed_attempt_and_the_mended_one_come_out_the_same_without_a_server() {
    let server = server();
    let sandbox = accepted(&server);
    drop(server);
    let before = state(&sandbox);
    sandbox.run(&["haco", "replay", "T-001"]).gives(0, "T-001: its 2 attempts came out the same\n", "");
    let same = |v: &serde_json::Value| v["ok"] == true && v["attempts"] == 2 && v["ticket"] == "T-001";
    sandbox.run(&["haco", "replay", "--json", "T-001"]).gives(0, json(same), "");
    assert_eq!(state(&sandbox), before, "the record is not touched");
}

#[test]
fn a_reply_that_is_not_the_recorded_one_is_named() {
    let sandbox = accepted(&server());
    sandbox.write(".haco/drafts/T-001/2/0-worker/reply.md", GREETS_WRONGLY);
    let named = has("T-001: attempt 2: .haco/drafts/T-001/2/0-worker/reply.md: recorded '");
    sandbox.run(&["haco", "replay", "T-001"]).gives(1, "", named);
    let difference = |v: &serde_json::Value| {
        v["code"] == "replay_differs" && v["difference"]["attempt"] == 2 && v["difference"]["recorded"].is_string()
    };
    sandbox.run(&["haco", "replay", "--json", "T-001"]).gives(1, json(difference), any());
}

#[test]
fn another_template_makes_another_prompt_and_the_line_is_named() {
    let sandbox = accepted(&server());
    let text = sandbox.read(".haco/drafts/T-001/1/0-worker/call.json").replace(MODEL, "other:9b");
    sandbox.write(".haco/drafts/T-001/1/0-worker/call.json", text);
    sandbox.run(&["haco", "replay", "T-001"]).gives(0, any(), any());
    sandbox.write(".haco/prompts/draft.md", "Just do it.");
    sandbox.run(&["haco", "replay", "T-001"]).gives(1, "", has("T-001: attempt 1: "));
}

#[test]
fn a_check_that_answers_otherwise_is_named() {
    let server = server();
    let mut sandbox = initialised(&server);
    greeter::routed(&sandbox, false);
    sandbox.write("../home/.config/haco/config.json", json!({"verify": {"env": ["MOOD"]}}).to_string());
    sandbox.set("MOOD", "fine");
    let moody = "test \"$(sh greet.sh Ada)\" = 'hello, Ada' && test \"$MOOD\" = fine";
    let plan = greeter::plan("greetings", &[greeter::tested("T-001", moody)]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    approve(&sandbox);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    sandbox.run(&["haco", "replay", "T-001"]).gives(0, any(), any());
    sandbox.set("MOOD", "bad");
    sandbox.run(&["haco", "replay", "T-001"]).gives(
        1,
        "",
        "haco: T-001: attempt 2: dod/1: recorded 'pass', now 'fail[..]'\nhint: haco replay --keep ../replay-T-001 T-001\n",
    );
    sandbox.run(&["haco", "replay", "--keep", "../replay-T-001", "T-001"]).gives(1, "", any());
    sandbox.run(&["haco", "show", "T-001"]).within(sandbox.path("../replay-T-001")).gives(0, has("attempt 2"), "");
    sandbox.run(&["haco", "replay", "--keep", "../replay-T-001", "T-001"]).gives(2, "", has("is there already"));
    sandbox.run(&["haco", "replay", "T-001"]).within(sandbox.path("../replay-T-001")).gives(4, "", any());
}

#[test]
fn another_model_is_tried_beside_the_record() {
    let mut sandbox = accepted(&server());
    // Where the model of the record is now is not where it was: it is not asked.
    let server = server();
    sandbox.set("OLLAMA_HOST", server.host());
    let before = state(&sandbox);
    let good = "T-001: 'good:1b' would have passed with attempt 1: 50 tokens in 1 call, $0.0000; recorded: 100 tokens in 2 calls, $0.0000\n";
    sandbox.run(&["haco", "replay", "--model", "good:1b", "T-001"]).gives(0, good, "");
    let bad = |v: &serde_json::Value| {
        v["passed"] == false && v["code"] == "checks_failed" && v["attempts"] == 2 && v["cost"]["calls"] == 2
    };
    sandbox.run(&["haco", "replay", "--model", "bad:1b", "--json", "T-001"]).gives(1, json(bad), any());
    sandbox.run(&["haco", "replay", "--model", "none:1b", "T-001"]).gives(69, "", has("none:1b"));
    sandbox.run(&["haco", "replay", "--model", "anthropic:claude", "T-001"]).gives(4, "", has("costs money"));
    assert_eq!(state(&sandbox), before, "the record is not touched");
    let asked = server.asked();
    assert!(asked.iter().all(|q| q.model == "good:1b" || q.model == "bad:1b"), "nobody else is asked");
}

#[test]
fn what_was_never_tried_has_nothing_to_replay() {
    let server = server();
    let sandbox = greeter::approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco", "replay", "T-001"]).gives(1, "", has("no attempt was made"));
    sandbox.run(&["haco", "replay", "T-009"]).gives(2, "", any());
}

#[test]
fn what_people_and_the_supervisor_did_is_taken_over_at_its_time() {
    let server = Ollama::start(|question: &Question| match question.prompt.contains("twice.sh greets twice") {
        true => Reply::text(greeter::GREETS_TWICE),
        // What an auditor rejected is rejected for good: no two drafts are the same.
        false => Reply::text(GREETS.replace("echo", &format!("# {}\necho", question.n))),
    });
    let sandbox = greeter::verified(&server, &[ticket("T-001", json!({})), greeter::twice("T-002", &["T-001"])]);
    let judge = |word: &str| {
        let findings = if word == "pass" { vec![] } else { vec![json!({"severity": "high", "message": "too terse"})] };
        let status = i32::from(word != "pass");
        let words = ["haco-audit", "T-001", "--verdict", "-"];
        sandbox.run(&words).stdin(verdict(word, &findings).to_string()).gives(status, any(), any());
    };
    judge("fail");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-verify", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco", "rework", "T-001", "--feedback", "say who is greeted"]).gives(0, any(), any());
    sandbox.write("greet.sh", "echo \"hello, ${1:-you}\"\n");
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco", "rework", "T-001", "--feedback", "the world after all"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-verify", "T-001"]).gives(0, any(), any());
    judge("pass");
    for words in [&["haco-verify", "--baseline", "T-002"][..], &["haco-worker", "T-002"], &["haco-verify", "T-002"]] {
        sandbox.run(words).gives(0, any(), any());
    }
    drop(server);
    let before = state(&sandbox);
    sandbox.run(&["haco", "replay", "T-001"]).gives(0, "T-001: its 4 attempts came out the same\n", "");
    sandbox.run(&["haco", "replay", "T-002"]).gives(0, "T-002: its attempt came out the same\n", "");
    assert_eq!(state(&sandbox), before, "the record is not touched");
}
