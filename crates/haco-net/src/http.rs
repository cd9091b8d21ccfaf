//! One try of one request over HTTP: bounded in time and size, without redirects, the key only where it may go.
//!
//! A time-out between two pieces of a body needs a second thread: the library's own limit for a body counts from its
//! first byte to its last and would cut a healthy one. The thread ends with the body or with the try's total limit.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use haco_core::code::Code;
use ureq::http::HeaderMap;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{Agent, Body, Error, Proxy, Timeout};

use crate::certs;
use crate::date::retry_after;
use crate::dial::{Dialled, NoNames};
use crate::endpoint::{Endpoint, MAX_BODY_BYTES};
use crate::failed::{Again, Failed};
use crate::request::{Request, headers};
use crate::stream::More;

/// A server's whole answer, as far as anything here depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The pause that the server asks for before another try.
    pub retry_after: Option<Duration>,
    /// Where the server says to go instead; nobody goes there.
    pub location: Option<String>,
    /// The body, decoded from its transfer.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer that was kept: status 200 and this body.
    pub fn recorded(body: impl Into<Vec<u8>>) -> Answer {
        Answer { status: 200, retry_after: None, location: None, body: body.into() }
    }
}

/// What one try brought.
pub(crate) struct Received {
    pub answer: Answer,
    /// Why the body ended before the server ended it.
    pub broken: Option<Box<Failed>>,
}

/// Who takes the bytes of a good answer as they come, and says whether more are wanted.
pub(crate) type Taker<'a> = dyn FnMut(&[u8]) -> More + 'a;

/// The client for one call and its retries; refuses before anything is sent what must not be sent.
pub(crate) fn agent(endpoint: &Endpoint) -> Result<Agent, Box<Failed>> {
    let url = &endpoint.base_url;
    if endpoint.key.is_some() && !url.is_https() && !url.is_loopback() {
        return Err(Failed::for_good(endpoint, Code::InsecureUrl, "the key would cross the network in the clear"));
    }
    let proxy = match endpoint.proxies.for_address(url).map(Proxy::new) {
        Some(Err(_)) => return Err(Failed::for_good(endpoint, Code::BadConfig, "the proxy's address is not valid")),
        other => other.and_then(Result::ok),
    };
    let time = &endpoint.time;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .tls_config(TlsConfig::builder().root_certs(certs::roots(endpoint)?).build())
        .timeout_resolve(Some(time.connect))
        .timeout_connect(Some(time.connect))
        .timeout_global(Some(time.total))
        .max_idle_connections(0);
    let config = config.build();
    Ok(match &endpoint.through {
        None => config.new_agent(),
        Some(through) => {
            let connector = ConnectProxyConnector::default().chain(Dialled(through.clone()));
            Agent::with_parts(config, connector.chain(RustlsConnector::default()), NoNames)
        }
    })
}

/// Sends the request once and reads the answer, to its end or until no more is wanted.
pub(crate) fn send(
    agent: &Agent,
    endpoint: &Endpoint,
    request: &Request,
    take: &mut Taker<'_>,
) -> Result<Received, Box<Failed>> {
    let url = request.url(endpoint);
    let start = Instant::now();
    let response = match &request.body {
        // Bytes and not the library's JSON, which would go out in chunks: many a small server reads only a told length.
        Some(body) => with_headers(agent.post(&url), endpoint).content_type("application/json").send(body.to_string()),
        None => with_headers(agent.get(&url), endpoint).call(),
    };
    let (head, body) = response.map_err(|error| unanswered(endpoint, &error))?.into_parts();
    let header = |name: &str| header(&head.headers, name);
    let mut answer = Answer {
        status: head.status.as_u16(),
        retry_after: retry_after(header("retry-after-ms"), header("retry-after"), SystemTime::now()),
        location: header("location").map(str::to_owned),
        body: Vec::new(),
    };
    let good = answer.status < 300;
    let mut take = |bytes: &[u8]| if good { take(bytes) } else { More::Wanted };
    let until = start + endpoint.time.total;
    let read = read_body(endpoint, (body, until), &mut answer.body, &mut take);
    // A status that is already a "no" says more than the body that broke off after it.
    Ok(Received { answer, broken: read.err().filter(|_| good) })
}

