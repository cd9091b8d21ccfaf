//! An answer of Ollama's `/api/chat`: one object, or one a line with the text in pieces; the last one's `done` says that
//! nothing is missing.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::heard::{End, Heard};

#[derive(Deserialize)]
struct Chat {
    model: Option<String>,
    message: Option<Message>,
    done: Option<bool>,
    done_reason: Option<String>,
    prompt_eval_count: Option<Value>,
    eval_count: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Value>>,
}

pub(crate) fn hear(body: &[u8]) -> serde_json::Result<Heard> {
    let mut heard = Heard::default();
    add(&mut heard, body)?;
    Ok(heard)
}

/// Takes in one more line of a stream.
pub(crate) fn add(heard: &mut Heard, line: &[u8]) -> serde_json::Result<()> {
    let chat: Chat = serde_json::from_slice(line)?;
    if let Some(message) = chat.message {
        heard.text.push_str(&message.content.unwrap_or_default());
        heard.thinking.push_str(&message.thinking.unwrap_or_default());
        heard.tool_call |= message.tool_calls.is_some_and(|calls| !calls.is_empty());
    }
    heard.model = chat.model.or(heard.model.take());
    heard.end = match (chat.done, chat.done_reason.as_deref()) {
        (Some(true), Some("length")) => End::Length,
        (Some(true), Some(reason @ ("load" | "unload"))) => End::NoArtifact(format!("a '{reason}' reply")),
        (Some(true), _) => End::Whole,
        _ => return Ok(()),
    };
    heard.over = true;
    heard.count(Some(json!({"prompt_eval_count": chat.prompt_eval_count, "eval_count": chat.eval_count})));
    Ok(())
}
