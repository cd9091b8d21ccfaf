//! Which proxy a request goes through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` in both spellings, and never one for
//! loopback.

use std::fmt;
use std::net::Ipv4Addr;

use haco_core::address::{BaseUrl, host_and_port};
use serde::{Deserialize, Serialize};

/// The proxies of the environment. Their addresses may hold a password, so `Debug` says only which are set.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxies {
    /// For `https` addresses.
    pub https: Option<String>,
    /// For `http` addresses.
    pub http: Option<String>,
    /// Hosts that are reached directly: names (with their subdomains), `host:port`, IPv4 networks, `*`; commas between.
    pub no_proxy: Option<String>,
}

impl Proxies {
    /// What the environment says; the lower-case spelling wins, as it does for curl.
    pub fn from_env() -> Proxies {
        Proxies::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |lower: &str| {
            let upper = lower.to_ascii_uppercase();
            lookup(lower).or_else(|| lookup(&upper)).filter(|value| !value.trim().is_empty())
        };
        Proxies { https: either("https_proxy"), http: either("http_proxy"), no_proxy: either("no_proxy") }
    }

    /// The proxy for this address, if it is reached through one.
    pub(crate) fn for_address(&self, url: &BaseUrl) -> Option<&str> {
        let proxy = if url.is_https() { &self.https } else { &self.http };
        let direct = url.is_loopback() || self.no_proxy.as_deref().is_some_and(|list| is_listed(list, url));
        if direct { None } else { proxy.as_deref() }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("https", &self.https.is_some()).field("http", &self.http.is_some()).finish()
    }
}

fn is_listed(list: &str, url: &BaseUrl) -> bool {
    list.split([',', ' ']).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" || in_network(entry, url.host()) {
            return true;
        }
        let entry = entry.trim_start_matches("*.").trim_start_matches('.');
        let Some((name, port)) = host_and_port(entry) else { return false };
        let same_host = url.host().strip_suffix(&name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        same_host && port.is_none_or(|port| port == url.port())
    })
}

/// Whether the host is an IPv4 address in a network such as `10.0.0.0/8`.
fn in_network(entry: &str, host: &str) -> bool {
    let Some((network, bits)) = entry.split_once('/') else { return false };
    let (Ok(network), Ok(bits), Ok(host)) =
        (network.parse::<Ipv4Addr>(), bits.parse::<u32>(), host.parse::<Ipv4Addr>())
    else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
    bits <= 32 && network.to_bits() & mask == host.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(no_proxy: &str, url: &str) -> bool {
        let proxies = Proxies {
            https: Some("http://p:1".to_owned()),
            http: Some("http://p:2".to_owned()),
            no_proxy: Some(no_proxy.to_owned()),
        };
        proxies.for_address(&BaseUrl::parse(url).expect("an address")).is_some()
    }

    #[test]
    fn loopback_is_never_reached_through_a_proxy() {
        for url in ["http://127.0.0.1:11434", "https://localhost", "http://[::1]:1"] {
            assert!(!through("", url), "{url}");
        }
        assert!(through("", "http://box:1") && through("", "https://api.openai.com"));
    }

    #[test]
    fn no_proxy_lists_names_ports_and_networks() {
        for list in ["*", "corp.example", ".corp.example", "*.corp.example", "x, git.corp.example:8080"] {
            assert!(!through(list, "http://git.corp.example:8080"), "{list}");
        }
        for list in ["example.com", "p.example", "git.corp.example:81", "10.0.0.0/8"] {
            assert!(through(list, "http://git.corp.example:8080"), "{list}");
        }
        assert!(!through("10.0.0.0/8", "http://10.1.2.3"));
        assert!(!through("0.0.0.0/0", "http://10.1.2.3"));
        assert!(through("10.0.0.0/99", "http://10.1.2.3"));
        assert!(through("10.0.0.0/8", "http://11.1.2.3"));
    }

    #[test]
    fn both_spellings_count_and_a_password_is_not_shown() {
        let proxies = Proxies::from_lookup(|name| match name {
            "HTTPS_PROXY" => Some("http://u:secret@p:1".to_owned()),
            "http_proxy" => Some("http://low".to_owned()),
            "HTTP_PROXY" => Some("http://up".to_owned()),
            _ => None,
        });
        assert_eq!(proxies.http.as_deref(), Some("http://low"));
        assert!(proxies.https.is_some() && proxies.no_proxy.is_none());
        assert!(!format!("{proxies:?}").contains("secret"));
    }
}
