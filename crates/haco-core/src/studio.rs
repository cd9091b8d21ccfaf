//! Studios: the ordered stages that a plan passes through, with the chain of roles and the checks of each. Data only.

use crate::hash::Hash;
use serde::{Deserialize, Serialize};

/// An ordered list of stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Studio {
    /// As plans name it.
    pub name: String,
    /// At least one.
    pub stages: Vec<Stage>,
}

/// One stage: who works in which order, and what must hold before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// As tickets name it; a ticket without a stage is of the first.
    pub name: String,
    /// The roles of a ticket in order; at least one builds.
    pub chain: Vec<Role>,
    /// In the order in which they are asked.
    pub checks: Vec<Check>,
}

/// Who acts in a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name; a verifying role's verdicts carry it as their check.
    pub name: String,
    /// What it does.
    pub job: Job,
}

/// What a role does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// Thinks ahead of the builder.
    Plan,
    /// Drafts.
    Build,
    /// Judges the candidate.
    Verify,
}

/// One question and who answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The name of its verdicts (`dod` stands for one verdict a test).
    pub name: String,
    /// What it is asked of.
    pub per: Per,
    /// Before the work or after it.
    pub when: When,
    /// Who answers.
    pub by: By,
}

/// What a check is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each ticket.
    Ticket,
    /// The stage.
    Stage,
    /// The plan.
    Plan,
}

/// When a check is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Before the work.
    Before,
    /// After it.
    After,
}

/// Who answers a check; all but the harness are outside the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The program runs it.
    Harness,
    /// A person.
    Ask,
    /// A remote or a forge.
    External,
}

impl Studio {
    /// The built-in studio: one stage, a worker and an auditor, two gates.
    pub fn hybrid() -> Studio {
        serde_json::from_str(include_str!("../../../studios/hybrid.json")).expect("the suite proves that it parses")
    }

    /// The stage with this name; none is the first.
    pub fn stage(&self, name: Option<&str>) -> Option<&Stage> {
        match name {
            None => self.stages.first(),
            Some(name) => self.stages.iter().find(|s| s.name == name),
        }
    }

    /// What the scope's subject holds of it.
    pub fn hash(&self) -> Hash {
        Hash::of_json(self)
    }
}

impl Stage {
    /// The checks of one kind, in order.
    pub fn checks(&self, per: Per, when: When, by: By) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |c| c.per == per && c.when == when && c.by == by)
    }

    /// Whether there is a check of this kind.
    pub fn has(&self, per: Per, when: When, by: By) -> bool {
        self.checks(per, when, by).next().is_some()
    }

    /// The index of the last building role.
    pub fn last_builder(&self) -> Option<usize> {
        self.chain.iter().rposition(|r| r.job == Job::Build)
    }

    /// Where work begins again after the role at `said_no`: at the nearest building role before it, else at the start.
    pub fn restart(&self, said_no: usize) -> usize {
        self.chain[..said_no.min(self.chain.len())].iter().rposition(|r| r.job == Job::Build).unwrap_or(0)
    }

    /// The verifying roles behind the last builder.
    pub fn verifiers(&self) -> impl Iterator<Item = &Role> {
        let after = self.last_builder().map_or(0, |i| i + 1);
        self.chain[after..].iter().filter(|r| r.job == Job::Verify)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_studio_parses_and_has_one_stage() {
        let hybrid = Studio::hybrid();
        assert_eq!(hybrid.stages.len(), 1);
        let stage = hybrid.stage(None).expect("stage");
        assert_eq!(stage.last_builder(), Some(0));
        assert_eq!(stage.verifiers().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["auditor"]);
        assert!(stage.has(Per::Ticket, When::After, By::Ask));
    }

    #[test]
    fn a_rejection_goes_to_the_nearest_earlier_builder() {
        let role = |name: &str, job| Role { name: name.into(), job };
        let stage = Stage {
            name: "s".into(),
            chain: vec![role("p", Job::Plan), role("b", Job::Build), role("v", Job::Verify), role("w", Job::Verify)],
            checks: vec![],
        };
        assert_eq!((stage.restart(3), stage.restart(1), stage.restart(0)), (1, 0, 0));
    }
}
