//! One cheap question that only a valid key answers, and what came of it in words.

use crate::{
    confined::{Line, Then},
    desk,
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    config::Provider,
    key::{Whence, whence},
    settings::{Resolved, Settings},
};
use haco_net::Ask;
use haco_store::Place;

/// Asks the first model that uses this key.
pub fn run(name: &str, out: &mut Out) -> Result<Outcome> {
    let place = std::env::current_dir().ok().and_then(|here| Place::find(&here).ok());
    let settings = Settings::resolve(&desk::layers(place.as_ref())?);
    let model = user_of(name, &settings)?;
    let mut endpoint = crate::call::endpoint(&settings, &model)?;
    endpoint.time.retries = 0;
    let asked = match whence(&model.entry, &model.origin) {
        // Both list their models only to those whom they know.
        Whence::Usual(..) => Line::to(&endpoint, &settings).models().map(drop),
        // Others list them to everybody, so that only an answer tells.
        _ => answered(&Line::to(&endpoint, &settings)),
    };
    asked.map_err(|failure| explained(failure, name))?;
    out.line(name)?;
    out.say(format!("'{}' takes the key", model.origin));
    Ok(Outcome::yes().with("key", name).with("origin", model.origin))
}

/// A reply of one token. One that is cut, empty or refused was given to a key that is known.
fn answered(line: &Line<'_>) -> Result<(), Failure> {
    let ask = Ask { prompt: "1", max_tokens: Some(1), ..Ask::default() };
    match line.ask(&ask, Then::Nothing, &mut |_| {}).answer {
        Ok(_) => Ok(()),
        Err(failed) => match failed.failure.code {
            Code::Length | Code::EmptyReply | Code::Refusal | Code::ContentFilter | Code::UnexpectedToolCall => Ok(()),
            _ => Err(failed.failure),
        },
    }
}

/// The model of this name, else one whose key has this name, else the provider's own.
fn user_of(name: &str, settings: &Settings) -> Result<Resolved, Failure> {
    let has_key = |model: &Resolved| whence(&model.entry, &model.origin) != Whence::None;
    let uses = |entry: &haco_core::config::Model| entry.key.as_ref().is_some_and(|key| key.as_str() == name);
    let entry = settings.models.iter().find(|(known, _)| known.as_str() == name);
    let entry = entry.or_else(|| settings.models.iter().find(|(_, entry)| uses(entry)));
    let known = match entry {
        Some((model, _)) => settings.model(model)?,
        None if [Provider::Openai, Provider::Anthropic].iter().any(|p| p.as_str() == name) => {
            settings.model(&format!("{name}:any"))?
        }
        None => {
            let message = format!("no model uses a key '{name}': it goes nowhere until your own file says where");
            return Err(Failure::new(Code::BadKey, message).fix("man 5 haco-config"));
        }
    };
    if has_key(&known) {
        return Ok(known);
    }
    let message = format!("model '{name}' has no key: its entry names none of key, key_env and key_command");
    Err(Failure::new(Code::BadKey, message).fix("man 5 haco-config"))
}

/// What the server says of a key, with what helps.
fn explained(failure: Failure, name: &str) -> Failure {
    match failure.code {
        Code::Unauthorized => failure.fix(format!("haco key set {name}")),
        _ => failure,
    }
}
