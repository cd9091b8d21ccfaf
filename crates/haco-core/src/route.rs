//! Who drafts next: the route, the tries that each model has left, and the ladder of what follows when none has.
//!
//! ```text
//! retry            each model of the route in turn, as often as it may
//! smaller pieces   the lead cuts the ticket, or says that it cannot be cut
//! another way      the lead drafts it itself, or writes another contract
//! a person         decides
//! ```
//!
//! No rung is passed over, and a contract that says `escalate_to` something else goes there at once.

use crate::{
    attempt::Attempt,
    path::RepoPath,
    settings::{HUMAN, SUPERVISOR, Settings},
    ticket::{EscalateTo, Ticket},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Tries of one model after its first, where nobody says.
const RETRIES: u32 = 3;
/// What a draft's prompt has around the ticket and its files, in bytes.
const FRAME_BYTES: u64 = 4096;
/// Few for code, so that a guess is rather too large.
const BYTES_PER_TOKEN: u64 = 3;

/// One entry of a route: a model, and which tickets it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// A name in `models`, `supervisor` or `human`.
    pub model: String,
    /// None of it is for every ticket.
    pub when: When,
}

/// Which tickets an entry of a route is for; all that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Any of these types.
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Prompts of about so many tokens or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_prompt_tokens: Option<u64>,
    /// Prompts of about so many tokens or fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_prompt_tokens: Option<u64>,
}

impl When {
    /// Whether it asks for the size of prompts.
    pub fn asks_size(&self) -> bool {
        self.min_prompt_tokens.is_some() || self.max_prompt_tokens.is_some()
    }

    fn holds(&self, ticket: &Ticket, prompt_tokens: u64) -> bool {
        (self.types.is_empty() || self.types.contains(&ticket.kind))
            && self.min_prompt_tokens.is_none_or(|least| prompt_tokens >= least)
            && self.max_prompt_tokens.is_none_or(|most| prompt_tokens <= most)
    }
}

impl<T: Into<String>> From<T> for Entry {
    fn from(model: T) -> Entry {
        Entry { model: model.into(), when: When::default() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Entry")]
struct Whole {
    model: String,
    when: When,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.when == When::default() {
            true => to.serialize_str(&self.model),
            false => Whole { model: self.model.clone(), when: self.when.clone() }.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Entry, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model's name, or {\"model\", \"when\"}")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Entry, E> {
                Ok(Entry::from(name))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                let Whole { model, when } = Whole::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Entry { model, when })
            }
        }
        from.deserialize_any(Either)
    }
}

/// Who acts next on a ticket that needs a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The route's entry, or the lead's, and which of its tries this is, from 1.
    Model(String, u32),
    /// Nobody has a try left who may be asked.
    Rung(Rung),
}

/// What follows when the tries are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The lead cuts the ticket.
    Smaller,
    /// The supervising lead drafts it, or writes another contract.
    Another,
    /// A person decides.
    Person,
    /// It lies until somebody looks.
    Nobody,
}

/// The latest attempt that a rework, a retry or a new contract took off the books; 0 for none.
pub fn reset(ticket: &Ticket) -> u32 {
    let resets = ticket.decisions.iter().filter(|d| matches!(d.action.as_str(), "rework" | "retry" | "replace"));
    resets.map(|d| d.attempt).max().unwrap_or(0)
}

/// The route in force: a retry's own model first, then the ticket's, else those of the configuration that are for it.
pub fn of(ticket: &Ticket, configured: &[Entry], prompt_tokens: u64) -> Vec<String> {
    let own = ticket.execution.own_route();
    let for_it = configured.iter().filter(|e| e.when.holds(ticket, prompt_tokens)).map(|e| e.model.clone());
    let rest = if own.is_empty() { for_it.collect() } else { own };
    let chosen = ticket.decisions.iter().rev().find(|d| d.action == "retry").and_then(|d| d.model.clone());
    let mut route: Vec<String> = chosen.into_iter().collect();
    for model in rest {
        if !route.contains(&model) {
            route.push(model);
        }
    }
    route
}

