//! Dependencies that nobody asked for are refused; what is allowed, or only suspicious, is shown to who judges.

use crate::{
    greeter::{self, GREETS, approved, drafted, status, stored, ticket},
    peers::ollama::{Ollama, Reply},
    want::{any, has, like},
};
use serde_json::{Value, json};

/// Solves the ticket, and wants a package for it.
fn greets_with(dependency: &str) -> String {
    format!("{GREETS}\npackage.json\n```json\n{{\n  \"dependencies\": {{\n    {dependency}\n  }}\n}}\n```\n")
}

/// T-001 may also create a manifest.
fn with_manifest(allowed: &[&str]) -> Value {
    ticket("T-001", json!({"task": {"new_files": ["package.json"], "allowed_dependencies": allowed}}))
}

const ADDS: &str = "'package.json' line 3 adds the package 'left-pad' (npm), which the ticket does not allow";

#[test]
fn a_draft_that_adds_a_dependency_is_refused_and_the_model_mends_it() {
    let mends = |prompt: &str| prompt.contains("dependency_added") && prompt.contains("Nothing may be added.");
    let server = Ollama::start(move |q| match mends(&q.prompt) {
        true => Reply::text(GREETS),
        false => Reply::text(greets_with("\"left-pad\": \"^1.3.0\"")),
    });
    let sandbox = drafted(&server, &[with_manifest(&[])]);
    let said = format!("haco-verify: T-001: the draft of attempt 1 makes no candidate: {ADDS}\n");
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", said);
    assert_eq!(sandbox.git_says(&["for-each-ref", "refs/haco"]), "");
    let attempt = &stored(&sandbox, "T-001")["attempts"][0];
    assert_eq!(attempt["outcome"], "dependency_added");
    let text = format!(
        "Nothing of the last reply was applied.\n- dependency_added: {ADDS}\n\
         Do without: use the standard library and what the project has already. Nothing may be added.\n"
    );
    assert_eq!(attempt["failure"], json!(text));
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    assert!(server.asked()[1].prompt.contains(&text), "{}", server.asked()[1].prompt);
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", "");
    assert_eq!(status(&sandbox, "T-001"), "review");
}

#[test]
fn a_dependency_that_the_ticket_allows_is_flagged_with_the_check_that_nobody_ran() {
    let server = Ollama::saying(Reply::text(greets_with("\"left-pad\": \"^1.3.0\"")));
    let sandbox = drafted(&server, &[with_manifest(&["left-pad"])]);
    let flags = [
        "package.json:3: 'npm audit' was not asked about 'left-pad': it needs the network",
        "package.json:3: it adds the package 'left-pad' (npm), as the ticket allows",
    ];
    let said: String = flags.iter().map(|flag| format!("T-001: {flag}\n")).collect();
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", said);
    let json = sandbox.run(&["haco-verify", "--json", "T-001"]).gives(0, any(), any()).stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["tickets"][0]["flags"][1]["line"], 3, "{json}");
    let verdicts = stored(&sandbox, "T-001")["verdicts"].clone();
    let verdict = verdicts.as_array().expect("verdicts").iter().find(|v| v["check"] == "flags").expect("flags");
    assert_eq!((verdict["verdict"].as_str(), verdict["by"].as_str()), (Some("pass"), Some("harness")));
    let shown = sandbox.run(&["haco", "show", "T-001", "--full"]).gives(0, any(), "").stdout;
    let prompt = sandbox.run(&["haco-audit", "--prompt", "T-001"]).gives(0, any(), any()).stdout;
    let pass = greeter::verdict("pass", &[]).to_string();
    sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(pass).gives(0, "T-001\n", any());
    let gate = sandbox.at_terminal(&["haco", "accept", "T-001"], &[("[y/N] ", "n\n")]).stdout;
    for flag in flags {
        assert!(shown.contains(&format!("flag: {flag}")), "{shown}");
        assert!(prompt.contains(&format!("{flag}\n")), "{prompt}");
        assert!(gate.contains(&format!("flag    {flag}")), "{gate}");
    }
}

#[test]
fn the_supervisors_own_edit_adds_no_dependency_either() {
    let sandbox = approved(&greeter::good_model(), &[with_manifest(&[])]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    sandbox.write("greet.sh", "echo \"hello, ${1:-world}\"\n");
    sandbox.write("package.json", "{\n  \"dependencies\": {\n    \"left-pad\": \"1\"\n  }\n}\n");
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(1, "", format!("haco-verify: T-001: {ADDS}\n"));
    assert_eq!(greeter::records(&sandbox, "T-001")[0], 0);
}

#[test]
fn a_manifest_that_cannot_be_read_is_refused() {
    let server = Ollama::saying(Reply::text(greets_with("\"left-pad\": 1,,")));
    let sandbox = drafted(&server, &[with_manifest(&["left-pad"])]);
    let said = "haco-verify: T-001: the draft of attempt 1 makes no candidate: 'package.json' cannot be read, so nobody \
                knows what it adds: line 3 is not JSON\n";
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", said);
    assert_eq!(stored(&sandbox, "T-001")["attempts"][0]["outcome"], "bad_manifest");
}

#[test]
fn what_the_contract_itself_brings_is_not_the_drafts() {
    let files = json!([{"path": "package.json", "content": "{\"dependencies\": {\"left-pad\": \"1\"}}\n"}]);
    let contract = ticket("T-001", json!({"definition_of_done": {"files": files}}));
    let sandbox = drafted(&greeter::good_model(), &[contract]);
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", "");
}

#[test]
fn hidden_characters_and_weaker_tests_are_flags_and_no_refusal() {
    let reply = format!("{GREETS}\ntests.sh\n```sh\n# \u{202e}safe\nsh greet.sh || true\n<<<<<<< ours\n```\n");
    let server = Ollama::saying(Reply::text(reply));
    let sandbox = drafted(&server, &[ticket("T-001", json!({"task": {"new_files": ["tests.sh"]}}))]);
    let done = sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any()).stderr;
    for flag in [
        "tests.sh:1: it holds the character U+202E, which reorders the text",
        "tests.sh:2: a failure may go unseen: '|| true'",
        "tests.sh:3: it now holds conflict markers",
    ] {
        assert_eq!(done.matches(flag).count(), 1, "{done}");
    }
    sandbox.run(&["haco", "show", "T-001"]).gives(0, has("flag: tests.sh:1"), "");
    let silent = like("no flag said twice", |text| !text.contains("U+202E"));
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", silent);
}
