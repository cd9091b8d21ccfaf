//! What a plan may be given as: one object, an array of tickets, one ticket, JSON Lines or a PLAN.md, from a file or out
//! of a model's reply. Valid tickets are kept apart from bad ones, each of which says all that is wrong with it.
//!
//! What depends on ids that are taken, or on the base, is `assign`; the graph is left to `crate::graph`.

mod assign;
mod contract;
mod document;
mod fields;
mod lines;
mod nearest;
mod reply;
mod rules;
mod vague;

pub use assign::{Assigned, assign};
pub use nearest::nearest;
pub use reply::from_reply;
pub(crate) use reply::outermost;
pub use vague::vague;

use crate::{
    code::{Code, Failure},
    id::{PlanId, TicketId},
    ticket::{About, Context, DefinitionOfDone, Execution, Priority, Task},
    verdict::Severity,
};
use document::Document;
use fields::{Obj, Reasons};
use serde_json::Value;

pub(crate) use document::Found;

/// More tickets than this in one answer of a model are malformed; a file may hold any number.
pub const MOST_FROM_A_MODEL: usize = 100;

/// Who wrote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person or a program, as a file or on stdin.
    File,
    /// A model, perhaps with talk and fences around its JSON.
    Model,
}

/// What a document brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Incoming {
    /// What it says of the plan.
    pub plan: IncomingPlan,
    /// The valid tickets, in the document's order.
    pub tickets: Vec<Draft>,
    /// The others.
    pub bad: Vec<Bad>,
    /// What was dropped, as sentences.
    pub notes: Vec<String>,
}

/// What a document says of the plan; studio and mode are proposals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncomingPlan {
    /// The id asked for.
    pub id: Option<PlanId>,
    /// What is wanted.
    pub requirement: Option<String>,
    /// The studio's name.
    pub studio: Option<String>,
    /// The mode's name.
    pub mode: Option<String>,
    /// A few sentences.
    pub summary: Option<String>,
    /// What was assumed where the requirement is silent.
    pub assumptions: Vec<String>,
}

/// A valid contract that has no place in a plan yet; the fields are those of [`crate::ticket::Ticket`].
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its place in the document, from 0.
    pub index: usize,
    /// The id that the document gives it.
    pub id: Option<TicketId>,
    /// At most 120 characters, none of them a control character.
    pub title: String,
    /// One of [`KINDS`].
    pub kind: String,
    /// The order among the ready.
    pub priority: Priority,
    /// Who wrote it.
    pub created_by: Option<String>,
    /// The studio's stage.
    pub stage: Option<String>,
    /// `depends_on` and `dependencies` together, each id once.
    pub depends_on: Vec<TicketId>,
    /// A finding's severity.
    pub severity: Option<Severity>,
    /// What a finding is about.
    pub about: Option<About>,
    /// What is to be done, and where.
    pub task: Task,
    /// What the worker gets to read.
    pub context: Context,
    /// When it is done.
    pub definition_of_done: DefinitionOfDone,
    /// Who drafts it and how often.
    pub execution: Execution,
    /// Anyone's.
    pub metadata: serde_json::Map<String, Value>,
}

/// A ticket that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its id as written, where it is a text.
    pub id: Option<String>,
    /// Its title as written, where it is a text.
    pub title: Option<String>,
    /// Everything that is wrong with it, each as `line 12: tickets[2].task.description: missing`.
    pub reasons: Vec<String>,
}

/// The types of tickets that every studio knows.
pub const KINDS: [&str; 6] = ["feature", "bugfix", "refactor", "test", "chore", "finding"];

/// Everything that `text` holds. A failure is about the document as a whole; what is wrong with one ticket is in `bad`.
pub fn read(text: &str, source: Source) -> Result<Incoming, Failure> {
    let document = Document::of(text, source)?;
    if source == Source::Model && document.tickets.len() > MOST_FROM_A_MODEL {
        let count = document.tickets.len();
        let message = format!("the plan has {count} tickets: at most {MOST_FROM_A_MODEL} are taken from a model");
        return Err(Failure::new(Code::BadPlan, message).fix("ask for fewer tickets, or for a part of the requirement"));
    }
    sort_out(&document)
}

fn sort_out(document: &Document) -> Result<Incoming, Failure> {
    let mut notes = Vec::new();
    let plan = plan(document, &mut notes)?;
    let mut found = Vec::with_capacity(document.tickets.len());
    for (index, ticket) in document.tickets.iter().enumerate() {
        let mut reasons = Reasons::default();
        let draft = match ticket {
            Found::Value(value) => contract::draft(value, index, &mut reasons),
            Found::Unreadable(why) => {
                reasons.add(format!("tickets[{index}]"), why.clone());
                None
            }
        };
        notes.append(&mut reasons.notes);
        found.push((draft, reasons));
    }
    rules::between(document, &mut found);
    Ok(part(document, plan, found, notes))
}

fn part(document: &Document, plan: IncomingPlan, found: Vec<(Option<Draft>, Reasons)>, notes: Vec<String>) -> Incoming {
    let mut incoming = Incoming { plan, notes, ..Incoming::default() };
    let lines = if found.iter().all(|(_, r)| r.is_empty()) { lines::Lines::default() } else { document.lines() };
    for (index, (draft, reasons)) in found.into_iter().enumerate() {
        match draft {
            Some(draft) if reasons.is_empty() => incoming.tickets.push(draft),
            _ => incoming.bad.push(Bad {
                index,
                id: document.text_of(index, "id"),
                title: document.text_of(index, "title"),
                reasons: reasons.sentences(&lines),
            }),
        }
    }
    incoming
}

const PLAN_FIELDS: [&str; 6] = ["id", "requirement", "studio", "mode", "summary", "assumptions"];
const PLAN_DROPPED: [&str; 10] = [
    "schema_version",
    "base",
    "stage",
    "tickets",
    "granularity",
    "context",
    "verdicts",
    "decisions",
    "metadata",
    "created_by",
];

fn plan(document: &Document, notes: &mut Vec<String>) -> Result<IncomingPlan, Failure> {
    let mut reasons = Reasons::default();
    let read = document.plan.as_ref().and_then(|value| {
        let plan = Obj::of(value, "plan".into(), &mut reasons)?;
        plan.only(&PLAN_FIELDS, &PLAN_DROPPED, &mut reasons);
        Some(IncomingPlan {
            id: plan.parsed("id", &mut reasons),
            requirement: plan.text("requirement", &mut reasons),
            studio: plan.text("studio", &mut reasons),
            mode: plan.text("mode", &mut reasons),
            summary: plan.text("summary", &mut reasons),
            assumptions: plan.texts("assumptions", &mut reasons),
        })
    });
    notes.append(&mut reasons.notes);
    match reasons.sentences(&document.lines()).as_slice() {
        [] => Ok(read.unwrap_or_default()),
        all => Err(Failure::new(Code::BadPlan, format!("the plan is not valid: {}", all.join("; ")))),
    }
}

#[cfg(test)]
mod tests;
