//! Drafts become tickets of a plan: ids that are free, and paths sorted by what the base holds.

use super::{Draft, Incoming};
use crate::{
    id::{PlanId, TicketId},
    path::RepoPath,
    ticket::{SCHEMA_VERSION, Ticket},
};
use std::collections::{BTreeMap, BTreeSet};

/// The tickets, and what was changed in them, as sentences.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// In the document's order.
    pub tickets: Vec<Ticket>,
    /// Each names its ticket first.
    pub notes: Vec<String>,
}

/// Gives each valid draft its id and its plan. An id of the document stays where it is not in `taken`; the others get
/// `free()`, which must bring a new one at each call, and references inside the document follow. A target that is not in
/// `base_files` counts as a new file, unless another ticket of the document creates it; a new file that is there counts
/// as a target. Where the plan has tickets already, what they create belongs into `base_files`.
pub fn assign(
    incoming: Incoming,
    taken: &BTreeSet<TicketId>,
    free: impl FnMut() -> TicketId,
    plan: &PlanId,
    base_files: &BTreeSet<String>,
) -> Assigned {
    let mut notes = Vec::new();
    let ids = ids(&incoming.tickets, taken, free);
    let renamed = renamed(&incoming.tickets, &ids, &mut notes);
    let mut tickets: Vec<Ticket> = Vec::with_capacity(ids.len());
    for (draft, id) in incoming.tickets.into_iter().zip(ids) {
        tickets.push(ticket(draft, id, plan, &renamed));
    }
    sort_paths(&mut tickets, base_files, &mut notes);
    Assigned { tickets, notes }
}

fn ids(drafts: &[Draft], taken: &BTreeSet<TicketId>, mut free: impl FnMut() -> TicketId) -> Vec<TicketId> {
    let mut used = taken.clone();
    let mut kept: Vec<Option<TicketId>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        kept.push(draft.id.clone().filter(|id| used.insert(id.clone())));
    }
    let mut next = || loop {
        let id = free();
        if used.insert(id.clone()) {
            return id;
        }
    };
    kept.into_iter().map(|id| id.unwrap_or_else(&mut next)).collect()
}

fn renamed(drafts: &[Draft], ids: &[TicketId], notes: &mut Vec<String>) -> BTreeMap<TicketId, TicketId> {
    let mut renamed = BTreeMap::new();
    for (draft, id) in drafts.iter().zip(ids) {
        if let Some(old) = draft.id.as_ref().filter(|old| *old != id) {
            notes.push(format!("{id}: called '{old}' in the document, an id that is taken"));
            renamed.insert(old.clone(), id.clone());
        }
    }
    renamed
}

fn ticket(draft: Draft, id: TicketId, plan: &PlanId, renamed: &BTreeMap<TicketId, TicketId>) -> Ticket {
    let follow = |id: TicketId| renamed.get(&id).cloned().unwrap_or(id);
    let about = draft.about.map(|mut about| {
        about.ticket = about.ticket.map(follow);
        about
    });
    Ticket {
        schema_version: SCHEMA_VERSION,
        id,
        title: draft.title,
        kind: draft.kind,
        priority: draft.priority,
        created_by: draft.created_by,
        plan: plan.clone(),
        stage: draft.stage,
        depends_on: draft.depends_on.into_iter().map(follow).collect(),
        severity: draft.severity,
        about,
        task: draft.task,
        context: draft.context,
        definition_of_done: draft.definition_of_done,
        execution: draft.execution,
        attempts: Vec::new(),
        verdicts: Vec::new(),
        decisions: Vec::new(),
        shipment: None,
        metadata: draft.metadata,
    }
}

fn sort_paths(tickets: &mut [Ticket], base: &BTreeSet<String>, notes: &mut Vec<String>) {
    let mut created: BTreeSet<RepoPath> = tickets.iter().flat_map(|t| t.task.new_files.iter().cloned()).collect();
    for Ticket { id, task, .. } in tickets {
        let there = |path: &RepoPath| base.contains(path.as_str());
        let (old, new): (Vec<_>, Vec<_>) = std::mem::take(&mut task.new_files).into_iter().partition(there);
        for path in &old {
            notes.push(format!("{id}: '{}' is in the base: taken as a target file", shown(path)));
        }
        let stays = |path: &RepoPath| there(path) || created.contains(path);
        let (targets, missing): (Vec<_>, Vec<_>) = std::mem::take(&mut task.target_files).into_iter().partition(stays);
        for path in &missing {
            notes.push(format!("{id}: '{}' is not in the base: taken as a new file", shown(path)));
            created.insert(path.clone());
        }
        task.target_files = [targets, old].concat();
        task.new_files = [new, missing].concat();
    }
}

fn shown(path: &RepoPath) -> String {
    path.as_str().escape_debug().to_string()
}
