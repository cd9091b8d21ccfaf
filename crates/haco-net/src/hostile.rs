//! What servers do to their callers, in all three wire formats, each with its one outcome: over real sockets, with a key
//! that every server echoes where it can, in no more than three requests, and with time bounded by the limits alone.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use haco_core::address::BaseUrl;
use haco_core::code::Code;

use crate::ask::ask;
use crate::endpoint::{Ask, Endpoint, MAX_BODY_BYTES, Provider, Provider::*};
use crate::secret::Secret;
use crate::server::{Act, Server, response};
use crate::stream_tests::ALL;

const KEY: &str = "sk-hostile-0123456789";

/// What must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The text of the sample.
    Text,
    /// A failure, and no text.
    No(Code),
}
use Outcome::{No, Text};

/// One misdeed: its name, what the server does at the first request and those after it, how many requests it gets, and
/// what comes of it.
type Case = (&'static str, Vec<Act>, usize, Outcome);

/// Bodies of one wire format.
struct Wire {
    provider: Provider,
    stream: &'static str,
    /// Up to the line end behind the text.
    half: &'static str,
    /// Up to the first text or reasoning.
    early: &'static str,
}

fn wire(provider: Provider) -> Wire {
    let (_, stream) = ALL.into_iter().find(|(of, _)| *of == provider).expect("each is there");
    let line =
        |word: &str| stream.find(word).map(|at| stream[..at].rfind('\n').map_or(0, |end| end + 1)).expect("a line");
    let text = line("h€");
    let behind = text + stream[text..].find('\n').expect("a line end") + 1;
    Wire { provider, stream, half: &stream[..behind], early: &stream[..line("hm")] }
}

impl Wire {
    fn error(&self, kind: &str, code: &str) -> String {
        match self.provider {
            Ollama => format!(r#"{{"error":"{kind}: no {code}, you sent {KEY}"}}"#),
            OpenAi => format!(r#"{{"error":{{"message":"no, you sent {KEY}","type":"{kind}","code":"{code}"}}}}"#),
            Anthropic => {
                format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"no {code}, you sent {KEY}"}}}}"#)
            }
        }
    }

    fn status(&self, status: u16, headers: &str) -> Act {
        response(status, headers, &self.error("some_error", "x"))
    }

    /// An error as it comes inside a stream.
    fn late(&self) -> String {
        let error = self.error("api_error", "500");
        if self.provider == Ollama { format!("{error}\n") } else { format!("\n\ndata: {error}\n\n") }
    }

    /// The same stream, ended in another way.
    fn ending(&self, word: &str) -> String {
        self.stream.replace("\"stop\"", &format!("\"{word}\"")).replace("\"end_turn\"", &format!("\"{word}\""))
    }

    /// A piece without any text.
    fn silence(&self) -> &'static str {
        if self.provider == Ollama { "{\"done\":false}\n" } else { ": hello\n\n" }
    }

    fn spend(&self) -> Act {
        match self.provider {
            Ollama => self.status(402, ""),
            OpenAi => response(429, "retry-after: 1\r\n", &self.error("insufficient_quota", "insufficient_quota")),
            Anthropic => self.status(429, ""),
        }
    }

    fn tool_call(&self) -> String {
        match self.provider {
            Ollama => r#"{"message":{"content":"","tool_calls":[{}]},"done":true}"#.to_owned() + "\n",
            OpenAi => "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
                .to_owned(),
            Anthropic => [
                r#"{"type":"content_block_start","content_block":{"type":"tool_use"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
                r#"{"type":"message_stop"}"#,
            ]
            .map(|event| format!("data: {event}\n\n"))
            .concat(),
        }
    }

    fn whole(&self) -> &'static str {
        match self.provider {
            Ollama => r#"{"message":{"content":"h€i\n"},"done":true}"#,
            OpenAi => r#"{"choices":[{"message":{"content":"h€i\n"},"finish_reason":"stop"}]}"#,
            Anthropic => r#"{"content":[{"type":"text","text":"h€i\n"}],"stop_reason":"end_turn"}"#,
        }
    }
}

