//! haco-audit: somebody who did not write it judges what passed its checks.

use crate::{
    greeter::{self, GREETS, approved, audited, records, status, ticket, verdict, verified},
    peers::ollama::{Ollama, Question, Reply},
    sandbox::Sandbox,
    want::{any, has, json},
};
use serde_json::{Value, json};

/// T-001 with its checks passed, and an auditor that is a model which answers so.
fn before(judge: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> (Ollama, Sandbox) {
    let server = Ollama::start(move |q| if q.model == "judge:1b" { judge(q) } else { Reply::text(GREETS) });
    let sandbox = greeter::initialised(&server);
    greeter::routed(&sandbox, false);
    let text = greeter::plan("greetings", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    greeter::approve(&sandbox);
    for words in [&["haco-verify", "--baseline", "T-001"][..], &["haco-worker", "T-001"], &["haco-verify", "T-001"]] {
        sandbox.run(words).gives(0, "T-001\n", any());
    }
    (server, sandbox)
}

fn finding(severity: &str) -> Value {
    json!({"severity": severity, "file": "greet.sh", "line": 1, "message": "quote it"})
}

#[test]
fn a_model_passes_what_it_was_shown() {
    let (server, sandbox) = before(|_| Reply::text(verdict("pass", &[]).to_string()));
    sandbox.run(&["haco-audit", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(status(&sandbox, "T-001"), "awaiting_acceptance");
    let calls = server.asked().len();
    sandbox.run(&["haco-audit", "T-001"]).gives(0, "T-001\n", has("already passed its audit"));
    assert_eq!(server.asked().len(), calls, "nobody is asked twice");
    let asked = server.asked().pop().expect("it was asked");
    for part in ["+echo \"hello, ${1:-world}\"", "greet.sh Ada prints", "dod/", "<<<DATA"] {
        assert!(asked.prompt.contains(part), "no '{part}' in {}", asked.prompt);
    }
}

#[test]
fn a_rejection_goes_into_the_next_prompt() {
    let (server, sandbox) = before(|_| Reply::text(verdict("fail", &[finding("high")]).to_string()));
    sandbox.run(&["haco-audit", "T-001"]).gives(
        1,
        "",
        "T-001: [..]\nhaco-audit: T-001: [..]quote it\nhint: haco show T-001\n",
    );
    assert_eq!(status(&sandbox, "T-001"), "ready");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    assert!(server.asked().pop().expect("asked").prompt.contains("quote it"));
}

#[test]
fn the_words_of_other_systems_are_read() {
    let (_server, sandbox) = before(|_| Reply::text(verdict("pass", &[]).to_string().replace("pass", "approved")));
    sandbox.run(&["haco-audit", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn garbage_is_repaired_once_and_then_blocks() {
    let (server, sandbox) = before(|_| Reply::text("Looks good to me!"));
    let drafts = server.asked().len();
    sandbox.run(&["haco-audit", "T-001"]).gives(
        125,
        "",
        "T-001: [..]\nT-001: [..]\nhaco-audit: T-001: [..]no usable verdict[..]\nhint: haco-audit T-001\n",
    );
    assert_eq!(server.asked().len() - drafts, 2);
    assert_ne!(status(&sandbox, "T-001"), "awaiting_acceptance");
    assert_eq!(records(&sandbox, "T-001")[0], 1, "it cost no try");
    let (_server, sandbox) = before(|q| match q.prompt.contains("Your last answer was not valid") {
        false => Reply::text("Looks good to me!"),
        true => Reply::text(verdict("pass", &[]).to_string()),
    });
    sandbox.run(&["haco-audit", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn an_auditor_that_is_away_approves_nothing_and_is_asked_again() {
    let away = std::sync::atomic::AtomicBool::new(true);
    let (_server, sandbox) = before(move |_| match away.swap(false, std::sync::atomic::Ordering::SeqCst) {
        true => Reply::Refused(400, "the model does not load".to_owned()),
        false => Reply::text(verdict("pass", &[]).to_string()),
    });
    sandbox.run(&["haco-audit", "T-001"]).gives(69, "", "T-001: [..]\nhaco-audit: T-001: [..]\nhint: [..]\n");
    assert_eq!(status(&sandbox, "T-001"), "review");
    sandbox.run(&["haco-audit", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn a_malformed_verdict_of_the_supervisor_is_wrong_usage_and_records_nothing() {
    let sandbox = verified(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let before = records(&sandbox, "T-001");
    let no_such = json!({"severity": "low", "file": "nowhere.sh", "line": 1, "message": "x"});
    let past_the_end = json!({"severity": "low", "file": "greet.sh", "line": 99, "message": "x"});
    for bad in [
        "looks good".to_owned(),
        "{}".to_owned(),
        json!({"verdict": "pass", "criteria": [], "findings": []}).to_string(),
        json!({"verdict": "pass", "criteria": [{"met": false}], "findings": []}).to_string(),
        verdict("pass", &[finding("high")]).to_string(),
        verdict("pass", &[finding("blocker")]).to_string(),
        verdict("pass", &[no_such]).to_string(),
        verdict("pass", &[past_the_end]).to_string(),
        verdict("maybe", &[]).to_string(),
    ] {
        let call = sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(bad.clone());
        let done = call.gives(2, "", any());
        assert!(done.stderr.starts_with("haco-audit: "), "{bad}: {done:?}");
        assert_eq!(records(&sandbox, "T-001"), before, "{bad}");
    }
    let low = verdict("pass", &[finding("low")]).to_string();
    sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(low).gives(0, "T-001\n", any());
}

#[test]
fn the_prompt_is_printed_and_nothing_changes() {
    let sandbox = verified(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let before = sandbox.read(".haco/tickets/T-001.json");
    sandbox.run(&["haco-audit", "--prompt", "T-001"]).gives(0, has("You audit one change"), any());
    assert_eq!(sandbox.read(".haco/tickets/T-001.json"), before);
    assert_eq!(greeter::next(&sandbox)["prompt"].as_str().map(|p| p.contains("You audit one change")), Some(true));
}

#[test]
fn the_author_of_a_draft_does_not_audit_it() {
    let sandbox = approved(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    sandbox.write("greet.sh", "echo \"hello, ${1:-world}\"\n");
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(0, "T-001\n", any());
    let before = records(&sandbox, "T-001");
    let pass = verdict("pass", &[]).to_string();
    let said = json(|v| v["code"] == "same_author" && v["ok"] == false);
    sandbox.run(&["haco-audit", "T-001", "--verdict", "-", "--json"]).stdin(pass).gives(4, said, any());
    assert_eq!(records(&sandbox, "T-001"), before);
}

#[test]
fn a_person_audits_at_a_terminal_and_nowhere_else() {
    let sandbox = verified(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-audit", "T-001"]).stdin("y\n").gives(
        3,
        "",
        "haco-audit: [..]\nhint: [..]haco-audit[..]T-001[..]\n",
    );
    let answers = [("[y/n] ", "y\n"), ("[y/n] ", "y\n")];
    let done = sandbox.at_terminal(&["haco-audit", "T-001"], &answers);
    assert_eq!(done.status, 0, "{}", done.stdout);
    assert!(done.stdout.contains("hello, ${1:-world}"), "it shows the change: {}", done.stdout);
    assert_eq!(status(&sandbox, "T-001"), "awaiting_acceptance");
}

#[test]
fn nothing_is_audited_before_its_checks_passed() {
    let sandbox = greeter::drafted(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let pass = verdict("pass", &[]).to_string();
    sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(pass).gives(4, "", "haco-audit: [..]\n...\n");
}

#[test]
fn who_is_done_says_so() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let before = records(&sandbox, "T-001");
    let pass = verdict("pass", &[]).to_string();
    let done = sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(pass).done();
    assert!(matches!(done.status, 0 | 4), "{done:?}");
    assert_eq!(records(&sandbox, "T-001"), before);
}
