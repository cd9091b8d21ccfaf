//! haco confine: run one command confined and bounded, and end as it ends. What the walls are is the sandbox's.

mod units;

use crate::{exit::Outcome, output::Out};
use anyhow::Result;
use clap::ValueEnum;
use haco_core::code::{Code, Failure};
use haco_sandbox::{CannotRun, End, Ended, Files, Input, Job, Kept, Layer, LimitKind, Limits, Output, Program};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    time::Duration,
};

/// Run one command confined and bounded
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A directory that may be written, at its own path; what is changed there lasts, and nothing else does
    #[arg(long, value_name = "DIR")]
    rw: Vec<PathBuf>,
    /// A directory or file that may be read
    #[arg(long, value_name = "DIR")]
    ro: Vec<PathBuf>,
    /// A directory that looks writable, and whose changes vanish; also below --rw
    #[arg(long, value_name = "DIR")]
    share: Vec<PathBuf>,
    /// A directory or file that is not to be seen, by whatever name
    #[arg(long, value_name = "PATH")]
    hide: Vec<PathBuf>,
    /// A variable of the caller's, or one with its value; no other is passed on
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Wall time, after which everything is killed: 500ms, 60s, 2m, 1h
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "60s")]
    timeout: Duration,
    /// Memory of all processes together: 512M, 2G
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "2G")]
    mem: u64,
    /// Processes and threads at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), default_value_t = 512)]
    pids: u64,
    /// What is kept of each output stream: half from its beginning, half from its end
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "10M")]
    out: u64,
    /// The largest file that may be written
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "4G")]
    fsize: u64,
    /// Which network is reached: none, not even a loopback; a loopback of its own; or the host's
    #[arg(long, value_name = "NET", value_enum, default_value_t = Net::Loopback)]
    net: Net,
    /// Show the first --rw here instead, with nothing of what else lies around
    #[arg(long = "as", value_name = "PATH")]
    shown_at: Option<PathBuf>,
    /// Run although this wall cannot be had
    #[arg(long, value_name = "LAYER")]
    allow_weaker: Vec<Layer>,
    /// Write the command's output to the files stdout and stderr in this directory
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// What to run
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Net {
    None,
    Loopback,
    Host,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let logs = args.log.as_deref().map(Logs::open).transpose();
    let logs = match logs {
        Ok(logs) => logs,
        Err(error) => return Ok(not_run(&CannotRun::Io(error))),
    };
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let output = match &logs {
        Some(logs) => Output::Pass(logs.stdout.as_fd(), logs.stderr.as_fd()),
        None if out.is_json() => Output::Pass(stderr.as_fd(), stderr.as_fd()),
        None => Output::Pass(stdout.as_fd(), stderr.as_fd()),
    };
    Ok(match confined(&args, stdin.as_fd(), output) {
        Ok(ended) => end(&args, &ended, logs.as_ref()),
        Err(cannot) => not_run(&cannot),
    })
}

fn confined(args: &Args, stdin: BorrowedFd, output: Output) -> Result<Ended, CannotRun> {
    let env = env(args);
    let files = Files {
        rw: &args.rw,
        ro: &args.ro,
        share: &args.share,
        hide: &args.hide,
        shown_at: args.shown_at.as_deref(),
        overlays: &[],
    };
    let limits = Limits {
        timeout: args.timeout,
        mem_bytes: Some(args.mem),
        processes: args.pids,
        file_size: args.fsize,
        output_bytes: usize::try_from(args.out).unwrap_or(usize::MAX),
    };
    let net = match args.net {
        Net::None => haco_sandbox::Net::None,
        Net::Loopback => haco_sandbox::Net::Loopback,
        Net::Host => haco_sandbox::Net::Host,
    };
    let dir = dir(&args.rw)?;
    let job = Job {
        files,
        env: &env,
        stdin: Input::From(stdin),
        output,
        limits,
        net,
        allow_weaker: &args.allow_weaker,
        ..Job::new(Program::Argv(&args.command), &dir)
    };
    haco_sandbox::run(&job)
}

/// The caller's directory if it lasts, else the first that does, else the home inside.
fn dir(rw: &[PathBuf]) -> io::Result<PathBuf> {
    let here = std::env::current_dir()?;
    let lasts = |dir: &PathBuf| dir.canonicalize().is_ok_and(|dir| here.starts_with(dir));
    match rw.first() {
        _ if rw.iter().any(lasts) => Ok(here),
        Some(first) => std::path::absolute(first),
        None => Ok(PathBuf::from(haco_sandbox::INNER_HOME)),
    }
}

fn env(args: &Args) -> Vec<(String, String)> {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/nonexistent"), PathBuf::from);
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let one = |asked: &String| match asked.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => std::env::var(asked).ok().map(|value| (asked.clone(), value)),
    };
    let asked: Vec<_> = args.env.iter().filter_map(one).collect();
    let mut env = haco_sandbox::clean_env(&path, &home, &asked);
    if args.net == Net::Host {
        env.retain(|(name, _)| name != "CARGO_NET_OFFLINE" || asked.iter().any(|(asked, _)| asked == name));
    }
    env
}

/// Where the streams go instead.
struct Logs {
    dir: PathBuf,
    stdout: File,
    stderr: File,
}

