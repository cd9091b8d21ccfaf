//! What one protocol's answer says, before it is judged; filled at once from a whole body, or piece by piece.

use serde_json::{Map, Value};

use crate::endpoint::Provider;
use crate::reply::Usage;

/// No request of ours has more tokens than this; a count above it is a server's mistake.
const MOST_TOKENS: u64 = 100_000_000;
/// No request of ours costs more than this.
const MOST_USD: f64 = 10_000.0;

/// What was understood so far.
#[derive(Default)]
pub(crate) struct Heard {
    pub text: String,
    /// Reasoning that came beside the text.
    pub thinking: String,
    pub end: End,
    pub tool_call: bool,
    pub model: Option<String>,
    /// Why the model refused, where it said so beside the text.
    pub refusal: String,
    /// Anthropic's word for the end, which counts once the message stopped.
    pub stop_reason: Option<String>,
    /// The server's counts by their names there; a later one takes the place of an earlier one.
    pub counted: Map<String, Value>,
    /// Nothing that matters comes any more.
    pub over: bool,
}

/// How an answer ends.
#[derive(Default)]
pub(crate) enum End {
    #[default]
    Missing,
    Whole,
    Length,
    WindowFull,
    Filtered,
    Failed,
    Refused,
    NoArtifact(String),
}

impl Heard {
    /// Takes over a server's object of counts, such as it is.
    pub(crate) fn count(&mut self, counts: Option<Value>) {
        if let Some(Value::Object(counts)) = counts {
            self.counted.extend(counts.into_iter().filter(|(_, value)| !value.is_null()));
        }
    }

    /// Both counts, where both are believable.
    pub(crate) fn usage(&self, provider: Provider) -> Option<Usage> {
        let count = |name: &str| tokens(self.counted.get(name));
        let (prompt, completion) = match provider {
            Provider::Ollama => (count("prompt_eval_count"), count("eval_count")),
            Provider::OpenAi => (count("prompt_tokens"), count("completion_tokens")),
            Provider::Anthropic => (count("input_tokens"), count("output_tokens")),
        };
        let (read, written) = self.cached(provider);
        // Anthropic's `input_tokens` leave out what was written to and read from the cache; the prompt is all three.
        let beside = if provider == Provider::Anthropic { read.saturating_add(written) } else { 0 };
        let prompt_tokens = prompt?.saturating_add(beside);
        Some(Usage {
            prompt_tokens,
            completion_tokens: completion?,
            cache_read_tokens: read.min(prompt_tokens),
            cache_write_tokens: written.min(prompt_tokens - read.min(prompt_tokens)),
        })
    }

    /// Tokens of the prompt that came from a cache, and that went into one; 0 where the server says nothing of them.
    fn cached(&self, provider: Provider) -> (u64, u64) {
        let at = |name: &str| tokens(self.counted.get(name));
        let detail = |name: &str| tokens(self.counted.get("prompt_tokens_details").and_then(|d| d.get(name)));
        let (read, written) = match provider {
            Provider::Ollama => (None, None),
            // The second is DeepSeek's name, the last OpenRouter's.
            Provider::OpenAi => {
                (detail("cached_tokens").or_else(|| at("prompt_cache_hit_tokens")), detail("cache_write_tokens"))
            }
            Provider::Anthropic => (at("cache_read_input_tokens"), at("cache_creation_input_tokens")),
        };
        (read.unwrap_or(0), written.unwrap_or(0))
    }

    /// What the server says that it cost, in dollars, where it is believable.
    pub(crate) fn cost(&self) -> Option<f64> {
        dollars(self.counted.get("cost"))
    }
}

/// A count that can be believed.
pub(crate) fn tokens(value: Option<&Value>) -> Option<u64> {
    value?.as_u64().filter(|n| *n <= MOST_TOKENS)
}

/// A sum of money that can be believed.
pub(crate) fn dollars(value: Option<&Value>) -> Option<f64> {
    value?.as_f64().filter(|usd| (0.0..=MOST_USD).contains(usd))
}
