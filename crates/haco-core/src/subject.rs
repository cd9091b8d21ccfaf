//! What exactly was judged: SHA-256 over canonical JSON of the stored parts, never over what is filled in.

use crate::{
    attempt::Attempt,
    edit::Format,
    hash::Hash,
    id::TicketId,
    oid::Oid,
    path::RepoPath,
    plan::Plan,
    ticket::{Context, DefinitionOfDone, EscalateTo, Expect, Task, Test, Ticket},
    verdict::Verdict,
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A ticket's contract: task, context, Definition of Done, execution without its route, dependencies and title.
///
/// The parts are written in canonical order as they are (a test holds this against RFC 8785), because ten thousand
/// contracts are hashed for one list.
pub fn contract(ticket: &Ticket) -> Hash {
    #[derive(Serialize)]
    struct Contract<'a> {
        context: &'a Context,
        definition_of_done: &'a DefinitionOfDone,
        depends_on: &'a [TicketId],
        execution: Limits,
        task: &'a Task,
        title: &'a str,
    }
    #[derive(Serialize)]
    struct Limits {
        #[serde(skip_serializing_if = "Option::is_none")]
        edit_format: Option<Format>,
        #[serde(skip_serializing_if = "Option::is_none")]
        escalate_to: Option<EscalateTo>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_budget: Option<u32>,
    }
    let execution = &ticket.execution;
    let parts = Contract {
        context: &ticket.context,
        definition_of_done: &ticket.definition_of_done,
        depends_on: &ticket.depends_on,
        execution: Limits {
            edit_format: execution.edit_format,
            escalate_to: execution.escalate_to,
            retry_budget: execution.retry_budget,
        },
        task: &ticket.task,
        title: &ticket.title,
    };
    ordered(&parts)
}

/// The hash of parts that are declared in canonical order: as [`Hash::of_json`], without sorting.
fn ordered(parts: &impl Serialize) -> Hash {
    Hash::of(&serde_json::to_vec(parts).expect("subjects are plain data"))
}

/// What a ticket is built on: the plan's commit and the candidates that the base unites, sorted. Both are commits whose
/// ids follow from their content, so this names one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Base<'a> {
    /// The plan's commit.
    #[serde(rename = "commit")]
    pub plan: &'a Oid,
    /// The direct dependencies' audited candidates, sorted.
    pub on: &'a [Oid],
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
    #[derive(Serialize)]
    struct Baseline<'a> {
        base: &'a Base<'a>,
        contract: &'a Hash,
    }
    ordered(&Baseline { base, contract })
}

/// One check: its command, directory, limits and expectation, and the tree it runs on.
pub fn check(test: &Test, tree: &Oid) -> Hash {
    #[derive(Serialize)]
    struct Check<'a> {
        command: &'a str,
        dir: &'a Option<RepoPath>,
        expect: Expect,
        needs: &'a [String],
        timeout_sec: Option<u32>,
        tree: &'a Oid,
    }
    let Test { command, dir, expect, needs, timeout_sec, .. } = test;
    ordered(&Check { command, dir, expect: *expect, needs, timeout_sec: *timeout_sec, tree })
}

/// An audit: contract, base, change and the verdicts of the checks.
pub fn audit(contract: &Hash, base: &Base<'_>, attempt: &Attempt, checks: &[&Verdict]) -> Hash {
    let change = attempt.candidate.as_ref().map(|c| &c.change);
    let checks: Vec<_> = checks.iter().map(|v| json!([v.check, v.subject, v.verdict])).collect();
    Hash::of_json(&json!({"contract": contract, "base": base, "change": change, "checks": checks}))
}

/// What is flagged in a candidate: the contract says what is allowed, the two trees what is new.
pub fn flags(contract: &Hash, base: &Oid, tree: &Oid) -> Hash {
    Hash::of_json(&json!({"contract": contract, "flags": [base, tree]}))
}

