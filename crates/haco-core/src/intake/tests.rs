use super::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn ticket() -> Value {
    json!({"id": "T-001", "title": "Add it", "type": "feature",
           "task": {"description": "Do it.", "target_files": ["a.py"]},
           "definition_of_done": {"tests": [{"command": "true"}]}})
}

/// The ticket with the value at a JSON pointer's place replaced, or removed where it is null.
fn with(pointer: &str, value: Value) -> Value {
    let mut ticket = ticket();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = ticket.pointer_mut(parent).expect("its parent").as_object_mut().expect("an object");
    if value.is_null() {
        parent.remove(key)
    } else {
        parent.insert(key.into(), value)
    };
    ticket
}

fn reasons(ticket: &Value) -> Vec<String> {
    let incoming = read(&ticket.to_string(), Source::File).expect("a document");
    let all: Vec<String> = incoming.bad.into_iter().flat_map(|b| b.reasons).collect();
    all.iter().map(|r| r.strip_prefix("line 1: tickets[0].").unwrap_or(r).to_owned()).collect()
}

fn titles(text: &str, source: Source) -> Vec<String> {
    let incoming = read(text, source).expect("a document");
    assert_eq!(incoming.bad, []);
    incoming.tickets.into_iter().map(|t| t.title).collect()
}

#[test]
fn every_form_gives_the_same_ticket() {
    let one = ticket().to_string();
    let pretty = serde_json::to_string_pretty(&ticket()).expect("JSON");
    let mut second = ticket();
    second["id"] = "T-002".into();
    assert_eq!(titles(&one, Source::File), ["Add it"]);
    assert_eq!(titles(&format!("\u{feff}{pretty}"), Source::File), ["Add it"]);
    assert_eq!(titles(&format!("[{one}, {second}]"), Source::File).len(), 2);
    assert_eq!(titles(&format!("{{\"plan\": {{\"id\": \"p\"}}, \"tickets\": [{one}]}}"), Source::File).len(), 1);
    assert_eq!(titles(&format!("{one}\n\n{second}\n"), Source::File).len(), 2);
    assert_eq!(titles(&format!("Here:\n```json\n{pretty}\n```\nand\n```json\n{second}\n```"), Source::Model).len(), 2);
    assert_eq!(titles(&format!("```json\n[{pretty}]\n```"), Source::File).len(), 1);
}

#[test]
fn each_broken_rule_is_a_reason_that_names_its_field() {
    let long = "x".repeat(121);
    for (pointer, value, expected) in [
        ("/title", json!(null), "title: missing"),
        ("/title", json!("  "), "title: empty"),
        ("/title", json!(long), "title: 121 characters, at most 120"),
        ("/title", json!("a\nb"), "title: holds a control character"),
        ("/title", json!(7), "title: a number where a text belongs"),
        ("/id", json!("first"), "id: 'first' is not a ticket's id (T-001 or F-001)"),
        ("/type", json!("epic"), "type: 'epic' is not one of feature, bugfix, refactor, test, chore, finding"),
        ("/priority", json!("urgent"), "priority: 'urgent' is not one of high, medium, low"),
        ("/prio", json!("high"), "prio: unknown field"),
        ("/schema_version", json!(2), "schema_version: 2 is not a whole number from 1 to 1"),
        ("/depends_on", json!(["x"]), "depends_on[0]: 'x' is not a ticket's id (T-001 or F-001)"),
        ("/metadata", json!([]), "metadata: a list where an object belongs"),
        ("/task", json!(null), "task: missing"),
        ("/task/description", json!(""), "task.description: empty"),
        ("/task/descripton", json!("x"), "task.descripton: unknown field; did you mean 'description'"),
        ("/task/target_files", json!("a.py"), "task.target_files: a text where a list belongs"),
        ("/task/new_files", json!(["a.py"]), "task.new_files[0]: 'a.py' stands in task.target_files[0] too"),
        ("/task/constraints", json!([" "]), "task.constraints[0]: empty"),
        ("/definition_of_done", json!(null), "definition_of_done: missing"),
        ("/definition_of_done/tests", json!([""]), "definition_of_done.tests[0]: empty"),
        ("/definition_of_done/tests", json!([{"command": " "}]), "definition_of_done.tests[0].command: empty"),
        (
            "/definition_of_done/tests",
            json!([{"command": "a", "timeout_sec": 0}]),
            "definition_of_done.tests[0].timeout_sec: 0 is not a whole number from 1 to 86400",
        ),
        (
            "/definition_of_done/tests",
            json!([{"command": "a", "name": "2"}, {"command": "b"}]),
            "definition_of_done.tests[1].name: '2' is the name of another one",
        ),
        (
            "/definition_of_done/files",
            json!([{"path": "a.py", "content": ""}]),
            "definition_of_done.files[0].path: 'a.py' stands in task.target_files[0] too",
        ),
        ("/definition_of_done/files", json!([{"path": "t.py"}]), "definition_of_done.files[0].content: missing"),
        (
            "/context",
            json!({"files": [{"path": "a.py", "lines": "9-3"}]}),
            "context.files[0].lines: not of the form 'FIRST-LAST', from 1",
        ),
        ("/execution", json!({"retry_budget": 21}), "execution.retry_budget: 21 is not a whole number from 0 to 20"),
    ] {
        let found = reasons(&with(pointer, value.clone()));
        assert!(found.iter().any(|r| r == expected), "{pointer} {value}: {found:?}");
    }
}

