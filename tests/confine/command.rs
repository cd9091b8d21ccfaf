//! haco confine as its callers see it: what lasts, what is shown, how it ends, and what it says.

use crate::{
    sandbox::Sandbox,
    want::{any, has, json, like},
};
use serde_json::{Value, json as value};
use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
};

/// A sandbox with a directory `d`, and haco confine in it with these options and a shell's command.
fn confine<'a>(sandbox: &'a Sandbox, options: &[&str], script: &str) -> crate::call::Call<'a> {
    let words = [&["haco", "confine"], options, &["--", "sh", "-c", script]].concat();
    sandbox.run(&words)
}

fn place() -> Sandbox {
    let sandbox = Sandbox::without_repository();
    sandbox.write("d/f", "old\n");
    sandbox
}

#[test]
fn what_is_changed_below_rw_lasts_and_belongs_to_the_caller() {
    let sandbox = place();
    confine(&sandbox, &["--rw", "d"], "echo new > f; mkdir e && echo x > e/g; echo x > ../h").gives(0, "", "");
    assert_eq!((sandbox.read("d/f"), sandbox.read("d/e/g")), ("new\n".to_owned(), "x\n".to_owned()));
    let owner = |path: &str| fs::metadata(sandbox.path(path)).map(|m| (m.uid(), m.gid())).expect("it is there");
    assert_eq!(owner("d/e/g"), owner("d"));
    assert!(!sandbox.path("h").exists() && !sandbox.path("d/h").exists());
}

#[test]
fn the_directory_is_kept_below_rw_else_it_is_the_first() {
    let sandbox = place();
    let here = sandbox.path("").canonicalize().expect("it is there");
    confine(&sandbox, &["--rw", "."], "pwd").gives(0, format!("{}\n", here.display()), "");
    confine(&sandbox, &["--rw", "d"], "pwd").gives(0, format!("{}\n", here.join("d").display()), "");
    confine(&sandbox, &[], "pwd; echo $HOME").gives(0, "/tmp/home\n/tmp/home\n", "");
    confine(&sandbox, &["--rw", "d", "--as", "/work/tree"], "pwd; ls; ls /work; echo x > new").gives(
        0,
        "/work/tree\nf\ntree\n",
        "",
    );
    assert_eq!(sandbox.read("d/new"), "x\n");
}

#[test]
fn the_directory_below_what_is_shown_elsewhere_is_found_there() {
    let sandbox = place();
    confine(&sandbox, &["--rw", ".", "--as", "/work"], "pwd; cat d/f").gives(0, "/work\nold\n", "");
}

#[test]
fn what_is_read_only_is_read_and_what_is_shared_looks_written() {
    let sandbox = place();
    sandbox.write("cache/c", "warm\n").write("d/target/t", "warm\n");
    let options = ["--rw", "d", "--ro", "cache", "--share", "d/target"];
    let script = "cat ../cache/c target/t; echo x > ../cache/c; echo hot > target/t; rm -r target/x; cat target/t; echo n > target/n";
    confine(&sandbox, &options, script).gives(0, "warm\nwarm\nhot\n", has("Read-only file system"));
    assert_eq!((sandbox.read("cache/c"), sandbox.read("d/target/t")), ("warm\n".to_owned(), "warm\n".to_owned()));
    assert!(!sandbox.path("d/target/n").exists());
    confine(&sandbox, &["--rw", "d", "--share", "cache"], "rm ../cache/c; ls ../cache; echo $?").gives(0, "0\n", "");
    assert_eq!(sandbox.read("cache/c"), "warm\n");
}

#[test]
fn what_is_hidden_is_hidden_by_every_name() {
    let sandbox = place();
    sandbox.write("d/s/key", "SECRET\n").write("d/.env", "SECRET\n");
    fs::hard_link(sandbox.path("d/.env"), sandbox.path("d/copy")).expect("linked");
    fs::hard_link(sandbox.path("d/s/key"), sandbox.path("d/copy2")).expect("linked");
    symlink("s/key", sandbox.path("d/link")).expect("linked");
    let script = "cat .env copy copy2 link s/key /proc/self/cwd/.env 2>/dev/null; ls s; true";
    confine(&sandbox, &["--rw", "d", "--hide", "d/s", "--hide", "d/.env"], script).gives(0, "", "");
    confine(&sandbox, &["--rw", "d", "--as", "/w", "--hide", "d/.env"], "cat /w/.env /w/copy").gives(
        1,
        "",
        has("denied"),
    );
    confine(&sandbox, &["--rw", "d", "--share", "d/s", "--hide", "d/s/key"], "cat s/key").gives(1, "", has("denied"));
}

#[test]
fn what_is_hidden_is_hidden_where_the_same_directory_is_mounted_too() {
    let sandbox = place();
    sandbox.write("d/.env", "SECRET\n").write("e/x", "");
    let script = "mount --bind d e && cat e/.env && exec haco confine --rw d --ro e --hide d/.env -- cat ../e/.env";
    let mapped = ["unshare", "-rm", "sh", "-c", script];
    sandbox.run(&mapped).gives(1, "SECRET\n", has("denied"));
}

