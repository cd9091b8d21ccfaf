//! One call of a model, whatever the provider: a server's answer, a program's output or a record goes through the same
//! parser, and comes back with what it cost.

use crate::{
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
    config::{Net, Provider},
    edit::Format,
    hash::Hash,
    money,
    settings::{Resolved, Settings},
};
use haco_net::{Answer, Ask, Endpoint, Known, Proxies, Reply};
use haco_store::Store;
use serde_json::{Map, Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
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
    pub limit_field: Option<&'static str>,
    /// Fields that the server refused by name and was then asked without.
    pub refused: Vec<&'static str>,
    /// Of the prompt's tokens, those that the server had kept, and those that it keeps from now on.
    pub cached: (u64, u64),
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
    let site = Site { store: Some(&desk.store), dir: &desk.place.main, out };
    let tokens = match measure::hold(desk, model, ask.prompt) {
        Ok(tokens) => Some(tokens),
        Err(failure) => return Ok(Called::refused(model, failure)),
    };
    let called = call_with(&desk.settings, model, &Ask { tokens, ..*ask }, errand, site)?;
    // After the call, so that a server that misbehaves is asked no more often than the limits say.
    let known = match (model.entry.provider, &called.failure) {
        (Provider::Ollama, None) => haco_net::known(&endpoint(&desk.settings, model)?),
        _ => Known::default(),
    };
    Ok(Called { known, ..called })
}

/// The same without a repository's state. Money is held before and settled after.
pub fn call_with(
    settings: &Settings,
    model: &Resolved,
    ask: &Ask<'_>,
    errand: &Errand<'_>,
    site: Site<'_>,
) -> Result<Called> {
    let hold = purse::hold(site.store, settings, model, ask, errand)?;
    let called = made(settings, model, &Ask { max_tokens: hold.max_tokens, ..*ask }, errand.place, site);
    hold.settle(site.store, errand, called.as_ref().ok())?;
    called
}

fn made(settings: &Settings, model: &Resolved, ask: &Ask<'_>, place: &str, site: Site<'_>) -> Result<Called> {
    let started = std::time::Instant::now();
    let result = match model.entry.provider {
        Provider::Command => return command(settings, model, ask, site.dir, started),
        Provider::Replay => replay(model, place, site.dir),
        _ => endpoint(settings, model).map_err(|f| Box::new((f, Vec::new(), None, None))).and_then(|endpoint| {
            let mut watch = Watch::new(site.out, &model.name);
            haco_net::ask(&endpoint, ask, &mut |news| watch.hear(&news)).map_err(|f| failed(*f))
        }),
    };
    let timing_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(match result {
        Ok(reply) => Called::of(model, reply, timing_ms),
        Err(failed) => {
            let (failure, raw, usage, cost) = *failed;
            Called {
                text: String::new(),
                raw,
                usage: usage.map(|u| priced(model, u, cost, timing_ms)),
                failure: Some(failure),
                model: model.model.clone(),
                timing_ms,
                known: Known::default(),
                limit_field: None,
                refused: Vec::new(),
                cached: (0, 0),
            }
        }
    })
}

impl Called {
    /// A call that was not made.
    fn refused(model: &Resolved, failure: Failure) -> Called {
        Called {
            text: String::new(),
            raw: Vec::new(),
            usage: None,
            failure: Some(failure),
            model: model.model.clone(),
            timing_ms: 0,
            known: Known::default(),
            limit_field: None,
            refused: Default::default(),
            cached: Default::default(),
        }
    }

    fn of(model: &Resolved, reply: Reply, timing_ms: u64) -> Called {
        Called {
            usage: reply.usage.map(|u| priced(model, u, reply.cost_usd, timing_ms)),
            text: reply.text,
            raw: reply.raw,
            failure: None,
            model: reply.model,
            timing_ms,
            known: Known::default(),
            limit_field: reply.limit_field,
            refused: reply.refused,
            cached: reply.usage.map_or((0, 0), |u| (u.cache_read_tokens, u.cache_write_tokens)),
        }
    }

    /// What `call.json` holds beside the prompt and the reply.
    pub fn record(&self, model: &Resolved, prompt: &str, format: Option<Format>, at: &str) -> Value {
        json!({
            "schema_version": 1,
            "at": at,
            "model": {"name": model.name, "provider": model.entry.provider, "origin": model.origin, "model": model.model,
                      "paid": model.paid},
            "answered_by": self.model,
            "server": {"window": self.known.window, "digest": self.known.digest, "limit_field": self.limit_field,
                       "refused": self.refused, "cache_read_tokens": self.cached.0, "cache_write_tokens": self.cached.1},
            "prompt_sha256": Hash::of(prompt.as_bytes()),
            "prompt_bytes": prompt.len(),
            "reply_sha256": Hash::of(self.text.as_bytes()),
            "format": format,
            "usage": self.usage,
            "timing_ms": self.timing_ms,
            "error": self.failure.as_ref().map(|f| json!({"code": f.code.as_str(), "message": f.message})),
        })
    }
}

