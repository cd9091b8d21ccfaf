//! Where a server is: base addresses as people write them, and the origin that keys, approvals and messages name.
//! Which origin may have which key is the caller's to decide.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::code::{Code, Failure};

/// A checked base address: `http` or `https`, a host, a port, a path without its last slash; no user, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    https: bool,
    host: String,
    port: u16,
    path: String,
}

impl BaseUrl {
    /// Reads an address as the official clients take it; `bad_config` names what is wrong with it.
    pub fn parse(text: &str) -> Result<BaseUrl, Failure> {
        let bad = |why: &str| Err(Failure::new(Code::BadConfig, format!("address '{}': {why}", without_user(text))));
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return bad("it holds a blank or a control character");
        }
        let (https, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ => return bad("it does not begin with http:// or https://"),
        };
        if rest.contains(['?', '#']) {
            return bad("it has a query or a fragment");
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return bad("it names a user");
        }
        let Some((host, port)) = host_and_port(authority) else { return bad("its host or port is not valid") };
        let port = port.unwrap_or(if https { 443 } else { 80 });
        if !path.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) {
            return bad("its path is not valid");
        }
        Ok(BaseUrl { https, host, port, path: path.trim_end_matches('/').to_owned() })
    }

    /// `scheme://host:port`, lower case, with the port always there.
    pub fn origin(&self) -> String {
        format!("{}://{}:{}", if self.https { "https" } else { "http" }, self.host, self.port)
    }

    /// Whether the host is this machine: 127.0.0.0/8, `::1` or `localhost`, and no other spelling.
    pub fn is_loopback(&self) -> bool {
        let ipv6 = self.host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        match ipv6 {
            Some(host) => host.parse() == Ok(Ipv6Addr::LOCALHOST),
            None => self.host == "localhost" || self.host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// In lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Always there.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Without its last slash; empty where there is none.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// The origin of a base address: `scheme://host:port` in lower case. Fails as [`BaseUrl::parse`] does.
pub fn origin(base_url: &str) -> Result<String, Failure> {
    BaseUrl::parse(base_url).map(|url| url.origin())
}

/// Whether an origin, or any address, is on this machine; what cannot be read is not.
pub fn is_loopback(origin: &str) -> bool {
    BaseUrl::parse(origin).is_ok_and(|url| url.is_loopback())
}

/// The base address that a value of `OLLAMA_HOST` means, by Ollama's own rules: the port is 11434 unless a scheme or a
/// port is given, and an address to listen on (`0.0.0.0`, `::`, none at all) means this machine.
pub fn ollama_base(host: Option<&str>) -> Result<String, Failure> {
    let text = host.unwrap_or_default().trim().trim_matches(['"', '\'']).trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", text),
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let bare_ipv6 = authority.parse::<Ipv6Addr>().is_ok();
    let bracketed = if bare_ipv6 { format!("[{authority}]") } else { authority.to_owned() };
    let authority = match bracketed.strip_prefix(':').filter(|port| !port.is_empty()) {
        Some(port) => format!("127.0.0.1:{port}"),
        None if bracketed.is_empty() => "127.0.0.1".to_owned(),
        None => bracketed,
    };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let port = if scheme.is_empty() && !has_port { ":11434" } else { "" };
    let scheme = if scheme.is_empty() { "http" } else { scheme };
    let mut url = BaseUrl::parse(&format!("{scheme}://{authority}{port}{path}"))
        .map_err(|failure| Failure { message: format!("OLLAMA_HOST: {}", failure.message), ..failure })?;
    match url.host.as_str() {
        "0.0.0.0" => url.host = "127.0.0.1".to_owned(),
        "[::]" => url.host = "[::1]".to_owned(),
        _ => {}
    }
    Ok(url.to_string())
}

/// Splits and checks an authority; the host comes back in lower case, an IPv6 address in brackets and canonical.
pub fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (format!("[{address}]"), if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (authority.to_ascii_lowercase(), None),
        },
    };
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) && !host.is_empty();
    if !named && !host.starts_with('[') {
        return None;
    }
    match port {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        Some(_) => None,
        None => Some((host, None)),
    }
}

/// An address as a message may show it: a user's password in it is not repeated, nor is a control character.
fn without_user(text: &str) -> String {
    let shown = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://***{}", &text[..scheme], &text[at..]),
        (None, Some(at)) => format!("***{}", &text[at..]),
        _ => text.to_owned(),
    };
    shown.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_lower_case_and_always_has_its_port() {
        let cases = [
            ("https://API.OpenAI.com/v1", "https://api.openai.com:443"),
            ("HTTP://127.0.0.1:11434/", "http://127.0.0.1:11434"),
            ("http://Host", "http://host:80"),
            ("http://[0:0::1]:8080/v1", "http://[::1]:8080"),
        ];
        for (text, wanted) in cases {
            assert_eq!(origin(text).expect(text), wanted);
        }
    }

    #[test]
    fn refuses_what_is_no_base_address() {
        for text in [
            "",
            "localhost:11434",
            "ftp://host",
            "http://",
            "http://:80",
            "http://a b",
            "http://host:99999",
            "http://host:+80",
            "http://host:8x",
            "http://user:secret@host",
            "http://host/v1?key=1",
            "http://host/#x",
            "http://h\nost",
            "http://[::1",
            "http://[::1]x",
            "http://host%2f",
            "http://hö.st",
            "http://host/\"<>",
        ] {
            let failure = BaseUrl::parse(text).expect_err(text);
            assert_eq!(failure.code, Code::BadConfig);
            assert!(!failure.message.contains("secret") && !failure.message.contains('\n'), "{}", failure.message);
        }
    }

    #[test]
    fn only_three_spellings_are_loopback() {
        for text in ["http://127.0.0.1", "http://127.9.9.9:1", "https://[::1]/v1", "http://LOCALHOST:1"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in
            ["http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://0.0.0.0", "http://2130706433", "x"]
        {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn ollama_host_is_read_as_ollama_reads_it() {
        let cases = [
            (None, "http://127.0.0.1:11434"),
            (Some("  "), "http://127.0.0.1:11434"),
            (Some("127.0.0.1"), "http://127.0.0.1:11434"),
            (Some("box:8080"), "http://box:8080"),
            (Some("http://box:8080/"), "http://box:8080"),
            (Some("http://box"), "http://box:80"),
            (Some("https://box/ollama"), "https://box:443/ollama"),
            (Some("0.0.0.0"), "http://127.0.0.1:11434"),
            (Some("0.0.0.0:9"), "http://127.0.0.1:9"),
            (Some(":9"), "http://127.0.0.1:9"),
            (Some("::1"), "http://[::1]:11434"),
            (Some("[::]:9"), "http://[::1]:9"),
            (Some("\"box\""), "http://box:11434"),
        ];
        for (host, wanted) in cases {
            assert_eq!(ollama_base(host).expect(wanted), wanted);
        }
        let failure = ollama_base(Some("box:port")).expect_err("no port");
        assert_eq!(failure.message, "OLLAMA_HOST: address 'http://box:port': its host or port is not valid");
    }
}
