//! The three questions a server is asked, and how often: a question, its models, and to load one.
//!
//! Tried again: what failed before the first text of an answer and may pass. The pause doubles from half a second up
//! to eight, less up to a quarter at random, unless the server names one of up to a minute; two halves of an answer are
//! never put together.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use haco_core::code::{Code, Failure};
use serde::Deserialize;

use crate::endpoint::{Ask, Endpoint, Limits, Provider};
use crate::failed::{Again, Failed};
use crate::http::{Answer, agent, send};
use crate::progress::Listener;
use crate::reply::{Reply, answer_object};
use crate::request::{Request, request_body, warm_body};
use crate::stream::{More, Stream};
use crate::window::{self, Known, seen_whole};

/// A request is changed for a server that refuses a field of it only while no more than these were sent.
const MOST_REQUESTS: u32 = 3;

/// Asks once, with retries, and waits for the end of the reply, of which `listener` hears while it comes. The error's
/// code is one of the network, of the server, or of a whole reply that is no artifact; with [`Failed::raw`] and
/// [`Failed::usage`] of what came.
pub fn ask(endpoint: &Endpoint, ask: &Ask, listener: &mut Listener<'_>) -> Result<Reply, Box<Failed>> {
    let start = Instant::now();
    let mut request = Request::chat(endpoint, request_body(endpoint, ask));
    let agent = agent(endpoint)?;
    let mut refused = Vec::new();
    let mut requests = 0;
    let reply = with_retries(endpoint, || {
        loop {
            requests += 1;
            let mut stream = Stream::new(endpoint, listener);
            let received = send(&agent, endpoint, &request, &mut |bytes| stream.push(bytes))?;
            match stream.finish(&received) {
                Err(failed) if requests < MOST_REQUESTS => {
                    let field = request.adapt(&failed, &refused);
                    refused.push(field.ok_or(failed)?);
                }
                reply => return reply,
            }
        }
    })?;
    let reply = seen_whole(endpoint, ask, reply)?;
    let limit_field = request.limit_field().filter(|_| endpoint.provider == Provider::OpenAi).map(str::to_owned);
    let timing_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let refused = refused.into_iter().map(str::to_owned).collect();
    Ok(Reply { limit_field, refused, timing_ms, ..reply })
}

/// What an Ollama server says about the model: asked once each, shortly, and nothing where it does not say.
pub fn known(endpoint: &Endpoint) -> Known {
    if endpoint.provider != Provider::Ollama {
        return Known::default();
    }
    let mut short = endpoint.clone();
    short.time.retries = 0;
    short.time.total = short.time.total.min(Duration::from_secs(10));
    let window = read_whole(&short, &window::show(&short), |answer| window::window(&short, answer));
    let digest = read_whole(&short, &Request::models(&short), |answer| window::digest(&short, answer));
    Known { window: window.ok().flatten(), digest: digest.ok().flatten() }
}

/// The names of the models that the server has, in its order.
pub fn models(endpoint: &Endpoint) -> Result<Vec<String>, Failure> {
    Ok(read_whole(endpoint, &Request::models(endpoint), |answer| listed(endpoint, answer))?)
}

/// Whether a server that lists these models has this one; for Ollama a bare name means `:latest`.
pub fn has_model(provider: Provider, names: &[String], model: &str) -> bool {
    let latest = format!("{model}:latest");
    names.iter().any(|name| name == model || provider == Provider::Ollama && !model.contains(':') && *name == latest)
}

/// Makes an Ollama server load the model, with the options that decide how; nothing is sent to the others.
pub fn warm(endpoint: &Endpoint) -> Result<(), Failure> {
    if endpoint.provider != Provider::Ollama {
        return Ok(());
    }
    let request = Request::chat(endpoint, warm_body(endpoint));
    Ok(read_whole(endpoint, &request, |answer| answer_object(endpoint, answer).map(|_| ()))?)
}

/// What is not streamed: the whole body, or a failure.
pub(crate) fn read_whole<T>(
    endpoint: &Endpoint,
    request: &Request,
    read: impl Fn(&Answer) -> Result<T, Box<Failed>>,
) -> Result<T, Box<Failed>> {
    let agent = agent(endpoint)?;
    with_retries(endpoint, || {
        let received = send(&agent, endpoint, request, &mut |_| More::Wanted)?;
        received.broken.map_or_else(|| read(&received.answer), Err)
    })
}

