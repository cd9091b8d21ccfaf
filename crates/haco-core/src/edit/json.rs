//! Edits as JSON: objects with a path, old and new text, alone, in arrays, under `edits`, or as the input of a tool call.

use super::lines::Line;
use super::raw::Places;
use serde_json::{Map, Value};

/// One edit of a JSON value; its texts are owned, because JSON escapes them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Edit {
    pub path: Option<String>,
    pub act: Act,
}

/// What an edit does.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Act {
    Replace {
        old: String,
        new: String,
        places: Places,
    },
    Insert {
        after: usize,
        new: String,
    },
    Whole {
        text: String,
    },
    Delete,
    /// It looks at a file, or asks for what is not known here.
    #[default]
    Nothing,
}

/// A JSON value in the reply that holds edits.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    /// Its first line and the line behind its last, as indices.
    pub from: usize,
    pub to: usize,
    pub edits: Vec<Edit>,
}

const PATHS: &[&str] = &["path", "file_path", "file", "filename", "filepath", "filePath", "target_file"];
const OLD: &[&str] = &["old_text", "old_string", "old_str", "oldText", "search", "find", "old", "original"];
const NEW: &[&str] =
    &["new_text", "new_string", "new_str", "newText", "replace", "replacement", "new", "updated", "insert_text"];
const WHOLE: &[&str] = &["file_text", "content", "contents", "new_content"];
const EVERYWHERE: &[&str] = &["replace_all", "replaceAll", "allow_multiple"];
const LISTS: &[&str] = &["edits", "changes", "operations", "patches", "replacements", "tool_calls", "files"];
const INNER: &[&str] = &["input", "arguments", "parameters", "tool_input", "function", "args"];

/// How much text is parsed in all, as a multiple of the reply, so that no reply makes the search quadratic.
const EFFORT: usize = 8;

/// All JSON values of the reply that hold edits.
pub(super) fn find(lines: &[Line]) -> Vec<Block> {
    let mut starts = Vec::with_capacity(lines.len() + 1);
    let mut text = String::new();
    for line in lines {
        starts.push(text.len());
        text.push_str(line.text);
        text.push('\n');
    }
    let known = |keys: &[&str]| keys.iter().any(|k| text.contains(&format!("\"{k}\"")));
    if ![OLD, NEW, WHOLE, &["delete", "arguments"]].into_iter().any(known) {
        return Vec::new();
    }
    let mut blocks = Vec::new();
    let mut left = text.len().saturating_mul(EFFORT);
    let mut i = 0;
    while i < lines.len() {
        let lead = lines[i].text.len() - lines[i].text.trim_start().len();
        let opens = lines[i].text[lead..].starts_with(['{', '[']);
        let from = starts[i] + lead;
        if !opens || left == 0 {
            i += 1;
            continue;
        }
        let (value, used) = parse(head(&text[from..]));
        left = left.saturating_sub(used);
        let edits = value.map(|v| edits(&v)).unwrap_or_default();
        let to = starts.partition_point(|s| *s < from + used);
        if edits.is_empty() {
            i += 1;
        } else {
            blocks.push(Block { from: i, to, edits });
            i = to;
        }
    }
    blocks
}

/// As much of a text as one JSON value may take, which bounds the memory that it needs.
fn head(text: &str) -> &str {
    let mut end = text.len().min(VALUE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The longest JSON value that is read.
const VALUE_BYTES: usize = 1 << 20;

/// The value at the head of `text` and the bytes that it takes, or that were read in vain. Line breaks inside strings,
/// which models write and JSON does not allow, are taken for what they mean.
fn parse(text: &str) -> (Option<Value>, usize) {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(value)) = stream.next() {
        return (Some(value), stream.byte_offset());
    }
    let (escaped, used) = escaped(text);
    match serde_json::from_str(&escaped) {
        Ok(value) => (Some(value), used),
        Err(_) => (None, used),
    }
}

/// The bracketed text at the head of `text` with control characters in its strings escaped, and its length in `text`.
fn escaped(text: &str) -> (String, usize) {
    let (mut out, mut depth, mut inside, mut slash) = (String::new(), 0usize, false, false);
    for (i, c) in text.char_indices() {
        match (inside, c) {
            (true, '\n') => out.push_str("\\n"),
            (true, '\t') => out.push_str("\\t"),
            _ => out.push(c),
        }
        match (inside, c) {
            (true, '"') if !slash => inside = false,
            (true, _) => slash = c == '\\' && !slash,
            (false, '"') => (inside, slash) = (true, false),
            (false, '{' | '[') => depth += 1,
            (false, '}' | ']') if depth <= 1 => return (out, i + 1),
            (false, '}' | ']') => depth -= 1,
            _ => {}
        }
    }
    (out, text.len())
}

/// The edits that a value holds.
fn edits(value: &Value) -> Vec<Edit> {
    let mut out = Vec::new();
    collect(value, None, "", &mut out);
    if out.iter().all(|e| e.act == Act::Nothing) { Vec::new() } else { out }
}

fn collect(value: &Value, path: Option<&str>, name: &str, out: &mut Vec<Edit>) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| collect(v, path, name, out)),
        Value::Object(map) => object(map, path, name, out),
        _ => {}
    }
}

