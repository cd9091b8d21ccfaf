//! What the lines below one heading say: a text, items, fields, commands or files.

use super::{
    outline::{Outline, fence},
    words::{key, uncode, unitem, unlist},
};
use serde_json::{Map, Value, json};

/// The lines of a section.
pub(super) struct Body<'a, 'b> {
    outline: &'b Outline<'a>,
    from: usize,
    pub(super) to: usize,
}

impl<'a, 'b> Body<'a, 'b> {
    pub(super) fn of(outline: &'b Outline<'a>, from: usize, to: usize) -> Body<'a, 'b> {
        let blank = |at: &usize| outline.lines[*at].trim().is_empty();
        let from = (from..to).find(|at| !blank(at)).unwrap_or(to);
        let to = (from..to).rev().find(|at| !blank(at)).map_or(from, |at| at + 1);
        Body { outline, from, to }
    }

    fn lines(&self) -> &'b [&'a str] {
        &self.outline.lines[self.from..self.to]
    }

    /// The text as it stands, or what is in the fence where it is one fence.
    pub(super) fn text(&self) -> String {
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
    pub(super) fn raw_items(&self) -> Vec<String> {
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

    pub(super) fn items(&self) -> Vec<String> {
        self.raw_items().iter().map(|text| unitem(text)).collect()
    }

    /// The list of `- Key: value` at the top, and the line behind it. Indented bullets belong to the key before them.
    pub(super) fn fields(&self) -> (Vec<(String, String)>, usize) {
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
    pub(super) fn checks(&self) -> Vec<Value> {
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
    pub(super) fn files(&self) -> Vec<Value> {
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
