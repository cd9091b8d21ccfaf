//! Several tickets at once: one process of our own program each, so that one attempt is one process.

use crate::output::Answered;
use anyhow::{Context, Result};
use haco_core::{
    code::{Code, Failure, Status},
    cursor,
    id::TicketId,
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// Runs a process for each id, at most `jobs` at a time, and hands each answer on as it comes.
pub(super) fn all(
    ids: &[TicketId],
    model: Option<&str>,
    jobs: usize,
    mut take: impl FnMut(&TicketId, Answered) -> Result<()>,
) -> Result<()> {
    let program = std::env::current_exe().context("cannot find our own program")?;
    let next = AtomicUsize::new(0);
    let (send, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.min(ids.len()) {
            let (send, next, program) = (send.clone(), &next, &program);
            scope.spawn(move || {
                while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if send.send((id, one(program, id, model))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        answers.iter().try_for_each(|(id, answered)| take(id, answered))
    })
}

fn one(program: &Path, id: &TicketId, model: Option<&str>) -> Answered {
    let mut command = Command::new(program);
    command.arg("--json").args(model.map(|m| format!("--model={m}"))).arg(id.as_str()).stdin(Stdio::null());
    match command.output() {
        Ok(output) => answered(id, &output),
        Err(error) => {
            let why = format!("{id}: cannot start '{}': {error}", program.display());
            Answered { failure: Some(Failure::new(Code::Io, why)), ..Answered::default() }
        }
    }
}

/// What a child said of its one ticket.
fn answered(id: &TicketId, output: &Output) -> Answered {
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let ticket = &said["tickets"][0];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let status = text(&ticket["status"]).and_then(|s| s.parse::<cursor::Status>().ok());
    let attempt = ticket["attempt"].as_u64().and_then(|n| u32::try_from(n).ok());
    let failure = (!output.status.success()).then(|| match text(&said["error"]) {
        Some(message) => {
            let failure = Failure::new(code_of(&said["code"]), message);
            Failure { fix: text(&said["fix"]), ..failure }
        }
        None => silent(id, output),
    });
    Answered { status, attempt, failure, ..Answered::default() }
}

fn code_of(value: &Value) -> Code {
    Code::ALL.iter().copied().find(|c| Some(c.as_str()) == value.as_str()).unwrap_or(Code::Bug)
}

/// A child that ended without its answer: a bug, or killed.
fn silent(id: &TicketId, output: &Output) -> Failure {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing");
    let full = output.status.code().and_then(Status::from_number) == Some(Status::Io);
    let code = if full { Code::Io } else { Code::Bug };
    Failure::new(code, format!("{id}: its process ended with {}: {last}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn output(status: i32, stdout: &str) -> Output {
        let status = std::process::ExitStatus::from_raw(status);
        Output { status, stdout: stdout.as_bytes().to_vec(), stderr: b"haco-worker: gone\n".to_vec() }
    }

    #[test]
    fn a_childs_answer_is_ours() {
        let id = TicketId::ticket(1);
        let good = r#"{"schema_version":1,"ok":true,"tickets":[{"id":"T-001","status":"testing","attempt":2}]}"#;
        let said = answered(&id, &output(0, good));
        assert_eq!((said.status, said.attempt), (Some(cursor::Status::Testing), Some(2)));
        assert!(said.failure.is_none());
        let bad = r#"{"ok":false,"tickets":[{"id":"T-001"}],"error":"no","code":"budget_spent","fix":"haco retry"}"#;
        let failure = answered(&id, &output(5 << 8, bad)).failure.expect("a failure");
        assert_eq!((failure.code, failure.fix.as_deref()), (Code::BudgetSpent, Some("haco retry")));
    }

    #[test]
    fn a_child_that_was_killed_is_no_success() {
        let failure = answered(&TicketId::ticket(1), &output(9, "")).failure.expect("a failure");
        assert!(failure.message.contains("signal: 9") && failure.message.contains("gone"), "{}", failure.message);
    }
}
