//! haco diff: show a candidate's change.

use super::text::{candidate, many, one_line};
use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    ground, input,
    output::{Out, shown},
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Candidate},
    code::{Code, Failure},
    cursor::due,
    id::TicketId,
    oid::{Change, Oid},
};
use std::io::{self, IsTerminal};

/// Show a candidate's change
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A ticket's id
    #[arg(value_name = "TICKET")]
    id: String,
    /// Which attempt's candidate [default: the one that counts, else the latest]
    #[arg(value_name = "ATTEMPT")]
    attempt: Option<u32>,
    /// Name files and count lines instead
    #[arg(long)]
    stat: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let id = input::id(&args.id)?;
    let desk = Desk::open()?;
    let loaded = desk.load_ticket(&id)?;
    let (attempt, candidate) = chosen(&desk, &loaded, &id, args.attempt)?;
    let (from, to) = (base(&desk, &loaded, &id, attempt)?, &candidate.tree);
    let stat = desk.repo()?.diff_stat(&from, to)?;
    let counts = Outcome::yes().with("attempt", attempt.n).with("commit", candidate.commit.as_str());
    let counts = counts.with("base", from.as_str()).with("files", stat.files);
    let counts = counts.with("added", stat.added).with("removed", stat.removed);
    if args.stat {
        candidate.change.iter().try_for_each(|change| out.line(named(change)))?;
        let files = many(stat.files, "file");
        out.line(format!("{files}, {} added, {} removed", many(stat.added, "line"), stat.removed))?;
        return Ok(counts);
    }
    let diff = desk.repo()?.diff(&from, to)?;
    if out.is_json() {
        return Ok(counts.with("diff", String::from_utf8_lossy(&diff).into_owned()));
    }
    match io::stdout().is_terminal() {
        true => visible(&diff, out)?,
        false => out.bytes(&diff)?,
    }
    Ok(counts)
}

/// The attempt that was asked for, with its candidate.
fn chosen<'a>(desk: &Desk, loaded: &'a Loaded, id: &TicketId, n: Option<u32>) -> Result<(&'a Attempt, &'a Candidate)> {
    let ticket = loaded.ticket(id)?;
    let position = desk.position(loaded);
    let standing = position.standings.get(id);
    let Some(n) = n else {
        let none = || {
            let (why, fix) = standing.map_or_else(Default::default, |s| due(id, s));
            Failure::new(Code::IllegalStep, format!("{id} has no candidate yet: {why}")).fix(fix)
        };
        return Ok(candidate(ticket, standing).ok_or_else(none)?);
    };
    let failed = |code, why: String| Failure::new(code, why).fix(format!("haco show {id}"));
    let attempt = ticket.attempt(n).ok_or_else(|| failed(Code::UnknownId, format!("{id} has no attempt {n}")))?;
    let none = || {
        let why = attempt.outcome.as_deref().unwrap_or("it is under way");
        failed(Code::IllegalStep, format!("attempt {n} of {id} has no candidate: {}", one_line(why)))
    };
    Ok((attempt, attempt.candidate.as_ref().ok_or_else(none)?))
}

/// What the attempt started from; a base that united several candidates is made again where it is gone.
fn base(desk: &Desk, loaded: &Loaded, id: &TicketId, attempt: &Attempt) -> Result<Oid> {
    if desk.repo()?.has(&attempt.base) {
        return Ok(attempt.base.clone());
    }
    let plan = loaded.plan_of(loaded.ticket(id)?)?;
    ground::base_commit(desk, plan, &loaded.tickets, &attempt.on)
}

/// One path and what happens to it.
fn named(change: &Change) -> String {
    let what = match (&change.old, &change.new) {
        (None, _) => "new",
        (_, None) => "deleted",
        _ => "changed",
    };
    format!("{what:7}  {}", one_line(&change.path))
}

/// A diff for a terminal: nothing in it steers the screen.
fn visible(diff: &[u8], out: &mut Out) -> io::Result<()> {
    let text = String::from_utf8_lossy(diff);
    for line in text.split_inclusive('\n') {
        let line = shown(line);
        match colour(&line).filter(|_| out.has_color()) {
            Some(colour) => {
                out.bytes(format!("\u{1b}[{colour}m{}\u{1b}[m\n", line.trim_end_matches('\n')).as_bytes())?
            }
            None => out.bytes(line.as_bytes())?,
        }
    }
    Ok(())
}

fn colour(line: &str) -> Option<u8> {
    match line.as_bytes().first() {
        Some(b'+') if !line.starts_with("+++ ") => Some(32),
        Some(b'-') if !line.starts_with("--- ") => Some(31),
        Some(b'@') => Some(36),
        _ => None,
    }
}
