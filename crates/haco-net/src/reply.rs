//! Whether an answer, whatever its protocol, is an artifact, and what a recorded one's protocol is.

use haco_core::code::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::{Endpoint, Provider};
use crate::failed::Failed;
use crate::frame::{Frames, Framing};
use crate::heard::{End, Heard};
use crate::http::{Answer, Received};
use crate::stream::Stream;
use crate::{refused, think};

/// A whole reply with text in it. Written down it has neither text nor body: they are long, and go beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The text, without a byte order mark and without the reasoning before it.
    #[serde(skip)]
    pub text: String,
    /// The body as it came, key redacted.
    #[serde(skip)]
    pub raw: Vec<u8>,
    /// What the server counted; `None` where it did not, or absurdly.
    pub usage: Option<Usage>,
    /// What the server says that it cost.
    pub cost_usd: Option<f64>,
    /// The model that answered, as the server names it, else the one that was asked.
    pub model: String,
    /// Milliseconds from the first try to the last byte; 0 for what was not asked over a network.
    pub timing_ms: u64,
    /// Which field for the limit of tokens an OpenAI-compatible server took, where one was sent.
    pub limit_field: Option<String>,
    /// Fields that the server refused by name, so that they were left out or changed.
    pub refused: Vec<String>,
    /// Something odd that leaves the text usable, as one line.
    pub warning: Option<String>,
}

/// Tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of the reply, reasoning included.
    pub completion_tokens: u64,
    /// Of the prompt's tokens, those that the server had from an earlier call; they cost less.
    pub cache_read_tokens: u64,
    /// Of the prompt's tokens, those that it keeps for a later call; with some providers they cost more.
    pub cache_write_tokens: u64,
}

/// Reads one server's answer, whole or streamed, or one that was recorded; the only way from bytes to a reply. The error
/// holds what the answer cost, and whether it is one of the server, of the protocol, or a whole reply that is no artifact.
pub fn parse_reply(endpoint: &Endpoint, answer: &Answer) -> Result<Reply, Box<Failed>> {
    let mut deaf = |_| {};
    let mut stream = Stream::new(endpoint, &mut deaf);
    if (200..300).contains(&answer.status) {
        stream.push(&answer.body);
    }
    stream.finish(&Received { answer: answer.clone(), broken: None })
}

/// The protocol of a recorded answer, by its shape; `None` for anything that is none.
pub fn protocol_of(body: &[u8]) -> Option<Provider> {
    let body = without_bom(body);
    let lines = || Frames::new(Framing::Lines).push(body).into_iter().next();
    let events = || Frames::new(Framing::Events).push(body).into_iter().next();
    let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let value = value(body).or_else(|| value(&lines()?)).or_else(|| value(&events()?))?;
    if value.get("choices").is_some() {
        Some(Provider::OpenAi)
    } else if value.get("done").is_some() || value.get("error").is_some_and(Value::is_string) {
        Some(Provider::Ollama)
    } else if matches!(value.get("type").and_then(Value::as_str), Some("message" | "message_start" | "error")) {
        Some(Provider::Anthropic)
    } else {
        value.get("error").map(|_| Provider::OpenAi)
    }
}

/// The body of an answer that is neither a refusal nor broken JSON.
pub(crate) fn answer_object<'a>(endpoint: &Endpoint, answer: &'a Answer) -> Result<&'a [u8], Box<Failed>> {
    let body = without_bom(&answer.body);
    if !(200..300).contains(&answer.status) {
        return Err(refused::refused(endpoint, answer));
    }
    if body.trim_ascii().is_empty() {
        return Err(Failed::for_good(endpoint, Code::BadReply, "the answer has no body"));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| not_json(endpoint, body, &error))?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(refused::refused(endpoint, answer));
    }
    Ok(body)
}

/// A reply with this text, unless the text is empty once the reasoning is gone.
pub(crate) fn text_of(text: &str) -> Result<String, &'static str> {
    match think::visible(text) {
        None => Err("the reply is reasoning without an end"),
        Some(text) if text.trim().is_empty() => Err("the reply is empty"),
        Some(text) => Ok(text.to_owned()),
    }
}

