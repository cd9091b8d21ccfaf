//! haco-verify: a draft becomes a candidate, and checks say whether it is any good.

use crate::{
    greeter::{self, GREETS, GREETS_WRONGLY, approved, drafted, records, status, stored, tested, ticket, verified},
    peers::ollama::{Ollama, Reply},
    want::{any, has, like},
};
use serde_json::{Value, json};

/// Fails at first and passes once it has seen the failing output.
fn learner() -> Ollama {
    Ollama::start(|q| Reply::text(if q.n == 1 { GREETS_WRONGLY } else { GREETS }))
}

/// A check that fails on the base and then does this on the candidate.
fn once_drafted(then: &str) -> Value {
    tested("T-001", &format!("grep -q world greet.sh || exit 1; {then}"))
}

#[test]
fn fails_then_passes_with_the_failing_output_in_the_prompt() {
    let server = learner();
    let check = "out=$(sh greet.sh Ada); echo \"it said: $out\"; test \"$out\" = 'hello, Ada'";
    let sandbox = drafted(&server, &[tested("T-001", check)]);
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", "haco-verify: T-001: [..]\n...\n");
    assert_eq!(status(&sandbox, "T-001"), "ready");
    let known = records(&sandbox, "T-001");
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", "haco-verify: T-001: [..]\n...\n");
    assert_eq!(records(&sandbox, "T-001"), known, "what failed is said again and not asked again");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let second = &server.asked()[1].prompt;
    assert!(second.contains("it said: hi there, Ada"), "{second}");
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(status(&sandbox, "T-001"), "review");
    let attempts = &stored(&sandbox, "T-001")["attempts"];
    assert_eq!(attempts.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_candidate_is_a_commit_and_the_worktree_is_nobodys_business() {
    let sandbox = drafted(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    sandbox.write("greet.sh", "echo dirty\n").write("mine.txt", "mine\n").git(&["add", "mine.txt"]);
    let before = sandbox.git_says(&["status", "--porcelain"]);
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(sandbox.git_says(&["status", "--porcelain"]), before);
    assert_eq!(sandbox.git_says(&["diff", "--name-only", "main", "refs/haco/T-001/1"]), "greet.sh");
    assert_eq!(sandbox.git_says(&["rev-parse", "refs/haco/T-001/1^"]), sandbox.git_says(&["rev-parse", "main"]));
    assert_eq!(sandbox.git_says(&["worktree", "list"]).lines().count(), 1);
    let evidence: Vec<_> = std::fs::read_dir(sandbox.path(".haco/evidence/T-001/1")).expect("evidence").collect();
    assert!(evidence.len() >= 3, "a log, the diff and the list: {evidence:?}");
}

#[test]
fn checks_that_pass_on_the_base_prove_nothing_and_no_model_is_called() {
    let server = greeter::good_model();
    let sandbox = approved(&server, &[tested("T-001", "true")]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(1, "", "haco-verify: T-001: [..]\n...\n");
    assert_eq!(status(&sandbox, "T-001"), "blocked");
    sandbox.run(&["haco-worker", "T-001"]).gives(4, "", any());
    assert!(server.asked().is_empty());
    assert!(stored(&sandbox, "T-001")["verdicts"][0]["code"] == "vacuous_check");
}

#[test]
fn expect_fail_means_a_check_that_must_fail() {
    let tests =
        json!([{"command": "grep -q world greet.sh"}, {"command": "grep -q goodbye greet.sh", "expect": "fail"}]);
    let sandbox = verified(&greeter::good_model(), &[ticket("T-001", json!({"definition_of_done": {"tests": tests}}))]);
    assert_eq!(status(&sandbox, "T-001"), "review");
}

#[test]
fn the_contracts_own_files_are_laid_over_and_shipped_with_the_candidate() {
    let files = json!([{"path": "check.sh", "content": "test \"$(sh greet.sh Ada)\" = 'hello, Ada'\n"}]);
    let over = json!({"definition_of_done": {"tests": [{"command": "sh check.sh"}], "files": files}});
    let sandbox = verified(&greeter::good_model(), &[ticket("T-001", over)]);
    assert!(sandbox.git_says(&["show", "refs/haco/T-001/1:check.sh"]).starts_with("test "));
}

#[test]
fn a_check_that_takes_too_long_is_killed_with_all_its_children() {
    let mark = format!("9{}", std::process::id());
    let mut slow = once_drafted(&format!("sleep {mark} & sleep {mark}"));
    slow["definition_of_done"]["tests"][0]["timeout_sec"] = json!(1);
    let sandbox = drafted(&greeter::good_model(), &[slow]);
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", like("that it timed out", |t| t.contains("1 s")));
    let left = sandbox.run(&["ps", "-eo", "args"]).gives(0, any(), "").stdout;
    assert!(!left.contains(&format!("sleep {mark}")), "{left}");
}

#[test]
fn a_missing_tool_blocks_and_costs_no_try() {
    let tickets = [once_drafted("no-such-tool --version")];
    let server = greeter::good_model();
    let sandbox = approved(&server, &tickets);
    let done = sandbox.run(&["haco-verify", "--baseline", "T-001"]).done();
    assert!(matches!(done.status, 0 | 125), "{done:?}");
    let missing = ticket("T-001", json!({"definition_of_done": {"tests": [{"command": "no-such-tool --version"}]}}));
    let sandbox = approved(&server, &[missing]);
    let said = "haco-verify: T-001: cannot run 'no-such-tool --version': [..]\nhint: [..]\n";
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(125, "", said);
    assert_eq!(status(&sandbox, "T-001"), "blocked");
    let next = greeter::next(&sandbox);
    assert_eq!((&next["action"], &next["actor"]), (&json!("blocked"), &json!("human")), "{next}");
    assert!(server.asked().is_empty());
}

#[test]
fn a_service_that_does_not_answer_blocks_and_is_asked_again() {
    let server = greeter::good_model();
    let needs = json!({"definition_of_done": {"tests": [{"command": "grep -q world greet.sh", "needs": ["db"]}]}});
    let sandbox = greeter::initialised(&server);
    let config = json!({"needs": {"db": {"probe": "false", "timeout_sec": 1}}});
    sandbox.write(".haco/config.json", config.to_string());
    let text = greeter::plan("greetings", &[ticket("T-001", needs)]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    greeter::approve(&sandbox);
    for _ in 0..2 {
        sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(125, "", has("db"));
    }
    assert_eq!(records(&sandbox, "T-001")[0], 0);
}

#[test]
fn a_gigabyte_of_output_is_bounded() {
    let loud = once_drafted("head -c 1000000000 /dev/zero | tr '\\0' x; exit 1");
    let sandbox = drafted(&greeter::good_model(), &[loud]);
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", like("a short message", |t| t.len() < 20_000));
    let logs = sandbox.run(&["du", "-sk", ".haco/evidence"]).gives(0, any(), "").stdout;
    let kilobytes: u64 = logs.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(kilobytes < 64 * 1024, "{kilobytes} KiB of evidence");
}

#[test]
fn a_check_that_waits_for_input_finds_none() {
    let sandbox = drafted(&greeter::good_model(), &[once_drafted("read answer && test \"$answer\" = yes")]);
    sandbox.run(&["haco-verify", "T-001"]).stdin("yes\nyes\n").gives(1, "", any());
    sandbox.run(&["haco-verify", "--again", "T-001"]).gives(1, "", any());
}

#[test]
fn a_check_that_is_killed_has_not_passed() {
    let sandbox = drafted(&greeter::good_model(), &[once_drafted("kill -9 $$")]);
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", any());
    assert_ne!(status(&sandbox, "T-001"), "review");
}

#[test]
fn nothing_of_the_callers_environment_home_or_network_is_there() {
    let check = "test -z \"$SECRET\" && test ! -e \"$HOME/.gitconfig\" && ! (exec 3<>/dev/tcp/127.0.0.1/1) 2>/dev/null";
    let mut sandbox = drafted(&greeter::good_model(), &[once_drafted(check)]);
    sandbox.set("SECRET", "s3cret");
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn nothing_flows_back_from_the_copy() {
    let check = "echo spoilt > greet.sh; mkdir -p .haco; echo x > .haco/tickets; echo x > ../escaped; true";
    let sandbox = drafted(&greeter::good_model(), &[once_drafted(check)]);
    sandbox.run(&["haco-verify", "T-001"]).done();
    assert_eq!(sandbox.read("greet.sh"), "echo hello\n");
    assert!(!sandbox.path("../escaped").exists());
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, has("\"findings\":[]"), "");
}

#[test]
fn what_is_known_is_not_asked_twice_unless_asked_again() {
    let sandbox = verified(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let before = records(&sandbox, "T-001");
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(records(&sandbox, "T-001"), before);
    sandbox.run(&["haco-verify", "--again", "T-001"]).gives(0, "T-001\n", any());
    assert!(records(&sandbox, "T-001")[1] > before[1]);
}

#[test]
fn a_reply_that_leaves_its_paths_is_refused_whole() {
    for path in ["other.sh", "../x.sh", ".git/hooks/pre-commit", ".haco/config.json", "/etc/passwd"] {
        let reply = format!("{GREETS}\n{path}\n```sh\necho no\n```\n");
        let server = Ollama::saying(Reply::text(reply));
        let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
        sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
        let drafts = sandbox.run(&["haco-worker", "T-001"]).done();
        let checks = sandbox.run(&["haco-verify", "T-001"]).done();
        assert!(drafts.status == 1 || checks.status == 1, "{path}: {drafts:?} {checks:?}");
        let refs = sandbox.git_says(&["for-each-ref", "refs/haco"]);
        assert!(refs.is_empty(), "{path}: {refs}");
    }
}

#[test]
fn the_supervisors_own_edit_becomes_the_candidate() {
    let server = greeter::good_model();
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    sandbox.write("greet.sh", "echo \"hello, ${1:-world}\"\n").write("other.txt", "not in scope\n");
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(sandbox.git_says(&["diff", "--name-only", "main", "refs/haco/T-001/1"]), "greet.sh");
    assert!(server.asked().is_empty());
}

#[test]
fn an_edit_of_another_base_is_refused() {
    let sandbox = approved(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    sandbox.write("greet.sh", "echo goodbye\n").commit("somebody else's work");
    sandbox.write("greet.sh", "echo \"hello, ${1:-world}\"\n");
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(4, "", "haco-verify: T-001: [..]greet.sh[..]\n...\n");
    assert_eq!(records(&sandbox, "T-001")[0], 0);
}

#[test]
fn one_ticket_that_fails_does_not_hide_the_other() {
    let other = json!({"title": "bye.sh", "task": {"target_files": [], "new_files": ["bye.sh"]},
                       "definition_of_done": {"tests": [{"command": "test -s bye.sh && test ! -e greet.sh"}]}});
    let server = Ollama::start(|q| {
        Reply::text(if q.prompt.contains("# T-002: bye.sh") { "bye.sh\n```sh\necho bye\n```\n" } else { GREETS })
    });
    let sandbox = approved(&server, &[ticket("T-001", json!({})), ticket("T-002", other)]);
    sandbox.run(&["haco-verify", "--baseline", "T-001", "T-002"]).gives(0, "T-001\nT-002\n", any());
    sandbox.run(&["haco-worker", "T-001", "T-002"]).gives(0, "T-001\nT-002\n", any());
    sandbox.run(&["haco-verify"]).stdin("T-001\nT-002\n").gives(1, "T-001\n", "...\nhaco-verify: T-002: [..]\n...\n");
    let json = sandbox.run(&["haco-verify", "--json", "T-001"]).gives(0, any(), any()).stdout;
    assert!(json.contains("\"verdict\":\"pass\"") && json.contains("\"attempt\":1"), "{json}");
}

#[test]
fn a_file_that_is_moved_keeps_its_mode() {
    let patch = "*** Begin Patch\n*** Update File: greet.sh\n*** Move to: bin/hello.sh\n*** End Patch\n";
    let server = Ollama::saying(Reply::text(patch));
    let sandbox = greeter::initialised(&server);
    sandbox.run(&["chmod", "755", "greet.sh"]).gives(0, "", "");
    sandbox.commit("runs");
    let test = json!([{"command": "test \"$(bin/hello.sh)\" = hello || sh bin/hello.sh | grep -q hello"}]);
    let task = json!({"target_files": ["greet.sh"], "new_files": ["bin/hello.sh"]});
    let moved = ticket("T-001", json!({"task": task, "definition_of_done": {"tests": test}}));
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(greeter::plan("p", &[moved])).gives(0, any(), any());
    greeter::approve(&sandbox);
    for words in [&["haco-verify", "--baseline", "T-001"][..], &["haco-worker", "T-001"], &["haco-verify", "T-001"]] {
        sandbox.run(words).gives(0, "T-001\n", any());
    }
    let tree = sandbox.git_says(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "refs/haco/T-001/1:bin"]);
    assert_eq!(tree, "100755 hello.sh");
    sandbox.run(&["haco", "show", "T-001"]).gives(0, has("(patch: 1 moved)"), "");
}

#[test]
fn a_draft_that_writes_over_what_was_hidden_from_it_is_refused() {
    let reply = "greet.sh\n```sh\n# KEY=[redacted:github]\necho \"hello, ${1:-world}\"\n```\n";
    let server = Ollama::saying(Reply::text(reply));
    let sandbox = drafted(&server, &[ticket("T-001", json!({}))]);
    let refused = has("'greet.sh': it writes what stands for a hidden secret");
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", refused);
    assert_eq!(stored(&sandbox, "T-001")["attempts"][0]["outcome"], "elided");
    sandbox.run(&["haco", "replay", "T-001"]).gives(0, any(), any());
}
