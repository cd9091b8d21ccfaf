//! What is wrong with a `.haco/`, all of it, without writing. Mending what can be mended is `mend`'s.

use crate::{
    Result, Store, check,
    dir::Dir,
    fail, init, journal,
    parse::{plan_path, ticket_path},
    stage,
};
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    id::{PlanId, TicketId},
    plan::Plan,
    ticket::Ticket,
    verdict::Severity,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::MetadataExt,
};

/// What people and readers expect to be there; the others are made when they are needed.
const NEEDED: [&str; 3] = ["plans", "queue", "tickets"];

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which file or directory, with `.haco/` in front.
    pub file: String,
    /// What is wrong with it, in one line.
    pub problem: String,
    /// `blocker`: nothing can be written; `high`: work stops there; `low`: something lies about.
    pub severity: Severity,
    /// The command that mends it, where one can.
    pub fix: Option<String>,
}

/// What the doctor found, and of it what `--fix` can act on.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) findings: Vec<Finding>,
    /// Directories that should be there.
    pub(crate) missing: Vec<&'static str>,
    /// Files to move aside: directory and name.
    pub(crate) stray: Vec<(String, String)>,
    /// How many bytes follow the journal's last whole line.
    pub(crate) torn: Option<u64>,
    /// The journal cannot be read, so that nobody knows which unfinished files prove something.
    pub(crate) journal_unknown: bool,
    plans: BTreeMap<PlanId, Plan>,
    tickets: BTreeMap<TicketId, Ticket>,
    /// Hashes of the state files as they were read.
    now: BTreeMap<String, Option<Hash>>,
    /// A plan could not be read, so that nobody knows which tickets it names.
    plan_unknown: bool,
}

/// Everything that is wrong, the journal and permissions first; an empty answer is good health.
pub fn doctor(store: &Store) -> Vec<Finding> {
    survey(store).findings
}

pub(crate) fn survey(store: &Store) -> Survey {
    let mut survey = Survey::default();
    survey.permissions(store);
    survey.journal(store);
    survey.directories(store);
    survey.plans(store);
    survey.tickets(store);
    survey.names();
    survey.foreign(store);
    survey
}

impl Survey {
    fn find(&mut self, file: &str, problem: impl Into<String>, severity: Severity, fix: Option<String>) {
        self.findings.push(Finding { file: format!(".haco/{file}"), problem: problem.into(), severity, fix });
    }

    fn failed(&mut self, file: &str, failure: Failure) {
        let severity = if failure.code == Code::JournalBroken { Severity::Blocker } else { Severity::High };
        let shown = format!("'.haco/{file}': ");
        let problem = failure.message.strip_prefix(&shown).unwrap_or(&failure.message).to_owned();
        self.find(file, problem, severity, failure.fix);
    }

    fn take<T>(&mut self, file: &str, result: Result<T>) -> Option<T> {
        result.map_err(|failure| self.failed(file, failure)).ok()
    }

    fn permissions(&mut self, store: &Store) {
        let us = nix::unistd::geteuid();
        for name in ["", "tickets", "plans", "locks", journal::NAME] {
            let path = store.top().absolute(name);
            let Ok(meta) = fs_err::symlink_metadata(&path) else { continue };
            let writable = nix::unistd::access(&path, nix::unistd::AccessFlags::W_OK).is_ok();
            if !writable {
                let owner = if meta.uid() == us.as_raw() { "us" } else { "somebody else" };
                let problem = format!("it cannot be written, and belongs to {owner} (uid {})", meta.uid());
                self.find(name, problem, Severity::Blocker, Some(fail::own(&store.place().dir)));
            }
        }
    }

    fn journal(&mut self, store: &Store) {
        let verified = store.journal().verify();
        self.journal_unknown = verified.is_err();
        self.torn = self.take(journal::NAME, verified).and_then(|v| v.torn);
        if let Some(bytes) = self.torn {
            let problem = format!("its last line is torn ({bytes} bytes): what it began did not happen");
            self.find(journal::NAME, problem, Severity::High, fix());
        }
    }

