//! A connection for who may make none: another process looks the name up, connects, and hands the open socket over.
//!
//! ```text
//! confined: agent ─ Dialled ──► Through ══ asks ══► dial(): names, proxy's address, connect(2) :unconfined
//!              TLS, HTTP, parsing ◄═══ a socket ═══
//! ```

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Error, Timeout};

use crate::endpoint::Endpoint;

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// The host's name is not known.
    NoHost,
    /// Its name was not found in time.
    NameTimeout,
    /// Nobody accepted in time.
    ConnectTimeout,
    /// The system's number for what went wrong.
    Errno(i32),
}

type Dialler = dyn Fn() -> Result<TcpStream, Missed> + Send + Sync;

/// Who connects instead.
#[derive(Clone)]
pub struct Through(Arc<Dialler>);

impl Through {
    /// Asks `dial` for each connection; all of them lead to the endpoint's server, or to its proxy.
    pub fn new(dial: impl Fn() -> Result<TcpStream, Missed> + Send + Sync + 'static) -> Through {
        Through(Arc::new(dial))
    }
}

impl fmt::Debug for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Through")
    }
}

/// Connects to where the endpoint's requests go: its server, or the proxy before that.
pub fn dial(endpoint: &Endpoint) -> Result<TcpStream, Missed> {
    let limit = endpoint.time.connect;
    let base = &endpoint.base_url;
    let to = endpoint.proxies.for_address(base).map_or_else(|| Ok(base.origin()), proxy_origin);
    let uri: Uri = to.ok().and_then(|to| to.parse().ok()).ok_or(Missed::NoHost)?;
    let wait = NextTimeout { after: limit.into(), reason: Timeout::Resolve, ..NextTimeout::default() };
    let config = Agent::config_builder().build();
    let addresses = DefaultResolver::default().resolve(&uri, &config, wait).map_err(|error| match error {
        Error::Timeout(_) => Missed::NameTimeout,
        _ => Missed::NoHost,
    })?;
    let until = Instant::now() + limit;
    let mut missed = Missed::NoHost;
    for (n, address) in addresses.iter().enumerate() {
        // Half of what is left for each but the last, so that a dead address does not use up the time of a good one.
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(10));
        let share = if n + 1 < addresses.len() { left / 2 } else { left };
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) if is_late(&error) => missed = Missed::ConnectTimeout,
            Err(error) => missed = Missed::Errno(error.raw_os_error().unwrap_or_default()),
        }
    }
    Err(missed)
}

/// `scheme://host:port` of a proxy, as the library reads its address.
fn proxy_origin(proxy: &str) -> Result<String, Error> {
    let proxy = ureq::Proxy::new(proxy)?;
    let scheme = proxy.uri().scheme_str().unwrap_or("http");
    Ok(format!("{scheme}://{}:{}", proxy.host(), proxy.port()))
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// The connector in the place of the library's own.
#[derive(Debug)]
pub(crate) struct Dialled(pub(crate) Through);

impl<In: Transport> Connector<In> for Dialled {
    type Out = Either<In, Line>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(before) = chained {
            return Ok(Some(Either::A(before)));
        }
        let stream = (self.0.0)().map_err(|missed| match missed {
            Missed::NoHost => Error::HostNotFound,
            Missed::NameTimeout => Error::Timeout(Timeout::Resolve),
            Missed::ConnectTimeout => Error::Timeout(Timeout::Connect),
            Missed::Errno(errno) => Error::Io(io::Error::from_raw_os_error(errno)),
        })?;
        stream.set_nodelay(true)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(Line { stream, buffers })))
    }
}

/// Names are looked up by who connects.
#[derive(Debug)]
pub(crate) struct NoNames;

impl Resolver for NoNames {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        // One that stands for all, because the library wants one.
        let mut nowhere = self.empty();
        nowhere.push(SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(nowhere)
    }
}

