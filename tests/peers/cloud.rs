//! A model server that speaks OpenAI's `chat/completions` or Anthropic's Messages API as documented, streamed where that
//! is asked for. It knows one key and one model, and always says the same; what it was asked is kept.
//!
//! That it speaks the protocol is judged by the official Python clients, in `cloud_clients.rs`.

use super::{
    listener::Listener,
    ollama::{object, request, send},
};
use serde_json::{Value, json};
use std::{
    io::BufReader,
    net::TcpStream,
    sync::{Arc, Mutex},
};

/// The only key that is known.
pub const KEY: &str = "sk-test-0123456789";
/// The only model that is there.
pub const MODEL: &str = "cloud-1";

/// Whose protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    OpenAi,
    Anthropic,
}

struct Shared {
    speaks: Speaks,
    text: String,
    asked: Mutex<Vec<Value>>,
}

/// A server on a port of its own; it ends when it is dropped.
pub struct Cloud {
    listener: Listener,
    shared: Arc<Shared>,
}

impl Cloud {
    pub fn saying(speaks: Speaks, text: &str) -> Cloud {
        let shared = Arc::new(Shared { speaks, text: text.to_owned(), asked: Mutex::default() });
        let serving = Arc::clone(&shared);
        let listener = Listener::at("127.0.0.1:0", move |stream| serve(&serving, stream));
        Cloud { listener, shared }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        self.listener.host()
    }

    /// The bodies of all questions that were answered.
    pub fn asked(&self) -> Vec<Value> {
        self.shared.asked.lock().expect("nobody panicked with it").clone()
    }
}

fn serve(shared: &Shared, stream: &TcpStream) -> Option<()> {
    let (head, body) = request(&mut BufReader::new(stream))?;
    let (path, versions) = match shared.speaks {
        Speaks::OpenAi => ("POST /v1/chat/completions ", &["\r\n"][..]),
        Speaks::Anthropic => {
            ("POST /v1/messages ", &["anthropic-version: 2023-06-01", "anthropic-version: 2026-10-21"][..])
        }
    };
    // The documents of Anthropic show one header for the key, and its client 2.12 sends the other.
    let own = (shared.speaks == Speaks::Anthropic).then(|| format!("x-api-key: {KEY}"));
    let keys = [Some(format!("authorization: bearer {KEY}")), own];
    let lower = head.to_ascii_lowercase();
    if !head.starts_with(path) || !versions.iter().any(|version| lower.contains(version)) {
        return refuse(shared, stream, (404, "not_found_error", "no such address"));
    }
    if !keys.iter().flatten().any(|key| lower.contains(key.as_str())) {
        return refuse(shared, stream, (401, "authentication_error", "the key is not known"));
    }
    let body: Value = serde_json::from_slice(&body).ok()?;
    if body["model"] != MODEL {
        return refuse(shared, stream, (404, "not_found_error", "the model does not exist"));
    }
    let streamed = body["stream"] == json!(true);
    shared.asked.lock().expect("nobody panicked with it").push(body);
    match (shared.speaks, streamed) {
        (Speaks::OpenAi, false) => object(stream, 200, &completion(&shared.text)),
        (Speaks::Anthropic, false) => {
            object(stream, 200, &message(&[json!({"type": "text", "text": shared.text})], Some("end_turn")))
        }
        (Speaks::OpenAi, true) => events(stream, chunks(&shared.text)),
        (Speaks::Anthropic, true) => events(stream, parts(&shared.text)),
    }
}

fn refuse(shared: &Shared, stream: &TcpStream, (status, kind, why): (u16, &str, &str)) -> Option<()> {
    let error = json!({"type": kind, "message": why, "code": null, "param": null});
    match shared.speaks {
        Speaks::OpenAi => object(stream, status, &json!({"error": error})),
        Speaks::Anthropic => object(
            stream,
            status,
            &json!({"type": "error", "error": {"type": kind, "message": why}, "request_id": "r"}),
        ),
    }
}

fn events(stream: &TcpStream, events: Vec<String>) -> Option<()> {
    send(stream, 200, "text/event-stream", events.concat().as_bytes())
}

fn completion(text: &str) -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": MODEL,
           "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
                        "logprobs": null, "finish_reason": "stop"}],
           "usage": {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}})
}

fn chunks(text: &str) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
                           "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let delta =
        |delta: Value, end: Value| chunk(json!([{"index": 0, "delta": delta, "finish_reason": end}]), Value::Null);
    let words = text.split_inclusive(' ').map(|word| delta(json!({"content": word}), Value::Null));
    let usage = json!({"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50});
    let end = [delta(json!({}), json!("stop")), chunk(json!([]), usage), "data: [DONE]\n\n".to_owned()];
    let role = delta(json!({"role": "assistant", "content": ""}), Value::Null);
    [": hello\n\n".to_owned(), role].into_iter().chain(words).chain(end).collect()
}

fn message(content: &[Value], stop_reason: Option<&str>) -> Value {
    json!({"id": "m", "type": "message", "role": "assistant", "model": MODEL, "content": content,
           "stop_reason": stop_reason, "stop_sequence": null,
           "usage": {"input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 0,
                     "output_tokens": if stop_reason.is_some() { 20 } else { 1 }}})
}

fn parts(text: &str) -> Vec<String> {
    let part = |mut data: Value, kind: &str| {
        data["type"] = json!(kind);
        format!("event: {kind}\ndata: {data}\n\n")
    };
    let words = text
        .split_inclusive(' ')
        .map(|word| part(json!({"index": 0, "delta": {"type": "text_delta", "text": word}}), "content_block_delta"));
    let begin = [
        part(json!({"message": message(&[], None)}), "message_start"),
        part(json!({"index": 0, "content_block": {"type": "text", "text": ""}}), "content_block_start"),
        part(json!({}), "ping"),
    ];
    let end = [
        part(json!({"index": 0}), "content_block_stop"),
        part(
            json!({"delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 20}}),
            "message_delta",
        ),
        part(json!({}), "message_stop"),
    ];
    begin.into_iter().chain(words).chain(end).collect()
}
