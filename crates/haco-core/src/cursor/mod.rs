//! The one decision: from plans, tickets, studios, configuration and facts to what comes next.
//!
//! Position is derived here and nowhere stored. `stand` finds where one ticket is (`standing`),
//! from what it is built on (`ground`); `offers` says what may be done now (`offer`).

mod ground;
mod offer;
mod offers;
mod refusal;
mod stand;
mod standing;
mod status;
#[cfg(test)]
mod tests;

pub use offer::{Action, Offer};
pub use offers::{Position, plan_is_done};
pub use refusal::{due, refusal};
pub use standing::{Block, Need, Standing, Union};
pub use status::Status;

use crate::{
    hash::Hash,
    id::{PlanId, TicketId},
    plan::Plan,
    settings::Settings,
    studio::Studio,
    tickets::Tickets,
};
use std::collections::BTreeMap;

/// Everything that the decision reads.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Every plan that is asked about.
    pub plans: &'a BTreeMap<PlanId, Plan>,
    /// At least their tickets, or one ticket with what it depends on.
    pub tickets: &'a Tickets,
    /// By name.
    pub studios: &'a BTreeMap<String, Studio>,
    /// What the configuration files say together.
    pub settings: &'a Settings,
    /// What the caller looked up.
    pub facts: &'a Facts,
}

/// What is not in the files.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Who holds a ticket's step.
    pub busy: BTreeMap<TicketId, String>,
    /// About how many tokens the tickets' prompts have, where a route asks.
    pub prompt_tokens: BTreeMap<TicketId, u64>,
}

/// The built-in studios by name.
pub fn studios() -> BTreeMap<String, Studio> {
    BTreeMap::from([("hybrid".to_owned(), Studio::hybrid())])
}

/// A plan's own part of its scope's subject, as it would be approved now.
pub fn frame(world: &World<'_>, plan: &Plan) -> Option<Hash> {
    let studio = world.studios.get(&plan.studio)?;
    Some(crate::subject::frame(plan, &studio.hash(), &world.settings.policy()))
}