/// The reply that this is, if it is one.
pub(crate) fn judge(endpoint: &Endpoint, heard: &Heard) -> Result<Reply, Box<Failed>> {
    let judged =
        no_artifact(heard).map_or_else(|| text_of(&heard.text).map_err(|why| (Code::EmptyReply, why.into())), Err);
    let text = judged.map_err(|(code, why)| Failed::for_good(endpoint, code, why))?;
    Ok(Reply {
        text: endpoint.redact(&text),
        raw: Vec::new(),
        usage: heard.usage(endpoint.provider),
        cost_usd: heard.cost(),
        model: heard.model.as_ref().map_or_else(|| endpoint.model.clone(), |model| endpoint.redact(model)),
        timing_ms: 0,
        limit_field: None,
        refused: Vec::new(),
        warning: heard.tool_call.then(|| "the reply also calls a tool that nobody offered".to_owned()),
    })
}

fn no_artifact(heard: &Heard) -> Option<(Code, String)> {
    let (code, why) = match &heard.end {
        End::Missing => (Code::Truncated, "the reply has no end".to_owned()),
        _ if !heard.refusal.trim().is_empty() => (Code::Refusal, format!("the model refused: {}", heard.refusal)),
        End::Whole if heard.tool_call && heard.text.trim().is_empty() => {
            (Code::UnexpectedToolCall, "the reply is a tool call that nobody offered".to_owned())
        }
        End::Whole => return None,
        End::Length => (Code::Length, "the reply stopped at the token limit".to_owned()),
        End::WindowFull => (Code::ContextExceeded, "the model's window is full".to_owned()),
        End::Filtered => (Code::ContentFilter, "the provider filtered the reply".to_owned()),
        End::Failed => (Code::ServerError, "the server broke the reply off with an error".to_owned()),
        End::Refused => (Code::Refusal, "the model refused".to_owned()),
        End::NoArtifact(what) => (Code::EmptyReply, format!("{what} holds no text to use")),
    };
    Some((code, why))
}

pub(crate) fn not_json(endpoint: &Endpoint, body: &[u8], error: &serde_json::Error) -> Box<Failed> {
    if error.is_eof() {
        return Failed::for_good(endpoint, Code::Truncated, format!("the answer breaks off: {error}"));
    }
    let what = match body.trim_ascii().first() {
        Some(b'<') => "the answer is a web page, not JSON".to_owned(),
        _ if std::str::from_utf8(body).is_err() => "the answer is not UTF-8".to_owned(),
        _ => format!("the answer is not of its protocol: {error}"),
    };
    Failed::for_good(endpoint, Code::BadReply, what)
}

pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Provider::{Anthropic, Ollama, OpenAi};
    use haco_core::address::BaseUrl;

    fn parsed(provider: Provider, body: impl Into<Vec<u8>>) -> Result<Reply, Box<Failed>> {
        let base = BaseUrl::parse(provider.default_base()).expect("an address");
        parse_reply(&Endpoint::new(provider, base, "m"), &Answer::recorded(body))
    }

    fn code(provider: Provider, body: impl Into<Vec<u8>>) -> Code {
        parsed(provider, body).expect_err("no reply").failure.code
    }

    const OLLAMA: &str = r#"{"model":"q","message":{"content":"hi","thinking":"hm"},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#;
    const OPENAI: &str = r#"{"model":"q","choices":[{"index":0,"message":{"role":"assistant","content":"hi","tool_calls":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"cost":0.25}}"#;
    const ANTHROPIC: &str = r#"{"type":"message","model":"q","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"h"},{"type":"text","text":"i"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"cache_creation_input_tokens":2,"cache_read_input_tokens":0,"output_tokens":2}}"#;

    fn counted(provider: Provider) -> Usage {
        let cache_write_tokens = if provider == Anthropic { 2 } else { 0 };
        Usage { prompt_tokens: 3, completion_tokens: 2, cache_write_tokens, cache_read_tokens: 0 }
    }

    #[test]
    fn what_came_from_a_cache_is_counted_apart_whoever_says_it() {
        let usage = |provider, body: &str, said: &str| {
            parsed(provider, body.replace("\"cost\":0.25", said)).expect("a reply").usage.expect("counts")
        };
        for (said, read, write) in [
            (r#""prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":1}"#, 2, 1),
            (r#""prompt_tokens_details":{"cached_tokens":9,"cache_write_tokens":9}"#, 3, 0),
            (r#""prompt_tokens_details":{"cached_tokens":-1}"#, 0, 0),
            (r#""prompt_tokens_details":[7],"prompt_cache_hit_tokens":1"#, 1, 0),
        ] {
            let told = usage(OpenAi, OPENAI, said);
            assert_eq!(
                (told.cache_read_tokens, told.cache_write_tokens, told.prompt_tokens),
                (read, write, 3),
                "{said}"
            );
        }
        let read = ANTHROPIC.replace("\"cache_read_input_tokens\":0", "\"cache_read_input_tokens\":40");
        let told = usage(Anthropic, &read, "");
        assert_eq!((told.prompt_tokens, told.cache_read_tokens, told.cache_write_tokens), (43, 40, 2));
    }

    #[test]
    fn groqs_stream_has_its_counts_in_a_field_of_its_own() {
        let body = OPENAI.replace(
            r#""usage":{"prompt_tokens":3,"completion_tokens":2,"cost":0.25}"#,
            r#""x_groq":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        );
        assert_eq!(parsed(OpenAi, body).expect("a reply").usage, Some(counted(OpenAi)));
    }

    #[test]
    fn each_protocol_gives_the_same_reply() {
        for (provider, body, cost_usd) in
            [(Ollama, OLLAMA, None), (OpenAi, OPENAI, Some(0.25)), (Anthropic, ANTHROPIC, None)]
        {
            let wanted = Reply {
                text: "hi".to_owned(),
                raw: body.into(),
                usage: Some(counted(provider)),
                cost_usd,
                model: "q".to_owned(),
                timing_ms: 0,
                limit_field: None,
                refused: Vec::new(),
                warning: None,
            };
            assert_eq!(parsed(provider, body).expect("a reply"), wanted);
            assert_eq!(protocol_of(body.as_bytes()), Some(provider));
        }
    }

    #[test]
    fn a_whole_reply_that_is_no_artifact_has_its_own_code() {
        let ollama = |text: &str, reason: &str| OLLAMA.replace("\"hi\"", text).replace("stop", reason);
        let openai = |reason: &str| OPENAI.replace("\"stop\"", reason);
        let anthropic = |reason: &str| ANTHROPIC.replace("end_turn", reason);
        let called = OPENAI.replace("\"hi\",\"tool_calls\":null", "null,\"tool_calls\":[{}]");
        let used = ANTHROPIC.replace("\"type\":\"text\"", "\"type\":\"tool_use\"");
        let refused = OPENAI.replace("\"tool_calls\"", "\"refusal\":\"I will not\",\"tool_calls\"");
        let cases = [
            (Ollama, ollama("\" \\n\"", "stop"), Code::EmptyReply),
            (Ollama, ollama("null", "stop"), Code::EmptyReply),
            (Ollama, ollama("\"<think>hm\"", "stop"), Code::EmptyReply),
            (Ollama, ollama("\"\"", "load"), Code::EmptyReply),
            (Ollama, ollama("\"hi\"", "length"), Code::Length),
            (Ollama, OLLAMA.replace("true", "false"), Code::Truncated),
            (Ollama, "{}".to_owned(), Code::Truncated),
            (OpenAi, openai("\"length\""), Code::Length),
            (OpenAi, openai("\"content_filter\""), Code::ContentFilter),
            (OpenAi, openai("\"error\""), Code::ServerError),
            (OpenAi, openai("null"), Code::Truncated),
            (OpenAi, called, Code::UnexpectedToolCall),
            (OpenAi, refused, Code::Refusal),
            (Anthropic, anthropic("max_tokens"), Code::Length),
            (Anthropic, anthropic("refusal"), Code::Refusal),
            (Anthropic, anthropic("pause_turn"), Code::EmptyReply),
            (Anthropic, anthropic("model_context_window_exceeded"), Code::ContextExceeded),
            (Anthropic, ANTHROPIC.replace("\"end_turn\"", "null"), Code::Truncated),
            (Anthropic, used, Code::UnexpectedToolCall),
        ];
        for (provider, body, wanted) in cases {
            assert_eq!(code(provider, body.as_str()), wanted, "{body}");
        }
    }

    #[test]
    fn what_a_failed_reply_cost_is_not_lost() {
        let failed = parsed(OpenAi, OPENAI.replace("\"stop\"", "\"length\"")).expect_err("a cut reply");
        assert_eq!(failed.usage, Some(Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() }));
        assert_eq!(failed.cost_usd, Some(0.25));
        assert!(failed.raw.starts_with(b"{\"model\""));
    }

    #[test]
    fn text_beside_a_tool_call_is_an_artifact_with_a_warning() {
        let reply = parsed(OpenAi, OPENAI.replace("null", "[{}]")).expect("a reply");
        assert_eq!((reply.text.as_str(), reply.warning.is_some()), ("hi", true));
    }

    #[test]
    fn counts_that_cannot_be_are_unknown_and_never_zero() {
        for count in ["-1", "1e30", "99999999999", "\"3\"", "null", "[]"] {
            let body = OLLAMA.replace("count\":3", &format!("count\":{count}"));
            assert_eq!(parsed(Ollama, body).expect("a reply").usage, None, "{count}");
        }
        for usage in ["-1", "\"x\"", "null", "[1]", "{\"cost\":-1}"] {
            let (head, _) = OPENAI.split_once("\"usage\":").expect("it has usage");
            let reply = parsed(OpenAi, format!("{head}\"usage\":{usage}}}")).expect("a reply");
            assert_eq!((reply.usage, reply.cost_usd), (None, None), "{usage}");
        }
    }

    #[test]
    fn hostile_bodies_are_bad_replies_in_every_protocol() {
        let deep = format!("{{\"message\":{}", "[".repeat(100_000));
        let deep_and_closed = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let bodies: [&[u8]; 12] = [
            b"",
            b" \r\n",
            b"null",
            b"[]",
            b"3",
            b"<html><body>502</body></html>",
            b"\x00\xff\xfe",
            b"{\"message\":{\"content\":\"\xff\"},\"done\":true}",
            b"{\"model\":\"\\ud800\"}",
            b"{\"model\":1,\"choices\":{},\"content\":7}",
            deep.as_bytes(),
            deep_and_closed.as_bytes(),
        ];
        for provider in [Ollama, OpenAi, Anthropic] {
            for body in bodies {
                let code = code(provider, body);
                assert_eq!(
                    code,
                    Code::BadReply,
                    "{provider:?} {:?}",
                    String::from_utf8_lossy(&body[..body.len().min(40)])
                );
            }
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_refused_where_it_matters() {
        assert_eq!(code(Ollama, OLLAMA.replace("\"done\":true", "\"done\":false,\"done\":true")), Code::BadReply);
        assert_eq!(
            code(OpenAi, OPENAI.replace("\"content\":\"hi\"", "\"content\":\"a\",\"content\":\"b\"")),
            Code::BadReply
        );
        assert_eq!(
            code(Anthropic, ANTHROPIC.replace("\"stop_reason\"", "\"content\":[],\"stop_reason\"")),
            Code::BadReply
        );
    }

    #[test]
    fn an_answer_cut_anywhere_is_never_a_reply() {
        for (provider, body) in [(Ollama, OLLAMA), (OpenAi, OPENAI), (Anthropic, ANTHROPIC)] {
            for end in 1..body.len() {
                assert_eq!(code(provider, &body.as_bytes()[..end]), Code::Truncated, "{}", &body[..end]);
            }
        }
    }

    #[test]
    fn text_in_parts_is_put_together_without_the_reasoning() {
        let parts = r#"[{"type":"thinking","thinking":[]},{"type":"text","text":"h"},{"type":"text","text":"i"}]"#;
        assert_eq!(parsed(OpenAi, OPENAI.replace("\"hi\"", parts)).expect("a reply").text, "hi");
    }

    #[test]
    fn a_byte_order_mark_is_neither_json_nor_text() {
        let body = format!("\u{feff}{}", OLLAMA.replace("hi", "\u{feff}hi"));
        assert_eq!(parsed(Ollama, body).expect("a reply").text, "hi");
    }

    #[test]
    fn a_recorded_error_keeps_its_protocol() {
        assert_eq!(protocol_of(br#"{"error":"gone"}"#), Some(Ollama));
        assert_eq!(protocol_of(br#"{"error":{"message":"gone"}}"#), Some(OpenAi));
        assert_eq!(protocol_of(br#"{"type":"error","error":{}}"#), Some(Anthropic));
        assert_eq!(protocol_of(b"hello"), None);
    }
}
