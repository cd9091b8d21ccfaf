//! The key of a model, from where its entry says it is. What it is kept by is `keeper`, under which name `ring`.

pub mod keeper;
mod printed;
pub mod ring;

use haco_core::{
    code::{Code, Failure},
    key::{KeyName, Whence, whence},
    secret,
    settings::{Resolved, Settings},
};
use haco_net::Secret;

/// The key to send, or none where the model has none; a key that is named and cannot be had is a failure.
pub fn of(model: &Resolved) -> Result<Option<Secret>, Failure> {
    let missing = |why: String| Failure::new(Code::BadKey, format!("model '{}': {why}", model.name));
    match whence(&model.entry, &model.origin) {
        Whence::None => Ok(None),
        Whence::Command(argv) => printed(argv).map(Some).map_err(|f| named(model, f)),
        Whence::Variable(name) => match variable(name) {
            Some(text) => Secret::new(&text).map(Some).map_err(|f| named(model, f)),
            None => Err(missing(format!("the variable '{name}' holds no key")).fix(format!("export {name}=…"))),
        },
        Whence::Kept(name) => match ring::get(name).map_err(|f| named(model, f))? {
            Some(key) => Ok(Some(key)),
            None => Err(missing(format!("no key '{name}' is kept")).fix(format!("haco key set {name}"))),
        },
        Whence::Usual(name, kept) => usual(name, &kept).map_err(|f| named(model, f))?.map(Some).ok_or_else(|| {
            let why = format!("no key '{kept}' is kept, and the variable '{name}' holds none");
            missing(why).fix(format!("haco key set {kept}"))
        }),
    }
}

/// The provider's usual variable stands before the kept key: it is what was set for this one run.
fn usual(name: &str, kept: &KeyName) -> Result<Option<Secret>, Failure> {
    match variable(name) {
        Some(text) => Secret::new(&text).map(Some),
        None => ring::get(kept),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// What a check or a program printed, without secrets and without the keys that stand in variables of the environment,
/// for whatever is kept or sent of it.
pub fn hidden(settings: &Settings, printed: &[u8]) -> Vec<u8> {
    let named = settings.models.values().filter_map(|entry| entry.key_env.as_deref());
    let keys = named.chain(["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]).filter_map(variable);
    let without =
        keys.filter_map(|text| Secret::new(&text).ok()).fold(printed.to_vec(), |text, key| key.redact_bytes(&text));
    secret::redact_bytes(&without).into_owned()
}

fn printed(argv: &[String]) -> Result<Secret, Failure> {
    let shown = argv.join(" ");
    // Its messages are not shown: nobody knows that they do not hold the key.
    let bad = |why: String| Failure::new(Code::BadKey, format!("'{shown}' {why}")).fix(shown.clone());
    let bytes = printed::by(argv, &[]).map_err(|failed| bad(failed.why))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("printed no text".to_owned()))?;
    Secret::new(&text)
}

fn named(model: &Resolved, failure: Failure) -> Failure {
    Failure { message: format!("model '{}': {}", model.name, failure.message), ..failure }
}
