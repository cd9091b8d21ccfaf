//! Whom to ask and how long to wait; plain data that the caller fills from configuration and environment.

use std::path::PathBuf;
use std::time::Duration;

use haco_core::code::{Code, Failure};
use haco_core::tokens::Estimate;
use serde_json::{Map, Value};

use crate::failed::shown;
use crate::fix;
use crate::proxy::Proxies;
use crate::secret::Secret;
use haco_core::address::BaseUrl;

/// No body is read past this; one that is longer is `too_large`.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// The protocol that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// One model on one server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The protocol.
    pub provider: Provider,
    /// Where the server is, with or without `/v1`.
    pub base_url: BaseUrl,
    /// The model's name on that server.
    pub model: String,
    /// The key, where the server wants one; it is sent to `base_url` and nowhere else.
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
        }
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
