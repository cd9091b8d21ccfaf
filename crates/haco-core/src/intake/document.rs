//! Which of the forms a text has, and the tickets in it as they were written, before anything is judged.

use super::{
    Source,
    lines::Lines,
    reply::{self, torn},
};
use crate::{
    code::{Code, Failure},
    planmd,
};
use serde_json::{Map, Value};

/// One ticket as it was written.
pub(crate) enum Found {
    /// To be judged field by field.
    Value(Value),
    /// Not even that, and why.
    Unreadable(String),
}

/// A text taken apart.
pub(super) struct Document<'a> {
    pub(super) plan: Option<Value>,
    pub(super) tickets: Vec<Found>,
    pieces: Vec<Piece<'a>>,
}

/// A part of the text, where it begins and what it is.
struct Piece<'a> {
    json: &'a str,
    root: String,
    line: usize,
}

impl<'a> Document<'a> {
    pub(super) fn of(text: &'a str, source: Source) -> Result<Document<'a>, Failure> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let json = text.trim_start().starts_with(['{', '[']);
        match (json, source) {
            _ if text.trim().is_empty() => Err(bad("the plan is empty").fix("haco schema ticket")),
            (true, Source::File) if !planmd::looks_like(text) => Document::of_json(text),
            (true, Source::File) => Document::of_json(text).or_else(|_| Document::of_planmd(text)),
            (true, Source::Model) => Document::of_json(text).or_else(|_| Document::of_reply(text)),
            (false, Source::File) if planmd::looks_like(text) => Document::of_planmd(text),
            (false, Source::Model) if planmd::looks_like(text) => {
                Document::of_reply(text).or_else(|_| Document::of_planmd(text))
            }
            (false, _) => Document::of_reply(text),
        }
    }

    fn of_json(text: &'a str) -> Result<Document<'a>, Failure> {
        match serde_json::from_str(text) {
            Ok(value) => Document::of_value(value, text, 1),
            Err(why) => Document::of_lines(text).ok_or_else(|| torn(&why, why.line())),
        }
    }

    fn of_value(value: Value, json: &'a str, line: usize) -> Result<Document<'a>, Failure> {
        let piece = |root: &str| vec![Piece { json, root: root.to_owned(), line }];
        match value {
            Value::Array(items) => {
                let tickets = items.into_iter().map(Found::Value).collect();
                Ok(Document { plan: None, tickets, pieces: piece("tickets") })
            }
            Value::Object(map) if is_plan(&map) => {
                let (plan, tickets) = open(map)?;
                Ok(Document { plan, tickets, pieces: piece("") })
            }
            one => Ok(Document { plan: None, tickets: vec![Found::Value(one)], pieces: piece("tickets[0]") }),
        }
    }

    /// JSON Lines: the first line that is not empty is an object by itself, and it is not the only one.
    fn of_lines(text: &'a str) -> Option<Document<'a>> {
        let full: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).collect();
        let first = serde_json::from_str::<Map<String, Value>>(full.first()?.1);
        if full.len() < 2 || first.is_err() {
            return None;
        }
        let mut document = Document { plan: None, tickets: Vec::new(), pieces: Vec::new() };
        for (line, json) in full {
            document.add(json, line + 1);
        }
        Some(document)
    }

    fn add(&mut self, json: &'a str, line: usize) {
        self.pieces.push(Piece { json, root: format!("tickets[{}]", self.tickets.len()), line });
        self.tickets.push(match serde_json::from_str(json) {
            Ok(value) => Found::Value(value),
            Err(why) => Found::Unreadable(format!("not valid JSON: {why}")),
        });
    }

    fn of_reply(text: &'a str) -> Result<Document<'a>, Failure> {
        let found = reply::outermost(text)?;
        let line = |start: usize| text[..start].matches('\n').count() + 1;
        let parsed = found.into_iter().map(|r| (serde_json::from_str::<Value>(&text[r.clone()]), r));
        let parsed: Vec<(Value, _)> = parsed.filter_map(|(v, r)| Some((v.ok()?, r))).collect();
        if parsed.len() > 1 && parsed.iter().all(|(value, _)| value.get("task").is_some()) {
            let mut document = Document { plan: None, tickets: Vec::new(), pieces: Vec::new() };
            parsed.into_iter().for_each(|(_, r)| document.add(&text[r.clone()], line(r.start)));
            return Ok(document);
        }
        match parsed.into_iter().max_by_key(|(_, r)| (r.len(), std::cmp::Reverse(r.start))) {
            Some((value, r)) => Document::of_value(value, &text[r.clone()], line(r.start)),
            None => Err(bad("the text holds neither JSON nor the numbered tickets of a PLAN.md")),
        }
    }

    fn of_planmd(text: &str) -> Result<Document<'a>, Failure> {
        let (plan, found) = planmd::values(text)?;
        let mut document = Document { plan: Some(plan), tickets: Vec::new(), pieces: Vec::new() };
        for (index, (line, ticket)) in found.into_iter().enumerate() {
            document.pieces.push(Piece { json: "0", root: format!("tickets[{index}]"), line });
            document.tickets.push(ticket);
        }
        Ok(document)
    }

    /// A field of a ticket, where it is a text.
    pub(super) fn text_of(&self, index: usize, field: &str) -> Option<String> {
        match self.tickets.get(index)? {
            Found::Value(value) => Some(value.get(field)?.as_str()?.to_owned()),
            Found::Unreadable(_) => None,
        }
    }

    pub(super) fn lines(&self) -> Lines {
        let mut lines = Lines::default();
        self.pieces.iter().for_each(|piece| lines.scan(piece.json, &piece.root, piece.line));
        lines
    }
}

fn bad(message: &str) -> Failure {
    Failure::new(Code::BadPlan, message)
}

fn is_plan(map: &Map<String, Value>) -> bool {
    map.contains_key("tickets") || (map.get("plan").is_some_and(Value::is_object) && !map.contains_key("task"))
}

fn open(mut map: Map<String, Value>) -> Result<(Option<Value>, Vec<Found>), Failure> {
    let plan = map.remove("plan").filter(|p| !p.is_null());
    let tickets = match map.remove("tickets") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.into_iter().map(Found::Value).collect(),
        Some(_) => return Err(bad("the plan is not valid: tickets: not a list")),
    };
    map.remove("schema_version");
    match map.keys().next() {
        None => Ok((plan, tickets)),
        Some(key) => {
            let key = key.escape_debug();
            Err(bad(&format!("the plan is not valid: unknown field '{key}' beside 'plan' and 'tickets'")))
        }
    }
}
