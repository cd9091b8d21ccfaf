//! From the sections of a PLAN.md to the JSON that `intake` judges.

use super::outline::{Kind, Outline, Section, fence};
use super::words::{key, ticket_heading, uncode, unitem, unlist};
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
    plan.retain(|_, value| *value != "");
    (Value::Object(plan), tickets)
}

fn head(section: &Section, body: &Body, add: &mut impl FnMut(&str, Value)) {
    if let Some((_, id)) = section.title.split_once(':') {
        add("id", id.trim().into());
    }
    for (key, value) in body.fields().0.into_iter().filter(|(key, _)| key == "studio" || key == "mode") {
        add(&key, unitem(&value).into());
    }
}

/// The lines of a section.
struct Body<'a, 'b> {
    outline: &'b Outline<'a>,
    from: usize,
    to: usize,
}

impl<'a, 'b> Body<'a, 'b> {
    fn of(outline: &'b Outline<'a>, from: usize, to: usize) -> Body<'a, 'b> {
        let blank = |at: &usize| outline.lines[*at].trim().is_empty();
        let from = (from..to).find(|at| !blank(at)).unwrap_or(to);
        let to = (from..to).rev().find(|at| !blank(at)).map_or(from, |at| at + 1);
        Body { outline, from, to }
    }

    fn lines(&self) -> &'b [&'a str] {
        &self.outline.lines[self.from..self.to]
    }

    /// The text as it stands, or what is in the fence where it is one fence.
    fn text(&self) -> String {
        let lines = self.lines();
        let one = lines.len() > 1
            && lines[0].trim_start_matches('`') == "text"
            && self.fence_end(self.from) == Some(self.to - 1);
        if one { lines[1..lines.len() - 1].join("\n") } else { lines.join("\n") }
    }

    /// The last line of the closed fence that begins at a line.
    fn fence_end(&self, at: usize) -> Option<usize> {
        let (c, length) = fence(self.outline.lines[at]).filter(|_| self.outline.fenced[at])?;
        let closes = |line: &str| line.trim_end().len() >= length && line.trim_end().chars().all(|x| x == c);
        (at + 1..self.to).find(|i| closes(self.outline.lines[*i]))
    }

    /// Bullets without their marks and boxes; a line that is none continues the one before it.
    fn raw_items(&self) -> Vec<String> {
        let mut items: Vec<String> = Vec::new();
        for line in self.lines().iter().map(|l| l.trim()).filter(|l| !l.is_empty()) {
            match (bullet(line), items.last_mut()) {
                (Some(text), _) => items.push(text.to_owned()),
                (None, Some(last)) => {
                    last.push(' ');
                    last.push_str(line);
                }
                (None, None) => items.push(line.to_owned()),
            }
        }
        items
    }

    fn items(&self) -> Vec<String> {
        self.raw_items().iter().map(|text| unitem(text)).collect()
    }

    /// The list of `- Key: value` at the top, and the line behind it. Indented bullets belong to the key before them.
    fn fields(&self) -> (Vec<(String, String)>, usize) {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (i, line) in self.lines().iter().enumerate() {
            let pair = bullet(line.trim()).and_then(|text| text.split_once(':'));
            match (pair, fields.last_mut()) {
                _ if line.trim().is_empty() => {}
                (_, Some((_, value))) if line.starts_with(' ') => {
                    value.push_str(", ");
                    value.push_str(bullet(line.trim()).unwrap_or(line.trim()));
                }
                (Some((name, value)), _) => {
                    fields.push((key(name), value.trim().trim_start_matches("**").trim().into()))
                }
                _ => return (fields, self.from + i),
            }
        }
        (fields, self.to)
    }

    /// Commands as bullets, or one a line in fences.
    fn checks(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut at = self.from;
        while at < self.to {
            let line = self.outline.lines[at].trim();
            if let Some(end) = self.fence_end(at) {
                all.extend(commands(&self.outline.lines[at + 1..end]));
                at = end;
            } else if !line.is_empty() {
                all.push(check(bullet(line).unwrap_or(line)));
            }
            at += 1;
        }
        all
    }

    /// Paths, each with the fence below it.
    fn files(&self) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        let mut at = self.from;
        while at < self.to {
            let line = self.outline.lines[at].trim();
            if let Some(end) = self.fence_end(at) {
                let content: String = self.outline.lines[at + 1..end].iter().flat_map(|l| [*l, "\n"]).collect();
                match all.last_mut().filter(|file| file.get("content").is_none()) {
                    Some(file) if file["bare"] == true => {
                        file["content"] = content.strip_suffix('\n').unwrap_or(&content).into();
                    }
                    Some(file) => file["content"] = content.into(),
                    None => all.push(json!({"content": content})),
                }
                at = end;
            } else if !line.is_empty() {
                let (path, rest) = uncode(bullet(line).unwrap_or(line)).unwrap_or((line.to_owned(), ""));
                all.push(json!({"path": path, "bare": rest.trim() == "(no final newline)"}));
            }
            at += 1;
        }
        for file in &mut all {
            file.as_object_mut().map(|file| file.remove("bare"));
        }
        all
    }
}

fn bullet(line: &str) -> Option<&str> {
    let text = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))?.trim();
    let boxed = ["[ ]", "[x]", "[X]"].iter().find_map(|b| text.strip_prefix(b));
    Some(boxed.map_or(text, str::trim_start))
}

fn commands(lines: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    let mut open = String::new();
    for line in lines.iter().map(|l| l.trim()).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        open.push_str(line);
        if line.ends_with('\\') {
            open.push('\n');
        } else {
            all.push(Value::from(std::mem::take(&mut open)));
        }
    }
    all.extend((!open.is_empty()).then(|| Value::from(open)));
    all.into_iter().map(|command| json!({ "command": command })).collect()
}

/// `` `command` (key: value; key: value) ``.
fn check(text: &str) -> Value {
    let Some((command, rest)) = uncode(text) else { return json!({"command": text}) };
    let mut test = Map::from_iter([("command".to_owned(), command.into())]);
    let marks = rest.trim().strip_prefix('(').and_then(|r| r.strip_suffix(')')).unwrap_or("");
    let mut rest = marks.trim();
    while !rest.is_empty() {
        let (one, tail) = rest.split_at(end_of_mark(rest));
        let (name, value) = one.split_once([':', ' ']).unwrap_or((one, ""));
        let (name, value) = mark(key(name), value.trim());
        test.insert(name, value);
        rest = tail.trim_start_matches(';').trim_start();
    }
    Value::Object(test)
}

/// Where the next semicolon stands that no quotes hold.
fn end_of_mark(text: &str) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next().filter(|c| *c != ';') {
        let quoted = uncode(&text[at..]).map(|(_, rest)| text.len() - at - rest.len());
        at += quoted.unwrap_or(c.len_utf8());
    }
    at
}

fn mark(name: String, value: &str) -> (String, Value) {
    let text = uncode(value).map_or_else(|| value.to_owned(), |(text, _)| text);
    match name.as_str() {
        "timeout" | "timeout_sec" => {
            let number = text.trim_end_matches(['s', ' ']).parse::<u64>();
            ("timeout_sec".into(), number.map_or(text.into(), Value::from))
        }
        "needs" => (name, unlist(value).into()),
        _ => (name, text.into()),
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
