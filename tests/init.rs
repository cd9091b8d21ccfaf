//! haco init: where the state comes from.

use crate::{
    sandbox::Sandbox,
    want::{any, has},
};

#[test]
fn makes_the_state_once_and_says_so_the_second_time() {
    let sandbox = Sandbox::new();
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    let config = sandbox.read(".haco/config.json");
    sandbox.write(".haco/config.json", config.replace('}', ",\"run\": {\"jobs\": 3}}"));
    let mine = sandbox.read(".haco/config.json");
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    assert_eq!(sandbox.read(".haco/config.json"), mine, "what a person wrote stays");
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, has("\"findings\":[]"), "");
}

#[test]
fn git_sees_what_people_write_and_no_state() {
    let sandbox = Sandbox::new();
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    sandbox.git(&["add", "-A"]);
    let seen = sandbox.git_says(&["diff", "--cached", "--name-only"]);
    assert_eq!(seen.lines().collect::<Vec<_>>(), [".haco/.gitignore", ".haco/config.json"]);
}

#[test]
fn works_from_a_subdirectory_and_from_a_linked_worktree() {
    let sandbox = Sandbox::new();
    sandbox.write("a/b/file", "").commit("deep");
    sandbox.run(&["haco", "init"]).within(sandbox.path("a/b")).gives(0, any(), any());
    assert!(sandbox.path(".haco/tickets").is_dir() && !sandbox.path("a/b/.haco").exists());
    sandbox.git(&["worktree", "add", "-q", "../linked"]);
    let linked = sandbox.path("../linked");
    sandbox.run(&["haco", "init"]).within(&linked).gives(0, any(), any());
    assert!(!linked.join(".haco").exists(), "all worktrees see one state");
    sandbox.run(&["haco", "list", "--json"]).within(&linked).gives(0, has("\"tickets\":[]"), "");
}

#[test]
fn refuses_outside_a_repository_with_a_hint() {
    let sandbox = Sandbox::without_repository();
    sandbox.run(&["haco", "init"]).gives(2, "", "haco: [..]\nhint: [..]git init[..]\n");
    let json =
        "{\"schema_version\":1,\"ok\":false,\"error\":\"[..]\",\"code\":\"not_a_repository\",\"fix\":\"[..]\"}\n";
    sandbox.run(&["haco", "init", "--json"]).gives(2, json, any());
    assert!(!sandbox.path(".haco").exists());
}

#[test]
fn every_command_says_where_there_is_no_state_yet() {
    let sandbox = Sandbox::new();
    for words in [&["haco", "status"][..], &["haco", "next"], &["haco-verify", "T-001"], &["haco-ship", "p"]] {
        sandbox.run(words).gives(2, "", "haco[..]: [..]\nhint: haco init\n");
    }
}

#[test]
fn the_bridge_is_a_program_that_becomes_the_worker() {
    let sandbox = Sandbox::new();
    sandbox.run(&["haco", "init", "--bridge"]).gives(0, any(), any());
    let version = format!("haco-worker {}\n", env!("CARGO_PKG_VERSION"));
    sandbox.run(&["bin/worker", "--version"]).gives(0, version, "");
}

#[test]
fn rules_go_between_markers_and_the_rest_of_claude_md_is_the_readers() {
    let sandbox = Sandbox::new();
    sandbox.write("CLAUDE.md", "# Mine\n\nkeep this\n");
    sandbox.run(&["haco", "init", "--claude"]).gives(0, any(), any());
    let once = sandbox.read("CLAUDE.md");
    assert!(once.ends_with("\n# Mine\n\nkeep this\n") && once.contains("haco next"), "{once}");
    sandbox.write("CLAUDE.md", format!("{once}\nand this\n"));
    sandbox.run(&["haco", "init", "--claude"]).gives(0, any(), any());
    assert_eq!(sandbox.read("CLAUDE.md"), format!("{once}\nand this\n"));
}

#[test]
fn ignore_files_get_their_lines_once() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "mine");
    for _ in 0..2 {
        sandbox.run(&["haco", "init", "--ignore"]).gives(0, any(), any());
    }
    for name in [".gitignore", ".claudeignore", ".geminiignore"] {
        let text = sandbox.read(name);
        let mut lines: Vec<&str> = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        let all = lines.len();
        lines.sort_unstable();
        lines.dedup();
        assert!(all > 0 && all == lines.len(), "{name}: {text}");
    }
    assert!(sandbox.read(".gitignore").starts_with("mine\n"));
}
