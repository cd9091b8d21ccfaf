//! Whether a state file is as the journal says: the bytes of its latest line's `after`, or of its `before` where the file
//! that the interrupted write staged still lies beside it. Anything else was written by somebody else; so was `before`
//! without that proof, for then somebody put an older file back.

use crate::{
    Result, Store, lock,
    parse::{plan_path, ticket_path},
    stage,
    store::{no_plan, no_ticket},
    tx::{no_file, split_path},
};
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    id::{PlanId, TicketId},
    journal::{Event, FileChange, Line},
};
use std::collections::BTreeMap;

/// A state file that somebody else wrote.
pub(crate) struct Foreign {
    pub(crate) path: String,
    /// It is what the file was before the journal's latest change to it.
    pub(crate) older: bool,
}

impl Foreign {
    /// What follows the sentence that somebody else changed the file.
    pub(crate) fn which(&self) -> &'static str {
        if self.older { ": it is an older state than the journal's" } else { "" }
    }
}

impl Store {
    /// Fails with `foreign_write` where somebody else wrote the ticket's file.
    pub fn check(&self, id: &TicketId) -> Result<()> {
        self.check_path(&ticket_path(id))
    }

    /// Fails with `foreign_write` where somebody else wrote the plan's file.
    pub fn check_plan(&self, id: &PlanId) -> Result<()> {
        self.check_path(&plan_path(id))
    }

    /// Fails with `foreign_write` where somebody else wrote the plan's file or one of `tickets`; one walk through the
    /// journal for all.
    pub fn check_all<'a>(&self, tickets: impl Iterator<Item = &'a TicketId>, plan: &PlanId) -> Result<()> {
        let paths = tickets.map(ticket_path).chain([plan_path(plan)]);
        let now: Result<_> = paths.map(|path| stage::hash(self.top(), &path).map(|hash| (path, hash))).collect();
        self.refuse(self.foreign_unlocked(now?)?.first())
    }

    fn check_path(&self, path: &str) -> Result<()> {
        let now = stage::hash(self.top(), path)?;
        self.refuse(self.foreign_unlocked(BTreeMap::from([(path.to_owned(), now)]))?.first())
    }

    /// Compares what was read of several files, whose locks are held, with one walk through the journal.
    pub(crate) fn check_hashes(&self, now: &BTreeMap<String, Option<Hash>>) -> Result<()> {
        self.refuse(self.foreign(now)?.first())
    }

    fn refuse(&self, foreign: Option<&Foreign>) -> Result<()> {
        match foreign {
            Some(foreign) => Err(self.foreign_write(foreign)),
            None => Ok(()),
        }
    }

    /// Those of the files in `now` (hashes as read) that somebody else wrote.
    fn foreign(&self, now: &BTreeMap<String, Option<Hash>>) -> Result<Vec<Foreign>> {
        let paths: Vec<String> = now.keys().cloned().collect();
        let latest = self.journal().latest(&paths)?;
        let mut foreign = Vec::new();
        for (path, hash) in now {
            if let Some(older) = self.strange(latest.get(path), path, hash.as_ref())? {
                foreign.push(Foreign { path: path.clone(), older });
            }
        }
        Ok(foreign)
    }

    /// The same for files whose locks are not held: a command may land its files between one look and the next, so what
    /// seems foreign is read again until it stands still.
    pub(crate) fn foreign_unlocked(&self, mut now: BTreeMap<String, Option<Hash>>) -> Result<Vec<Foreign>> {
        for _ in 0..8 {
            let foreign = self.foreign(&now)?;
            let mut moved = false;
            for Foreign { path, .. } in &foreign {
                let again = stage::hash(self.top(), path)?;
                moved |= now.insert(path.clone(), again.clone()) != Some(again);
            }
            if !moved {
                return Ok(foreign);
            }
        }
        self.foreign(&now)
    }

    /// None where `now` is what the journal lets the file be; else whether it is only older.
    fn strange(&self, latest: Option<&FileChange>, path: &str, now: Option<&Hash>) -> Result<Option<bool>> {
        let Some(change) = latest else { return Ok(now.is_some().then_some(false)) };
        if change.after.as_ref() == now {
            return Ok(None);
        }
        match (now, &change.after) {
            _ if change.before.as_ref() != now => Ok(Some(false)),
            // A new file that is not there: it was not made.
            (None, _) => Ok(None),
            (Some(_), Some(after)) if stage::unfinished(self.top(), path, after, |_| true)?.is_some() => Ok(None),
            _ => Ok(Some(true)),
        }
    }

    fn foreign_write(&self, foreign: &Foreign) -> Failure {
        let shown = self.top().shown(&foreign.path);
        let message = format!("'{shown}' was changed by somebody other than haco{}", foreign.which());
        Failure::new(Code::ForeignWrite, message).fix(format!("haco trust {}", subject(&foreign.path)))
    }

    /// Records the present bytes of a ticket's or a plan's file as taken in; they must be a good document. The caller
    /// has asked a person.
    pub fn adopt(&self, path: &str, event: Event) -> Result<Line> {
        let (name, plan) = split_path(path)?;
        let bad = |why: String| Failure::new(Code::UnknownId, why);
        let ticket: Option<TicketId> = plan.is_none().then(|| name.parse().map_err(bad)).transpose()?;
        let locks = ticket.iter().map(lock::of_ticket).chain(plan.iter().map(lock::of_plan));
        let locks: Result<Vec<_>> = locks.map(|name| lock::take(self.top(), &name, self.wait())).collect();
        let _held = locks?;
        let hash = match (&ticket, &plan) {
            (Some(id), _) => self.find_ticket(id)?.ok_or_else(|| no_ticket(id))?.1,
            (None, Some(id)) => self.find_plan(id)?.ok_or_else(|| no_plan(id))?.1,
            (None, None) => return Err(no_file(path)),
        };
        let hash = Some(hash);
        let change = FileChange { path: path.to_owned(), before: hash.clone(), after: hash };
        self.journal().append(event, vec![change])
    }
}

