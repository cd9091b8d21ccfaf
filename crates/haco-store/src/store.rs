//! An open `.haco/`: what is read from it one document at a time, and the doors to writing.

use crate::{
    Alone, Journal, Place, Result, StepLock,
    dir::Dir,
    lock,
    parse::{document, plan_path, ticket_path},
};
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    id::{PlanId, TicketId},
    journal::{Event, Line},
    plan::Plan,
    ticket::Ticket,
};
use std::{collections::BTreeMap, time::Duration};

/// One `.haco/`, open; shared by the threads of a program.
#[derive(Debug)]
pub struct Store {
    place: Place,
    top: Dir,
    wait: Duration,
}

impl Store {
    /// Opens the `.haco/` of `place`; `haco init` makes one. Locks are waited for 5 s.
    pub fn open(place: &Place) -> Result<Store> {
        let none = || {
            let message = format!("'{}' has no .haco yet", place.main.display());
            Failure::new(Code::NotInitialised, message).fix("haco init")
        };
        let top = Dir::top(&place.dir)?.ok_or_else(none)?;
        if top.sub("tickets")?.is_none() && !top.has(crate::journal::NAME) {
            return Err(none());
        }
        Ok(Store { place: place.clone(), top, wait: Duration::from_secs(5) })
    }

    /// The same store with another patience for locks.
    pub fn with_wait(self, wait: Duration) -> Store {
        Store { wait, ..self }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn top(&self) -> &Dir {
        &self.top
    }

    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    /// How many times this store asked the disk to keep something (fsync), since it was opened.
    pub fn syncs(&self) -> u64 {
        self.top.syncs()
    }

    /// What happened here.
    pub fn journal(&self) -> Journal<'_> {
        Journal::new(&self.top, self.wait)
    }

    /// Journals an event that changes no file; one sync.
    pub fn note(&self, event: Event) -> Result<Line> {
        self.journal().append(event, Vec::new())
    }

    /// Journals the event that `decide` makes of all that happened so far: `see` gets every line, in order, and no other
    /// process writes one in between. Where `decide` refuses, nothing is written.
    pub fn note_by(&self, see: impl FnMut(&Line), decide: impl FnOnce() -> Result<Event>) -> Result<Line> {
        self.journal().append_by(see, decide)
    }

    /// The ticket `id`, whether a plan names it or not; no other file is read.
    pub fn ticket(&self, id: &TicketId) -> Result<Ticket> {
        self.find(&ticket_path(id), id.as_str())?.map(|(ticket, _)| ticket).ok_or_else(|| no_ticket(id))
    }

    /// The plan `id`; its tickets are not read.
    pub fn plan(&self, id: &PlanId) -> Result<Plan> {
        self.find(&plan_path(id), id.as_str())?.map(|(plan, _)| plan).ok_or_else(|| no_plan(id))
    }

    /// The ticket and the hash of its bytes, or none where there is no file.
    pub(crate) fn find_ticket(&self, id: &TicketId) -> Result<Option<(Ticket, Hash)>> {
        Ok(self.find(&ticket_path(id), id.as_str())?.map(|(ticket, bytes)| (ticket, Hash::of(&bytes))))
    }

    /// The plan and the hash of its bytes, or none where there is no file.
    pub(crate) fn find_plan(&self, id: &PlanId) -> Result<Option<(Plan, Hash)>> {
        Ok(self.find(&plan_path(id), id.as_str())?.map(|(plan, bytes)| (plan, Hash::of(&bytes))))
    }

    /// The document at `path` and its bytes.
    fn find<T: crate::parse::Document>(&self, path: &str, id: &str) -> Result<Option<(T, Vec<u8>)>> {
        let Some(bytes) = self.read(path)? else { return Ok(None) };
        let read = document(&bytes, id, || self.top.shown(path))?;
        Ok(Some((read, bytes)))
    }

