//! The record of one ticket, checked before anything is believed of it: the journal's chain, the files that it names, and
//! prompts and replies by their hashes.

use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Step},
    code::{Code, Failure},
    hash::Hash,
    id::TicketId,
    plan::Plan,
    replay::{self, Difference},
    settings::SUPERVISOR,
    ticket::Ticket,
};

/// One ticket's record.
pub(super) struct Record<'a> {
    pub(super) desk: &'a Desk,
    pub(super) loaded: Loaded,
    pub(super) id: TicketId,
}

impl<'a> Record<'a> {
    /// Reads it; a ticket without an attempt at its contract has nothing to replay.
    pub(super) fn of(desk: &'a Desk, id: TicketId) -> Result<Record<'a>> {
        if desk.replayed.is_some() {
            let failure = Failure::new(Code::IllegalStep, "this is a replay, and it is not replayed again");
            return Err(failure.fix(format!("haco show {id} --full")).into());
        }
        desk.store.ticket(&id)?;
        desk.store.journal().verify()?;
        let loaded = desk.load_ticket(&id)?;
        desk.store.check_all(loaded.tickets.keys(), &loaded.ticket(&id)?.plan)?;
        let record = Record { desk, loaded, id };
        if record.attempts().next().is_none() {
            let failure =
                Failure::new(Code::NothingLeft, format!("{}: no attempt was made for its contract", record.id));
            return Err(failure.fix("haco next").into());
        }
        Ok(record)
    }

    pub(super) fn ticket(&self) -> &Ticket {
        self.loaded.tickets.get(&self.id).expect("its plan was loaded with it")
    }

    pub(super) fn plan(&self) -> &Plan {
        self.loaded.plans.get(&self.ticket().plan).expect("it was loaded with its ticket")
    }

    /// The attempts at the contract of now.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        replay::replayable(self.ticket())
    }

    /// The first prompt or reply that is not the one that was recorded.
    pub(super) fn tampered(&self) -> Result<Option<Difference>> {
        for attempt in self.attempts().filter(|a| a.repeats.is_none()) {
            for (i, step) in attempt.steps.iter().enumerate() {
                let reply = step.draft.as_ref().map(|d| &d.sha256);
                for (name, recorded) in [("prompt.md", step.prompt.as_ref()), ("reply.md", reply)] {
                    let Some(recorded) = recorded else { continue };
                    if let Some(found) = self.wrong(attempt.n, (i, step), name, recorded)? {
                        return Ok(Some(found));
                    }
                }
            }
        }
        Ok(None)
    }

    fn wrong(&self, n: u32, (i, step): (usize, &Step), name: &str, recorded: &Hash) -> Result<Option<Difference>> {
        let folder = format!("drafts/{}/{n}", self.id);
        let first = format!("{i}-{}", step.role);
        let mut found = None;
        for round in self.desk.store.list(&folder)?.iter().filter(|n| n.starts_with(&first)) {
            let bytes = self.desk.store.read(&format!("{folder}/{round}/{name}"))?;
            let hash = bytes.map(|bytes| Hash::of(&bytes));
            if hash.as_ref() == Some(recorded) {
                return Ok(None);
            }
            found = found.or(hash);
        }
        Ok(Some(Difference {
            attempt: Some(n),
            what: format!(".haco/{folder}/{first}/{name}"),
            recorded: recorded.to_string(),
            replayed: found.map_or_else(|| "no file".to_owned(), |hash| hash.to_string()),
        }))
    }
}

/// Whether a person's or the supervisor's own edit is the draft: nothing can draft it again.
pub(super) fn is_by_hand(attempt: &Attempt) -> bool {
    attempt.repeats.is_none() && attempt.author() == Some(SUPERVISOR)
}
