//! Small stored documents and a store in a temporary directory, for the tests of this crate.

use crate::{Event, Place, Store, init};
use haco_core::{id::TicketId, plan::Plan, ticket::Ticket};
use serde_json::json;

pub(crate) fn ticket(id: &str, plan: &str) -> Ticket {
    serde_json::from_value(json!({
        "schema_version": 1, "id": id, "title": "Do it", "type": "feature", "plan": plan,
        "task": {"description": "as said", "target_files": ["a.txt"]},
        "definition_of_done": {"tests": [{"command": "true"}]}
    }))
    .expect("a ticket")
}

pub(crate) fn plan(id: &str, tickets: &[&str]) -> Plan {
    serde_json::from_value(json!({
        "schema_version": 1, "id": id, "requirement": "it", "base": "0".repeat(40),
        "studio": "hybrid", "mode": "continuous", "tickets": tickets
    }))
    .expect("a plan")
}

pub(crate) fn id(text: &str) -> TicketId {
    text.parse().expect("a ticket's id")
}

pub(crate) fn event(name: &str) -> Event {
    Event::new(name, "harness", "2026-01-01T00:00:00Z")
}

/// A store in a directory of its own.
pub(crate) struct Held {
    pub(crate) store: Store,
    pub(crate) place: Place,
    _dir: tempfile::TempDir,
}

/// An empty store.
pub(crate) fn empty() -> Held {
    let dir = tempfile::tempdir().expect("temporary directory");
    let main = dir.path().canonicalize().expect("is there");
    let place = Place { worktree: main.clone(), dir: main.join(".haco"), main };
    init(&place).expect("initialises");
    Held { store: Store::open(&place).expect("opens"), place, _dir: dir }
}

/// A store with the plan `demo` and its tickets, as a command would have written them.
pub(crate) fn with(tickets: &[&str]) -> Held {
    let held = empty();
    let mut tx = held.store.begin(&[], Some(&"demo".parse().expect("id"))).expect("begins");
    for id in tickets {
        tx.put_ticket(ticket(id, "demo")).expect("puts");
    }
    tx.put_plan(plan("demo", tickets)).expect("puts");
    tx.commit(event("plan")).expect("commits");
    held
}

impl Held {
    /// Writes below `.haco/` as somebody else would.
    pub(crate) fn foreign(&self, rel: &str, bytes: impl AsRef<[u8]>) {
        fs_err::write(self.place.dir.join(rel), bytes).expect("writes");
    }
}
