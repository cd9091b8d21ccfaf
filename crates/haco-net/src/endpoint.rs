//! Whom to ask and how long to wait; plain data that the caller fills from configuration and environment.

use std::path::PathBuf;
use std::time::Duration;

use haco_core::code::{Code, Failure};
use haco_core::tokens::Estimate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::certs::{self, Roots};
use crate::dial::Through;
use crate::failed::shown;
use crate::fix;
use crate::proxy::Proxies;
use crate::secret::{self, Secret};
use haco_core::address::BaseUrl;

/// No body is read past this; one that is longer is `too_large`.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// The protocol that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Provider {
    /// Ollama's own API; its `/v1` bridge ignores `num_ctx` and is not used.
    Ollama,
    /// `chat/completions`, as OpenAI, LM Studio, llama.cpp, vLLM and OpenRouter have it.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
}

impl Provider {
    /// The provider of this name in a configuration: `ollama`, `openai` or `anthropic`.
    pub fn from_name(name: &str) -> Option<Provider> {
        match name {
            "ollama" => Some(Provider::Ollama),
            "openai" => Some(Provider::OpenAi),
            "anthropic" => Some(Provider::Anthropic),
            _ => None,
        }
    }

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Ollama => "ollama",
            Provider::OpenAi => "openai",
            Provider::Anthropic => "anthropic",
        }
    }

    /// The published base address; for Ollama, this machine.
    pub fn default_base(self) -> &'static str {
        match self {
            Provider::Ollama => "http://127.0.0.1:11434",
            Provider::OpenAi => "https://api.openai.com/v1",
            Provider::Anthropic => "https://api.anthropic.com",
        }
    }
}

/// How long to wait, and how often to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// For the host's name, and again for the connection with its handshake.
    pub connect: Duration,
    /// Between two pieces of a body that has begun. A complete reply is not begun before the model is done, so the
    /// wait for its first byte is bounded by `total` alone.
    pub idle: Duration,
    /// One try, from the host's name to the last byte.
    pub total: Duration,
    /// Tries after the first.
    pub retries: u32,
    /// The pause before the second try; it doubles up to sixteen times this, less up to a quarter at random.
    pub pause_unit: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            retries: 2,
            pause_unit: Duration::from_millis(500),
        }
    }
}

/// One model on one server. Written down, for a process of our own, it holds the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// The protocol.
    pub provider: Provider,
    /// Where the server is, with or without `/v1`.
    #[serde(with = "address")]
    pub base_url: BaseUrl,
    /// The model's name on that server.
    pub model: String,
    /// The key, where the server wants one; it is sent to `base_url` and nowhere else.
    #[serde(with = "secret::bare")]
    pub key: Option<Secret>,
    /// Ollama: `options` (`num_ctx`, `temperature`), with `keep_alive` and `think` lifted beside it. Others: fields of
    /// the request. What this crate sets itself (`model`, `messages`, `stream`, `system`) is not replaced.
    pub options: Map<String, Value>,
    /// How long to wait.
    pub time: Limits,
    /// Proxies; never used for loopback.
    pub proxies: Proxies,
    /// Root certificates (PEM) instead of the system's: `SSL_CERT_FILE`.
    pub cert_file: Option<PathBuf>,
    /// Where the reader's own `ollama` command goes by itself; a hint names the server only where that is another.
    pub usual_base: String,
    /// Who connects, where that is not this process.
    #[serde(skip)]
    pub through: Option<Through>,
    /// The certificates, once they are read.
    #[serde(skip)]
    pub(crate) roots: Option<Roots>,
}

impl Endpoint {
    /// A model on a server with default limits, no key, no proxy and no options.
    pub fn new(provider: Provider, base_url: BaseUrl, model: impl Into<String>) -> Endpoint {
        Endpoint {
            provider,
            base_url,
            model: model.into(),
            key: None,
            options: Map::new(),
            time: Limits::default(),
            proxies: Proxies::default(),
            cert_file: None,
            usual_base: Provider::Ollama.default_base().to_owned(),
            through: None,
            roots: None,
        }
    }

    /// The same with everything read that asking it reads from files.
    pub fn ready(self) -> Result<Endpoint, Failure> {
        Ok(Endpoint { roots: Some(certs::roots(&self)?), ..self })
    }

    /// A failure of this endpoint: one line that names model and origin, without the key and without control characters.
    pub(crate) fn failure(&self, code: Code, cause: impl AsRef<str>) -> Failure {
        let line = format!("model '{}' at '{}': {}", self.model, self.base_url.origin(), cause.as_ref());
        Failure { fix: fix::usual(self, code), ..Failure::new(code, shown(&self.redact(&line))) }
    }

    pub(crate) fn redact(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }
}

/// What is asked: one turn, answered whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The system prompt.
    pub system: Option<&'a str>,
    /// The user's turn.
    pub prompt: &'a str,
    /// With how many bytes of it later calls will begin too, so that a server may keep them; 0 where that is not known.
    pub stable: usize,
    /// A JSON Schema that the reply must fit. Strict providers want every object in it to list all of its properties as
    /// `required` and to have `additionalProperties: false`.
    pub schema: Option<&'a Value>,
    /// The most tokens that the reply may have.
    pub max_tokens: Option<u64>,
    /// What the prompt is expected to be, where the model's own past says it.
    pub tokens: Option<Estimate>,
}

/// An address as its text.
mod address {
    use haco_core::address::BaseUrl;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(url: &BaseUrl, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(url)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BaseUrl, D::Error> {
        BaseUrl::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_back_whole() {
        let base = BaseUrl::parse("https://box.example:8443/v1").expect("an address");
        let mut endpoint = Endpoint::new(Provider::Anthropic, base, "m");
        endpoint.key = Some(Secret::new("sk-12345").expect("a key"));
        endpoint.proxies.https = Some("http://ada:pw@proxy:3128".to_owned());
        endpoint.cert_file = Some(PathBuf::from("/c.pem"));
        endpoint.options.insert("top_p".to_owned(), 0.5.into());
        let text = serde_json::to_string(&endpoint).expect("written");
        let read: Endpoint = serde_json::from_str(&text).expect("read");
        assert_eq!((read.base_url, read.key, read.time), (endpoint.base_url, endpoint.key, endpoint.time));
        assert_eq!((read.proxies, read.cert_file), (endpoint.proxies, endpoint.cert_file));
        assert_eq!((read.options, read.model), (endpoint.options, endpoint.model));
    }
}
