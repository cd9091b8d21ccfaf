//! haco models warm: models are loaded before somebody waits for them.

use super::routed;
use crate::{
    exit::Outcome,
    here::{Here, Warmed},
    output::Out,
};
use anyhow::Result;
use haco_core::code::Failure;
use serde_json::json;

/// Loads `names`, or every routed model; one that cannot be loaded keeps no other from it.
pub(super) fn run(here: &Here, names: Vec<String>, out: &mut Out) -> Result<Outcome> {
    let names = if names.is_empty() { routed(&here.settings).into_keys().collect() } else { names };
    let (mut loaded, mut failures): (Vec<String>, Vec<Failure>) = (Vec::new(), Vec::new());
    for name in names {
        out.detail(format!("loading '{name}'"));
        match here.settings.model(&name).and_then(|model| here.warm(&model)) {
            Ok(Warmed::Loaded) => {
                out.line(&name)?;
                loaded.push(name);
            }
            Ok(Warmed::Needless) => out.say(format!("'{name}' needs no loading")),
            Err(failure) => failures.push(failure),
        }
    }
    failures.iter().skip(1).for_each(|failure| out.problem(failure));
    let outcome = failures.into_iter().next().map_or_else(Outcome::yes, Outcome::no);
    Ok(outcome.with("loaded", json!(loaded)))
}
