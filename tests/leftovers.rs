//! What checks leave: nothing that grows, and nothing of those that were killed that the next start does not take away.

use crate::{
    greeter::{self, ticket},
    sandbox::Sandbox,
    want::{any, like},
};
use serde_json::{Value, json};
use std::{
    fs,
    process::{Command, Stdio},
};

/// What is there now: mounts, control groups, processes that checks started, and files beside evidence and journal.
fn counts(sandbox: &Sandbox) -> String {
    let script = "wc -l < /proc/self/mountinfo; find /sys/fs/cgroup -maxdepth 2 | wc -l; \
                  ps -eo args | grep -c '^sleep 4733'; find .haco -path .haco/evidence -prune -o -print | sort; \
                  ls /tmp \"$HOME\" | grep -e haco-check -e '^haco-[0-9]'";
    sandbox.run(&["sh", "-c", script]).done().stdout
}

#[test]
fn fifty_checks_in_a_row_leave_no_growth() {
    let check = "test -e README && exit 0; echo x > made; sleep 4733 & setsid sleep 4733 & exit 1";
    let tests: Vec<Value> = (0..50).map(|n| json!({"command": format!("{check}; {n}"), "timeout_sec": 20})).collect();
    let sandbox =
        greeter::drafted(&greeter::good_model(), &[ticket("T-001", json!({"definition_of_done": {"tests": tests}}))]);
    // All of them fail, which is a no; what is kept for later is there now.
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", any());
    let before = counts(&sandbox);
    sandbox.run(&["haco-verify", "--again", "T-001"]).gives(1, "", any());
    assert_eq!(counts(&sandbox), before);
    assert!(before.lines().nth(2) == Some("0"), "{before}");
    let list: Value = serde_json::from_str(&sandbox.read(".haco/evidence/T-001/1/checks.json")).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(50));
    assert!(list[49]["end"] == "exited with status 1", "{}", list[49]);
}

/// Scratch directories of checks, and checkouts with their setup.
fn kept(sandbox: &Sandbox) -> [Vec<String>; 2] {
    ["tmp", "checkouts"].map(|dir| {
        let entries = fs::read_dir(sandbox.path(".haco").join(dir)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.ends_with(".lock")).collect()
    })
}

/// A plan with a check of its own, and a base that holds a link.
fn place(setup: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("OLLAMA_HOST", "127.0.0.1:1");
    std::os::unix::fs::symlink("greet.sh", sandbox.path("link")).expect("linked");
    sandbox.commit("a link");
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    let setup: Vec<&str> = Some(setup).filter(|line| !line.is_empty()).into_iter().collect();
    sandbox.write("../home/.config/haco/config.json", json!({"verify": {"setup": setup}}).to_string());
    let check = "test -L link && test \"$(cat made 2>/dev/null)\" = WANTED && false";
    let check = check.replace("WANTED", if setup.is_empty() { "''" } else { "made" });
    let plan = greeter::plan("p", &[greeter::tested("T-001", &check)]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox
}

/// The next start ends well, as if nothing had been killed, and nothing of that is left.
fn is_as_new(sandbox: &Sandbox) {
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    let list: Value = serde_json::from_str(&sandbox.read(".haco/evidence/T-001/base/checks.json")).expect("JSON");
    assert_eq!(list[0]["end"], "exited with status 1");
    let [scratch, checkouts] = kept(sandbox);
    assert_eq!(scratch, Vec::<String>::new());
    let trees = checkouts.iter().filter(|name| !name.contains("setup")).count();
    assert_eq!(trees, 1, "{checkouts:?}");
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, like("nothing to find", |t| t.contains("\"findings\":[]")), "");
}

#[test]
fn a_checkout_that_was_killed_half_way_is_made_anew() {
    // The first call is git's, in the midst of the checkout, and haco lives on; the others are haco's, at its end.
    for (calls, when, status, left) in
        [("symlink,symlinkat", 1, 70, 0), ("utimensat", 1, -9, 1), ("utimensat", 2, -9, 1)]
    {
        let sandbox = place("");
        let inject = format!("inject={calls}:signal=KILL:when={when}");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject, "haco-verify", "--baseline", "T-001"];
        sandbox.run(&words).gives(status, "", any());
        assert_eq!(kept(&sandbox)[0].len(), left, "what {calls} left");
        is_as_new(&sandbox);
    }
}

#[test]
fn a_setup_that_was_killed_half_way_is_done_anew() {
    let sandbox = place("test -e made && exit 9; echo ma > made; sleep 2.4711; echo made > made");
    let mut verify = sandbox.command(&["haco-verify", "--baseline", "T-001"].map(str::to_owned));
    let verify = verify.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut verify = verify.spawn().expect("it runs");
    while !sleeps() {
        assert!(verify.try_wait().expect("it can be waited for").is_none(), "it ended before it was killed");
    }
    verify.kill().and_then(|()| verify.wait()).expect("it can be killed");
    assert_eq!(kept(&sandbox)[0].len(), 1, "the killed one left something");
    is_as_new(&sandbox);
    assert!(!sleeps(), "nothing of it lives on");
}

/// Whether the setup is in its midst.
fn sleeps() -> bool {
    let all = Command::new("ps").args(["-eo", "args"]).output().expect("ps runs");
    String::from_utf8_lossy(&all.stdout).contains("sleep 2.4711\n")
}
