//! A state in which a record is replayed: models are answered from the record, and the clock stands at the step that is done
//! again.
//!
//! A state is one only where its journal begins with that word, so that no file that somebody lays into a real state can
//! answer for a model there.

use crate::{call::Called, clock, context::measure::Measure};
use anyhow::Result;
use haco_core::{
    attempt::Usage,
    code::{Code, Failure},
    hash::Hash,
    settings::Resolved,
    tokens::Ratio,
};
use haco_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The first word of its journal.
pub const EVENT: &str = "replay";
/// What the next step is done with, below `.haco/`.
pub const FILE: &str = "replay.json";

/// What the next step is done with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replayed {
    /// The `.haco/` that holds the record; none where models are asked.
    pub record: Option<PathBuf>,
    /// Where the person's own files are, for what checks share of them.
    pub worktree: Option<PathBuf>,
    /// What time it is; none is the time.
    pub now: Option<String>,
    /// What was known of the model's window and tokens.
    pub context: Option<Value>,
}

impl Replayed {
    /// What stands in `store`; none where it is a real state.
    pub fn of(store: &Store) -> Result<Option<Replayed>> {
        let Some(bytes) = store.read(FILE)? else { return Ok(None) };
        let first = store.journal().lines()?.into_iter().next();
        if first.is_none_or(|line| line.event != EVENT) {
            let why = format!("'.haco/{FILE}' belongs to a replay, and this is none");
            return Err(Failure::new(Code::ForeignWrite, why).fix(format!("rm .haco/{FILE}")).into());
        }
        let replayed: Replayed = serde_json::from_slice(&bytes)?;
        if let Some(now) = &replayed.now {
            clock::stand_at(now);
        }
        Ok(Some(replayed))
    }

    /// What was measured when the step was done; none where models are asked.
    pub fn measure(&self) -> Option<Measure> {
        let context = self.context.as_ref()?;
        let guess = Ratio::default();
        let most = context["tokens_per_byte"].as_f64().unwrap_or(guess.most);
        let seen = context["counted"].as_u64().map_or(0, |n| n as usize);
        let ratio = Ratio { most, seen, ..guess };
        Some(Measure { ratio, window: context["window"].as_u64(), asked: true })
    }

    /// What was answered at `place` (`T-001/1/worker`): to this prompt, else to the first there; none where models are
    /// asked.
    pub fn answer(&self, model: &Resolved, prompt: &str, place: &str) -> Option<Result<Called, Failure>> {
        let record = self.record.as_ref()?;
        let none = || Failure::new(Code::NoReplay, format!("model '{}': no call for '{place}'", model.name));
        let (folder, role) = place.rsplit_once('/').unwrap_or(("", place));
        let folders = steps(&record.join("drafts").join(folder), role);
        let hash = Hash::of(prompt.as_bytes());
        let calls: Vec<(PathBuf, Value)> = folders.into_iter().filter_map(|dir| call(&dir).map(|c| (dir, c))).collect();
        let same = calls.iter().find(|(_, call)| call["prompt_sha256"].as_str() == Some(hash.as_str()));
        let found = same.or(calls.first());
        Some(found.map(|(dir, call)| answered(model, dir, call)).ok_or_else(none))
    }
}

/// The folders of a role's calls, the first round first.
fn steps(dir: &Path, role: &str) -> Vec<PathBuf> {
    let names =
        fs_err::read_dir(dir).into_iter().flatten().flatten().map(|e| e.file_name().to_string_lossy().into_owned());
    let is = |name: &String| {
        let step = name.split_once('-').map_or("", |(_, step)| step);
        step.strip_prefix(role).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut names: Vec<String> = names.filter(is).collect();
    names.sort();
    names.into_iter().map(|name| dir.join(name)).collect()
}

fn call(dir: &Path) -> Option<Value> {
    serde_json::from_slice(&fs_err::read(dir.join("call.json")).ok()?).ok()
}

fn answered(model: &Resolved, dir: &Path, call: &Value) -> Called {
    let read = |name: &str| fs_err::read(dir.join(name)).unwrap_or_default();
    let failure = call["error"].as_object().map(|error| {
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let code = Code::ALL.iter().copied().find(|c| c.as_str() == text("code"));
        Failure::new(code.unwrap_or(Code::BadReply), text("message"))
    });
    let usage = serde_json::from_value::<Option<Usage>>(call["usage"].clone()).unwrap_or_default();
    let text = String::from_utf8_lossy(&read("reply.md")).into_owned();
    let answered_by = call["answered_by"].as_str().unwrap_or(&model.model);
    Called { text, raw: read("body"), usage, failure, model: answered_by.to_owned(), ..Called::none(model) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use serde_json::json;

    #[test]
    fn a_file_in_a_real_state_answers_for_no_model() {
        let sample = Sample::new(&json!({}));
        let desk = sample.desk();
        desk.store
            .write(FILE, json!({"record": sample.top, "now": null, "context": null}).to_string().as_bytes())
            .expect("writes");
        let error = crate::desk::Desk::at(&sample.top).err().expect("refused");
        let failure = crate::exit::failure_of(&error);
        assert_eq!((failure.code, failure.fix.as_deref()), (Code::ForeignWrite, Some("rm .haco/replay.json")));
    }

    #[test]
    fn an_answer_is_the_one_to_the_same_prompt_else_the_first() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, prompt, reply) in
            [("1-auditor", "a", "first"), ("1-auditor.1", "b", "second"), ("0-worker", "c", "no")]
        {
            let folder = dir.path().join("drafts/T-001/2").join(name);
            fs_err::create_dir_all(&folder).expect("makes");
            let call = json!({"prompt_sha256": Hash::of(prompt.as_bytes()), "answered_by": "m", "error": null});
            fs_err::write(folder.join("call.json"), call.to_string()).expect("writes");
            fs_err::write(folder.join("reply.md"), reply).expect("writes");
        }
        let replayed = Replayed { record: Some(dir.path().to_path_buf()), ..Replayed::default() };
        let model = Sample::new(&json!({})).desk().settings.model("small").expect("a model");
        let text = |prompt: &str| replayed.answer(&model, prompt, "T-001/2/auditor").expect("a record").map(|c| c.text);
        assert_eq!([text("b"), text("a"), text("z")].map(|t| t.expect("an answer")), ["second", "first", "first"]);
        let none = replayed.answer(&model, "a", "T-001/3/auditor").expect("a record");
        assert_eq!(none.err().map(|f| f.code), Some(Code::NoReplay));
        assert!(Replayed::default().answer(&model, "a", "T-001/2/auditor").is_none());
    }
}
