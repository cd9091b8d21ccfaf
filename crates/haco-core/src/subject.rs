//! What exactly was judged: SHA-256 over canonical JSON of the stored parts, never over what is filled in.

use crate::{
    attempt::Attempt,
    hash::Hash,
    id::TicketId,
    oid::Oid,
    plan::Plan,
    ticket::{Test, Ticket},
    verdict::Verdict,
};
use serde_json::json;
use std::collections::BTreeMap;

/// A ticket's contract: task, context, Definition of Done, execution without its route, dependencies and title.
pub fn contract(ticket: &Ticket) -> Hash {
    let mut execution = ticket.execution.clone();
    execution.route = Vec::new();
    execution.assigned_model = None;
    Hash::of_json(&json!({
        "title": ticket.title, "task": ticket.task, "context": ticket.context,
        "definition_of_done": ticket.definition_of_done, "execution": execution, "depends_on": ticket.depends_on,
    }))
}

/// What a ticket is built on: the plan's commit and the candidates that the base unites, sorted. Both are commits whose
/// ids follow from their content, so this names one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base<'a> {
    /// The plan's commit.
    pub plan: &'a Oid,
    /// The direct dependencies' audited candidates, sorted.
    pub on: &'a [Oid],
}

impl Base<'_> {
    fn json(&self) -> serde_json::Value {
        json!({"commit": self.plan, "on": self.on})
    }
}

/// The scope's own part: requirement, base, studio, mode and policy.
pub fn frame(plan: &Plan, studio: &Hash, policy: &impl serde::Serialize) -> Hash {
    Hash::of_json(&json!({
        "requirement": plan.requirement, "base": plan.base, "studio": studio, "mode": plan.mode, "policy": policy,
    }))
}

/// Gate 1: the frame and every contract.
pub fn scope(frame: &Hash, contracts: &BTreeMap<TicketId, Hash>) -> Hash {
    Hash::of_json(&json!({"frame": frame, "contracts": contracts}))
}

/// The baseline: the contract and what it is built on.
pub fn baseline(contract: &Hash, base: &Base<'_>) -> Hash {
    Hash::of_json(&json!({"contract": contract, "base": base.json()}))
}

/// One check: its command, directory, limits and expectation, and the tree it runs on.
pub fn check(test: &Test, tree: &Oid) -> Hash {
    Hash::of_json(&json!({
        "command": test.command, "dir": test.dir, "timeout_sec": test.timeout_sec, "expect": test.expect,
        "needs": test.needs, "tree": tree,
    }))
}

/// An audit: contract, base, change and the verdicts of the checks.
pub fn audit(contract: &Hash, base: &Base<'_>, attempt: &Attempt, checks: &[&Verdict]) -> Hash {
    let change = attempt.candidate.as_ref().map(|c| &c.change);
    let checks: Vec<_> = checks.iter().map(|v| json!([v.check, v.subject, v.verdict])).collect();
    Hash::of_json(&json!({"contract": contract, "base": base.json(), "change": change, "checks": checks}))
}

/// Gate 2: contract, base, change, tree and the audits.
pub fn acceptance(contract: &Hash, base: &Base<'_>, attempt: &Attempt, audits: &[&Verdict]) -> Hash {
    let candidate = attempt.candidate.as_ref();
    let audits: Vec<_> =
        audits.iter().map(|v| json!([v.check, v.subject, v.verdict, v.by, v.model, v.findings, v.criteria])).collect();
    Hash::of_json(&json!({
        "contract": contract, "base": base.json(), "change": candidate.map(|c| &c.change),
        "tree": candidate.map(|c| &c.tree), "audit": audits,
    }))
}

/// The union: every contract with its candidate, on the plan's commit.
pub fn union(plan: &Plan, parts: &BTreeMap<TicketId, (Hash, Oid)>) -> Hash {
    Hash::of_json(&json!({"base": plan.base, "parts": parts}))
}
