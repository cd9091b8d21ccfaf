//! haco-plan: a requirement, or tickets that somebody wrote, become a plan.

use crate::{
    greeter::{self, initialised, ticket, twice},
    peers::ollama::{Ollama, Reply},
    sandbox::{Sandbox, root},
    want::{any, has, json, like},
};
use serde_json::{Value, json};

fn silent() -> Ollama {
    Ollama::saying(Reply::Drop)
}

#[test]
fn takes_every_form_that_is_documented() {
    let [one, two] = [ticket("T-001", json!({})), twice("T-002", &["T-001"])];
    let lines = format!("{one}\n{two}\n");
    for (text, ids) in [
        (greeter::plan("p", &[one.clone(), two.clone()]), "T-001\nT-002\n"),
        (json!([one, two]).to_string(), "T-001\nT-002\n"),
        (one.to_string(), "T-001\n"),
        (lines, "T-001\nT-002\n"),
    ] {
        let sandbox = initialised(&silent());
        sandbox.run(&["haco-plan", "--from", "-"]).stdin(text.clone()).gives(0, ids, any());
        let sandbox = initialised(&silent());
        sandbox.write("tickets.txt", text);
        sandbox.run(&["haco-plan", "--from", "tickets.txt"]).gives(0, ids, any());
        sandbox.run(&["haco", "doctor", "--json"]).gives(0, has("\"findings\":[]"), "");
    }
}

#[test]
fn the_example_of_plan_md_becomes_two_tickets_and_comes_back() {
    let sandbox = initialised(&silent());
    let example = std::fs::read_to_string(root().join("templates/PLAN.md")).expect("it is there");
    sandbox.write("PLAN.md", format!("{example}\n## Mine\n\nkeep this\n")).write("src/main.py", "").commit("main");
    sandbox.run(&["haco-plan", "--from", "PLAN.md"]).gives(0, "T-001\nT-002\n", any());
    sandbox.run(&["haco-plan", "--render"]).gives(0, any(), any());
    let rendered = sandbox.read("PLAN.md");
    assert!(rendered.contains("keep this") && rendered.contains("greet() takes a name"), "{rendered}");
    assert!(rendered.contains("- Depends on: T-001"), "{rendered}");
    sandbox.run(&["haco-plan", "--render"]).gives(0, any(), any());
    assert_eq!(sandbox.read("PLAN.md"), rendered, "the second time changes nothing");
}