    fn directories(&mut self, store: &Store) {
        for name in init::DIRECTORIES {
            match self.take(name, store.top().sub(name)) {
                Some(None) if NEEDED.contains(&name) => {
                    self.missing.push(name);
                    self.find(name, "it is missing", Severity::Low, fix());
                }
                Some(Some(dir)) if name == "tmp" => self.left_over(name, &dir),
                _ => {}
            }
        }
    }

    /// Unfinished files whose process is gone.
    fn left_over(&mut self, rel: &str, dir: &Dir) {
        let Some(names) = self.take(rel, dir.names()) else { return };
        for name in names.into_iter().filter(|name| stage::left_over(name)) {
            self.find(&format!("{rel}/{name}"), "a process that is gone left it unfinished", Severity::Low, fix());
            self.stray.push((rel.to_owned(), name));
        }
    }

    fn plans(&mut self, store: &Store) {
        let names = store.top().sub("plans").and_then(|d| d.map_or(Ok(Vec::new()), |d| d.names()));
        for name in self.take("plans", names).unwrap_or_default() {
            let Ok(id) = name.parse::<PlanId>() else {
                self.find(&format!("plans/{name}"), "its name is no plan's id", Severity::Low, None);
                continue;
            };
            // What is no directory is said when its plan is read.
            if let Ok(Some(dir)) = store.top().sub(&format!("plans/{id}")) {
                self.left_over(&format!("plans/{id}"), &dir);
            }
            let path = plan_path(&id);
            match store.find_plan(&id) {
                Ok(Some((plan, hash))) => {
                    self.now.insert(path, Some(hash));
                    self.plans.insert(id, plan);
                }
                Ok(None) => {}
                Err(failure) => {
                    self.plan_unknown = true;
                    self.failed(&path, failure);
                }
            }
        }
    }

    fn tickets(&mut self, store: &Store) {
        let Some(Some(dir)) = self.take("tickets", store.top().sub("tickets")) else { return };
        self.left_over("tickets", &dir);
        let named: BTreeSet<TicketId> = self.plans.values().flat_map(|p| p.tickets.iter().cloned()).collect();
        for name in self.take("tickets", dir.names()).unwrap_or_default() {
            match name.strip_suffix(".json").map(str::parse::<TicketId>) {
                Some(Ok(id)) if named.contains(&id) || self.plan_unknown => self.ticket(store, id),
                Some(Ok(_)) => {
                    self.find(&format!("tickets/{name}"), "no plan names it", Severity::Low, fix());
                    self.stray.push(("tickets".to_owned(), name));
                }
                // Of the unfinished ones, those of the dead were found already and the living still write theirs.
                _ if name.starts_with('.') && name.ends_with(".tmp") => {}
                _ => self.find(&format!("tickets/{name}"), "its name is no ticket's id", Severity::Low, None),
            }
        }
    }

    fn ticket(&mut self, store: &Store, id: TicketId) {
        let path = ticket_path(&id);
        if let Some(Some((ticket, hash))) = self.take(&path, store.find_ticket(&id)) {
            self.now.insert(path, Some(hash));
            self.tickets.insert(id, ticket);
        } else {
            // It is there and was found bad: it is not missing as well.
            self.now.insert(path, None);
        }
    }

    /// What plans name against what is there, and what tickets say of their plan.
    fn names(&mut self) {
        let mut first: BTreeMap<TicketId, PlanId> = BTreeMap::new();
        let plans = std::mem::take(&mut self.plans);
        for (plan, id) in plans.values().flat_map(|p| p.tickets.iter().map(|id| (p.id.clone(), id))) {
            if let Some(other) = first.insert(id.clone(), plan.clone()) {
                let problem = format!("it names '{id}', which the plan '{other}' has too");
                self.find(&plan_path(&plan), problem, Severity::High, None);
            }
            match self.tickets.get(id).map(|t| t.plan.clone()) {
                Some(says) if says != plan => {
                    let problem = format!("it says that its plan is '{says}', and the plan '{plan}' names it");
                    self.find(&ticket_path(id), problem, Severity::High, None);
                }
                None if !self.now.contains_key(&ticket_path(id)) => {
                    let problem = format!("it names '{id}', and there is no such ticket");
                    self.find(&plan_path(&plan), problem, Severity::High, None);
                }
                _ => {}
            }
        }
        self.dependencies(&first);
        self.plans = plans;
    }

