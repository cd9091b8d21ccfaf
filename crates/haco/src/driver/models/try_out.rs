//! haco models test: one tiny call, made as every call is made.

use crate::{
    call::{self, Called, Site},
    exit::Outcome,
    here::Here,
    output::Out,
    purse::Errand,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    settings::{HUMAN, SUPERVISOR},
};
use haco_net::Ask;
use serde_json::json;

/// Enough for a word, and for a model that thinks shortly before it.
const REPLY_TOKENS: u64 = 64;

/// Asks once. A reply that was cut or refused was a reply; what is wrong otherwise is the failure.
pub(super) fn run(here: &Here, name: &str, out: &mut Out) -> Result<Outcome> {
    if [SUPERVISOR, HUMAN].contains(&name) {
        let why = format!("'{name}' is no model that could answer");
        return Err(Failure::new(Code::Usage, why).fix("haco models").into());
    }
    let model = here.settings.model(name)?;
    out.say(format!("asking '{}' at '{}'", model.model, model.origin));
    let prompt = "Answer with the one word: ready";
    let ask = Ask { prompt, max_tokens: Some(REPLY_TOKENS), ..Ask::default() };
    let errand = Errand { place: "models/1/test", role: "test", ..Errand::default() };
    let site = Site { store: here.store.as_ref(), dir: &here.dir, out };
    let called = call::call_with(&here.settings, &model, &ask, &errand, site)?;
    let failure = called.failure.clone().filter(|failure| !is_answer(failure.code));
    if failure.is_none() {
        out.line(name)?;
        out.say(told(name, &called));
    }
    let outcome = failure.map_or_else(Outcome::yes, Outcome::no);
    let outcome = outcome.with("model", name).with("answered_by", called.model.as_str());
    Ok(outcome.with("usage", json!(called.usage)).with("timing_ms", called.timing_ms))
}

/// Whether this is what somebody says who has heard the question.
fn is_answer(code: Code) -> bool {
    matches!(code, Code::Length | Code::EmptyReply | Code::Refusal | Code::ContentFilter | Code::UnexpectedToolCall)
}

fn told(name: &str, called: &Called) -> String {
    let seconds = called.timing_ms as f64 / 1000.0;
    let by = if called.model == name { String::new() } else { format!(" as '{}'", called.model) };
    let tokens = called.usage.as_ref().map_or_else(
        || "it counts no tokens".to_owned(),
        |u| format!("{} tokens of prompt, {} of reply", u.prompt_tokens, u.completion_tokens),
    );
    format!("'{name}' answers{by} in {seconds:.1} s: {tokens}")
}
