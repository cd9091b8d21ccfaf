//! An answer of Anthropic's Messages API: blocks of content, ended by a `stop_reason`. A stream has its parts in events,
//! counts that grow, and a `message_stop` without which it is not whole; events of kinds that are not known say nothing.

use serde::Deserialize;
use serde_json::Value;

use crate::heard::{End, Heard};

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
    thinking: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Message>,
    content_block: Option<Block>,
    delta: Option<Delta>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    stop_reason: Option<String>,
}

pub(crate) fn hear(body: &[u8]) -> serde_json::Result<Heard> {
    let mut heard = Heard::default();
    begin(&mut heard, serde_json::from_slice(body)?);
    heard.end = end(heard.stop_reason.as_deref());
    Ok(heard)
}

/// Takes in one more event of a stream.
pub(crate) fn add(heard: &mut Heard, event: &[u8]) -> serde_json::Result<()> {
    let event: Event = serde_json::from_slice(event)?;
    match (event.kind.as_str(), event.message, event.content_block, event.delta) {
        ("message_start", Some(message), ..) => {
            begin(heard, message);
            // How many there are in all is not known before the end.
            heard.counted.remove("output_tokens");
        }
        ("content_block_start", _, Some(block), _) => show(heard, block),
        ("content_block_delta" | "message_delta", _, _, Some(delta)) => {
            heard.text.push_str(&delta.text.unwrap_or_default());
            heard.thinking.push_str(&delta.thinking.unwrap_or_default());
            heard.stop_reason = delta.stop_reason.or(heard.stop_reason.take());
            heard.count(event.usage);
        }
        ("message_stop", ..) => {
            heard.end = end(heard.stop_reason.as_deref());
            heard.over = true;
        }
        _ => {}
    }
    Ok(())
}

fn begin(heard: &mut Heard, message: Message) {
    heard.model = message.model;
    heard.stop_reason = message.stop_reason;
    heard.count(message.usage);
    message.content.into_iter().for_each(|block| show(heard, block));
}

fn show(heard: &mut Heard, block: Block) {
    match block.kind.as_str() {
        "text" => heard.text.push_str(&block.text.unwrap_or_default()),
        "thinking" => heard.thinking.push_str(&block.thinking.unwrap_or_default()),
        "tool_use" => heard.tool_call = true,
        _ => {}
    }
}

fn end(stop_reason: Option<&str>) -> End {
    match stop_reason {
        None => End::Missing,
        Some("max_tokens") => End::Length,
        Some("refusal") => End::Refused,
        Some("model_context_window_exceeded") => End::WindowFull,
        Some("pause_turn") => End::NoArtifact("a paused turn".to_owned()),
        Some(_) => End::Whole,
    }
}
