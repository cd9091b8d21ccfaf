//! Why a step is not legal where a ticket stands, and small words for commands and lists.

use super::standing::{Need, Standing};
use crate::{
    code::{Code, Failure},
    id::TicketId,
};

/// Why a step is not legal here, with the command that is.
pub fn refusal(id: &TicketId, standing: &Standing, wanted: &str) -> Failure {
    let (why, fix) = due(id, standing);
    Failure::new(Code::IllegalStep, format!("{id}: {wanted} is not the next step: {why}")).fix(fix)
}

/// What a ticket waits for, as a clause, and the command that goes on from there.
pub fn due(id: &TicketId, standing: &Standing) -> (String, String) {
    match &standing.need {
        Need::Shipped => ("it was shipped".to_owned(), format!("haco show {id}")),
        Need::Abandoned => ("it was abandoned".to_owned(), format!("haco show {id}")),
        Need::Split => ("it was split".to_owned(), format!("haco show {id}")),
        Need::Scope => ("its contract is not in an approved scope".to_owned(), "haco approve".to_owned()),
        Need::Wait(on) => (format!("it waits for {}", list(on)), "haco next".to_owned()),
        Need::Baseline => ("its checks have not run on the base".to_owned(), format!("haco-verify --baseline {id}")),
        Need::Draft { .. } => ("a draft is due".to_owned(), format!("haco-worker {id}")),
        Need::Verify { .. } => ("its draft is not checked".to_owned(), format!("haco-verify {id}")),
        Need::Rebase { .. } => ("its base has moved".to_owned(), format!("haco-verify {id}")),
        Need::Audit { .. } => ("its audit is due".to_owned(), format!("haco-audit {id}")),
        Need::Accept { .. } => ("it waits for acceptance".to_owned(), format!("haco accept {id}")),
        Need::Ship => ("it is accepted".to_owned(), format!("haco-ship {id}")),
        Need::Blocked(block) => (format!("it is blocked: {}", block.why), block.command.join(" ")),
    }
}

pub(super) fn list(ids: &[TicketId]) -> String {
    ids.iter().map(TicketId::as_str).collect::<Vec<_>>().join(", ")
}

/// A command.
pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
