//! An answer of an OpenAI-compatible `chat/completions`: its first choice, ended by a `finish_reason`. In a stream each
//! event has a `delta` of it, usage comes in one without choices, and `[DONE]` is the last.

use serde::Deserialize;
use serde::de::Error;
use serde_json::Value;

use crate::heard::{End, Heard};

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    /// Where Groq puts the counts of a stream.
    x_groq: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u64>,
    #[serde(alias = "delta")]
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
    /// The reasoning, as llama.cpp, vLLM and DeepSeek name it, and as OpenRouter and LM Studio do.
    reasoning_content: Option<Value>,
    reasoning: Option<Value>,
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
    let mut heard = Heard::default();
    let completion: Completion = serde_json::from_slice(body)?;
    if completion.choices.as_ref().is_none_or(Vec::is_empty) {
        return Err(Error::custom("it has no choices"));
    }
    take(&mut heard, completion);
    Ok(heard)
}

/// Takes in one more event of a stream.
pub(crate) fn add(heard: &mut Heard, event: &[u8]) -> serde_json::Result<()> {
    take(heard, serde_json::from_slice(event)?);
    Ok(())
}

fn take(heard: &mut Heard, completion: Completion) {
    heard.model = completion.model.filter(|name| !name.is_empty()).or(heard.model.take());
    heard.count(completion.x_groq.and_then(|mut own| own.get_mut("usage").map(Value::take)));
    heard.count(completion.usage);
    let first = |choice: &Choice| choice.index.unwrap_or(0) == 0;
    let Some(choice) = completion.choices.unwrap_or_default().into_iter().find(first) else { return };
    if let Some(message) = choice.message {
        say(heard, message);
    }
    heard.end = match choice.finish_reason.as_deref() {
        None | Some("") => return,
        Some("length") => End::Length,
        Some("content_filter") => End::Filtered,
        Some("error") => End::Failed,
        Some(_) => End::Whole,
    };
}

fn say(heard: &mut Heard, message: Message) {
    heard.text.push_str(&message.content.map(Content::text).unwrap_or_default());
    for thought in [message.reasoning_content, message.reasoning].into_iter().flatten() {
        heard.thinking.push_str(thought.as_str().unwrap_or_default());
    }
    heard.refusal.push_str(&message.refusal.unwrap_or_default());
    heard.tool_call |= message.tool_calls.is_some_and(|calls| !calls.is_empty()) || message.function_call.is_some();
}
