//! What goes wrong outside: one clear line, a hint that works, the right status, and nothing lost.

use crate::{
    greeter::{self, approved, drafted, initialised, planned, status, stored, ticket},
    peers::ollama::{Ollama, Reply},
    sandbox::Sandbox,
    want::{any, has, json, like},
};
use serde_json::json;
use std::{
    fs,
    os::unix::ffi::OsStrExt,
    process::Stdio,
    time::{Duration, Instant},
};

fn one() -> Sandbox {
    planned(&greeter::good_model(), &[ticket("T-001", json!({}))])
}

/// The ticket's file holds this; what acts on it says no by name, and the file is left as it is.
fn refused(bytes: &[u8], status: i32, part: &str) {
    let sandbox = one();
    sandbox.write(".haco/tickets/T-001.json", bytes);
    for words in [&["haco", "show", "T-001"][..], &["haco", "list"], &["haco", "next"], &["haco-worker", "T-001"]] {
        let done = sandbox.run(words).done();
        assert!(done.status == status || done.status == 4, "{words:?}: {done:?}");
        assert!(done.stderr.contains("T-001.json") || done.stderr.contains("'T-001'"), "{words:?}: {done:?}");
    }
    sandbox.run(&["haco", "show", "T-001"]).gives(status, any(), has(part));
    sandbox.run(&["haco", "doctor", "--json"]).gives(1, json(|v| v["findings"].to_string().contains("T-001")), any());
    assert_eq!(fs::read(sandbox.path(".haco/tickets/T-001.json")).expect("reads"), bytes);
}

#[test]
fn a_torn_an_empty_and_a_conflicted_ticket_file() {
    let whole = one().read(".haco/tickets/T-001.json");
    refused(&whole.as_bytes()[..whole.len() / 2], 78, "T-001.json");
    refused(b"", 78, "T-001.json");
    refused(format!("<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n").as_bytes(), 78, "conflict");
}

#[test]
fn a_newer_a_misnamed_and_an_unknown_field() {
    let whole = one().read(".haco/tickets/T-001.json");
    refused(whole.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1).as_bytes(), 78, "2");
    refused(whole.replacen("\"id\": \"T-001\"", "\"id\": \"T-002\"", 1).as_bytes(), 78, "T-002");
    refused(whole.replacen("\"title\"", "\"titel\"", 1).as_bytes(), 78, "titel");
}

#[test]
fn a_fifo_in_a_tickets_place_does_not_hold_us() {
    let sandbox = one();
    fs::remove_file(sandbox.path(".haco/tickets/T-001.json")).expect("removes");
    sandbox.run(&["mkfifo", ".haco/tickets/T-001.json"]).gives(0, "", "");
    for words in [&["haco", "list"][..], &["haco", "show", "T-001"], &["haco", "doctor"], &["haco-worker", "T-001"]] {
        let began = Instant::now();
        let done = sandbox.run(words).done();
        assert!(done.status != 0 && done.stderr.contains("T-001") || done.stdout.contains("T-001"), "{done:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{words:?}");
    }
}

#[test]
fn a_ticket_that_somebody_else_wrote_is_not_acted_on() {
    let sandbox = one();
    let text = sandbox.read(".haco/tickets/T-001.json");
    sandbox.write(".haco/tickets/T-001.json", text.replace("greets by name", "greets by  name"));
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(4, "", "haco-verify: [..]T-001[..]\n...\n");
    sandbox.run(&["haco", "list", "--ids"]).gives(0, "T-001\n", "");
}

