//! A complete answer of an OpenAI-compatible `chat/completions`: its first choice, ended by a `finish_reason`.

use serde::Deserialize;
use serde::de::Error;
use serde_json::Value;

use crate::reply::{End, Heard, cost, usage};

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Value>>,
    function_call: Option<Value>,
}

/// Some servers send the text in parts, with the reasoning among them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

impl Content {
    fn text(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().filter(|p| p.kind == "text").filter_map(|p| p.text).collect(),
        }
    }
}

pub(crate) fn hear(body: &[u8]) -> serde_json::Result<Heard> {
    let completion: Completion = serde_json::from_slice(body)?;
    let choice = completion.choices.into_iter().next().ok_or_else(|| Error::custom("it has no choices"))?;
    let message = choice.message;
    let refused = message.refusal.filter(|text| !text.trim().is_empty());
    let end = match (refused, choice.finish_reason.as_deref()) {
        (Some(why), _) => End::Refused(why),
        (None, None) => End::Missing,
        (None, Some("length")) => End::Length,
        (None, Some("content_filter")) => End::Filtered,
        (None, Some("error")) => End::Failed,
        (None, Some(_)) => End::Whole,
    };
    let tools = message.tool_calls.is_some_and(|calls| !calls.is_empty());
    let counted = completion.usage.unwrap_or_default();
    Ok(Heard {
        text: message.content.map(Content::text).unwrap_or_default(),
        end,
        tool_call: tools || message.function_call.is_some(),
        usage: usage(counted.get("prompt_tokens"), counted.get("completion_tokens")),
        cost_usd: cost(counted.get("cost")),
        model: completion.model,
    })
}