    /// The ids of all plans; only names are read. A directory without a plan.json is no plan.
    pub fn plan_ids(&self) -> Result<Vec<PlanId>> {
        let Some(plans) = self.top.sub("plans")? else { return Ok(Vec::new()) };
        let mut ids = Vec::new();
        for name in plans.names()? {
            let Ok(id) = name.parse::<PlanId>() else { continue };
            if plans.sub(&name)?.is_some_and(|dir| dir.has("plan.json")) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Takes the right to do a long step of `id` (a draft, its checks); none while somebody else does one.
    pub fn try_step(&self, id: &TicketId) -> Result<Option<StepLock>> {
        lock::try_step(&self.top, id)
    }

    /// Takes the right to be the only process here that is at `what`, a word that is no ticket's or plan's lock; none
    /// while another one is.
    pub fn try_alone(&self, what: &'static str) -> Result<Option<Alone>> {
        lock::try_alone(&self.top, what)
    }

    /// Who took that right (process and command), where somebody holds it.
    pub fn who_is_at(&self, what: &'static str) -> Result<Option<String>> {
        lock::who(&self.top, what)
    }

    /// The tickets that somebody does a long step of, and who (process and command).
    pub fn busy(&self) -> Result<BTreeMap<TicketId, String>> {
        lock::busy(&self.top)
    }
}

/// The failure for a ticket that is not there.
pub(crate) fn no_ticket(id: &TicketId) -> Failure {
    Failure::new(Code::UnknownId, format!("no such ticket: '{id}'")).fix("haco list")
}

/// The failure for a plan that is not there.
pub(crate) fn no_plan(id: &PlanId) -> Failure {
    Failure::new(Code::UnknownId, format!("no such plan: '{id}'")).fix("haco status")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use std::os::unix::fs::symlink;

    #[test]
    fn without_a_haco_the_fix_is_to_make_one() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let main = dir.path().to_owned();
        let place = Place { worktree: main.clone(), dir: main.join(".haco"), main };
        let failure = Store::open(&place).expect_err("none");
        assert_eq!((failure.code, failure.fix.as_deref()), (Code::NotInitialised, Some("haco init")));
        fs_err::create_dir(&place.dir).expect("makes");
        fs_err::write(place.dir.join("config.json"), "{}").expect("writes");
        assert_eq!(Store::open(&place).expect_err("a fresh clone").code, Code::NotInitialised);
    }

    #[test]
    fn what_is_not_there_is_an_unknown_id() {
        let held = sample::with(&["T-001"]);
        let failure = held.store.ticket(&sample::id("T-009")).expect_err("none");
        assert_eq!((failure.code, failure.message.as_str()), (Code::UnknownId, "no such ticket: 'T-009'"));
        let failure = held.store.plan(&"other".parse().expect("id")).expect_err("none");
        assert_eq!((failure.code, failure.message.as_str()), (Code::UnknownId, "no such plan: 'other'"));
    }

    #[test]
    fn a_directory_without_a_plan_is_no_plan() {
        let held = sample::with(&["T-001"]);
        fs_err::create_dir_all(held.place.dir.join("plans/half/calls")).expect("makes");
        held.foreign("plans/README", "mine");
        assert_eq!(held.store.plan_ids().expect("lists"), ["demo".parse().expect("id")]);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_without_waiting() {
        let held = sample::with(&["T-001"]);
        let tickets = held.place.dir.join("tickets");
        nix::unistd::mkfifo(&tickets.join("T-002.json"), nix::sys::stat::Mode::S_IRWXU).expect("makes a FIFO");
        fs_err::create_dir(tickets.join("T-003.json")).expect("makes");
        symlink(tickets.join("T-001.json"), tickets.join("T-004.json")).expect("links");
        for (id, kind) in [("T-002", "a FIFO"), ("T-003", "a directory"), ("T-004", "a symbolic link")] {
            let failure = held.store.ticket(&sample::id(id)).expect_err(kind);
            let expected = format!("'.haco/tickets/{id}.json': it is {kind}, not a regular file");
            assert_eq!((failure.code, failure.message), (Code::UnreadableState, expected));
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read_whole() {
        let held = sample::with(&["T-001"]);
        let file = fs_err::File::create(held.place.dir.join("tickets/T-002.json")).expect("creates");
        file.set_len(crate::dir::LIMIT + 1).expect("grows");
        let failure = held.store.ticket(&sample::id("T-002")).expect_err("too large");
        assert_eq!(failure.message, "'.haco/tickets/T-002.json': it is larger than 64 MiB");
    }
}