type Failed = Box<(Failure, Vec<u8>, Option<haco_net::Usage>, Option<f64>)>;

fn failed(f: haco_net::Failed) -> Failed {
    Box::new((f.failure, f.raw, f.usage, f.cost_usd))
}

/// The endpoint of a model that a server answers for, with its key.
pub fn endpoint(settings: &haco_core::settings::Settings, model: &Resolved) -> Result<Endpoint, Failure> {
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
fn replay(model: &Resolved, place: &str, dir: &std::path::Path) -> Result<Reply, Failed> {
    let bare = |failure: Failure| -> Failed { Box::new((failure, Vec::new(), None, None)) };
    let record = model.entry.record.as_deref().unwrap_or_default();
    let path = dir.join(record);
    let bad = |code, why: String| bare(Failure::new(code, format!("model '{}': record '{record}': {why}", model.name)));
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
    haco_net::parse_reply(&endpoint, &Answer::recorded(body)).map_err(|f| failed(*f))
}

/// `a/b/c`, then `a/*/c`, then `*/*/c`.
fn patterns(place: &str) -> Vec<String> {
    let parts: Vec<&str> = place.split('/').collect();
    match parts.as_slice() {
        [first, _, last] => vec![place.to_owned(), format!("{first}/*/{last}"), format!("*/*/{last}")],
        _ => vec![place.to_owned()],
    }
}

/// Runs a provider's program confined, with the prompt on its stdin.
fn command(
    settings: &haco_core::settings::Settings,
    model: &Resolved,
    ask: &Ask<'_>,
    dir: &std::path::Path,
    started: std::time::Instant,
) -> Result<Called> {
    let entry = &model.entry;
    let argv = entry.command.clone().unwrap_or_default();
    let words: Vec<std::ffi::OsString> = argv.iter().map(Into::into).collect();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_else(|| PathBuf::from("/"));
    let scratch = tempfile::tempdir()?;
    let rw: Vec<PathBuf> =
        entry.home.iter().map(|d| home.join(d)).chain([scratch.path().to_path_buf()]).filter(|p| p.exists()).collect();
    let seconds = entry.timeout_sec.or(settings.http.total_timeout_sec).unwrap_or(600);
    let prompt = [ask.system.unwrap_or_default(), ask.prompt].join("\n");
    let path = std::env::var("PATH").unwrap_or_default();
    let env = haco_sandbox::clean_env(&path, &home, &[]);
    let hide: &[PathBuf] = if haco_sandbox::always_seen(dir) { &[dir.to_path_buf()] } else { &[] };
    let job = haco_sandbox::Job {
        files: haco_sandbox::Files { rw: &rw, hide, ..haco_sandbox::Files::default() },
        env: &env,
        stdin: haco_sandbox::Input::Bytes(prompt.as_bytes()),
        limits: haco_sandbox::Limits {
            timeout: Duration::from_secs(seconds),
            output_bytes: haco_net::MAX_BODY_BYTES,
            ..haco_sandbox::Limits::default()
        },
        net: if entry.net == Some(Net::Host) { haco_sandbox::Net::Host } else { haco_sandbox::Net::Loopback },
        ..haco_sandbox::Job::new(haco_sandbox::Program::Argv(&words), scratch.path())
    };
    let ended = haco_sandbox::run(&job).map_err(|e| e.failure())?;
    let timing_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let shown = argv.join(" ");
    let failed = |code, why: String| Called {
        text: String::new(),
        raw: ended.stdout.text().into_bytes(),
        usage: None,
        failure: Some(Failure::new(code, format!("model '{}': '{shown}' {why}", model.name))),
        model: model.model.clone(),
        timing_ms,
        known: Known::default(),
        limit_field: None,
        refused: Vec::new(),
        cached: (0, 0),
    };
    Ok(match ended.end {
        haco_sandbox::End::Exited(0) => {
            match haco_net::parse_command_output(&model.model, ended.stdout.text().as_bytes()) {
                Ok(reply) => Called::of(model, reply, timing_ms),
                Err(f) => Called { failure: Some(f.failure.clone()), ..failed(Code::CommandFailed, String::new()) },
            }
        }
        haco_sandbox::End::TimedOut => failed(Code::TotalTimeout, format!("took longer than {seconds} s")),
        end => failed(Code::CommandFailed, format!("failed: {end:?}: {}", last_line(&ended.stderr.text()))),
    })
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_searched_from_the_exact_place_to_any() {
        assert_eq!(patterns("T-001/2/worker"), ["T-001/2/worker", "T-001/*/worker", "*/*/worker"]);
    }
}
