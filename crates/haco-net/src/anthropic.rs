//! A complete answer of Anthropic's Messages API: blocks of content, ended by a `stop_reason`.

use serde::Deserialize;
use serde_json::Value;

use crate::reply::{End, Heard, usage};

#[derive(Deserialize)]
struct Message {
    model: Option<String>,
    content: Vec<Block>,
    stop_reason: Option<String>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

pub(crate) fn hear(body: &[u8]) -> serde_json::Result<Heard> {
    let message: Message = serde_json::from_slice(body)?;
    let end = match message.stop_reason.as_deref() {
        None => End::Missing,
        Some("max_tokens") => End::Length,
        Some("refusal") => End::Refused(String::new()),
        Some("model_context_window_exceeded") => End::WindowFull,
        Some("pause_turn") => End::NoArtifact("a paused turn".to_owned()),
        Some(_) => End::Whole,
    };
    let tool_call = message.content.iter().any(|block| block.kind == "tool_use");
    let text =
        message.content.into_iter().filter(|block| block.kind == "text").filter_map(|block| block.text).collect();
    let counted = message.usage.unwrap_or_default();
    let prompt = prompt_tokens(&counted);
    let usage = usage(prompt.as_ref(), counted.get("output_tokens"));
    Ok(Heard { text, end, tool_call, usage, cost_usd: None, model: message.model })
}

/// `input_tokens` leaves out what was written to and read from the cache; the prompt is all three.
fn prompt_tokens(counted: &Value) -> Option<Value> {
    let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
    let cached = cached.iter().filter_map(|name| counted.get(name)?.as_u64()).fold(0, u64::saturating_add);
    Some(counted.get("input_tokens")?.as_u64()?.saturating_add(cached).into())
}
