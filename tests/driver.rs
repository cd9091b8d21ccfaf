//! haco: the commands that show and change where things stand.

use crate::{
    greeter::{self, GREETS, GREETS_WRONGLY, approved, audited, planned, records, status, stored, ticket, twice},
    peers::ollama::{Ollama, Reply},
    want::{any, has, json, like},
};
use serde_json::{Value, json};

#[test]
fn list_filters_cuts_and_counts() {
    let tickets = [ticket("T-001", json!({})), twice("T-002", &["T-001"])];
    let sandbox = approved(&greeter::good_model(), &tickets);
    sandbox.run(&["haco", "list", "--ids"]).gives(0, "T-001\nT-002\n", "");
    sandbox.run(&["haco", "list", "--status", "waiting", "--ids"]).gives(0, "T-002\n", "");
    sandbox.run(&["haco", "list", "--status", "shipped", "--ids"]).gives(0, "", "");
    sandbox.run(&["haco", "list", "--status", "nonsense"]).gives(2, "", has("nonsense"));
    let whole = json(|v| {
        v["total"] == 2
            && v["truncated"] == false
            && v["tickets"][1]["id"] == "T-002"
            && v["tickets"][1]["status"] == "waiting"
            && v["tickets"][0]["title"] == "greet.sh greets by name"
    });
    sandbox.run(&["haco", "list", "--json"]).gives(0, whole, "");
    let cut =
        json(|v| v["total"] == 2 && v["truncated"] == true && v["tickets"].as_array().is_some_and(|t| t.len() == 1));
    sandbox.run(&["haco", "list", "--json", "--limit", "1"]).gives(0, cut, "");
    let graph =
        like("a Mermaid graph", |t| (t.starts_with("graph") || t.starts_with("flowchart")) && t.contains("T-001"));
    sandbox.run(&["haco", "list", "--graph"]).gives(0, graph, "");
}

#[test]
fn show_gives_the_ticket_as_it_is_stored() {
    let sandbox = planned(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let kept = stored(&sandbox, "T-001");
    sandbox.run(&["haco", "show", "T-001", "--json"]).gives(
        0,
        json(|v| v["ticket"] == kept && v["status"] == "backlog"),
        "",
    );
    sandbox.run(&["haco", "show", "T-001"]).gives(0, has("greet.sh greets by name"), "");
    sandbox.run(&["haco", "show", "T-999"]).gives(2, "", "haco: [..]'T-999'\nhint: haco list\n");
    sandbox.run(&["haco", "status"]).gives(0, has("T-001"), "");
}

#[test]
fn readers_never_write() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let print = ["find", ".haco", ".git", "-type", "f", "-not", "-path", "*/locks/*", "-exec", "sha256sum", "{}", "+"];
    let before = sandbox.run(&print).gives(0, any(), "").stdout;
    for words in [
        &["haco", "status"][..],
        &["haco", "next"],
        &["haco", "next", "--command"],
        &["haco", "list"],
        &["haco", "show", "T-001"],
        &["haco", "diff", "T-001"],
        &["haco", "log"],
        &["haco", "report"],
        &["haco", "doctor"],
        &["haco-audit", "--prompt", "T-001"],
        &["haco-ship", "--dry-run", "greetings"],
    ] {
        sandbox.run(words).done();
        assert_eq!(sandbox.run(&print).gives(0, any(), "").stdout, before, "{words:?}");
    }
}