fn ok(body: &str) -> Act {
    response(200, "", body)
}

fn bytes(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 X\r\n{head}\r\n").as_bytes(), body].concat()
}

fn thrice(act: impl Fn() -> Act) -> Vec<Act> {
    (0..4).map(|_| act()).collect()
}

fn of_the_status(w: &Wire) -> Vec<Case> {
    let length = if w.provider == Anthropic { "max_tokens" } else { "length" };
    let too_long = w.error("exceed_context_size_error", "prompt is too long");
    let missing = w.error("not_found_error", "model_not_found").replace("no,", "no model,");
    vec![
        ("moves, for good", vec![w.status(301, "location: http://evil.example/\r\n")], 1, No(Code::RedirectRefused)),
        ("moves, with the body", vec![w.status(307, "location: //evil.example/\r\n")], 1, No(Code::RedirectRefused)),
        ("moves to nowhere", vec![w.status(302, "")], 1, No(Code::RedirectRefused)),
        ("does not understand", vec![w.status(400, "")], 1, No(Code::ServerError)),
        ("does not know the key", vec![w.status(401, "")], 1, No(Code::Unauthorized)),
        ("forbids", vec![w.status(403, "")], 1, No(Code::Forbidden)),
        ("has no such model", vec![response(404, "", &missing)], 1, No(Code::ModelMissing)),
        ("has no such service", vec![response(404, "", "404 page not found")], 1, No(Code::BadReply)),
        ("has too small a window", vec![response(400, "", &too_long)], 1, No(Code::ContextExceeded)),
        ("takes no such request", vec![w.status(413, "")], 1, No(Code::ContextExceeded)),
        ("asks to wait", thrice(|| w.status(429, "retry-after: 0\r\n")), 3, No(Code::RateLimited)),
        ("asks to wait a day", vec![w.status(429, "retry-after: 86400\r\n")], 1, No(Code::RateLimited)),
        (
            "asks to wait for years",
            vec![w.status(503, "retry-after: Sun, 06 Nov 2094 08:49:37 GMT\r\n")],
            1,
            No(Code::Overloaded),
        ),
        ("asks to wait for nonsense", thrice(|| w.status(503, "retry-after: soon\r\n")), 3, No(Code::Overloaded)),
        ("is unpaid", vec![w.spend()], 1, No(Code::SpendLimit)),
        ("is too slow for itself", thrice(|| w.status(408, "")), 3, No(Code::ServerError)),
        ("fails", thrice(|| w.status(500, "")), 3, No(Code::ServerError)),
        ("fails behind a proxy", thrice(|| response(502, "", "<html>bad gateway</html>")), 3, No(Code::ServerError)),
        ("is overloaded", thrice(|| w.status(529, "")), 3, No(Code::Overloaded)),
        ("fails once", vec![w.status(500, ""), ok(w.stream)], 2, Text),
        (
            "says no and breaks off",
            vec![Act::Send(b"HTTP/1.1 401 X\r\ncontent-length: 99\r\n\r\n{".to_vec())],
            1,
            No(Code::Unauthorized),
        ),
        ("stops at its limit", vec![ok(&w.ending(length))], 1, No(Code::Length)),
    ]
}

