//! One line of the journal: what happened, which files it replaced, and the hash of the line before.
//!
//! ```text
//! 000…0 ◄─prev─ line 1 ◄─prev─ line 2 ◄─prev─ line 3 (the head)
//! ```
//!
//! A line's `hash` is over its canonical JSON without `hash`, so that no line can change unless all later ones do.

use crate::{
    hash::Hash,
    id::{PlanId, TicketId},
    secret,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a program says of one step; the journal adds number, chain and files.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// RFC 3339.
    pub at: String,
    /// `harness`, `human`, `supervisor`, or a studio's role.
    pub actor: String,
    /// One word for what happened; empty where only changed files make the step worth a line.
    pub event: String,
    /// The plan that it belongs to.
    pub plan: Option<PlanId>,
    /// The ticket that it is about.
    pub ticket: Option<TicketId>,
    /// Whatever else is worth knowing; `Null` for nothing.
    pub data: Value,
}

impl Event {
    /// An event with nothing but who did what and when; the rest is filled by struct update.
    pub fn new(event: &str, actor: &str, at: &str) -> Event {
        Event {
            at: at.to_owned(),
            actor: actor.to_owned(),
            event: event.to_owned(),
            plan: None,
            ticket: None,
            data: Value::Null,
        }
    }
}

/// One state file that a step replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Below `.haco/`.
    pub path: String,
    /// The bytes that were there; none where there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Hash>,
    /// The bytes that the step writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Hash>,
}

/// One line of `.haco/journal.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// From 1, without gaps.
    pub seq: u64,
    /// The hash of the line before; 64 zeros for the first.
    pub prev: Hash,
    /// RFC 3339.
    pub at: String,
    /// Who did it.
    pub actor: String,
    /// What happened.
    pub event: String,
    /// The plan that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// The ticket that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// The state files that the step replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileChange>,
    /// Whatever else is worth knowing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// Over the canonical line without this field.
    pub hash: Hash,
}

impl Line {
    /// The line that follows `last`, or the first one.
    pub fn after(last: Option<&Line>, event: Event, files: Vec<FileChange>) -> Line {
        let mut line = Line {
            seq: last.map_or(1, |l| l.seq + 1),
            prev: last.map_or_else(nothing_before, |l| l.hash.clone()),
            at: event.at,
            actor: event.actor,
            event: event.event,
            plan: event.plan,
            ticket: event.ticket,
            files,
            data: secret::cleaned(event.data),
            hash: nothing_before(),
        };
        line.hash = quick_hash(line.text().trim_end().as_bytes()).expect("a line's text has its hash");
        line
    }

    /// The line as it is written: canonical, with its newline.
    pub fn text(&self) -> String {
        let mut text = serde_json_canonicalizer::to_string(self).expect("a line holds only JSON values");
        text.push('\n');
        text
    }

    /// Reads one line (with or without its newline) and checks it against its own hash; the error is the cause in words.
    pub fn parse(text: &[u8]) -> Result<Line, String> {
        let text = text.trim_ascii_end();
        let line: Line = serde_json::from_slice(text).map_err(|e| match e.is_data() {
            true => format!("it is not a line of the journal: {e}"),
            false => format!("it is not JSON: {e}"),
        })?;
        match quick_hash(text) == Some(line.hash.clone()) || hash_of(text) == Some(line.hash.clone()) {
            true => Ok(line),
            false => Err("its bytes are not those of its hash".to_owned()),
        }
    }

    /// Checks that this line is the next after `last`; the error is the cause in words.
    pub fn follows(&self, last: Option<&Line>) -> Result<(), String> {
        let (seq, prev) = last.map_or_else(|| (1, nothing_before()), |l| (l.seq + 1, l.hash.clone()));
        if self.seq != seq {
            return Err(format!("its number is {} where {seq} is due", self.seq));
        }
        match self.prev == prev {
            true => Ok(()),
            false => Err("it does not follow the line before it".to_owned()),
        }
    }
}