impl Logs {
    fn open(dir: &Path) -> io::Result<Logs> {
        fs_err::create_dir_all(dir)?;
        let file = |name| fs_err::File::create(dir.join(name)).map(|file| file.into_parts().0);
        Ok(Logs { dir: fs_err::canonicalize(dir)?, stdout: file("stdout")?, stderr: file("stderr")? })
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }
}

/// The exit status of a command that ended so.
fn status(end: End) -> i32 {
    match end {
        End::Exited(status) => status,
        End::Signalled(signal) => 128 + signal,
        End::TimedOut => 124,
        End::Limit(LimitKind::FileSize) => 128 + FILE_SIZE,
        End::Limit(LimitKind::Memory | LimitKind::Processes) => 128 + KILLED,
    }
}

/// SIGKILL, and SIGXFSZ, by which the kernel says that a file grew too large.
const KILLED: i32 = 9;
const FILE_SIZE: i32 = 25;

/// The limit that counts: what ended the command, else what cut its output.
fn limit(ended: &Ended) -> Option<&'static str> {
    match ended.end {
        End::TimedOut => Some("timeout"),
        End::Limit(LimitKind::Memory) => Some("mem"),
        End::Limit(LimitKind::Processes) => Some("pids"),
        End::Limit(LimitKind::FileSize) => Some("fsize"),
        End::Exited(status) if status == 128 + FILE_SIZE => Some("fsize"),
        _ if ended.stdout.dropped + ended.stderr.dropped > 0 => Some("out"),
        End::Exited(_) | End::Signalled(_) => None,
    }
}

fn end(args: &Args, ended: &Ended, logs: Option<&Logs>) -> Outcome {
    let signal = match ended.end {
        End::Signalled(signal) => Some(signal),
        End::Limit(LimitKind::FileSize) => Some(FILE_SIZE),
        End::TimedOut | End::Limit(_) => Some(KILLED),
        End::Exited(_) => None,
    };
    let (status, limit) = (status(ended.end), limit(ended));
    let stream = |name: &str, kept: &Kept| {
        let mut all = json!({"bytes": kept.bytes, "kept": kept.bytes - kept.dropped});
        if let Some(logs) = logs {
            all["path"] = json!(logs.path(name));
        }
        all
    };
    let outcome = Outcome::yes()
        .with("status", status)
        .with("signal", signal.map_or(Value::Null, Value::from))
        .with("limit", limit.map_or(Value::Null, Value::from))
        .with("layers", ended.layers.iter().map(|layer| layer.as_str()).collect::<Vec<_>>())
        .with("wall_ms", millis(ended.wall))
        .with("cpu_ms", millis(ended.cpu))
        .with("max_rss", ended.max_rss)
        .with("stdout", stream("stdout", &ended.stdout))
        .with("stderr", stream("stderr", &ended.stderr));
    Outcome { status: u8::try_from(status).ok(), ..failed(args, ended, outcome) }
}

/// What it says where it did not end well. What the command itself decided it has said itself.
fn failed(args: &Args, ended: &Ended, outcome: Outcome) -> Outcome {
    let name = args.command.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let (code, how) = match ended.end {
        End::Exited(0) => return outcome,
        End::Exited(status) => (Code::EndedBadly, format!("exited with status {status}")),
        End::Signalled(signal) => (Code::EndedBadly, format!("was ended by signal {signal}")),
        End::TimedOut => (Code::LimitPassed, format!("timed out after {:?}", args.timeout)),
        End::Limit(LimitKind::Memory) => (Code::LimitPassed, format!("passed {} bytes of memory", args.mem)),
        End::Limit(LimitKind::Processes) => (Code::LimitPassed, format!("passed {} processes", args.pids)),
        End::Limit(LimitKind::FileSize) => (Code::LimitPassed, format!("passed {} bytes in one file", args.fsize)),
    };
    let said = code == Code::EndedBadly;
    Outcome { failure: Some(Failure::new(code, format!("'{name}' {how}"))), said, ..outcome }
}

/// Nothing ran.
fn not_run(cannot: &CannotRun) -> Outcome {
    let status = match cannot {
        CannotRun::NotFound(_) => 127,
        CannotRun::NotExecutable(_) => 126,
        _ => 125,
    };
    let nothing = json!({"bytes": 0, "kept": 0});
    let outcome = Outcome::no(cannot.failure())
        .with("status", status)
        .with("signal", Value::Null)
        .with("limit", Value::Null)
        .with("layers", Vec::<Value>::new())
        .with("wall_ms", 0)
        .with("cpu_ms", 0)
        .with("max_rss", 0)
        .with("stdout", nothing.clone())
        .with("stderr", nothing);
    Outcome { status: Some(status), ..outcome }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_has_its_status() {
        for (end, number) in [
            (End::Exited(3), 3),
            (End::Signalled(15), 143),
            (End::TimedOut, 124),
            (End::Limit(LimitKind::Memory), 137),
            (End::Limit(LimitKind::Processes), 137),
            (End::Limit(LimitKind::FileSize), 153),
        ] {
            assert_eq!(status(end), number);
        }
        let all = [
            (CannotRun::NotFound("x".into()), 127),
            (CannotRun::NotExecutable("x".into()), 126),
            (CannotRun::NoOverlay("x".into()), 125),
            (CannotRun::Refused("x".into()), 125),
        ];
        for (cannot, number) in all {
            assert_eq!(not_run(&cannot).status, Some(number));
        }
    }
}
