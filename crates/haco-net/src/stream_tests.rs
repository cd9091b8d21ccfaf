//! Streams of the three protocols: as their documents have them, cut and split anywhere, and with all that may be wrong.

use haco_core::address::BaseUrl;
use haco_core::code::Code;
use proptest::prelude::*;

use crate::endpoint::{Endpoint, Provider, Provider::*};
use crate::failed::{Again, Failed};
use crate::http::{Answer, Received};
use crate::progress::News;
use crate::reply::{Reply, Usage, parse_reply, protocol_of};
use crate::secret::Secret;
use crate::stream::{More, Stream};

pub(crate) const OLLAMA: &str = concat!(
    r#"{"model":"q","message":{"role":"assistant","content":"","thinking":"hm é"},"done":false}"#,
    "\n",
    r#"{"model":"q","message":{"role":"assistant","content":"h€"},"done":false}"#,
    "\n",
    r#"{"model":"q","message":{"role":"assistant","content":"i\n"},"done":false}"#,
    "\n",
    r#"{"model":"q","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#,
    "\n",
);
pub(crate) const OPENAI: &str = concat!(
    ": OPENROUTER PROCESSING\n\n",
    r#"data: {"model":"q","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
    "\n\n",
    r#"data: {"model":"q","choices":[{"index":0,"delta":{"reasoning_content":"hm é"},"finish_reason":null}]}"#,
    "\n\n: still here\n\n",
    r#"data: {"model":"q","choices":[{"index":0,"delta":{"content":"h€"},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"model":"q","choices":[{"index":0,"delta":{"content":"i\n"},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"model":"q","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"model":"q","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"cost":0.25}}"#,
    "\n\ndata: [DONE]\n\n",
);
pub(crate) const ANTHROPIC: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"type":"message","model":"q","content":[],"stop_reason":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":2,"cache_read_input_tokens":0,"output_tokens":1}}}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
    "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm é"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":0}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"h€"}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"i\n"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":1}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}"#,
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);
pub(crate) const ALL: [(Provider, &str); 3] = [(Ollama, OLLAMA), (OpenAi, OPENAI), (Anthropic, ANTHROPIC)];

fn endpoint(provider: Provider) -> Endpoint {
    Endpoint::new(provider, BaseUrl::parse(provider.default_base()).expect("an address"), "m")
}

fn parsed(provider: Provider, body: impl Into<Vec<u8>>) -> Result<Reply, Box<Failed>> {
    parse_reply(&endpoint(provider), &Answer::recorded(body))
}

/// What comes of a body that arrives in these pieces, with the news of it.
fn heard(endpoint: &Endpoint, pieces: &[&[u8]]) -> (Result<Reply, Box<Failed>>, Vec<News>) {
    let mut news = Vec::new();
    let mut listener = |one| news.push(one);
    let mut stream = Stream::new(endpoint, &mut listener);
    let mut body = Vec::new();
    for piece in pieces {
        body.extend_from_slice(piece);
        if stream.push(piece) == More::Nothing {
            break;
        }
    }
    let reply = stream.finish(&Received { answer: Answer::recorded(body), broken: None });
    (reply, news)
}

fn counted(provider: Provider) -> Usage {
    let cache_write_tokens = if provider == Anthropic { 2 } else { 0 };
    Usage { prompt_tokens: 3, completion_tokens: 2, cache_write_tokens, cache_read_tokens: 0 }
}

#[test]
fn each_protocol_streams_the_same_reply() {
    for (provider, body) in ALL {
        for end in ["\n", "\r\n"] {
            let body = body.replace('\n', end);
            let wanted = Reply {
                text: "h€i\n".to_owned(),
                raw: body.clone().into(),
                usage: Some(counted(provider)),
                cost_usd: (provider == OpenAi).then_some(0.25),
                model: "q".to_owned(),
                timing_ms: 0,
                limit_field: None,
                refused: Vec::new(),
                warning: None,
            };
            assert_eq!(protocol_of(body.as_bytes()), Some(provider));
            assert_eq!(parsed(provider, body).expect("a reply"), wanted);
        }
    }
    for (provider, body) in [ALL[1], ALL[2]] {
        assert_eq!(parsed(provider, body.replace('\n', "\r")).expect("a reply").text, "h€i\n");
        assert_eq!(parsed(provider, format!("\u{feff}{body}")).expect("a reply").text, "h€i\n");
    }
}

