//! From the sections of a PLAN.md to the JSON that `intake` judges.

use super::body::Body;
use super::outline::{Kind, Outline, Section};
use super::words::{ticket_heading, uncode, unitem, unlist};
use crate::id::PlanId;
use crate::intake::Found;
use serde_json::{Map, Value, json};

/// The plan's part, and each ticket with the line of its heading.
pub(super) fn document(outline: &Outline) -> (Value, Vec<(usize, Found)>) {
    let mut plan = Map::new();
    let mut tickets = Vec::new();
    let marked_first = |s: &&Section| s.mark.is_none();
    let mut sections: Vec<&Section> = outline.sections.iter().collect();
    sections.sort_by_key(marked_first);
    for section in sections {
        let body = Body::of(outline, section.heading + 1, section.end);
        let mut add = |key: &str, value: Value| {
            plan.entry(key).or_insert(value);
        };
        match section.kind {
            Kind::Head => head(section, &body, &mut add),
            Kind::Summary => add("summary", body.text().into()),
            Kind::Requirement => add("requirement", body.text().into()),
            Kind::Assumptions => add("assumptions", body.items().into()),
            Kind::Ticket => tickets.push((section.heading + 1, Found::Value(ticket(outline, section)))),
        }
    }
    tickets.sort_by_key(|(line, _)| *line);
    // A name that is no id says what is wanted, unless a section does.
    if let Some(title) = plan.shift_remove("title") {
        plan.entry("requirement").or_insert(title);
    }
    plan.retain(|_, value| *value != "");
    (Value::Object(plan), tickets)
}

fn head(section: &Section, body: &Body, add: &mut impl FnMut(&str, Value)) {
    if let Some((_, name)) = section.title.split_once(':') {
        let key = if name.trim().parse::<PlanId>().is_ok() { "id" } else { "title" };
        add(key, name.trim().into());
    }
    for (key, value) in body.fields().0.into_iter().filter(|(key, _)| key == "studio" || key == "mode") {
        add(&key, unitem(&value).into());
    }
}

/// Whether a heading below a ticket is one that is read; any other belongs to people.
pub(super) fn is_known(title: &str) -> bool {
    part(title).is_some()
}

fn part(title: &str) -> Option<&'static str> {
    Some(match title.to_ascii_lowercase().trim_end_matches(':') {
        "description" | "task" => "description",
        "public api" => "public_api",
        "constraints" => "constraints",
        "allowed dependencies" => "allowed_dependencies",
        "context" => "context",
        "related symbols" => "related_symbols",
        "context notes" => "notes",
        "acceptance criteria" | "criteria" => "acceptance_criteria",
        "checks" | "tests" => "tests",
        "static checks" => "static_checks",
        "contract files" => "files",
        "execution" => "execution",
        _ => return None,
    })
}

fn ticket(outline: &Outline, section: &Section) -> Value {
    let (id, title) = ticket_heading(section.title).expect("the outline took it for a ticket's heading");
    let mut ticket = Map::from_iter([("title".to_owned(), Value::from(title))]);
    ticket.extend(id.map(|id| ("id".to_owned(), Value::from(id.as_str()))));
    let mut parts: [Map<String, Value>; 3] = Default::default();
    let heads: Vec<usize> = (section.heading + 1..section.end).filter(|at| outline.heading(*at).is_some()).collect();
    let top = Body::of(outline, section.heading + 1, heads.first().copied().unwrap_or(section.end));
    let (fields, below) = top.fields();
    fields.into_iter().for_each(|(name, value)| field(&mut ticket, &mut parts[0], name, &value));
    let talk = Body::of(outline, below, top.to).text();
    for (i, at) in heads.iter().enumerate() {
        let name = outline.heading(*at).and_then(|(_, title)| part(title));
        let body = Body::of(outline, at + 1, heads.get(i + 1).copied().unwrap_or(section.end));
        if let Some(name) = name {
            fill(&mut ticket, &mut parts, name, &body);
        }
    }
    let [mut task, context, done] = parts;
    let described = task.get("description").and_then(Value::as_str).unwrap_or("").to_owned();
    let both = [talk, described].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n\n");
    task.insert("description".into(), both.into());
    ticket.extend(
        [("task", task), ("context", context), ("definition_of_done", done)].map(|(k, v)| (k.into(), v.into())),
    );
    Value::Object(ticket)
}

fn field(ticket: &mut Map<String, Value>, task: &mut Map<String, Value>, name: String, value: &str) {
    match name.as_str() {
        "modify" | "target_files" | "files" => {
            task.insert("target_files".into(), unlist(value).into());
        }
        "create" | "new_files" => {
            task.insert("new_files".into(), unlist(value).into());
        }
        "depends_on" | "dependencies" => {
            ticket.insert("depends_on".into(), unlist(value).into());
        }
        "type" | "priority" => {
            ticket.insert(name, unitem(value).to_ascii_lowercase().into());
        }
        _ => {
            ticket.insert(name, unitem(value).into());
        }
    }
}

fn fill(ticket: &mut Map<String, Value>, [task, context, done]: &mut [Map<String, Value>; 3], name: &str, body: &Body) {
    let (into, value) = match name {
        "description" => (task, Value::from(body.text())),
        "public_api" | "constraints" | "allowed_dependencies" => (task, body.items().into()),
        "context" => {
            context.insert("files".into(), body.raw_items().iter().map(|text| context_file(text)).collect());
            return;
        }
        "related_symbols" => (context, body.items().into()),
        "notes" => (context, body.text().into()),
        "acceptance_criteria" => (done, body.items().into()),
        "files" => (done, body.files().into()),
        "execution" => (ticket, execution(body)),
        _ => (done, body.checks().into()),
    };
    into.insert(name.to_owned(), value);
}

/// `` `path` lines 3-10: reason ``.
fn context_file(text: &str) -> Value {
    let (path, rest) = uncode(text).unwrap_or_else(|| {
        let end = text.find([' ', ':']).unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    });
    let mut file = json!({ "path": path });
    let mut rest = rest.trim();
    if let Some(lines) = rest.strip_prefix("lines ") {
        let end = lines.find([':', ' ']).unwrap_or(lines.len());
        file["lines"] = lines[..end].into();
        rest = lines[end..].trim();
    }
    if let Some(reason) = rest.strip_prefix(':') {
        file["reason"] = unitem(reason.trim()).into();
    }
    file
}

fn execution(body: &Body) -> Value {
    let mut execution = Map::new();
    for (name, value) in body.fields().0 {
        let value = match name.as_str() {
            "route" => unlist(&value).into(),
            "retry_budget" => value.parse::<u64>().map_or(Value::from(value), Value::from),
            _ => Value::from(value),
        };
        execution.insert(name, value);
    }
    Value::Object(execution)
}
