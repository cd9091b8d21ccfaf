//! The sixteen failures that were seen in HAAO, which haco's users must not meet, each by its name.

use crate::{
    greeter::{self, GREETS, approved, audited, records, status, stored, tested, ticket, twice, verdict},
    peers::ollama::{Ollama, Reply},
    want::{any, has, like},
};
use serde_json::json;
use std::time::Duration;

fn other_file(name: &str) -> serde_json::Value {
    ticket(
        "T-002",
        json!({
        "title": format!("make {name}"),
        "task": {"target_files": [], "new_files": [name]},
        "definition_of_done": {"tests": [{"command": format!("test -s {name}")}]}}),
    )
}

fn drafts_either(name: &'static str) -> Ollama {
    Ollama::start(move |q| {
        let other = q.prompt.contains(&format!(": make {name}"));
        Reply::text(if other { format!("{name}\n```sh\necho bye\n```\n") } else { GREETS.to_owned() })
    })
}

#[test]
fn failure_01_a_second_worker_does_not_delete_the_firsts_worktree() {
    let server = drafts_either("bye.sh");
    let sandbox =
        approved(&server, &[tested("T-001", "grep -q world greet.sh || exit 1; sleep 1"), other_file("bye.sh")]);
    sandbox.run(&["haco", "run", "-j4"]).gives(3, any(), any());
    assert_eq!(["T-001", "T-002"].map(|id| status(&sandbox, id)), ["review"; 2]);
    assert_eq!(records(&sandbox, "T-001")[0], 1);
}

#[test]
fn failure_02_a_server_that_is_down_is_not_asked_for_ever() {
    let server = greeter::good_model();
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    drop(server);
    sandbox.run(&["haco", "run"]).gives(69, "", has("no server listens there"));
    assert_eq!(records(&sandbox, "T-001")[0], 0, "it cost no try");
}

#[test]
fn failure_03_a_check_of_any_language_runs_and_one_that_cannot_ends_the_loop() {
    for command in ["cargo-no-such test", "go-no-such test ./..."] {
        let server = greeter::good_model();
        let sandbox = approved(&server, &[tested("T-001", command)]);
        sandbox.run(&["haco", "run"]).gives(125, any(), any());
        assert!(server.asked().is_empty(), "no model was called for it");
    }
}

#[test]
fn failure_04_nothing_is_redacted_in_source() {
    let secret = "sk-ant-REDACTED";
    let reply = format!("greet.sh\n```sh\n# {secret}\necho \"hello, ${{1:-world}}\"\n```\n");
    let server = Ollama::saying(Reply::text(reply));
    let sandbox = greeter::verified(&server, &[ticket("T-001", json!({}))]);
    assert!(sandbox.git_says(&["show", "refs/haco/T-001/1:greet.sh"]).contains(secret));
}

#[test]
fn failure_05_new_files_can_be_created() {
    let server = drafts_either("deep/er/bye.sh");
    let sandbox = approved(&server, &[other_file("deep/er/bye.sh")]);
    let id = sandbox.run(&["haco", "list", "--ids"]).gives(0, any(), "").stdout.trim().to_owned();
    for words in [&["haco-verify", "--baseline", &id][..], &["haco-worker", &id], &["haco-verify", &id]] {
        sandbox.run(words).gives(0, format!("{id}\n"), any());
    }
    assert_eq!(sandbox.git_says(&["show", &format!("refs/haco/{id}/1:deep/er/bye.sh")]), "echo bye");
}

#[test]
fn failure_06_static_checks_run_and_first() {
    let checks = json!({"definition_of_done": {"static_checks": ["! grep -q 'hello,' greet.sh"]}});
    let sandbox = greeter::drafted(&greeter::good_model(), &[ticket("T-001", checks)]);
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", any());
    let verdicts = stored(&sandbox, "T-001")["verdicts"].clone();
    let checks: Vec<&str> = verdicts.as_array().expect("verdicts").iter().filter_map(|v| v["check"].as_str()).collect();
    assert!(checks.iter().any(|c| c.starts_with("dod/static/")), "{checks:?}");
}

