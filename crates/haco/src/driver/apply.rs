//! haco apply: put an audited change into the working tree, all of it or, where local changes are in the way, none.

use super::gates::{self, Target};
use crate::{
    desk::{self, Desk, Loaded},
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    attempt::Candidate,
    code::{Code, Failure},
    cursor::{Need, Position, refusal},
    graph,
    id::{PlanId, TicketId},
    journal::Event,
    oid::Change,
    ticket::Ticket,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Put an audited change into the working tree
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A ticket, or a plan: its audited tickets in order
    #[arg(value_name = "TICKET|PLAN")]
    id: String,
    /// End each path with a zero byte
    #[arg(short = 'z', long)]
    null: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let target = gates::target(&args.id)?;
    let plan = target.plan(&desk)?;
    let loaded = desk.load(Some(&plan))?;
    let position = desk.position(&loaded);
    let ids = match &target {
        Target::Ticket(id) => vec![id.clone()],
        Target::Plan(plan) => in_order(&loaded, &position, plan)?,
    };
    desk.store.check_all(ids.iter(), &plan)?;
    let parts = ids.iter().map(|id| candidate(&loaded, &position, id)).collect::<Result<Vec<_>>>()?;
    if let Target::Ticket(id) = &target {
        stands_on_its_base(&desk, &loaded, &position, id)?;
    }
    let changes = united(parts.iter().map(|c| c.change.as_slice()));
    let applied = desk.repo()?.apply(&changes).map_err(|e| hint(&desk, &loaded, &position, &ids, e))?;
    let changed: Vec<String> = applied.written.iter().chain(&applied.removed).cloned().collect();
    note(&desk, &loaded, &ids, &parts, &changes)?;
    if changed.is_empty() {
        out.say(format!("{}: the working tree has this change already", args.id));
    }
    for path in &changed {
        out.bytes(path.as_bytes())?;
        out.bytes(if args.null { b"\0" } else { b"\n" })?;
    }
    let ids: Vec<&str> = ids.iter().map(TicketId::as_str).collect();
    let outcome = Outcome::yes().with("plan", plan.as_str()).with("ids", ids);
    Ok(outcome.with("written", applied.written).with("removed", applied.removed).with("already", applied.already))
}

/// The audited candidate that counts.
fn candidate<'a>(loaded: &'a Loaded, position: &Position, id: &TicketId) -> Result<&'a Candidate> {
    let standing = gates::standing(position, id)?;
    let attempt = standing.attempt.filter(|_| standing.audited).and_then(|n| loaded.tickets.get(id)?.attempt(n));
    Ok(attempt.and_then(|a| a.candidate.as_ref()).ok_or_else(|| refusal(id, standing, "applying its change"))?)
}

/// The open tickets of a plan, each after all that it waits for.
/// What a ticket is built on must be in the working tree: a change without it would be half a change.
fn stands_on_its_base(desk: &Desk, loaded: &Loaded, position: &Position, id: &TicketId) -> Result<()> {
    let below = graph::closure(&graph::edges(loaded.tickets.values()), id);
    for other in below.iter().filter(|other| *other != id) {
        let Ok(candidate) = candidate(loaded, position, other) else { continue };
        let paths: Vec<&str> = candidate.change.iter().map(|c| c.path.as_str()).collect();
        let states = desk.repo()?.worktree_state(&paths)?;
        let untouched = |change: &Change| states.iter().any(|s| s.path == change.path && s.disk == change.old);
        if candidate.change.iter().any(untouched) {
            let why = format!("{id}: it is built on {other}, whose change is not in the working tree");
            return Err(Failure::new(Code::LocalChanges, why)
                .fix(format!("haco apply {other} && haco apply {id}"))
                .into());
        }
    }
    Ok(())
}

