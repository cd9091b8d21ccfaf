//! The one input rule: ids as arguments; else ids on stdin, one a line, taken as they arrive; else, at a terminal only,
//! the one ticket that `haco next` names.

use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    id::TicketId,
};
use std::io::{self, BufRead, IsTerminal};

/// Where the ids of a program come from.
pub enum Ids {
    /// As typed.
    Typed(std::vec::IntoIter<String>),
    /// One a line, as they arrive.
    Stdin(io::Lines<io::StdinLock<'static>>),
}

/// Ids from the arguments, else from stdin; `offered` names the ticket where stdin is a terminal.
pub fn ids(typed: Vec<String>, offered: impl FnOnce() -> Result<Option<TicketId>>) -> Result<Ids> {
    if !typed.is_empty() {
        return Ok(Ids::Typed(typed.into_iter()));
    }
    if !io::stdin().is_terminal() {
        return Ok(Ids::Stdin(io::stdin().lock().lines()));
    }
    let nothing = || Failure::new(Code::NothingLeft, "no ticket is waiting for this step").fix("haco next");
    let id = offered()?.ok_or_else(nothing)?;
    Ok(Ids::Typed(vec![id.to_string()].into_iter()))
}

impl Iterator for Ids {
    type Item = Result<TicketId>;

    fn next(&mut self) -> Option<Result<TicketId>> {
        match self {
            Ids::Typed(typed) => typed.next().map(|text| id(&text)),
            Ids::Stdin(lines) => loop {
                match lines.next()? {
                    Ok(line) if line.trim().is_empty() => {}
                    Ok(line) => return Some(id(line.trim())),
                    Err(error) => {
                        let failure = Failure::new(Code::Io, format!("cannot read ids from stdin: {error}"));
                        return Some(Err(failure.into()));
                    }
                }
            },
        }
    }
}

/// One ticket's id as typed.
pub fn id(text: &str) -> Result<TicketId> {
    let failure = |why: String| Failure::new(Code::UnknownId, why).fix("haco list");
    Ok(text.parse::<TicketId>().map_err(failure)?)
}

/// All of stdin as text, at most `most` bytes; `what` names it in messages.
pub fn stdin_text(what: &str, most: u64) -> Result<String> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(io::stdin().lock(), most + 1), &mut bytes)?;
    text(bytes, what, most)
}

/// A file's text, or stdin's for `-`.
pub fn file_or_stdin(name: &str, most: u64) -> Result<String> {
    if name == "-" {
        return stdin_text("stdin", most);
    }
    let shown = name.escape_debug();
    let open = |e: io::Error| Failure::new(Code::Usage, format!("cannot read '{shown}': {e}"));
    let file = std::fs::File::open(name).map_err(open)?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, most + 1), &mut bytes).map_err(open)?;
    text(bytes, &shown.to_string(), most)
}

fn text(bytes: Vec<u8>, what: &str, most: u64) -> Result<String> {
    if bytes.len() as u64 > most {
        return Err(Failure::new(Code::Usage, format!("'{what}' is longer than {most} bytes")).into());
    }
    let bad = |_| Failure::new(Code::Usage, format!("'{what}' is not UTF-8 text"));
    Ok(String::from_utf8(bytes).map_err(bad)?)
}
