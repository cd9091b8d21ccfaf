//! Azure's own way to say the OpenAI protocol: the key in another header, the model in the path, the version in the query.
//!
//! ```text
//! https://NAME.openai.azure.com             + option "api-version"   …/openai/deployments/MODEL/chat/completions?api-version=…
//! https://NAME.openai.azure.com[/openai/v1]                          …/openai/v1/chat/completions
//! ```
//!
//! A gateway of another name is taken for Azure where the option is there.

use crate::endpoint::{Endpoint, Provider};

/// The option that holds the version; it goes into the address and never into the body.
pub(crate) const VERSION: &str = "api-version";

const HOSTS: [&str; 3] = [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];

/// Whether this endpoint is one of Azure's.
pub(crate) fn is_azure(endpoint: &Endpoint) -> bool {
    let host = endpoint.base_url.host();
    endpoint.provider == Provider::OpenAi
        && (version(endpoint).is_some() || HOSTS.iter().any(|ending| host.ends_with(ending)))
}

/// Path and query of `path` (`/chat/completions`, `/models`) on Azure.
pub(crate) fn target(endpoint: &Endpoint, path: &str) -> String {
    let base = endpoint.base_url.path();
    let Some(version) = version(endpoint) else {
        let base = if base.is_empty() { "/openai/v1" } else { base };
        return format!("{base}{path}");
    };
    let query = escaped(version);
    let root = base.split("/openai").next().unwrap_or_default();
    if path == "/models" {
        return format!("{root}/openai/models?{VERSION}={query}");
    }
    let place = match base.contains("/deployments/") {
        true => base.to_owned(),
        false => format!("{root}/openai/deployments/{}", escaped(&endpoint.model)),
    };
    format!("{place}{path}?{VERSION}={query}")
}

fn version(endpoint: &Endpoint) -> Option<&str> {
    endpoint.options.get(VERSION)?.as_str().filter(|version| !version.is_empty())
}

/// What means something in an address is written by its number.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::address::BaseUrl;

    fn endpoint(base: &str, version: Option<&str>) -> Endpoint {
        let url = BaseUrl::parse(base).expect("an address");
        let mut endpoint = Endpoint::new(Provider::OpenAi, url, "gpt 5/x?");
        endpoint.options.extend(version.map(|version| (VERSION.to_owned(), version.into())));
        endpoint
    }

    #[test]
    fn the_deployment_stands_in_the_path_and_the_version_in_the_query() {
        let there = endpoint("https://me.openai.azure.com", Some("2024-10-21"));
        let chat = "/openai/deployments/gpt%205%2Fx%3F/chat/completions?api-version=2024-10-21";
        assert_eq!(target(&there, "/chat/completions"), chat);
        assert_eq!(target(&there, "/models"), "/openai/models?api-version=2024-10-21");
        let whole = endpoint("https://gateway.example/ai/openai/deployments/mine", Some("1&x=#"));
        let chat = "/ai/openai/deployments/mine/chat/completions?api-version=1%26x%3D%23";
        assert_eq!(target(&whole, "/chat/completions"), chat);
        assert_eq!(target(&whole, "/models"), "/ai/openai/models?api-version=1%26x%3D%23");
    }

    #[test]
    fn without_a_version_it_is_the_newer_address() {
        for base in ["https://me.openai.azure.com", "https://me.openai.azure.com/openai/v1"] {
            let there = endpoint(base, None);
            assert!(is_azure(&there));
            assert_eq!(target(&there, "/chat/completions"), "/openai/v1/chat/completions");
        }
    }

    #[test]
    fn no_other_host_is_taken_for_it() {
        for base in ["https://api.openai.com/v1", "https://openai.azure.com.evil.example", "http://127.0.0.1:1234/v1"] {
            assert!(!is_azure(&endpoint(base, None)), "{base}");
        }
        assert!(is_azure(&endpoint("http://127.0.0.1:1234", Some("2024-10-21"))));
    }
}
