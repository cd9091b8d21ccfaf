//! What a stream is expected to hold.

use serde_json::Value;

/// A text with wildcards, or a question about it.
pub enum Want<'a> {
    /// `[..]` stands for anything within a line, `...` as a line of its own for any lines.
    Text(String),
    /// The message is for the one that says no.
    Like(&'static str, Box<dyn Fn(&str) -> bool + 'a>),
}

impl From<&str> for Want<'_> {
    fn from(text: &str) -> Self {
        Want::Text(text.to_owned())
    }
}

impl From<String> for Want<'_> {
    fn from(text: String) -> Self {
        Want::Text(text)
    }
}

/// For a stream that a test asserts on by itself; the exit status is compared all the same.
pub fn any() -> Want<'static> {
    like("anything", |_| true)
}

/// A stream for which `is` holds; `what` says what that is.
pub fn like<'a>(what: &'static str, is: impl Fn(&str) -> bool + 'a) -> Want<'a> {
    Want::Like(what, Box::new(is))
}

/// A stream that holds this somewhere.
pub fn has(part: &str) -> Want<'static> {
    let part = part.to_owned();
    like("a part that is not there", move |text| text.contains(&part))
}

/// Exactly one JSON object, a line, for which `is` holds.
pub fn json<'a>(is: impl Fn(&Value) -> bool + 'a) -> Want<'a> {
    like("one JSON object as asked for", move |text| {
        let one = text.lines().count() == 1 && text.ends_with('\n');
        one && serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object() && is(&value))
    })
}

impl Want<'_> {
    /// Why `text` is not what is wanted.
    pub fn misses(&self, text: &str) -> Option<String> {
        match self {
            Want::Text(want) if lines(&split(want), &split(text)) => None,
            Want::Text(want) => Some(format!("not as wanted:\n{want}")),
            Want::Like(_, is) if is(text) => None,
            Want::Like(what, _) => Some(format!("wanted {what}")),
        }
    }
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn lines(want: &[&str], text: &[&str]) -> bool {
    match (want, text) {
        ([], []) => true,
        (["...\n", rest @ ..], _) => (0..=text.len()).any(|n| lines(rest, &text[n..])),
        ([first, want @ ..], [line, text @ ..]) => within(first, line) && lines(want, text),
        _ => false,
    }
}

fn within(want: &str, line: &str) -> bool {
    match want.split_once("[..]") {
        None => want == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| within(after, &rest[at..]))
        }),
    }
}

#[test]
fn wildcards_stand_for_parts_of_a_line_and_for_lines() {
    let matches = |want: &str, text: &str| Want::from(want).misses(text).is_none();
    assert!(matches("a\nb [..] d\n", "a\nb c d\n") && matches("[..]b[..]\n", "abc\n"));
    assert!(matches("a\n...\nd\n", "a\nb\nc\nd\n") && matches("...\n", "") && matches("a\n...\n", "a\n"));
    assert!(!matches("a[..]\n", "a\nb\n") && !matches("a\n", "a") && !matches("", "a\n") && !matches("a...\n", "ab\n"));
}
