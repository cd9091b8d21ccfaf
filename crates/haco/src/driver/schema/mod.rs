//! haco schema: print a JSON Schema.

#[cfg(test)]
mod tests;

use crate::{exit::Outcome, output::Out};
use anyhow::Result;
use clap::builder::PossibleValuesParser;
use serde_json::Value;

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        /// Every schema by name.
        const SCHEMAS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../../../schemas/", $name, ".schema.json")))),*];
    };
}

schemas!(
    "ticket",
    "plan",
    "config",
    "failure",
    "next",
    "list",
    "show",
    "status",
    "doctor",
    "log",
    "worker",
    "tickets",
    "report",
    "calibrate",
    "replay",
    "models",
    "edit",
    "confine",
    "key",
);

/// Print a JSON Schema
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which; without it, the names are listed
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(SCHEMAS.iter().map(|(name, _)| *name)))]
    name: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let Some(name) = args.name else {
        SCHEMAS.iter().try_for_each(|(name, _)| out.line(name))?;
        return Ok(Outcome::yes().with("schemas", SCHEMAS.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
    };
    let text = text(&name);
    out.bytes(text.as_bytes())?;
    Ok(Outcome::yes().with("schema", serde_json::from_str::<Value>(text)?))
}

/// The schema of this name; empty where there is none.
pub(super) fn text(name: &str) -> &'static str {
    SCHEMAS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
}
