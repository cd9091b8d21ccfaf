//! What a call may cost and what it did cost: tokens times a price, which the configuration gives, else the published
//! table for what is asked at its provider's own origin.

use super::Usd;
use crate::{
    attempt::CostKind,
    config::{Price, Provider},
    settings::Resolved,
};
use serde::Deserialize;
use serde_json::Value;
use std::sync::LazyLock;

/// What a reply may have where neither the entry nor the call sets a limit and money is held for it.
pub const REPLY_TOKENS: u64 = 8192;
/// What a protocol puts around a prompt, at most.
const FRAME_TOKENS: u64 = 512;
/// Writing a prompt into Anthropic's cache costs a quarter more than the prompt.
const CACHE_WRITE: f64 = 1.25;

/// The published prices with the day on which they were read.
#[derive(Debug, Deserialize)]
pub struct Table {
    /// When it was read, as a date.
    pub as_of: String,
    prices: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    provider: Provider,
    model: String,
    input: f64,
    output: f64,
}

/// The table that is built in.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../../../templates/prices.json")).expect("a test says that it parses")
    });
    &TABLE
}

impl Table {
    /// The price of a model by its published name, with or without the date of a release behind it.
    fn find(&self, provider: Provider, model: &str) -> Option<Price> {
        let same = |row: &&Row| row.provider == provider && is_release(&row.model, model);
        self.prices
            .iter()
            .find(same)
            .map(|row| Price { input_usd_per_mtok: row.input, output_usd_per_mtok: row.output })
    }
}

/// Whether `model` is `name`, or `name-20260101`, or `name-2026-01-01`.
fn is_release(name: &str, model: &str) -> bool {
    let date = |rest: &str| rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    model.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(date))
}

/// The price of a model: its entry's own, else the table's; none where nobody knows.
pub fn price(model: &Resolved) -> Option<Price> {
    let published = match model.entry.provider {
        Provider::Openai => "https://api.openai.com:443",
        Provider::Anthropic => "https://api.anthropic.com:443",
        _ => "",
    };
    let own = || table().find(model.entry.provider, &model.model).filter(|_| model.origin == published);
    model.entry.price.or_else(own)
}

/// How many tokens the entry's own options allow a reply, where they say.
pub fn own_limit(model: &Resolved) -> Option<u64> {
    let fields = ["max_completion_tokens", "max_tokens", "num_predict"];
    fields.iter().find_map(|name| model.entry.options.get(*name).and_then(Value::as_u64))
}

/// The most that one call can cost, where that is known: no text has more tokens than bytes.
pub fn worst(model: &Resolved, prompt_bytes: usize, reply_tokens: u64) -> Option<Usd> {
    if let Some(most) = model.entry.max_call_usd {
        return Some(Usd::up(most));
    }
    // A program may ask as often as it likes.
    let price = price(model).filter(|_| model.entry.provider != Provider::Command)?;
    let cache = if model.entry.provider == Provider::Anthropic { CACHE_WRITE } else { 1.0 };
    let choices = model.entry.options.get("n").and_then(Value::as_u64).unwrap_or(1).max(1);
    let prompt = per(prompt_bytes as u64 + FRAME_TOKENS, price.input_usd_per_mtok * cache);
    Some(Usd::up(prompt) + Usd::up(per(reply_tokens, price.output_usd_per_mtok)).times(choices))
}

/// What a call cost, in dollars, and how that is known: what the server said, else tokens times price, else nobody knows.
/// What is free costs nothing, and that is no guess.
pub fn cost(model: &Resolved, tokens: [u64; 2], said: Option<f64>) -> (Option<f64>, CostKind) {
    let estimate = || price(model).map(|p| of_tokens(p, tokens));
    match said.or((!model.paid).then_some(0.0)) {
        Some(usd) => (Some(usd), CostKind::Actual),
        None => estimate().map_or((None, CostKind::Unknown), |usd| (Some(usd), CostKind::Estimated)),
    }
}