fn of_the_stream(w: &Wire) -> Vec<Case> {
    let half = w.half.as_bytes();
    let chunk = format!("{:x}\r\n{}\r\n", half.len(), w.half);
    let endless = || [w.half.as_bytes(), b"data: ", &vec![b'x'; MAX_BODY_BYTES]].concat();
    let flood = || [b": ".as_slice(), &vec![b'x'; MAX_BODY_BYTES]].concat();
    vec![
        ("closes without a word", vec![], 3, No(Code::ServerError)),
        ("closes after the head", thrice(|| Act::Send(bytes("content-length: 99\r\n", b""))), 3, No(Code::ServerError)),
        ("ends before it begins", vec![ok("")], 1, No(Code::BadReply)),
        ("ends before the first text", thrice(|| ok(&format!("{}{}", w.early, w.silence()))), 3, No(Code::Truncated)),
        ("ends cleanly after some text", vec![ok(w.half)], 1, No(Code::Truncated)),
        (
            "breaks off after some text",
            vec![Act::Send(bytes("content-length: 9999\r\n", half))],
            1,
            No(Code::Truncated),
        ),
        (
            "breaks off in a chunk",
            vec![Act::Send(bytes("transfer-encoding: chunked\r\n", chunk.as_bytes()))],
            1,
            No(Code::Truncated),
        ),
        (
            "counts its chunks wrong",
            vec![Act::Send(bytes("transfer-encoding: chunked\r\n", b"zz\r\nabc"))],
            1,
            No(Code::BadReply),
        ),
        ("fails after some text", vec![ok(&format!("{}{}", w.half, w.late()))], 1, No(Code::ServerError)),
        ("fails before the first text", thrice(|| ok(&format!("{}{}", w.early, w.late()))), 3, No(Code::ServerError)),
        ("stays open after its end", vec![Act::Hold(bytes("", w.stream.as_bytes()))], 1, Text),
        ("says more after its end", vec![ok(&format!("{}{}", w.stream, w.late()))], 1, Text),
        ("never ends a line", vec![Act::Send(bytes("connection: close\r\n", &endless()))], 1, No(Code::TooLarge)),
        ("says nothing at length", vec![Act::Send(bytes("connection: close\r\n", &flood()))], 1, No(Code::TooLarge)),
        (
            "lies about gzip",
            vec![Act::Send(bytes("content-encoding: gzip\r\ncontent-length: 4\r\n", b"abcd"))],
            1,
            No(Code::BadReply),
        ),
        ("does not stream", vec![ok(w.whole())], 1, Text),
    ]
}

fn of_the_content(w: &Wire) -> Vec<Case> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let empty = w.stream.replace("h€", "").replace("i\\n", " \\n");
    let broken: Vec<u8> = w.stream.bytes().map(|byte| if byte == 0xe2 { 0xff } else { byte }).collect();
    let absurd = w
        .stream
        .replace("_count\":3", "_count\":-3")
        .replace("tokens\":3", "tokens\":1e99")
        .replace("tokens\":2", "tokens\":\"2\"");
    let twice = w.stream.replacen("{\"model\":\"q\"", "{\"model\":\"q\",\"model\":\"r\"", 1).replacen(
        "\"index\":0,",
        "\"index\":0,\"delta\":{},\"delta\":{},",
        1,
    );
    vec![
        ("is no HTTP", vec![Act::Send(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())], 1, No(Code::BadReply)),
        (
            "sends endless headers",
            vec![Act::Send([b"HTTP/1.1 200 X\r\n".to_vec(), b"x: y\r\n".repeat(100_000)].concat())],
            1,
            No(Code::BadReply),
        ),
        ("sends a web page", vec![ok("<html>log in</html>")], 1, No(Code::BadReply)),
        ("sends plain text", vec![ok("hello")], 1, No(Code::BadReply)),
        ("sends nothing but blanks", vec![ok(" \r\n \r\n")], 1, No(Code::BadReply)),
        ("sends null", vec![ok("null")], 1, No(Code::BadReply)),
        ("sends a list", vec![ok("[]")], 1, No(Code::BadReply)),
        ("sends what is too deep", vec![ok(&deep)], 1, No(Code::BadReply)),
        (
            "sends a stream too deep",
            vec![ok(&format!("{}\n\ndata: {deep}\n\n{deep}\n", w.half))],
            1,
            No(Code::BadReply),
        ),
        ("sends what is no UTF-8", vec![Act::Send(bytes("", &broken))], 1, No(Code::BadReply)),
        ("sends a field twice", vec![ok(&twice)], 1, No(Code::BadReply)),
        ("sends nothing but reasoning", vec![ok(&empty)], 1, No(Code::EmptyReply)),
        ("leaves its reasoning open", vec![ok(&w.stream.replace("h€", "<think>"))], 1, No(Code::EmptyReply)),
        ("calls a tool", vec![ok(&w.tool_call())], 1, No(Code::UnexpectedToolCall)),
        ("counts absurdly", vec![ok(&absurd)], 1, Text),
        ("sends a byte order mark", vec![ok(&format!("\u{feff}{}", w.stream))], 1, Text),
    ]
}