/// Gate 2: contract, base, change, tree and the audits.
pub fn acceptance(contract: &Hash, base: &Base<'_>, attempt: &Attempt, audits: &[&Verdict]) -> Hash {
    let candidate = attempt.candidate.as_ref();
    let audits: Vec<_> =
        audits.iter().map(|v| json!([v.check, v.subject, v.verdict, v.by, v.model, v.findings, v.criteria])).collect();
    Hash::of_json(&json!({
        "contract": contract, "base": base, "change": candidate.map(|c| &c.change),
        "tree": candidate.map(|c| &c.tree), "audit": audits,
    }))
}

/// The union: every contract with its candidate, on the plan's commit.
pub fn union(plan: &Plan, parts: &BTreeMap<TicketId, (Hash, Oid)>) -> Hash {
    Hash::of_json(&json!({"base": plan.base, "parts": parts}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        serde_json::from_value(json!({
            "id": "T-002", "title": "Grüße \u{1} \"x\"", "type": "feature", "plan": "p", "depends_on": ["T-001"],
            "task": {"description": "a\nb\t\u{7f}", "target_files": ["z.py", "a.py"], "new_files": ["n.py"],
                     "public_api": ["f()"], "constraints": ["c"], "allowed_dependencies": ["d"]},
            "context": {"files": [{"path": "c.py", "lines": "1-2", "reason": "r"}], "related_symbols": ["s"], "notes": "n"},
            "definition_of_done": {
                "tests": [{"name": "t", "command": "true", "expect": "fail", "timeout_sec": 5, "dir": "sub",
                           "needs": ["db"], "baseline": "any"}],
                "static_checks": ["lint"], "files": [{"path": "t.py", "content": "x"}], "acceptance_criteria": ["a"]},
            "execution": {"route": ["m"], "assigned_model": "m", "retry_budget": 1, "escalate_to": "human",
                          "edit_format": "udiff"}
        }))
        .expect("a ticket")
    }

    #[test]
    fn the_bytes_of_a_contract_are_canonical() {
        let mut t = ticket();
        let route = (std::mem::take(&mut t.execution.route), t.execution.assigned_model.take());
        let parts = json!({
            "title": t.title, "task": t.task, "context": t.context, "definition_of_done": t.definition_of_done,
            "execution": t.execution, "depends_on": t.depends_on,
        });
        assert_eq!(contract(&t), Hash::of_json(&parts));
        (t.execution.route, t.execution.assigned_model) = route;
        assert_eq!(contract(&t), Hash::of_json(&parts), "the route is no part of it");
    }

    #[test]
    fn the_bytes_of_a_baseline_and_of_a_check_are_canonical() {
        let oid: Oid = "0123456789".repeat(4).parse().expect("an id");
        let base = Base { plan: &oid, on: std::slice::from_ref(&oid) };
        let hash = Hash::of(b"x");
        let parts = json!({"contract": hash, "base": {"commit": oid, "on": [oid]}});
        assert_eq!(baseline(&hash, &base), Hash::of_json(&parts));
        let ticket = ticket();
        for test in [&ticket.definition_of_done.tests[0], &Test { dir: None, timeout_sec: None, ..Test::of("true") }] {
            let parts = json!({
                "command": test.command, "dir": test.dir, "timeout_sec": test.timeout_sec, "expect": test.expect,
                "needs": test.needs, "tree": oid,
            });
            assert_eq!(check(test, &oid), Hash::of_json(&parts));
        }
    }

    #[test]
    fn each_part_of_a_contract_changes_its_hash_and_a_priority_does_not() {
        let first = contract(&ticket());
        let changes: [fn(&mut Ticket); 6] = [
            |t| t.title.push('x'),
            |t| t.task.constraints.clear(),
            |t| t.context.notes = None,
            |t| t.definition_of_done.tests[0].command.push('x'),
            |t| t.execution.retry_budget = None,
            |t| t.depends_on.clear(),
        ];
        for change in changes {
            let mut other = ticket();
            change(&mut other);
            assert_ne!(contract(&other), first);
        }
        let mut same = ticket();
        same.priority = crate::ticket::Priority::High;
        assert_eq!(contract(&same), first);
    }
}
