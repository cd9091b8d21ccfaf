//! haco-worker: a model's draft for a ticket, or its answer to a bare prompt.
//!
//! `request` decides which of the two was meant, `bridge` answers a prompt, `draft` one ticket with the prompt that `ask` makes, `jobs` several at once.

mod artifact;
mod ask;
mod bridge;
mod draft;
mod jobs;
mod past;
mod request;
#[cfg(test)]
mod tests;

use crate::{
    desk::Desk,
    exit::{Outcome, Program, failure_of},
    output::{Common, Out, Tally},
};
use anyhow::Result;
use clap::Parser;
use request::Request;

/// Draft tickets with a model, or answer one prompt
#[derive(Debug, Parser)]
#[command(name = "haco-worker", version)]
pub struct Args {
    /// Tickets to draft (T-001), or one prompt; without any, stdin is read
    #[arg(value_name = "ID|PROMPT")]
    what: Vec<String>,
    /// The prompt, whatever it looks like
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with_all = ["what", "warm"])]
    prompt: Option<String>,
    /// Ask this model; without it, HACO_WORKER_MODEL, then the first of roles.worker, then qwen2.5-coder:32b; for a
    /// ticket, the one whose turn it is
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Print the whole reply to a prompt, not the artifact alone
    #[arg(long)]
    raw: bool,
    /// Load the model and ask nothing
    #[arg(long, conflicts_with_all = ["what", "raw"])]
    warm: bool,
    /// Draft this many tickets at a time
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    #[command(flatten)]
    common: Common,
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// Drafts, answers or warms.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    if args.warm {
        return Ok(bridge::warm(args.model, out));
    }
    let request = match request::read(args.what, args.prompt) {
        Ok(request) => request,
        Err(error) => return Ok(bridge::contract(Outcome::no(failure_of(&error)), "", args.model, None)),
    };
    match request {
        Request::Prompt { text, model } => {
            let question = bridge::Question { prompt: &text, model: args.model.or(model), raw: args.raw };
            bridge::answer(&question, out)
        }
        Request::Tickets(ids) => tickets(ids, args.model.as_deref(), usize::from(args.jobs), out),
    }
}

fn tickets(ids: Vec<haco_core::id::TicketId>, model: Option<&str>, jobs: usize, out: &mut Out) -> Result<Outcome> {
    let mut tally = Tally::default();
    if jobs > 1 && ids.len() > 1 {
        jobs::all(&ids, model, jobs, |id, answered| Ok(tally.take(out, id, answered)?))?;
        return Ok(tally.end());
    }
    if ids.is_empty() {
        return Ok(tally.end());
    }
    let desk = Desk::open()?;
    for id in &ids {
        let answered = draft::draft(&desk, id, model, out);
        tally.take(out, id, answered)?;
    }
    Ok(tally.end())
}
