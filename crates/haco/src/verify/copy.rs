//! A throw-away copy of one tree outside the repository, and commands run confined in it. What a check means is
//! `checks`'; nothing that happens in a copy flows back, and it is gone when the value is.

use super::command;
use crate::desk::Desk;
use anyhow::{Context, Result};
use haco_core::{
    code::{Code, Failure},
    config,
    oid::Oid,
    ticket::{Expect, Test},
    verdict::Answer,
};
use haco_sandbox::{CannotRun, End, Ended, Files, Job, Kept, Layer, LimitKind, Limits, Net, Program};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Bytes that are kept of each stream of a check.
const OUTPUT_BYTES: usize = 10 << 20;
/// Seconds for one check where nothing is said.
const CHECK_SEC: u32 = 120;
/// Seconds that each setup command has at least.
const SETUP_SEC: u32 = 600;
/// After this many seconds the copy of a program that is no more counts as left behind.
const LEFT_SEC: u64 = 3600;

/// One tree as files, and how commands run there.
pub(super) struct Copy<'a> {
    desk: &'a Desk,
    held: tempfile::TempDir,
    top: PathBuf,
    hide: Vec<PathBuf>,
    path: String,
    weaker: Vec<Layer>,
    /// Why no check can be asked here: a setup command failed.
    broken: Option<Failure>,
}

/// How one command ended, and what that says.
#[derive(Debug)]
pub(super) struct Ran {
    /// The answer after `expect`.
    pub(super) answer: Answer,
    /// The code, where the answer is not pass.
    pub(super) code: Option<Code>,
    /// One line: how it ended, or why it was not asked.
    pub(super) end: String,
    /// What would let it be asked, where that is known.
    pub(super) fix: Option<String>,
    /// Its streams, output before errors; none where it did not run.
    pub(super) log: Vec<u8>,
    /// Wall time.
    pub(super) wall_ms: u64,
    /// The walls that stood; none where it did not run.
    pub(super) walls: Vec<Layer>,
}

/// Variables that a check sees beside the clean ones.
pub(super) type Extra = Vec<(String, String)>;

