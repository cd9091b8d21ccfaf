//! The whole loop, three times with three drivers that know nothing of each other: all end with the same tree.

use crate::{
    greeter::{self, accept, approve, ticket, twice, verdict, with_remote},
    sandbox::{Sandbox, root},
    want::{any, has},
};
use serde_json::{Value, json};

fn tickets() -> [Value; 2] {
    [ticket("T-001", json!({})), twice("T-002", &["T-001"])]
}

/// The tree that arrived at the remote.
fn shipped(sandbox: &Sandbox) -> String {
    let refs = sandbox.git_says(&["ls-remote", "origin", "refs/heads/haco/*"]);
    let [commit, _] = refs.split_whitespace().collect::<Vec<_>>()[..] else { panic!("one branch: '{refs}'") };
    sandbox.git_says(&["rev-parse", &format!("{commit}^{{tree}}")])
}

/// A script that knows `haco next` and the supervisor's answers; a person at a terminal does the gates.
fn by_a_supervisor() -> String {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    with_remote(&sandbox);
    sandbox.write("../answers/decompose.json", json!({"tickets": tickets()}).to_string());
    sandbox.write("../answers/audit.json", verdict("pass", &[]).to_string());
    sandbox.run(&["haco", "plan", "greet people by name"]).gives(3, any(), any());
    let script = root().join("tests/samples/supervisor.sh");
    let script = script.to_str().expect("a path");
    let mut gates = Vec::new();
    loop {
        let done = sandbox.run(&["bash", script, "../answers"]).done();
        match done.status {
            0 => break,
            3 => {}
            _ => panic!("{done:?}"),
        }
        let gate = done.stdout.lines().last().expect("the person's command").to_owned();
        let words: Vec<&str> = gate.split(' ').collect();
        let asked = sandbox.at_terminal(&words, &[("[y/N] ", "y\n")]);
        assert_eq!(asked.status, 0, "{gate}: {}", asked.stdout);
        gates.push(words[1].to_owned());
    }
    assert_eq!(gates, ["approve", "accept"]);
    shipped(&sandbox)
}

/// A person types every command.
fn by_hand() -> String {
    let server = greeter::good_model();
    let sandbox = greeter::planned(&server, &tickets());
    with_remote(&sandbox);
    approve(&sandbox);
    for id in ["T-001", "T-002"] {
        for words in [&["haco-verify", "--baseline", id][..], &["haco-worker", id], &["haco-verify", id]] {
            sandbox.run(words).gives(0, format!("{id}\n"), any());
        }
        let done = sandbox.at_terminal(&["haco-audit", id], &[("[y/n] ", "y\n"), ("[y/n] ", "y\n")]);
        assert_eq!(done.status, 0, "{}", done.stdout);
    }
    sandbox.run(&["haco-verify", "greetings"]).gives(0, any(), any());
    accept(&sandbox, "greetings");
    sandbox.run(&["haco-ship", "greetings"]).gives(0, any(), any());
    shipped(&sandbox)
}

/// Models plan and audit too, and a person does the gates.
fn by_itself() -> String {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    with_remote(&sandbox);
    greeter::routed(&sandbox, true);
    sandbox.run(&["haco", "plan", "greet people by name"]).gives(0, "T-001\nT-002\n", any());
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    approve(&sandbox);
    sandbox.run(&["haco", "run", "-j2"]).gives(3, any(), any());
    let plan = greeter::next(&sandbox)["plan"].as_str().expect("a plan").to_owned();
    accept(&sandbox, &plan);
    let last = sandbox.run(&["haco", "run"]).done();
    assert!(matches!(last.status, 0 | 1), "{last:?}");
    shipped(&sandbox)
}

#[test]
fn three_drivers_end_with_the_same_tree() {
    let [supervised, typed, run] = [by_a_supervisor(), by_hand(), by_itself()];
    assert_eq!((&supervised, &typed), (&typed, &run));
}

/// The smallest proof that an installation works: the bridge answers, the rules are there, one ticket goes from plan to
/// passed checks, the worker wrote no file, and the example of PLAN.md is one.
#[test]
fn hello_loop() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    sandbox.run(&["haco", "init", "--bridge", "--claude"]).gives(0, any(), any());
    sandbox.run(&["bin/worker", "a greeter"]).gives(0, "echo \"hello, ${1:-world}\"\n", "");
    assert!(sandbox.read("CLAUDE.md").contains("supervisor"));
    let text = greeter::plan("hello", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, "T-001\n", any());
    approve(&sandbox);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert_eq!(sandbox.read("greet.sh"), "echo hello\n", "nobody but the person changes the worktree");
    let pass = verdict("pass", &[]).to_string();
    sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(pass).gives(0, "T-001\n", any());
    sandbox.run(&["haco", "apply", "T-001"]).gives(0, any(), any());
    sandbox.run(&["sh", "greet.sh", "Ada"]).gives(0, "hello, Ada\n", "");
    let example = root().join("templates/PLAN.md");
    sandbox.run(&["haco-plan", "--from", example.to_str().expect("a path")]).gives(
        0,
        "T-003\nT-002\n",
        has("called 'T-001' in the document"),
    );
}

#[test]
fn a_worker_cannot_write_files() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    let before = sandbox.git_says(&["status", "--porcelain", "--ignored"]);
    sandbox.run(&["haco-worker", "overwrite greet.sh"]).gives(0, any(), "");
    assert_eq!(sandbox.git_says(&["status", "--porcelain", "--ignored"]), before);
    assert_eq!(sandbox.read("greet.sh"), "echo hello\n");
}

#[test]
fn the_makefile_takes_tickets_through_the_loop() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    greeter::routed(&sandbox, false);
    let text = greeter::plan("greetings", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    approve(&sandbox);
    let makefile = root().join("tests/samples/Makefile");
    let words = ["make", "-s", "-f", makefile.to_str().expect("a path"), "T-001.audited"];
    sandbox.run(&words).gives(0, has("T-001\n"), any());
    assert_eq!(greeter::status(&sandbox, "T-001"), "awaiting_acceptance");
    sandbox.run(&words).gives(0, any(), any());
}

#[test]
fn the_pipeline_takes_a_wave_through_the_loop() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    greeter::routed(&sandbox, false);
    let text = greeter::plan("greetings", &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    approve(&sandbox);
    let pipeline = root().join("tests/samples/pipeline.sh");
    let words = ["bash", pipeline.to_str().expect("a path")];
    sandbox.run(&words).gives(0, "T-001\n", any());
    sandbox.run(&words).gives(0, "T-002\n", any());
    assert_eq!(["T-001", "T-002"].map(|id| greeter::status(&sandbox, id)), ["awaiting_acceptance"; 2]);
}
