//! haco run: everything that needs nobody's answer, in a loop.

use crate::{
    greeter::{self, GREETS, GREETS_WRONGLY, approved, records, status, ticket, twice, with_remote},
    peers::ollama::{Ollama, Reply},
    want::{any, like},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Tickets of one new file each, on which nothing depends.
fn apart(count: usize) -> Vec<Value> {
    let one = |n: usize| {
        let file = format!("f{n}.txt");
        ticket(
            &format!("T-{n:03}"),
            json!({
            "title": format!("file {n}"),
            "task": {"description": "Make it.", "target_files": [], "new_files": [file]},
            "definition_of_done": {"tests": [{"command": format!("test -s {file}")}]}}),
        )
    };
    (1..=count).map(one).collect()
}

/// The draft of the ticket that a prompt is about.
fn its_file(prompt: &str) -> Reply {
    let n: usize = (1..100).find(|n| prompt.contains(&format!(": file {n}\n"))).expect("the title is in the prompt");
    Reply::text(format!("f{n}.txt\n```\n{n}\n```\n"))
}

#[test]
fn stops_at_each_gate_with_the_command_and_ships_what_was_accepted() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    with_remote(&sandbox);
    greeter::routed(&sandbox, false);
    let text = greeter::plan("greetings", &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    sandbox.run(&["haco", "run"]).gives(3, any(), like("gate 1", |t| t.contains("haco approve greetings")));
    greeter::approve(&sandbox);
    sandbox.run(&["haco", "run"]).gives(3, any(), like("gate 2", |t| t.contains("haco accept greetings")));
    assert_eq!(["T-001", "T-002"].map(|id| status(&sandbox, id)), ["awaiting_acceptance"; 2]);
    greeter::accept(&sandbox, "greetings");
    let done = sandbox.run(&["haco", "run"]).done();
    assert!(matches!(done.status, 0 | 1), "{done:?}");
    assert!(sandbox.git_says(&["ls-remote", "origin"]).ends_with("refs/heads/haco/greetings"));
    sandbox.run(&["haco", "run"]).gives(1, any(), any());
}

#[test]
fn a_failed_draft_is_tried_again_within_its_budget() {
    let server = Ollama::start(|q| match (q.model.as_str(), q.n) {
        ("judge:1b", _) => Reply::text(greeter::verdict("pass", &[]).to_string()),
        (_, 1) => Reply::text(GREETS_WRONGLY),
        _ => Reply::text(GREETS),
    });
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert_eq!((status(&sandbox, "T-001").as_str(), records(&sandbox, "T-001")[0]), ("review", 2));
}

#[test]
fn until_is_where_it_ends() {
    let sandbox = approved(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco", "run", "--until", "approved"]).gives(0, any(), any());
    assert_eq!(records(&sandbox, "T-001")[0], 0);
    sandbox.run(&["haco", "run", "--until", "nonsense"]).gives(2, "", any());
}

#[test]
fn workers_run_side_by_side_within_the_models_limit() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
    let server = Ollama::start(move |q| {
        peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(700));
        inside.fetch_sub(1, Ordering::SeqCst);
        its_file(&q.prompt)
    });
    let sandbox = approved(&server, &apart(4));
    sandbox.run(&["haco", "run", "-j4"]).gives(3, any(), any());
    assert!(most.swap(0, Ordering::SeqCst) > 1, "nothing ran side by side");
    let sandbox = greeter::initialised(&server);
    let config = json!({"models": {greeter::MODEL: {"provider": "ollama", "model": greeter::MODEL, "parallel": 1}}});
    sandbox.write(".haco/config.json", config.to_string());
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(greeter::plan("p", &apart(3))).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox.run(&["haco", "run", "-j4"]).gives(3, any(), any());
    assert_eq!(most.load(Ordering::SeqCst), 1, "the model takes one at a time");
}

#[test]
fn each_line_of_json_is_an_object() {
    let server = greeter::good_model();
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    let lines = like("JSON Lines", |t| {
        t.lines().count() >= 3 && t.lines().all(|l| serde_json::from_str::<Value>(l).is_ok_and(|v| v.is_object()))
    });
    sandbox.run(&["haco", "run", "--json"]).gives(3, lines, any());
}

#[test]
fn stop_lets_the_steps_in_hand_end() {
    let server = Ollama::start(|q| Reply::slow(Duration::from_secs(2), its_file(&q.prompt)));
    let sandbox = approved(&server, &apart(6));
    let words = ["haco", "run", "-j1"].map(str::to_owned);
    let mut run = sandbox
        .command(&words)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("runs");
    while server.asked().is_empty() && run.try_wait().expect("waits").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    sandbox.run(&["haco", "stop"]).gives(0, any(), any());
    run.wait().expect("it ends");
    let asked = server.asked().len();
    assert!(asked < 6, "it went on");
    let drafted = (1..=6).filter(|n| records(&sandbox, &format!("T-{n:03}"))[0] > 0).count();
    assert_eq!(drafted, asked, "a step in hand ended");
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, any(), "");
    sandbox.run(&["haco", "stop"]).done();
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
}