impl<'a> Copy<'a> {
    /// Checks `tree` out and sets it up. `label` stands in the directory's name.
    pub(super) fn of(desk: &'a Desk, tree: &Oid, label: &str) -> Result<Copy<'a>> {
        sweep();
        let prefix = format!("haco-{label}-{}-", std::process::id());
        let held = tempfile::Builder::new().prefix(&prefix).tempdir().context("cannot make a directory for a copy")?;
        let root = fs_err::canonicalize(held.path())?;
        let top = root.join("copy");
        desk.repo()?.checkout(tree, &top)?;
        fs_err::create_dir(root.join("note"))?;
        let hide = vec![desk.place.main.clone(), desk.place.worktree.clone()];
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
        let weaker = desk.settings.verify.allow_weaker.iter().map(|w| w.parse()).collect::<Result<_, Failure>>()?;
        let path = command::visible(&path, &hide);
        let mut copy = Copy { desk, held, top, hide, path, weaker, broken: None };
        copy.broken = copy.set_up()?;
        Ok(copy)
    }

    /// The directory, as it stands in logs.
    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    /// Runs the commands of `verify.setup`; the first that fails is why nothing can be asked here.
    fn set_up(&self) -> Result<Option<Failure>> {
        let verify = &self.desk.settings.verify;
        let limit = verify.timeout_sec.unwrap_or(0).max(SETUP_SEC);
        let net = match verify.setup_net {
            None | Some(config::Net::None | config::Net::Loopback) => Net::Loopback,
            Some(config::Net::Host) => Net::Host,
        };
        for line in &verify.setup {
            let why = match self.run(line, &self.top, limit, net, &Vec::new()) {
                Ok(ended) if ended.end == End::Exited(0) => continue,
                Ok(ended) => {
                    let text = super::extract::plain(&format!("{}\n{}", ended.stdout.text(), ended.stderr.text()));
                    let last = text.lines().rev().find(|l| !l.trim().is_empty()).map(|l| format!(": {}", l.trim()));
                    format!("{}{}", how(&ended.end, limit), last.unwrap_or_default())
                }
                Err(CannotRun::Io(error)) => return Err(CannotRun::Io(error).failure().into()),
                Err(cannot) => return Ok(Some(cannot.failure())),
            };
            return Ok(Some(Failure::new(Code::MissingTool, format!("the setup '{line}' {why}"))));
        }
        Ok(None)
    }

    /// Asks one check. An error is the machine's; everything else is an answer.
    pub(super) fn ask(&self, test: &Test, extra: &Extra) -> Result<Ran> {
        if let Some(failure) = &self.broken {
            return Ok(Ran { fix: failure.fix.clone(), ..Ran::blocked(failure.code, failure.message.clone()) });
        }
        if let Some(name) = command::missing(&test.command, &self.path) {
            let line = test.command.trim().lines().next().unwrap_or(name);
            let message = format!("cannot run '{line}': no such program");
            let fix = Some(format!("install {name}"));
            return Ok(Ran { fix, ..Ran::blocked(Code::MissingTool, message) });
        }
        let dir = test.dir.as_ref().map_or_else(|| self.top.clone(), |d| self.top.join(d.as_str()));
        let inside = dir.canonicalize().is_ok_and(|d| d.is_dir() && d.starts_with(&self.top));
        if let (Some(named), false) = (&test.dir, inside) {
            return Ok(Ran::failed(format!("its directory '{named}' is not in the tree")));
        }
        let mut needs = Vec::new();
        for name in &test.needs {
            match self.desk.settings.needs.get(name) {
                Some(need) => needs.push((name.as_str(), need)),
                None => return Ok(Ran::blocked(Code::MissingService, format!("no service '{name}' is configured"))),
            }
        }
        let seconds = test.timeout_sec.or(self.desk.settings.verify.timeout_sec).unwrap_or(CHECK_SEC);
        self.with_services(test, &dir, seconds, &needs, extra)
    }

    fn with_services(
        &self,
        test: &Test,
        dir: &Path,
        seconds: u32,
        needs: &[(&str, &config::Need)],
        extra: &Extra,
    ) -> Result<Ran> {
        let note = self.held.path().join("note/waiting");
        let script = match needs {
            [] => test.command.clone(),
            _ => command::with_services(&test.command, needs, &note),
        };
        let limit = needs.iter().fold(seconds, |sum, (_, need)| sum.saturating_add(command::seconds(need)));
        let ended = match self.run(&script, dir, limit, Net::Loopback, extra) {
            Ok(ended) => ended,
            Err(CannotRun::Io(error)) => return Err(CannotRun::Io(error).failure().into()),
            Err(cannot) => {
                let Failure { code, message, fix } = cannot.failure();
                return Ok(Ran { fix, ..Ran::blocked(code, message) });
            }
        };
        let waited = if needs.is_empty() { None } else { fs_err::read_to_string(&note).ok() };
        if let Some(name) = needs.iter().map(|(name, _)| *name).find(|n| waited.as_deref() == Some(*n)) {
            fs_err::remove_file(&note)?;
            return Ok(Ran::blocked(Code::MissingService, format!("the service '{name}' does not answer its probe")));
        }
        Ok(Ran::of(test.expect, limit, ended))
    }

    fn run(&self, script: &str, dir: &Path, seconds: u32, net: Net, extra: &Extra) -> Result<Ended, CannotRun> {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/nonexistent"), PathBuf::from);
        let asked = self.desk.settings.verify.env.iter();
        let mut more: Extra = asked.filter_map(|n| std::env::var(n).ok().map(|v| (n.clone(), v))).collect();
        more.extend(extra.iter().cloned());
        let env = haco_sandbox::clean_env(&self.path, &home, &more);
        let rw = [self.top.clone(), self.held.path().join("note")];
        // Nothing of the person's tree is shown, unless it lies in what every command sees.
        let hide: Vec<_> = self.hide.iter().filter(|path| haco_sandbox::always_seen(path)).cloned().collect();
        haco_sandbox::run(&Job {
            files: Files { rw: &rw, hide: &hide, ..Files::default() },
            env: &env,
            limits: Limits {
                timeout: Duration::from_secs(u64::from(seconds)),
                output_bytes: OUTPUT_BYTES,
                ..Limits::default()
            },
            net,
            allow_weaker: &self.weaker,
            ..Job::new(Program::Shell(script), dir)
        })
    }
}

impl Ran {
    fn blocked(code: Code, why: String) -> Ran {
        Ran {
            answer: Answer::Blocked,
            code: Some(code),
            end: why,
            fix: None,
            log: Vec::new(),
            wall_ms: 0,
            walls: Vec::new(),
        }
    }

