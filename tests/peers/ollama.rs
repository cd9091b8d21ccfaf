//! A model server that speaks Ollama's documented API: `/api/version`, `/api/tags`, `/api/ps`, `/api/show`, `/api/chat`
//! and `/api/generate`, streamed unless `stream` is false. What it answers is a test's closure; what it was asked is kept.
//!
//! That it speaks the protocol is judged by the official Python client, in `ollama_client.rs`.

use super::listener::Listener;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Question {
    pub model: String,
    /// All messages, or the prompt, one after the other.
    pub prompt: String,
    /// The request's body.
    pub body: Value,
    /// The how manieth question of this server, from 1.
    pub n: usize,
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole reply, with `done_reason`.
    Whole(String, &'static str),
    /// After a while.
    Slow(Duration, Box<Reply>),
    /// The connection ends half-way through the body.
    Half(String),
    /// The connection ends without a word.
    Drop,
    /// An error of the documented form.
    Refused(u16, String),
    /// Any bytes as the body of a 200.
    Raw(Vec<u8>),
}

impl Reply {
    pub fn text(text: impl Into<String>) -> Reply {
        Reply::Whole(text.into(), "stop")
    }

    pub fn slow(by: Duration, reply: Reply) -> Reply {
        Reply::Slow(by, Box::new(reply))
    }
}

type Answer = dyn Fn(&Question) -> Reply + Send + Sync;

struct Shared {
    models: Vec<String>,
    answer: Box<Answer>,
    asked: Mutex<Vec<Question>>,
    loads: Mutex<Vec<Value>>,
}

/// A server on a port of its own; it ends when it is dropped.
pub struct Ollama {
    listener: Listener,
    shared: Arc<Shared>,
}

impl Ollama {
    /// With the built-in default model and a second one, `judge:1b`.
    pub fn start(answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Ollama {
        Ollama::with_models(&[crate::greeter::MODEL, "judge:1b"], answer)
    }

    /// One that always says the same.
    pub fn saying(reply: Reply) -> Ollama {
        Ollama::start(move |_| reply.clone())
    }

    /// One that comes back where another one was dropped.
    pub fn back_at(host: &str, answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Ollama {
        Ollama::listening(host, &[crate::greeter::MODEL, "judge:1b"], answer)
    }

    pub fn with_models(models: &[&str], answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Ollama {
        Ollama::listening("127.0.0.1:0", models, answer)
    }

    fn listening(host: &str, models: &[&str], answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Ollama {
        let models = models.iter().map(|m| (*m).to_owned()).collect();
        let shared =
            Arc::new(Shared { models, answer: Box::new(answer), asked: Mutex::default(), loads: Mutex::default() });
        let serving = Arc::clone(&shared);
        let listener = Listener::at(host, move |stream| serve(&serving, stream));
        Ollama { listener, shared }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        self.listener.host()
    }

    /// The body of every request to load a model so far.
    pub fn loads(&self) -> Vec<Value> {
        self.shared.loads.lock().expect("nobody panicked with it").clone()
    }

    /// Every question for a text so far.
    pub fn asked(&self) -> Vec<Question> {
        self.shared.asked.lock().expect("nobody panicked with it").clone()
    }
}

fn serve(shared: &Shared, stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (head, body) = request(&mut reader)?;
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?, words.next()?);
    match (method, path) {
        ("GET", "/") => send(stream, 200, "text/plain", b"Ollama is running"),
        ("GET", "/api/version") => object(stream, 200, &json!({"version": "0.12.0"})),
        ("GET", "/api/tags") => {
            object(stream, 200, &json!({"models": shared.models.iter().map(|m| installed(m)).collect::<Vec<_>>()}))
        }
        ("GET", "/api/ps") => object(stream, 200, &json!({"models": []})),
        ("POST", "/api/show" | "/api/chat" | "/api/generate") => post(shared, stream, path, &body),
        _ => send(stream, 404, "text/plain", b"404 page not found"),
    }
}

/// A request's line and headers, and its body.
pub(super) fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        reader.read_line(&mut head).ok()?;
        let line = &head[start..];
        if start > 0 && !line.contains(':') {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn post(shared: &Shared, stream: &TcpStream, path: &str, body: &[u8]) -> Option<()> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return object(stream, 400, &json!({"error": "invalid character in the request"}));
    };
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let same = |m: &String| *m == model || *m == format!("{model}:latest");
    if !shared.models.iter().any(same) {
        return object(stream, 404, &json!({"error": format!("model '{model}' not found")}));
    }
    if path == "/api/show" {
        let info = json!({"general.architecture": "qwen2", "qwen2.context_length": 32768});
        let show = json!({"modelfile": "", "parameters": "", "template": "", "details": details(), "model_info": info,
                          "capabilities": ["completion"]});
        return object(stream, 200, &show);
    }
    let prompt = prompt(&body);
    if prompt.is_empty() {
        shared.loads.lock().expect("nobody panicked with it").push(body);
        return object(stream, 200, &piece(path, &model, "", Some("load")));
    }
    let question = {
        let mut asked = shared.asked.lock().expect("nobody panicked with it");
        let question = Question { model: model.clone(), prompt, body, n: asked.len() + 1 };
        asked.push(question.clone());
        question
    };
    give(stream, path, &question, (shared.answer)(&question))
}

fn prompt(body: &Value) -> String {
    let said = |m: &Value| m["content"].as_str().map(str::to_owned);
    let messages = body["messages"].as_array().into_iter().flatten().filter_map(said);
    messages.chain(body["prompt"].as_str().map(str::to_owned)).collect::<Vec<_>>().join("\n")
}

fn give(stream: &TcpStream, path: &str, question: &Question, reply: Reply) -> Option<()> {
    match reply {
        Reply::Slow(by, reply) => {
            thread::sleep(by);
            give(stream, path, question, *reply)
        }
        Reply::Whole(text, reason) if question.body["stream"] == json!(false) => {
            object(stream, 200, &piece(path, &question.model, &text, Some(reason)))
        }
        Reply::Whole(text, reason) => {
            let words = text.split_inclusive(' ').map(|word| piece(path, &question.model, word, None));
            let parts = words.chain([piece(path, &question.model, "", Some(reason))]);
            let lines: String = parts.map(|part| format!("{part}\n")).collect();
            send(stream, 200, "application/x-ndjson", lines.as_bytes())
        }
        Reply::Half(text) => {
            let whole = piece(path, &question.model, &text, Some("stop")).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", whole.len());
            write(stream, &[head.as_bytes(), &whole.as_bytes()[..whole.len() / 2]].concat())
        }
        Reply::Drop => None,
        Reply::Refused(status, error) => object(stream, status, &json!({"error": error})),
        Reply::Raw(bytes) => send(stream, 200, "application/json", &bytes),
    }
}

/// One object of an answer; the last one has a reason for the end and the counts.
fn piece(path: &str, model: &str, text: &str, reason: Option<&str>) -> Value {
    let mut piece = json!({"model": model, "created_at": "2026-01-01T00:00:00Z", "done": reason.is_some()});
    match path {
        "/api/chat" => piece["message"] = json!({"role": "assistant", "content": text}),
        _ => piece["response"] = json!(text),
    }
    if let Some(reason) = reason {
        piece["done_reason"] = json!(reason);
        for (count, value) in [("prompt_eval_count", 30), ("eval_count", 20)] {
            piece[count] = json!(value);
        }
        for nanoseconds in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
            piece[nanoseconds] = json!(1_000_000);
        }
    }
    piece
}

fn details() -> Value {
    json!({"parent_model": "", "format": "gguf", "family": "qwen2", "families": ["qwen2"], "parameter_size": "32.8B",
           "quantization_level": "Q4_K_M"})
}

fn installed(model: &str) -> Value {
    json!({"name": model, "model": model, "modified_at": "2026-01-01T00:00:00Z", "size": 1, "digest": "ab",
           "details": details()})
}

pub(super) fn object(stream: &TcpStream, status: u16, value: &Value) -> Option<()> {
    send(stream, status, "application/json; charset=utf-8", value.to_string().as_bytes())
}

pub(super) fn send(stream: &TcpStream, status: u16, kind: &str, body: &[u8]) -> Option<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    write(stream, &[head.as_bytes(), body].concat())
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).ok()
}
