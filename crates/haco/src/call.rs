//! One call of a model, whatever the provider: a server's answer, a program's output or a record goes through the same
//! parser, and comes back with what it cost.

pub mod kept;
mod program;

use crate::{
    confined::{Confined, Failed, Heard, Line, Then},
    context::measure,
    desk::Desk,
    output::Out,
    purse::{self, Errand},
    watch::Watch,
};
use anyhow::Result;
use haco_core::{
    address::BaseUrl,
    attempt::Usage,
    code::{Code, Failure},
    config::Provider,
    edit::Format,
    hash::Hash,
    money, secret,
    settings::{Resolved, Settings},
};
use haco_net::{Answer, Ask, Endpoint, Known, Proxies, Reply};
use haco_store::Store;
use serde_json::{Map, Value, json};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What came of a call that brought a reply, or of one that did not.
pub struct Called {
    /// The reply's text; empty where there is none.
    pub text: String,
    /// The body as it came, key redacted.
    pub raw: Vec<u8>,
    /// Tokens and money, where the server said them.
    pub usage: Option<Usage>,
    /// Why there is no reply.
    pub failure: Option<Failure>,
    /// As the server names the model.
    pub model: String,
    /// Milliseconds.
    pub timing_ms: u64,
    /// What the server says about the model.
    pub known: Known,
    /// Which field for the limit of tokens the server took.
    pub limit_field: Option<String>,
    /// Fields that the server refused by name and was then asked without.
    pub refused: Vec<String>,
    /// Of the prompt's tokens, those that the server had kept, and those that it keeps from now on.
    pub cached: (u64, u64),
    /// How the call was confined; none for a record, and where nothing was asked.
    pub confined: Option<Confined>,
}

/// Where a call is made from.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// Where money is counted; none where there is no state.
    pub store: Option<&'a Store>,
    /// Where relative records and programs start.
    pub dir: &'a Path,
    /// Who hears of progress.
    pub out: &'a Out,
}

/// Asks `model` for what `errand` says.
pub fn call(desk: &Desk, model: &Resolved, ask: &Ask<'_>, errand: &Errand<'_>, out: &Out) -> Result<Called> {
    if let Some(answer) = desk.replayed.as_ref().and_then(|r| r.answer(model, ask.prompt, errand.place)) {
        return Ok(answer?);
    }
    let site = Site { store: Some(&desk.store), dir: &desk.place.main, out };
    let tokens = match measure::hold(desk, model, ask.prompt) {
        Ok(tokens) => Some(tokens),
        Err(failure) => return Ok(Called { failure: Some(failure), ..Called::none(model) }),
    };
    call_with(&desk.settings, model, &Ask { tokens, ..*ask }, errand, site)
}

/// The same without a repository's state. Money is held before and settled after.
pub fn call_with(
    settings: &Settings,
    model: &Resolved,
    ask: &Ask<'_>,
    errand: &Errand<'_>,
    site: Site<'_>,
) -> Result<Called> {
    // What a prompt's template put in is redacted already; a bare prompt is not.
    let (system, prompt) = (ask.system.map(secret::redact), secret::redact(ask.prompt));
    let ask = &Ask { system: system.as_deref(), prompt: &prompt, ..*ask };
    let hold = purse::hold(site.store, settings, model, ask, errand)?;
    let called = made(settings, model, &Ask { max_tokens: hold.max_tokens, ..*ask }, errand, site);
    hold.settle(site.store, errand, called.as_ref().ok())?;
    called
}

fn made(settings: &Settings, model: &Resolved, ask: &Ask<'_>, errand: &Errand<'_>, site: Site<'_>) -> Result<Called> {
    let started = Instant::now();
    let (heard, confined) = match model.entry.provider {
        Provider::Command => program::run(settings, model, ask, site.dir)?,
        Provider::Replay => (Heard::of(replay(model, errand.place, site.dir)), None),
        _ => {
            let recorded = errand.plan.is_some() && model.entry.provider == Provider::Ollama;
            let then = if recorded { Then::Known } else { Then::Nothing };
            let heard = served(settings, model, ask, (then, site.out))
                .unwrap_or_else(|failure| Heard::of(Err(Failed::bare(failure))));
            let confined = heard.walls.as_deref().map(|stood| Confined::of(stood, haco_sandbox::OURSELVES, "model"));
            (heard, confined)
        }
    };
    let without = confined.iter().flat_map(|c| &c.without);
    without.for_each(|wall| site.out.warn(format!("asked without the wall '{wall}', as verify.allow_weaker says")));
    let timing_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Called { known: heard.known, confined, ..Called::of(model, heard.answer, timing_ms) })
}

/// What a server answers, to a child of ours. It is asked about its model after the call, so that one that misbehaves is
/// asked no more often than the limits say.
fn served(settings: &Settings, model: &Resolved, ask: &Ask<'_>, (then, out): (Then, &Out)) -> Result<Heard, Failure> {
    let endpoint = endpoint(settings, model)?;
    let mut watch = Watch::new(out, &model.name);
    Ok(Line::to(&endpoint, settings).ask(ask, then, &mut |news| watch.hear(&news)))
}

impl Called {
    /// A call without anything in it.
    pub(crate) fn none(model: &Resolved) -> Called {
        Called {
            text: String::new(),
            raw: Vec::new(),
            usage: None,
            failure: None,
            model: model.model.clone(),
            timing_ms: 0,
            known: Known::default(),
            limit_field: None,
            refused: Vec::new(),
            cached: (0, 0),
            confined: None,
        }
    }

