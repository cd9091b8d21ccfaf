//! A bare prompt, answered by one model and by no other; a repository is not needed.

use super::artifact;
use crate::{
    call::{self, Called, Site},
    exit::{Outcome, failure_of},
    here::Here,
    output::Out,
    purse::Errand,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    settings::{HUMAN, Resolved, SUPERVISOR, Settings},
};
use haco_net::Ask;
use serde_json::json;

/// What the model is told before the prompt.
const PREAMBLE: &str = "You are a component that a program calls, not a partner in a conversation. Answer with the \
requested artifact alone: the code, the file, the diff or the text that was asked for. No greeting, no explanation \
before or after it, no summary, no question back. Where something is left open, take the simplest reading that is safe. \
Give every file whole and leave nothing out. Where several files are asked for, write each file's path on a line of its \
own and then the file in one fenced block.";

/// A prompt and how it is to be answered.
pub(super) struct Question<'a> {
    /// As typed.
    pub prompt: &'a str,
    /// The model that was named.
    pub model: Option<String>,
    /// Whether the whole reply is wanted.
    pub raw: bool,
}

/// Prints the artifact, or the published object of a service.
pub(super) fn answer(question: &Question<'_>, out: &mut Out) -> Result<Outcome> {
    let mut asked = question.model.clone();
    let called = ask(question, &mut asked, out);
    let (called, failure) = match called {
        Ok(mut called) => {
            let failure = called.failure.take();
            (Some(called), failure)
        }
        Err(error) => (None, Some(failure_of(&error))),
    };
    let text = match (&called, &failure) {
        (Some(called), None) if question.raw => called.text.clone(),
        (Some(called), None) => artifact::of(&called.text, question.prompt),
        _ => String::new(),
    };
    out.text(&text)?;
    let outcome = failure.map_or_else(Outcome::yes, Outcome::no);
    Ok(contract(outcome, &text, asked, called.as_ref()))
}

/// Loads the model into the server's memory.
pub(super) fn warm(model: Option<String>, out: &Out) -> Outcome {
    match warmed(model.as_deref(), out) {
        Ok(name) => contract(Outcome::yes(), "", Some(name), None),
        Err(error) => contract(Outcome::no(failure_of(&error)), "", model, None),
    }
}

fn warmed(model: Option<&str>, out: &Out) -> Result<String> {
    let here = Here::find(out)?;
    let resolved = model_of(&here.settings, model)?;
    here.warm(&resolved)?;
    Ok(resolved.name)
}

/// The published object of a service, beside what every object has.
pub(super) fn contract(outcome: Outcome, text: &str, model: Option<String>, called: Option<&Called>) -> Outcome {
    outcome
        .with("output", text)
        .with("model", json!(model))
        .with("usage", json!(called.and_then(|c| c.usage.as_ref())))
        .with("timing_ms", called.map_or(0, |c| c.timing_ms))
}

fn ask(question: &Question<'_>, asked: &mut Option<String>, out: &Out) -> Result<Called> {
    let here = Here::find(out)?;
    let resolved = model_of(&here.settings, question.model.as_deref())?;
    *asked = Some(resolved.name.clone());
    out.detail(format!("asking '{}'", resolved.name));
    let ask = Ask { system: Some(PREAMBLE), prompt: question.prompt, ..Ask::default() };
    let errand = Errand { place: "prompt/1/worker", role: "worker", ..Errand::default() };
    let site = Site { store: here.store.as_ref(), dir: &here.dir, out };
    call::call_with(&here.settings, &resolved, &ask, &errand, site)
}

/// The model that was named, else HACO_WORKER_MODEL, else the first of `roles.worker`; never another.
fn model_of(settings: &Settings, named: Option<&str>) -> Result<Resolved> {
    let name = named.or(settings.environment.worker_model.as_deref());
    let name = name.or(settings.worker.first().map(|entry| entry.model.as_str())).unwrap_or_default();
    if matches!(name, "" | SUPERVISOR | HUMAN) {
        let why = format!("'{name}' is no model that could answer a prompt");
        return Err(Failure::new(Code::Usage, why).fix("haco-worker --model NAME 'PROMPT'").into());
    }
    Ok(settings.model(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::settings::{Environment, Layers};

    fn model(environment: Option<&str>, worker: &[&str], named: Option<&str>) -> Result<String> {
        let environment = Environment { worker_model: environment.map(str::to_owned), ..Environment::default() };
        let user = serde_json::from_value(json!({"roles": {"worker": worker}})).expect("a configuration");
        let settings = Settings::resolve(&Layers { user, environment, ..Layers::default() });
        model_of(&settings, named).map(|m| m.name)
    }

    #[test]
    fn the_flag_goes_before_the_variable_and_that_before_the_role() {
        assert_eq!(model(Some("env"), &["role"], Some("flag")).expect("a model"), "flag");
        assert_eq!(model(Some("env"), &["role"], None).expect("a model"), "env");
        assert_eq!(model(None, &["role", "second"], None).expect("a model"), "role");
    }

    #[test]
    fn a_role_that_is_no_model_is_said_and_no_other_is_asked() {
        for worker in [&["supervisor", "qwen"][..], &["human"], &[]] {
            assert!(model(None, worker, None).is_err(), "{worker:?}");
        }
    }
}
