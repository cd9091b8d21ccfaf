//! One pass of a ticket through its chain of roles: who did what, from which prompt, with which draft.

use crate::{
    edit::{Action, Edited, FileEdit, Format, Kind, Refusal},
    hash::Hash,
    oid::{Change, Oid},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What became of the draft's edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<Edits>,
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
    /// What of the files the prompt did not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A file that a prompt did not hold, or not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Which file.
    pub path: String,
    /// The lines that it did hold; none where the whole file is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// What for.
    pub why: Left,
}

/// Why a file is not in a prompt, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Left {
    /// The model's window does not hold it.
    Window,
    /// It holds a secret.
    Secret,
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

/// What became of a draft's edits: in which form they came, what they needed to fit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edits {
    /// The form that came, whatever was asked for; none where nothing was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How many edits fitted how.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<Kind, u32>,
    /// How alike the least alike of the edits was that fitted only nearly, up to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
    /// The lines of the base that the refusals point at, where nothing was applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<Near>,
}

/// A line that an edit was perhaps meant for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
}

/// How many lines a refusal's record points at.
const NEAR: usize = 6;

impl Edits {
    /// Of a reply that was applied.
    pub fn of(edited: &Edited) -> Edits {
        let mut edits = Edits { format: Some(edited.format), ..Edits::default() };
        // A move is seen in both its files, and counts where it ends.
        let leaves = |f: &&FileEdit| f.action == Action::Delete && f.edits.iter().all(|e| e.kind == Kind::Moved);
        for applied in edited.files.iter().filter(|f| !leaves(f)).flat_map(|f| &f.edits) {
            *edits.kinds.entry(applied.kind).or_default() += 1;
            if let Some(alike) = applied.similarity {
                edits.similarity = Some(edits.similarity.map_or(alike, |least| least.min(alike)));
            }
        }
        edits
    }

    /// Of a reply that was not.
    pub fn refused(refusals: &[Refusal]) -> Edits {
        let places = refusals.iter().filter_map(|r| Some((r.path.as_ref()?, &r.candidates)));
        let near = places.flat_map(|(path, all)| all.iter().map(|p| Near { path: path.clone(), line: p.line }));
        Edits { near: near.take(NEAR).collect(), ..Edits::default() }
    }

    /// In a line for people: `search-replace: 3 exact, 1 similar (0.93)`; none where nothing was applied.
    pub fn text(&self) -> Option<String> {
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let kinds = self.kinds.iter().map(|(kind, n)| match (kind, self.similarity) {
            (Kind::Similar, Some(least)) => format!("{n} similar ({least:.2})"),
            _ => format!("{n} {}", word(serde_json::json!(kind))),
        });
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        self.format.map(|format| format!("{}: {kinds}", word(serde_json::json!(format))))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Scope, apply};

    #[test]
    fn edits_are_counted_by_how_they_fitted() {
        let paths: Vec<crate::path::RepoPath> = vec!["a.py".parse().expect("path")];
        let old = BTreeMap::from([(paths[0].clone(), b"if x:\n    one()\n    two()\n".to_vec())]);
        let scope = Scope { targets: &paths, new_files: &[] };
        let block = |old: &str, new: &str| format!("a.py\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n");
        let reply = block("if x:", "if y:") + &block("one()", "uno()");
        let edits = Edits::of(&apply(&reply, Format::Auto, &scope, &old).expect("fits"));
        assert_eq!(edits.text().as_deref(), Some("search-replace: 1 exact, 1 indent"));
        let refused = apply(&block("    twoo()", "x"), Format::Auto, &scope, &old).expect_err("fits nowhere");
        let edits = Edits::refused(&refused);
        assert_eq!((edits.text(), edits.near.as_slice()), (None, &[Near { path: "a.py".into(), line: 3 }][..]));
    }
}
