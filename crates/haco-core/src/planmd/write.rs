//! The generated blocks of a PLAN.md.

use super::words::{CLOSE, body, code, fenced, item, list};
use crate::{
    plan::Plan,
    ticket::{Baseline, Expect, Test, Ticket},
};
use std::fmt::Write;

/// The names of the plan's own blocks, in order.
pub(super) const PLAN_BLOCKS: [&str; 4] = ["plan", "summary", "requirement", "assumptions"];

fn marked(name: &str, inside: &str) -> String {
    format!("<!-- haco:{name} -->\n{inside}{CLOSE}\n")
}

/// One of the plan's own blocks; none where there is nothing to say.
pub(super) fn plan_block(plan: &Plan, name: &str) -> Option<String> {
    let inside = match name {
        "plan" => format!("# Plan: {}\n\n- Studio: {}\n- Mode: {}\n", plan.id, item(&plan.studio), item(&plan.mode)),
        "summary" => format!("## Summary\n\n{}", body(plan.summary.as_deref().filter(|s| !s.is_empty())?)),
        "requirement" => format!("## Requirement\n\n{}", body(&plan.requirement)),
        _ if plan.assumptions.is_empty() => return None,
        _ => format!("## Assumptions\n\n{}", bullets("- ", &plan.assumptions)),
    };
    Some(marked(name, &inside))
}

fn bullets(mark: &str, items: &[String]) -> String {
    items.iter().map(|text| format!("{mark}{}\n", item(text))).collect()
}

/// A ticket's block; `number` is its place in the plan, from 1.
pub(super) fn ticket_block(ticket: &Ticket, number: usize) -> String {
    let (task, context, done) = (&ticket.task, &ticket.context, &ticket.definition_of_done);
    let mut out = format!("### {number}. {} {}\n\n", ticket.id, item(&ticket.title));
    fields(&mut out, ticket);
    let files: String = done.files.iter().map(|f| contract_file(f.path.as_str(), &f.content)).collect();
    let chosen: String = context.files.iter().map(context_file).collect();
    for (title, text) in [
        ("Description", body(&task.description)),
        ("Public API", bullets("- ", &task.public_api)),
        ("Constraints", bullets("- ", &task.constraints)),
        ("Allowed dependencies", bullets("- ", &task.allowed_dependencies)),
        ("Context", chosen),
        ("Related symbols", bullets("- ", &context.related_symbols)),
        ("Context notes", context.notes.as_deref().map(body).unwrap_or_default()),
        ("Acceptance criteria", bullets("- [ ] ", &done.acceptance_criteria)),
        ("Static checks", done.static_checks.iter().map(check).collect()),
        ("Checks", done.tests.iter().map(check).collect()),
        ("Contract files", files),
        ("Execution", execution(ticket)),
    ] {
        if !text.is_empty() {
            write!(out, "\n#### {title}\n\n{text}").expect("a string takes everything");
        }
    }
    marked(ticket.id.as_str(), &out)
}

fn field(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        writeln!(out, "- {name}: {value}").expect("a string takes everything");
    }
}

fn fields(out: &mut String, ticket: &Ticket) {
    let priority = serde_json::to_value(ticket.priority).expect("a priority is a word");
    let needs: Vec<&str> = ticket.depends_on.iter().map(|id| id.as_str()).collect();
    field(out, "Type", &item(&ticket.kind));
    field(out, "Priority", priority.as_str().unwrap_or_default());
    field(out, "Created by", &ticket.created_by.as_deref().map(item).unwrap_or_default());
    field(out, "Stage", &ticket.stage.as_deref().map(item).unwrap_or_default());
    field(out, "Depends on", &needs.join(", "));
    field(out, "Modify", &list(ticket.task.target_files.iter().map(|p| p.as_str())));
    field(out, "Create", &list(ticket.task.new_files.iter().map(|p| p.as_str())));
}

fn context_file(file: &crate::ticket::ContextFile) -> String {
    let lines = file.lines.as_deref().map(|l| format!(" lines {l}")).unwrap_or_default();
    let reason = file.reason.as_deref().map(|r| format!(": {}", item(r))).unwrap_or_default();
    format!("- {}{lines}{reason}\n", code(file.path.as_str()))
}

fn contract_file(path: &str, content: &str) -> String {
    let whole = content.is_empty() || content.ends_with('\n');
    let (mark, text) = if whole { ("", content.to_owned()) } else { (" (no final newline)", format!("{content}\n")) };
    format!("- {}{mark}\n\n{}\n", code(path), fenced(&text))
}

fn check(test: &Test) -> String {
    let mut marks = Vec::new();
    marks.extend(test.name.as_deref().map(|name| format!("name: {}", code(name))));
    marks.extend((test.expect == Expect::Fail).then(|| "expect: fail".to_owned()));
    marks.extend(test.timeout_sec.map(|sec| format!("timeout: {sec}")));
    marks.extend(test.dir.as_ref().map(|dir| format!("dir: {}", code(dir.as_str()))));
    marks.extend((!test.needs.is_empty()).then(|| format!("needs: {}", list(test.needs.iter().map(String::as_str)))));
    marks.extend(test.baseline.map(|baseline| {
        let word = match baseline {
            Baseline::Fail => "fail",
            Baseline::Pass => "pass",
            Baseline::Any => "any",
        };
        format!("baseline: {word}")
    }));
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join("; ")) };
    format!("- {}{marks}\n", code(&test.command))
}

fn execution(ticket: &Ticket) -> String {
    let own = &ticket.execution;
    let mut out = String::new();
    field(&mut out, "Route", &list(own.own_route().iter().map(String::as_str)));
    field(&mut out, "Retry budget", &own.retry_budget.map(|n| n.to_string()).unwrap_or_default());
    field(&mut out, "Escalate to", own.escalate_to.map_or("", |to| to.as_str()));
    let format = own.edit_format.map(|f| serde_json::to_value(f).expect("a format is a word"));
    field(&mut out, "Edit format", format.as_ref().and_then(|f| f.as_str()).unwrap_or_default());
    out
}
