//! A throw-away copy of one tree, and commands run confined in it: a pristine checkout of its base below, a layer of its
//! own above, shown where the working tree is. What a check means is `checks`'; nothing that happens in a copy flows back,
//! and it is gone when the value is.

use super::{
    command,
    pristine::{self, Pristine},
    ran::{self, Ran},
    scratch::Scratch,
    setup::{self, Failed, Kept},
    shared::Shares,
};
use crate::desk::Desk;
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    config,
    oid::{Mode, Oid},
    ticket::Test,
};
use haco_sandbox::{CannotRun, Change, Content, End, Ended, Files, Job, Layer, Limits, Net, Overlay, Program};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::Duration,
};

/// Bytes that are kept of each stream of a check.
const OUTPUT_BYTES: usize = 10 << 20;
/// Seconds for one check where nothing is said.
const CHECK_SEC: u32 = 120;
/// Bytes that are kept of what a setup command that succeeded said.
const SETUP_BYTES: usize = 4 << 10;
/// Seconds that each setup command has at least.
const SETUP_SEC: u32 = 600;

/// One tree as files, and how commands run there.
pub(super) struct Copy<'a> {
    desk: &'a Desk,
    tree: &'a Oid,
    scratch: Scratch,
    ground: RefCell<Ground>,
    shares: Shares,
    /// What the setup made, where that is a layer of its own.
    setup: Option<Kept>,
    /// Where commands see it.
    top: PathBuf,
    hide: Vec<PathBuf>,
    path: String,
    weaker: Vec<Layer>,
    /// Why no check can be asked here.
    broken: Option<Failure>,
}

/// What commands see at the copy's place.
enum Ground {
    /// A checkout that others use too, under a layer into which these changes are still to be laid.
    Layered(Pristine, Vec<Change>),
    /// Files of its own.
    Plain(PathBuf),
}

/// What one command may use.
fn limits(seconds: u32) -> Limits {
    let timeout = Duration::from_secs(u64::from(seconds));
    Limits { timeout, output_bytes: OUTPUT_BYTES, ..Limits::default() }
}

/// One command and what it is given.
struct Command<'c> {
    script: &'c str,
    dir: &'c Path,
    seconds: u32,
    net: Net,
    extra: &'c [(String, String)],
}

/// Variables that a check sees beside the clean ones.
pub(super) type Extra = Vec<(String, String)>;