#[test]
fn next_prints_a_command_only_where_nobody_must_answer() {
    let server = greeter::good_model();
    let sandbox = planned(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco", "next", "--command"]).gives(3, "", has("haco approve greetings"));
    let gate = json(|v| {
        v["action"] == "approve_scope" && v["actor"] == "human" && v["plan"] == "greetings" && v["ok"] == true
    });
    sandbox.run(&["haco", "next", "--json"]).gives(0, gate, "");
    greeter::approve(&sandbox);
    let mut seen = Vec::new();
    while let done = sandbox.run(&["haco", "next", "--command"]).done()
        && done.status == 0
    {
        let command = done.stdout.trim_end().to_owned();
        assert!(!seen.contains(&command), "{command} did not change the position");
        let ran = sandbox.run(&["sh", "-c", &command]).done();
        assert!(ran.status <= 1, "{command}: {ran:?}");
        seen.push(command);
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    let ask = json(|v| v["action"] == "audit" && v["prompt"].is_string() && v["command"][0] == "haco-audit");
    sandbox.run(&["haco", "next", "--json"]).gives(0, ask, "");
    let empty = greeter::initialised(&server);
    empty.run(&["haco", "next"]).gives(1, any(), any());
    empty.run(&["haco", "next", "--json"]).gives(1, json(|v| v["code"] == "nothing_left"), any());
}

#[test]
fn diff_shows_the_candidate_and_apply_puts_it_into_the_worktree() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco", "diff", "T-001"]).gives(0, has("+echo \"hello, ${1:-world}\""), any());
    sandbox.write("greet.sh", "echo mine\n");
    sandbox.run(&["haco", "apply", "T-001"]).gives(4, "", has("greet.sh"));
    assert_eq!(sandbox.read("greet.sh"), "echo mine\n");
    sandbox.git(&["checkout", "-q", "greet.sh"]).write("mine.txt", "mine\n");
    sandbox.run(&["haco", "apply", "T-001"]).gives(0, any(), any());
    assert_eq!(sandbox.read("greet.sh"), "echo \"hello, ${1:-world}\"\n");
    assert_eq!(sandbox.read("mine.txt"), "mine\n");
    sandbox.run(&["haco", "apply", "T-001"]).gives(0, any(), any());
}

