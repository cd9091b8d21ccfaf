//! haco log: show what happened.

use super::text::{cut, one_line};
use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    id::{PlanId, TicketId},
    journal::Line,
};
use haco_store::Store;
use serde_json::{Value, json};
use std::{
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

/// How many lines a person gets.
const SHORT: usize = 10;
/// How often a growing journal is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Show what happened
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on with what happens from now, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// Only about this ticket
    #[arg(long, value_name = "TICKET")]
    ticket: Option<TicketId>,
    /// Only about this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<PlanId>,
    /// At most so many, the latest; 0 for all [default: 10 for people, else all]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    // The end is measured first: what happens while the past is read is then shown by following.
    let tail = Tail::at_end(desk.place.dir.join("journal.jsonl"))?;
    let (lines, total) = past(&desk.store, &args, out.is_json())?;
    if out.is_json() && !args.follow {
        let events = lines.iter().map(serde_json::to_value).collect::<Result<Vec<Value>, _>>()?;
        let outcome = Outcome::yes().with("total", total).with("truncated", events.len() < total);
        return Ok(outcome.with("events", events));
    }
    lines.iter().try_for_each(|line| print(out, line))?;
    out.flush()?;
    if args.follow {
        follow(tail, lines.last().map_or(0, |l| l.seq), &args, out)?;
    } else if lines.len() < total {
        out.say(format!("… and {} before: haco log --limit 0", total - lines.len()));
    }
    Ok(Outcome::yes())
}

/// What happened already, the oldest first, and how much of it there is.
fn past(store: &Store, args: &Args, json: bool) -> Result<(Vec<Line>, usize)> {
    let mut lines = store.journal().lines()?;
    lines.retain(|line| about(line, args));
    let total = lines.len();
    let keep = match args.limit {
        Some(0) => total,
        Some(n) => n.min(total),
        None if json => total,
        None => total.min(SHORT),
    };
    Ok((lines.split_off(total - keep), total))
}

fn about(line: &Line, args: &Args) -> bool {
    let names = |path: String| line.files.iter().any(|f| f.path == path);
    let ticket = |id: &TicketId| line.ticket.as_ref() == Some(id) || names(format!("tickets/{id}.json"));
    let plan = |id: &PlanId| line.plan.as_ref() == Some(id) || names(format!("plans/{id}/plan.json"));
    args.ticket.as_ref().is_none_or(ticket) && args.plan.as_ref().is_none_or(plan)
}

fn print(out: &mut Out, line: &Line) -> io::Result<()> {
    if out.is_json() { out.json_line(&json!(line)) } else { out.line(text(line)) }
}

/// `2026-01-01T00:00:00Z  harness  verified T-001  {…}`
fn text(line: &Line) -> String {
    let subject = line.ticket.as_ref().map(TicketId::as_str).or(line.plan.as_ref().map(PlanId::as_str));
    let data = if line.data.is_null() { String::new() } else { format!("  {}", cut(&line.data.to_string(), 120)) };
    let what = [one_line(&line.event), subject.unwrap_or_default().to_owned()];
    let what = what.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    let what = if what.is_empty() { line.files.iter().map(|f| one_line(&f.path)).collect() } else { what };
    format!("{}  {:10}  {what}{data}", one_line(&line.at), one_line(&line.actor))
}

/// Prints what is appended, until the reader goes away.
fn follow(mut tail: Tail, mut seen: u64, args: &Args, out: &mut Out) -> Result<()> {
    loop {
        let new = tail.read()?;
        if new.cut {
            out.warn("the journal became shorter; going on from its beginning");
            seen = 0;
        }
        for bytes in &new.lines {
            let broken = |why| Failure::new(Code::JournalBroken, format!("'.haco/journal.jsonl': {why}"));
            let line = Line::parse(bytes).map_err(broken)?;
            if line.seq > seen && about(&line, args) {
                print(out, &line)?;
            }
            seen = seen.max(line.seq);
        }
        out.flush()?;
        sleep(PAUSE);
    }
}

/// A file that grows, read by whole lines.
struct Tail {
    path: PathBuf,
    at: u64,
}

/// What a growing file brought.
struct New {
    lines: Vec<Vec<u8>>,
    /// It is shorter than it was.
    cut: bool,
}

impl Tail {
    fn at_end(path: PathBuf) -> Result<Tail> {
        let at = whole(&path, 0)?.iter().map(|line| line.len() as u64).sum();
        Ok(Tail { path, at })
    }

    /// The whole lines behind the last one that was read; what has no end yet is left for later.
    fn read(&mut self) -> Result<New> {
        let length = fs_err::metadata(&self.path).map_or(0, |m| m.len());
        let cut = length < self.at;
        if cut {
            self.at = 0;
        }
        let lines = if length > self.at { whole(&self.path, self.at)? } else { Vec::new() };
        self.at += lines.iter().map(|line| line.len() as u64).sum::<u64>();
        Ok(New { lines, cut })
    }
}

/// The whole lines of a file from `at` on.
fn whole(path: &Path, at: u64) -> Result<Vec<Vec<u8>>> {
    let mut file = fs_err::File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let lines = bytes.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n"));
    Ok(lines.map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail() -> (tempfile::TempDir, Tail) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("journal.jsonl");
        fs_err::write(&path, "one\n").expect("writes");
        let tail = Tail::at_end(path).expect("opens");
        (dir, tail)
    }

    #[test]
    fn only_whole_new_lines_are_taken() {
        let (_dir, mut tail) = tail();
        assert!(tail.read().expect("reads").lines.is_empty());
        fs_err::write(&tail.path, "one\ntwo\nthr").expect("writes");
        assert_eq!(tail.read().expect("reads").lines, [b"two\n"]);
        fs_err::write(&tail.path, "one\ntwo\nthree\n").expect("writes");
        assert_eq!(tail.read().expect("reads").lines, [b"three\n"]);
    }

    #[test]
    fn a_torn_end_that_is_cut_off_is_no_truncation_and_a_shorter_journal_is() {
        let (_dir, mut tail) = tail();
        fs_err::write(&tail.path, "one\nto").expect("writes");
        tail.read().expect("reads");
        fs_err::write(&tail.path, "one\n").expect("writes");
        assert!(!tail.read().expect("reads").cut);
        fs_err::write(&tail.path, "x\n").expect("writes");
        let new = tail.read().expect("reads");
        assert!(new.cut);
        assert_eq!(new.lines, [b"x\n"]);
    }
}