#[test]
fn a_stream_cut_anywhere_is_truncated_and_kept() {
    for (provider, body, end) in [
        (Ollama, OLLAMA, OLLAMA.len() - 1),
        (OpenAi, OPENAI, OPENAI.find("\n\ndata: {\"model\":\"q\",\"choices\":[],").expect("usage")),
        (Anthropic, ANTHROPIC, ANTHROPIC.len() - 2),
    ] {
        for cut in 1..end {
            let failed = parsed(provider, &body.as_bytes()[..cut]).expect_err("half a reply");
            let code = failed.failure.code;
            assert_eq!(code, Code::Truncated, "{provider:?} {cut}: {failed}");
            assert_eq!(failed.raw, &body.as_bytes()[..cut]);
        }
        assert!(parsed(provider, &body.as_bytes()[..end]).is_ok(), "{provider:?}");
    }
}

#[test]
fn nothing_is_read_behind_the_end_marker() {
    for (provider, body) in ALL {
        let behind = format!("{body}{{\"error\":\"late\"}}\ndata: {{\"error\":\"late\"}}\n\n");
        assert_eq!(parsed(provider, behind).expect("a reply").text, "h€i\n");
        let mut deaf = |_| {};
        let endpoint = endpoint(provider);
        assert_eq!(Stream::new(&endpoint, &mut deaf).push(body.as_bytes()), More::Nothing);
    }
}

