//! Secrets inside text: whether it holds any, where, and the same text without them.
//!
//! Found are keys whose form their provider published, private keys, tokens, passwords in addresses, and values of
//! variables that are named like a secret, also where they are written in base64, hexadecimal, with percent signs or
//! with a JSON string's escapes. What is plainly no live secret (an example, a row of `x`) is not found.
//!
//! ```text
//! text ─► scan ──────────────► ranges
//!   └───► views: unescaped, unquoted, base64, hex ─► scan ─► ranges, led back to the text
//! ```

mod assigned;
mod kinds;
mod look;
mod own;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod views;

pub use own::Own;
use serde_json::Value;
use std::{borrow::Cow, ops::Range};

/// How often one spelling may lie in another.
const DEPTH: usize = 3;

/// A secret and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is, in a word: `github`, `private-key`, `password`.
    pub kind: &'static str,
    /// In bytes of the text.
    pub range: Range<usize>,
}

/// Every secret that the text seems to hold, in its order, none overlapping another.
pub fn find(text: &[u8]) -> Vec<Found> {
    united(everywhere(text, DEPTH))
}

/// The text with `[redacted:KIND]` in the place of every secret; the same where it holds none. Doing it twice changes
/// nothing more.
pub fn redact(text: &str) -> Cow<'_, str> {
    match redact_bytes(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The same for bytes of any encoding.
pub fn redact_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for Found { kind, range } in found {
        out.extend_from_slice(&text[from..range.start]);
        out.extend(format!("[redacted:{kind}]").bytes());
        from = range.end;
    }
    out.extend_from_slice(&text[from..]);
    Cow::Owned(out)
}

/// The value with every text in it redacted.
pub fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, cleaned(value))).collect(),
        other => other,
    }
}

/// What is in the text and in every other way to read it, led back to the text.
fn everywhere(text: &[u8], depth: usize) -> Vec<Found> {
    let mut all = kinds::scan(text);
    all.extend(assigned::scan(text));
    if depth > 0 {
        for view in views::of(text) {
            let inside = everywhere(&view.bytes, depth - 1);
            all.extend(inside.into_iter().map(|found| Found { range: view.back(&found.range), ..found }));
        }
    }
    all
}

/// Sorted, and one where several meet: it keeps the kind of the first.
fn united(mut all: Vec<Found>) -> Vec<Found> {
    all.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
    let mut one: Vec<Found> = Vec::new();
    for found in all {
        match one.last_mut() {
            Some(last) if found.range.start < last.range.end => last.range.end = last.range.end.max(found.range.end),
            _ => one.push(found),
        }
    }
    one
}
