//! Text that somebody else wrote, made fit for a line of a table, and what a ticket waits for.

use crate::output::shown;
use haco_core::cursor::{Need, Position, Standing, Status, due};
use haco_core::{
    attempt::{Attempt, Candidate},
    id::{PlanId, TicketId},
    ticket::{Priority, Ticket},
};
use serde::Serialize;

/// `text` in one line, control characters visible.
pub(super) fn one_line(text: &str) -> String {
    shown(&text.split(['\n', '\r', '\t']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
}

/// The first `most` characters of `text` in one line, with an ellipsis where there are more.
pub(super) fn cut(text: &str, most: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Why a ticket that is not at work waits, where its status alone does not say it.
pub(super) fn reason(id: &TicketId, standing: &Standing) -> Option<String> {
    match &standing.need {
        Need::Blocked(block) => Some(block.why.clone()),
        Need::Wait(_) => Some(due(id, standing).0),
        _ => None,
    }
}

/// A ticket's row in `--json`.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    pub(super) id: &'a TicketId,
    pub(super) title: &'a str,
    pub(super) status: Status,
    /// What only a list says.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) more: Option<More<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// What a list says of a ticket beyond its status.
#[derive(Serialize)]
pub(super) struct More<'a> {
    plan: &'a PlanId,
    r#type: &'a str,
    priority: Priority,
    depends_on: &'a [TicketId],
}

impl<'a> More<'a> {
    pub(super) fn of(ticket: &'a Ticket) -> More<'a> {
        More { plan: &ticket.plan, r#type: &ticket.kind, priority: ticket.priority, depends_on: &ticket.depends_on }
    }
}

/// A ticket's status; `backlog` for one of a stage that its studio does not have.
pub(super) fn status(position: &Position, busy: bool, id: &TicketId) -> Status {
    position.standings.get(id).map_or(Status::Backlog, |standing| Status::of(standing, busy))
}

/// The candidate of the attempt that counts, else the latest that there is.
pub(super) fn candidate<'a>(ticket: &'a Ticket, standing: Option<&Standing>) -> Option<(&'a Attempt, &'a Candidate)> {
    let whole = |attempt: &'a Attempt| Some((attempt, attempt.candidate.as_ref()?));
    let counts = standing.and_then(|s| s.attempt).and_then(|n| ticket.attempt(n)).and_then(whole);
    counts.or_else(|| ticket.attempts.iter().rev().find_map(whole))
}

/// `1 file`, `2 files`.
pub(super) fn many(number: u64, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_stays_in_its_line_and_cannot_steer_a_terminal() {
        assert_eq!(one_line("a\n\nb\tc\u{1b}[2J"), "a b c\\u{1b}[2J");
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
