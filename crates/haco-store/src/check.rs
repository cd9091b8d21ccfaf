//! Whether a state file is as the journal says: the bytes of its latest line's `after`, or of its `before` where a crash
//! kept the change from happening. Anything else was written by somebody else.

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
        self.check_hashes(&now?)
    }

    fn check_path(&self, path: &str) -> Result<()> {
        let now = stage::hash(self.top(), path)?;
        self.check_hashes(&BTreeMap::from([(path.to_owned(), now)]))
    }

    /// Compares what was read of several files with one walk through the journal.
    pub(crate) fn check_hashes(&self, now: &BTreeMap<String, Option<Hash>>) -> Result<()> {
        match self.foreign(now)?.first() {
            Some(path) => Err(self.foreign_write(path)),
            None => Ok(()),
        }
    }

    /// Those of the files in `now` (hashes as read) that somebody else wrote.
    pub(crate) fn foreign(&self, now: &BTreeMap<String, Option<Hash>>) -> Result<Vec<String>> {
        let paths: Vec<String> = now.keys().cloned().collect();
        let latest = self.journal().latest(&paths)?;
        let strange = now.iter().filter(|(path, hash)| !expected(latest.get(*path), hash.as_ref()));
        Ok(strange.map(|(path, _)| path.clone()).collect())
    }

    pub(crate) fn foreign_write(&self, path: &str) -> Failure {
        let message = format!("'{}' was changed by somebody other than haco", self.top().shown(path));
        Failure::new(Code::ForeignWrite, message).fix(format!("haco trust {}", subject(path)))
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

fn expected(latest: Option<&FileChange>, now: Option<&Hash>) -> bool {
    match latest {
        Some(change) => change.after.as_ref() == now || change.before.as_ref() == now,
        None => now.is_none(),
    }
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
    fn a_change_that_was_journalled_and_did_not_happen_is_no_foreign_write() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        let (_, before) = held.store.find_ticket(&id).expect("reads").expect("is there");
        let after = Hash::of(&edited());
        let change = FileChange { path: "tickets/T-001.json".into(), before: Some(before), after: Some(after) };
        held.store.journal().append(sample::event("edit"), vec![change]).expect("appends");
        held.store.check(&id).expect("the old file");
        held.foreign("tickets/T-001.json", edited());
        held.store.check(&id).expect("the new file");
        held.foreign("tickets/T-001.json", "{}");
        assert_eq!(held.store.check(&id).expect_err("neither").code, Code::ForeignWrite);
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