/// What comes of asking this server, whose every word is searched for the key.
fn outcome(endpoint: &Endpoint) -> (Outcome, String) {
    let mut told = String::new();
    let reply = ask(endpoint, &Ask { prompt: "hi", ..Ask::default() }, &mut |news| told += &format!("{news:?}\n"));
    let (outcome, raw, shown) = match reply {
        Ok(reply) => {
            assert_eq!(reply.text, "h€i\n");
            (Text, reply.raw.clone(), format!("{reply:?}"))
        }
        Err(failed) => (No(failed.failure.code), failed.raw.clone(), format!("{failed:?} {failed}")),
    };
    let raw = String::from_utf8_lossy(&raw).into_owned();
    assert!(![&told, &raw, &shown].iter().any(|text| text.contains(KEY)), "the key is there: {shown}");
    assert!(raw.len() <= MAX_BODY_BYTES);
    (outcome, shown.chars().take(600).collect())
}

fn patient(server: &Server, provider: Provider) -> Endpoint {
    let mut endpoint = server.endpoint(provider);
    endpoint.key = Some(Secret::new(KEY).expect("a key"));
    endpoint
}

#[test]
fn every_misdeed_has_its_one_outcome_in_every_wire_format() {
    let mut wrong = Vec::new();
    for provider in [Ollama, OpenAi, Anthropic] {
        let w = wire(provider);
        let cases =
            [of_the_status(&w), of_the_stream(&w), of_the_content(&w)].into_iter().flatten().collect::<Vec<_>>();
        assert!(cases.len() >= 38, "{}", cases.len());
        for (name, acts, requests, wanted) in cases {
            let server = Server::start(acts);
            let (came, shown) = outcome(&patient(&server, provider));
            let asked = server.requests();
            let in_its_header = asked.iter().all(|request| request.matches(KEY).count() == 1);
            if came != wanted || asked.len() != requests || !in_its_header {
                wrong.push(format!("{provider:?} {name}: {came:?} after {} requests\n    {shown}", asked.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_server_that_dawdles_is_left_where_its_limit_says() {
    for provider in [Ollama, OpenAi, Anthropic] {
        let w = wire(provider);
        let half = || Act::Hold(bytes("", w.half.as_bytes()));
        let whole = Act::Hold(bytes("content-length: 9999\r\n", w.whole().as_bytes()));
        let server = Server::start(vec![whole, half(), half(), Act::Hold(bytes("", b"")), Act::Hold(Vec::new())]);
        let mut endpoint = patient(&server, provider);
        endpoint.time.retries = 0;
        endpoint.time.idle = Duration::from_millis(100);
        assert_eq!(outcome(&endpoint).0, Text, "{provider:?}: nothing is missing");
        assert_eq!(outcome(&endpoint).0, No(Code::IdleTimeout), "{provider:?}");
        endpoint.time.idle = Duration::from_secs(60);
        endpoint.time.total = Duration::from_millis(300);
        for _ in 0..3 {
            assert_eq!(outcome(&endpoint).0, No(Code::TotalTimeout), "{provider:?}");
        }
        assert_eq!(server.requests().len(), 5);
    }
}

#[test]
fn a_name_that_nobody_knows_and_a_door_that_does_not_open_are_told_apart() {
    let mut endpoint = Endpoint::new(OpenAi, BaseUrl::parse("https://haco.invalid").expect("an address"), "m");
    endpoint.time.retries = 0;
    assert_eq!(outcome(&endpoint).0, No(Code::Dns));
    // Nobody accepts, so the queue fills up; from then on the system leaves connections unanswered.
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = deaf.local_addr().expect("bound");
    let queued: Vec<TcpStream> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok())
            .take(9000)
            .collect();
    assert!(queued.len() < 9000, "the queue has no end");
    endpoint.base_url = BaseUrl::parse(&format!("http://{address}")).expect("an address");
    endpoint.time.connect = Duration::from_millis(100);
    assert_eq!(outcome(&endpoint).0, No(Code::ConnectTimeout));
}
