//! The place of a replay: a repository beside the real one that reads its objects, and a state of its own in which the plan
//! stands as it stood.

use super::record::Record;
use crate::{
    clock,
    desk::Desk,
    programs,
    replayed::{self, Replayed},
};
use anyhow::{Context, Result};
use haco_core::{
    attempt::Attempt,
    code::{Code, Failure},
    journal::Event,
    plan::Plan,
    replay::{self, plan_at},
    ticket::Ticket,
};
use haco_store::Place;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What people share below `.haco/`.
const SHARED: [&str; 2] = ["prompts", "studios"];

/// A replay's place; gone when dropped, unless it is kept.
pub(super) struct Beside<'a> {
    pub(super) record: &'a Record<'a>,
    top: PathBuf,
    _gone: Option<tempfile::TempDir>,
}

impl<'a> Beside<'a> {
    /// Makes it, with everything as it stood when the first attempt began.
    pub(super) fn make(record: &'a Record<'a>, keep: Option<&Path>) -> Result<Beside<'a>> {
        let gone = keep.is_none().then(|| tempfile::Builder::new().prefix("haco-replay.").tempdir()).transpose()?;
        let dir = match (keep, &gone) {
            (Some(dir), _) => new_directory(dir)?,
            (None, held) => held.as_ref().context("a temporary directory was made")?.path().to_path_buf(),
        };
        let top = fs_err::canonicalize(dir)?;
        record.desk.repo()?.beside(&top, &record.plan().base)?;
        let place = Place { worktree: top.clone(), main: top.clone(), dir: top.join(".haco") };
        haco_store::init(&place)?;
        let beside = Beside { record, top, _gone: gone };
        beside.share()?;
        beside.begin()?;
        Ok(beside)
    }

    /// Its desk, with what is there now.
    pub(super) fn desk(&self) -> Result<Desk> {
        Desk::at(&self.top)
    }

    /// The ticket as it came out so far.
    pub(super) fn ticket(&self) -> Result<Ticket> {
        Ok(self.desk()?.store.ticket(&self.record.id)?)
    }

    /// The configuration and what else people share.
    fn share(&self) -> Result<()> {
        let (from, to) = (&self.record.desk.store, haco_store::Store::open(&self.place())?);
        let mut files = vec!["config.json".to_owned()];
        for folder in SHARED {
            files.extend(from.list(folder)?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        for file in files {
            if let Ok(Some(bytes)) = from.read(&file) {
                to.write(&file, &bytes)?;
            }
        }
        Ok(())
    }

    fn place(&self) -> Place {
        Place { worktree: self.top.clone(), main: self.top.clone(), dir: self.top.join(".haco") }
    }

    /// The first line of its journal, with the plan and its tickets.
    fn begin(&self) -> Result<()> {
        let record = self.record;
        let first = record.attempts().next().context("a record has an attempt")?;
        let store = haco_store::Store::open(&self.place())?;
        let plan = self.plan(Some(first));
        let mut tx = store.begin(&[], Some(&plan.id))?;
        tx.put_plan(plan)?;
        for ticket in record.loaded.tickets.values() {
            let ours = ticket.id == record.id;
            let then = if ours { replay::before(ticket, Some(first.n)) } else { replay::beside(ticket, first) };
            tx.put_ticket(then)?;
        }
        Ok(tx.commit(Event::new(replayed::EVENT, "harness", &clock::now()))?)
    }

    /// Lets the plan and the other tickets stand as they stood when `attempt` began, and the ticket know what people, the
    /// supervisor and the forge had said by then; without one, at the end.
    pub(super) fn stand_at(&self, attempt: Option<&Attempt>) -> Result<()> {
        let record = self.record;
        let others = record.loaded.tickets.values().filter(|t| t.id != record.id);
        let then = |t: &Ticket| attempt.map_or_else(|| t.clone(), |a| replay::beside(t, a));
        let mut tickets: Vec<Ticket> = others.map(then).collect();
        let said = replay::before(record.ticket(), attempt.map(|a| a.n));
        let ours = self.ticket()?;
        tickets.push(Ticket { decisions: said.decisions, shipment: said.shipment, ..ours });
        self.put(self.plan(attempt), tickets)
    }

    /// The plan when `attempt` began, with the tickets that ours hangs together with.
    fn plan(&self, attempt: Option<&Attempt>) -> Plan {
        let plan = self.record.plan();
        let mut then = attempt.map_or_else(|| plan.clone(), |a| plan_at(plan, &a.at));
        then.tickets.retain(|id| self.record.loaded.tickets.contains_key(id));
        then
    }

    /// Writes what changed.
    pub(super) fn put(&self, plan: Plan, tickets: Vec<Ticket>) -> Result<()> {
        let desk = self.desk()?;
        let ids: Vec<_> = tickets.iter().map(|t| t.id.clone()).collect();
        let mut tx = desk.store.begin(&ids, Some(&plan.id))?;
        let mut changed = *tx.plan()? != plan;
        if changed {
            tx.put_plan(plan)?;
        }
        for ticket in tickets {
            if *tx.ticket(&ticket.id)? != ticket {
                tx.put_ticket(ticket)?;
                changed = true;
            }
        }
        if changed {
            tx.commit(Event::new(replayed::EVENT, "harness", &clock::now()))?;
        }
        Ok(())
    }

    /// Says with what the next step is done.
    pub(super) fn prepare(&self, step: &Replayed) -> Result<()> {
        let step = Replayed { worktree: Some(self.record.desk.place.worktree.clone()), ..step.clone() };
        let bytes = serde_json::to_vec(&step)?;
        Ok(haco_store::Store::open(&self.place())?.write(replayed::FILE, &bytes)?)
    }

    /// Runs a program of the suite for the ticket; what it failed at, where it did.
    pub(super) fn run(&self, name: &str, words: &[&str]) -> Result<Option<Failure>> {
        let mut command = Command::new(programs::beside(name));
        command.args(words).args(["--json", self.record.id.as_str()]).current_dir(&self.top);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        haco_sandbox::die_with_parent(&mut command);
        let output = command.output().with_context(|| format!("cannot run '{name}'"))?;
        if output.status.success() {
            return Ok(None);
        }
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        let code = Code::ALL.iter().copied().find(|c| Some(c.as_str()) == said["code"].as_str()).unwrap_or(Code::Bug);
        let message = text("error").unwrap_or_else(|| format!("'{name}' ended with {}", output.status));
        Ok(Some(Failure { fix: text("fix"), ..Failure::new(code, message) }))
    }
}

/// A directory that is not there yet: nothing of anybody's is overwritten.
fn new_directory(dir: &Path) -> Result<PathBuf> {
    fs_err::create_dir(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::Error::from(Failure::new(Code::Usage, format!("'{}' is there already", dir.display())))
        }
        _ => error.into(),
    })?;
    Ok(dir.to_path_buf())
}