/// What the first line names as its `prev`: 64 zeros.
pub fn nothing_before() -> Hash {
    "0".repeat(64).parse().expect("64 zeros have the form of a hash")
}

/// The hash of a line's text without its `hash`, where it is canonical: behind that key come only `plan`, `prev`, `seq`
/// and `ticket`, whose values hold no quotes, so the last place that looks like it is it.
fn quick_hash(text: &[u8]) -> Option<Hash> {
    const KEY: &[u8] = b",\"hash\":\"";
    let at = text.windows(KEY.len()).rposition(|w| w == KEY)?;
    let rest = text.get(at + KEY.len() + 65..)?;
    Some(Hash::of(&[&text[..at], rest].concat()))
}

/// The same of a line in whatever order and spacing.
fn hash_of(text: &[u8]) -> Option<Hash> {
    let mut whole: Value = serde_json::from_slice(text).ok()?;
    whole.as_object_mut()?.remove("hash");
    Some(Hash::of_json(&whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn two_lines() -> (Line, Line) {
        let first = Line::after(None, Event::new("init", "harness", "2026-01-01T00:00:00Z"), vec![]);
        let files = vec![FileChange { path: "tickets/T-001.json".into(), before: None, after: Some(Hash::of(b"x")) }];
        let data = json!({"cost_usd": 0.25, "b": [1, null], "a": "ü\u{1}"});
        let second =
            Line::after(Some(&first), Event { data, ..Event::new("draft", "worker", "2026-01-01T00:00:01Z") }, files);
        (first, second)
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let (first, second) = two_lines();
        for line in [&first, &second] {
            assert_eq!(Line::parse(line.text().as_bytes()).as_ref(), Ok(line));
            assert_eq!(line.text().matches('\n').count(), 1);
        }
        assert_eq!(first.prev.as_str(), "0".repeat(64));
    }

    #[test]
    fn a_line_follows_only_the_line_before_it() {
        let (first, second) = two_lines();
        assert_eq!(first.follows(None), Ok(()));
        assert_eq!(second.follows(Some(&first)), Ok(()));
        assert!(second.follows(None).expect_err("skips one").contains("number is 2 where 1 is due"));
        let other = Line::after(None, Event::new("init", "human", "2026-01-01T00:00:00Z"), vec![]);
        assert!(second.follows(Some(&other)).expect_err("another history").contains("does not follow"));
    }

    #[test]
    fn a_line_that_was_edited_does_not_read() {
        let text = two_lines().1.text();
        let edited = text.replace("0.25", "0.05");
        assert!(Line::parse(edited.as_bytes()).expect_err("edited").contains("not those of its hash"));
        assert!(Line::parse(&text.as_bytes()[..20]).expect_err("torn").contains("not JSON"));
        assert!(Line::parse(b"[]").expect_err("foreign").contains("not a line"));
    }

    #[test]
    fn a_field_of_a_newer_program_is_hashed_and_not_refused() {
        let (first, _) = two_lines();
        let mut whole = serde_json::to_value(&first).expect("value");
        whole["machine"] = json!("m1");
        assert!(Line::parse(whole.to_string().as_bytes()).is_err(), "its hash is the old one");
        whole["hash"] = json!(hash_of(whole.to_string().as_bytes()));
        assert!(Line::parse(whole.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn a_line_is_written_in_canonical_form_and_read_in_any() {
        let data = json!({"a": ",\"hash\":\"", "z": {"hash": "0"}});
        let plan = Some("p".parse().expect("id"));
        let line = Line::after(None, Event { data, plan, ..Event::new("x", "human", "2026-01-01T00:00:00Z") }, vec![]);
        let text = line.text();
        assert_eq!(quick_hash(text.trim_end().as_bytes()), Some(line.hash.clone()));
        assert_eq!(hash_of(text.as_bytes()), Some(line.hash.clone()));
        let spaced = serde_json::to_string_pretty(&line).expect("text");
        assert_eq!(Line::parse(spaced.as_bytes()), Ok(line));
    }
}
