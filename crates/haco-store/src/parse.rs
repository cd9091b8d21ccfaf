//! From bytes to a stored document, and what is wrong with bytes that are none: file, line and field by name.

use crate::{Result, fail};
use haco_core::{
    code::{Code, Failure},
    id::{PlanId, TicketId},
    plan::Plan,
    ticket::{SCHEMA_VERSION, Ticket},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is stored one to a file, under its id.
pub(crate) trait Document: DeserializeOwned {
    /// The id inside and the schema version.
    fn head(&self) -> (&str, u32);
    /// What is wrong in a document that has the right form.
    fn wrong(&self) -> Option<String>;
}

impl Document for Ticket {
    fn head(&self) -> (&str, u32) {
        (self.id.as_str(), self.schema_version)
    }

    fn wrong(&self) -> Option<String> {
        let numbers = self.attempts.iter().map(|a| a.n);
        twice(numbers).map(|n| format!("field 'attempts': number {n} stands there twice"))
    }
}

impl Document for Plan {
    fn head(&self) -> (&str, u32) {
        (self.id.as_str(), self.schema_version)
    }

    fn wrong(&self) -> Option<String> {
        twice(self.tickets.iter()).map(|id| format!("field 'tickets': '{id}' stands there twice"))
    }
}

fn twice<T: Ord + Copy>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    if all.is_sorted_by(|a, b| a < b) {
        return None;
    }
    all.sort_unstable();
    all.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Where a ticket lies below `.haco/`.
pub(crate) fn ticket_path(id: &TicketId) -> String {
    format!("tickets/{id}.json")
}

/// Where a plan lies below `.haco/`.
pub(crate) fn plan_path(id: &PlanId) -> String {
    format!("plans/{id}/plan.json")
}

/// The document with `id` that `bytes` hold; `shown` names the file where it is none.
pub(crate) fn document<T: Document>(bytes: &[u8], id: &str, shown: impl Fn() -> String) -> Result<T> {
    let Ok(document) = serde_json::from_slice::<T>(bytes) else {
        return Err(explain::<T>(bytes, &shown()));
    };
    let (inside, version) = document.head();
    if version == 0 || version > SCHEMA_VERSION {
        return Err(version_failure(&version.to_string(), &shown()));
    }
    if inside != id {
        return Err(fail::unreadable(&shown(), format!("field 'id': it says '{inside}' where the name says '{id}'")));
    }
    match document.wrong() {
        Some(why) => Err(fail::unreadable(&shown(), why)),
        None => Ok(document),
    }
}

/// Why `bytes` are no `T`: the version first, for a newer document may well have another form.
fn explain<T: DeserializeOwned>(bytes: &[u8], shown: &str) -> Failure {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            let line = line_at(bytes, e.valid_up_to());
            return fail::unreadable(shown, format!("line {line}: it is not UTF-8"));
        }
    };
    if text.trim().is_empty() {
        return fail::unreadable(shown, "it is empty");
    }
    if let Some(n) = text.lines().position(|l| l.starts_with("<<<<<<<") || l.starts_with(">>>>>>>")) {
        return fail::unreadable(shown, format!("line {}: it has a git conflict marker", n + 1));
    }
    if let Ok(whole) = serde_json::from_slice::<Value>(bytes) {
        let version = &whole["schema_version"];
        if version.as_f64().is_some_and(|v| v > f64::from(SCHEMA_VERSION)) {
            return version_failure(&version.to_string(), shown);
        }
    }
    let from = &mut serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(from) {
        Ok(_) => fail::unreadable(shown, format!("line {}: something follows the end", text.lines().count())),
        Err(e) => fail::unreadable(shown, cause(&e)),
    }
}

fn cause(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let (field, inner) = (error.path().to_string(), error.inner());
    let words = inner.to_string();
    let words = words.split(" at line ").next().unwrap_or(&words).escape_debug().to_string();
    let words = if inner.is_eof() { format!("it is torn: {words}") } else { words };
    match field.as_str() {
        "." | "?" => format!("line {}: {words}", inner.line()),
        field => format!("line {}, field '{}': {words}", inner.line(), field.escape_debug()),
    }
}

fn version_failure(version: &str, shown: &str) -> Failure {
    let message = format!("'{shown}': its schema_version is {version}, this program knows {SCHEMA_VERSION}");
    Failure::new(Code::NewerVersion, message).fix("install a newer haco")
}

fn line_at(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().filter(|b| **b == b'\n').count() + 1
}

/// How documents are written: two spaces, keys in the order of the type, a newline at the end.
pub(crate) fn pretty(document: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document).expect("documents hold only JSON values");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn why(bytes: &[u8]) -> Failure {
        document::<Ticket>(bytes, "T-001", || ".haco/tickets/T-001.json".into()).expect_err("refused")
    }

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let ticket = sample::ticket("T-001", "demo");
        let bytes = pretty(&ticket);
        assert!(bytes.ends_with(b"}\n"));
        assert_eq!(document::<Ticket>(&bytes, "T-001", || "f".into()).expect("reads"), ticket);
    }

    #[test]
    fn bad_bytes_are_named_with_file_line_and_field() {
        let good = String::from_utf8(pretty(&sample::ticket("T-001", "demo"))).expect("text");
        let marked = format!("<<<<<<< HEAD\n{good}=======\n{good}>>>>>>> other\n");
        let cases: [(Vec<u8>, &str); 9] = [
            (b"".to_vec(), "it is empty"),
            (b" \n".to_vec(), "it is empty"),
            (b"{\n\xff}".to_vec(), "line 2: it is not UTF-8"),
            (marked.into_bytes(), "line 1: it has a git conflict marker"),
            (good.as_bytes()[..good.len() / 2].to_vec(), "it is torn: EOF while parsing"),
            (good.replace("\"title\": \"Do it\"", "\"title\": 7").into_bytes(), "line 4, field 'title': invalid type"),
            (good.replace("\"description\"", "\"descripton\"").into_bytes(), "field 'task.descripton': unknown field"),
            (good.replace("T-001", "T-002").into_bytes(), "field 'id': it says 'T-002' where the name says 'T-001'"),
            (format!("{good}{{}}").into_bytes(), "something follows the end"),
        ];
        for (bytes, expected) in cases {
            let failure = why(&bytes);
            assert_eq!(failure.code, Code::UnreadableState);
            assert!(failure.message.starts_with("'.haco/tickets/T-001.json': "), "{failure}");
            assert!(failure.message.contains(expected), "{failure} lacks {expected}");
            assert!(!failure.message.contains('\n'));
        }
    }

    #[test]
    fn a_newer_version_is_said_before_what_it_changed() {
        for newer in ["{\"schema_version\": 2, \"id\": [\"T-001\"]}", "{\"schema_version\": 99999999999}"] {
            assert_eq!(why(newer.as_bytes()).code, Code::NewerVersion);
        }
        let same_form = String::from_utf8(pretty(&sample::ticket("T-001", "demo"))).expect("text");
        let newer = same_form.replace("\"schema_version\": 1", "\"schema_version\": 2");
        assert_eq!(why(newer.as_bytes()).code, Code::NewerVersion);
    }

    #[test]
    fn the_same_id_twice_is_refused() {
        let mut plan = sample::plan("demo", &["T-001", "T-002"]);
        plan.tickets.push("T-001".parse().expect("id"));
        let failure = document::<Plan>(&pretty(&plan), "demo", || "f".into()).expect_err("twice");
        assert_eq!(failure.message, "'f': field 'tickets': 'T-001' stands there twice");
    }
}
