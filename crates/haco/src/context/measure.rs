//! How many tokens a prompt will be for a model, from what its servers counted before, and how many its window holds.

use crate::{call, clock, confined::Line, desk::Desk, replayed::Replayed};
use haco_core::{
    code::{Code, Failure},
    config::Provider,
    id::TicketId,
    settings::Resolved,
    tokens::{self, Counted, Estimate, Ratio},
};
use haco_store::Store;
use serde_json::Value;

/// So many of a family's latest calls say enough.
const ENOUGH: usize = 20;
/// So many records are looked at.
const MOST: usize = 200;
/// The least window that is asked for: what fits it needs no question for a larger one.
const LEAST_WINDOW: u64 = 8192;
/// How long a server that cut a prompt is believed to do so again, in seconds.
const A_WHILE_SEC: i64 = 3600;
/// What a reply is given where its length is not known.
pub const REPLY_TOKENS: u64 = 2048;

/// What is known of a model before a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measure {
    /// Tokens a byte.
    pub ratio: Ratio,
    /// Tokens that the model's window holds; none where nobody said.
    pub window: Option<u64>,
    /// Whether nobody is left to be asked for it.
    pub asked: bool,
}

/// What the records say of `model`; what they do not say of its window is what the configuration does.
pub fn of(desk: &Desk, model: &Resolved) -> Measure {
    if let Some(measure) = desk.replayed.as_ref().and_then(Replayed::measure) {
        return measure;
    }
    let family = tokens::family(&model.model);
    let mut counted = Vec::new();
    let (mut window, mut left) = (None, None);
    for call in calls(&desk.store).take(MOST) {
        let named = call["model"]["model"].as_str().unwrap_or_default();
        let same = named == model.model && call["model"]["origin"].as_str() == Some(&model.origin);
        if !call["error"].is_null() {
            // What a server cut is no measure of its tokens, but of its window.
            left = if same { smaller(left, cut(&call)) } else { left };
            continue;
        }
        if counted.len() < ENOUGH && tokens::family(named) == family {
            counted.extend(count(&call));
        }
        if window.is_none() && same {
            window = call["server"]["window"].as_u64();
        }
    }
    let asked = model.entry.options.get("num_ctx").and_then(Value::as_u64);
    let asked = asked.filter(|_| model.entry.provider == Provider::Ollama);
    let window = smaller(smaller(asked, window), left);
    Measure { ratio: Ratio::measured(counted), window, asked: false }
}

fn count(call: &Value) -> Option<Counted> {
    let tokens = call["usage"]["prompt_tokens"].as_u64()?;
    Some(Counted { bytes: call["prompt_bytes"].as_u64()?, tokens })
}

/// What a server left of a prompt a short while ago: by now it may have been started with a larger window.
fn cut(call: &Value) -> Option<u64> {
    let at = clock::seconds(call["at"].as_str()?)?;
    let is_new = clock::seconds(&clock::now())? - at < A_WHILE_SEC;
    let was_cut = call["error"]["code"].as_str() == Some(Code::ContextTruncated.as_str());
    call["usage"]["prompt_tokens"].as_u64().filter(|_| was_cut && is_new)
}

fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The call records, the latest tickets' first.
pub fn calls(store: &Store) -> impl Iterator<Item = Value> {
    let list = |rel: String| {
        let mut names = store.list(&rel).unwrap_or_default();
        names.sort_by_key(|name| std::cmp::Reverse(name.parse::<u32>().unwrap_or(0)));
        names.into_iter().map(move |name| format!("{rel}/{name}")).collect::<Vec<_>>()
    };
    let tickets = store.list("drafts").unwrap_or_default().into_iter().rev();
    let ids = tickets.filter(|name| name.parse::<TicketId>().is_ok()).map(|id| format!("drafts/{id}"));
    let steps = ids.flat_map(list).flat_map(list);
    steps.filter_map(|step| serde_json::from_slice(&store.read(&format!("{step}/call.json")).ok()??).ok())
}

impl Measure {
    /// The window, asked of the server where nothing is known of it and the prompt is too long for every usual one.
    pub fn window_for(&mut self, desk: &Desk, model: &Resolved, prompt: &Estimate) -> Option<u64> {
        let is_short = prompt.most + REPLY_TOKENS <= LEAST_WINDOW;
        if self.window.is_none() && !self.asked && !is_short && model.entry.provider == Provider::Ollama {
            let endpoint = call::endpoint(&desk.settings, model).ok();
            self.window = endpoint.and_then(|endpoint| Line::to(&endpoint, &desk.settings).known().window);
        }
        self.window
    }

    /// How many tokens of a prompt the window holds beside a reply.
    pub fn room(&self, reply: u64) -> Option<u64> {
        self.window.map(|window| tokens::room(window, reply))
    }
}

/// What `prompt` will be for `model`; a failure where the window that is known of it does not hold it.
pub fn hold(desk: &Desk, model: &Resolved, prompt: &str) -> Result<Estimate, Failure> {
    let mut measure = of(desk, model);
    let estimate = measure.ratio.estimate(prompt);
    measure.window_for(desk, model, &estimate);
    match measure.room(0) {
        Some(room) if estimate.most > room => Err(exceeded(model, estimate.most, room)),
        _ => Ok(estimate),
    }
}

/// A prompt that is too long, said before it is sent.
pub fn exceeded(model: &Resolved, tokens: u64, room: u64) -> Failure {
    let why = format!("model '{}': the prompt is about {tokens} tokens, and its window holds {room} of it", model.name);
    Failure::new(Code::ContextExceeded, why)
        .fix("let the ticket name fewer files, or take a model with a larger window")
}
