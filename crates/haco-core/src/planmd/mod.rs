//! PLAN.md in both directions: a plan and its tickets as people read and write them.
//!
//! ```text
//! # Plan: add-a-shout-flag            optional; `- Studio: NAME` and `- Mode: NAME` below it
//! ## Summary                          likewise `## Requirement` and, as a list, `## Assumptions`
//! ## Tickets
//! ### 1. T-001 Title                  the id may be missing
//! - Type: feature                     Type, Priority, Depends on, Stage, Created by
//! - Modify: `a.py`, `b.py`            and Create
//! #### Description                    or plain paragraphs below the fields
//! #### Acceptance criteria
//! - [ ] `shout('a')` returns 'A'
//! #### Checks                         or one command a line in a fence
//! - `pytest -q` (expect: pass; timeout: 30; dir: sub; needs: db; baseline: fail; name: unit)
//! ```
//!
//! What is generated stands between `<!-- haco:NAME -->` and `<!-- /haco -->`; everything else belongs to people and is
//! kept. What a ticket must hold is judged by `crate::intake`.

mod body;
mod merge;
mod outline;
mod parse;
mod words;
mod write;

pub use merge::render;

use crate::{
    code::Failure,
    intake::{Found, Incoming, Source},
};
use serde_json::Value;

/// Whether a text is a PLAN.md: it has a heading `## Tickets`, or a ticket between our marks.
pub fn looks_like(text: &str) -> bool {
    let outline = outline::Outline::of(text);
    outline.has_tickets_heading || outline.sections.iter().any(|s| s.kind == outline::Kind::Ticket)
}

/// The plan and tickets of a PLAN.md, generated or written by hand.
pub fn read(text: &str) -> Result<Incoming, Failure> {
    crate::intake::read(text, Source::File)
}

/// The plan's part as JSON, and each ticket with the line of its heading.
pub(crate) fn values(text: &str) -> Result<(Value, Vec<(usize, Found)>), Failure> {
    let unified;
    let text = if text.matches('\n').count() == text.matches("\r\n").count() {
        unified = text.replace("\r\n", "\n");
        &unified
    } else {
        text
    };
    Ok(parse::document(&outline::Outline::of(text)))
}

#[cfg(test)]
mod tests;