fn with_headers<B>(request: ureq::RequestBuilder<B>, endpoint: &Endpoint) -> ureq::RequestBuilder<B> {
    headers(endpoint).into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn read_body(
    endpoint: &Endpoint,
    (body, until): (Body, Instant),
    into: &mut Vec<u8>,
    take: &mut Taker<'_>,
) -> Result<(), Box<Failed>> {
    let pieces = pieces(body);
    loop {
        // Before the first byte only the try's total limit holds: a large prompt takes its time.
        let left = until.saturating_duration_since(Instant::now());
        let idle = if into.is_empty() { left } else { endpoint.time.idle.min(left) };
        let piece = match pieces.recv_timeout(idle) {
            Ok(Ok(piece)) => piece,
            Ok(Err(error)) if into.is_empty() => return Err(unanswered(endpoint, &error)),
            Ok(Err(error)) => return Err(broken_off(endpoint, &error)),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if idle == left => {
                return Err(broken_off(endpoint, &Error::Timeout(Timeout::Global)));
            }
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("the server sent nothing for {} s in the middle of its answer", idle.as_secs_f64());
                return Err(Failed::new(endpoint.failure(Code::IdleTimeout, why), Again::After(None)));
            }
        };
        let room = MAX_BODY_BYTES - into.len();
        into.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            return Err(Failed::for_good(endpoint, Code::TooLarge, "the answer is larger than 16 MiB"));
        }
        if take(&piece) == More::Nothing {
            return Ok(());
        }
    }
}

/// Reads in a thread of its own; the channel closes behind the last piece. Who stops listening stops the reading.
fn pieces(body: Body) -> Receiver<Result<Vec<u8>, Error>> {
    let (send, receive) = sync_channel(1);
    std::thread::spawn(move || {
        let mut reader = body.into_reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let piece = match reader.read(&mut buffer) {
                Ok(0) => return,
                Ok(n) => Ok(buffer[..n].to_vec()),
                Err(error) => Err(Error::from(error)),
            };
            let last = piece.is_err();
            if send.send(piece).is_err() || last {
                return;
            }
        }
    });
    receive
}

/// The failure of a try that brought nothing at all. What a restarted server or a calmer network may mend is tried again.
fn unanswered(endpoint: &Endpoint, error: &Error) -> Box<Failed> {
    use std::io::ErrorKind as Kind;
    let total = endpoint.time.total.as_secs_f64();
    let (code, why) = match error {
        Error::HostNotFound => (Code::Dns, "the host's name is not known".to_owned()),
        Error::Io(io) if io.to_string().starts_with("failed to lookup address") => {
            (Code::Dns, "the host's name is not known".to_owned())
        }
        Error::Timeout(Timeout::Resolve) => (Code::Dns, "the host's name was not found in time".to_owned()),
        Error::Timeout(Timeout::Connect) => {
            (Code::ConnectTimeout, "the server did not accept the connection in time".to_owned())
        }
        Error::Timeout(_) => (Code::TotalTimeout, format!("there was no whole answer after {total} s")),
        Error::Io(io) if io.kind() == Kind::ConnectionRefused => {
            (Code::ConnectionRefused, "no server listens there".to_owned())
        }
        Error::Io(io) if matches!(io.kind(), Kind::HostUnreachable | Kind::NetworkUnreachable) => {
            (Code::ConnectionRefused, format!("no way leads there: {io}"))
        }
        Error::Io(io) if io.kind() == Kind::InvalidData => return for_tls(endpoint, &io.to_string()),
        Error::Io(io)
            if matches!(
                io.kind(),
                Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted
            ) =>
        {
            (Code::ServerError, "the server closed the connection without an answer".to_owned())
        }
        Error::Io(io) => (Code::ServerError, format!("the connection failed: {io}")),
        Error::ConnectProxyFailed(why) => (Code::ConnectionRefused, format!("the proxy refused: {why}")),
        Error::Tls(why) => return for_tls(endpoint, why),
        Error::Rustls(why) => return for_tls(endpoint, &why.to_string()),
        other => return Failed::for_good(endpoint, Code::BadReply, format!("the answer is not HTTP: {other}")),
    };
    Failed::new(endpoint.failure(code, why), Again::After(None))
}

fn for_tls(endpoint: &Endpoint, why: &str) -> Box<Failed> {
    Failed::for_good(endpoint, Code::Tls, format!("the secure connection could not be made: {why}"))
}

/// The failure of an answer that began. It is asked for again only where nothing of it was used.
fn broken_off(endpoint: &Endpoint, error: &Error) -> Box<Failed> {
    let (code, why) = match error {
        Error::Timeout(_) => {
            (Code::TotalTimeout, format!("the answer was not whole after {} s", endpoint.time.total.as_secs_f64()))
        }
        Error::Decompress(..) => {
            return Failed::for_good(endpoint, Code::BadReply, format!("the answer cannot be unpacked: {error}"));
        }
        _ => (Code::Truncated, "the answer breaks off".to_owned()),
    };
    Failed::new(endpoint.failure(code, why), Again::After(None))
}
