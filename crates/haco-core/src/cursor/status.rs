//! A ticket's status: one word for people and filters, derived from where it stands.

use super::standing::{Need, Standing};
use serde::{Deserialize, Serialize};

/// The first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Pushed.
    Shipped,
    /// A person took it out.
    Abandoned,
    /// Its children carry it.
    Split,
    /// Somebody outside must act; the reason says who.
    Blocked,
    /// A person accepted exactly this.
    Accepted,
    /// A person is asked.
    AwaitingAcceptance,
    /// Its audit is due.
    Review,
    /// A candidate's checks are due.
    Testing,
    /// Somebody holds its step.
    InProgress,
    /// Not in an approved scope.
    Backlog,
    /// A dependency is not audited.
    Waiting,
    /// A draft is due, also after a failed attempt; before the first one, its checks on the base.
    Ready,
}

impl Status {
    /// Every status in its order.
    pub const ALL: [Status; 12] = [
        Status::Shipped,
        Status::Abandoned,
        Status::Split,
        Status::Blocked,
        Status::Accepted,
        Status::AwaitingAcceptance,
        Status::Review,
        Status::Testing,
        Status::InProgress,
        Status::Backlog,
        Status::Waiting,
        Status::Ready,
    ];

    /// As printed and filtered.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Shipped => "shipped",
            Status::Abandoned => "abandoned",
            Status::Split => "split",
            Status::Blocked => "blocked",
            Status::Accepted => "accepted",
            Status::AwaitingAcceptance => "awaiting_acceptance",
            Status::Review => "review",
            Status::Testing => "testing",
            Status::InProgress => "in_progress",
            Status::Backlog => "backlog",
            Status::Waiting => "waiting",
            Status::Ready => "ready",
        }
    }

    /// The status of a ticket that stands so, and whether somebody holds its step.
    pub fn of(standing: &Standing, held: bool) -> Status {
        match &standing.need {
            Need::Shipped => Status::Shipped,
            Need::Abandoned => Status::Abandoned,
            Need::Split => Status::Split,
            Need::Blocked(_) => Status::Blocked,
            Need::Ship => Status::Accepted,
            Need::Accept { .. } => Status::AwaitingAcceptance,
            Need::Audit { .. } => Status::Review,
            Need::Verify { .. } | Need::Rebase { .. } => Status::Testing,
            Need::Baseline | Need::Draft { .. } | Need::Scope | Need::Wait(_) if held => Status::InProgress,
            Need::Scope => Status::Backlog,
            Need::Wait(_) => Status::Waiting,
            Need::Baseline | Need::Draft { .. } => Status::Ready,
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = || Status::ALL.map(Status::as_str).join(" ");
        Status::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("'{text}' is not one of: {}", all()))
    }
}
