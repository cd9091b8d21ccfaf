//! haco models: what the configured models' servers have, load them, and try one out.

mod seen;
mod show;
mod try_out;
mod warm;

use crate::{exit::Outcome, here::Here, output::Out};
use anyhow::Result;
use clap::Subcommand;
use haco_core::settings::{HUMAN, SUPERVISOR, Settings};
use std::collections::BTreeMap;

/// List the models of the configuration and of their servers, load them, or try one
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Have servers load the models of every route, or those named
    Warm {
        /// Names as routes have them
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Ask a model once, for one word, and say what is wrong where it does not answer
    Test {
        /// A name as routes have it
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let here = Here::find(out)?;
    match args.action {
        None => show::run(&here, out),
        Some(Action::Warm { names }) => warm::run(&here, names, out),
        Some(Action::Test { name }) => try_out::run(&here, &name, out),
    }
}

/// Every model that a route names, with the roles that it has.
fn routed(settings: &Settings) -> BTreeMap<String, Vec<&'static str>> {
    let mut all: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    let worker: Vec<String> = settings.worker.iter().map(|entry| entry.model.clone()).collect();
    for (role, route) in [("tech_lead", &settings.tech_lead), ("worker", &worker), ("auditor", &settings.auditor)] {
        for name in route.iter().filter(|name| ![SUPERVISOR, HUMAN].contains(&name.as_str())) {
            let roles = all.entry(name.clone()).or_default();
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::settings::Layers;
    use serde_json::json;

    #[test]
    fn a_routed_model_has_its_roles_and_people_are_none() {
        let roles = json!({"tech_lead": ["a", "supervisor"], "worker": ["b", "a", "b"], "auditor": ["human"]});
        let user = serde_json::from_value(json!({"roles": roles})).expect("a configuration");
        let settings = Settings::resolve(&Layers { user, ..Layers::default() });
        let wanted = [("a".to_owned(), vec!["tech_lead", "worker"]), ("b".to_owned(), vec!["worker"])];
        assert_eq!(routed(&settings), BTreeMap::from(wanted));
    }
}
