//! haco-audit: a verdict on a candidate that passed its checks, from a model, the supervisor or a person, and never from
//! the author of the draft.
//!
//! `model` asks one, `person` another, `record` stores what they said; `review` makes the prompt.

mod model;
mod person;
mod record;
#[cfg(test)]
mod tests;

use crate::{
    desk::Desk,
    exit::{Outcome, Program, failure_of},
    input,
    output::{Answered, Common, Out, Tally},
    review::{self, Due},
    turn::{self, Turn},
};
use anyhow::Result;
use clap::Parser;
use haco_core::{
    audit::{Audit, Judge, judge},
    code::{Code, Failure},
    cursor::Action,
    id::TicketId,
    settings::{HUMAN, SUPERVISOR, Settings},
    ticket::Ticket,
};
use record::By;

/// The longest answer that is read, in bytes.
const MOST: u64 = 1 << 20;

/// Audit candidates that passed their checks
#[derive(Debug, Parser)]
#[command(name = "haco-audit", version)]
pub struct Args {
    /// Tickets to audit (T-001); without any, ids on stdin, one a line
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Take the supervisor's verdict on one ticket from a file, or from stdin for '-'
    #[arg(long, value_name = "FILE")]
    verdict: Option<String>,
    /// Print the prompt that an auditor answers, and change nothing
    #[arg(long, conflicts_with = "verdict")]
    prompt: bool,
    /// Ask this model; without it, the first of roles.auditor that did not write the draft
    #[arg(long, value_name = "NAME", conflicts_with_all = ["verdict", "prompt"])]
    model: Option<String>,
    #[command(flatten)]
    common: Common,
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// One ticket whose audit is due.
struct Case<'a> {
    desk: &'a Desk,
    id: &'a TicketId,
    turn: Turn,
    due: Due,
}

/// Audits, or shows what an auditor is asked.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    if let Some(file) = &args.verdict {
        let id = only(&args.ids, "--verdict")?;
        return answers([Ok(id)].into_iter(), out, |desk, id, _| supervisor(desk, id, file));
    }
    if args.prompt {
        return show(&only(&args.ids, "--prompt")?, out);
    }
    let ids = input::ids(args.ids, || turn::offered(&Desk::open()?, Action::Audit))?;
    let model = args.model.as_deref();
    answers(ids, out, |desk, id, out| one(desk, id, model, out))
}

fn answers(
    ids: impl Iterator<Item = Result<TicketId>>,
    out: &mut Out,
    mut ask: impl FnMut(&Desk, &TicketId, &Out) -> Result<Answered>,
) -> Result<Outcome> {
    let desk = Desk::open()?;
    let mut tally = Tally::default();
    for id in ids {
        let id = id?;
        let said = ask(&desk, &id, out);
        let mut answered =
            said.unwrap_or_else(|error| Answered { failure: Some(failure_of(&error)), ..Answered::default() });
        answered.status = Turn::of(&desk, &id).ok().map(|turn| turn.status());
        tally.take(out, &id, answered)?;
    }
    Ok(tally.end())
}

fn only(ids: &[String], option: &str) -> Result<TicketId> {
    match ids {
        [one] => input::id(one),
        _ => {
            let failure = Failure::new(Code::Usage, format!("'{option}' takes exactly one ticket"));
            Err(failure.fix("haco next").into())
        }
    }
}

fn case<'a>(desk: &'a Desk, id: &'a TicketId, turn: Turn) -> Result<Case<'a>> {
    let due = review::due(desk, &turn.loaded, turn.loaded.ticket(id)?, &turn.standing);
    let due = due.ok_or_else(|| turn::refusal(id, &turn.standing, "an audit"))?;
    Ok(Case { desk, id, turn, due })
}

