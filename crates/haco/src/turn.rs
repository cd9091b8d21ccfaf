//! One ticket's turn: where it stands, whether the step that a program does is the one that is due, and the right to do
//! it alone. What is due is the cursor's to say.

use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure, Status},
    cursor::{self, Need, Standing},
    id::TicketId,
};
use haco_store::StepLock;

/// A ticket with what it hangs together with, and where it stands.
pub struct Turn {
    /// As read just now.
    pub loaded: Loaded,
    /// As derived from that.
    pub standing: Standing,
}

impl Turn {
    /// Reads the ticket anew. One that somebody else wrote, or whose plan somebody else wrote, is refused.
    pub fn of(desk: &Desk, id: &TicketId) -> Result<Turn> {
        desk.store.check(id)?;
        let loaded = desk.load_ticket(id).map_err(|error| with_list(error, id))?;
        desk.store.check_plan(&loaded.ticket(id)?.plan)?;
        let none = || Failure::new(Code::BadPlan, format!("{id}: its plan's studio is not known")).fix("haco doctor");
        let standing = desk.position(&loaded).standings.remove(id).ok_or_else(none)?;
        Ok(Turn { loaded, standing })
    }

    /// The word for where the ticket stands, whoever holds it.
    pub fn status(&self) -> cursor::Status {
        cursor::Status::of(&self.standing, false)
    }
}

/// The right to do `id`'s long step until it is dropped; a failure with status 75 names who has it.
pub fn hold(desk: &Desk, id: &TicketId) -> Result<StepLock> {
    desk.store.ticket(id).map_err(|failure| with_list(failure.into(), id))?;
    if let Some(lock) = desk.store.try_step(id)? {
        return Ok(lock);
    }
    let holder = desk.store.busy()?.remove(id).unwrap_or_else(|| "another process".to_owned());
    Err(Failure::new(Code::Busy, format!("{id} is held by {holder}")).fix("haco next").into())
}

/// Why `wanted` is not legal here; where somebody outside is asked, with the code of the reason. A code of status 1
/// becomes an illegal step: 1 says that something changed.
pub fn refusal(id: &TicketId, standing: &Standing, wanted: &str) -> Failure {
    let failure = cursor::refusal(id, standing, wanted);
    let Need::Blocked(block) = &standing.need else { return failure };
    let cause = Code::ALL.iter().find(|c| c.as_str() == block.code && c.status() != Status::No);
    Failure { code: cause.copied().unwrap_or(failure.code), ..failure }
}

/// The ticket that the first offer of this kind names.
pub fn offered(desk: &Desk, action: cursor::Action) -> Result<Option<TicketId>> {
    let loaded = desk.load(None)?;
    let offers = desk.position(&loaded).offers;
    Ok(offers.into_iter().find(|o| o.action == action && o.ticket.is_some()).and_then(|o| o.ticket))
}

fn with_list(error: anyhow::Error, id: &TicketId) -> anyhow::Error {
    match error.downcast_ref::<Failure>() {
        Some(failure) if failure.code == Code::UnknownId && failure.fix.is_none() => {
            Failure::new(Code::UnknownId, format!("no such ticket: '{id}'")).fix("haco list").into()
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::blocked;

    #[test]
    fn a_block_keeps_its_cause_but_never_says_that_something_changed() {
        let id = TicketId::ticket(1);
        for (code, status) in [
            (Code::BudgetSpent, Status::Spent),
            (Code::MissingTool, Status::CouldNotRun),
            (Code::OutsideApproval, Status::Stale),
            (Code::VacuousCheck, Status::Stale),
        ] {
            assert_eq!(refusal(&id, &blocked(code), "a draft").code.status(), status, "{code}");
        }
        assert_eq!(refusal(&id, &blocked(Code::BudgetSpent), "a draft").fix.as_deref(), Some("haco retry"));
    }
}
