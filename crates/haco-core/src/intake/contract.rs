//! One ticket's contract out of untrusted JSON. The published Atomic Ticket loads; whatever claims that work was done is
//! dropped, and the contents of context files too, since they are read from the base.

use super::{
    Draft, KINDS,
    fields::{Obj, Reasons},
    rules,
};
use crate::{
    id::TicketId,
    path::RepoPath,
    ticket::{About, Context, ContextFile, ContractFile, DefinitionOfDone, Execution, Task, Test},
};
use serde_json::Value;

const FIELDS: [&str; 16] = [
    "schema_version",
    "id",
    "title",
    "type",
    "priority",
    "created_by",
    "stage",
    "depends_on",
    "dependencies",
    "severity",
    "about",
    "task",
    "context",
    "definition_of_done",
    "execution",
    "metadata",
];
const DROPPED: [&str; 8] = ["plan", "status", "audit", "result", "attempts", "verdicts", "decisions", "shipment"];
const TASK: [&str; 6] =
    ["description", "target_files", "new_files", "public_api", "constraints", "allowed_dependencies"];

/// The contract, or none where a needed part is missing; with any reason added it is not valid either.
pub(super) fn draft(value: &Value, index: usize, out: &mut Reasons) -> Option<Draft> {
    let ticket = Obj::of(value, format!("tickets[{index}]"), out)?;
    ticket.only(&FIELDS, &DROPPED, out);
    ticket.number("schema_version", 1, crate::ticket::SCHEMA_VERSION, out);
    let kind = ticket.text("type", out).unwrap_or_else(|| "feature".into());
    if !KINDS.contains(&kind.as_str()) {
        out.add(ticket.at("type"), format!("'{}' is not one of {}", kind.escape_debug(), KINDS.join(", ")));
    }
    let title = ticket.needed("title", out);
    let task = task(&ticket, out);
    let done = done(&ticket, out);
    let draft = Draft {
        index,
        id: id(&ticket, out),
        title: title?.trim().to_owned(),
        kind,
        priority: ticket.word("priority", "high, medium, low", out).unwrap_or_default(),
        created_by: ticket.text("created_by", out),
        stage: ticket.text("stage", out),
        depends_on: depends_on(&ticket, out),
        severity: ticket.word("severity", "blocker, high, medium, low", out),
        about: ticket.object("about", out).map(|about| self::about(&about, out)),
        context: context(&ticket, out),
        execution: execution(&ticket, out),
        metadata: ticket.object("metadata", out).map(|m| m.map.clone()).unwrap_or_default(),
        task: task?,
        definition_of_done: done?,
    };
    rules::within(&draft, &ticket.path, out);
    Some(draft)
}

/// Published tickets may pad their numbers (`T-0001`); ours do not.
fn unpadded(text: &str) -> String {
    match text.split_at_checked(2) {
        Some((letter @ ("T-" | "F-"), digits)) if digits.len() > 3 && digits.starts_with('0') => {
            format!("{letter}{:0>3}", digits.trim_start_matches('0'))
        }
        _ => text.to_owned(),
    }
}

fn id(ticket: &Obj, out: &mut Reasons) -> Option<TicketId> {
    let text = ticket.text("id", out).filter(|t| !t.is_empty())?;
    unpadded(&text).parse().map_err(|why: String| out.add(ticket.at("id"), why)).ok()
}

fn depends_on(ticket: &Obj, out: &mut Reasons) -> Vec<TicketId> {
    let mut all: Vec<TicketId> = Vec::new();
    for key in ["depends_on", "dependencies"] {
        for (value, path) in ticket.items(key, out) {
            match value.as_str().map(|text| unpadded(text).parse::<TicketId>()) {
                Some(Ok(id)) if !all.contains(&id) => all.push(id),
                Some(Ok(_)) => {}
                Some(Err(why)) => out.add(path, why),
                None => out.add(path, "not a text"),
            }
        }
    }
    all
}

fn about(about: &Obj, out: &mut Reasons) -> About {
    about.only(&["ticket", "stage", "file", "line"], &[], out);
    About {
        ticket: about.parsed("ticket", out),
        stage: about.text("stage", out),
        file: about.text("file", out),
        line: about.number("line", 1, u32::MAX, out).map(u64::from),
    }
}