#[test]
fn rework_puts_the_persons_words_into_the_next_prompt() {
    let server = greeter::good_model();
    let sandbox = audited(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco", "rework", "T-001", "--feedback", "-"]).stdin("say it louder").gives(0, any(), any());
    assert_eq!(status(&sandbox, "T-001"), "ready");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    assert!(server.asked().pop().expect("asked").prompt.contains("say it louder"));
}

#[test]
fn a_spent_budget_stops_and_retry_reopens_it() {
    let server = Ollama::start(|q| Reply::text(if q.n <= 2 { GREETS_WRONGLY } else { GREETS }));
    let sandbox =
        approved(&server, &[ticket("T-001", json!({"execution": {"retry_budget": 1, "escalate_to": "human"}}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    for _ in 0..2 {
        sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
        sandbox.run(&["haco-verify", "T-001"]).gives(1, "", any());
    }
    assert_eq!(status(&sandbox, "T-001"), "blocked");
    let done = sandbox.run(&["haco-worker", "T-001"]).done();
    assert!(matches!(done.status, 4 | 5) && server.asked().len() == 2, "{done:?}");
    sandbox.run(&["haco", "retry", "T-001", "--model", "judge:1b"]).gives(4, "", has("judge:1b"));
    sandbox.run(&["haco", "retry", "T-001"]).gives(0, any(), any());
    assert_eq!(status(&sandbox, "T-001"), "ready");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn split_children_wait_for_approval_and_abandoned_work_stays_in_the_files() {
    let sandbox = approved(&greeter::good_model(), &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]);
    let part = ticket("T-003", json!({"title": "greet.sh takes a name"}));
    let children = json!({"tickets": [part]}).to_string();
    sandbox.run(&["haco", "split", "T-001", "--from", "-"]).stdin(children).gives(0, has("T-003"), any());
    assert_eq!(["T-001", "T-003", "T-002"].map(|id| status(&sandbox, id)), ["split", "backlog", "waiting"]);
    sandbox.run(&["haco", "abandon", "T-002", "--reason", "not needed"]).gives(0, any(), any());
    assert_eq!(status(&sandbox, "T-002"), "abandoned");
    let decision = &stored(&sandbox, "T-002")["decisions"][0];
    assert_eq!((&decision["action"], &decision["reason"]), (&json!("abandon"), &json!("not needed")));
    assert_eq!(records(&sandbox, "T-002")[0], 0);
}

#[test]
fn the_log_tells_what_happened_in_order() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let done = sandbox.run(&["haco", "log", "--json"]).gives(0, json(|v| v["events"].is_array()), "");
    let log: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let events: Vec<(u64, &str)> = log["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|e| (e["seq"].as_u64().expect("a number"), e["event"].as_str().expect("a word")))
        .collect();
    assert!(events.len() >= 5, "{events:?}");
    let mut order: Vec<u64> = events.iter().map(|e| e.0).collect();
    order.sort_unstable();
    assert_eq!(order, events.iter().map(|e| e.0).collect::<Vec<_>>());
    sandbox.run(&["haco", "log"]).gives(0, has("T-001"), "");
}

#[test]
fn the_report_says_what_an_accepted_ticket_cost() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    greeter::accept(&sandbox, "greetings");
    sandbox.run(&["haco", "report"]).gives(
        0,
        like("the figure that matters", |t| t.to_lowercase().contains("accepted")),
        any(),
    );
    sandbox.run(&["haco", "report", "--json"]).gives(0, json(|v| v["ok"] == true), any());
}

#[test]
fn every_schema_is_json_and_the_ticket_holds() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let schema = sandbox.run(&["haco", "schema", "ticket"]).gives(0, any(), "").stdout;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let kept = stored(&sandbox, "T-001");
    let wrong: Vec<String> = validator.iter_errors(&kept).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut foreign = kept;
    foreign["colour"] = json!("red");
    assert!(!validator.is_valid(&foreign), "unknown fields are refused");
}

#[test]
fn what_the_programs_print_is_what_the_schemas_say() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    for (name, words) in [
        ("list", &["haco", "list", "--json"][..]),
        ("show", &["haco", "show", "T-001", "--json"]),
        ("next", &["haco", "next", "--json"]),
        ("doctor", &["haco", "doctor", "--json"]),
        ("log", &["haco", "log", "--json"]),
        ("status", &["haco", "status", "--json"]),
        ("report", &["haco", "report", "--json"]),
        ("replay", &["haco", "replay", "T-001", "--json"]),
        ("replay", &["haco", "replay", "T-001", "--model", "judge:1b", "--json"]),
        ("replay", &["haco", "replay", "T-009", "--json"]),
        ("tickets", &["haco-verify", "T-001", "--json"]),
        ("worker", &["haco-worker", "--json", "say hello"]),
        ("models", &["haco", "models", "--json"]),
        ("models", &["haco", "models", "warm", "--json"]),
        ("models", &["haco", "models", "test", "qwen2.5-coder:32b", "--json"]),
        ("models", &["haco", "models", "test", "none", "--json"]),
        ("key", &["haco", "key", "list", "--json"]),
        ("key", &["haco", "key", "rm", "none", "--json"]),
        ("key", &["haco", "key", "test", "anthropic", "--json"]),
        ("failure", &["haco", "diff", "T-999", "--json"]),
    ] {
        let schema = sandbox.run(&["haco", "schema", name]).gives(0, any(), "").stdout;
        let schema: Value = serde_json::from_str(&schema).expect("JSON");
        let said: Value = serde_json::from_str(&sandbox.run(words).done().stdout).expect("one object");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let wrong: Vec<String> = validator.iter_errors(&said).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} in {said}");
    }
}

#[test]
fn a_program_that_is_not_ours_is_found_and_its_status_passed_on() {
    let mut sandbox = greeter::initialised(&greeter::good_model());
    sandbox.write("../bin/haco-foo", "#!/bin/sh\necho \"foo $*\"\nexit 7\n");
    sandbox.run(&["chmod", "+x", "../bin/haco-foo"]).gives(0, "", "");
    let path = format!("{}:{}:/usr/bin:/bin", crate::sandbox::programs().display(), sandbox.path("../bin").display());
    sandbox.set("PATH", path);
    sandbox.run(&["haco", "foo", "a", "--json"]).gives(7, "foo a --json\n", "");
    sandbox.run(&["haco", "nothing-like-it"]).gives(2, "", has("nothing-like-it"));
    sandbox.run(&["haco", "nothing-like-it", "--json"]).gives(2, has("\"code\":\"usage\""), any());
    sandbox.run(&["haco", "verify", "--version"]).gives(0, has("haco-verify "), "");
}

#[test]
fn the_doctor_moves_aside_what_no_plan_names_and_then_is_content() {
    let sandbox = planned(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let lost = sandbox.read(".haco/tickets/T-001.json").replace("T-001", "T-077");
    sandbox.write(".haco/tickets/T-077.json", lost);
    sandbox.run(&["haco", "doctor", "--json"]).gives(
        1,
        json(|v| v["findings"][0]["file"].as_str().is_some_and(|f| f.contains("T-077"))),
        any(),
    );
    sandbox.run(&["haco", "doctor", "--fix"]).gives(0, has("T-077"), any());
    sandbox.run(&["haco", "doctor", "--fix"]).gives(0, any(), any());
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, json(|v| v["findings"] == json!([])), "");
    assert!(!sandbox.path(".haco/tickets/T-077.json").exists());
}
