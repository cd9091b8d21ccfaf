//! A transaction: locks, reads again, and writes what was put, so that no update is lost.
//!
//! ```text
//! lock tickets, plan ─ read ─ … ─ stage files (fsync each) ─ journal line (fsync) ─ rename ─ fsync directories ─ unlock
//!                                                                        others first, plan.json last
//! ```
//!
//! A disk that is full fails before the journal; a crash after it leaves each file as `after`, or as `before` with the
//! staged file beside it: that one proves that the write is unfinished, and nobody put an older file back.

use crate::{
    Result, Store,
    dir::{Dir, split},
    lock,
    parse::{plan_path, pretty, ticket_path},
    stage::{self, Staged},
    store::{no_plan, no_ticket},
};
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    id::{PlanId, TicketId},
    journal::{Event, FileChange},
    plan::Plan,
    ticket::Ticket,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Some tickets and perhaps a plan, locked and freshly read; dropped, it writes nothing.
#[derive(Debug)]
pub struct Tx<'a> {
    store: &'a Store,
    tickets: BTreeMap<TicketId, Ticket>,
    plan_id: Option<PlanId>,
    plan: Option<Plan>,
    /// What each file held when it was read.
    before: BTreeMap<String, Option<Hash>>,
    puts: BTreeMap<String, Vec<u8>>,
    reserved: BTreeSet<TicketId>,
    ids: Option<lock::Held>,
    _locks: Vec<lock::Held>,
}

impl Store {
    /// Locks `tickets` and `plan` and reads them. A ticket must be there; a plan need not. Files that somebody else wrote
    /// are refused, for journalling over them would hide it.
    pub fn begin(&self, tickets: &[TicketId], plan: Option<&PlanId>) -> Result<Tx<'_>> {
        let ids: BTreeSet<&TicketId> = tickets.iter().collect();
        let names = ids.iter().map(|id| lock::of_ticket(id)).chain(plan.map(lock::of_plan));
        // A lock file is made only for what exists, so that a mistyped id leaves nothing behind.
        if let Some(missing) =
            ids.iter().find(|id| stage::hash(self.top(), &ticket_path(id)).is_ok_and(|h| h.is_none()))
        {
            return Err(no_ticket(missing));
        }
        let locks: Result<Vec<_>> = names.map(|name| lock::take(self.top(), &name, self.wait())).collect();
        let mut tx = Tx {
            store: self,
            tickets: BTreeMap::new(),
            plan_id: plan.cloned(),
            plan: None,
            before: BTreeMap::new(),
            puts: BTreeMap::new(),
            reserved: BTreeSet::new(),
            ids: None,
            _locks: locks?,
        };
        tx.read(&ids)?;
        self.check_hashes(&tx.before)?;
        Ok(tx)
    }
}

