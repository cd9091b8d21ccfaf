//! The two gates: a person at a terminal, and no way past.

use crate::{
    greeter::{self, audited, planned, records, status, ticket, twice},
    sandbox::Sandbox,
    want::{any, has, json},
};
use serde_json::json;

fn waiting(gate: &str) -> Sandbox {
    let tickets = [ticket("T-001", json!({}))];
    match gate {
        "approve" => planned(&greeter::good_model(), &tickets),
        _ => audited(&greeter::good_model(), &tickets),
    }
}

/// What a gate writes when it decides.
fn state(sandbox: &Sandbox) -> [String; 3] {
    ["plans/greetings/plan.json", "tickets/T-001.json", "journal.jsonl"].map(|f| sandbox.read(&format!(".haco/{f}")))
}

const GATES: [(&str, [&str; 3]); 2] =
    [("approve", ["haco", "approve", "greetings"]), ("accept", ["haco", "accept", "greetings"])];

#[test]
fn only_y_or_yes_and_enter_decides() {
    for (gate, words) in GATES {
        let sandbox = waiting(gate);
        let before = state(&sandbox);
        for no in ["n\n", "\n", "Y E S\n", "yes please\n", "yeah\n", "\u{4}"] {
            let done = sandbox.at_terminal(&words, &[("[y/N] ", no)]);
            assert_eq!((done.status, &state(&sandbox)), (3, &before), "{gate} with {no:?}: {}", done.stdout);
        }
        let done = sandbox.at_terminal(&words, &[("[y/N] ", "yes\n")]);
        assert_eq!(done.status, 0, "{}", done.stdout);
        assert_ne!(state(&sandbox), before);
        let before = state(&sandbox);
        assert_eq!(sandbox.at_terminal(&words, &[]).status, 0, "what is decided already says so and is 0");
        assert_eq!(state(&sandbox), before);
    }
}

#[test]
fn a_pipe_is_no_person() {
    for (gate, words) in GATES {
        let sandbox = waiting(gate);
        let before = state(&sandbox);
        let said = format!("...\nhaco: [..]\nhint: {}\n", words.join(" "));
        sandbox.run(&words).stdin("yes\ny\n").gives(3, any(), said);
        let answer = json(|v| v["code"] == "needs_person" && v["fix"].is_string() && v["ok"] == false);
        let json_words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        sandbox.run(&json_words).stdin("yes\n").gives(3, answer, any());
        for flag in ["--yes", "-y", "--force", "--no-input"] {
            let words: Vec<&str> = words.iter().copied().chain([flag]).collect();
            sandbox.run(&words).stdin("yes\n").gives(2, "", any());
        }
        assert_eq!(state(&sandbox), before);
    }
}

#[test]
fn no_variable_and_no_configuration_of_the_repository_answers() {
    for (gate, words) in GATES {
        let mut sandbox = waiting(gate);
        for name in ["HACO_YES", "CI", "HACO_APPROVE", "DEBIAN_FRONTEND"] {
            sandbox.set(name, "1");
        }
        let config = json!({"gates": {"scope": "auto", "acceptance": "auto"}}).to_string();
        let own = sandbox.read(".haco/config.json");
        sandbox.write(".haco/config.json", config);
        sandbox.run(&words).stdin("yes\n").gives(78, "", has("gates.scope"));
        sandbox.run(&["haco", "run", "-j1"]).gives(78, "", has("gates.scope"));
        sandbox.write(".haco/config.json", own);
        sandbox.run(&words).stdin("yes\n").gives(3, "", any());
        assert_ne!(status(&sandbox, "T-001"), "accepted");
        assert_eq!(sandbox.git_says(&["for-each-ref", "refs/heads/haco"]), "");
    }
}

#[test]
fn gate_one_shows_what_will_run_and_gate_two_what_was_done() {
    let done = waiting("approve").at_terminal(&GATES[0].1, &[("[y/N] ", "n\n")]);
    for part in ["greet people by name", "T-001", "sh greet.sh Ada", greeter::MODEL, "supervisor"] {
        assert!(done.stdout.contains(part), "no '{part}' in {}", done.stdout);
    }
    let done = waiting("accept").at_terminal(&GATES[1].1, &[("[y/N] ", "n\n")]);
    for part in ["T-001", "greet.sh", "sh greet.sh Ada"] {
        assert!(done.stdout.contains(part), "no '{part}' in {}", done.stdout);
    }
}

#[test]
fn hostile_text_moves_no_cursor() {
    let title = ticket("T-001", json!({"title": "x\u{1b}[2J"}));
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    let refused = sandbox.run(&["haco-plan", "--from", "-"]).stdin(greeter::plan("greetings", &[title]));
    refused.gives(2, "", has("holds a control character"));
    let test = json!({"command": "sh greet.sh Ada # \u{1b}[2J\u{1b}[1;1Happroved \u{202e}"});
    let hostile = ticket("T-001", json!({"definition_of_done": {"tests": [test]}}));
    let sandbox = planned(&server, &[hostile]);
    let done = sandbox.at_terminal(&GATES[0].1, &[("[y/N] ", "n\n")]);
    assert!(!done.stdout.contains('\u{1b}') && !done.stdout.contains('\u{202e}'), "{:?}", done.stdout);
}

#[test]
fn excluding_a_ticket_takes_along_what_depends_on_it_and_says_so_first() {
    let tickets = [
        ticket("T-001", json!({})),
        twice("T-002", &["T-001"]),
        ticket(
            "T-003",
            json!({
        "title": "bye", "task": {"target_files": [], "new_files": ["bye.sh"]},
        "definition_of_done": {"tests": [{"command": "test -s bye.sh"}]}}),
        ),
    ];
    let sandbox = planned(&greeter::good_model(), &tickets);
    let done = sandbox.at_terminal(&["haco", "approve", "--exclude", "T-001"], &[("T-002", ""), ("[y/N] ", "y\n")]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    assert_eq!(["T-001", "T-002"].map(|id| status(&sandbox, id)), ["abandoned", "abandoned"]);
    assert_eq!(greeter::next(&sandbox)["ticket"], "T-003", "nothing is deadlocked");
}

#[test]
fn an_approval_and_an_acceptance_can_be_taken_back() {
    let sandbox = waiting("accept");
    greeter::accept(&sandbox, "T-001");
    assert_eq!(status(&sandbox, "T-001"), "accepted");
    let taken = sandbox.at_terminal(&["haco", "withdraw", "T-001"], &[("[y/N] ", "y\n")]);
    assert_eq!((taken.status, status(&sandbox, "T-001").as_str()), (0, "awaiting_acceptance"), "{}", taken.stdout);
    let taken = sandbox.at_terminal(&["haco", "withdraw", "greetings"], &[("[y/N] ", "y\n")]);
    assert_eq!((taken.status, status(&sandbox, "T-001").as_str()), (0, "backlog"), "{}", taken.stdout);
}

#[test]
fn a_new_ticket_waits_for_the_person_and_the_others_go_on() {
    let sandbox = greeter::approved(&greeter::good_model(), &[ticket("T-001", json!({}))]);
    let more = json!({"tickets": [twice("T-002", &["T-001"])]}).to_string();
    sandbox.run(&["haco-plan", "--plan", "greetings", "--from", "-"]).stdin(more).gives(0, "T-002\n", any());
    assert_eq!(status(&sandbox, "T-002"), "backlog");
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    assert_eq!(records(&sandbox, "T-002"), [0; 3]);
}
