//! haco rework: feedback for the next attempt; legal until shipping, also for an agent.

use super::gates;
use crate::{desk::Desk, exit::Outcome, input, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    verdict::Decision,
};

const MOST_BYTES: u64 = 16 << 10;

/// Ask for another attempt, with feedback for its prompt
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket (T-001)
    ticket: String,
    /// What to do differently; - reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    feedback: String,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let id = gates::ticket_id(&desk, &args.ticket)?;
    let text = if args.feedback == "-" { input::stdin_text("stdin", MOST_BYTES)? } else { args.feedback };
    let feedback = feedback(&text)?;
    gates::record(&desk, &id, |_, ticket, standing| {
        gates::until_shipping(&id, standing, "rework")?;
        Ok(Decision { feedback: Some(feedback), ..gates::decision(out, "rework", ticket) })
    })?;
    out.say(format!("{id}: the next attempt gets the feedback"));
    gates::done(&desk, out, &id)
}

/// Feedback that says something and is not too long to go into a prompt.
fn feedback(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        let fix = "haco rework T-001 --feedback 'the empty input must give an empty list'";
        return Err(Failure::new(Code::Usage, "the feedback is empty").fix(fix).into());
    }
    if text.len() as u64 > MOST_BYTES {
        return Err(Failure::new(Code::Usage, format!("the feedback is longer than {MOST_BYTES} bytes")).into());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_says_something_and_fits_a_prompt() {
        assert_eq!(feedback(" mend it\n").expect("text"), "mend it");
        assert!(feedback(" \n").is_err());
        assert!(feedback(&"x".repeat(16 << 10)).is_ok());
        assert!(feedback(&"x".repeat((16 << 10) + 1)).is_err());
    }
}