    fn of(model: &Resolved, answer: Result<Reply, Box<Failed>>, timing_ms: u64) -> Called {
        let nothing = Called { timing_ms, ..Called::none(model) };
        match answer {
            Ok(reply) => Called {
                usage: reply.usage.map(|u| priced(model, u, reply.cost_usd, timing_ms)),
                text: reply.text,
                raw: reply.raw,
                model: reply.model,
                limit_field: reply.limit_field,
                refused: reply.refused,
                cached: reply.usage.map_or((0, 0), |u| (u.cache_read_tokens, u.cache_write_tokens)),
                ..nothing
            },
            Err(failed) => Called {
                raw: failed.raw,
                usage: failed.usage.map(|u| priced(model, u, failed.cost_usd, timing_ms)),
                failure: Some(failed.failure),
                ..nothing
            },
        }
    }

    /// What `call.json` holds beside the prompt and the reply.
    pub fn record(&self, model: &Resolved, prompt: &str, format: Option<Format>, at: &str) -> Value {
        json!({
            "schema_version": 1,
            "at": at,
            "model": {"name": model.name, "provider": model.entry.provider, "origin": model.origin, "model": model.model,
                      "paid": model.paid, "options": model.entry.options},
            "answered_by": self.model,
            "server": {"window": self.known.window, "digest": self.known.digest, "limit_field": self.limit_field,
                       "refused": self.refused, "cache_read_tokens": self.cached.0, "cache_write_tokens": self.cached.1},
            "prompt_sha256": Hash::of(prompt.as_bytes()),
            "prompt_bytes": prompt.len(),
            "reply_sha256": Hash::of(self.text.as_bytes()),
            "format": format,
            "usage": self.usage,
            "timing_ms": self.timing_ms,
            "confined": self.confined,
            "error": self.failure.as_ref().map(|f| json!({"code": f.code.as_str(), "message": secret::redact(&f.message)})),
        })
    }
}

/// The endpoint of a model that a server answers for, with its key.
pub fn endpoint(settings: &Settings, model: &Resolved) -> Result<Endpoint, Failure> {
    let entry = &model.entry;
    let provider = match entry.provider {
        Provider::Openai => haco_net::Provider::OpenAi,
        Provider::Anthropic => haco_net::Provider::Anthropic,
        _ => haco_net::Provider::Ollama,
    };
    let base = BaseUrl::parse(&settings.base_url(entry))?;
    let mut endpoint = Endpoint::new(provider, base, &model.model);
    endpoint.key = crate::key::of(model)?;
    endpoint.options = entry.options.clone();
    let http = &settings.http;
    let seconds = |value: Option<u64>, default: Duration| value.map_or(default, Duration::from_secs);
    endpoint.time.connect = seconds(http.connect_timeout_sec, endpoint.time.connect);
    endpoint.time.idle = seconds(http.idle_timeout_sec, endpoint.time.idle);
    endpoint.time.total = seconds(entry.timeout_sec.or(http.total_timeout_sec), endpoint.time.total);
    endpoint.time.retries = http.retries.unwrap_or(endpoint.time.retries);
    endpoint.proxies = Proxies::from_env();
    if let Some(base) = &settings.environment.ollama_base {
        endpoint.usual_base.clone_from(base);
    }
    endpoint.cert_file = std::env::var_os("SSL_CERT_FILE").filter(|v| !v.is_empty()).map(PathBuf::from);
    Ok(endpoint)
}

/// Tokens with their price; what is not paid for costs nothing, and that is no guess.
fn priced(model: &Resolved, usage: haco_net::Usage, said: Option<f64>, timing_ms: u64) -> Usage {
    let (cost_usd, cost) = money::cost(model, [usage.prompt_tokens, usage.completion_tokens], said);
    Usage { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens, cost_usd, cost, timing_ms }
}

/// Recorded bodies by place; `*` stands for any part of one.
fn replay(model: &Resolved, place: &str, dir: &Path) -> Result<Reply, Box<Failed>> {
    let record = model.entry.record.as_deref().unwrap_or_default();
    let path = dir.join(record);
    let bad = |code, why: String| {
        Failed::bare(Failure::new(code, format!("model '{}': record '{record}': {why}", model.name)))
    };
    let bytes = fs_err::read(&path).map_err(|e| bad(Code::BadConfig, e.to_string()))?;
    let replies: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|e| bad(Code::BadConfig, format!("it is no object of replies: {e}")))?;
    let none = || bad(Code::NoReplay, format!("no reply for '{place}'"));
    let key = patterns(place).into_iter().find(|p| replies.contains_key(p)).ok_or_else(none)?;
    // A reply that was streamed stands there as text.
    let body = replies[&key].as_str().map_or_else(|| replies[&key].to_string(), str::to_owned).into_bytes();
    let protocol = haco_net::protocol_of(&body)
        .ok_or_else(|| bad(Code::BadReply, format!("the reply for '{key}' is of no known protocol")))?;
    let base = BaseUrl::parse("http://127.0.0.1").expect("a literal address parses");
    let endpoint = Endpoint::new(protocol, base, &model.model);
    haco_net::parse_reply(&endpoint, &Answer::recorded(body)).map_err(Box::from)
}

/// `a/b/c`, then `a/*/c`, then `*/*/c`.
fn patterns(place: &str) -> Vec<String> {
    let parts: Vec<&str> = place.split('/').collect();
    match parts.as_slice() {
        [first, _, last] => vec![place.to_owned(), format!("{first}/*/{last}"), format!("*/*/{last}")],
        _ => vec![place.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_searched_from_the_exact_place_to_any() {
        assert_eq!(patterns("T-001/2/worker"), ["T-001/2/worker", "T-001/*/worker", "*/*/worker"]);
    }
}
