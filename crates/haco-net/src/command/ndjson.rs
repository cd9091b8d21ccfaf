//! A form for wrappers of one's own: an object a line, each with a piece of the text, and a last one that says so.
//!
//! ```text
//! {"text": "fn main"}
//! {"text": "() {}\n"}
//! {"done": true, "model": "mine-7b", "usage": {"prompt_tokens": 30, "completion_tokens": 20}, "cost_usd": 0.001}
//! {"error": "the model is not loaded"}
//! ```

use serde_json::Value;

use super::{Said, count, money, words};
use crate::reply::Usage;

/// Takes in one more line; what stands behind the end is nobody's business.
pub(super) fn add(said: &mut Said, object: &Value) {
    if said.ended || said.error.is_some() {
        return;
    }
    said.text.push_str(object["text"].as_str().unwrap_or_default());
    said.usage = object.get("usage").and_then(usage).or(said.usage);
    said.cost_usd = money(object, "cost_usd").or(said.cost_usd);
    said.model = object["model"].as_str().map(str::to_owned).or(said.model.take());
    said.error = object.get("error").filter(|error| !error.is_null()).map(words);
    said.ended = object["done"] == true;
}

fn usage(usage: &Value) -> Option<Usage> {
    let (prompt_tokens, completion_tokens) = (count(usage, "prompt_tokens")?, count(usage, "completion_tokens")?);
    Some(Usage { prompt_tokens, completion_tokens, ..Usage::default() })
}
