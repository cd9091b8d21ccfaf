//! Who drafts next: the route, the tries that each model has left, and who is asked when none has.

use crate::{
    attempt::Attempt,
    ticket::{EscalateTo, Ticket},
};

/// Who acts next on a ticket that needs a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The route's entry, and which of its tries this is, from 1.
    Model(String, u32),
    /// Every model of the route has spent its tries.
    Spent(EscalateTo),
}

/// The latest attempt that a rework, a retry or a new contract took off the books; 0 for none.
pub fn reset(ticket: &Ticket) -> u32 {
    let resets = ticket.decisions.iter().filter(|d| matches!(d.action.as_str(), "rework" | "retry" | "replace"));
    resets.map(|d| d.attempt).max().unwrap_or(0)
}

/// The route in force: a retry's own model first, then the ticket's, else the configuration's.
pub fn of(ticket: &Ticket, configured: &[String]) -> Vec<String> {
    let own = ticket.execution.own_route();
    let rest = if own.is_empty() { configured.to_vec() } else { own };
    let chosen = ticket.decisions.iter().rev().find(|d| d.action == "retry").and_then(|d| d.model.clone());
    let mut route: Vec<String> = chosen.into_iter().collect();
    route.extend(rest.into_iter().filter(|m| Some(m) != route.first().cloned().as_ref()).collect::<Vec<_>>());
    route
}

/// The first model of the route that has a try left. `failed` are the attempts that ended in a no since the last reset;
/// an attempt that repeats a draft on a new base is outside every budget.
pub fn next<'a>(ticket: &Ticket, route: &[String], failed: impl Iterator<Item = &'a Attempt>) -> Next {
    let spent: Vec<&str> = failed.filter(|a| a.repeats.is_none()).filter_map(author_or_actor).collect();
    for model in route {
        let used = spent.iter().filter(|m| *m == model).count() as u32;
        if used < ticket.execution.tries() {
            return Next::Model(model.clone(), used + 1);
        }
    }
    Next::Spent(ticket.execution.escalate_to.unwrap_or(EscalateTo::TechLead))
}

/// Who acted, also where the reply was no draft.
fn author_or_actor(attempt: &Attempt) -> Option<&str> {
    attempt.author().or_else(|| attempt.steps.last().map(|s| s.model.as_str()))
}
