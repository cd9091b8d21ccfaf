//! One pass of a ticket through its chain of roles: who did what, from which prompt, with which draft.

use crate::{
    edit::Format,
    hash::Hash,
    oid::{Change, Oid},
};
use serde::{Deserialize, Serialize};

/// One attempt; append-only, each field filled once. It ends in a candidate or a reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// From 1.
    pub n: u32,
    /// The commit that it starts from.
    pub base: Oid,
    /// The candidates that the base unites, sorted: with the plan's base they name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Oid>,
    /// The index in the chain where it begins.
    #[serde(default)]
    pub from: u32,
    /// The attempt whose draft is verified again on a new base; outside every cap and budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
    /// One a role, in the order of the chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What the checks and the auditor judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// `candidate`, or the code of the reason why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why there is no candidate, for the next prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it began, RFC 3339.
    pub at: String,
}

/// What one role did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `worker`, or a studio's role.
    pub role: String,
    /// The route's entry that acted; `supervisor` for the driving agent, `human` for a person.
    pub model: String,
    /// SHA-256 of the prompt exactly as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Hash>,
    /// What came back, where it is a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// Tokens and money, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How the step ended.
    pub outcome: StepOutcome,
    /// The code of the reason, where the step said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How a step ended; one that could not run is journalled and not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepOutcome {
    /// The next step may begin.
    Advance,
    /// No: the nearest building role begins again.
    Reject,
}

/// A reply that is a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Of the reply's bytes.
    pub sha256: Hash,
    /// The form that was asked for.
    pub format: Format,
}

/// What one call cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// As the server counted.
    pub prompt_tokens: u64,
    /// As the server counted.
    pub completion_tokens: u64,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Where the figure comes from.
    pub cost: CostKind,
    /// Milliseconds on the wall.
    pub timing_ms: u64,
}

/// Where a cost comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostKind {
    /// The server said it.
    Actual,
    /// Tokens times the configured price.
    Estimated,
    /// Nobody knows.
    Unknown,
}

/// One tree that can be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// `refs/haco/T-001/n` points here.
    pub commit: Oid,
    /// Base, draft and the contract's own files.
    pub tree: Oid,
    /// What differs from the base, by path.
    pub change: Vec<Change>,
}

impl Attempt {
    /// The last building step's author: the route's entry that drafted.
    pub fn author(&self) -> Option<&str> {
        self.steps.iter().rev().find(|s| s.draft.is_some()).map(|s| s.model.as_str())
    }

    /// Whether it ended without a candidate.
    pub fn ended_without_candidate(&self) -> bool {
        self.candidate.is_none() && self.outcome.is_some()
    }
}