#[test]
fn a_test_is_needed_where_behaviour_changes_and_some_check_everywhere() {
    let statics = json!({"static_checks": ["true"]});
    let feature = with("/definition_of_done", statics.clone());
    let missing = "definition_of_done.tests: missing: a ticket of type 'feature' needs at least one test";
    assert_eq!(reasons(&feature), [missing]);
    let mut chore = feature;
    chore["type"] = "chore".into();
    assert_eq!(reasons(&chore), Vec::<String>::new());
    chore["definition_of_done"] = json!({});
    assert_eq!(
        reasons(&chore),
        ["definition_of_done.tests: missing: a ticket needs at least one test or static check"]
    );
}

#[test]
fn files_are_needed_and_bounded() {
    let missing = reasons(&with("/task/target_files", json!([])));
    assert!(missing[0].starts_with("task.target_files: missing"), "{missing:?}");
    let many: Vec<String> = (0..201).map(|i| format!("f{i}")).collect();
    assert_eq!(reasons(&with("/task/target_files", json!(many))), ["task.target_files: 201 entries, at most 200"]);
    let long = "x".repeat(64 * 1024 + 1);
    assert_eq!(reasons(&with("/task/description", json!(long))), ["task.description: 65537 bytes, at most 65536"]);
}

#[test]
fn valid_tickets_are_kept_apart_from_bad_ones_with_line_and_field() {
    let text = "{\n\"tickets\": [\n  {\"title\": \"bad\",\n   \"task\": {\n    \"descriptoin\": 1}},\n  GOOD\n]}"
        .replace("GOOD", &ticket().to_string());
    let incoming = read(&text, Source::File).expect("a document");
    assert_eq!(incoming.tickets.len(), 1);
    let bad = &incoming.bad[0];
    assert_eq!((bad.index, bad.title.as_deref(), bad.id.as_deref()), (0, Some("bad"), None));
    let expected = [
        "line 5: tickets[0].task.descriptoin: unknown field; did you mean 'description'",
        "line 4: tickets[0].task.description: missing",
        "line 4: tickets[0].task.target_files: missing: a ticket names the files that it may change or, in new_files, create",
        "line 3: tickets[0].definition_of_done: missing",
    ];
    assert_eq!(bad.reasons, expected);
}

#[test]
fn an_id_that_two_have_is_neithers_and_who_waits_for_a_bad_one_is_held_back() {
    let mut waits = ticket();
    waits["id"] = "T-002".into();
    waits["depends_on"] = json!(["T-001"]);
    let mut waits_longer = ticket();
    waits_longer["id"] = "T-003".into();
    waits_longer["dependencies"] = json!(["T-002"]);
    let incoming =
        read(&json!([ticket(), ticket(), waits, waits_longer]).to_string(), Source::File).expect("a document");
    let all: Vec<&str> = incoming.bad.iter().flat_map(|b| &b.reasons).map(String::as_str).collect();
    assert_eq!(all[0], "line 1: tickets[0].id: 'T-001' is the id of tickets[1] too");
    assert_eq!(all[3], "line 1: tickets[3].depends_on: tickets[2] is not valid");
    assert_eq!(incoming.bad.len(), 4);
}

#[test]
fn a_published_atomic_ticket_loads_and_what_claims_that_work_was_done_is_dropped() {
    let published = json!({"id": "T-0012", "title": "Add it", "type": "bugfix", "status": "done", "priority": "low",
        "created_by": "lead", "dependencies": ["T-001"], "depends_on": ["T-002", "T-001"],
        "task": {"description": "Do it.", "target_files": ["a.py"], "constraints": []},
        "context": {"files": [{"path": "b.py", "content": "x = 1", "truncated": false, "reason": "why"}],
                    "related_symbols": ["f"], "notes": "", "token_estimate": 12},
        "definition_of_done": {"tests": [{"command": "true", "expect": "pass", "timeout_sec": 120}],
                               "static_checks": ["ruff check ."], "acceptance_criteria": ["`f()` is 1"]},
        "execution": {"assigned_model": "qwen", "retry_budget": 3, "attempts": 2, "escalate_to": "tech_lead"},
        "audit": {"reviewed_by": "x", "verdict": "approved", "feedback": null},
        "result": {"outcome": "done"}, "metadata": {"mine": 1}});
    let incoming = read(&published.to_string(), Source::File).expect("a document");
    assert_eq!(incoming.bad, []);
    let draft = &incoming.tickets[0];
    assert_eq!(format!("{:?} {:?}", draft.id, draft.depends_on), "Some(T-012) [T-002, T-001]");
    assert_eq!(draft.metadata["mine"], 1);
    assert_eq!(draft.execution.own_route(), ["qwen"]);
    assert_eq!(draft.definition_of_done.static_checks[0].command, "ruff check .");
    let notes = incoming.notes.join("\n");
    assert!(notes.contains("tickets[0]: 'status', 'audit', 'result' dropped"), "{notes}");
    let ours = with("/attempts", json!([{"n": 1}]));
    assert_eq!(reasons(&ours), Vec::<String>::new());
}

