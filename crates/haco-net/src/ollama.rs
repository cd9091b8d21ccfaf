//! A complete answer of Ollama's `/api/chat`: one object, whose `done` says that nothing is missing.

use serde::Deserialize;
use serde_json::Value;

use crate::reply::{End, Heard, usage};

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
    tool_calls: Option<Vec<Value>>,
}

pub(crate) fn hear(body: &[u8]) -> serde_json::Result<Heard> {
    let chat: Chat = serde_json::from_slice(body)?;
    let end = match (chat.done, chat.done_reason.as_deref()) {
        (Some(true), Some("length")) => End::Length,
        (Some(true), Some(reason @ ("load" | "unload"))) => End::NoArtifact(format!("a '{reason}' reply")),
        (Some(true), _) => End::Whole,
        _ => End::Missing,
    };
    let message = chat.message.unwrap_or(Message { content: None, tool_calls: None });
    Ok(Heard {
        text: message.content.unwrap_or_default(),
        end,
        tool_call: message.tool_calls.is_some_and(|calls| !calls.is_empty()),
        usage: usage(chat.prompt_eval_count.as_ref(), chat.eval_count.as_ref()),
        cost_usd: None,
        model: chat.model,
    })
}
