//! How much of a prompt a model sees. Ollama's default window is small, and a prompt that does not fit is cut without a
//! word: so the window is asked for by the prompt's size, and afterwards the count of tokens is held against it.

use haco_core::code::Code;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Ask, Endpoint, Provider};
use crate::failed::Failed;
use crate::http::Answer;
use crate::reply::{Reply, answer_object};
use crate::request::Request;

/// Windows that are asked for; few, because a model is loaded again for each.
const STEPS: [u64; 6] = [8192, 16_384, 32_768, 65_536, 131_072, 262_144];
/// Room for a reply where nobody set a limit.
const REPLY_TOKENS: u64 = 4096;
/// Below this a count says more about the server that made it up than about the prompt.
const FEWEST_TOKENS: u64 = 512;

/// What a server says about its model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The most tokens that the model was made for.
    pub window: Option<u64>,
    /// Which weights these are.
    pub digest: Option<String>,
}

/// The window for this question: by its estimate, else three bytes a token, which is few for code, so that the guess is
/// rather too large.
pub(crate) fn wanted(ask: &Ask) -> u64 {
    let prompt = ask.tokens.map_or(0, |tokens| tokens.most).max(bytes(ask).div_ceil(3));
    let tokens = prompt.saturating_add(ask.max_tokens.unwrap_or(REPLY_TOKENS));
    STEPS.into_iter().find(|step| *step >= tokens).unwrap_or(STEPS[5])
}

/// The window with which a model is loaded before there is a question.
pub(crate) fn least() -> u64 {
    STEPS[0]
}

/// Whether the server saw the whole prompt, by its own count: fewer tokens than the estimate allows, or more bytes a token
/// than any text has, mean that it did not. A count at a round number, where windows end, needs less to be believed.
pub(crate) fn seen_whole(endpoint: &Endpoint, ask: &Ask, reply: Reply) -> Result<Reply, Box<Failed>> {
    let Some(usage) = reply.usage.filter(|_| endpoint.provider != Provider::Anthropic) else { return Ok(reply) };
    let counted = usage.prompt_tokens;
    let round = counted.saturating_add(16) % 1024 <= 32;
    let most = counted.saturating_mul(if round { 5 } else { 8 });
    let least = ask.tokens.map_or(0, |tokens| tokens.least);
    if counted < FEWEST_TOKENS || bytes(ask) <= most && counted >= least {
        return Ok(reply);
    }
    let why = format!("the server cut the prompt: it counts {counted} tokens in {} bytes", bytes(ask));
    let mut failed = Failed::for_good(endpoint, Code::ContextTruncated, why);
    let fix = match endpoint.provider {
        Provider::Ollama => {
            "raise 'options.num_ctx' of the model in the configuration, or let the ticket name fewer files"
        }
        _ => "give the server a larger window, or let the ticket name fewer files",
    };
    failed.failure = failed.failure.fix(fix);
    Err(Box::new(Failed { raw: reply.raw, usage: reply.usage, cost_usd: reply.cost_usd, ..*failed }))
}

fn bytes(ask: &Ask) -> u64 {
    (ask.system.map_or(0, str::len) + ask.prompt.len()) as u64
}

/// The question for a model's window.
pub(crate) fn show(endpoint: &Endpoint) -> Request {
    Request { path: "/api/show", body: Some(json!({"model": endpoint.model})) }
}

/// `model_info` holds it under the name of the architecture: `qwen2.context_length`.
pub(crate) fn window(endpoint: &Endpoint, answer: &Answer) -> Result<Option<u64>, Box<Failed>> {
    let value: Value = serde_json::from_slice(answer_object(endpoint, answer)?).unwrap_or_default();
    let info = value.get("model_info").and_then(Value::as_object);
    Ok(info.and_then(|info| info.iter().find(|(name, _)| name.ends_with(".context_length"))?.1.as_u64()))
}

/// The digest stands in the list of models.
pub(crate) fn digest(endpoint: &Endpoint, answer: &Answer) -> Result<Option<String>, Box<Failed>> {
    let value: Value = serde_json::from_slice(answer_object(endpoint, answer)?).unwrap_or_default();
    let latest = format!("{}:latest", endpoint.model);
    let same = |model: &&Value| model["name"] == endpoint.model || model["name"] == latest;
    let model = value["models"].as_array().and_then(|models| models.iter().find(same));
    let digest = model.and_then(|model| model["digest"].as_str()).filter(|d| d.len() <= 128);
    Ok(digest.map(|digest| endpoint.redact(digest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Usage;
    use haco_core::address::BaseUrl;
    use haco_core::tokens::Estimate;

    fn cut(prompt_bytes: usize, prompt_tokens: u64) -> bool {
        cut_by(prompt_bytes, prompt_tokens, None)
    }

    fn cut_by(prompt_bytes: usize, prompt_tokens: u64, tokens: Option<Estimate>) -> bool {
        let prompt = "x".repeat(prompt_bytes);
        let base = BaseUrl::parse("http://127.0.0.1:11434").expect("an address");
        let endpoint = Endpoint::new(Provider::Ollama, base, "m");
        let reply = crate::parse_reply(&endpoint, &Answer::recorded(r#"{"message":{"content":"a"},"done":true}"#));
        let reply = Reply {
            usage: Some(Usage { prompt_tokens, completion_tokens: 1, ..Usage::default() }),
            ..reply.expect("a reply")
        };
        let judged = seen_whole(&endpoint, &Ask { prompt: &prompt, tokens, ..Ask::default() }, reply);
        judged.is_err_and(|failed| failed.failure.code == Code::ContextTruncated && failed.usage.is_some())
    }

    #[test]
    fn a_prompt_that_was_cut_is_seen_by_its_count() {
        assert!(cut(60_000, 2048) && cut(60_000, 4096) && cut(21_000, 4095) && cut(60_000, 700));
        assert!(!cut(60_000, 15_000) && !cut(12_000, 4096) && !cut(21_000, 5000) && !cut(60_000, 30));
        assert!(!cut(60_000, u64::MAX) && !cut(0, 2048));
    }

    #[test]
    fn what_is_less_than_any_prompt_of_the_model_had_was_cut() {
        let estimate = |least| Some(Estimate { least, most: 5000 });
        assert!(cut_by(12_000, 2000, estimate(2400)) && !cut_by(12_000, 2400, estimate(2400)));
        assert!(!cut_by(12_000, 30, estimate(2400)), "a server that makes its counts up");
    }

    #[test]
    fn the_window_holds_prompt_and_reply() {
        let wanted = |bytes: usize| wanted(&Ask { prompt: &"x".repeat(bytes), ..Ask::default() });
        assert_eq!([wanted(0), wanted(12_288), wanted(12_289), wanted(9_000_000)], [8192, 8192, 16_384, 262_144]);
        let tokens = Some(Estimate { least: 0, most: 20_000 });
        assert_eq!(super::wanted(&Ask { prompt: "x", tokens, ..Ask::default() }), 32_768);
    }
}