    fn failed(why: String) -> Ran {
        Ran { answer: Answer::Fail, ..Ran::blocked(Code::ChecksFailed, why) }
    }

    fn of(expect: Expect, seconds: u32, ended: Ended) -> Ran {
        let passes = passes(expect, &ended.end);
        let wanted =
            if !passes && expect == Expect::Fail && ended.end == End::Exited(0) { ", and it must fail" } else { "" };
        let mut log = bytes(&ended.stdout);
        log.extend(bytes(&ended.stderr));
        Ran {
            answer: if passes { Answer::Pass } else { Answer::Fail },
            code: (!passes).then_some(Code::ChecksFailed),
            end: format!("{}{wanted}", how(&ended.end, seconds)),
            fix: None,
            log,
            wall_ms: u64::try_from(ended.wall.as_millis()).unwrap_or(u64::MAX),
            walls: ended.layers,
        }
    }
}

/// `expect` turns an exit status round, and nothing else: 126 and 127 are a command that the draft did not make.
fn passes(expect: Expect, end: &End) -> bool {
    match (end, expect) {
        (End::Exited(0), Expect::Pass) => true,
        (End::Exited(0 | 126 | 127), Expect::Fail) => false,
        (End::Exited(_), Expect::Fail) => true,
        _ => false,
    }
}

/// How a command ended, in words that follow its name.
fn how(end: &End, seconds: u32) -> String {
    match end {
        End::Exited(status) => format!("exited with status {status}"),
        End::Signalled(number) => format!("was ended by signal {number}"),
        End::TimedOut => format!("timed out after {seconds} s"),
        End::Limit(LimitKind::Memory) => "passed the limit of memory".to_owned(),
        End::Limit(LimitKind::Processes) => "passed the limit of processes".to_owned(),
        End::Limit(LimitKind::FileSize) => "passed the limit of a file's size".to_owned(),
    }
}

/// What is kept of a stream, raw.
fn bytes(kept: &Kept) -> Vec<u8> {
    let mut all = kept.head.clone();
    if kept.dropped > 0 {
        all.extend(format!("\n[{} bytes left out]\n", kept.dropped).bytes());
    }
    all.extend(&kept.tail);
    if all.last().is_some_and(|b| *b != b'\n') {
        all.push(b'\n');
    }
    all
}

/// Removes copies that programs left which were killed; whose they are is in the name. What cannot go stays.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(owner) else { continue };
        let old = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if old.is_some_and(|age| age.as_secs() > LEFT_SEC) && !Path::new("/proc").join(pid).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The process in the name `haco-<label>-<pid>-<random>` of a copy.
fn owner(name: &str) -> Option<&str> {
    let (rest, _random) = name.strip_prefix("haco-")?.rsplit_once('-')?;
    let (_label, pid) = rest.rsplit_once('-')?;
    (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expected_failure_is_an_exit_status_and_nothing_else() {
        assert!(passes(Expect::Pass, &End::Exited(0)) && !passes(Expect::Pass, &End::Exited(1)));
        assert!(passes(Expect::Fail, &End::Exited(1)) && !passes(Expect::Fail, &End::Exited(0)));
        for end in [End::Exited(127), End::Exited(126), End::TimedOut, End::Signalled(9), End::Limit(LimitKind::Memory)]
        {
            assert!(!passes(Expect::Fail, &end) && !passes(Expect::Pass, &end), "{end:?}");
        }
    }

    #[test]
    fn a_log_counts_what_was_dropped_and_ends_its_line() {
        let kept = Kept { head: b"ab".to_vec(), tail: b"yz".to_vec(), bytes: 9, dropped: 5 };
        assert_eq!(bytes(&kept), b"ab\n[5 bytes left out]\nyz\n");
        assert_eq!(bytes(&Kept::default()), b"");
    }

    #[test]
    fn only_copies_of_ours_have_an_owner() {
        assert_eq!(owner("haco-T-001-4711-aB3xyz"), Some("4711"));
        assert_eq!(owner("haco-my-plan-12-aB3xyz"), Some("12"));
        for other in ["haco-worker", "haco-x", "haco-a-b-c", "other-T-001-1-x"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