    fn dependencies(&mut self, named: &BTreeMap<TicketId, PlanId>) {
        let tickets = self.tickets.values().flat_map(|t| t.depends_on.iter().map(|on| (t.id.clone(), on.clone())));
        let absent: Vec<_> = tickets.filter(|(_, on)| !self.plan_unknown && !named.contains_key(on)).collect();
        for (id, on) in absent {
            self.find(&ticket_path(&id), format!("it depends on '{on}', which no plan names"), Severity::High, None);
        }
    }

    fn foreign(&mut self, store: &Store) {
        let read = self.now.iter().filter(|(_, hash)| hash.is_some());
        let read = read.map(|(path, hash)| (path.clone(), hash.clone())).collect();
        // A journal that cannot be read was found already.
        for foreign in store.foreign_unlocked(read).unwrap_or_default() {
            let trust = format!("haco trust {}", check::subject(&foreign.path));
            let problem = format!("somebody other than haco changed it{}", foreign.which());
            self.find(&foreign.path, problem, Severity::High, Some(trust));
        }
    }
}

fn fix() -> Option<String> {
    Some("haco doctor --fix".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse::pretty, sample};

    fn found(held: &sample::Held) -> Vec<String> {
        doctor(&held.store).into_iter().map(|f| format!("{}: {}", f.file, f.problem)).collect()
    }

    #[test]
    fn a_healthy_store_has_no_findings_and_looking_writes_nothing() {
        let held = sample::with(&["T-001", "T-002"]);
        let before = held.store.syncs();
        assert_eq!(found(&held), [""; 0]);
        assert_eq!(held.store.syncs(), before);
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let held = sample::with(&["T-001", "T-002", "T-003"]);
        held.foreign("tickets/T-001.json", "{");
        let mut changed = sample::ticket("T-002", "demo");
        changed.depends_on = vec![sample::id("T-044")];
        held.foreign("tickets/T-002.json", pretty(&changed));
        fs_err::remove_file(held.place.dir.join("tickets/T-003.json")).expect("removes");
        held.foreign("tickets/T-004.json", pretty(&sample::ticket("T-004", "demo")));
        held.foreign("tickets/notes.txt", "mine");
        held.foreign("tickets/.T-002.json.2147483646-1.tmp", "half");
        held.foreign("tmp/folder.2147483646-2.tmp", "half");
        fs_err::remove_dir(held.place.dir.join("queue")).expect("removes");
        fs_err::create_dir(held.place.dir.join("plans/Not A Plan")).expect("makes");
        let expected = [
            ".haco/queue: it is missing",
            ".haco/tmp/folder.2147483646-2.tmp: a process that is gone left it unfinished",
            ".haco/plans/Not A Plan: its name is no plan's id",
            ".haco/tickets/.T-002.json.2147483646-1.tmp: a process that is gone left it unfinished",
            ".haco/tickets/T-001.json: line 1: it is torn: EOF while parsing an object",
            ".haco/tickets/T-004.json: no plan names it",
            ".haco/tickets/notes.txt: its name is no ticket's id",
            ".haco/plans/demo/plan.json: it names 'T-003', and there is no such ticket",
            ".haco/tickets/T-002.json: it depends on 'T-044', which no plan names",
            ".haco/tickets/T-002.json: somebody other than haco changed it",
        ];
        assert_eq!(found(&held), expected);
    }

    #[test]
    fn an_unreadable_plan_does_not_make_its_tickets_orphans() {
        let held = sample::with(&["T-001"]);
        held.foreign("plans/demo/plan.json", "");
        assert_eq!(found(&held), [".haco/plans/demo/plan.json: it is empty"]);
        assert!(survey(&held.store).stray.is_empty());
    }

    #[test]
    fn a_broken_journal_is_a_blocker_that_nothing_mends() {
        let held = sample::with(&["T-001"]);
        held.store.note(sample::event("x")).expect("appends");
        let text = fs_err::read_to_string(held.place.dir.join(journal::NAME)).expect("reads");
        held.foreign(journal::NAME, text.replace("\"x\"", "\"y\""));
        let findings = doctor(&held.store);
        assert_eq!((findings[0].severity, findings[0].fix.as_deref()), (Severity::Blocker, None));
        assert!(findings[0].problem.starts_with("line 2: "), "{findings:?}");
    }
}