#[test]
fn statuses_are_the_commands_or_say_what_went_wrong() {
    let sandbox = place();
    for status in [0, 1, 2, 125, 255] {
        confine(&sandbox, &["--rw", "d"], &format!("exit {status}")).gives(status, "", "");
    }
    confine(&sandbox, &["--rw", "d"], "kill -TERM $$").gives(143, "", "");
    confine(&sandbox, &["--rw", "d"], "kill -KILL $$").gives(137, "", "");
    let run = |words: &[&str]| sandbox.run(&[&["haco", "confine", "--rw", "d"], words].concat());
    run(&["--timeout", "200ms", "sleep", "60"]).gives(124, "", "haco: 'sleep' timed out after 200ms\n");
    run(&["--", "./f"]).gives(126, "", "haco: cannot run './f': it cannot be executed\n");
    run(&["--", "no-such-program"]).gives(127, "", "haco: cannot run 'no-such-program': no such program\n");
    run(&["--", "./none"]).gives(127, "", "haco: cannot run './none': no such program\n");
    run(&["--rw", "none", "true"]).gives(125, "", "haco: 'none': no such file or directory\n");
    run(&["--timeout", "soon", "true"]).gives(2, "", has("as in 60s"));
    run(&["--mem", "lots", "true"]).gives(2, "", has("as in 10M"));
    run(&["--net", "all", "true"]).gives(2, "", has("loopback"));
    run(&[]).gives(2, "", has("COMMAND"));
}

#[test]
fn what_contradicts_itself_is_refused_and_nothing_runs() {
    let sandbox = place();
    let refused = |options: &[&str], why: &str| {
        confine(&sandbox, options, "echo ran").gives(125, "", has(why));
    };
    refused(&["--rw", "d", "--ro", "d"], "is to be shown in two ways");
    refused(&["--rw", "d", "--hide", "d"], "it is to be shown and hidden");
    refused(&["--rw", "d", "--hide", "none"], "cannot be hidden: no such file");
    refused(&["--rw", "/"], "is made anew inside");
    refused(&["--rw", "/proc"], "is made anew inside");
    refused(&["--share", "d/f"], "is no directory");
    refused(&["--rw", "d", "--as", "relative"], "is no absolute path");
    refused(&["--as", "/work"], "nothing that may be written");
}

#[test]
fn a_missing_wall_is_refused_unless_exactly_it_is_named() {
    let sandbox = place();
    // Inside a sandbox there is neither a user namespace nor a second filter.
    fs::copy(crate::sandbox::programs().join("haco"), sandbox.path("d/haco")).expect("copied");
    let inner = |more: &str| format!("./haco confine {more} -- sh -c 'echo ran; exit 7'");
    let run = |more: &str| confine(&sandbox, &["--rw", "d"], &inner(more));
    run("--rw .").gives(
        125,
        "",
        like("the wall and a hint", |t| t.starts_with("haco: no wall 'user' here: ") && t.contains("hint: ")),
    );
    run("--rw . --allow-weaker user").gives(125, "", has("no wall 'mount' here"));
    let but_two =
        "user mount pid network ipc uts cgroup".split(' ').map(|l| format!("--allow-weaker {l} ")).collect::<String>();
    run(&format!("--rw . {but_two}")).gives(125, "", has("no wall 'seccomp' here"));
    let all = format!("--rw . {but_two} --allow-weaker seccomp");
    run(&all).gives(7, "ran\n", "");
    let said = run(&format!("--json {all}")).gives(7, any(), "ran\n").stdout;
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["layers"], value!(["limits", "landlock"]));
    run("--rw . --allow-weaker moat").gives(2, "", has("'moat' is no wall"));
}

