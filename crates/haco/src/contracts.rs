//! Tickets that came from outside become contracts of a plan: read, checked, given ids and ordered, then stored at once.

use crate::desk::Desk;
use anyhow::Result;
use haco_core::{
    id::{PlanId, TicketId},
    intake::{Bad, Source},
};

/// What came of it.
#[derive(Debug, Default)]
pub struct Added {
    /// The new tickets, in the document's order.
    pub ids: Vec<TicketId>,
    /// What was changed on the way in, a sentence each.
    pub notes: Vec<String>,
    /// Tickets that were not taken, with their reasons.
    pub bad: Vec<Bad>,
}

/// Reads `text` and adds its tickets to `plan`; with `split`, they are that ticket's children, take over what it depends
/// on, and the split is recorded in the same step with `reason`.
pub fn add(
    desk: &Desk,
    plan: &PlanId,
    text: &str,
    source: Source,
    split: Option<(&TicketId, Option<String>)>,
) -> Result<Added> {
    let _ = (desk, plan, text, source, split);
    Ok(Added::default())
}
