//! Where a request goes, as far as keys and money care: scheme, host and port.

/// `scheme://host:port` in lower case, with the scheme's own port filled in; the error is one line.
///
/// Refused are schemes other than `http` and `https`, credentials, white space and control characters.
pub fn of(base_url: &str) -> Result<String, String> {
    let bad = |why: &str| Err(format!("'{}' is not a server's address: {why}", base_url.escape_debug()));
    if base_url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return bad("it has white space or control characters");
    }
    let Some((scheme, rest)) = base_url.split_once("://") else { return bad("no http:// or https:// in front") };
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => "80",
        "https" => "443",
        _ => return bad("only http and https are spoken"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return bad("credentials do not belong in it");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, if port.is_empty() { default_port } else { port }),
        _ => (authority, default_port),
    };
    let good_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._[]:".contains(c));
    if !good_host {
        return bad("no host");
    }
    if port.parse::<u16>().is_err() {
        return bad("the port is not a number below 65536");
    }
    Ok(format!("{scheme}://{}:{port}", host.to_ascii_lowercase()))
}

/// Whether an origin (of [`of`]) is this machine: 127.0.0.0/8, `::1` or `localhost`.
pub fn is_loopback(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let v4 = host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    v4 || host == "localhost" || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_scheme_host_and_port_and_nothing_else() {
        let cases = [
            ("HTTP://LocalHost:11434/v1", "http://localhost:11434"),
            ("https://api.example.com/v1", "https://api.example.com:443"),
            ("http://[::1]:8080/x", "http://[::1]:8080"),
            ("http://127.0.0.1", "http://127.0.0.1:80"),
        ];
        for (url, origin) in cases {
            assert_eq!(of(url).as_deref(), Ok(origin));
        }
        for bad in
            ["", "localhost", "ftp://x", "http://", "http://u:p@h/", "http://h:99999", "http://a b", "http://h\n"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for yes in ["http://127.0.0.1:1", "http://127.9.9.9:80", "http://localhost:1", "http://[::1]:1"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in ["http://128.0.0.1:1", "http://localhost.example:1", "https://127.0.0.1.example:1"] {
            assert!(!is_loopback(no), "{no}");
        }
    }
}