#[test]
fn streams_pass_byte_for_byte_while_it_runs() {
    let sandbox = place();
    let all: Vec<u8> = (0..4 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    sandbox.write("bytes", &all);
    let script = "haco confine --rw d -- cat < bytes > copied && cmp bytes copied && \
                  haco confine --rw d -- sh -c 'cat >&2' < bytes 2> copied2 && cmp bytes copied2";
    sandbox.run(&["sh", "-c", script]).gives(0, "", "");
    let talk = "mkfifo in out; haco confine --rw d -- sh -c 'while read x; do echo got $x; done' < in > out & \
                exec 3> in 4< out; echo one >&3; read a <&4; echo two >&3; read b <&4; exec 3>&-; wait; echo $a, $b";
    sandbox.run(&["sh", "-c", talk]).gives(0, "got one, got two\n", "");
    sandbox.run(&["sh", "-c", "haco confine --rw d -- yes | head -1"]).gives(0, "y\n", "");
}

#[test]
fn output_keeps_its_head_and_tail_and_counts_what_is_between() {
    let sandbox = place();
    let said = "1\n2\n3\n4\n5\n\n[3873 bytes left out]\n\n999\n1000\n";
    sandbox.run(&["haco", "confine", "--out", "20", "seq", "1000"]).gives(0, said, "");
    let out = sandbox.run(&["haco", "confine", "--json", "--out", "20", "seq", "1000"]);
    let out = out.gives(0, json(|v| v["limit"] == "out" && v["stdout"] == value!({"bytes": 3893, "kept": 20})), any());
    assert!(out.stderr.contains("bytes left out"));
}

#[test]
fn json_is_one_object_and_the_commands_own_output_is_elsewhere() {
    let sandbox = place();
    let is = |v: &Value| {
        let whole = ["schema_version", "wall_ms", "cpu_ms", "max_rss"].iter().all(|key| v[key].is_u64());
        whole
            && v["ok"] == false
            && v["status"] == 3
            && v["signal"].is_null()
            && v["limit"].is_null()
            && v["code"] == "ended_badly"
            && v["layers"].as_array().is_some_and(|all| all.len() == 10)
    };
    let words = ["haco", "confine", "--json", "--rw", "d", "--", "sh", "-c", "echo out; echo err >&2; exit 3"];
    sandbox.run(&words).gives(3, json(is), like("both", |t| t.contains("out\n") && t.contains("err\n")));
    let words = ["haco", "confine", "--json", "--log", "logs", "--", "sh", "-c", "echo out; echo err >&2; kill -9 $$"];
    let said = sandbox.run(&words).gives(137, json(|v| v["signal"] == 9), "").stdout;
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let read = |name: &str| fs::read_to_string(said[name]["path"].as_str().expect("a path")).expect("it is there");
    assert_eq!((read("stdout"), read("stderr")), ("out\n".to_owned(), "err\n".to_owned()));
    let limits = [
        (vec!["--timeout", "100ms", "sleep", "60"], 124, "timeout"),
        (vec!["--mem", "60M", "python3", "-c", "b = bytearray(200 << 20); import time; time.sleep(60)"], 137, "mem"),
        (vec!["--pids", "9", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11; do sleep 60 & done; wait"], 137, "pids"),
        (vec!["--fsize", "1M", "head", "-c2000000", "/dev/zero"], 0, ""),
        (vec!["--fsize", "1M", "sh", "-c", "exec head -c2000000 /dev/zero > /tmp/x"], 153, "fsize"),
    ];
    for (words, status, limit) in limits {
        let words = [vec!["haco", "confine", "--json"], words].concat();
        let is = |v: &Value| v["limit"].as_str().unwrap_or_default() == limit && v["ok"] == (status == 0);
        sandbox.run(&words).gives(status, json(is), any());
    }
    let words = ["haco", "confine", "--json", "no-such-program"];
    sandbox.run(&words).gives(127, json(|v| v["code"] == "missing_tool" && v["status"] == 127), any());
}

#[test]
fn the_object_is_as_its_schema_says() {
    let sandbox = place();
    let schema = sandbox.run(&["haco", "schema", "confine"]).gives(0, any(), "").stdout;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for words in [
        &["true"][..],
        &["false"],
        &["--log", "logs", "true"],
        &["--timeout", "100ms", "sleep", "60"],
        &["--out", "2", "echo", "long"],
        &["no-such-program"],
        &["--rw", "none", "true"],
    ] {
        let words = [&["haco", "confine", "--json"], words].concat();
        let said: Value = serde_json::from_str(&sandbox.run(&words).done().stdout).expect("JSON");
        let wrong: Vec<_> = validator.iter_errors(&said).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{words:?}: {wrong:?} in {said}");
    }
}

#[test]
fn only_named_variables_are_passed_on() {
    let mut sandbox = place();
    sandbox.set("ONE", "1").set("TWO", "2");
    let script = "echo \"$ONE|$TWO|$THREE|$FOUR\"";
    confine(&sandbox, &["--env", "ONE", "--env", "THREE=3=3", "--env", "FOUR"], script).gives(0, "1||3=3|\n", "");
}

#[test]
fn fifty_in_a_row_leave_nothing_behind() {
    let sandbox = place();
    sandbox.write("logs/x", "");
    let count =
        "wc -l < /proc/self/mountinfo; find /sys/fs/cgroup -maxdepth 2 | wc -l; ls /tmp | grep -c '^haco-[0-9]'";
    let count = || sandbox.run(&["sh", "-c", count]).done().stdout;
    let before = count();
    for _ in 0..50 {
        let script = "echo x > f; sleep 4711 & setsid sleep 4711 & echo $$";
        confine(&sandbox, &["--rw", "d", "--share", "logs"], script).gives(0, any(), "");
    }
    assert_eq!(before, count());
    let left = sandbox.run(&["ps", "-eo", "args"]).gives(0, any(), "").stdout;
    assert!(!left.contains("sleep 4711"), "{left}");
    sandbox.run(&["sh", "-c", "ls -A d; ls -A"]).gives(0, "f\nd\nlogs\n", "");
}
