//! The same work again: each attempt of the record in its order, by the programs that made it, compared as soon as it is
//! there.

use super::{beside::Beside, record::is_by_hand};
use crate::{output::Out, replayed::Replayed, review, turn::Turn};
use anyhow::Result;
use haco_core::{
    attempt::Attempt,
    code::Failure,
    cursor::Need,
    flags,
    id::TicketId,
    replay::{self, Difference, is_made_again},
    ticket::Ticket,
    verdict::{Verdict, latest},
};
use serde_json::Value;

/// The first difference; none where everything came out the same.
pub(super) fn all(beside: &Beside<'_>, out: &Out) -> Result<Option<Difference>> {
    for attempt in beside.record.attempts() {
        out.detail(format!("{}: attempt {}", beside.record.id, attempt.n));
        beside.stand_at(Some(attempt))?;
        let again = Again { beside, attempt };
        if let Some(found) = again.attempt()? {
            return Ok(Some(found));
        }
    }
    beside.stand_at(None)?;
    next(beside)
}

/// One attempt that is made again.
struct Again<'a> {
    beside: &'a Beside<'a>,
    attempt: &'a Attempt,
}

impl Again<'_> {
    fn attempt(&self) -> Result<Option<Difference>> {
        if let Some(found) = self.baseline()? {
            return Ok(Some(found));
        }
        let failure = self.draft()?;
        if let Some(found) = self.prompt("0-")? {
            return Ok(Some(found));
        }
        let failure = if self.was_verified() { self.step("haco-verify", &[])? } else { failure };
        let ticket = self.beside.ticket()?;
        let (n, recorded) = (self.attempt.n, self.beside.record.ticket());
        let Some(made) = ticket.attempt(n) else { return Ok(Some(self.not_made(failure))) };
        let found = replay::attempts(self.attempt, Some(made))
            .or_else(|| replay::verdicts(recorded, &ticket, self.attempt))
            .or_else(|| self.flags(&ticket));
        if found.is_some() {
            return Ok(found);
        }
        self.logs()?;
        self.audit()
    }

    /// The step with models answered from the record, at the time of the attempt.
    fn step(&self, program: &str, words: &[&str]) -> Result<Option<Failure>> {
        self.beside.prepare(&Replayed {
            record: Some(self.beside.record.desk.place.dir.clone()),
            now: Some(self.attempt.at.clone()),
            context: Some(self.context()?),
            ..Replayed::default()
        })?;
        self.beside.run(program, words)
    }

    /// What was measured before the call.
    fn context(&self) -> Result<Value> {
        let store = &self.beside.record.desk.store;
        let folder = format!("drafts/{}/{}", self.beside.record.id, self.attempt.n);
        let first = store.list(&folder)?.into_iter().find(|name| name.starts_with("0-"));
        let Some(first) = first else { return Ok(Value::default()) };
        let call = store.read(&format!("{folder}/{first}/call.json"))?.unwrap_or_default();
        let call: Value = serde_json::from_slice(&call).unwrap_or_default();
        Ok(call["context"].clone())
    }

    /// The checks on the base, where they are due.
    fn baseline(&self) -> Result<Option<Difference>> {
        let standing = Turn::of(&self.beside.desk()?, &self.beside.record.id)?.standing;
        if standing.need != Need::Baseline {
            return Ok(None);
        }
        self.step("haco-verify", &["--baseline"])?;
        let ticket = self.beside.ticket()?;
        let made = ticket.verdicts.iter().rev().find(|v| v.check == "baseline");
        let recorded = self.beside.record.ticket();
        let same = |v: &&Verdict| v.check == "baseline" && made.is_some_and(|m| m.subject == v.subject);
        let old = recorded.verdicts.iter().rev().find(same);
        Ok(old.and_then(|old| replay::judged(None, old, &ticket)))
    }

    /// The draft by whom it was made; one by hand is taken over.
    fn draft(&self) -> Result<Option<Failure>> {
        if self.attempt.repeats.is_some() {
            return Ok(None);
        }
        if is_by_hand(self.attempt) {
            let desk = self.beside.desk()?;
            let mut ticket = self.beside.ticket()?;
            ticket.attempts.push(self.attempt.clone());
            let plan = desk.store.plan(&ticket.plan)?;
            self.beside.put(plan, vec![ticket])?;
            return Ok(None);
        }
        let by = self.attempt.steps.first().map(|s| s.model.clone()).unwrap_or_default();
        let standing = Turn::of(&self.beside.desk()?, &self.beside.record.id)?.standing;
        // Who was named by hand is named again; whoever's turn it is comes by itself.
        let named = format!("--model={by}");
        match &standing.need {
            Need::Draft { model, .. } if *model != by => self.step("haco-worker", &[&named]),
            _ => self.step("haco-worker", &[]),
        }
    }

    fn was_verified(&self) -> bool {
        let refused = self.attempt.edits.is_some();
        self.attempt.candidate.is_some() || refused
    }

    /// The prompts of one step, round by round.
    fn prompt(&self, prefix: &str) -> Result<Option<Difference>> {
        let (record, desk) = (self.beside.record, self.beside.desk()?);
        let folder = format!("drafts/{}/{}", record.id, self.attempt.n);
        for name in desk.store.list(&folder)?.iter().filter(|name| name.starts_with(prefix)) {
            let path = format!("{folder}/{name}/prompt.md");
            let [old, new] = [record.desk.store.read(&path)?, desk.store.read(&path)?];
            let (Some(old), Some(new)) = (old, new) else { continue };
            let what = format!("the prompt of {name}");
            let found =
                replay::texts(self.attempt.n, &what, &String::from_utf8_lossy(&old), &String::from_utf8_lossy(&new));
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What is to be seen in the candidate; one by hand was not made again.
    fn flags(&self, made: &Ticket) -> Option<Difference> {
        if is_by_hand(self.attempt) {
            return None;
        }
        let lines = |ticket: &Ticket| {
            let all = flags::recorded(ticket, self.attempt).iter().map(flags::line);
            all.collect::<Vec<_>>().join("\n")
        };
        replay::texts(self.attempt.n, "the flags", &lines(self.beside.record.ticket()), &lines(made))
    }

    fn not_made(&self, failure: Option<Failure>) -> Difference {
        Difference {
            attempt: Some(self.attempt.n),
            what: "its draft".to_owned(),
            recorded: self.attempt.outcome.clone().unwrap_or_else(|| "made".to_owned()),
            replayed: failure.map_or_else(|| "not made".to_owned(), |f| f.message),
        }
    }

    /// What the next prompts quote is what was recorded: a log is never the same twice.
    fn logs(&self) -> Result<()> {
        let (from, to) = (&self.beside.record.desk.store, self.beside.desk()?.store);
        let folder = format!("evidence/{}/{}", self.beside.record.id, self.attempt.n);
        for name in from.list(&folder)? {
            if let Ok(Some(bytes)) = from.read(&format!("{folder}/{name}")) {
                to.write(&format!("{folder}/{name}"), &bytes)?;
            }
        }
        Ok(())
    }

    /// The verdicts of models about the candidate.
    fn audit(&self) -> Result<Option<Difference>> {
        let record = self.beside.record;
        let subject = review::subject_of(&record.loaded, record.ticket(), self.attempt);
        let verdicts = &record.ticket().verdicts;
        let by_model = |v: &&Verdict| v.model.is_some() && is_made_again(v) && Some(&v.subject) == subject.as_ref();
        let counts = |v: &&Verdict| latest(verdicts, &v.check, &v.subject).is_some_and(|last| std::ptr::eq(last, *v));
        for old in verdicts.iter().filter(by_model).filter(counts) {
            let judge = format!("--model={}", old.model.as_deref().unwrap_or_default());
            self.step("haco-audit", &[&judge])?;
            let ticket = self.beside.ticket()?;
            let found = self.prompt("1-")?.or_else(|| replay::judged(Some(self.attempt.n), old, &ticket));
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Whether what comes next is what came next.
fn next(beside: &Beside<'_>) -> Result<Option<Difference>> {
    let id = &beside.record.id;
    let recorded = need(&beside.record.loaded, beside.record.desk, id);
    let desk = beside.desk()?;
    let replayed = need(&desk.load_ticket(id)?, &desk, id);
    Ok((recorded != replayed).then(|| Difference {
        attempt: None,
        what: "what is next".to_owned(),
        recorded: said(recorded.as_ref()),
        replayed: said(replayed.as_ref()),
    }))
}

fn need(loaded: &crate::desk::Loaded, desk: &crate::desk::Desk, id: &TicketId) -> Option<Need> {
    desk.position(loaded).standings.remove(id).map(|standing| standing.need)
}

fn said(need: Option<&Need>) -> String {
    match need {
        None => "nothing".to_owned(),
        Some(Need::Draft { model, attempt, .. }) => format!("try {attempt} of '{model}'"),
        Some(Need::Blocked(block)) => format!("{}: {}", block.code, block.why),
        Some(other) => format!("{other:?}"),
    }
}
