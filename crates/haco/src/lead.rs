//! What the lead is asked: the requirement with the repository as the plan's base has it, for a model, for the supervising
//! agent and for a person alike.

use crate::{desk::Desk, ground};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    config::CheckSlot,
    detect, intake,
    oid::Oid,
    path::RepoPath,
    plan::Plan,
    prompt::{self, File, Template},
    signatures::Language,
    tickets::Tickets,
};
use haco_git::{Entry, Kind, Repo};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const MOST_TREE_LINES: usize = 2_000;
const MOST_SIGNATURE_LINES: usize = 400;
const MOST_CONTEXT_BYTES: usize = 256 * 1024;
/// What is larger is no source that people read.
const MOST_SOURCE_BYTES: usize = 512 * 1024;

/// An answer in full, for the form.
const EXAMPLE: &str = include_str!("lead/example.json");

/// The prompt whose answer cuts `plan` into tickets.
pub fn prompt(desk: &Desk, plan: &Plan) -> Result<String> {
    ask(desk, plan, None)
}

/// The same after an answer that was not valid.
pub fn ask(desk: &Desk, plan: &Plan, errors: Option<&str>) -> Result<String> {
    let base = Base::of(desk, plan)?;
    let (tree, signatures) = (base.tree(), base.signatures());
    let context = plan.context.iter().map(|path| base.context(path)).collect::<Result<Vec<File>>>()?;
    let mut parts = vec![tree.as_str(), signatures.as_str(), plan.requirement.as_str(), errors.unwrap_or_default()];
    parts.extend(context.iter().map(|file| file.content.as_str()));
    let mark = prompt::mark(plan.id.as_str(), &parts);
    let with = prompt::Plan {
        requirement: &plan.requirement,
        granularity: plan.granularity.unwrap_or_default().as_str(),
        tree: &tree,
        signatures: &signatures,
        context_files: &context,
        checks: base.offered(&desk.settings.checks),
        mark: &mark,
        studio: &plan.studio,
        max_tickets: intake::MOST_FROM_A_MODEL,
        errors,
        example: EXAMPLE,
    };
    Ok(prompt::plan(&desk.template(Template::Plan)?, &with)?)
}

/// The commands that the base's own files bring.
pub fn detected(desk: &Desk, plan: &Plan) -> Result<BTreeMap<CheckSlot, String>> {
    let base = Base::of(desk, plan)?;
    Ok(detect::checks(&|path| base.text(path), &base.paths()))
}

/// A file that the lead is to read, as the base has it; a failure says what is wrong with its name.
pub fn context_file(desk: &Desk, plan: &Plan, path: &RepoPath) -> Result<()> {
    Base::of(desk, plan)?.context(path).map(drop)
}

/// The tree of a plan's commit.
struct Base<'a> {
    repo: &'a Repo,
    commit: Oid,
    entries: Vec<Entry>,
}

impl<'a> Base<'a> {
    fn of(desk: &'a Desk, plan: &Plan) -> Result<Base<'a>> {
        let commit = ground::base_commit(desk, plan, &Tickets::default(), &[])?;
        let repo = desk.repo()?;
        let entries = repo.list(&commit)?;
        Ok(Base { repo, commit, entries })
    }

    fn paths(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    fn tree(&self) -> String {
        let mut lines: Vec<String> =
            self.entries.iter().take(MOST_TREE_LINES).map(|e| e.path.escape_debug().to_string()).collect();
        let more = self.entries.len().saturating_sub(MOST_TREE_LINES);
        if more > 0 {
            lines.push(format!("… and {more} more"));
        }
        lines.join("\n")
    }

    /// The text of a small file; none where it is anything else.
    fn text(&self, path: &str) -> Option<String> {
        match self.repo.read(&self.commit, path) {
            Ok(Some((Kind::Regular | Kind::Executable, bytes))) if bytes.len() <= MOST_SOURCE_BYTES => {
                String::from_utf8(bytes).ok()
            }
            _ => None,
        }
    }

    fn signatures(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for path in self.paths() {
            let Some(language) = Language::of(path) else { continue };
            let found = self.text(path).map(|text| language.declarations(&text)).unwrap_or_default();
            if !found.is_empty() {
                lines.push(format!("{}:", path.escape_debug()));
                lines.extend(found.into_iter().map(|line| format!("  {line}")));
            }
            if lines.len() >= MOST_SIGNATURE_LINES {
                lines.truncate(MOST_SIGNATURE_LINES);
                break;
            }
        }
        lines.join("\n")
    }

    fn context(&self, path: &RepoPath) -> Result<File> {
        let shown = path.as_str().escape_debug().to_string();
        let bad = |why: &str| Failure::new(Code::Usage, format!("context file '{shown}' {why}"));
        let blob = self.repo.blob(&self.commit, path.as_str())?;
        let found = blob.map(|_| self.repo.read(&self.commit, path.as_str())).transpose()?.flatten();
        let none = || bad(&format!("is not in the base '{}'", self.commit.short())).fix("commit it first");
        let (_, bytes) = found.ok_or_else(none)?;
        if bytes.len() > MOST_CONTEXT_BYTES {
            return Err(bad(&format!("is longer than {MOST_CONTEXT_BYTES} bytes")).into());
        }
        let content = String::from_utf8(bytes).map_err(|_| bad("is not UTF-8 text"))?;
        let path = path.as_str().to_owned();
        Ok(File { path, content, lines: None, exists: true, role: "context", reason: None })
    }

    /// The configured checks by slot; where no tests are known, a smoke check.
    fn offered(&self, checks: &BTreeMap<CheckSlot, String>) -> Value {
        let mut all: Map<String, Value> =
            checks.iter().map(|(slot, command)| (slot.as_str().to_owned(), command.clone().into())).collect();
        if !checks.contains_key(&CheckSlot::Test) {
            all.extend(detect::smoke(&self.paths()).map(|command| ("smoke".to_owned(), command.into())));
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::intake::Source;

    #[test]
    fn the_example_is_a_valid_answer() {
        let incoming = intake::read(EXAMPLE, Source::Model).expect("a document");
        assert_eq!((incoming.tickets.len(), incoming.bad.len(), incoming.notes.len()), (2, 0, 0), "{incoming:?}");
        let criteria = incoming.tickets.iter().flat_map(|t| t.definition_of_done.acceptance_criteria.clone());
        assert_eq!(intake::vague(&criteria.collect::<Vec<_>>()), [""; 0]);
    }
}
