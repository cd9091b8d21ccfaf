//! JSON with the line of each key.

use serde_json::{Map, Value};
use std::collections::HashMap;

/// A JSON object and where its keys stand.
pub(super) struct Doc {
    pub(super) root: Map<String, Value>,
    /// The lines on which a key stands, in order.
    keys: HashMap<String, Vec<usize>>,
}

/// Reads a text that must be one object.
pub(super) fn parse(text: &str) -> Result<Doc, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => Ok(Doc { root, keys: keys(text) }),
        Ok(_) => Err("it is not one JSON object".to_owned()),
        Err(error) => Err(format!("line {} is not JSON", error.line())),
    }
}

impl Doc {
    /// The object below a path of keys.
    pub(super) fn object(&self, path: &[&str]) -> Option<&Map<String, Value>> {
        path.iter().try_fold(&self.root, |object, key| object.get(*key)?.as_object())
    }

    /// The first line of `key` that is not before the first line of its `parent`; 1 where it cannot be told.
    pub(super) fn line(&self, parent: &str, key: &str) -> usize {
        let from = self.keys.get(parent).and_then(|lines| lines.first()).copied().unwrap_or(1);
        let lines = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        lines.iter().find(|line| **line >= from).or(lines.first()).copied().unwrap_or(from)
    }
}

/// Every text before a colon with its lines; escapes are kept as they are written.
fn keys(text: &str) -> HashMap<String, Vec<usize>> {
    let mut keys: HashMap<String, Vec<usize>> = HashMap::new();
    let bytes = text.as_bytes();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => line += 1,
            b'"' => {
                let from = at + 1;
                at = end_of_string(bytes, from);
                let after = bytes[at.min(bytes.len())..].iter().skip(1).find(|b| !b.is_ascii_whitespace());
                if after == Some(&b':') {
                    keys.entry(text[from..at].to_owned()).or_default().push(line);
                }
            }
            _ => {}
        }
        at += 1;
    }
    keys
}

/// The offset of the quote that ends a string, or of the text's end.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_line_that_follows_its_parent() {
        let doc = parse("{\n \"x\": 1,\n \"d\": {\n  \"a\\\"b\": \"x\",\n  \"x\": 2}}").expect("JSON");
        assert_eq!((doc.line("d", "x"), doc.line("d", "a\\\"b"), doc.line("d", "gone")), (5, 4, 3));
    }

    #[test]
    fn what_is_no_object_or_is_too_deep_is_an_error() {
        for bad in ["[]", "{", "{\"a\": 1,}", &"[".repeat(100_000)] {
            assert!(parse(bad).is_err());
        }
    }
}
