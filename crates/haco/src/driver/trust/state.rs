//! A state file that somebody else wrote: shown for what it claims, and taken in by a person's word.

use super::gates::{self, Target, flat};
use crate::{
    clock,
    desk::{Desk, Loaded},
    exit::Outcome,
    output::Out,
    person,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    id::{PlanId, TicketId},
    journal::{Event, Line},
    settings::HUMAN,
    subject,
    ticket::Ticket,
    verdict::{Decision, Verdict},
};
use serde_json::json;

/// Shows what the file says now and takes it in, at a terminal only.
pub fn trust(target: &Target, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let (name, path, checked) = match target {
        Target::Ticket(id) => (id.to_string(), format!("tickets/{id}.json"), desk.store.check(id)),
        Target::Plan(id) => (id.to_string(), format!("plans/{id}/plan.json"), desk.store.check_plan(id)),
    };
    let bytes = bytes(&desk, &name, &path)?;
    match checked {
        Ok(()) => {
            out.say(format!("'.haco/{path}' is as haco wrote it: there is nothing to take in"));
            return done(out, &name);
        }
        Err(failure) if failure.code == Code::ForeignWrite => {}
        Err(failure) => return Err(failure.into()),
    }
    let lines = match target {
        Target::Ticket(id) => ticket(&desk, id)?,
        Target::Plan(id) => plan(&desk, id)?,
    };
    if out.can_ask() {
        let wrote = last_write(&desk, &path)?;
        out.ask(&format!(".haco/{path} was not written by haco as it is: SHA-256 {}\n", Hash::of(&bytes).short()));
        out.ask(&format!("  before  {wrote}\n"));
        lines.iter().for_each(|line| out.ask(&format!("  {}\n", flat(line))));
    }
    person::decide(out, &format!("take in '.haco/{path}' as it is?"), &format!("haco trust {name}"))?;
    if self::bytes(&desk, &name, &path)? != bytes {
        let message = format!("'.haco/{path}' changed while it was being taken in: nothing was recorded");
        return Err(Failure::new(Code::Stale, message).fix(format!("haco trust {name}")).into());
    }
    desk.store.adopt(&path, event(target, &bytes))?;
    done(out, &name)
}

fn done(out: &mut Out, name: &str) -> Result<Outcome> {
    out.line(name)?;
    Ok(Outcome::yes().with("id", name))
}

fn bytes(desk: &Desk, name: &str, path: &str) -> Result<Vec<u8>> {
    let none = || Failure::new(Code::UnknownId, format!("no such ticket or plan: '{name}'")).fix("haco list");
    Ok(desk.store.read(path)?.ok_or_else(none)?)
}

fn event(target: &Target, bytes: &[u8]) -> Event {
    let event = Event { data: json!({"sha256": Hash::of(bytes)}), ..Event::new("trust", HUMAN, &clock::now()) };
    match target {
        Target::Ticket(id) => Event { ticket: Some(id.clone()), ..event },
        Target::Plan(id) => Event { plan: Some(id.clone()), ..event },
    }
}

/// What the journal says of the file's last write.
fn last_write(desk: &Desk, path: &str) -> Result<String> {
    let lines = desk.store.journal().lines()?;
    let writes = |line: &&Line| line.files.iter().any(|f| f.path == path);
    let last = lines.iter().rev().find(writes);
    Ok(last.map_or("haco never wrote it".to_owned(), |l| format!("{} by {} at {}", l.event, l.actor, l.at)))
}

/// What a ticket's file claims: its contract against the approved one, and all that says that work was done.
fn ticket(desk: &Desk, id: &TicketId) -> Result<Vec<String>> {
    let ticket = desk.store.ticket(id)?;
    let plan = desk.store.plan(&ticket.plan)?;
    let approved = plan.approval().and_then(|a| a.contracts.get(id));
    let contract = match approved {
        Some(hash) if *hash == subject::contract(&ticket) => "as it was approved",
        Some(_) => "not the one that was approved: it waits for approval again",
        None => "not approved",
    };
    let mut lines = vec![format!("title   {}", ticket.title), format!("contract {contract}")];
    lines.extend(
        ticket
            .attempts
            .last()
            .map(|a| format!("attempts {}, the latest by {}", ticket.attempts.len(), a.author().unwrap_or("nobody"))),
    );
    lines.extend(judged(&ticket.verdicts));
    lines.extend(decided(&ticket.decisions));
    lines.extend(ticket.shipment.as_ref().map(|s| format!("shipped to {} at {}", s.branch, s.at)));
    lines.push(format!("status  {}", stands(desk, &ticket)));
    Ok(lines)
}

/// Where the ticket stands once its file is believed.
fn stands(desk: &Desk, ticket: &Ticket) -> String {
    let status = |loaded: &Loaded| desk.position(loaded).status(&desk.world(loaded), &ticket.id);
    let status = desk.load_ticket(&ticket.id).ok().as_ref().and_then(status);
    status.map_or("no plan names it".to_owned(), |s| format!("{}, once it is taken in", s.as_str()))
}

fn plan(desk: &Desk, id: &PlanId) -> Result<Vec<String>> {
    let plan = desk.store.plan(id)?;
    let mut lines = vec![
        format!("requires {}", plan.requirement),
        format!("base    {}, studio {}, mode {}", plan.base.short(), plan.studio, plan.mode),
        format!("tickets {}", gates::list(&plan.tickets)),
    ];
    lines.extend(judged(&plan.verdicts));
    lines.extend(decided(&plan.decisions));
    let approval = plan.approval();
    lines.push(match approval {
        Some(a) => format!("approved at {}, {} contracts, models {}", a.at, a.contracts.len(), names(a)),
        None => "not approved".to_owned(),
    });
    Ok(lines)
}

fn names(approval: &Verdict) -> String {
    approval.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Every verdict that the file claims; a long list by its end.
fn judged(verdicts: &[Verdict]) -> Vec<String> {
    let skipped = verdicts.len().saturating_sub(10);
    let more = (skipped > 0).then(|| format!("verdict … {skipped} earlier ones"));
    let one = |v: &Verdict| {
        let model = v.model.as_ref().map(|m| format!(" ({m})")).unwrap_or_default();
        format!("verdict {} {} by {}{model} at {}", v.check, v.verdict.as_str(), v.by, v.at)
    };
    more.into_iter().chain(verdicts[skipped..].iter().map(one)).collect()
}

fn decided(decisions: &[Decision]) -> Vec<String> {
    decisions.iter().map(|d| format!("decision {} by {} at {}", d.action, d.by, d.at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::verdict::Answer;

    #[test]
    fn every_claim_is_shown_and_a_long_list_says_how_much_is_left_out() {
        let at = "2026-01-01T00:00:00Z";
        let verdict = Verdict::new("acceptance", Hash::of(b"s"), Answer::Pass, HUMAN, at);
        assert_eq!(judged(std::slice::from_ref(&verdict)), [format!("verdict acceptance pass by human at {at}")]);
        let many = judged(&vec![verdict; 12]);
        assert_eq!((many.len(), many[0].as_str()), (11, "verdict … 2 earlier ones"));
    }
}