#[test]
fn a_bare_and_an_empty_repository() {
    let sandbox = Sandbox::without_repository();
    sandbox.git(&["init", "-q", "--bare"]);
    sandbox.run(&["haco", "init"]).gives(2, "", "haco: [..]\n...\n");
    let sandbox = Sandbox::without_repository();
    sandbox.git(&["init", "-q"]);
    sandbox.run(&["haco", "init"]).done();
    let text = greeter::plan("p", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(2, "", "haco-plan: [..]\nhint: [..]\n");
}

#[test]
fn a_detached_head_a_dirty_worktree_links_and_submodules() {
    let server = greeter::good_model();
    let mut sandbox = Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.git(&["init", "-q", "../other"]).git(&["-C", "../other", "commit", "-q", "--allow-empty", "-m", "x"]);
    sandbox.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../other", "sub"]);
    sandbox.run(&["ln", "-s", "greet.sh", "link"]).gives(0, "", "");
    sandbox.commit("links").git(&["checkout", "-q", "--detach"]).write("greet.sh", "echo dirty\n");
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    let text = greeter::plan("greetings", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, "T-001\n", any());
    greeter::approve(&sandbox);
    for words in [&["haco-verify", "--baseline", "T-001"][..], &["haco-worker", "T-001"], &["haco-verify", "T-001"]] {
        sandbox.run(words).gives(0, "T-001\n", any());
    }
    assert_eq!(sandbox.read("greet.sh"), "echo dirty\n");
    assert_eq!(sandbox.git_says(&["diff", "--name-only", "HEAD", "refs/haco/T-001/1"]), "greet.sh");
}

#[test]
fn a_target_that_is_a_link_is_not_followed() {
    let server = Ollama::saying(Reply::text("link\n```sh\necho no\n```\n"));
    let mut sandbox = Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.run(&["ln", "-s", "../home/secret", "link"]).gives(0, "", "");
    sandbox.commit("a link").run(&["haco", "init"]).gives(0, any(), any());
    let tests = json!([{"command": "grep -q no link"}]);
    let linked = ticket("T-001", json!({"task": {"target_files": ["link"]}, "definition_of_done": {"tests": tests}}));
    let done = sandbox.run(&["haco-plan", "--from", "-"]).stdin(linked.to_string()).done();
    if done.status == 0 {
        greeter::approve(&sandbox);
        sandbox.run(&["haco-verify", "--baseline", "T-001"]).done();
        sandbox.run(&["haco-worker", "T-001"]).done();
        assert_ne!(sandbox.run(&["haco-verify", "T-001"]).done().status, 0);
    }
    assert!(!sandbox.path("../home/secret").exists());
}

#[test]
fn two_runs_at_once() {
    let server = Ollama::start(|q| Reply::slow(Duration::from_secs(3), greeter::answer(q)));
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    let words = ["haco", "run"].map(str::to_owned);
    let mut first =
        sandbox.command(&words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
    let until = Instant::now() + Duration::from_secs(60);
    while server.asked().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = sandbox.run(&["haco", "run"]).done();
    first.wait().expect("ends");
    assert!(matches!(second.status, 3 | 75), "{second:?}");
    assert_eq!(server.asked().len(), 1, "nobody drafts twice");
    assert_eq!(status(&sandbox, "T-001"), "review");
}

/// Interrupts a program once `begun` holds, and gives its status.
fn interrupted(sandbox: &Sandbox, words: &[&str], signal: &str, begun: impl Fn() -> bool) -> i32 {
    // Whoever runs the suite in the background has its programs ignore an interrupt.
    let words: Vec<String> = ["env", "--default-signal"].iter().chain(words).map(|w| (*w).to_owned()).collect();
    let mut command = sandbox.command(&words);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let until = Instant::now() + Duration::from_secs(60);
    while !begun() && Instant::now() < until && child.try_wait().expect("waits").is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    sandbox.run(&["kill", &format!("-{signal}"), &child.id().to_string()]).gives(0, "", "");
    let status = child.wait().expect("it ends");
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|s| 128 + s);
    status.code().or(signal).expect("one of the two")
}

#[test]
fn an_interrupt_during_a_draft_and_during_checks() {
    let server =
        Ollama::start(|q| if q.n == 1 { Reply::slow(Duration::from_secs(9), Reply::Drop) } else { greeter::answer(q) });
    let mark = format!("sleep 5.{}", std::process::id());
    let slow = format!("grep -q world greet.sh || exit 1; {mark}; test \"$(sh greet.sh Ada)\" = 'hello, Ada'");
    let sandbox = approved(&server, &[greeter::tested("T-001", &slow)]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(interrupted(&sandbox, &["haco-worker", "T-001"], "INT", || !server.asked().is_empty()), 130);
    assert_eq!(status(&sandbox, "T-001"), "ready");
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, any(), "");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let at_work = || sandbox.run(&["ps", "-eo", "args"]).done().stdout.lines().any(|l| l == mark);
    assert_eq!(interrupted(&sandbox, &["haco-verify", "T-001"], "TERM", at_work), 143);
    sandbox.run(&["haco", "doctor", "--fix"]).gives(0, any(), any());
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn an_interrupted_run_is_resumed_by_the_next() {
    let server =
        Ollama::start(|q| if q.n == 1 { Reply::slow(Duration::from_secs(9), Reply::Drop) } else { greeter::answer(q) });
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    assert_eq!(interrupted(&sandbox, &["haco", "run"], "INT", || !server.asked().is_empty()), 130);
    sandbox.run(&["haco", "run"]).gives(3, any(), any());
    assert_eq!(status(&sandbox, "T-001"), "review");
}

#[test]
fn a_full_disk_loses_nothing() {
    let sandbox = one();
    sandbox.run(&["bash", "-c", "haco list > /dev/full"]).gives(74, "", "haco: [..]\n...\n");
    let before = ["tickets/T-001.json", "journal.jsonl"].map(|f| sandbox.read(&format!(".haco/{f}")));
    // A limit on the size of files is what a full disk is to a program that writes.
    let limited = "trap '' XFSZ; ulimit -f 0; haco rework T-001 --feedback louder";
    sandbox.run(&["bash", "-c", limited]).gives(74, "", "haco: [..]\n...\n");
    sandbox.run(&["haco", "doctor", "--fix"]).gives(0, any(), any());
    assert_eq!(["tickets/T-001.json", "journal.jsonl"].map(|f| sandbox.read(&format!(".haco/{f}"))), before);
    sandbox.run(&["haco", "rework", "T-001", "--feedback", "louder"]).gives(0, any(), any());
}

#[test]
fn a_closed_pipe_is_silent_and_not_a_yes() {
    let sandbox = one();
    let script = "mkfifo p; : <p & exec 3>p; wait; rm p; haco show T-001 --full >&3; echo $?";
    sandbox.run(&["bash", "-c", script]).gives(0, "74\n", "");
    sandbox.run(&["bash", "-c", "haco list --json >/dev/full"]).gives(74, "", has("cannot write the answer"));
    sandbox.run(&["bash", "-c", "haco list --ids 2>&-"]).gives(0, "T-001\n", "");
}

#[test]
fn no_home_is_no_obstacle() {
    let server = greeter::good_model();
    let mut sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.unset("HOME");
    for words in [&["haco-verify", "--baseline", "T-001"][..], &["haco-worker", "T-001"], &["haco-verify", "T-001"]] {
        sandbox.run(words).gives(0, "T-001\n", any());
    }
    sandbox.run(&["haco-worker", "say hello"]).gives(0, any(), "");
}

#[test]
fn paths_with_spaces_newlines_and_bytes_that_are_no_text() {
    let sandbox = Sandbox::without_repository();
    for name in [&b"with space"[..], b"new\nline", b"byte\xff"] {
        let dir = sandbox.path("").join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&dir).and_then(|()| fs::write(dir.join("greet.sh"), "echo hello\n")).expect("makes");
        let odd = dir.join(std::ffi::OsStr::from_bytes(b"odd \xfe\n.txt"));
        fs::write(odd, "odd\n").expect("writes");
        for words in [&["git", "init", "-q"][..], &["git", "add", "-A"], &["git", "commit", "-q", "-m", "x"]] {
            sandbox.run(words).within(&dir).gives(0, any(), any());
        }
        sandbox.run(&["haco", "init"]).within(&dir).gives(0, any(), any());
        let text = greeter::plan("p", &[ticket("T-001", json!({}))]);
        sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).within(&dir).gives(0, "T-001\n", any());
        sandbox.run(&["haco", "list", "--ids"]).within(&dir).gives(0, "T-001\n", "");
        sandbox.run(&["haco", "doctor", "--json"]).within(&dir).gives(0, any(), "");
        let outside = ticket("T-002", json!({"task": {"target_files": ["a\nb"]}}));
        let done = sandbox.run(&["haco-plan", "--from", "-"]).stdin(outside.to_string()).within(&dir).done();
        assert!(done.status != 0 && done.stderr.lines().count() <= 4, "{done:?}");
    }
}

