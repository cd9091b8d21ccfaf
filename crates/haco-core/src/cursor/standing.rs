//! Where one ticket stands, as a value: what is approved, what it is built on, which attempt counts, what it needs next.

use crate::{hash::Hash, id::TicketId, oid::Oid};

/// What a ticket needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it was shipped.
    Shipped,
    /// Nothing: a person took it out.
    Abandoned,
    /// Nothing: its children carry it.
    Split,
    /// A person's approval of its contract.
    Scope,
    /// Other tickets first.
    Wait(Vec<TicketId>),
    /// Its checks on the base.
    Baseline,
    /// A draft from this entry of the route; which of its tries, from 1.
    Draft {
        /// The route's entry.
        model: String,
        /// From 1.
        attempt: u32,
        /// The role of the chain.
        role: String,
    },
    /// The latest draft made into a candidate and checked.
    Verify {
        /// Which attempt.
        attempt: u32,
    },
    /// The same draft on a new base.
    Rebase {
        /// Which attempt is repeated.
        attempt: u32,
    },
    /// A verdict of a verifying role.
    Audit {
        /// Which attempt.
        attempt: u32,
        /// The role that judges.
        role: String,
        /// What it judges.
        subject: Hash,
    },
    /// A person's acceptance of exactly this.
    Accept {
        /// What is accepted.
        subject: Hash,
    },
    /// To be shipped.
    Ship,
    /// Somebody outside.
    Blocked(Block),
}

/// Why nothing can go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The failure's code.
    pub code: String,
    /// One line.
    pub why: String,
    /// `human` or `tech_lead`.
    pub actor: &'static str,
    /// What to run once the cause is gone, or instead.
    pub command: Vec<String>,
}

/// Where one ticket stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// SHA-256 of its contract as it is now.
    pub contract: Hash,
    /// Whether its contract stands in the latest approved scope.
    pub in_scope: bool,
    /// The candidates that its base unites, once all its dependencies are audited.
    pub on: Option<Vec<Oid>>,
    /// The attempt that counts.
    pub attempt: Option<u32>,
    /// Whether the attempt that counts passed every check and audit: dependents may build on it.
    pub audited: bool,
    /// What a person accepts, where it is audited.
    pub acceptance: Option<Hash>,
    /// What it needs next.
    pub need: Need,
}

/// The union of a plan's open tickets, once all of them are audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// What the union's verdict is about.
    pub subject: Hash,
    /// In the order in which they are built on each other.
    pub tickets: Vec<TicketId>,
}