/// What a person types for the file at `path`.
pub(crate) fn subject(path: &str) -> &str {
    split_path(path).map_or(path, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse::pretty, sample};

    fn edited() -> Vec<u8> {
        let mut ticket = sample::ticket("T-001", "demo");
        ticket.title = "Do something else".to_owned();
        pretty(&ticket)
    }

    #[test]
    fn a_file_that_somebody_else_wrote_is_named_until_a_person_takes_it_in() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        held.store.check(&id).expect("ours");
        held.store.check_plan(&"demo".parse().expect("id")).expect("ours");
        held.foreign("tickets/T-001.json", edited());
        for failure in [
            held.store.check(&id).expect_err("foreign"),
            held.store.begin(std::slice::from_ref(&id), None).expect_err("foreign"),
        ] {
            assert_eq!(failure.code, Code::ForeignWrite);
            assert_eq!(failure.message, "'.haco/tickets/T-001.json' was changed by somebody other than haco");
            assert_eq!(failure.fix.as_deref(), Some("haco trust T-001"));
        }
        held.store.adopt("tickets/T-001.json", sample::event("trust")).expect("takes in");
        held.store.check(&id).expect("taken in");
    }

    #[test]
    fn a_file_that_no_line_names_and_a_file_that_is_gone_are_foreign() {
        let held = sample::with(&["T-001"]);
        held.foreign("tickets/T-002.json", pretty(&sample::ticket("T-002", "demo")));
        assert_eq!(held.store.check(&sample::id("T-002")).expect_err("foreign").code, Code::ForeignWrite);
        held.store.check(&sample::id("T-003")).expect("never was");
        let id = sample::id("T-001");
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        let mut ticket = tx.ticket(&id).expect("held").clone();
        ticket.title = "Two".into();
        tx.put_ticket(ticket).expect("puts");
        tx.commit(sample::event("edit")).expect("commits");
        fs_err::remove_file(held.place.dir.join("tickets/T-001.json")).expect("removes");
        assert_eq!(held.store.check(&id).expect_err("gone").code, Code::ForeignWrite);
    }

    #[test]
    fn a_change_that_was_journalled_and_did_not_happen_is_no_foreign_write_while_its_file_lies_there() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        let (_, before) = held.store.find_ticket(&id).expect("reads").expect("is there");
        let after = Hash::of(&edited());
        let change = FileChange { path: "tickets/T-001.json".into(), before: Some(before), after: Some(after) };
        held.store.journal().append(sample::event("edit"), vec![change]).expect("appends");
        let old = fs_err::read(held.place.dir.join("tickets/T-001.json")).expect("reads");
        assert_eq!(held.store.check(&id).expect_err("no proof").code, Code::ForeignWrite);
        let staged = "tickets/.T-001.json.2147483646-1.tmp";
        held.foreign(staged, old);
        assert_eq!(held.store.check(&id).expect_err("other bytes prove nothing").code, Code::ForeignWrite);
        held.foreign("tickets/.T-002.json.2147483646-1.tmp", edited());
        assert_eq!(held.store.check(&id).expect_err("another's proves nothing").code, Code::ForeignWrite);
        held.foreign(staged, edited());
        held.store.check(&id).expect("the old file, with its proof");
        held.foreign("tickets/T-001.json", edited());
        held.store.check(&id).expect("the new file");
        held.foreign("tickets/T-001.json", "{}");
        assert_eq!(held.store.check(&id).expect_err("neither").code, Code::ForeignWrite);
    }

    #[test]
    fn an_older_file_that_somebody_put_back_is_foreign() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        let old = fs_err::read(held.place.dir.join("tickets/T-001.json")).expect("reads");
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        let ticket = serde_json::from_slice(&edited()).expect("a ticket");
        tx.put_ticket(ticket).expect("puts");
        tx.commit(sample::event("withdraw")).expect("commits");
        held.store.check(&id).expect("ours");
        held.foreign("tickets/T-001.json", old);
        let all = held.store.check_all([&id].into_iter(), &"demo".parse().expect("id"));
        let begun = held.store.begin(std::slice::from_ref(&id), None).map(drop);
        for failure in [held.store.check(&id), all, begun].map(|r| r.expect_err("rolled back")) {
            assert_eq!(failure.code, Code::ForeignWrite);
            assert_eq!(
                failure.message,
                "'.haco/tickets/T-001.json' was changed by somebody other than haco: it is an older state than the journal's"
            );
            assert_eq!(failure.fix.as_deref(), Some("haco trust T-001"));
        }
        let found = crate::doctor(&held.store);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].problem, "somebody other than haco changed it: it is an older state than the journal's");
        assert_eq!(crate::doctor_fix(&held.store).expect("mends"), [""; 0]);
        assert_eq!(crate::doctor(&held.store), found);
    }

    #[test]
    fn a_new_file_that_was_journalled_and_not_made_is_no_foreign_write() {
        let held = sample::with(&["T-001"]);
        let change = FileChange { path: "tickets/T-002.json".into(), before: None, after: Some(Hash::of(b"new")) };
        held.store.journal().append(sample::event("new"), vec![change]).expect("appends");
        held.store.check(&sample::id("T-002")).expect("not made");
    }

    #[test]
    fn only_a_good_document_is_taken_in() {
        let held = sample::with(&["T-001"]);
        held.foreign("tickets/T-001.json", "{");
        let failure = held.store.adopt("tickets/T-001.json", sample::event("trust")).expect_err("torn");
        assert_eq!(failure.code, Code::UnreadableState);
        let failure = held.store.adopt("tickets/T-404.json", sample::event("trust")).expect_err("none");
        assert_eq!(failure.code, Code::UnknownId);
        let failure = held.store.adopt("config.json", sample::event("trust")).expect_err("no state file");
        assert_eq!(failure.code, Code::UnsafePath);
    }
}