impl Case<'_> {
    fn ticket(&self) -> Result<&Ticket> {
        self.turn.loaded.ticket(self.id)
    }

    /// The route's entry that drafted.
    fn author(&self) -> Result<Option<String>> {
        let attempt = self.ticket()?.attempt(self.due.attempt);
        Ok(attempt.and_then(|a| a.author()).map(str::to_owned))
    }

    /// What an answer says, held against the contract and the candidate's files; else why it is none.
    fn read(&self, text: &str) -> Result<std::result::Result<Audit, String>> {
        let ticket = self.ticket()?;
        let repo = self.desk.repo()?;
        let (base, tree) = review::trees(self.desk, &self.turn.loaded, ticket)?;
        let lines_of = |file: &str| {
            let found = [&tree, &base].into_iter().find_map(|t| repo.read(t, file).ok().flatten());
            found.map(|(_, bytes)| String::from_utf8_lossy(&bytes).lines().count())
        };
        let criteria = ticket.definition_of_done.acceptance_criteria.len();
        Ok(haco_core::audit::read(text, criteria, lines_of))
    }
}

fn show(id: &TicketId, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let case = case(&desk, id, Turn::of(&desk, id)?)?;
    let prompt = review::prompt(&desk, &case.turn.loaded, id)?;
    out.text(&prompt)?;
    Ok(Outcome::yes().with("prompt", prompt))
}

/// The verdict of whoever's turn it is.
fn one(desk: &Desk, id: &TicketId, model: Option<&str>, out: &Out) -> Result<Answered> {
    let _step = turn::hold(desk, id)?;
    let turn = Turn::of(desk, id)?;
    if let (true, Some(n)) = (turn.standing.audited, turn.standing.attempt) {
        out.say(format!("{id}: attempt {n} already passed its audit"));
        return Ok(Answered { verdict: Some("pass".to_owned()), attempt: Some(n), ..Answered::default() });
    }
    let case = case(desk, id, turn)?;
    match who(&case, model)? {
        Judge::Model(name) => model::audit(&case, &name, out),
        judge if out.can_ask() => person::audit(&case, judge, out),
        Judge::Supervisor => {
            let why = format!("{id}: the supervising agent audits it; 'haco-audit {id} --verdict -' takes its answer");
            Err(Failure::new(Code::NeedsSupervisor, why).fix(format!("haco-audit {id} --prompt")).into())
        }
        Judge::Person => {
            let failure = Failure::new(Code::NeedsPerson, format!("{id}: a person must audit it at a terminal"));
            Err(failure.fix(format!("haco-audit {id}")).into())
        }
    }
}

/// The judge by the route, or the model that was named, where it may.
fn who(case: &Case<'_>, model: Option<&str>) -> Result<Judge> {
    let author = case.author()?;
    let settings = &case.desk.settings;
    let Some(name) = model else { return Ok(judge(settings, author.as_deref())) };
    let alone = Settings { auditor: vec![name.to_owned()], ..settings.clone() };
    match judge(&alone, author.as_deref()) {
        Judge::Person if name != HUMAN => Err(same_author(case.id, name).into()),
        judge => Ok(judge),
    }
}

fn same_author(id: &TicketId, who: &str) -> Failure {
    let why = format!("{id}: '{who}' wrote the draft and may not audit it; another of the route may, or a person");
    Failure::new(Code::SameAuthor, why).fix(format!("haco-audit {id}"))
}

/// The supervisor's own answer; a malformed one is not recorded.
fn supervisor(desk: &Desk, id: &TicketId, file: &str) -> Result<Answered> {
    let text = input::file_or_stdin(file, MOST)?;
    let _step = turn::hold(desk, id)?;
    let case = case(desk, id, Turn::of(desk, id)?)?;
    if case.author()?.as_deref() == Some(SUPERVISOR) {
        return Err(same_author(id, SUPERVISOR).into());
    }
    if !desk.settings.auditor.iter().any(|entry| entry == SUPERVISOR) {
        let why = format!("{id}: the auditor's route does not name the supervisor");
        return Err(Failure::new(Code::IllegalStep, why).fix(format!("haco-audit {id}")).into());
    }
    let bad = |why: String| {
        let failure = Failure::new(Code::BadVerdict, format!("{id}: the verdict is malformed: {why}"));
        failure.fix(format!("haco-audit {id} --prompt"))
    };
    let audit = case.read(&text)?.map_err(bad)?;
    record::audit(&case, audit, &By::Supervisor, None)
}