/// One connection that was handed over.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Line {
    fn left(timeout: NextTimeout) -> Result<Option<Duration>, Error> {
        match timeout.after {
            after if after.is_not_happening() => Ok(None),
            after if after.is_zero() => Err(Error::Timeout(timeout.reason)),
            after => Ok(Some(*after)),
        }
    }
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(Line::left(timeout.for_write())?)?;
        let sent = self.stream.write_all(&self.buffers.output()[..amount]);
        sent.map_err(|error| if is_late(&error) { Error::Timeout(timeout.reason) } else { error.into() })
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let until = Line::left(timeout)?.map(|left| Instant::now() + left);
        let read = loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            self.stream.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
            match self.stream.read(self.buffers.input_append_buf()) {
                // A signal that was handled; what is left of the time is asked again.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let amount =
            read.map_err(|error| if is_late(&error) { Error::Timeout(timeout.reason) } else { error.into() })?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// It is used once: no connection is kept for a second request.
    fn is_open(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Ask, Provider};
    use crate::server::{Server, response};
    use haco_core::address::BaseUrl;
    use haco_core::code::Code;

    const HELLO: &str = r#"{"model":"tiny","message":{"role":"assistant","content":"hello"},"done":true}"#;

    fn code(missed: Missed) -> Code {
        let base = BaseUrl::parse("http://127.0.0.1:9").expect("an address");
        let mut endpoint = Endpoint::new(Provider::Ollama, base, "tiny");
        endpoint.time.retries = 0;
        endpoint.through = Some(Through::new(move || Err(missed)));
        let question = Ask { prompt: "hi", ..Ask::default() };
        crate::ask(&endpoint, &question, &mut |_| {}).expect_err("no connection").failure.code
    }

    #[test]
    fn every_request_goes_over_a_socket_that_was_handed_over() {
        let server = Server::start(vec![response(500, "", "{}"), response(200, "", HELLO)]);
        let mut endpoint = server.endpoint(Provider::Ollama);
        let outside = endpoint.clone();
        // Nothing listens at the address that the confined side knows: it is the other one's to connect.
        endpoint.base_url = BaseUrl::parse("http://127.0.0.1:9").expect("an address");
        endpoint.through = Some(Through::new(move || dial(&outside)));
        let question = Ask { prompt: "hi", ..Ask::default() };
        assert_eq!(crate::ask(&endpoint, &question, &mut |_| {}).expect("a reply").text, "hello");
        assert_eq!(server.requests().len(), 2);
    }

    #[test]
    fn why_there_is_no_connection_is_said_as_if_it_had_been_made_here() {
        assert_eq!(code(Missed::NoHost), Code::Dns);
        assert_eq!(code(Missed::NameTimeout), Code::Dns);
        assert_eq!(code(Missed::ConnectTimeout), Code::ConnectTimeout);
        assert_eq!(code(Missed::Errno(111)), Code::ConnectionRefused);
    }

    #[test]
    fn a_proxy_is_dialled_in_the_place_of_the_server() {
        let proxy = Server::start(vec![]);
        let base = BaseUrl::parse("https://box.example").expect("an address");
        let mut endpoint = Endpoint::new(Provider::OpenAi, base, "tiny");
        endpoint.proxies.https = Some(proxy.address().to_owned());
        let stream = dial(&endpoint).expect("the proxy accepts");
        assert!(proxy.address().ends_with(&stream.peer_addr().expect("connected").port().to_string()));
    }

    #[test]
    fn nobody_listening_and_no_such_host_are_told_apart() {
        let at = |url: &str| Endpoint::new(Provider::Ollama, BaseUrl::parse(url).expect("an address"), "tiny");
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        assert!(matches!(dial(&at(&format!("http://{free}"))), Err(Missed::Errno(_))));
        assert!(matches!(dial(&at("http://no-such-host.invalid")), Err(Missed::NoHost | Missed::NameTimeout)));
    }
}
