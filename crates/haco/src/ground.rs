//! What a ticket is built on, as git objects: the plan's commit, one candidate, or several united.

use crate::desk::Desk;
use anyhow::Result;
use haco_core::{
    attempt::Attempt,
    code::{Code, Failure},
    oid::{Change, Oid},
    plan::Plan,
    tickets::Tickets,
};
use haco_git::Who;
use std::collections::{BTreeMap, BTreeSet};

/// The commit that a ticket's base is: `plan`'s own where `on` is empty, the candidate where there is one, else a
/// commit that unites them. The same candidates always give the same commit.
pub fn base_commit(desk: &Desk, plan: &Plan, tickets: &Tickets, on: &[Oid]) -> Result<Oid> {
    let repo = desk.repo()?;
    match on {
        [] => present(desk, &plan.base),
        [one] => present(desk, one),
        several => {
            let tree = union_tree(desk, plan, tickets, several)?;
            repo.commit(&tree, several, "The base of a ticket: its dependencies united\n", &Who::Haco)
        }
    }
}

/// The tree of `plan`'s commit with the candidates `on`, and everything that they are built on, laid over it in order.
pub fn union_tree(desk: &Desk, plan: &Plan, tickets: &Tickets, on: &[Oid]) -> Result<Oid> {
    let by_commit: BTreeMap<&Oid, &Attempt> = tickets
        .values()
        .flat_map(|t| &t.attempts)
        .filter_map(|a| a.candidate.as_ref().map(|c| (&c.commit, a)))
        .collect();
    let mut order: Vec<Vec<Change>> = Vec::new();
    let mut seen = BTreeSet::new();
    for commit in on {
        lay(commit, &by_commit, &mut seen, &mut order)?;
    }
    let repo = desk.repo()?;
    repo.union(&repo.tree_of(&present(desk, &plan.base)?)?, &order)
}

/// Puts what `commit` is built on before its own changes.
fn lay(
    commit: &Oid,
    by_commit: &BTreeMap<&Oid, &Attempt>,
    seen: &mut BTreeSet<Oid>,
    order: &mut Vec<Vec<Change>>,
) -> Result<()> {
    if !seen.insert(commit.clone()) {
        return Ok(());
    }
    let none =
        || Failure::new(Code::Stale, format!("no ticket has the candidate '{}'", commit.short())).fix("haco doctor");
    let attempt = by_commit.get(commit).ok_or_else(none)?;
    for below in &attempt.on {
        lay(below, by_commit, seen, order)?;
    }
    order.extend(attempt.candidate.as_ref().map(|c| c.change.clone()));
    Ok(())
}

fn present(desk: &Desk, commit: &Oid) -> Result<Oid> {
    if desk.repo()?.has(commit) {
        return Ok(commit.clone());
    }
    let gone = format!("the commit '{}' is not in this repository", commit.short());
    Err(Failure::new(Code::Stale, gone).fix("git fetch --all, or fetch refs/haco/* from where it was made").into())
}