fn object(map: &Map<String, Value>, path: Option<&str>, name: &str, out: &mut Vec<Edit>) {
    let path = text(map, PATHS).or(path);
    let name = text(map, &["command", "action", "name", "type"]).unwrap_or(name);
    for key in LISTS {
        if let Some(list @ Value::Array(_)) = map.get(*key) {
            return collect(list, path, name, out);
        }
    }
    for key in INNER {
        match map.get(*key) {
            Some(inner @ Value::Object(_)) => return collect(inner, path, name, out),
            Some(Value::String(inner)) => {
                if let Ok(inner) = serde_json::from_str::<Value>(inner) {
                    return collect(&inner, path, name, out);
                }
            }
            _ => {}
        }
    }
    if let Some(act) = act(map, name, path.is_some()) {
        out.push(Edit { path: path.map(str::to_owned), act });
    }
}

fn act(map: &Map<String, Value>, name: &str, has_path: bool) -> Option<Act> {
    let owned = |keys: &[&str]| text(map, keys).map(str::to_owned);
    if let (Some(old), Some(new)) = (owned(OLD), owned(NEW)) {
        return Some(Act::Replace { old, new, places: places(map) });
    }
    if let Some(after) = map.get("insert_line").and_then(Value::as_u64) {
        let new = owned(NEW).or_else(|| owned(&["text"]))?;
        return Some(Act::Insert { after: usize::try_from(after).ok()?, new });
    }
    if !has_path {
        return None;
    }
    if let Some(old) = owned(OLD).filter(|_| name.contains("replace")) {
        return Some(Act::Replace { old, new: String::new(), places: places(map) });
    }
    if matches!(name, "delete" | "delete_file" | "remove") || map.get("delete") == Some(&Value::Bool(true)) {
        return Some(Act::Delete);
    }
    if name == "view" {
        return Some(Act::Nothing);
    }
    owned(WHOLE).map(|text| Act::Whole { text })
}

/// All places only where the edit says so in one of the words that tools have for it.
fn places(map: &Map<String, Value>) -> Places {
    let says = |key: &&str| map.get(*key) == Some(&Value::Bool(true));
    if EVERYWHERE.iter().any(says) { Places::All } else { Places::One }
}

fn text<'v>(map: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|k| map.get(*k).and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines;
    use super::*;

    fn all(reply: &str) -> Vec<Edit> {
        find(&lines(reply).lines).into_iter().flat_map(|b| b.edits).collect()
    }

    fn replace(path: Option<&str>, old: &str, new: &str) -> Edit {
        Edit {
            path: path.map(str::to_owned),
            act: Act::Replace { old: old.into(), new: new.into(), places: Places::One },
        }
    }

    #[test]
    fn edits_are_found_in_every_wrapping() {
        let want = [replace(Some("a"), "x", "y")];
        for reply in [
            r#"{"path": "a", "old_text": "x", "new_text": "y"}"#,
            r#"[{"path": "a", "old_text": "x", "new_text": "y"}]"#,
            r#"{"edits": [{"path": "a", "old_text": "x", "new_text": "y"}]}"#,
            r#"{"path": "a", "edits": [{"old_text": "x", "new_text": "y"}]}"#,
            r#"{"name": "str_replace_based_edit_tool", "input": {"command": "str_replace", "path": "a", "old_str": "x", "new_str": "y"}}"#,
            r#"{"function": {"name": "edit", "arguments": "{\"path\": \"a\", \"old_str\": \"x\", \"new_str\": \"y\"}"}}"#,
            "prose\n```json\n{\"file_path\": \"a\",\n \"old_string\": \"x\",\n \"new_string\": \"y\"}\n```\nmore",
        ] {
            assert_eq!(all(reply), want, "{reply}");
        }
    }

    #[test]
    fn a_line_break_in_a_string_is_one() {
        assert_eq!(
            all("{\"path\": \"a\", \"old_text\": \"x\ny\", \"new_text\": \"z\"}"),
            [replace(Some("a"), "x\ny", "z")]
        );
    }

    #[test]
    fn other_json_holds_no_edit() {
        assert!(all(r#"{"name": "x", "content": "y"}"#).is_empty());
        assert!(all(r#"{"command": "view", "path": "a", "new": 1}"#).is_empty());
        assert!(all(&"[{\"old\":\n".repeat(3000)).is_empty());
    }

    #[test]
    fn inserts_creations_and_deletions_are_told_apart() {
        let acts: Vec<Act> = all(
            r#"[{"command": "insert", "path": "a", "insert_line": 2, "new_str": "x"}, {"command": "create", "path": "b", "file_text": "y"}, {"path": "c", "action": "delete"}]"#,
        )
        .into_iter()
        .map(|e| e.act)
        .collect();
        assert_eq!(acts, [Act::Insert { after: 2, new: "x".into() }, Act::Whole { text: "y".into() }, Act::Delete]);
    }
}
