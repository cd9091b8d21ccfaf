//! One ticket as it is stored: the lead's contract, and what the harness and people added to it.
//!
//! Unknown fields are refused outside `metadata`. What is derived (status, position) is not here. The parts that a
//! contract's hash covers declare their fields in alphabetical order, so that what is written is canonical already.

pub use crate::attempt::{Attempt, Candidate, Step, StepOutcome, Usage};
use crate::{
    edit::Format,
    id::{PlanId, TicketId},
    path::RepoPath,
    verdict::{Decision, Severity, Verdict},
};
use serde::{Deserialize, Deserializer, Serialize};

/// The schema version that this program writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One atomic piece of work (`.haco/tickets/T-001.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Always [`SCHEMA_VERSION`]; a missing one is 1.
    #[serde(default = "first_version")]
    pub schema_version: u32,
    /// Its id, which is also its file's name.
    pub id: TicketId,
    /// At most 120 characters.
    pub title: String,
    /// `feature`, `bugfix`, `refactor`, `test`, `chore`, `finding`, or a studio's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which of two ready tickets goes first.
    #[serde(default)]
    pub priority: Priority,
    /// Who wrote the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The plan that it belongs to.
    pub plan: PlanId,
    /// The studio's stage; none is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Tickets of the same plan whose audited candidates this one builds on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TicketId>,
    /// A finding's severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What a finding is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// What is to be done, and where.
    pub task: Task,
    /// What the worker gets to read beside its targets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub context: Context,
    /// When it is done, as machines can tell.
    pub definition_of_done: DefinitionOfDone,
    /// Who drafts it and how often.
    #[serde(default, skip_serializing_if = "is_default")]
    pub execution: Execution,
    /// Append-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Append-only; the one that counts is the latest with the same check and subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// Append-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// Where it was shipped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// Anyone's.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

fn first_version() -> u32 {
    1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The order among the ready, the most urgent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before the others.
    High,
    /// Where nothing is said.
    #[default]
    Medium,
    /// After the others.
    Low,
}

/// What a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// A ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// A stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A line of that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What is to be done, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Packages that may be added; none by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_dependencies: Vec<String>,
    /// What must remain true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// In words.
    pub description: String,
    /// Exact paths that may be created.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_files: Vec<RepoPath>,
    /// Signatures that must exist afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_api: Vec<String>,
    /// Exact paths that may be modified or deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_files: Vec<RepoPath>,
}

/// What the worker gets to read beside its targets; contents come from the base before every attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Chosen files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ContextFile>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Names worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related_symbols: Vec<String>,
}

/// One file of the context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextFile {
    /// `FIRST-LAST`, from 1; none is the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<String>,
    /// Which file.
    pub path: RepoPath,
    /// Why it helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// When a ticket is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefinitionOfDone {
    /// What the auditor answers one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptance_criteria: Vec<String>,
    /// The contract's own files, laid over base and candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ContractFile>,
    /// Run before the tests: format, lint, types.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tests_or_strings")]
    pub static_checks: Vec<Test>,
    /// Commands whose verdict is the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Test>,
}

/// One command of the Definition of Done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its verdict on the base, before any work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// One string for `sh -c`.
    pub command: String,
    /// Where it runs, below the repository's top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<RepoPath>,
    /// What its exit status must be.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expect,
    /// A short name; none is its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Services by their names in the configuration's `needs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Seconds of wall time; none is `verify.timeout_sec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u32>,
}

/// What a test's exit status must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// Zero.
    #[default]
    Pass,
    /// Not zero.
    Fail,
}

/// What a test's verdict on the base must be, after `expect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// It must fail there: it shows the work.
    Fail,
    /// It must pass there: it guards what exists.
    Pass,
    /// Either.
    Any,
}

/// A file that the contract brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractFile {
    /// Its whole text.
    pub content: String,
    /// Where it lies.
    pub path: RepoPath,
}

/// Who drafts a ticket and how often.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// The route's first, as published tickets name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_model: Option<String>,
    /// The form that drafts are asked for; none is `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_format: Option<Format>,
    /// Who is next when every model of the route has spent its tries; none is `tech_lead`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<EscalateTo>,
    /// Tries of one model after its first; none is the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<u32>,
    /// Models in order; none is the configuration's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route: Vec<String>,
}

impl Execution {
    /// The ticket's own route, or nothing where the configuration decides.
    pub fn own_route(&self) -> Vec<String> {
        let mut route: Vec<String> = self.assigned_model.iter().cloned().collect();
        route.extend(self.route.iter().filter(|m| Some(*m) != self.assigned_model.as_ref()).cloned());
        route
    }
}

/// Who is next when the budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalateTo {
    /// The lead: splits, rewrites or drafts.
    TechLead,
    /// A person.
    Human,
    /// Nobody until somebody looks.
    Blocked,
}

impl EscalateTo {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            EscalateTo::TechLead => "tech_lead",
            EscalateTo::Human => "human",
            EscalateTo::Blocked => "blocked",
        }
    }
}

/// Where a ticket was shipped to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shipment {
    /// The pushed branch.
    pub branch: String,
    /// Its commit.
    pub commit: crate::oid::Oid,
    /// The remote's name.
    pub remote: String,
    /// The forge, where one answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<String>,
    /// What a person opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The pull request's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// `pushed`, or what the forge says.
    pub state: String,
    /// When, RFC 3339.
    pub at: String,
}

impl Ticket {
    /// Every check of the Definition of Done in the order they run, with the name of its verdicts.
    pub fn checks(&self) -> Vec<(String, CheckKind, &Test)> {
        let named = |prefix: &str, kind, (i, test): (usize, &'_ Test)| {
            let name = test.name.clone().unwrap_or_else(|| (i + 1).to_string());
            (format!("{prefix}/{name}"), kind, i)
        };
        let dod = &self.definition_of_done;
        let statics = dod.static_checks.iter().enumerate();
        let tests = dod.tests.iter().enumerate();
        let first = statics.map(|(i, t)| (named("dod/static", CheckKind::Static, (i, t)), t));
        let then = tests.map(|(i, t)| (named("dod", CheckKind::Test, (i, t)), t));
        first.chain(then).map(|((name, kind, _), test)| (name, kind, test)).collect()
    }

    /// Whether a person took the ticket out of its plan, and with which word.
    pub fn closed_by(&self) -> Option<&Decision> {
        self.decisions.iter().rev().find(|d| matches!(d.action.as_str(), "abandon" | "exclude" | "split"))
    }

    /// The attempt with number `n`.
    pub fn attempt(&self, n: u32) -> Option<&Attempt> {
        self.attempts.iter().find(|a| a.n == n)
    }
}

/// Static checks run first and prove nothing about the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Of `static_checks`.
    Static,
    /// Of `tests`.
    Test,
}

fn tests_or_strings<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Test>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Bare(String),
        Full(Test),
    }
    let all = Vec::<Either>::deserialize(from)?;
    Ok(all
        .into_iter()
        .map(|one| match one {
            Either::Bare(command) => Test::of(command),
            Either::Full(test) => test,
        })
        .collect())
}

impl Test {
    /// A test that is nothing but a command.
    pub fn of(command: impl Into<String>) -> Test {
        Test {
            name: None,
            command: command.into(),
            expect: Expect::Pass,
            timeout_sec: None,
            dir: None,
            needs: Vec::new(),
            baseline: None,
        }
    }
}
