//! Reading the fields of untrusted JSON objects one by one, so that every wrong one is named and not just the first.

use super::{lines::Lines, nearest::nearest};
use serde_json::{Map, Value};
use std::str::FromStr;

/// What is wrong, and what was dropped, with where.
#[derive(Default)]
pub(super) struct Reasons {
    found: Vec<(String, String)>,
    pub(super) notes: Vec<String>,
}

impl Reasons {
    pub(super) fn add(&mut self, path: String, why: impl Into<String>) {
        self.found.push((path, why.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn sentences(&self, lines: &Lines) -> Vec<String> {
        let sentence = |(path, why): &(String, String)| match lines.of(path) {
            Some(line) => format!("line {line}: {path}: {why}"),
            None => format!("{path}: {why}"),
        };
        self.found.iter().map(sentence).collect()
    }
}

/// One object of the document and the path that leads to it.
pub(super) struct Obj<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) path: String,
}

impl<'a> Obj<'a> {
    pub(super) fn of(value: &'a Value, path: String, out: &mut Reasons) -> Option<Obj<'a>> {
        match value {
            Value::Object(map) => Some(Obj { map, path }),
            other => {
                out.add(path, format!("{} where an object belongs", kind(other)));
                None
            }
        }
    }

    pub(super) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Refuses every field that is neither in `known` nor in `dropped`, and notes the dropped ones.
    pub(super) fn only(&self, known: &[&str], dropped: &[&str], out: &mut Reasons) {
        let mut gone = Vec::new();
        for key in self.map.keys().map(String::as_str) {
            if dropped.contains(&key) {
                gone.push(format!("'{key}'"));
            } else if !known.contains(&key) {
                let near = nearest(key, known).map_or(String::new(), |n| format!("; did you mean '{n}'"));
                out.add(format!("{}.{}", self.path, key.escape_debug()), format!("unknown field{near}"));
            }
        }
        if !gone.is_empty() {
            out.notes.push(format!("{}: {} dropped", self.path, gone.join(", ")));
        }
    }

    /// The field; `null` is none.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    pub(super) fn object(&self, key: &str, out: &mut Reasons) -> Option<Obj<'a>> {
        self.get(key).and_then(|value| Obj::of(value, self.at(key), out))
    }

    pub(super) fn text(&self, key: &str, out: &mut Reasons) -> Option<String> {
        as_text(self.get(key)?, self.at(key), out)
    }

    /// The text, which must be there and hold more than white space.
    pub(super) fn needed(&self, key: &str, out: &mut Reasons) -> Option<String> {
        match self.get(key) {
            None => out.add(self.at(key), "missing"),
            Some(Value::String(text)) if text.trim().is_empty() => out.add(self.at(key), "empty"),
            Some(_) => return self.text(key, out),
        }
        None
    }

    pub(super) fn items(&self, key: &str, out: &mut Reasons) -> Vec<(&'a Value, String)> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(i, v)| (v, format!("{}[{i}]", self.at(key)))).collect()
            }
            Some(other) => {
                out.add(self.at(key), format!("{} where a list belongs", kind(other)));
                Vec::new()
            }
        }
    }

    /// A list of texts that hold more than white space.
    pub(super) fn texts(&self, key: &str, out: &mut Reasons) -> Vec<String> {
        let mut texts = Vec::new();
        for (value, path) in self.items(key, out) {
            match as_text(value, path.clone(), out) {
                Some(text) if text.trim().is_empty() => out.add(path, "empty"),
                text => texts.extend(text),
            }
        }
        texts
    }

    pub(super) fn parsed<T: FromStr<Err = String>>(&self, key: &str, out: &mut Reasons) -> Option<T> {
        let text = self.text(key, out)?;
        parse(&text, self.at(key), out)
    }

    pub(super) fn parsed_list<T: FromStr<Err = String>>(&self, key: &str, out: &mut Reasons) -> Vec<T> {
        let mut all = Vec::new();
        for (value, path) in self.items(key, out) {
            all.extend(as_text(value, path.clone(), out).and_then(|text| parse(&text, path, out)));
        }
        all
    }

    /// One of the words of an enumeration, as serde knows it.
    pub(super) fn word<T: serde::de::DeserializeOwned>(&self, key: &str, words: &str, out: &mut Reasons) -> Option<T> {
        let text = self.text(key, out)?;
        let word = serde_json::from_value(Value::String(text.clone())).ok();
        if word.is_none() {
            out.add(self.at(key), format!("'{}' is not one of {words}", text.escape_debug()));
        }
        word
    }

    pub(super) fn number(&self, key: &str, from: u32, to: u32, out: &mut Reasons) -> Option<u32> {
        let value = self.get(key)?;
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (from..=to).contains(n));
        if number.is_none() {
            out.add(self.at(key), format!("{value} is not a whole number from {from} to {to}"));
        }
        number
    }
}

fn as_text(value: &Value, path: String, out: &mut Reasons) -> Option<String> {
    match value {
        Value::String(text) if text.contains('\0') => out.add(path, "holds a NUL"),
        Value::String(text) => return Some(text.clone()),
        other => out.add(path, format!("{} where a text belongs", kind(other))),
    }
    None
}

fn parse<T: FromStr<Err = String>>(text: &str, path: String, out: &mut Reasons) -> Option<T> {
    text.parse().map_err(|why: String| out.add(path, why)).ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
