//! The two streams: stdout carries the answer and nothing else, stderr carries progress and messages.

use crate::exit::Outcome;
use clap::{Args, ValueEnum};
use haco_core::{
    code::{Code, Failure, Status},
    cursor,
    id::TicketId,
    secret,
    verdict::Finding,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};
use std::io::{self, BufWriter, IsTerminal, Write};

/// The options that all six programs share.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Print exactly one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing on stderr but failures
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on stderr
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// When to use colour; NO_COLOR turns it off
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Where a program's words go.
#[derive(Debug)]
pub struct Out {
    program: &'static str,
    stdout: BufWriter<io::Stdout>,
    json: bool,
    quiet: bool,
    verbose: bool,
    color: bool,
}

impl Out {
    /// The process's own streams.
    pub fn new(program: &'static str, common: &Common) -> Out {
        let terminal = io::stdout().is_terminal();
        let wanted = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Out {
            program,
            stdout: BufWriter::new(io::stdout()),
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            color: wanted,
        }
    }

    /// Whether `--json` was given: the answer is one object at the end.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether `-q` was given.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether `-v` was given.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether stdout shows colour.
    pub fn has_color(&self) -> bool {
        self.color
    }

    /// Whether a person can be asked: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// One line of the answer; nothing with `--json`.
    pub fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(self.stdout, "{}", text.as_ref()) }
    }

    /// Bytes of the answer as they are; nothing with `--json`.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.json { Ok(()) } else { self.stdout.write_all(bytes) }
    }

    /// Text of the answer: as it is, but on a terminal nothing in it steers the screen; nothing with `--json`.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        if io::stdout().is_terminal() { self.bytes(shown(text).as_bytes()) } else { self.bytes(text.as_bytes()) }
    }

    /// One JSON line of a stream, whatever the options, at once.
    pub fn json_line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.stdout, "{value}")?;
        self.stdout.flush()
    }

    /// Progress, for people; nothing with `-q`.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.stderr(&format!("{}\n", shown(text.as_ref())));
        }
    }

    /// Progress in detail; only with `-v`.
    pub fn detail(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.say(text);
        }
    }

    /// A state that the next one takes the place of, and nothing at last; on a terminal alone, and where nothing else
    /// tells it.
    pub fn state(&self, text: &str) {
        if !self.quiet && !self.verbose && io::stderr().is_terminal() {
            self.stderr(&format!("\r\u{1b}[K{}", shown(text)));
        }
    }

    /// Text for another program, or for a model: as it is but on a terminal, and also with `-q`.
    pub fn verbatim(&self, text: &str) {
        if io::stderr().is_terminal() { self.stderr(&shown(text)) } else { self.stderr(text) }
    }

    /// A question, without a line end.
    pub fn ask(&self, text: &str) {
        self.stderr(&shown(text));
    }

    /// A failure: program first, then the hint on a line of its own.
    pub fn problem(&self, failure: &Failure) {
        let mut text = format!("{}: {}\n", self.program, shown(&secret::redact(&failure.message)));
        if let Some(fix) = &failure.fix {
            text.push_str(&format!("hint: {}\n", shown(&secret::redact(fix))));
        }
        self.stderr(&text);
    }

    /// What nobody asked for but should know.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.stderr(&format!("{}: warning: {}\n", self.program, shown(&secret::redact(text.as_ref()))));
    }

    /// A stderr that is closed is nobody's failure.
    fn stderr(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// The one object of `--json`.
    pub fn object(&mut self, outcome: &Outcome) -> io::Result<()> {
        let text = serde_json::to_string(&Answer(outcome)).map_err(io::Error::other)?;
        writeln!(self.stdout, "{text}")
    }

    /// From here on as with `--json`.
    pub fn as_json(&mut self) {
        self.json = true;
    }

    /// Everything that was printed has arrived, or it is an error.
    pub fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }

    /// Ends the process from a place that cannot return.
    pub fn abort(&self, status: Status) -> ! {
        std::process::exit(i32::from(status.number()))
    }
}

/// What `--json` prints of an outcome.
struct Answer<'a>(&'a Outcome);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outcome { json, list, failure, .. } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema_version", &1)?;
        map.serialize_entry("ok", &failure.is_none())?;
        let fix = failure.as_ref().and_then(|failure| failure.fix.as_deref());
        // What a program says beside its failure never stands in the failure's place.
        let taken = |key: &str| failure.is_some() && matches!(key, "error" | "code") || fix.is_some() && key == "fix";
        json.iter().filter(|(key, _)| !taken(key)).try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        if let Some(failure) = failure {
            map.serialize_entry("error", &secret::redact(&failure.message))?;
            map.serialize_entry("code", failure.code.as_str())?;
        }
        fix.iter().try_for_each(|fix| map.serialize_entry("fix", &secret::redact(fix)))?;
        list.iter().try_for_each(|(key, rows)| map.serialize_entry(key, rows))?;
        map.end()
    }
}

/// Text that something else wrote, fit for a terminal: control characters but line ends and tabs become visible.
pub fn shown(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        c if c.is_control() || is_bidi(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    text.chars().map(visible).collect()
}

/// Characters that make text look like other text (Trojan source).
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// The answers of a program that takes several tickets: each prints its id where it is yes; the worst decides the end.
#[derive(Debug, Default)]
pub struct Tally {
    tickets: Vec<Value>,
    worst: Option<Failure>,
}

/// What one ticket's answer is, for `--json`.
#[derive(Debug, Default)]
pub struct Answered {
    /// Where the ticket stands afterwards.
    pub status: Option<cursor::Status>,
    /// `pass`, `fail` or `blocked`.
    pub verdict: Option<String>,
    /// Which attempt.
    pub attempt: Option<u32>,
    /// What should be seen in the candidate.
    pub flags: Vec<Finding>,
    /// Why the answer is not yes.
    pub failure: Option<Failure>,
}

impl Tally {
    /// Takes one ticket's answer: its id on stdout where it is yes, else the failure on stderr.
    pub fn take(&mut self, out: &mut Out, id: &TicketId, answered: Answered) -> io::Result<()> {
        let mut entry = json!({"id": id});
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                entry[key] = value;
            }
        };
        set("status", answered.status.map(|s| json!(s)));
        set("verdict", answered.verdict.map(Value::from));
        set("attempt", answered.attempt.map(Value::from));
        set("flags", (!answered.flags.is_empty()).then(|| json!(answered.flags)));
        set("code", answered.failure.as_ref().map(|f| json!(f.code.as_str())));
        set("error", answered.failure.as_ref().map(|f| json!(f.message)));
        self.tickets.push(entry);
        match answered.failure {
            None => {
                out.line(id.as_str())?;
                // The next program of a pipe begins with this id at once.
                out.flush()
            }
            Some(failure) => {
                out.problem(&failure);
                let ranks = |f: &Failure| failure.code.status().worse(f.code.status()) != f.code.status();
                if self.worst.as_ref().is_none_or(ranks) {
                    self.worst = Some(failure);
                }
                Ok(())
            }
        }
    }

    /// The end: yes where every ticket was.
    pub fn end(self) -> crate::exit::Outcome {
        let none = self.tickets.is_empty().then(|| Failure::new(Code::NoIds, "no ids came in").fix("haco list --ids"));
        let said = self.worst.is_some();
        let outcome = crate::exit::Outcome { failure: self.worst.or(none), said, ..crate::exit::Outcome::yes() };
        outcome.with("tickets", self.tickets)
    }
}
