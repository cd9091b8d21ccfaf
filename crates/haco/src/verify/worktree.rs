//! The supervisor's own edit of the files in scope as a draft: what the working tree holds beside the ticket's base.

use super::{
    candidate::{self, Built, Refused},
    record, take_up, ticket,
};
use crate::{
    clock,
    desk::{Desk, Loaded, event},
    ground,
    output::{Answered, Out},
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Draft, Step, StepOutcome},
    code::{Code, Failure},
    cursor::{Need, Standing, refusal},
    edit::Format,
    hash::Hash,
    id::TicketId,
    oid::{Change, Oid},
    settings::SUPERVISOR,
    ticket::Ticket,
};
use haco_git::PathState;
use serde_json::json;

/// Takes the working tree's files in scope as a new attempt and checks it.
pub(super) fn verify(desk: &Desk, out: &Out, id: &TicketId) -> Result<Answered> {
    let (_step, mut loaded, standing) = take_up(desk, id)?;
    let ticket = loaded.ticket(id)?;
    let role = role(ticket, &standing)?;
    let on = standing.on.clone().unwrap_or_default();
    let base = ground::base_commit(desk, loaded.plan_of(ticket)?, &loaded.tickets, &on)?;
    let draft = changes(desk, ticket, &base)?;
    let n = ticket.attempts.last().map_or(1, |a| a.n + 1);
    let repo = desk.repo()?;
    let laid = candidate::contract_changes(repo, ticket, &base)?;
    let made = match candidate::commit(repo, (ticket, n), &base, laid, draft.clone())? {
        Ok(made) if !draft.is_empty() => made,
        Ok(_) => return Err(none(id).into()),
        Err(Refused { code: Code::Unchanged, .. }) => return Err(none(id).into()),
        Err(refused) => return Err(Failure::new(refused.code, format!("{id}: {}", refused.line)).into()),
    };
    left_out(desk, out, ticket, &draft)?;
    ticket::say(out, id, &made.flags);
    let attempt = Attempt {
        n,
        base,
        on,
        from: from(desk, &loaded, ticket, &role)?,
        repeats: None,
        steps: Vec::new(),
        edits: None,
        candidate: None,
        outcome: None,
        failure: None,
        at: clock::now(),
    };
    let now = keep(desk, ticket, attempt, &role, &draft, made)?;
    loaded.tickets.insert(Box::new(now));
    ticket::check(desk, out, &loaded, id, n, false)
}

fn none(id: &TicketId) -> Failure {
    Failure::new(Code::NoEdits, format!("{id}: the working tree changes none of its files"))
        .fix(format!("haco show {id}"))
}

/// The role that drafts; a draft may come until the candidate passed its checks.
fn role(ticket: &Ticket, standing: &Standing) -> Result<String> {
    let last = || ticket.attempts.iter().flat_map(|a| &a.steps).next_back().map(|s| s.role.clone());
    match &standing.need {
        Need::Draft { role, .. } => Ok(role.clone()),
        Need::Verify { .. } => Ok(last().unwrap_or_else(|| "worker".to_owned())),
        Need::Blocked(b) if b.code == Code::BudgetSpent.as_str() && b.command.iter().any(|w| w == "--worktree") => {
            Ok(last().unwrap_or_else(|| "worker".to_owned()))
        }
        _ => Err(refusal(&ticket.id, standing, "a draft").into()),
    }
}

/// The role's index in its stage's chain.
fn from(desk: &Desk, loaded: &Loaded, ticket: &Ticket, role: &str) -> Result<u32> {
    let plan = loaded.plan_of(ticket)?;
    let world = desk.world(loaded);
    let stage = world.studios.get(&plan.studio).and_then(|s| s.stage(ticket.stage.as_deref()));
    let at = stage.and_then(|s| s.chain.iter().position(|r| r.name == role));
    Ok(at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0))
}