impl Tx<'_> {
    fn read(&mut self, ids: &BTreeSet<&TicketId>) -> Result<()> {
        for id in ids {
            let (ticket, hash) = self.store.find_ticket(id)?.ok_or_else(|| no_ticket(id))?;
            self.before.insert(ticket_path(id), Some(hash));
            self.tickets.insert((*id).clone(), ticket);
        }
        if let Some(id) = &self.plan_id {
            let (plan, hash) = self.store.find_plan(id)?.unzip();
            self.before.insert(plan_path(id), hash);
            self.plan = plan;
        }
        Ok(())
    }

    /// A ticket that the transaction holds, as read or as last put.
    pub fn ticket(&self, id: &TicketId) -> Result<&Ticket> {
        self.tickets.get(id).ok_or_else(|| no_ticket(id))
    }

    /// The plan that the transaction holds, as read or as last put; a failure where there is none yet.
    pub fn plan(&self) -> Result<&Plan> {
        let none = || match &self.plan_id {
            Some(id) => no_plan(id),
            None => not_held("a plan"),
        };
        self.plan.as_ref().ok_or_else(none)
    }

    /// Whether the plan that the transaction locks is already there.
    pub fn plan_exists(&self) -> bool {
        self.plan.is_some()
    }

    /// Puts a ticket that the transaction holds, or a new one under an id that is free.
    pub fn put_ticket(&mut self, ticket: Ticket) -> Result<()> {
        let path = ticket_path(&ticket.id);
        if !self.before.contains_key(&path) {
            if !self.is_free(&ticket.id)? {
                return Err(not_held(ticket.id.as_str()));
            }
            self.before.insert(path.clone(), None);
        }
        self.puts.insert(path, pretty(&ticket));
        self.tickets.insert(ticket.id.clone(), ticket);
        Ok(())
    }

    /// Puts the plan that the transaction locks.
    pub fn put_plan(&mut self, plan: Plan) -> Result<()> {
        if self.plan_id.as_ref() != Some(&plan.id) {
            return Err(not_held(plan.id.as_str()));
        }
        self.puts.insert(plan_path(&plan.id), pretty(&plan));
        self.plan = Some(plan);
        Ok(())
    }

    /// Puts any other file below `.haco/`; it is journalled and written with the tickets. State files have their own way.
    pub fn put_file(&mut self, rel: &str, bytes: &[u8]) -> Result<()> {
        if split_path(rel).is_ok() {
            return Err(not_held(rel));
        }
        if !self.before.contains_key(rel) {
            let before = stage::hash(self.store.top(), rel)?;
            self.before.insert(rel.to_owned(), before);
        }
        self.puts.insert(rel.to_owned(), bytes.to_vec());
        Ok(())
    }

    /// Whether no ticket has `id`, held so until the transaction ends.
    pub fn is_free(&mut self, id: &TicketId) -> Result<bool> {
        self.hold_ids()?;
        let taken = self.store.top().sub("tickets")?.is_some_and(|dir| dir.has(&format!("{id}.json")));
        Ok(!taken && !self.tickets.contains_key(id))
    }

    /// The next `count` free `T-` ids, held until the transaction ends.
    pub fn new_ticket_ids(&mut self, count: usize) -> Result<Vec<TicketId>> {
        self.new_ids('T', count)
    }

    /// The next `count` free `F-` ids, held until the transaction ends.
    pub fn new_finding_ids(&mut self, count: usize) -> Result<Vec<TicketId>> {
        self.new_ids('F', count)
    }

    fn new_ids(&mut self, letter: char, count: usize) -> Result<Vec<TicketId>> {
        self.hold_ids()?;
        let names = self.store.top().sub("tickets")?.map_or(Ok(Vec::new()), |dir| dir.names())?;
        let stored = names.iter().filter_map(|n| n.strip_suffix(".json")?.parse::<TicketId>().ok());
        let ours = self.tickets.keys().chain(&self.reserved).cloned();
        let taken = stored.chain(ours).filter(|id| id.as_str().starts_with(letter)).map(|id| id.number());
        let highest = taken.max().unwrap_or(0);
        let next = (1..).map(|n| format!("{letter}-{:03}", highest.saturating_add(n)).parse::<TicketId>());
        let fresh: std::result::Result<Vec<_>, String> = next.take(count).collect();
        let fresh = fresh.map_err(|why| Failure::new(Code::BadTicket, format!("no ticket's number is left: {why}")))?;
        self.reserved.extend(fresh.iter().cloned());
        Ok(fresh)
    }

    fn hold_ids(&mut self) -> Result<()> {
        if self.ids.is_none() {
            self.ids = Some(lock::take(self.store.top(), "ids", self.store.wait())?);
        }
        Ok(())
    }

    /// Writes what was put and what `event` says of it: all of it, or a failure and each file old or new. Where nothing
    /// changed and the event has no name, nothing is written.
    pub fn commit(self, event: Event) -> Result<()> {
        let changes = self.changes();
        if changes.is_empty() && event.event.is_empty() {
            return Ok(());
        }
        let mut staged = self.stage(&changes)?;
        self.store.journal().append(event, changes)?;
        staged.stay();
        staged.land()
    }

    fn changes(&self) -> Vec<FileChange> {
        let one = |(path, bytes): (&String, &Vec<u8>)| FileChange {
            path: path.clone(),
            before: self.before.get(path).cloned().flatten(),
            after: Some(Hash::of(bytes)),
        };
        self.puts.iter().map(one).filter(|change| change.before != change.after).collect()
    }

    fn stage(&self, changes: &[FileChange]) -> Result<Landing> {
        let mut landing = Landing::default();
        for change in changes {
            let (parent, name) = split(&change.path);
            let parent = parent.unwrap_or_default();
            let dir = match landing.dirs.get(parent) {
                Some(dir) => dir.clone(),
                None if parent.is_empty() => Arc::new(self.store.top().here()?),
                None => Arc::new(self.store.top().sub_made(parent)?),
            };
            let staged = Staged::new(&dir, name, &self.puts[&change.path])?;
            landing.dirs.insert(parent.to_owned(), dir);
            match self.plan_id.as_ref().is_some_and(|id| plan_path(id) == change.path) {
                true => landing.plan = Some((parent.to_owned(), staged)),
                false => landing.files.push((parent.to_owned(), staged)),
            }
        }
        Ok(landing)
    }
}

/// Files that are written and not yet under their names.
#[derive(Default)]
struct Landing {
    dirs: BTreeMap<String, Arc<Dir>>,
    files: Vec<(String, Staged)>,
    plan: Option<(String, Staged)>,
}

