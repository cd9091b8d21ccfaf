//! haco replay: a ticket's work done again from its record, or with another model in the worker's place; always beside the
//! record, in a state of its own that reads the same git objects.

mod again;
mod beside;
mod other;
mod record;

use crate::{desk::Desk, exit::Outcome, input, output::Out};
use anyhow::Result;
use beside::Beside;
use haco_core::{
    code::{Code, Failure},
    replay::Difference,
};
use record::Record;
use serde_json::json;
use std::path::PathBuf;

/// Do a ticket's work again from its record, and name what comes out differently
///
/// Models are answered from the record, people and the supervisor said what they said, and the clock stands where it stood;
/// prompts, candidates, checks and verdicts are made anew. With --model another model drafts instead, and nothing but its
/// own calls is new. The record is not touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket
    #[arg(value_name = "ID")]
    id: String,
    /// Let this model draft, and say whether it would have passed the checks and what it would have cost
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Keep the replay's repository and state in this new directory
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let id = input::id(&args.id)?;
    let desk = Desk::open()?;
    let record = Record::of(&desk, id)?;
    match args.model {
        Some(model) => other::run(&record, &model, args.keep.as_deref(), out),
        None => same(&record, args.keep, out),
    }
}

fn same(record: &Record<'_>, keep: Option<PathBuf>, out: &mut Out) -> Result<Outcome> {
    let count = record.attempts().count();
    let outcome = Outcome::yes().with("ticket", record.id.as_str()).with("attempts", count);
    let found = match record.tampered()? {
        Some(found) => Some(found),
        None => again::all(&Beside::make(record, keep.as_deref())?, out)?,
    };
    match found {
        None => {
            let attempts = if count == 1 { "its attempt".to_owned() } else { format!("its {count} attempts") };
            out.line(format!("{}: {attempts} came out the same", record.id))?;
            Ok(outcome)
        }
        Some(found) => Ok(differs(record, outcome, &found, keep.is_some())),
    }
}

fn differs(record: &Record<'_>, outcome: Outcome, found: &Difference, kept: bool) -> Outcome {
    let id = &record.id;
    let failure = Failure::new(Code::ReplayDiffers, format!("{id}: {}", found.line()));
    let fix = if kept { format!("haco show {id} --full") } else { format!("haco replay --keep ../replay-{id} {id}") };
    Outcome { failure: Some(failure.fix(fix)), ..outcome.with("difference", json!(found)) }
}
