//! A provider of kind `command`: a program behind the walls of a check, with the prompt on its stdin or in a file. The
//! network and directories of the person's home it has only where the user's own configuration says so.

use crate::{
    confined::{Confined, Failed, Heard},
    prompted::Prompted,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    config,
    settings::{Resolved, Settings},
};
use haco_net::{Ask, Reply};
use haco_sandbox::{End, Ended, Files, Input, Job, Layer, Limits, Net, Program};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Seconds, where nobody says.
const USUAL_SEC: u64 = 600;

/// Runs it, away from the repository at `dir`, and says what it printed and how it was confined.
pub(super) fn run(
    settings: &Settings,
    model: &Resolved,
    ask: &Ask<'_>,
    dir: &Path,
) -> Result<(Heard, Option<Confined>)> {
    let entry = &model.entry;
    let command = entry.command.clone().unwrap_or_default();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_else(|| PathBuf::from("/"));
    let scratch = tempfile::tempdir()?;
    let rw: Vec<PathBuf> =
        entry.home.iter().map(|d| home.join(d)).chain([scratch.path().to_path_buf()]).filter(|p| p.exists()).collect();
    let prompt = [ask.system.unwrap_or_default(), ask.prompt].join("\n");
    let Prompted { words, stdin } = Prompted::new(&command, prompt, scratch.path())?;
    let env = haco_sandbox::clean_env(&std::env::var("PATH").unwrap_or_default(), &home, &[]);
    let hide: &[PathBuf] = if haco_sandbox::always_seen(dir) { &[dir.to_path_buf()] } else { &[] };
    let weaker: Vec<Layer> = settings.verify.allow_weaker.iter().map(|w| w.parse()).collect::<Result<_, Failure>>()?;
    let (net, said) = match entry.net {
        Some(config::Net::Host) => (Net::Host, "host"),
        Some(config::Net::None) => (Net::None, "none"),
        _ => (Net::Loopback, "loopback"),
    };
    let job = Job {
        files: Files { rw: &rw, hide, ..Files::default() },
        env: &env,
        stdin: Input::Bytes(&stdin),
        limits: Limits {
            timeout: Duration::from_secs(entry.timeout_sec.or(settings.http.total_timeout_sec).unwrap_or(USUAL_SEC)),
            // One that prints more is seen to have done so.
            output_bytes: haco_net::MAX_BODY_BYTES + 2,
            ..Limits::default()
        },
        net,
        allow_weaker: &weaker,
        ..Job::new(Program::Argv(&words), scratch.path())
    };
    let ended = haco_sandbox::run(&job).map_err(|e| e.failure())?;
    let answer = printed(model, &ended, job.limits.timeout);
    let asked: Vec<Layer> = Layer::ALL.iter().copied().filter(|l| *l != Layer::Net || net != Net::Host).collect();
    let confined = Confined { home: entry.home.clone(), ..Confined::of(&ended.layers, &asked, said) };
    Ok((Heard::of(answer), Some(confined)))
}

/// What it printed, where it ended well; what it spent is known also where it did not.
fn printed(model: &Resolved, ended: &Ended, timeout: Duration) -> Result<Reply, Box<Failed>> {
    let raw = [ended.stdout.head.as_slice(), &ended.stdout.tail].concat();
    let reply = haco_net::parse_command_output(&model.name, model.entry.output, &raw);
    let (code, why) = match ended.end {
        End::Exited(0) => return reply.map_err(Box::from),
        End::TimedOut => (Code::TotalTimeout, format!("took longer than {} s", timeout.as_secs())),
        End::Exited(status) => (Code::CommandFailed, format!("ended with status {status}: {}", said(ended, &reply))),
        End::Signalled(signal) => (Code::CommandFailed, format!("was killed by signal {signal}")),
        End::Limit(kind) => (Code::CommandFailed, format!("was killed: it passed its limit of {kind:?}")),
    };
    let shown = model.entry.command.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
    let failure = Failure::new(code, format!("model '{}': '{shown}' {why}", model.name));
    let (usage, cost_usd) = match reply {
        Ok(reply) => (reply.usage, reply.cost_usd),
        Err(inside) => (inside.usage, inside.cost_usd),
    };
    Err(Box::new(Failed { failure, raw, usage, cost_usd }))
}

/// What it said about its failure: inside its output, else last on its standard error.
fn said(ended: &Ended, reply: &Result<Reply, Box<haco_net::Failed>>) -> String {
    match reply {
        Err(inside) if inside.failure.code == Code::CommandFailed => inside.failure.message.clone(),
        _ => last_line(&ended.stderr.text()).to_owned(),
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no output")
}