#[test]
fn a_state_that_belongs_to_somebody_else_is_named() {
    let sandbox = one();
    sandbox.run(&["chmod", "-R", "a-w", ".haco"]).gives(0, "", "");
    let whoami = sandbox.run(&["id", "-u"]).gives(0, any(), "").stdout;
    let words: &[&str] = match whoami.trim() {
        // Root writes everywhere: somebody who is not root tries instead.
        "0" => &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "haco",
            "rework",
            "T-001",
            "--feedback",
            "x",
        ],
        _ => &["haco", "rework", "T-001", "--feedback", "x"],
    };
    sandbox.run(&["chmod", "-R", "a+rX", "../"]).gives(0, "", "");
    let done = sandbox.run(words).done();
    sandbox.run(&["chmod", "-R", "u+w", ".haco"]).gives(0, "", "");
    assert!(matches!(done.status, 2 | 74) && done.stderr.starts_with("haco: "), "{done:?}");
    assert!(done.stderr.lines().count() <= 3, "{done:?}");
    assert!(stored(&sandbox, "T-001").get("decisions").is_none());
}

#[test]
fn a_configuration_that_is_wrong_names_file_and_key() {
    let sandbox = initialised(&greeter::good_model());
    sandbox.write(".haco/config.json", "{\"rolls\": {}}");
    sandbox.run(&["haco", "status"]).gives(
        78,
        "",
        like("the key", |t| t.contains(".haco/config.json") && t.contains("rolls")),
    );
    sandbox.write(".haco/config.json", "{");
    sandbox.run(&["haco", "status", "--json"]).gives(78, json(|v| v["code"] == "bad_config"), any());
}

#[test]
fn a_journal_that_was_rewritten_shows() {
    let sandbox = drafted(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let journal = sandbox.read(".haco/journal.jsonl");
    let torn = &journal[..journal.len() - 20];
    sandbox.write(".haco/journal.jsonl", torn);
    sandbox.run(&["haco", "doctor"]).gives(1, any(), any());
    sandbox.run(&["haco", "doctor", "--fix"]).done();
    let lines: Vec<&str> = journal.lines().collect();
    let gap: String = [&lines[..1], &lines[2..]].concat().iter().map(|l| format!("{l}\n")).collect();
    sandbox.write(".haco/journal.jsonl", gap);
    sandbox.run(&["haco", "doctor", "--fix"]).done();
    let broken = sandbox.run(&["haco", "doctor", "--json"]).done();
    assert!(broken.status != 0 && broken.stdout.contains("journal"), "nothing repairs it by itself: {broken:?}");
}
