//! `claude -p --output-format json`: one object of type `result`, or all messages of the session in a list or a line
//! each (`stream-json`), of which the last is that object.
//!
//! ```text
//! {"type": "result", "subtype": "success", "is_error": false, "result": "…", "total_cost_usd": 0.01,
//!  "usage": {"input_tokens": …, "cache_read_input_tokens": …, "output_tokens": …}, "modelUsage": {"claude-…": {…}}}
//! ```

use haco_core::code::Code;
use serde_json::Value;

use super::{Said, Why, count, document, money, words};
use crate::reply::Usage;

pub(super) fn read(text: &str, said: &mut Said) -> Result<(), Why> {
    let is_result = |value: &Value| value["type"] == "result";
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let result = match serde_json::from_str::<Value>(last).ok().filter(is_result) {
        Some(result) => result,
        None => match document(text)? {
            Value::Array(list) => list.into_iter().rev().find(is_result).unwrap_or_default(),
            value => value,
        },
    };
    if !is_result(&result) {
        return Err((Code::Truncated, "its output holds no result".to_owned()));
    }
    add(said, &result);
    Ok(())
}

fn add(said: &mut Said, result: &Value) {
    said.usage = result.get("usage").and_then(usage);
    said.cost_usd = money(result, "total_cost_usd");
    // Helpers of its own may be other models; then nobody can say which one answered.
    let models = result["modelUsage"].as_object().filter(|models| models.len() == 1);
    said.model = models.and_then(|models| models.keys().next().cloned());
    said.ended = true;
    let subtype = result["subtype"].as_str().unwrap_or("none");
    match (&result["result"], &result["structured_output"]) {
        (answer, _) if result["is_error"] == true || subtype != "success" => {
            said.error = Some(answer.as_str().map_or_else(|| reasons(result, subtype), str::to_owned));
        }
        (Value::String(answer), bound) if !answer.trim().is_empty() || bound.is_null() => said.text.clone_from(answer),
        (_, Value::Null) => said.error = Some("a result without a text".to_owned()),
        (_, bound) => said.text = bound.to_string(),
    }
}

fn reasons(result: &Value, subtype: &str) -> String {
    let listed = result["errors"].as_array().into_iter().flatten().map(words).collect::<Vec<_>>();
    if listed.is_empty() { subtype.to_owned() } else { listed.join("; ") }
}

/// As the Messages API counts: what the cache held and took comes beside `input_tokens`.
fn usage(usage: &Value) -> Option<Usage> {
    let cached = |name| count(usage, name).unwrap_or(0);
    let (read, written) = (cached("cache_read_input_tokens"), cached("cache_creation_input_tokens"));
    Some(Usage {
        prompt_tokens: count(usage, "input_tokens")?.saturating_add(read).saturating_add(written),
        completion_tokens: count(usage, "output_tokens")?,
        cache_read_tokens: read,
        cache_write_tokens: written,
    })
}
