//! What left the machine: which origin was sent how many bytes of which files, by the journal's lines alone.

use crate::{
    id::{PlanId, TicketId},
    journal::Line,
};
use serde::{Deserialize, Serialize};

/// How much of one file a call takes along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The file, or in brackets what stands for several.
    pub path: String,
    /// Of its content, or of the change of it.
    pub bytes: u64,
}

/// One call that left the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Egress {
    /// When, RFC 3339.
    pub at: String,
    /// Who asked.
    pub role: String,
    /// The plan, where it was for one.
    pub plan: Option<PlanId>,
    /// The ticket, where it was for one.
    pub ticket: Option<TicketId>,
    /// The route's entry.
    pub model: String,
    /// Scheme, host and port; the program, where one was run.
    pub origin: String,
    /// Of the whole prompt.
    pub bytes: u64,
    /// What of the repository was in it.
    pub files: Vec<Sent>,
}

#[derive(Deserialize)]
struct Data {
    model: String,
    origin: String,
    bytes: u64,
    #[serde(default)]
    files: Vec<Sent>,
}

/// The call that a line tells of; most lines tell of none.
pub fn of_line(line: &Line) -> Option<Egress> {
    let data: Data = (line.event == "call").then(|| serde_json::from_value(line.data.clone()).ok())??;
    Some(Egress {
        at: line.at.clone(),
        role: line.actor.clone(),
        plan: line.plan.clone(),
        ticket: line.ticket.clone(),
        model: data.model,
        origin: data.origin,
        bytes: data.bytes,
        files: data.files,
    })
}

/// How many bytes a diff has of each file, by git's own heads.
pub fn of_diff(diff: &str) -> Vec<Sent> {
    let mut all: Vec<Sent> = Vec::new();
    for line in diff.split_inclusive('\n') {
        if let Some((_, path)) = line.strip_prefix("diff --git ").and_then(|names| names.trim_end().rsplit_once(" b/"))
        {
            all.push(Sent { path: path.to_owned(), bytes: 0 });
        }
        if let Some(last) = all.last_mut() {
            last.bytes += line.len() as u64;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Event;
    use serde_json::json;

    #[test]
    fn a_diff_has_its_bytes_by_file() {
        let one = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n";
        let two = "diff --git a/d/y b/d/y\nnew file mode 100644\n";
        let sent = |path: &str, text: &str| Sent { path: path.into(), bytes: text.len() as u64 };
        assert_eq!(of_diff(&format!("{one}{two}")), [sent("x.py", one), sent("d/y", two)]);
        assert_eq!(of_diff("no diff\n"), []);
    }

    #[test]
    fn a_line_of_a_call_tells_who_got_what() {
        let files = json!([{"path": "a.py", "role": "target", "bytes": 12}]);
        let data = json!({"model": "m", "origin": "https://h:443", "bytes": 40, "files": files, "hold_nano_usd": 1});
        let event = |word: &str| Event { data: data.clone(), ..Event::new(word, "worker", "2026-01-01T00:00:00Z") };
        let line = |word: &str| Line::after(None, event(word), vec![]);
        let found = of_line(&line("call")).expect("a call");
        assert_eq!((found.origin.as_str(), found.bytes), ("https://h:443", 40));
        assert_eq!(found.files, [Sent { path: "a.py".into(), bytes: 12 }]);
        assert_eq!(of_line(&line("draft")), None);
    }
}