/// What the disk changes of the base, in scope. HEAD must hold the base's bytes wherever it does, else the edit was made
/// to something else.
fn changes(desk: &Desk, ticket: &Ticket, base: &Oid) -> Result<Vec<Change>> {
    let repo = desk.repo()?;
    let [targets, new_files] = candidate::scope(ticket);
    let mut paths: Vec<&str> = targets.iter().chain(&new_files).map(|p| p.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut changes = Vec::new();
    for PathState { path, head, disk } in repo.record_worktree(&paths)? {
        let old = repo.blob(base, &path)?;
        if disk == old {
            continue;
        }
        if head != old {
            let why =
                format!("{}: '{path}' is another one in HEAD than in the ticket's base {}", ticket.id, base.short());
            return Err(Failure::new(Code::Stale, why).fix(format!("git switch --detach {base}")).into());
        }
        if old.is_some() && !targets.iter().any(|t| t.as_str() == path) {
            let why = format!("{}: '{path}' is there already and may only be created, not changed", ticket.id);
            return Err(Failure::new(Code::OutOfScope, why).into());
        }
        changes.push(Change { path, old, new: disk });
    }
    Ok(changes)
}

/// Says which local changes are not part of the draft.
fn left_out(desk: &Desk, out: &Out, ticket: &Ticket, draft: &[Change]) -> Result<()> {
    let mut others = desk.repo()?.dirty_paths()?;
    others.retain(|path| !draft.iter().any(|c| c.path == *path || c.path.starts_with(path.as_str())));
    match others.as_slice() {
        [] => {}
        [one] => out.say(format!("{}: the local change of '{one}' is not in its scope and was left out", ticket.id)),
        [one, rest @ ..] => out.say(format!(
            "{}: local changes of '{one}' and {} more are not in its scope and were left out",
            ticket.id,
            rest.len()
        )),
    }
    Ok(())
}

/// Stores the draft as a reply and the attempt with its candidate.
fn keep(desk: &Desk, ticket: &Ticket, attempt: Attempt, role: &str, draft: &[Change], made: Built) -> Result<Ticket> {
    let repo = desk.repo()?;
    let diff = repo.diff(&attempt.base, &repo.edit_tree(&attempt.base, draft)?)?;
    let reply = fenced(&diff);
    let sha256 = Hash::of(&reply);
    let (n, id) = (attempt.n, &ticket.id);
    let call = json!({
        "schema_version": 1, "at": attempt.at, "model": {"name": SUPERVISOR, "provider": SUPERVISOR},
        "reply_sha256": sha256, "format": Format::Udiff,
    });
    let call = serde_json::to_vec_pretty(&call).expect("plain values are JSON");
    let files: [(&str, &[u8]); 2] = [("reply.md", &reply), ("call.json", &call)];
    desk.store.write_draft(&format!("drafts/{id}/{n}/0-{role}"), &files)?;
    let step = Step {
        role: role.to_owned(),
        model: SUPERVISOR.to_owned(),
        prompt: None,
        draft: Some(Draft { sha256, format: Format::Udiff }),
        usage: None,
        outcome: StepOutcome::Advance,
        failure: None,
        left_out: Vec::new(),
    };
    let data = json!({"attempt": n, "model": SUPERVISOR});
    let event = haco_core::journal::Event { data, ..event("draft", "supervisor", ticket) };
    let now = record(desk, ticket, event, |now| {
        now.attempts.push(Attempt { steps: vec![step], ..attempt });
        Ok(())
    })?;
    ticket::keep(desk, &now, n, made)
}

/// A diff in a fence that is longer than any inside it.
fn fenced(diff: &[u8]) -> Vec<u8> {
    let longest = diff.split(|b| *b != b'`').map(<[u8]>::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut text = format!("{fence}diff\n").into_bytes();
    text.extend(diff);
    if !diff.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend(format!("{fence}\n").bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(fenced(b"+a\n"), b"```diff\n+a\n```\n");
        assert_eq!(fenced(b"+````x"), b"`````diff\n+````x\n`````\n");
    }
}