fn with_retries<T>(endpoint: &Endpoint, mut one_try: impl FnMut() -> Result<T, Box<Failed>>) -> Result<T, Box<Failed>> {
    let mut tried = 0;
    loop {
        let failed = match one_try() {
            Ok(read) => return Ok(read),
            Err(failed) => failed,
        };
        match failed.again {
            Again::After(wait) if tried < endpoint.time.retries => {
                std::thread::sleep(pause(&endpoint.time, tried, wait))
            }
            _ => return Err(failed),
        }
        tried += 1;
    }
}

/// The pause after `tried` retries: the server's own, else doubling.
fn pause(time: &Limits, tried: u32, asked: Option<Duration>) -> Duration {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    let jitter = f64::from(nanos % 1000) / 1000.0 * 0.25;
    asked.unwrap_or_else(|| time.pause_unit.saturating_mul(1 << tried.min(4)).mul_f64(1.0 - jitter))
}

#[derive(Deserialize)]
struct Listing {
    models: Option<Vec<Named>>,
    data: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(alias = "id")]
    name: String,
}

fn listed(endpoint: &Endpoint, answer: &Answer) -> Result<Vec<String>, Box<Failed>> {
    let body = answer_object(endpoint, answer)?;
    let bad =
        |why: &str| Failed::for_good(endpoint, Code::BadReply, format!("the list of models cannot be read: {why}"));
    let listing: Listing = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    let models = if endpoint.provider == Provider::Ollama { listing.models } else { listing.data };
    Ok(models.ok_or_else(|| bad("it is not there"))?.into_iter().map(|model| model.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::MAX_BODY_BYTES;
    use crate::secret::Secret;
    use crate::server::{Act, Server, response};
    use haco_core::address::BaseUrl;

    const HELLO: &str = r#"{"model":"tiny","message":{"role":"assistant","content":"hello"},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#;

    fn hi(endpoint: &Endpoint) -> Result<Reply, Box<Failed>> {
        ask(endpoint, &Ask { prompt: "hi", ..Ask::default() }, &mut |_| {})
    }

    /// The code of a call that must fail, after this many requests.
    fn fails(acts: Vec<Act>, change: impl Fn(&mut Endpoint), requests: usize) -> Box<Failed> {
        let server = Server::start(acts);
        let mut endpoint = server.endpoint(Provider::Ollama);
        change(&mut endpoint);
        let failed = hi(&endpoint).expect_err("the call fails");
        assert_eq!(server.requests().len(), requests, "{failed}");
        failed
    }

    #[test]
    fn one_request_brings_one_reply() {
        let server = Server::start(vec![response(200, "", HELLO)]);
        let reply = hi(&server.endpoint(Provider::Ollama)).expect("a reply");
        assert_eq!((reply.text.as_str(), reply.raw.as_slice()), ("hello", HELLO.as_bytes()));
        let requests = server.requests();
        assert_eq!(requests.len(), 1);
        assert!(requests[0].starts_with("POST /api/chat HTTP/1.1\r\n"), "{}", requests[0]);
        assert!(requests[0].ends_with(
            r#"{"model":"tiny","stream":true,"messages":[{"role":"user","content":"hi"}],"options":{"num_ctx":8192}}"#
        ));
    }

    #[test]
    fn the_key_goes_out_in_its_header_and_comes_back_redacted() {
        let echo =
            r#"{"type":"message","content":[{"type":"text","text":"you sent sk-12345"}],"stop_reason":"end_turn"}"#;
        let server = Server::start(vec![response(200, "", echo), response(401, "", r#"{"error":"bad key sk-12345"}"#)]);
        let mut endpoint = server.endpoint(Provider::Anthropic);
        endpoint.key = Some(Secret::new("sk-12345").expect("a key"));
        let reply = hi(&endpoint).expect("a reply");
        assert_eq!(reply.text, "you sent ***");
        assert!(!reply.raw.windows(8).any(|w| w == b"sk-12345"));
        let failed = hi(&endpoint).expect_err("unauthorized");
        assert_eq!(failed.failure.code, Code::Unauthorized);
        assert!(failed.failure.message.ends_with("the key is not known there: bad key ***"), "{failed}");
        assert_eq!(failed.raw, br#"{"error":"bad key ***"}"#);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert!(requests[0].contains("x-api-key: sk-12345\r\n"), "{}", requests[0]);
    }

    #[test]
    fn a_failure_that_may_pass_is_tried_again() {
        let server = Server::start(vec![
            response(500, "", "{}"),
            response(429, "retry-after: 0\r\n", "{}"),
            response(200, "", HELLO),
        ]);
        assert_eq!(hi(&server.endpoint(Provider::Ollama)).expect("a reply").text, "hello");
        assert_eq!(server.requests().len(), 3);
    }

    #[test]
    fn retries_end() {
        let overloaded = || response(503, "", r#"{"error":{"message":"Loading model","code":503}}"#);
        let failed = fails(vec![overloaded(), overloaded(), overloaded(), overloaded()], |_| {}, 3);
        assert_eq!(failed.failure.code, Code::Overloaded);
        assert!(failed.failure.message.ends_with("the server is overloaded: Loading model"), "{failed}");
        assert_eq!(fails(vec![], |e| e.time.retries = 1, 2).failure.code, Code::ServerError);
    }

    #[test]
    fn a_long_wait_fails_at_once_and_is_named() {
        let failed = fails(vec![response(429, "retry-after: 61\r\n", "{}")], |_| {}, 1);
        assert_eq!(failed.failure.code, Code::RateLimited);
        assert!(failed.failure.message.contains("asks to wait 61 s"), "{failed}");
    }

    #[test]
    fn what_another_try_cannot_mend_is_not_tried_again() {
        let missing = r#"{"error":"model 'tiny' not found"}"#;
        for (status, body, code) in [
            (400, "{}", Code::ServerError),
            (401, "{}", Code::Unauthorized),
            (403, "{}", Code::Forbidden),
            (404, missing, Code::ModelMissing),
            (404, "404 page not found", Code::BadReply),
            (200, "<html>", Code::BadReply),
            (200, "", Code::BadReply),
            (200, r#"{"message":{"content":"hel"},"done":false}"#, Code::Truncated),
        ] {
            assert_eq!(fails(vec![response(status, "", body)], |_| {}, 1).failure.code, code, "{status} {body}");
        }
    }

    #[test]
    fn a_redirect_is_refused_and_not_followed() {
        for status in [301, 302, 307, 308] {
            let elsewhere = Server::start(vec![]);
            let header = format!("location: {}/x?y\r\n", elsewhere.address());
            let failed = fails(vec![response(status, &header, "")], |_| {}, 1);
            assert_eq!(failed.failure.code, Code::RedirectRefused, "{failed}");
            assert!(failed.failure.message.contains(elsewhere.address()), "{failed}");
            assert_eq!(elsewhere.requests().len(), 0);
        }
    }

    #[test]
    fn half_a_body_is_truncated_kept_and_not_asked_for_again() {
        let half = || Act::Send(b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{\"model\"".to_vec());
        let failed = fails(vec![half(), half()], |_| {}, 1);
        assert_eq!((failed.failure.code, failed.raw.as_slice()), (Code::Truncated, b"{\"model\"".as_slice()));
    }

    #[test]
    fn a_server_that_never_answers_runs_into_the_total_limit_of_each_try() {
        let silent = vec![Act::Hold(vec![]), Act::Hold(vec![])];
        let limits = |endpoint: &mut Endpoint| {
            endpoint.time.total = Duration::from_millis(150);
            endpoint.time.retries = 1;
        };
        assert_eq!(fails(silent, limits, 2).failure.code, Code::TotalTimeout);
    }

    #[test]
    fn a_body_that_stops_half_way_runs_into_the_idle_limit() {
        let half = Act::Hold(b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{".to_vec());
        let failed = fails(vec![half], |endpoint| endpoint.time.idle = Duration::from_millis(50), 1);
        assert_eq!(failed.failure.code, Code::IdleTimeout);
    }

    #[test]
    fn a_huge_body_is_refused_whether_its_length_is_told_or_not() {
        let huge = "x".repeat(MAX_BODY_BYTES + 1);
        for head in [format!("content-length: {}\r\n", huge.len()), String::new()] {
            let act = Act::Send(format!("HTTP/1.1 200 X\r\n{head}connection: close\r\n\r\n{huge}").into_bytes());
            assert_eq!(fails(vec![act], |_| {}, 1).failure.code, Code::TooLarge);
        }
    }

    #[test]
    fn what_is_not_http_is_a_bad_reply() {
        let failed = fails(vec![Act::Send(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())], |_| {}, 1);
        assert_eq!(failed.failure.code, Code::BadReply, "{failed}");
    }

    #[test]
    fn a_key_never_crosses_the_network_in_the_clear() {
        let proxy = Server::start(vec![response(200, "", HELLO)]);
        let url = BaseUrl::parse("http://box.example:11434").expect("an address");
        let mut endpoint = Endpoint::new(Provider::Ollama, url, "tiny");
        endpoint.proxies.http = Some(proxy.address().to_owned());
        endpoint.key = Some(Secret::new("sk-12345").expect("a key"));
        let failed = hi(&endpoint).expect_err("refused");
        assert_eq!(failed.failure.code, Code::InsecureUrl);
        assert_eq!(proxy.requests().len(), 0);
    }

    #[test]
    fn loopback_is_reached_without_the_proxy() {
        let (server, proxy) = (Server::start(vec![response(200, "", HELLO)]), Server::start(vec![]));
        let mut endpoint = server.endpoint(Provider::Ollama);
        endpoint.proxies.http = Some(proxy.address().to_owned());
        hi(&endpoint).expect("a reply");
        assert_eq!((server.requests().len(), proxy.requests().len()), (1, 0));
    }

    #[test]
    fn a_server_that_is_down_is_named_with_what_starts_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        let mut endpoint = Endpoint::new(Provider::Ollama, BaseUrl::parse(&origin).expect("an address"), "tiny");
        endpoint.time.pause_unit = Duration::ZERO;
        let failure = Failure::from(hi(&endpoint).expect_err("nobody listens"));
        assert_eq!(failure.code, Code::ConnectionRefused);
        assert_eq!(failure.message, format!("model 'tiny' at '{origin}': no server listens there"));
        assert_eq!(failure.fix.as_deref(), Some("ollama serve"));
    }

    #[test]
    fn tls_with_a_server_that_speaks_none_fails_as_tls() {
        let server = Server::start(vec![Act::Send(b"HTTP/1.1 400 X\r\n\r\n".to_vec())]);
        let mut endpoint = server.endpoint(Provider::OpenAi);
        endpoint.base_url = BaseUrl::parse(&server.address().replace("http:", "https:")).expect("an address");
        assert_eq!(hi(&endpoint).expect_err("no TLS there").failure.code, Code::Tls);
        endpoint.cert_file = Some("/nonexistent.pem".into());
        let failed = hi(&endpoint).expect_err("no certificates");
        assert!(failed.failure.message.contains("cannot use certificates from '/nonexistent.pem'"), "{failed}");
    }

    #[test]
    fn models_are_listed_as_each_protocol_lists_them() {
        let tags = r#"{"models":[{"name":"tiny:latest","model":"tiny:latest"},{"name":"big:7b"}]}"#;
        let data = r#"{"data":[{"id":"gpt","object":"model"}]}"#;
        let server = Server::start(vec![response(200, "", tags), response(200, "", data), response(200, "", "{}")]);
        let names = models(&server.endpoint(Provider::Ollama)).expect("models");
        assert_eq!(names, ["tiny:latest", "big:7b"]);
        assert!(has_model(Provider::Ollama, &names, "tiny") && !has_model(Provider::Ollama, &names, "big"));
        assert!(!has_model(Provider::OpenAi, &names, "tiny"));
        assert_eq!(models(&server.endpoint(Provider::OpenAi)).expect("models"), ["gpt"]);
        let failure = models(&server.endpoint(Provider::Anthropic)).expect_err("no list");
        assert_eq!(failure.code, Code::BadReply);
        let requests = server.requests();
        assert!(requests[0].starts_with("GET /api/tags ") && requests[1].starts_with("GET /v1/models "));
    }

    #[test]
    fn a_field_that_a_server_refuses_by_name_is_changed_once() {
        let refuses =
            |name: &str| response(400, "", &format!(r#"{{"error":{{"message":"no '{name}'","param":"{name}"}}}}"#));
        let hello = r#"{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}"#;
        let question = Ask { prompt: "hi", max_tokens: Some(7), ..Ask::default() };
        let server = Server::start(vec![refuses("max_tokens"), response(200, "", hello)]);
        let reply = ask(&server.endpoint(Provider::OpenAi), &question, &mut |_| {}).expect("a reply");
        assert_eq!((reply.text.as_str(), reply.limit_field.as_deref()), ("hello", Some("max_completion_tokens")));
        let server = Server::start(vec![refuses("max_tokens"), refuses("max_completion_tokens")]);
        ask(&server.endpoint(Provider::OpenAi), &question, &mut |_| {}).expect_err("it takes neither");
        assert_eq!(server.requests().len(), 2);
        let server = Server::start(vec![refuses("stream_options"), response(200, "", hello)]);
        let reply = ask(&server.endpoint(Provider::OpenAi), &question, &mut |_| {}).expect("a reply");
        assert_eq!(reply.limit_field.as_deref(), Some("max_tokens"));
        assert_eq!(reply.refused, ["stream_options"]);
        assert!(!server.requests()[1].contains("stream_options"));
    }

    #[test]
    fn a_server_that_knows_no_schema_is_asked_for_json_and_then_for_nothing() {
        let refuses = || response(400, "", r#"{"error":{"message":"response_format is not supported"}}"#);
        let hello = r#"{"choices":[{"message":{"content":"{}"},"finish_reason":"stop"}]}"#;
        let schema = serde_json::json!({"type": "object"});
        let question = Ask { prompt: "hi", schema: Some(&schema), ..Ask::default() };
        let server = Server::start(vec![refuses(), refuses(), response(200, "", hello)]);
        let reply = ask(&server.endpoint(Provider::OpenAi), &question, &mut |_| {}).expect("a reply");
        assert_eq!(reply.refused, ["response_format", "response_format"]);
        let asked = server.requests();
        assert!(asked[0].contains("json_schema") && asked[1].contains("json_object"), "{asked:?}");
        assert!(asked.len() == 3 && !asked[2].contains("response_format"), "{asked:?}");
        let server = Server::start((0..9).map(|_| refuses()).collect());
        let question = Ask { max_tokens: Some(7), ..question };
        ask(&server.endpoint(Provider::OpenAi), &question, &mut |_| {}).expect_err("it refuses everything");
        assert_eq!(server.requests().len(), 3);
    }

    #[test]
    fn the_window_and_the_digest_are_what_the_server_says() {
        let show = r#"{"model_info":{"general.architecture":"q","q.context_length":32768}}"#;
        let tags = r#"{"models":[{"name":"big:7b","digest":"cd"},{"name":"tiny:latest","digest":"ab"}]}"#;
        let server = Server::start(vec![response(200, "", show), response(200, "", tags)]);
        let wanted = Known { window: Some(32768), digest: Some("ab".to_owned()) };
        assert_eq!(known(&server.endpoint(Provider::Ollama)), wanted);
        assert_eq!(known(&server.endpoint(Provider::Ollama)), Known::default());
        assert_eq!(server.requests().len(), 4);
    }

    #[test]
    fn a_prompt_that_the_server_cut_is_no_answer_to_it() {
        let server = Server::start(vec![response(200, "", &HELLO.replace("count\":3", "count\":4096"))]);
        let prompt = "word ".repeat(10_000);
        let question = Ask { prompt: &prompt, ..Ask::default() };
        let failed = ask(&server.endpoint(Provider::Ollama), &question, &mut |_| {}).expect_err("cut");
        assert_eq!(failed.failure.code, Code::ContextTruncated);
        assert!(server.requests()[0].contains(r#""num_ctx":32768"#));
    }

    #[test]
    fn warming_loads_the_model_and_asks_nothing() {
        let load = r#"{"model":"tiny","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}"#;
        let server =
            Server::start(vec![response(200, "", load), response(404, "", r#"{"error":"model 'tiny' not found"}"#)]);
        let endpoint = server.endpoint(Provider::Ollama);
        warm(&endpoint).expect("loaded");
        assert!(server.requests()[0].contains(r#""messages":[]"#));
        let failure = warm(&endpoint).expect_err("missing");
        assert_eq!(failure.code, Code::ModelMissing);
        assert_eq!(failure.fix, Some(format!("OLLAMA_HOST={} ollama pull tiny", server.address())));
        warm(&server.endpoint(Provider::OpenAi)).expect("nothing to do");
        assert_eq!(server.requests().len(), 2);
    }

    #[test]
    fn pauses_double_up_to_sixteen_units_and_a_server_may_name_its_own() {
        let time = Limits::default();
        for (tried, most) in [(0, 500), (1, 1000), (2, 2000), (4, 8000), (9, 8000)] {
            let pause = pause(&time, tried, None);
            assert!(
                pause <= Duration::from_millis(most) && pause >= Duration::from_millis(most * 3 / 4),
                "{tried} {pause:?}"
            );
        }
        assert_eq!(pause(&time, 0, Some(Duration::from_secs(7))), Duration::from_secs(7));
    }
}