impl Landing {
    /// What does not land after all stays beside its file, as it does where the process dies.
    fn stay(&mut self) {
        self.files.iter_mut().chain(&mut self.plan).for_each(|(_, staged)| staged.stay());
    }

    fn land(self) -> Result<()> {
        let mut touched = BTreeSet::new();
        let last = self.plan.as_ref().map(|(parent, _)| parent.clone());
        for (parent, staged) in self.files {
            staged.land()?;
            touched.insert(parent);
        }
        // Each directory once: the plan's own waits for plan.json.
        for parent in touched.iter().filter(|p| Some(*p) != last.as_ref()) {
            self.dirs[parent].sync()?;
        }
        if let Some((parent, staged)) = self.plan {
            staged.land()?;
            self.dirs[&parent].sync()?;
        }
        Ok(())
    }
}

/// The name of a state file (`T-001`, or the plan's id) and the plan where it is one; others are refused.
pub(crate) fn split_path(path: &str) -> Result<(&str, Option<PlanId>)> {
    let ticket = path.strip_prefix("tickets/").and_then(|p| p.strip_suffix(".json"));
    let plan = path.strip_prefix("plans/").and_then(|p| p.strip_suffix("/plan.json"));
    match (ticket, plan.map(|p| (p, p.parse()))) {
        (Some(name), _) if !name.contains('/') => Ok((name, None)),
        (_, Some((name, Ok(id)))) => Ok((name, Some(id))),
        _ => Err(no_file(path)),
    }
}

/// The failure for a path that is no state file's.
pub(crate) fn no_file(path: &str) -> Failure {
    Failure::new(Code::UnsafePath, format!("'{}' is no ticket's or plan's file", path.escape_debug()))
}