/// Dollars for tokens of the prompt and of the reply.
pub fn of_tokens(price: Price, [prompt, reply]: [u64; 2]) -> f64 {
    per(prompt, price.input_usd_per_mtok) + per(reply, price.output_usd_per_mtok)
}

fn per(tokens: u64, usd_per_mtok: f64) -> f64 {
    tokens as f64 * usd_per_mtok / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        settings::{Layers, Settings},
    };
    use serde_json::json;

    fn model(entry: Value) -> Resolved {
        let user: Config = serde_json::from_value(json!({"models": {"m": entry}})).expect("a configuration");
        Settings::resolve(&Layers { user, ..Layers::default() }).model("m").expect("a model")
    }

    #[test]
    fn the_table_reads_and_has_a_date() {
        assert!(is_release("x", &format!("x-{}", table().as_of)), "{}", table().as_of);
        assert!(table().prices.iter().all(|p| p.input > 0.0 && p.output >= p.input));
    }

    #[test]
    fn a_published_model_has_its_price_at_its_own_origin_with_any_release_date() {
        let found = |name: &str, base: Value| {
            price(&model(json!({"provider": "anthropic", "model": name, "base_url": base})))
                .map(|p| p.input_usd_per_mtok)
        };
        assert_eq!(found("claude-sonnet-4-5", Value::Null), Some(3.0));
        assert_eq!(found("claude-sonnet-4-5-20250929", Value::Null), Some(3.0));
        assert_eq!(found("claude-sonnet-4-5", json!("https://api.anthropic.com/v1")), Some(3.0));
        assert_eq!(found("claude-sonnet-4-5", json!("https://reseller.example")), None);
        assert_eq!(found("claude-sonnet-4-5-turbo", Value::Null), None);
        assert_eq!(found("claude-sonnet-4", Value::Null), None);
        let openai = price(&model(json!({"provider": "openai", "model": "gpt-5-mini-2025-08-07"}))).expect("a price");
        assert_eq!(openai.output_usd_per_mtok, 2.0);
    }

    #[test]
    fn an_entry_has_its_own_price_whatever_the_table_says() {
        let price = json!({"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0});
        let model = model(json!({"provider": "anthropic", "model": "claude-opus-5", "price": price}));
        assert_eq!(cost(&model, [1_000_000, 500_000], None), (Some(2.0), CostKind::Estimated));
        assert_eq!(cost(&model, [1, 1], Some(0.25)), (Some(0.25), CostKind::Actual));
    }

    #[test]
    fn the_worst_case_takes_every_byte_for_a_token_and_every_choice_for_a_whole_reply() {
        let price = json!({"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0});
        let entry = |provider: &str, options: Value| json!({"provider": provider, "price": price, "options": options});
        let bytes = 1_000_000 - 512;
        let worst = |entry: Value| worst(&model(entry), bytes, 500_000).expect("a worst case");
        assert_eq!(worst(entry("openai", json!({}))), Usd::up(2.0));
        assert_eq!(worst(entry("openai", json!({"n": 3}))), Usd::up(4.0));
        assert_eq!(worst(entry("anthropic", json!({}))), Usd::up(2.25), "a prompt that is written to the cache");
    }

    #[test]
    fn what_a_program_costs_nobody_knows_unless_the_entry_says_the_most() {
        let program = |more: Value| {
            let mut entry = json!({"provider": "command", "command": ["x"], "net": "host",
                                   "price": {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}});
            entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            worst(&model(entry), 10, 10)
        };
        assert_eq!(program(json!({})), None);
        assert_eq!(program(json!({"max_call_usd": 0.5})), Some(Usd::up(0.5)));
        assert_eq!(worst(&model(json!({"provider": "openai", "model": "unheard-of"})), 10, 10), None);
    }

    #[test]
    fn the_limit_of_a_reply_is_the_entrys_own() {
        assert_eq!(own_limit(&model(json!({"provider": "openai", "options": {"max_tokens": 9}}))), Some(9));
        assert_eq!(own_limit(&model(json!({"options": {"num_predict": -1}}))), None);
    }
}