fn task(ticket: &Obj, out: &mut Reasons) -> Option<Task> {
    let Some(task) = ticket.object("task", out) else {
        if ticket.get("task").is_none() {
            out.add(ticket.at("task"), "missing");
        }
        return None;
    };
    task.only(&TASK, &[], out);
    let description = task.needed("description", out);
    let target_files: Vec<RepoPath> = task.parsed_list("target_files", out);
    let new_files: Vec<RepoPath> = task.parsed_list("new_files", out);
    let named = |key| task.get(key).and_then(Value::as_array).is_some_and(|items| !items.is_empty());
    if !named("target_files") && !named("new_files") {
        out.add(
            task.at("target_files"),
            "missing: a ticket names the files that it may change or, in new_files, create",
        );
    }
    Some(Task {
        description: description?,
        target_files,
        new_files,
        public_api: task.texts("public_api", out),
        constraints: task.texts("constraints", out),
        allowed_dependencies: task.texts("allowed_dependencies", out),
    })
}

fn context(ticket: &Obj, out: &mut Reasons) -> Context {
    let Some(context) = ticket.object("context", out) else { return Context::default() };
    context.only(&["files", "related_symbols", "notes"], &["token_estimate"], out);
    let mut files = Vec::new();
    for (value, path) in context.items("files", out) {
        let Some(file) = Obj::of(value, path, out) else { continue };
        file.only(&["path", "lines", "reason"], &["content", "truncated"], out);
        let lines = file.text("lines", out);
        if lines.as_deref().is_some_and(|l| !rules::is_span(l)) {
            out.add(file.at("lines"), "not of the form 'FIRST-LAST', from 1");
        }
        let path = file.needed("path", out).and_then(|_| file.parsed("path", out));
        files.extend(path.map(|path| ContextFile { path, lines, reason: file.text("reason", out) }));
    }
    let notes = context.text("notes", out).filter(|n| !n.is_empty());
    Context { files, related_symbols: context.texts("related_symbols", out), notes }
}

fn done(ticket: &Obj, out: &mut Reasons) -> Option<DefinitionOfDone> {
    let Some(done) = ticket.object("definition_of_done", out) else {
        if ticket.get("definition_of_done").is_none() {
            out.add(ticket.at("definition_of_done"), "missing");
        }
        return None;
    };
    done.only(&["tests", "static_checks", "files", "acceptance_criteria"], &[], out);
    let mut files = Vec::new();
    for (value, path) in done.items("files", out) {
        let Some(file) = Obj::of(value, path, out) else { continue };
        file.only(&["path", "content"], &[], out);
        let path = file.needed("path", out).and_then(|_| file.parsed("path", out));
        if file.get("content").is_none() {
            out.add(file.at("content"), "missing");
        }
        let content = file.text("content", out);
        files.extend(path.zip(content).map(|(path, content)| ContractFile { path, content }));
    }
    Some(DefinitionOfDone {
        tests: tests(&done, "tests", out),
        static_checks: tests(&done, "static_checks", out),
        files,
        acceptance_criteria: done.texts("acceptance_criteria", out),
    })
}

fn tests(done: &Obj, key: &str, out: &mut Reasons) -> Vec<Test> {
    let mut all = Vec::new();
    for (value, path) in done.items(key, out) {
        match value {
            Value::String(command) if command.trim().is_empty() => out.add(path, "empty"),
            Value::String(command) => all.push(Test::of(command)),
            _ => all.extend(Obj::of(value, path, out).and_then(|test| self::test(&test, out))),
        }
    }
    all
}

fn test(test: &Obj, out: &mut Reasons) -> Option<Test> {
    test.only(&["name", "command", "expect", "timeout_sec", "dir", "needs", "baseline"], &[], out);
    let command = test.needed("command", out);
    let made = Test {
        name: test.text("name", out),
        command: String::new(),
        expect: test.word("expect", "pass, fail", out).unwrap_or_default(),
        timeout_sec: test.number("timeout_sec", 1, rules::LONGEST_TEST_SEC, out),
        dir: test.parsed("dir", out),
        needs: test.texts("needs", out),
        baseline: test.word("baseline", "fail, pass, any", out),
    };
    Some(Test { command: command?, ..made })
}

fn execution(ticket: &Obj, out: &mut Reasons) -> Execution {
    let Some(own) = ticket.object("execution", out) else { return Execution::default() };
    own.only(&["route", "assigned_model", "retry_budget", "escalate_to", "edit_format"], &["attempts"], out);
    Execution {
        route: own.texts("route", out),
        assigned_model: own.text("assigned_model", out).filter(|m| !m.is_empty()),
        retry_budget: own.number("retry_budget", 0, rules::MOST_RETRIES, out),
        escalate_to: own.word("escalate_to", "tech_lead, human, blocked", out),
        edit_format: own.word("edit_format", "auto, whole, search-replace, udiff, patch, json", out),
    }
}
