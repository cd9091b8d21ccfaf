//! Score cards: what a model's drafts came to, and what each role took.

use super::{Cost, Rate};
use crate::{
    attempt::Attempt,
    route, subject,
    ticket::Ticket,
    verdict::{Answer, latest},
};
use std::collections::BTreeMap;

/// What one model did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Used {
    /// Calls in all.
    pub calls: u64,
    /// As the server counted.
    pub prompt_tokens: u64,
    /// As the server counted.
    pub completion_tokens: u64,
    /// Calls that brought no count of tokens.
    pub uncounted: u64,
    /// Money.
    pub cost: Cost,
    /// Milliseconds on the wall.
    pub time_ms: u64,
    /// Drafts that passed every check, of those that were made.
    pub passed: Rate,
    /// First drafts of tickets that passed every check.
    pub passed_first: Rate,
    /// Drafts that became what a person accepted.
    pub accepted: u64,
}

impl Used {
    /// Tokens of replies a second of the calls' time on the wall; none where nothing was counted.
    pub fn tokens_per_second(&self) -> Option<f64> {
        (self.time_ms > 0 && self.completion_tokens > 0)
            .then(|| self.completion_tokens as f64 * 1000.0 / self.time_ms as f64)
    }
}

/// What one role took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Calls in all.
    pub calls: u64,
    /// Money.
    pub cost: Cost,
    /// Milliseconds on the wall.
    pub time_ms: u64,
}

/// Counts the drafts of one ticket; `accepted` says that its last one is what a person took.
pub fn drafts(models: &mut BTreeMap<String, Used>, ticket: &Ticket, accepted: bool) {
    let tries: Vec<&Attempt> = ticket.attempts.iter().filter(|a| a.repeats.is_none()).collect();
    for (i, attempt) in tries.iter().enumerate() {
        let Some(model) = route::author_or_actor(attempt) else { continue };
        let used = models.entry(model.to_owned()).or_default();
        let passed = passed(ticket, attempt);
        used.passed.count(passed);
        if i == 0 {
            used.passed_first.count(passed);
        }
        used.accepted += u64::from(accepted && i + 1 == tries.len());
    }
}

/// Whether every check of the contract passed on what an attempt brought.
pub fn passed(ticket: &Ticket, attempt: &Attempt) -> bool {
    let Some(candidate) = &attempt.candidate else { return false };
    ticket.checks().into_iter().all(|(name, _, test)| {
        latest(&ticket.verdicts, &name, &subject::check(test, &candidate.tree))
            .is_some_and(|v| v.verdict == Answer::Pass)
    })
}
