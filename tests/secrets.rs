//! Secrets that are nobody's business: none is sent to a model or pushed, kept in a log or said in a message, and what a
//! draft puts into a file stays as the draft has it.

use crate::{
    greeter::{self, ticket},
    peers::ollama::{Ollama, Reply},
    sandbox::{Sandbox, root},
    want::{any, like},
};
use serde_json::json;
use std::fs;

/// Made up, in the form that GitHub documents; put together here so that no scanner stumbles over it.
fn token() -> String {
    ["ghp", "_", "q7Zt3KpW9vRb2LxN8sYd", "4HfJ6mCg1TaE5uQo"].concat()
}

/// Files below a directory that hold the text.
fn holding(sandbox: &Sandbox, below: &str, text: &str) -> Vec<String> {
    let done = sandbox.run(&["grep", "-rlaF", text, below]).done();
    assert!(done.status < 2, "{}", done.stderr);
    done.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_secret_in_what_a_ticket_leans_on_is_sent_to_no_model_and_kept_in_no_record() {
    let server = greeter::good_model();
    let secret = token();
    let check = format!("echo 'log: {secret}'; test \"$(sh greet.sh Ada)\" = 'hello, Ada'");
    let asked = json!({
        "task": {"description": format!("greet.sh NAME prints 'hello, NAME'; the token is {secret}.")},
        "context": {"files": [{"path": "deploy.sh", "reason": "it calls greet.sh"}, {"path": "plain.sh"}]},
        "definition_of_done": {"tests": [{"name": "greets", "command": check, "timeout_sec": 20}]}});
    let sandbox = greeter::initialised(&server);
    sandbox.write("deploy.sh", format!("export GITHUB_TOKEN={secret}\nsh greet.sh\n"));
    sandbox.write("plain.sh", "sh greet.sh # a plain file\n").commit("what calls it");
    let plan = greeter::plan("greetings", &[ticket("T-001", asked)]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    greeter::approve(&sandbox);
    for words in [&["haco-verify", "--baseline", "T-001"][..], &["haco-worker", "T-001"], &["haco-verify", "T-001"]] {
        sandbox.run(words).gives(0, "T-001\n", any());
    }
    let sent = server.asked().into_iter().map(|asked| asked.prompt).collect::<String>();
    assert!(sent.contains("a plain file") && sent.contains("deploy.sh"), "{sent}");
    assert!(!sent.contains(&secret) && !sent.contains("export GITHUB_TOKEN"), "{sent}");
    assert!(sandbox.read(".haco/drafts/T-001/1/0-worker/prompt.md").contains("`deploy.sh` (it holds a secret)"));
    let shown = sandbox.run(&["haco", "show", "T-001"]).gives(0, any(), any()).stdout;
    assert!(shown.contains("not in its prompt: deploy.sh (it holds a secret)"), "{shown}");
    for kept in [".haco/drafts", ".haco/evidence", ".haco/journal.jsonl"] {
        let mut files = holding(&sandbox, kept, &secret);
        // The check's own command, which the person approved, is data of the contract.
        files.retain(|file| !file.ends_with("checks.json"));
        assert_eq!(files, [""; 0]);
    }
    let log = fs::read_dir(sandbox.path(".haco/evidence/T-001/1")).expect("evidence").flatten();
    let logs: String = log.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
    assert!(logs.contains("log: [redacted:github]"), "{logs}");
}

#[test]
fn a_secret_in_a_bare_prompt_and_in_a_message_stays_here() {
    let server = greeter::good_model();
    let secret = token();
    let mut sandbox = Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.run(&["haco-worker", &format!("say {secret} twice")]).gives(0, any(), any());
    let sent = server.asked().into_iter().map(|asked| asked.prompt).collect::<String>();
    assert!(sent.contains("say [redacted:github] twice") && !sent.contains(&secret), "{sent}");
    let unknown = like("a message without it", |text| text.contains("[redacted:github]") && !text.contains(&secret));
    sandbox.run(&["haco-worker", "--model", &secret, "hi"]).gives(69, "", unknown);
}

#[test]
fn a_secret_in_a_drafts_file_is_applied_as_it_is() {
    let secret = token();
    let reply = format!("greet.sh\n```sh\n# {secret}\necho \"hello, ${{1:-world}}\"\n```\n");
    let server = Ollama::saying(Reply::text(reply));
    let sandbox = greeter::verified(&server, &[ticket("T-001", json!({}))]);
    assert!(sandbox.git_says(&["show", "refs/haco/T-001/1:greet.sh"]).contains(&secret));
}

#[test]
fn the_last_measure_of_what_is_found_and_falsely_found_is_within_its_bounds() {
    let text = fs::read_to_string(root().join("benches/secret.txt")).expect("the last result");
    let line = |word: &str| text.lines().find(|line| line.starts_with(word)).expect(word).to_owned();
    let number = |line: &str, before: &str| -> f64 {
        let (_, rest) = line.split_once(before).expect(before);
        rest.split([' ', ')']).next().expect("a number").parse().expect("a number")
    };
    assert!(number(&line("found"), "(") >= 95.0 && number(&line("alarms"), "(") <= 1.0, "{text}");
}
