//! How every program begins and ends: the same options, the same failure on stderr or in JSON, the status that is the
//! verdict. Nothing below calls `exit`.

use crate::{
    confined,
    output::{Common, Out},
};
use anyhow::Result;
use clap::Parser;
use haco_core::code::{Code, Failure, Status};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use std::{io, process::ExitCode};

/// What a program answers: what `--json` shows, and what it failed at, where it did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Beside `schema_version` and `ok`.
    pub json: Map<String, Value>,
    /// A long list of `--json` under its name, as JSON already: no tree of values is built for it.
    pub list: Option<(&'static str, Box<RawValue>)>,
    /// Why the answer is not yes.
    pub failure: Option<Failure>,
    /// Whether the failure was said on stderr already.
    pub said: bool,
    /// The exit status, where it is not the failure's: that of a command which haco ran in its own place.
    pub status: Option<u8>,
}

impl Outcome {
    /// Yes.
    pub fn yes() -> Outcome {
        Outcome::default()
    }

    /// No, or not possible.
    pub fn no(failure: Failure) -> Outcome {
        Outcome { failure: Some(failure), ..Outcome::default() }
    }

    /// The same with one more field of `--json`.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Outcome {
        self.json.insert(key.to_owned(), value.into());
        self
    }

    /// The same with a long list in `--json`.
    pub fn with_list(self, key: &'static str, rows: &[impl Serialize]) -> Outcome {
        let rows = serde_json::value::to_raw_value(rows).expect("rows hold only JSON values");
        Outcome { list: Some((key, rows)), ..self }
    }
}

/// What the arguments of every program have.
pub trait Program: Parser {
    /// The options that all six share.
    fn common(&self) -> &Common;
}

/// Parses, runs, and turns the answer into streams and an exit status.
pub fn main<A: Program>(program: &'static str, run: impl FnOnce(A, &mut Out) -> Result<Outcome>) -> ExitCode {
    panic_is_a_bug(program);
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(program, error),
    };
    let mut out = Out::new(program, args.common());
    let failed = |error: &anyhow::Error| Outcome { said: is_broken_pipe(error), ..Outcome::no(failure_of(error)) };
    let outcome = run(args, &mut out).unwrap_or_else(|error| failed(&error));
    ExitCode::from(end(&mut out, outcome))
}

/// The same for a program that asks models: it may have been started as the child that does so.
pub fn asking<A: Program>(program: &'static str, run: impl FnOnce(A, &mut Out) -> Result<Outcome>) -> ExitCode {
    panic_is_a_bug(program);
    confined::lived().unwrap_or_else(|| main(program, run))
}

/// Prints the failure or the JSON answer and flushes; a stdout that cannot take it is a failure of its own.
fn end(out: &mut Out, outcome: Outcome) -> u8 {
    let verdict = outcome.failure.as_ref().map_or(Status::Yes, |f| f.code.status());
    let status = outcome.status.unwrap_or(verdict.number());
    let printed = if out.is_json() { out.object(&outcome) } else { Ok(()) };
    if let (Some(failure), false) = (&outcome.failure, outcome.said) {
        out.problem(failure);
    }
    match printed.and_then(|()| out.flush()) {
        Ok(()) => status,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Io.number(),
        Err(error) => {
            out.problem(&Failure::new(Code::Io, format!("cannot write the answer: {error}")));
            Status::Io.number()
        }
    }
}

/// The failure inside an error: ours, else the disk's, else a bug.
pub fn failure_of(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.chain().find_map(|e| e.downcast_ref::<Failure>()) {
        return failure.clone();
    }
    let code = if error.chain().any(|e| e.is::<io::Error>()) { Code::Io } else { Code::Bug };
    Failure::new(code, format!("{error:#}").replace('\n', " "))
}

/// Whether an error is a reader that went away, which is no message's business.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|e| e.downcast_ref::<io::Error>()).any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn usage(program: &'static str, error: clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|a| a == "--json");
    if error.use_stderr() && wants_json {
        let mut out = Out::new(program, &Common { json: true, ..Common::default() });
        let line = error.to_string();
        let first = line.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let failure = Failure::new(Code::Usage, first).fix(format!("{program} --help"));
        return ExitCode::from(end(&mut out, Outcome { said: true, ..Outcome::no(failure) }));
    }
    let status = if error.use_stderr() { Status::Usage } else { Status::Yes };
    match error.print() {
        Ok(()) => ExitCode::from(status.number()),
        Err(_) => ExitCode::from(Status::Io.number()),
    }
}

/// A panic is one line and status 70, in whatever profile.
fn panic_is_a_bug(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        let text = panic.payload();
        let words = text.downcast_ref::<&str>().copied().or_else(|| text.downcast_ref::<String>().map(String::as_str));
        let out = Out::new(program, &Common::default());
        let message = format!("a bug{place}: {}", words.unwrap_or("panic").replace('\n', " "));
        out.problem(&Failure::new(Code::Bug, message));
        out.abort(Status::Bug);
    }));
}