#[test]
fn a_torn_line_of_json_lines_is_one_bad_ticket() {
    let incoming = read(&format!("{}\n{{\"id\": \n", ticket()), Source::File).expect("a document");
    assert_eq!(incoming.tickets.len(), 1);
    assert!(incoming.bad[0].reasons[0].starts_with("line 2: tickets[1]: not valid JSON: "), "{:?}", incoming.bad);
}

#[test]
fn documents_that_are_no_plan_say_why() {
    for (text, expected) in [
        ("", "the plan is empty"),
        (" \n", "the plan is empty"),
        ("no idea", "the text holds neither JSON nor the numbered tickets of a PLAN.md"),
        ("[1,\n", "the plan is not valid JSON: line 2, column 0: EOF while parsing a value"),
        ("{\"tickets\": 3}", "the plan is not valid: tickets: not a list"),
        ("{\"tickets\": [], \"x\": 1}", "the plan is not valid: unknown field 'x' beside 'plan' and 'tickets'"),
        (
            "{\"plan\": {\"id\": \"A b\", \"studi\": 1}, \"tickets\": []}",
            "the plan is not valid: line 1: plan.studi: unknown field; did you mean 'studio'; line 1: plan.id: 'A b' is not \
             a plan's id (lower-case letters, digits and hyphens, at most 63)",
        ),
    ] {
        assert_eq!(read(text, Source::File).expect_err(text).message, expected);
    }
}

#[test]
fn more_than_a_hundred_tickets_are_malformed_from_a_model_only() {
    let many = json!((0..101).map(|i| with("/id", json!(format!("T-{:03}", i + 1)))).collect::<Vec<_>>()).to_string();
    let failure = read(&many, Source::Model).expect_err("too many");
    assert_eq!(failure.message, "the plan has 101 tickets: at most 100 are taken from a model");
    assert_eq!(titles(&many, Source::File).len(), 101);
}

fn assigned(tickets: Value, taken: &[&str], base: &[&str]) -> Assigned {
    let incoming = read(&tickets.to_string(), Source::File).expect("a document");
    assert_eq!(incoming.bad, []);
    let taken: BTreeSet<TicketId> = taken.iter().map(|id| id.parse().expect("an id")).collect();
    let mut n = 0;
    let free = || {
        n += 1;
        TicketId::ticket(n)
    };
    let base = base.iter().map(|p| (*p).to_owned()).collect();
    assign(incoming, &taken, free, &"p".parse().expect("a plan"), &base)
}

#[test]
fn ids_are_kept_where_free_and_references_follow_a_new_one() {
    let mut second = with("/depends_on", json!(["T-001", "T-005"]));
    second["id"] = "T-002".into();
    second["task"]["target_files"] = json!(["b.py"]);
    let nameless = with("/id", json!(null));
    let Assigned { tickets, notes } =
        assigned(json!([ticket(), second, nameless]), &["T-001", "T-005"], &["a.py", "b.py"]);
    let ids: Vec<&str> = tickets.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["T-003", "T-002", "T-004"]);
    assert_eq!(format!("{:?}", tickets[1].depends_on), "[T-003, T-005]");
    assert_eq!(notes, ["T-003: called 'T-001' in the document, an id that is taken"]);
}

#[test]
fn paths_are_sorted_by_what_the_base_holds() {
    let mut first = with("/task/new_files", json!(["old.py"]));
    first["task"]["target_files"] = json!(["missing.py", "a.py"]);
    let mut second = with("/id", json!("T-002"));
    second["task"]["target_files"] = json!(["missing.py"]);
    let Assigned { tickets, notes } = assigned(json!([first, second]), &[], &["a.py", "old.py"]);
    let text = |paths: &[crate::path::RepoPath]| paths.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(" ");
    let shown: Vec<_> = tickets.iter().map(|t| (text(&t.task.target_files), text(&t.task.new_files))).collect();
    assert_eq!(shown[0], ("a.py old.py".to_owned(), "missing.py".to_owned()));
    assert_eq!(shown[1], ("missing.py".to_owned(), String::new()));
    let expected = [
        "T-001: 'old.py' is in the base: taken as a target file",
        "T-001: 'missing.py' is not in the base: taken as a new file",
    ];
    assert_eq!(notes, expected);
}