fn in_order(loaded: &Loaded, position: &Position, plan: &PlanId) -> Result<Vec<TicketId>> {
    let open = |id: &TicketId| {
        let need = position.standings.get(id).map(|s| &s.need);
        need.is_some_and(|need| !matches!(need, Need::Abandoned | Need::Split))
    };
    let ids: Vec<TicketId> =
        graph::topological(&graph::edges(loaded.tickets.values())).into_iter().filter(|id| open(id)).collect();
    if ids.is_empty() {
        return Err(Failure::new(Code::IllegalStep, format!("plan '{plan}' has no open ticket"))
            .fix("haco next")
            .into());
    }
    Ok(ids)
}

/// The changes of several candidates as one: the first `old` of each path and its last `new`.
fn united<'a>(parts: impl Iterator<Item = &'a [Change]>) -> Vec<Change> {
    let mut all: BTreeMap<&str, Change> = BTreeMap::new();
    for change in parts.flatten() {
        all.entry(&change.path).and_modify(|c| c.new = change.new.clone()).or_insert_with(|| change.clone());
    }
    all.into_values().filter(|c| c.old != c.new).collect()
}

/// Where local changes are in the way of a ticket that builds on others, those may have to come first.
fn hint(desk: &Desk, loaded: &Loaded, position: &Position, ids: &[TicketId], error: anyhow::Error) -> anyhow::Error {
    let (Ok(repo), [id], Some(failure)) = (desk.repo(), ids, error.downcast_ref::<Failure>()) else { return error };
    if failure.code != Code::LocalChanges {
        return error;
    }
    let edges = graph::edges(loaded.tickets.values());
    let below = graph::closure(&edges, id);
    let missing = |id: &TicketId| {
        let Ok(candidate) = candidate(loaded, position, id) else { return false };
        let paths: Vec<&str> = candidate.change.iter().map(|c| c.path.as_str()).collect();
        let disk = repo.worktree_state(&paths).unwrap_or_default();
        !disk.iter().zip(&candidate.change).all(|(state, change)| state.disk == change.new)
    };
    let first: Vec<TicketId> =
        graph::topological(&edges).into_iter().filter(|id| below.contains(id) && missing(id)).collect();
    if first.is_empty() {
        return error;
    }
    let commands = first.iter().map(|id| format!("haco apply {id}")).collect::<Vec<_>>().join(" && ");
    let message = format!("{}; {id} builds on {}, which the tree lacks", failure.message, gates::list(&first));
    Failure::new(Code::LocalChanges, message).fix(commands).into()
}

/// Journals what now stands in the working tree, so that an edit on top of it is known to be one.
fn note(desk: &Desk, loaded: &Loaded, ids: &[TicketId], parts: &[&Candidate], changes: &[Change]) -> Result<()> {
    let commits: Vec<_> = ids.iter().zip(parts).map(|(id, c)| json!({"ticket": id, "commit": c.commit})).collect();
    let files: Vec<_> = changes.iter().map(|c| json!({"path": c.path, "new": c.new})).collect();
    let ticket: &Ticket = loaded.ticket(&ids[0])?;
    let event = desk::event("applied", "harness", ticket);
    let ticket = event.ticket.filter(|_| ids.len() == 1);
    let worktree = desk.place.worktree.display().to_string();
    let data = json!({"worktree": worktree, "candidates": commits, "files": files});
    desk.store.note(Event { ticket, data, ..event })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::oid::{Blob, Mode};

    fn change(path: &str, old: Option<char>, new: Option<char>) -> Change {
        let blob = |c: char| Blob { oid: c.to_string().repeat(40).parse().expect("id"), mode: Mode::Regular };
        Change { path: path.into(), old: old.map(blob), new: new.map(blob) }
    }

    #[test]
    fn candidates_in_order_unite_into_one_change_a_path() {
        let first = [change("a", Some('1'), Some('2')), change("b", None, Some('3'))];
        let second = [change("a", Some('2'), Some('4')), change("b", Some('3'), None)];
        assert_eq!(united([&first[..], &second[..]].into_iter()), [change("a", Some('1'), Some('4'))]);
    }
}