/// About how many tokens a ticket's first prompt has; `size` gives the bytes of a file on its base.
pub fn prompt_tokens(ticket: &Ticket, size: impl Fn(&RepoPath) -> u64) -> u64 {
    let named = ticket.task.target_files.iter().chain(ticket.context.files.iter().map(|f| &f.path));
    let files: u64 = named.map(size).sum();
    let own: usize = ticket.definition_of_done.files.iter().map(|f| f.content.len()).sum();
    let words = ticket.task.description.len() + ticket.context.notes.as_ref().map_or(0, String::len);
    (FRAME_BYTES + files + own as u64 + words as u64).div_ceil(BYTES_PER_TOKEN)
}

/// Tries of one model in all: the ticket's word, else that of the model's entry.
pub fn tries(settings: &Settings, ticket: &Ticket, model: &str) -> u32 {
    let own = || settings.models.get(model).and_then(|m| m.retry_budget);
    ticket.execution.retry_budget.or_else(own).unwrap_or(RETRIES).saturating_add(1)
}

/// How many tries of a model are on the books; an attempt that repeats a draft on a new base is outside of them.
pub fn used(ticket: &Ticket, model: &str) -> u32 {
    let since = reset(ticket);
    let on_the_books = ticket.attempts.iter().filter(|a| a.n > since && a.repeats.is_none());
    on_the_books.filter(|a| author_or_actor(a) == Some(model)).count() as u32
}

/// Who is next: the first model of the route that has a try left, else the next rung of the ladder. `is_child` says that
/// the ticket came of a split already.
pub fn next(ticket: &Ticket, route: &[String], settings: &Settings, is_child: bool) -> Next {
    let left = |model: &str| {
        let used = used(ticket, model);
        (used < tries(settings, ticket, model)).then_some(used + 1)
    };
    if let Some((model, n)) = route.iter().find_map(|model| Some((model, left(model)?))) {
        return Next::Model(model.clone(), n);
    }
    match ticket.execution.escalate_to.unwrap_or(EscalateTo::TechLead) {
        EscalateTo::Human => return Next::Rung(Rung::Person),
        EscalateTo::Blocked => return Next::Rung(Rung::Nobody),
        EscalateTo::TechLead => {}
    }
    let lead = settings.tech_lead.first().map_or(SUPERVISOR, String::as_str);
    match (lead, left(lead)) {
        (HUMAN, _) => Next::Rung(Rung::Person),
        _ if !is_child && can_be_cut(ticket) => Next::Rung(Rung::Smaller),
        (SUPERVISOR, Some(_)) => Next::Rung(Rung::Another),
        (model, Some(n)) => Next::Model(model.to_owned(), n),
        (_, None) => Next::Rung(Rung::Person),
    }
}

/// Whether there is more than one thing in a ticket, and nobody said since its contract was written that it is one.
fn can_be_cut(ticket: &Ticket) -> bool {
    let whole = ticket.decisions.iter().rev().find(|d| matches!(d.action.as_str(), "whole" | "replace"));
    let task = &ticket.task;
    let done = &ticket.definition_of_done;
    let parts = [task.target_files.len() + task.new_files.len(), done.acceptance_criteria.len(), done.tests.len()];
    whole.is_none_or(|d| d.action != "whole") && parts.iter().any(|n| *n > 1)
}

