//! The story that most tests tell: a greeter learns names, in one ticket or in two that build on each other, with a
//! model that answers well.

use crate::{
    peers::ollama::{Ollama, Question, Reply},
    sandbox::Sandbox,
    want::any,
};
use serde_json::{Value, json};

/// The built-in default, which the model server of a test has.
pub const MODEL: &str = "qwen2.5-coder:32b";

/// What solves the first ticket.
pub const GREETS: &str = "greet.sh\n```sh\necho \"hello, ${1:-world}\"\n```\n";
/// What the first ticket's check refuses.
pub const GREETS_WRONGLY: &str = "greet.sh\n```sh\necho \"hi there, ${1:-world}\"\n```\n";
/// What solves the second.
pub const GREETS_TWICE: &str = "twice.sh\n```sh\nsh greet.sh \"$1\"\nsh greet.sh \"$1\"\n```\n";

/// A ticket of `greet.sh`, with `changed` over it.
pub fn ticket(id: &str, changed: Value) -> Value {
    let mut ticket = json!({
        "id": id,
        "title": "greet.sh greets by name",
        "type": "feature",
        "task": {"description": "greet.sh NAME prints 'hello, NAME'.", "target_files": ["greet.sh"]},
        "definition_of_done": {
            "tests": [{"command": "test \"$(sh greet.sh Ada)\" = 'hello, Ada'", "timeout_sec": 20}],
            "acceptance_criteria": ["greet.sh Ada prints 'hello, Ada'"]
        }
    });
    merge(&mut ticket, changed);
    ticket
}

/// The second ticket: a new file that builds on the first.
pub fn twice(id: &str, on: &[&str]) -> Value {
    ticket(
        id,
        json!({
            "title": "twice.sh greets twice",
            "depends_on": on,
            "task": {"description": "twice.sh NAME greets twice.", "target_files": [], "new_files": ["twice.sh"]},
            "definition_of_done": {
                "tests": [{"command": "test \"$(sh twice.sh Ada | grep -c '^hello, Ada$')\" = 2", "timeout_sec": 20}],
                "acceptance_criteria": ["twice.sh Ada prints two lines"]
            }
        }),
    )
}

/// What `haco plan --from` takes.
pub fn plan(id: &str, tickets: &[Value]) -> String {
    json!({"plan": {"id": id, "requirement": "greet people by name"}, "tickets": tickets}).to_string()
}

/// A ticket whose one test is this command.
pub fn tested(id: &str, command: &str) -> Value {
    ticket(id, json!({"definition_of_done": {"tests": [{"command": command, "timeout_sec": 20}]}}))
}

/// Writes over objects field by field, over everything else whole.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A model that drafts both tickets, plans them where it is the lead, and passes what it audits.
pub fn good_model() -> Ollama {
    Ollama::start(answer)
}

/// What a good model answers.
pub fn answer(question: &Question) -> Reply {
    let prompt = &question.prompt;
    if prompt.contains("You audit one change") {
        return Reply::text(verdict("pass", &[]).to_string());
    }
    if prompt.contains("JSON object") && prompt.contains("\"tickets\"") {
        return Reply::text(plan("greetings", &[ticket("T-001", json!({})), twice("T-002", &["T-001"])]));
    }
    Reply::text(if prompt.contains("twice.sh greets twice") { GREETS_TWICE } else { GREETS })
}

/// An auditor's answer with one criterion.
pub fn verdict(word: &str, findings: &[Value]) -> Value {
    json!({"verdict": word, "criteria": [{"met": word == "pass"}], "findings": findings})
}

/// A repository with `.haco/` in it, and a model server that answers so.
pub fn initialised(server: &Ollama) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    sandbox
}

/// The same with a plan `greetings` of these tickets.
pub fn planned(server: &Ollama, tickets: &[Value]) -> Sandbox {
    let sandbox = initialised(server);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan("greetings", tickets)).gives(0, any(), any());
    sandbox
}

/// The same with its scope approved by a person.
pub fn approved(server: &Ollama, tickets: &[Value]) -> Sandbox {
    let sandbox = planned(server, tickets);
    approve(&sandbox);
    sandbox
}

/// The same with the baseline of T-001 measured and its first draft there.
pub fn drafted(server: &Ollama, tickets: &[Value]) -> Sandbox {
    let sandbox = approved(server, tickets);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    sandbox
}

/// The same with T-001's checks passed.
pub fn verified(server: &Ollama, tickets: &[Value]) -> Sandbox {
    let sandbox = drafted(server, tickets);
    sandbox.run(&["haco-verify", "T-001"]).gives(0, "T-001\n", any());
    sandbox
}

/// The same with T-001 passed by the supervisor.
pub fn audited(server: &Ollama, tickets: &[Value]) -> Sandbox {
    let sandbox = verified(server, tickets);
    let pass = verdict("pass", &[]).to_string();
    sandbox.run(&["haco-audit", "T-001", "--verdict", "-"]).stdin(pass).gives(0, "T-001\n", any());
    sandbox
}

/// A person passes gate 1.
pub fn approve(sandbox: &Sandbox) {
    let done = sandbox.at_terminal(&["haco", "approve"], &[("[y/N] ", "y\n")]);
    assert_eq!(done.status, 0, "{}", done.stdout);
}

/// A person passes gate 2.
pub fn accept(sandbox: &Sandbox, what: &str) {
    let done = sandbox.at_terminal(&["haco", "accept", what], &[("[y/N] ", "y\n")]);
    assert_eq!(done.status, 0, "{}", done.stdout);
}

/// A bare repository that is the remote `origin`.
pub fn with_remote(sandbox: &Sandbox) {
    sandbox.git(&["init", "-q", "--bare", "../origin.git"]).git(&["remote", "add", "origin", "../origin.git"]);
}

/// A ticket's status as `haco list` has it.
pub fn status(sandbox: &Sandbox, id: &str) -> String {
    let shown = sandbox.run(&["haco", "show", id, "--json"]).gives(0, any(), "");
    let shown: Value = serde_json::from_str(&shown.stdout).expect("one object");
    shown["status"].as_str().expect("a status").to_owned()
}

/// A ticket as it is stored.
pub fn stored(sandbox: &Sandbox, id: &str) -> Value {
    serde_json::from_str(&sandbox.read(&format!(".haco/tickets/{id}.json"))).expect("one object")
}

/// The attempts, verdicts and decisions of a ticket, counted: what says that nothing was recorded.
pub fn records(sandbox: &Sandbox, id: &str) -> [usize; 3] {
    let ticket = stored(sandbox, id);
    ["attempts", "verdicts", "decisions"].map(|part| ticket[part].as_array().map_or(0, Vec::len))
}

/// What `haco next --json` says.
pub fn next(sandbox: &Sandbox) -> Value {
    let done = sandbox.run(&["haco", "next", "--json"]).gives(0, any(), "");
    serde_json::from_str(&done.stdout).expect("one object")
}

/// Routes the auditor to a second model of the same server, and the lead to the first where asked.
pub fn routed(sandbox: &Sandbox, lead: bool) {
    let mut config = json!({"models": {"judge": {"provider": "ollama", "model": "judge:1b"}},
                            "roles": {"auditor": ["judge"]}});
    if lead {
        config["roles"]["tech_lead"] = json!([MODEL]);
    }
    sandbox.write(".haco/config.json", config.to_string());
}