fn not_held(what: &str) -> Failure {
    Failure::new(Code::Bug, format!("'{}' is put by a transaction that does not hold it", what.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use proptest::prelude::*;

    fn retitled(tx: &Tx<'_>, id: &TicketId, title: &str) -> Ticket {
        Ticket { title: title.to_owned(), ..tx.ticket(id).expect("held").clone() }
    }

    #[test]
    fn one_changed_ticket_costs_three_syncs_and_an_unchanged_one_none() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        tx.put_ticket(retitled(&tx, &id, "New")).expect("puts");
        let before = held.store.syncs();
        tx.commit(sample::event("edit")).expect("commits");
        assert_eq!(held.store.syncs() - before, 3);
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        tx.put_ticket(retitled(&tx, &id, "New")).expect("puts");
        tx.commit(sample::event("")).expect("commits");
        assert_eq!(held.store.syncs() - before, 3);
        let lines = held.store.journal().lines().expect("reads");
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[1].files[0].before,
            lines[0].files.iter().find_map(|f| { (f.path == "tickets/T-001.json").then(|| f.after.clone()).flatten() })
        );
    }

    #[test]
    fn what_is_dropped_is_not_written() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        tx.put_ticket(retitled(&tx, &id, "New")).expect("puts");
        drop(tx);
        assert_eq!(held.store.ticket(&id).expect("reads").title, "Do it");
        assert_eq!(held.store.journal().lines().expect("reads").len(), 1);
    }

    #[test]
    fn a_crash_between_the_journal_and_the_files_leaves_old_or_new_and_nothing_foreign() {
        let held = sample::with(&["T-001", "T-002"]);
        let ids = [sample::id("T-001"), sample::id("T-002")];
        let mut tx = held.store.begin(&ids, None).expect("begins");
        for id in &ids {
            tx.put_ticket(retitled(&tx, id, "New")).expect("puts");
        }
        let changes = tx.changes();
        let mut staged = tx.stage(&changes).expect("stages");
        held.store.journal().append(sample::event("edit"), changes).expect("appends");
        staged.stay();
        staged.files.remove(0).1.land().expect("lands");
        drop((staged, tx));
        assert_eq!(held.store.ticket(&ids[0]).expect("reads").title, "New");
        assert_eq!(held.store.ticket(&ids[1]).expect("reads").title, "Do it");
        let mut again = held.store.begin(&ids, None).expect("nobody else wrote");
        again.put_ticket(retitled(&again, &ids[1], "New")).expect("puts");
        again.commit(sample::event("edit")).expect("the next run resumes");
        assert!(crate::doctor(&held.store).is_empty());
    }

    #[test]
    fn a_failure_behind_the_journal_keeps_the_proof_that_the_write_is_unfinished() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        let path = held.place.dir.join("tickets/T-001.json");
        let old = fs_err::read(&path).expect("reads");
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        tx.put_ticket(retitled(&tx, &id, "New")).expect("puts");
        let changes = tx.changes();
        let mut staged = tx.stage(&changes).expect("stages");
        held.store.journal().append(sample::event("edit"), changes).expect("appends");
        staged.stay();
        fs_err::remove_file(&path).expect("removes");
        fs_err::create_dir(&path).expect("a directory is in the way");
        staged.land().expect_err("cannot be replaced");
        drop(tx);
        fs_err::remove_dir(&path).expect("removes");
        held.foreign("tickets/T-001.json", old);
        held.store.check(&id).expect("the staged file is still there");
    }

    #[test]
    fn a_target_that_cannot_be_replaced_fails_before_the_journal_says_anything() {
        let held = sample::with(&["T-001"]);
        let mut tx = held.store.begin(&[], None).expect("begins");
        fs_err::create_dir(held.place.dir.join("evidence/x")).expect("makes");
        std::os::unix::fs::symlink("/", held.place.dir.join("evidence/x/link")).expect("links");
        tx.put_file("evidence/y", b"1").expect("puts");
        tx.put_file("evidence/x/link/y", b"2").expect_err("through a link");
        std::os::unix::fs::symlink("/nonexistent", held.place.dir.join("evidence/y")).expect("links");
        assert_eq!(tx.commit(sample::event("edit")).expect_err("a link").code, Code::UnreadableState);
        assert_eq!(held.store.journal().lines().expect("reads").len(), 1);
        assert_eq!(
            held.store.top().sub("evidence").expect("opens").expect("is there").names().expect("lists"),
            ["x", "y"]
        );
    }

    #[test]
    fn only_what_is_held_may_be_put() {
        let held = sample::with(&["T-001"]);
        let mut tx = held.store.begin(&[], None).expect("begins");
        assert_eq!(tx.put_ticket(sample::ticket("T-001", "demo")).expect_err("taken").code, Code::Bug);
        assert_eq!(tx.put_plan(sample::plan("demo", &[])).expect_err("not locked").code, Code::Bug);
        assert_eq!(tx.put_file("tickets/T-001.json", b"{}").expect_err("state").code, Code::Bug);
        let failure = held.store.begin(&[sample::id("T-404")], None).expect_err("none");
        assert_eq!(failure.code, Code::UnknownId);
        assert!(!held.place.dir.join("locks/T-404").exists());
    }

    #[test]
    fn new_ids_are_free_and_differ_between_transactions_that_run_at_once() {
        let held = sample::with(&["T-001", "T-007"]);
        let mut tx = held.store.begin(&[], None).expect("begins");
        let ids = tx.new_ticket_ids(2).expect("reserves");
        assert_eq!(ids, [sample::id("T-008"), sample::id("T-009")]);
        assert_eq!(tx.new_ticket_ids(1).expect("reserves"), [sample::id("T-010")]);
        assert_eq!(tx.new_finding_ids(1).expect("reserves"), [sample::id("F-001")]);
        assert!(!tx.is_free(&sample::id("T-001")).expect("looks"));
        drop(tx);
        let made: Vec<TicketId> = std::thread::scope(|scope| {
            let one = || {
                let mut tx = held.store.begin(&[], None).expect("begins");
                let id = tx.new_ticket_ids(1).expect("reserves").remove(0);
                tx.put_ticket(sample::ticket(id.as_str(), "demo")).expect("puts");
                tx.commit(sample::event("new")).expect("commits");
                id
            };
            let all: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|t| t.join().expect("joins")).collect()
        });
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 6);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn threads_that_add_to_the_same_tickets_lose_nothing(work in prop::collection::vec((0usize..2, 1usize..6), 2..5)) {
            let held = sample::with(&["T-001", "T-002"]);
            let ids = [sample::id("T-001"), sample::id("T-002")];
            std::thread::scope(|scope| {
                for (thread, (which, times)) in work.iter().enumerate() {
                    let (store, id) = (&held.store, &ids[*which]);
                    scope.spawn(move || for n in 0..*times {
                        let mut tx = store.begin(std::slice::from_ref(id), None).expect("begins");
                        let mut ticket = tx.ticket(id).expect("held").clone();
                        ticket.metadata.insert(format!("{thread}-{n}"), true.into());
                        tx.put_ticket(ticket).expect("puts");
                        tx.commit(sample::event("add")).expect("commits");
                    });
                }
            });
            let kept: usize = ids.iter().map(|id| held.store.ticket(id).expect("reads").metadata.len()).sum();
            let done: usize = work.iter().map(|(_, times)| times).sum();
            prop_assert_eq!(kept, done);
            prop_assert_eq!(held.store.journal().verify().expect("holds").lines, done as u64 + 1);
            prop_assert!(crate::doctor(&held.store).is_empty());
        }
    }
}