/// Who acted, also where the reply was no draft.
pub fn author_or_actor(attempt: &Attempt) -> Option<&str> {
    attempt.author().or_else(|| attempt.steps.last().map(|s| s.model.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, settings::Layers, verdict::Decision};
    use serde_json::{Value, json};

    fn settings(config: Value) -> Settings {
        let user: Config = serde_json::from_value(config).expect("a configuration");
        Settings::resolve(&Layers { user, ..Layers::default() })
    }

    fn ticket(execution: Value, authors: &[&str]) -> Ticket {
        let attempt = |(i, model): (usize, &&str)| {
            json!({"n": i + 1, "base": "a".repeat(40), "at": "2026-01-01T00:00:00Z",
                   "steps": [{"role": "worker", "model": model, "outcome": "reject"}]})
        };
        serde_json::from_value(json!({
            "id": "T-001", "title": "t", "type": "refactor", "plan": "p", "execution": execution,
            "task": {"description": "d", "target_files": ["a", "b"]}, "definition_of_done": {},
            "attempts": authors.iter().enumerate().map(attempt).collect::<Vec<_>>(),
        }))
        .expect("a ticket")
    }

    fn route(settings: &Settings, ticket: &Ticket, tokens: u64) -> Vec<String> {
        of(ticket, &settings.worker, tokens)
    }

    #[test]
    fn an_entry_is_for_the_tickets_that_it_names_and_a_long_prompt_goes_to_the_long_window() {
        let s = settings(json!({"roles": {"worker": [
            {"model": "short", "when": {"max_prompt_tokens": 8000}},
            {"model": "tests", "when": {"type": ["test", "chore"]}},
            {"model": "long", "when": {"type": ["refactor"], "min_prompt_tokens": 8001}}, "last"]}}));
        let own = ticket(json!({}), &[]);
        assert_eq!(route(&s, &own, 8000), ["short", "last"]);
        assert_eq!(route(&s, &own, 8001), ["long", "last"]);
        assert_eq!(route(&s, &ticket(json!({"route": ["mine"]}), &[]), 1), ["mine"], "a ticket's own stands alone");
        let text = serde_json::to_value(&s.worker).expect("JSON");
        assert_eq!((&text[1]["when"], &text[3]), (&json!({"type": ["test", "chore"]}), &json!("last")));
    }

    #[test]
    fn a_prompt_is_as_long_as_its_files() {
        let own = ticket(json!({}), &[]);
        assert_eq!(prompt_tokens(&own, |_| 0), (4096_u64 + 1).div_ceil(3));
        assert_eq!(prompt_tokens(&own, |_| 30_000), (4096_u64 + 1 + 60_000).div_ceil(3));
    }

    #[test]
    fn each_model_has_its_own_tries_unless_the_ticket_says() {
        let s = settings(json!({"models": {"a": {"retry_budget": 0}, "b": {"retry_budget": 1}}}));
        let named = ["a", "b"].map(str::to_owned);
        let after = |execution: Value, authors: &[&str]| next(&ticket(execution, authors), &named, &s, false);
        let model = |name: &str, n| Next::Model(name.to_owned(), n);
        assert_eq!(after(json!({}), &[]), model("a", 1));
        assert_eq!(after(json!({}), &["a"]), model("b", 1));
        assert_eq!(after(json!({}), &["a", "b"]), model("b", 2));
        assert_eq!(after(json!({"retry_budget": 1}), &["a"]), model("a", 2));
    }

    #[test]
    fn the_ladder_is_climbed_rung_by_rung() {
        let s = |lead: &str| {
            settings(json!({"roles": {"tech_lead": [lead]}, "models": {"a": {"retry_budget": 0},
            "lead": {"retry_budget": 0}}}))
        };
        let named = ["a".to_owned()];
        let at = |lead: &str, ticket: &Ticket, is_child| next(ticket, &named, &s(lead), is_child);
        let fresh = ticket(json!({}), &["a"]);
        let rung = Next::Rung;
        for lead in [SUPERVISOR, "lead"] {
            assert_eq!(at(lead, &fresh, false), rung(Rung::Smaller), "{lead}");
        }
        assert_eq!(at(SUPERVISOR, &fresh, true), rung(Rung::Another), "a child is not cut again");
        assert_eq!(at("lead", &fresh, true), Next::Model("lead".to_owned(), 1));
        assert_eq!(at("lead", &ticket(json!({}), &["a", "lead"]), true), rung(Rung::Person));
        assert_eq!(at("a", &fresh, true), rung(Rung::Person), "the lead is the model that failed");
        let four = ["a", SUPERVISOR, SUPERVISOR, SUPERVISOR, SUPERVISOR];
        assert_eq!(at(SUPERVISOR, &ticket(json!({}), &four), true), rung(Rung::Person));
        let mut whole = fresh.clone();
        whole.decisions.push(Decision::new("whole", "supervisor", "2026-01-01T00:00:00Z", 1));
        assert_eq!(at(SUPERVISOR, &whole, false), rung(Rung::Another));
        whole.decisions.push(Decision::new("replace", "supervisor", "2026-01-01T00:00:00Z", 0));
        assert_eq!(at(SUPERVISOR, &whole, false), rung(Rung::Smaller), "a new contract is looked at anew");
        assert_eq!(at(HUMAN, &fresh, false), rung(Rung::Person));
        for (to, want) in [("human", Rung::Person), ("blocked", Rung::Nobody)] {
            assert_eq!(at("lead", &ticket(json!({"escalate_to": to}), &["a"]), false), rung(want));
        }
    }
}
