//! A person's answer at a terminal; there is no other way past a gate.

use crate::output::Out;
use anyhow::Result;
use haco_core::code::{Code, Failure};
use std::io::BufRead;

/// Asks `question` and takes `y` or `yes` and Enter for a yes; anything else decides nothing and is a failure with
/// status 3. Without a terminal nothing is asked: the failure holds `command`, to be run at one.
pub fn decide(out: &Out, question: &str, command: &str) -> Result<()> {
    if !out.can_ask() {
        let failure = Failure::new(Code::NeedsPerson, format!("a person must answer at a terminal: {question}"));
        return Err(failure.fix(command).into());
    }
    let answer = answer(out, &format!("{question} [y/N] "))?;
    if matches!(answer.trim(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Code::Undecided, "nothing was decided and nothing was recorded").fix(command).into())
}

/// Asks, and takes one line that a person types from then on, empty at the end of input: what was typed before the
/// question was on the screen answers nothing.
pub fn answer(out: &Out, question: &str) -> Result<String> {
    haco_sandbox::terminal::forget_typed(std::io::stdin());
    out.ask(question);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}