impl<'a> Copy<'a> {
    /// Makes a copy of `tree` and sets it up; it costs little where that differs little from `base`.
    pub(super) fn of(desk: &'a Desk, base: &Oid, tree: &'a Oid) -> Result<Copy<'a>> {
        let weaker: Vec<Layer> =
            desk.settings.verify.allow_weaker.iter().map(|w| w.parse()).collect::<Result<_, Failure>>()?;
        // Without its own view of the files a command sees the copy where that really is: away from the repository.
        let in_place = !weaker.contains(&Layer::Mount);
        let scratch = Scratch::new(&if in_place { desk.place.dir.join("tmp") } else { std::env::temp_dir() })?;
        let (shares, mut broken) = match Shares::of(desk, tree)? {
            Ok(shares) => (shares, None),
            Err(failure) => (Shares::none(), Some(failure)),
        };
        let than = match shares.before()? {
            Ok(than) => than,
            Err(failure) => {
                broken = Some(failure);
                std::time::SystemTime::UNIX_EPOCH
            }
        };
        let ground = match in_place {
            true => layered(desk, [base, tree], than, &scratch)?,
            false => plain(desk, tree, &scratch)?,
        };
        let top = match &ground {
            Ground::Plain(dir) => dir.clone(),
            Ground::Layered(..) => desk.place.worktree.clone(),
        };
        let hide = [&desk.place.main, &desk.place.worktree].into_iter().filter(|dir| **dir != top).cloned().collect();
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
        let hidden = [&desk.place.main, &desk.place.worktree];
        let warm: Vec<&Path> = shares.all.iter().map(|share| share.at.as_path()).collect();
        let path = command::visible(&path, &hidden.map(PathBuf::as_path), &warm);
        let ground = RefCell::new(ground);
        let mut copy = Copy { desk, tree, scratch, ground, shares, setup: None, top, hide, path, weaker, broken };
        if copy.broken.is_none() {
            copy.broken = copy.set_up()?;
        }
        Ok(copy)
    }

    /// The directory, as it stands in logs.
    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    /// What the setup said, where there was one and it is kept.
    pub(super) fn setup(&self) -> Option<&str> {
        self.setup.as_ref().map(Kept::said)
    }

    /// Has the commands of `verify.setup` done; the first that fails is why nothing can be asked here.
    fn set_up(&mut self) -> Result<Option<Failure>> {
        let verify = &self.desk.settings.verify;
        if verify.setup.is_empty() {
            return Ok(None);
        }
        let kept = match &*self.ground.borrow() {
            Ground::Plain(_) => None,
            Ground::Layered(pristine, changes) => {
                let changes = setup::changes(changes);
                let words = format!("{:?} {:?} {}", verify.setup_net, verify.share, self.path);
                let tree = pristine.dir().file_name().unwrap_or_default().to_string_lossy();
                let tree = tree.split('.').next().unwrap_or_default();
                let name = format!("{tree}.setup-{}", setup::key(&verify.setup, &words, &changes));
                let dir = self.desk.place.dir.join("checkouts").join(name);
                let run = |dir: &Path| self.commands(|job| self.make_setup(job, pristine, dir, &changes));
                Some(setup::hold(&dir, &self.scratch, run)?)
            }
        };
        match kept {
            Some(Ok(kept)) => self.setup = Some(kept),
            Some(Err(Failed::Why(failure))) => return Ok(Some(failure)),
            Some(Err(Failed::NoOverlay)) | None => {
                self.fall_back()?;
                return Ok(match self.commands(|job| self.on_the_ground(job))? {
                    Err(Failed::Why(failure)) => Some(failure),
                    _ => None,
                });
            }
        }
        Ok(None)
    }

    /// Runs every command of the setup, and says what they said.
    fn commands(
        &self,
        mut run: impl FnMut(Job) -> Result<Ended, CannotRun>,
    ) -> Result<std::result::Result<String, Failed>> {
        let verify = &self.desk.settings.verify;
        let seconds = verify.timeout_sec.unwrap_or(0).max(SETUP_SEC);
        let net = match verify.setup_net {
            None | Some(config::Net::None | config::Net::Loopback) => Net::Loopback,
            Some(config::Net::Host) => Net::Host,
        };
        let mut said = String::new();
        for line in &verify.setup {
            let command = Command { script: line, dir: &self.top, seconds, net, extra: &[] };
            let failure = match self.confined(&command, &mut run) {
                Ok(ended) => {
                    let text = super::extract::plain(&format!("{}\n{}", ended.stdout.text(), ended.stderr.text()));
                    let how = ran::how(&ended.end, seconds.into());
                    if ended.end == End::Exited(0) {
                        said.push_str(&format!("'{line}' {how}\n{}", super::extract::failing(&text, &[], SETUP_BYTES)));
                        continue;
                    }
                    let last = text.lines().rev().find(|l| !l.trim().is_empty()).map(|l| format!(": {}", l.trim()));
                    Failure::new(Code::MissingTool, format!("the setup '{line}' {how}{}", last.unwrap_or_default()))
                }
                Err(CannotRun::NoOverlay(_)) if self.shares.all.is_empty() => return Ok(Err(Failed::NoOverlay)),
                Err(CannotRun::Io(error)) => return Err(CannotRun::Io(error).failure().into()),
                Err(cannot) => cannot.failure(),
            };
            return Ok(Err(Failed::Why(failure)));
        }
        Ok(Ok(said))
    }

    /// Runs a job of the setup, which sees the base and leaves what it makes in `dir`.
    fn make_setup(&self, job: Job, pristine: &Pristine, dir: &Path, changes: &[Change]) -> Result<Ended, CannotRun> {
        // Laid once: a later command finds them as the one before left them.
        let first = !dir.join("upper").exists();
        let changes = if first { changes } else { &[] };
        let base = Overlay { lower: pristine.dir(), kept: &[], at: &self.top, upper: Some(dir), changes };
        self.layered(job, base, "setup-shared")
    }

    /// Asks one check. An error is the machine's; everything else is an answer.
    pub(super) fn ask(&self, test: &Test, extra: &Extra) -> Result<Ran> {
        if let Some(failure) = &self.broken {
            return Ok(Ran::refused(failure));
        }
        if let Some(name) = command::missing(&test.command, &self.path) {
            let line = test.command.trim().lines().next().unwrap_or(name);
            let message = format!("cannot run '{line}': no such program");
            let fix = Some(format!("install {name}"));
            return Ok(Ran { fix, ..Ran::blocked(Code::MissingTool, message) });
        }
        if let Some(named) = test.dir.as_ref().filter(|named| !named.as_str().is_empty()) {
            let made = self.scratch.dir().join("layer/upper").join(named.as_str()).is_dir();
            if !made && !self.desk.repo()?.may_be_directory(self.tree, named.as_str())? {
                return Ok(Ran::failed(format!("its directory '{named}' is not in the tree")));
            }
        }
        let mut needs = Vec::new();
        for name in &test.needs {
            match self.desk.settings.needs.get(name) {
                Some(need) => needs.push((name.as_str(), need)),
                None => return Ok(Ran::blocked(Code::MissingService, format!("no service '{name}' is configured"))),
            }
        }
        let ran = self.with_services(test, &needs, extra)?;
        Ok(self.shares.disturbed()?.map_or(ran, |failure| Ran::refused(&failure)))
    }

    fn with_services(&self, test: &Test, needs: &[(&str, &config::Need)], extra: &Extra) -> Result<Ran> {
        let dir = test.dir.as_ref().map_or_else(|| self.top.clone(), |d| self.top.join(d.as_str()));
        let mark = command::Mark::new();
        let script = match needs {
            [] => test.command.clone(),
            _ => command::with_services(&test.command, needs, &mark),
        };
        let seconds = test.timeout_sec.or(self.desk.settings.verify.timeout_sec).unwrap_or(CHECK_SEC);
        let limit = needs.iter().fold(seconds, |sum, (_, need)| sum.saturating_add(command::seconds(need)));
        let command = Command { script: &script, dir: &dir, seconds: limit, net: Net::Loopback, extra };
        let mut ended = match self.run(&command) {
            Ok(ended) => ended,
            Err(CannotRun::Io(error)) => return Err(CannotRun::Io(error).failure().into()),
            Err(cannot) => return Ok(Ran::refused(&cannot.failure())),
        };
        match mark.waiting(&mut ended.stderr) {
            Some(name) => {
                let message = format!("the service '{name}' does not answer its probe");
                Ok(Ran::blocked(Code::MissingService, message))
            }
            None => Ok(Ran::of(test.expect, limits(limit), ended)),
        }
    }

    fn run(&self, command: &Command) -> Result<Ended, CannotRun> {
        match self.confined(command, |job| self.on_the_ground(job)) {
            Err(CannotRun::NoOverlay(why)) if self.shares.all.is_empty() => {
                self.fall_back().map_err(|e| CannotRun::Io(std::io::Error::other(format!("{e:#}, and {why}"))))?;
                self.confined(command, |job| self.on_the_ground(job))
            }
            other => other,
        }
    }

    /// A command as a job that sees no files of its own yet.
    fn confined<T>(&self, command: &Command, on: impl FnOnce(Job) -> T) -> T {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/nonexistent"), PathBuf::from);
        let asked = self.desk.settings.verify.env.iter();
        let mut more: Extra = asked.filter_map(|n| std::env::var(n).ok().map(|v| (n.clone(), v))).collect();
        more.extend(command.extra.iter().cloned());
        let env = haco_sandbox::clean_env(&self.path, &home, &more);
        // Nothing of the person's tree is shown, unless it lies in what every command sees.
        let hide: Vec<_> = self.hide.iter().filter(|path| haco_sandbox::always_seen(path)).cloned().collect();
        on(Job {
            files: Files { hide: &hide, ..Files::default() },
            env: &env,
            limits: limits(command.seconds),
            net: command.net,
            allow_weaker: &self.weaker,
            ..Job::new(Program::Shell(command.script), command.dir)
        })
    }

    /// Runs a job that sees the copy.
    fn on_the_ground(&self, job: Job) -> Result<Ended, CannotRun> {
        let layer = self.scratch.dir().join("layer");
        let kept: Vec<&Path> = self.setup.iter().map(Kept::dir).collect();
        match &mut *self.ground.borrow_mut() {
            Ground::Layered(pristine, changes) => {
                let base = Overlay { lower: pristine.dir(), kept: &kept, at: &self.top, upper: Some(&layer), changes };
                let ended = self.layered(job, base, "shared");
                if ended.is_ok() {
                    // They are in the layer now, where a later command finds them as the one before left them.
                    changes.clear();
                }
                ended
            }
            Ground::Plain(dir) => {
                let shown_at = (*dir != self.top).then_some(self.top.as_path());
                let rw = [dir.clone()];
                haco_sandbox::run(&Job { files: Files { rw: &rw, shown_at, ..job.files }, ..job })
            }
        }
    }

    /// Runs a job on an overlay and beside what is shared, whose layers are named by `word`.
    fn layered(&self, job: Job, base: Overlay, word: &str) -> Result<Ended, CannotRun> {
        let own = |n: usize| self.scratch.dir().join(format!("{word}-{n}"));
        let uppers: Vec<PathBuf> = (0..self.shares.all.len()).map(own).collect();
        let shares = self.shares.all.iter().zip(&uppers);
        let shares = shares.map(|(share, upper)| Overlay {
            lower: &share.from,
            kept: &[],
            at: &share.at,
            upper: Some(upper),
            changes: &[],
        });
        let overlays: Vec<Overlay> = [base].into_iter().chain(shares).collect();
        haco_sandbox::run(&Job { files: Files { overlays: &overlays, ..job.files }, ..job })
    }

    /// Puts files of its own where an overlay cannot be had.
    fn fall_back(&self) -> Result<()> {
        *self.ground.borrow_mut() = plain(self.desk, self.tree, &self.scratch)?;
        Ok(())
    }
}

fn plain(desk: &Desk, tree: &Oid, scratch: &Scratch) -> Result<Ground> {
    let dir = scratch.dir().join("copy");
    desk.repo()?.checkout(tree, &dir)?;
    Ok(Ground::Plain(dir))
}

/// A checkout of the first tree with what the second has otherwise, or, where that is much, of the second.
fn layered(desk: &Desk, [base, tree]: [&Oid; 2], than: std::time::SystemTime, scratch: &Scratch) -> Result<Ground> {
    let repo = desk.repo()?;
    let Some(differing) = repo.differing(base, tree, &scratch.dir().join("changed"))? else {
        return Ok(Ground::Layered(pristine::hold(desk, tree, than, scratch)?, Vec::new()));
    };
    let changes = differing.into_iter().map(|one| Change {
        path: one.path.into(),
        to: match one.to {
            None => Content::Gone,
            Some((bytes, Mode::Regular)) => Content::File(bytes, 0o644),
            Some((bytes, Mode::Executable)) => Content::File(bytes, 0o755),
        },
    });
    let pristine = pristine::hold(desk, &repo.tree_of(base)?, than, scratch)?;
    Ok(Ground::Layered(pristine, changes.collect()))
}

#[cfg(test)]
mod tests;