#[test]
fn a_file_that_was_not_read_is_not_overwritten() {
    let sandbox = initialised(&silent());
    let text = greeter::plan("p", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    sandbox.write("PLAN.md", "my own notes\n");
    let done = sandbox.run(&["haco-plan", "--render"]).done();
    assert!(sandbox.read("PLAN.md").contains("my own notes\n"), "{done:?}");
}

#[test]
fn what_claims_that_work_was_done_is_dropped() {
    let sandbox = initialised(&silent());
    let mut claims = ticket("T-001", json!({"metadata": {"board": "infra"}}));
    claims["attempts"] = json!([{"n": 1}]);
    claims["verdicts"] = json!([{"check": "acceptance", "verdict": "pass"}]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(claims.to_string()).gives(0, "T-001\n", any());
    assert_eq!(greeter::records(&sandbox, "T-001"), [0; 3]);
    assert_eq!(greeter::stored(&sandbox, "T-001")["metadata"]["board"], "infra");
}

#[test]
fn a_ticket_of_the_published_schema_loads() {
    let sandbox = initialised(&silent());
    sandbox.write("src/retry.py", "def retry(call): ...\n").commit("retry");
    let sample = root().join("tests/samples/haao-ticket.json");
    let sample = sample.to_str().expect("a path");
    sandbox.run(&["haco-plan", "--from", sample]).gives(0, "T-001\n", any());
    let stored = greeter::stored(&sandbox, "T-001");
    assert_eq!(stored["definition_of_done"]["tests"][1]["expect"], "fail");
    assert!(stored["metadata"]["estimate"] == 2 && stored.get("status").is_none() && stored.get("audit").is_none());
}

#[test]
fn a_bad_graph_is_refused_by_name_and_nothing_is_kept() {
    for (tickets, said) in [
        (vec![twice("T-001", &["T-002"]), ticket("T-002", json!({"depends_on": ["T-001"]}))], "T-001"),
        (vec![twice("T-001", &["T-001"])], "T-001"),
        (vec![twice("T-001", &["T-009"])], "T-009"),
        (vec![ticket("T-001", json!({})), ticket("T-001", json!({}))], "T-001"),
    ] {
        let sandbox = initialised(&silent());
        let done = sandbox.run(&["haco-plan", "--from", "-"]).stdin(greeter::plan("p", &tickets)).done();
        assert!(matches!(done.status, 1 | 2) && done.stderr.contains(said), "{done:?}");
        if done.status == 2 {
            sandbox.run(&["haco", "list", "--ids"]).gives(0, "", "");
        }
    }
}

#[test]
fn tickets_that_touch_one_path_get_an_order_and_it_is_said() {
    let sandbox = initialised(&silent());
    let tickets = [ticket("T-001", json!({})), ticket("T-002", json!({"title": "and again"}))];
    let said = like("that T-002 comes after T-001", |t| t.contains("T-002") && t.contains("T-001"));
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(greeter::plan("p", &tickets)).gives(0, "T-001\nT-002\n", said);
    assert_eq!(greeter::stored(&sandbox, "T-002")["depends_on"], json!(["T-001"]));
}

#[test]
fn vague_criteria_are_named() {
    let sandbox = initialised(&silent());
    let vague = ticket("T-001", json!({"definition_of_done": {"acceptance_criteria": ["works correctly"]}}));
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(vague.to_string()).gives(0, "T-001\n", has("works correctly"));
}

#[test]
fn a_supervisor_is_asked_with_the_whole_prompt_and_its_answer_taken() {
    let sandbox = initialised(&silent());
    sandbox.run(&["haco-plan", "greet people by name"]).gives(
        3,
        "",
        has("hint: haco plan --plan greet-people-by-name --from -"),
    );
    let next = greeter::next(&sandbox);
    assert_eq!((&next["action"], &next["actor"]), (&json!("decompose"), &json!("tech_lead")), "{next}");
    let prompt = next["prompt"].as_str().expect("the prompt is there");
    assert!(prompt.contains("greet people by name") && prompt.contains("greet.sh"), "{prompt}");
    let command: Vec<&str> = next["command"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    let answer = json!({"tickets": [ticket("T-001", json!({}))]}).to_string();
    sandbox.run(&command).stdin(answer).gives(0, "T-001\n", any());
    assert_eq!(greeter::next(&sandbox)["action"], "approve_scope");
}

#[test]
fn a_lead_that_answers_prose_is_told_what_was_wrong() {
    let server = Ollama::start(|q| match q.n {
        1 => Reply::text("I would rather talk about it."),
        _ => Reply::text(greeter::plan("x", &[ticket("T-001", json!({}))])),
    });
    let sandbox = initialised(&server);
    greeter::routed(&sandbox, true);
    sandbox.run(&["haco-plan", "greet people by name"]).gives(0, "T-001\n", any());
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].prompt.len() > asked[0].prompt.len(), "the second prompt says what was wrong");
}

#[test]
fn a_lead_that_never_answers_json_leaves_a_plan_that_can_be_asked_again() {
    let server = Ollama::saying(Reply::text("no"));
    let sandbox = initialised(&server);
    greeter::routed(&sandbox, true);
    let done = sandbox.run(&["haco-plan", "greet people by name"]).done();
    assert!(
        done.status == 1 && done.stdout.is_empty() && done.stderr.contains("\nhaco-plan: the lead's answer"),
        "{done:?}"
    );
    assert_eq!(server.asked().len(), 3, "once and two repairs");
    sandbox.run(&["haco", "doctor", "--json"]).gives(0, has("\"findings\":[]"), "");
}

#[test]
fn valid_tickets_are_kept_apart_from_bad_ones() {
    let sandbox = initialised(&silent());
    let bad = ticket("T-002", json!({"task": {"target_files": ["../outside"]}}));
    let text = greeter::plan("p", &[ticket("T-001", json!({})), bad]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(1, "T-001\n", has("../outside"));
    sandbox.run(&["haco", "list", "--ids"]).gives(0, "T-001\n", "");
}

#[test]
fn too_many_tickets_are_malformed_from_a_model_and_fine_from_a_file() {
    let many: Vec<Value> = (1..=101)
        .map(|n| {
            let file = format!("f{n}.sh");
            ticket(&format!("T-{n:03}"), json!({"task": {"target_files": [], "new_files": [file]}}))
        })
        .collect();
    let text = greeter::plan("p", &many);
    let sandbox = initialised(&silent());
    let all = like("101 ids", |text| text.lines().count() == 101);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text.clone()).gives(0, all, any());
    let server = Ollama::start(move |_| Reply::text(text.clone()));
    let sandbox = initialised(&server);
    greeter::routed(&sandbox, true);
    let done = sandbox.run(&["haco-plan", "greet people by name"]).done();
    assert!(done.status != 0 && done.stderr.contains("100"), "{done:?}");
    sandbox.run(&["haco", "list", "--ids"]).gives(0, "", "");
}

#[test]
fn check_commands_are_found_and_kept() {
    let sandbox = Sandbox::new();
    sandbox
        .write("Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\n")
        .write("src/lib.rs", "")
        .commit("rust");
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    let text = greeter::plan("p", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(text).gives(0, any(), any());
    assert!(sandbox.read(".haco/config.json").contains("cargo test"), "{}", sandbox.read(".haco/config.json"));
}

#[test]
fn a_replaced_contract_waits_for_the_person_again() {
    let server = greeter::good_model();
    let sandbox = greeter::approved(&server, &[ticket("T-001", json!({}))]);
    let changed = ticket("T-001", json!({"title": "greet.sh greets everybody by name"}));
    sandbox.run(&["haco-plan", "--replace", "T-001", "--from", "-"]).stdin(changed.to_string()).gives(
        0,
        "T-001\n",
        any(),
    );
    assert_eq!(greeter::status(&sandbox, "T-001"), "backlog");
    sandbox.run(&["haco-worker", "T-001"]).gives(4, "", any());
}

#[test]
fn json_names_the_plan_and_its_tickets() {
    let sandbox = initialised(&silent());
    let text = greeter::plan("p", &[ticket("T-001", json!({}))]);
    let wanted = json(|v| v["ok"] == true && v["plan"] == "p" && v["tickets"][0]["id"] == "T-001");
    sandbox.run(&["haco-plan", "--from", "-", "--json"]).stdin(text).gives(0, wanted, any());
    let failed = json(|v| v["ok"] == false && v["error"].is_string() && v["code"].is_string());
    sandbox.run(&["haco-plan", "--from", "-", "--json"]).stdin("{").gives(2, failed, any());
}