#[test]
fn an_error_in_the_middle_is_the_servers_and_is_tried_again_only_before_the_first_text() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for (provider, body, error, code) in [
        (Ollama, OLLAMA, r#"{"error":"out of memory"}"#.to_owned(), Code::ServerError),
        (OpenAi, OPENAI, r#"data: {"error":{"code":502,"message":"upstream"}}"#.to_owned(), Code::ServerError),
        (Anthropic, ANTHROPIC, format!("event: error\ndata: {overloaded}"), Code::Overloaded),
    ] {
        let text = body.find("hm").map(|at| body[..at].rfind("\n").map_or(0, |line| line + 1)).expect("a text");
        let early = parsed(provider, format!("{}{error}\n\n", &body[..text])).expect_err("an error");
        assert_eq!((early.failure.code, early.again), (code, Again::After(None)), "{early}");
        let after = body.find("h€").and_then(|at| body[at..].find('\n').map(|end| at + end)).expect("a line end");
        let late = parsed(provider, format!("{}\n\n{error}\n\n", &body[..after])).expect_err("an error");
        assert_eq!((late.failure.code, late.again), (code, Again::Never), "{late}");
        assert!(String::from_utf8_lossy(&late.raw).contains("h€"));
    }
}

#[test]
fn a_stream_of_the_wrong_kind_is_a_bad_reply() {
    for (provider, body) in [
        (Ollama, format!("{}[1]\n", &OLLAMA[..92])),
        (Ollama, OLLAMA.replace("\"h€\"", "7")),
        (Ollama, OLLAMA.replace("{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"h€\"", "{\"model")),
        (OpenAi, OPENAI.replace("{\"content\":\"h€\"}", "7")),
        (OpenAi, "data: hello\n\n".to_owned()),
        (Anthropic, ANTHROPIC.replace("\"text\":\"h€\"", "\"text\":{}")),
        (Anthropic, "data: {}\n\n".to_owned()),
    ] {
        let failed = parsed(provider, body.as_str()).expect_err("no reply");
        assert_eq!(failed.failure.code, Code::BadReply, "{body}");
    }
    let broken = [&OLLAMA.as_bytes()[..92], b"{\"message\":{\"content\":\"\xff\"}}\n"].concat();
    assert_eq!(parsed(Ollama, broken).expect_err("no UTF-8").failure.code, Code::BadReply);
}

#[test]
fn how_a_stream_ends_is_told_apart() {
    for (provider, from, to, code) in [
        (Ollama, "\"stop\"", "\"length\"", Code::Length),
        (OpenAi, "\"stop\"", "\"length\"", Code::Length),
        (OpenAi, "\"stop\"", "\"content_filter\"", Code::ContentFilter),
        (OpenAi, "\"stop\"", "\"error\"", Code::ServerError),
        (OpenAi, "{\"content\":\"h€\"}", "{\"refusal\":\"no\"}", Code::Refusal),
        (Anthropic, "end_turn", "max_tokens", Code::Length),
        (Anthropic, "end_turn", "refusal", Code::Refusal),
        (Anthropic, "end_turn", "pause_turn", Code::EmptyReply),
        (Anthropic, "end_turn", "model_context_window_exceeded", Code::ContextExceeded),
    ] {
        let (_, body) = ALL.into_iter().find(|(p, _)| *p == provider).expect("each is there");
        let failed = parsed(provider, body.replace(from, to)).expect_err(to);
        assert_eq!((failed.failure.code, failed.again), (code, Again::Never), "{to}");
        assert_eq!(failed.usage, Some(counted(provider)), "{to}");
    }
}

#[test]
fn the_text_is_told_line_by_line_and_never_with_our_key() {
    let mut endpoint = endpoint(Ollama);
    endpoint.key = Some(Secret::new("sk-12345").expect("a key"));
    let said = |text: &str| format!("{{\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n");
    let body =
        [said("a sk-1"), said("2345\\nb"), "{\"message\":{\"content\":\"\"},\"done\":true}\n".to_owned()].concat();
    let (reply, news) = heard(&endpoint, &[body.as_bytes()]);
    let lines: Vec<_> =
        news.iter().filter_map(|one| if let News::Line(l) = one { Some(l.as_str()) } else { None }).collect();
    assert_eq!(lines, ["a ***", "b"]);
    assert_eq!(news.iter().filter(|one| matches!(one, News::Tokens(_))).count(), 2);
    let reply = reply.expect("a reply");
    assert_eq!(reply.text, "a ***\nb");
    assert_eq!(String::from_utf8_lossy(&reply.raw), "a ***\nb", "no half of the key is kept");
}

proptest! {
    #[test]
    fn however_the_bytes_are_split_the_reply_and_its_lines_are_the_same(
        which in 0..3_usize, crlf in any::<bool>(), cuts in prop::collection::vec(0..2000_usize, 0..40)
    ) {
        let (provider, body) = ALL[which];
        let body = if crlf { body.replace('\n', "\r\n") } else { body.to_owned() };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % body.len()).chain([0, body.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &body.as_bytes()[ends[0]..ends[1]]).collect();
        let endpoint = endpoint(provider);
        let (split, split_news) = heard(&endpoint, &pieces);
        let (whole, news) = heard(&endpoint, &[body.as_bytes()]);
        prop_assert_eq!(split.expect("a reply").text, whole.expect("a reply").text);
        prop_assert_eq!(split_news, news);
    }

    #[test]
    fn hostile_bytes_never_panic_and_split_or_not_mean_the_same(
        which in 0..3_usize, at in 0..3000_usize, junk in prop::collection::vec(any::<u8>(), 0..8), cut in 0..3000_usize
    ) {
        let (provider, body) = ALL[which];
        let at = at % body.len();
        let body = [&body.as_bytes()[..at], &junk, &body.as_bytes()[at..]].concat();
        let (head, tail) = body.split_at(cut % body.len());
        let endpoint = endpoint(provider);
        let result = |reply: Result<Reply, Box<Failed>>| reply.map(|r| r.text).map_err(|f| f.failure.code);
        prop_assert_eq!(result(heard(&endpoint, &[head, tail]).0), result(heard(&endpoint, &[&body]).0));
    }
}
