//! What follows when the tries of a route are spent: no rung of the ladder is passed over.

use crate::{
    greeter::{GREETS, GREETS_WRONGLY, approve, plan, planned, ticket, twice},
    peers::ollama::{Ollama, Reply},
    sandbox::Sandbox,
    want::{any, has},
};
use serde_json::{Value, json};

/// The worker writes what its check refuses; the lead `lead:1b` answers with `tickets` where it is asked for some, and
/// drafts well.
fn server(tickets: &'static [&'static str]) -> Ollama {
    let models = [crate::greeter::MODEL, "lead:1b", "judge:1b"];
    Ollama::with_models(&models, move |question| match question.model.as_str() {
        "lead:1b" if question.prompt.contains("One ticket was tried") => {
            let all: Vec<Value> =
                tickets.iter().map(|id| if *id == "T-002" { twice(id, &[]) } else { ticket(id, json!({})) }).collect();
            Reply::text(plan("greetings", &all))
        }
        "lead:1b" => Reply::text(GREETS),
        _ => Reply::text(GREETS_WRONGLY),
    })
}

/// A plan of one ticket with two criteria, a lead, and one try each.
fn spent(server: &Ollama, lead: &str) -> Sandbox {
    let two = json!({"execution": {"retry_budget": 0},
                     "definition_of_done": {"acceptance_criteria": ["greets Ada", "greets the world"]}});
    let sandbox = planned(server, &[ticket("T-001", two)]);
    let roles = json!({"roles": {"tech_lead": [lead], "auditor": ["judge:1b"]}});
    sandbox.write(".haco/config.json", roles.to_string());
    approve(&sandbox);
    for command in [&["haco-verify", "--baseline", "T-001"][..], &["haco-worker", "T-001"]] {
        sandbox.run(command).gives(0, any(), any());
    }
    sandbox.run(&["haco-verify", "T-001"]).gives(1, any(), any());
    sandbox
}

fn next(sandbox: &Sandbox) -> String {
    sandbox.run(&["haco", "next"]).gives(0, any(), any()).stdout
}

#[test]
fn a_lead_that_is_a_model_cuts_the_ticket_and_a_person_approves_the_pieces() {
    let server = server(&["T-001", "T-002"]);
    let sandbox = spent(&server, "lead:1b");
    sandbox.run(&["haco", "next", "--command"]).gives(0, "haco-plan --split T-001\n", "");
    sandbox.run(&["haco", "run"]).gives(3, any(), has("a person must act"));
    let list = sandbox.run(&["haco", "list"]).gives(0, any(), any()).stdout;
    assert!(list.contains("split") && list.contains("backlog"), "{list}");
    assert!(next(&sandbox).contains("approve_scope"));
}

#[test]
fn a_lead_that_sees_one_thing_drafts_it_itself() {
    let server = server(&["T-001"]);
    let sandbox = spent(&server, "lead:1b");
    sandbox.run(&["haco-plan", "--split", "T-001"]).gives(
        0,
        "",
        has("T-001: it is not cut: the lead sees one thing in it"),
    );
    assert!(next(&sandbox).contains("try 1 of 'lead:1b'"), "{}", next(&sandbox));
    sandbox.run(&["haco-worker", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-verify", "T-001"]).gives(0, any(), any());
    let drafted: Value = serde_json::from_str(&sandbox.read(".haco/tickets/T-001.json")).expect("JSON");
    assert_eq!(drafted["attempts"][1]["steps"][0]["model"], "lead:1b");
}

#[test]
fn the_supervisor_drafts_only_what_it_said_cannot_be_cut() {
    let server = server(&[]);
    let sandbox = spent(&server, "supervisor");
    sandbox.write("greet.sh", "echo \"hello, ${1:-world}\"\n");
    let refused = has("hint: haco split T-001 --from -");
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(4, any(), refused);
    sandbox.run(&["haco", "split", "T-001", "--whole", "--reason", "one line"]).gives(0, any(), any());
    assert!(next(&sandbox).contains("run: haco-verify --worktree T-001"), "{}", next(&sandbox));
    sandbox.run(&["haco-verify", "--worktree", "T-001"]).gives(0, any(), any());
}
