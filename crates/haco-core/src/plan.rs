//! One plan as it is stored: the requirement, the commit it starts from, its tickets and what was decided of it.

use crate::{
    id::{PlanId, TicketId},
    oid::Oid,
    verdict::{Decision, Verdict},
};
use serde::{Deserialize, Serialize};

/// One initiative (`.haco/plans/<plan>/plan.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always [`crate::ticket::SCHEMA_VERSION`]; a missing one is 1.
    #[serde(default = "first_version")]
    pub schema_version: u32,
    /// Its id, which is also its directory's name.
    pub id: PlanId,
    /// What is wanted, in the person's words.
    pub requirement: String,
    /// The commit that every ticket's base begins with.
    pub base: Oid,
    /// The studio's name.
    pub studio: String,
    /// `continuous`, or another that the studio knows.
    pub mode: String,
    /// Mode `quick` only: the one stage asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// A ticket that no plan names does not exist.
    #[serde(default)]
    pub tickets: Vec<TicketId>,
    /// How fine the lead was asked to cut: `coarse`, `standard` or `fine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granularity: Option<Granularity>,
    /// Files that the lead was given, by `--context`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<crate::path::RepoPath>,
    /// What PLAN.md says beside the tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What was assumed where the requirement is silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// Append-only: the scope, the union and what a studio asks of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// Append-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// Anyone's.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

fn first_version() -> u32 {
    1
}

/// How fine the lead cuts a requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// Few tickets.
    Coarse,
    /// As a team would.
    #[default]
    Standard,
    /// Many small ones.
    Fine,
}

impl Granularity {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Granularity::Coarse => "coarse",
            Granularity::Standard => "standard",
            Granularity::Fine => "fine",
        }
    }
}

impl Plan {
    /// The latest decision about the scope: the approval that stands, or none where it was withdrawn.
    pub fn approval(&self) -> Option<&Verdict> {
        let last = self.verdicts.iter().rev().find(|v| v.check == "scope")?;
        (last.verdict == crate::verdict::Answer::Pass).then_some(last)
    }
}
