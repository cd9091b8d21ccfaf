//! haco-ship: what a person accepted becomes a branch, byte for byte.

use crate::{
    greeter::{self, accept, audited, status, ticket, twice, verdict, with_remote},
    sandbox::Sandbox,
    want::{any, has, like},
};
use serde_json::json;

/// T-001 accepted, with a remote.
fn accepted() -> Sandbox {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    with_remote(&sandbox);
    accept(&sandbox, "greetings");
    sandbox
}

#[test]
fn ships_one_branch_and_says_so_twice() {
    let sandbox = accepted();
    sandbox.run(&["haco-ship", "--dry-run", "greetings"]).gives(0, has("haco/greetings"), any());
    assert_eq!(sandbox.git_says(&["ls-remote", "origin"]), "", "a rehearsal pushes nothing");
    sandbox.run(&["haco-ship", "greetings"]).gives(0, any(), any());
    let pushed = sandbox.git_says(&["ls-remote", "origin"]);
    assert!(pushed.lines().count() == 1 && pushed.ends_with("refs/heads/haco/greetings"), "{pushed}");
    sandbox.run(&["haco-ship", "greetings"]).gives(0, any(), any());
    assert_eq!(sandbox.git_says(&["ls-remote", "origin"]), pushed);
    assert_eq!(status(&sandbox, "T-001"), "shipped");
    let branch = pushed.split_whitespace().next().expect("a commit");
    assert_eq!(
        sandbox.git_says(&["rev-parse", &format!("{branch}^{{tree}}")]),
        sandbox.git_says(&["rev-parse", "refs/haco/T-001/1^{tree}"])
    );
    sandbox.run(&["git", "log", "-1", "--format=%B", branch]).gives(
        0,
        like("the id in a trailer", |t| t.lines().any(|l| l.contains(": ") && l.ends_with("T-001"))),
        "",
    );
    assert_eq!(sandbox.git_says(&["status", "--porcelain", "--untracked-files=no"]), "");
    assert_eq!(sandbox.git_says(&["branch", "--show-current"]), "main");
    sandbox.run(&["haco", "next"]).gives(1, any(), any());
}

#[test]
fn two_tickets_are_two_commits_in_the_order_of_what_builds_on_what() {
    let server = greeter::good_model();
    let sandbox = audited(&server, &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]);
    with_remote(&sandbox);
    for words in [&["haco-verify", "--baseline", "T-002"][..], &["haco-worker", "T-002"], &["haco-verify", "T-002"]] {
        sandbox.run(words).gives(0, "T-002\n", any());
    }
    let pass = verdict("pass", &[]).to_string();
    sandbox.run(&["haco-audit", "T-002", "--verdict", "-"]).stdin(pass).gives(0, "T-002\n", any());
    sandbox.run(&["haco-verify", "greetings"]).gives(0, any(), any());
    accept(&sandbox, "greetings");
    sandbox.run(&["haco-ship", "greetings"]).gives(0, any(), any());
    sandbox.git(&["fetch", "-q", "origin"]);
    let log = sandbox.git_says(&["log", "--format=%s", "main..origin/haco/greetings"]);
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(log.lines().last().is_some_and(|l| l.contains("greets by name")), "{log}");
    assert_eq!(sandbox.git_says(&["diff", "--name-only", "main", "origin/haco/greetings"]), "greet.sh\ntwice.sh");
}

#[test]
fn nothing_ships_before_a_person_accepted_it() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    with_remote(&sandbox);
    let done = sandbox.run(&["haco-ship", "greetings"]).done();
    assert!(matches!(done.status, 3 | 4) && done.stderr.starts_with("haco-ship: "), "{done:?}");
    assert_eq!(sandbox.git_says(&["ls-remote", "origin"]), "");
}

#[test]
fn bytes_that_differ_from_what_was_accepted_do_not_ship() {
    let sandbox = accepted();
    let ticket = sandbox.read(".haco/tickets/T-001.json");
    sandbox.write(".haco/tickets/T-001.json", ticket.replace("greets by name", "greets by  name"));
    sandbox.run(&["haco-ship", "greetings"]).gives(4, "", has("T-001"));
    assert_eq!(sandbox.git_says(&["ls-remote", "origin"]), "");
}

#[test]
fn a_remote_that_is_not_there_or_refuses_is_named() {
    let sandbox = audited(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    accept(&sandbox, "greetings");
    let done = sandbox.run(&["haco-ship", "greetings"]).done();
    assert!(done.status != 0 && done.stderr.contains("origin"), "{done:?}");
    with_remote(&sandbox);
    sandbox.write("../origin.git/hooks/pre-receive", "#!/bin/sh\necho not today >&2\nexit 1\n");
    sandbox.run(&["chmod", "+x", "../origin.git/hooks/pre-receive"]).gives(0, "", "");
    sandbox.run(&["haco-ship", "greetings"]).gives(69, "", has("not today"));
    assert_eq!(status(&sandbox, "T-001"), "accepted");
    std::fs::remove_file(sandbox.path("../origin.git/hooks/pre-receive")).expect("removes");
    sandbox.run(&["haco-ship", "greetings"]).gives(0, any(), any());
}

#[test]
fn a_branch_that_somebody_else_pushed_is_not_replaced() {
    let sandbox = accepted();
    sandbox.git(&["push", "-q", "origin", "main:refs/heads/haco/greetings"]);
    let before = sandbox.git_says(&["ls-remote", "origin"]);
    let done = sandbox.run(&["haco-ship", "greetings"]).done();
    assert!(done.status != 0 && done.stderr.starts_with("haco-ship: "), "{done:?}");
    assert_eq!(sandbox.git_says(&["ls-remote", "origin"]), before);
}
