//! Verdicts and decisions: what was judged by its hash, by whom, and what people decided.

use crate::{
    hash::Hash,
    id::{PlanId, TicketId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Yes.
    Pass,
    /// No.
    Fail,
    /// It could not be asked.
    Blocked,
}

impl Answer {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Answer::Pass => "pass",
            Answer::Fail => "fail",
            Answer::Blocked => "blocked",
        }
    }
}

/// One verdict about one exact subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The check's name.
    pub check: String,
    /// What was judged.
    pub subject: Hash,
    /// The answer.
    pub verdict: Answer,
    /// `harness`, `auditor`, `human`, or a studio's role.
    pub by: String,
    /// The route's entry, where a model or the supervisor judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How a person answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// RFC 3339.
    pub at: String,
    /// The failure's code, where the answer is not `pass`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// One line why, where the answer is not `pass`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the judge found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// An audit's answers, in the contract's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Criterion>,
    /// A path below `.haco/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// A detached signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The scope's resolved set of models; what runs later must stay inside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ApprovedModel>,
    /// The scope's own part: requirement, base, studio, mode and policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Hash>,
    /// The scope's contracts by ticket.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contracts: BTreeMap<TicketId, Hash>,
}

impl Verdict {
    /// A verdict with nothing but the answer; the rest is filled by struct update.
    pub fn new(check: impl Into<String>, subject: Hash, verdict: Answer, by: &str, at: &str) -> Verdict {
        Verdict {
            check: check.into(),
            subject,
            verdict,
            by: by.to_owned(),
            model: None,
            via: None,
            at: at.to_owned(),
            code: None,
            reason: None,
            findings: Vec::new(),
            criteria: Vec::new(),
            evidence: None,
            signature: None,
            models: Vec::new(),
            frame: None,
            contracts: BTreeMap::new(),
        }
    }
}

/// The verdict that counts: the latest with this check and this subject. None: never asked, or stale.
pub fn latest<'a>(of: &'a [Verdict], check: &str, subject: &Hash) -> Option<&'a Verdict> {
    of.iter().rev().find(|v| v.check == check && v.subject == *subject)
}

/// How a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// At a terminal.
    Tty,
    /// With a signature.
    Signature,
}

/// How bad a finding is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing may go on.
    Blocker,
    /// Must be mended.
    High,
    /// Should be mended.
    Medium,
    /// A remark.
    Low,
}

/// One thing that a judge found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Where, as a path of the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A line of that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What.
    pub message: String,
}

/// An auditor's answer to one acceptance criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Whether the candidate meets it.
    pub met: bool,
    /// Where it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A line of that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One model of the set that a person approved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedModel {
    /// The route's entry.
    pub name: String,
    /// `ollama`, `openai`, `anthropic`, `command`, `replay` or `supervisor`.
    pub provider: String,
    /// Scheme, host and port; the program for a command; empty where nothing is called.
    pub origin: String,
    /// As the provider names it.
    pub model: String,
    /// Whether a call may cost money.
    pub paid: bool,
}

/// What a person, or an agent where it may, decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// RFC 3339.
    pub at: String,
    /// `human` or `supervisor`.
    pub by: String,
    /// How a person answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// `exclude rework retry replace split abandon withdraw`.
    pub action: String,
    /// The latest attempt when it was made; 0 for none.
    #[serde(default)]
    pub attempt: u32,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For the next prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// The model that a retry reassigns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A split's children.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub into: Vec<TicketId>,
    /// What a withdrawal takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
}

impl Decision {
    /// A decision with nothing but its word; the rest is filled by struct update.
    pub fn new(action: &str, by: &str, at: &str, attempt: u32) -> Decision {
        Decision {
            at: at.to_owned(),
            by: by.to_owned(),
            via: None,
            action: action.to_owned(),
            attempt,
            reason: None,
            feedback: None,
            model: None,
            into: Vec::new(),
            plan: None,
        }
    }
}