#[test]
fn failure_07_there_is_no_way_around_gate_one() {
    let server = greeter::good_model();
    let sandbox = greeter::planned(&server, &[ticket("T-001", json!({}))]);
    for words in [
        &["haco-worker", "T-001"][..],
        &["haco-verify", "T-001"],
        &["haco-verify", "--baseline", "T-001"],
        &["haco-verify", "--worktree", "T-001"],
        &["haco-audit", "T-001"],
        &["haco-ship", "greetings"],
    ] {
        let done = sandbox.run(words).done();
        assert!(matches!(done.status, 3 | 4), "{words:?}: {done:?}");
    }
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert!(server.asked().is_empty());
    assert_eq!(records(&sandbox, "T-001"), [0; 3]);
}

#[test]
fn failure_08_excluding_a_ticket_deadlocks_nothing() {
    let server = greeter::good_model();
    let sandbox = greeter::planned(&server, &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]);
    let done = sandbox.at_terminal(&["haco", "approve", "--exclude", "T-002"], &[("[y/N] ", "y\n")]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert_eq!(["T-001", "T-002"].map(|id| status(&sandbox, id)), ["review", "abandoned"]);
}

#[test]
fn failure_09_a_reply_that_drops_most_of_a_file_is_refused_and_the_last_line_end_stays() {
    let long: String = (1..=150).map(|n| format!("echo line {n}\n")).collect();
    let server = Ollama::start(|_| Reply::text("long.sh\n```sh\necho line 1\necho more\n```\n"));
    let mut sandbox = crate::sandbox::Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.write("long.sh", long).commit("long").run(&["haco", "init"]).gives(0, any(), any());
    let tests = json!([{"command": "grep -q more long.sh"}]);
    let one = ticket(
        "T-001",
        json!({"task": {"target_files": ["long.sh"]}, "definition_of_done": {"tests": tests},
                                     "execution": {"edit_format": "whole"}}),
    );
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(greeter::plan("p", &[one])).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    let drafts = sandbox.run(&["haco-worker", "T-001"]).done();
    let checks = sandbox.run(&["haco-verify", "T-001"]).done();
    assert!(drafts.status == 1 || checks.status == 1, "{drafts:?} {checks:?}");
    assert_eq!(sandbox.git_says(&["for-each-ref", "refs/haco"]), "");
    let sandbox = greeter::verified(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let ends = sandbox.run(&["git", "show", "refs/haco/T-001/1:greet.sh"]);
    ends.gives(0, like("a line end at the end", |t| t.ends_with("}\"\n")), "");
}

#[test]
fn failure_10_a_wall_that_cannot_be_had_is_never_left_out_in_silence() {
    let mut sandbox = greeter::drafted(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    // The repository may not allow it, whatever it says.
    sandbox.write(".haco/config.json", json!({"verify": {"allow_weaker": ["net"]}}).to_string());
    sandbox.set("HACO_UNCONFINED", "1");
    let done = sandbox.run(&["haco-verify", "T-001"]).done();
    let checks = sandbox.run(&["sh", "-c", "cat .haco/evidence/T-001/1/checks.json"]).done().stdout;
    assert!(done.status == 0 && checks.contains("net") || matches!(done.status, 3 | 4 | 78 | 125), "{done:?} {checks}");
}

#[test]
fn failure_11_a_failed_decomposition_says_so_and_can_be_repeated() {
    let server = Ollama::start(|q| match q.n {
        1..=3 => Reply::text("no"),
        _ => greeter::answer(q),
    });
    let sandbox = greeter::initialised(&server);
    greeter::routed(&sandbox, true);
    assert_ne!(sandbox.run(&["haco-plan", "greet people by name"]).done().status, 0);
    let again = sandbox.run(&["haco", "next"]).done();
    if again.status == 0 {
        assert_eq!(greeter::next(&sandbox)["action"], "decompose");
        sandbox.run(&["haco", "run"]).gives(3, any(), any());
    } else {
        sandbox.run(&["haco-plan", "greet people by name"]).gives(0, any(), any());
    }
    sandbox.run(&["haco", "list", "--ids"]).gives(0, "T-001\nT-002\n", "");
}

#[test]
fn failure_12_an_auditor_that_is_away_starves_nobody() {
    let server = Ollama::start(|q| match q.model.as_str() {
        "judge:1b" => Reply::Drop,
        _ if q.prompt.contains(": make bye.sh") => {
            Reply::slow(Duration::from_secs(1), Reply::text("bye.sh\n```sh\necho bye\n```\n"))
        }
        _ => Reply::text(GREETS),
    });
    let sandbox = greeter::initialised(&server);
    greeter::routed(&sandbox, false);
    let text = greeter::plan("p", &[ticket("T-001", json!({})), other_file("bye.sh")]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    greeter::approve(&sandbox);
    assert_ne!(sandbox.run(&["haco", "run", "-j1"]).done().status, 0);
    assert_eq!(["T-001", "T-002"].map(|id| status(&sandbox, id)), ["review"; 2]);
}

#[test]
fn failure_13_a_dependent_goes_on_once_what_it_builds_on_is_audited() {
    let server = greeter::good_model();
    let sandbox = audited(&server, &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]);
    for words in [&["haco-verify", "--baseline", "T-002"][..], &["haco-worker", "T-002"], &["haco-verify", "T-002"]] {
        sandbox.run(words).gives(0, "T-002\n", any());
    }
    assert_eq!(
        sandbox.git_says(&["rev-parse", "refs/haco/T-002/1^"]),
        sandbox.git_says(&["rev-parse", "refs/haco/T-001/1"])
    );
}

#[test]
fn failure_14_a_person_is_asked_twice_and_no_third_time() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    greeter::with_remote(&sandbox);
    greeter::routed(&sandbox, true);
    sandbox.run(&["haco-plan", "greet people by name"]).gives(0, "T-001\nT-002\n", any());
    let mut asked = Vec::new();
    while sandbox.run(&["haco", "run"]).done().status == 3 {
        let next = greeter::next(&sandbox);
        asked.push(next["action"].as_str().expect("a word").to_owned());
        let words: Vec<&str> = next["command"].as_array().expect("words").iter().filter_map(|w| w.as_str()).collect();
        assert_eq!(sandbox.at_terminal(&words, &[("[y/N] ", "y\n")]).status, 0);
        assert!(asked.len() <= 2, "{asked:?}");
    }
    assert_eq!(asked, ["approve_scope", "accept"]);
    assert!(sandbox.git_says(&["ls-remote", "origin"]).contains("refs/heads/haco/"));
}

#[test]
fn failure_15_any_file_gets_into_the_context_and_the_lead_sees_the_code() {
    let server = greeter::good_model();
    let mut sandbox = crate::sandbox::Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.write("lib.go", "package greet // the marker in go\n").commit("go");
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    sandbox.run(&["haco-plan", "greet people by name", "--context", "lib.go"]).gives(3, any(), any());
    let next = greeter::next(&sandbox);
    let prompt = next["prompt"].as_str().expect("a prompt");
    assert!(prompt.contains("the marker in go") && prompt.contains("greet.sh"), "{prompt}");
    let context = json!({"context": {"files": [{"path": "lib.go", "reason": "the names"}]}});
    let answer = json!({"tickets": [ticket("T-001", context)]}).to_string();
    let plan = next["plan"].as_str().expect("a plan");
    sandbox.run(&["haco-plan", "--plan", plan, "--from", "-"]).stdin(answer).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, any(), any());
    assert!(server.asked().pop().expect("asked").prompt.contains("the marker in go"));
}

#[test]
fn failure_16_a_time_out_is_called_one_and_cost_is_counted_per_accepted_ticket() {
    let mut slow = tested("T-001", "grep -q world greet.sh || exit 1; sleep 60");
    slow["definition_of_done"]["tests"][0]["timeout_sec"] = json!(1);
    let sandbox = greeter::drafted(&greeter::good_model(), &[slow]);
    sandbox.run(&["haco-verify", "T-001"]).gives(
        1,
        "",
        like("a time-out", |t| t.contains("1 s") || t.contains("time")),
    );
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    greeter::accept(&sandbox, "greetings");
    sandbox.run(&["haco", "report"]).gives(0, has("per accepted  $0.0000"), any());
}

#[test]
fn an_audit_by_the_same_model_is_none() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    sandbox.write(".haco/config.json", json!({"roles": {"auditor": [greeter::MODEL, "human"]}}).to_string());
    let text = greeter::plan("p", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert_eq!((status(&sandbox, "T-001").as_str(), server.asked().len()), ("review", 1));
    let pass = verdict("pass", &[]).to_string();
    sandbox.run(&["haco-audit", "T-001"]).stdin(pass).gives(3, "", any());
}
