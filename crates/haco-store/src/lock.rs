//! Advisory locks in `.haco/locks/`: never deleted by us, freed by the kernel when their process dies, with the holder's
//! process and command written inside for whoever waits.
//!
//! Order, so that nobody waits in a circle: tickets by id, then the plan, then `ids`, then `journal`.

use crate::{Result, dir::Dir};
use haco_core::{
    code::{Code, Failure},
    id::{PlanId, TicketId},
};
use nix::fcntl::OFlag;
use std::{
    collections::BTreeMap,
    fs::TryLockError,
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    thread::sleep,
    time::{Duration, Instant},
};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    file: fs_err::File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing alone is not enough: a child that another thread is starting has the file until it executes its program.
        let _ = self.file.file().unlock();
    }
}

/// The right to do a ticket's long step, held until it is dropped; it is not handed to child programs.
#[derive(Debug)]
pub struct StepLock {
    _held: Held,
}

/// The right to be the only process here that does one thing, held until it is dropped or the process dies.
#[derive(Debug)]
pub struct Alone {
    _held: Held,
}

/// The lock around a ticket's writes.
pub(crate) fn of_ticket(id: &TicketId) -> String {
    id.to_string()
}

/// The lock around a plan's writes; a plan's id holds no dot, so that it meets no other lock.
pub(crate) fn of_plan(id: &PlanId) -> String {
    format!("plan.{id}")
}

/// Takes `name`, waiting at most `wait`; then a failure that names the holder.
pub(crate) fn take(top: &Dir, name: &str, wait: Duration) -> Result<Held> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(held) = try_take(top, name)? {
            return Ok(held);
        }
        if began.elapsed() >= wait {
            let holder = holder(top, name)?;
            return Err(Failure::new(Code::Busy, format!("'{name}' is held by {holder}")));
        }
        sleep(pause.min(wait.saturating_sub(began.elapsed())));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Takes `name` if nobody holds it.
pub(crate) fn try_take(top: &Dir, name: &str) -> Result<Option<Held>> {
    let locks = top.sub_made("locks")?;
    let gone = || locks.failure("open", name, nix::errno::Errno::ENOENT);
    let file = locks.open(name, OFlag::O_RDWR | OFlag::O_CREAT)?.ok_or_else(gone)?;
    match file.file().try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(e)) => return Err(locks.failure("lock", name, e)),
    }
    if !same_file(&locks, name, &file)? {
        return Ok(None);
    }
    let mut plain = file.file();
    let said = plain.set_len(0).and_then(|()| plain.write_all(ourselves().as_bytes()));
    said.map_err(|e| locks.failure("write", name, e))?;
    Ok(Some(Held { file }))
}

/// Whether the file under `name` is still the one that was opened: `locks/` may have been cleared in between.
fn same_file(locks: &Dir, name: &str, file: &fs_err::File) -> Result<bool> {
    let node = |f: &fs_err::File| f.file().metadata().map(|m| (m.dev(), m.ino()));
    let failed = |e| locks.failure("lock", name, e);
    match locks.open(name, OFlag::O_RDONLY)? {
        Some(now) => Ok(node(&now).map_err(failed)? == node(file).map_err(failed)?),
        None => Ok(false),
    }
}

/// Takes the right to do a long step of `id`; none while somebody else does one.
pub(crate) fn try_step(top: &Dir, id: &TicketId) -> Result<Option<StepLock>> {
    Ok(try_at_work(top, &format!("{id}.step"))?.map(|held| StepLock { _held: held }))
}

/// Takes the right to be the only one at `what`; none while somebody else is.
pub(crate) fn try_alone(top: &Dir, what: &str) -> Result<Option<Alone>> {
    Ok(try_at_work(top, what)?.map(|held| Alone { _held: held }))
}

fn try_at_work(top: &Dir, name: &str) -> Result<Option<Held>> {
    // A reader that probes holds the lock for an instant; that is not somebody at work.
    for _ in 0..5 {
        if let Some(held) = try_take(top, name)? {
            return Ok(Some(held));
        }
        sleep(Duration::from_millis(2));
    }
    Ok(None)
}

/// The tickets that somebody does a long step of, and who; nothing is written.
pub(crate) fn busy(top: &Dir) -> Result<BTreeMap<TicketId, String>> {
    let mut busy = BTreeMap::new();
    let Some(locks) = top.sub("locks")? else { return Ok(busy) };
    for name in locks.names()? {
        let Some(Ok(id)) = name.strip_suffix(".step").map(str::parse::<TicketId>) else { continue };
        if let Some(holder) = at_work(top, &locks, &name)? {
            busy.insert(id, holder);
        }
    }
    Ok(busy)
}

/// Who is at `what`, where somebody is; nothing is written.
pub(crate) fn who(top: &Dir, what: &str) -> Result<Option<String>> {
    top.sub("locks")?.map_or(Ok(None), |locks| at_work(top, &locks, what))
}

fn at_work(top: &Dir, locks: &Dir, name: &str) -> Result<Option<String>> {
    let Some(file) = locks.open(name, OFlag::O_RDONLY)? else { return Ok(None) };
    match file.file().try_lock_shared() {
        Ok(()) => {
            drop(Held { file });
            Ok(None)
        }
        Err(TryLockError::WouldBlock) => holder(top, name).map(Some),
        Err(TryLockError::Error(e)) => Err(locks.failure("probe", name, e)),
    }
}

/// Who holds `name`, in the words that the holder left.
fn holder(top: &Dir, name: &str) -> Result<String> {
    let file = top.sub("locks")?.map(|l| l.open(name, OFlag::O_RDONLY)).transpose()?.flatten();
    let mut text = String::new();
    let read = file.and_then(|f| f.take(1024).read_to_string(&mut text).ok());
    match read {
        Some(_) if !text.trim().is_empty() => Ok(text.trim().escape_debug().collect()),
        _ => Ok("another process".to_owned()),
    }
}

/// `pid 4711 (haco-verify T-001)`: at most 100 characters of the command.
fn ourselves() -> String {
    let args = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>();
    let program = args.first().map_or("haco", |p| p.rsplit('/').next().unwrap_or(p));
    let command: String =
        [program].into_iter().chain(args.iter().skip(1).map(String::as_str)).collect::<Vec<_>>().join(" ");
    let command: String = command.chars().map(|c| if c.is_control() { ' ' } else { c }).take(100).collect();
    format!("pid {} ({command})\n", nix::unistd::Pid::this())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn who_waits_too_long_is_told_who_holds() {
        let held = sample::with(&["T-001"]);
        let store = held.store.with_wait(Duration::ZERO);
        let _tx = store.begin(&[sample::id("T-001")], None).expect("begins");
        let failure = store.begin(&[sample::id("T-001")], None).expect_err("held");
        assert_eq!(failure.code, Code::Busy);
        let ours = format!("'T-001' is held by pid {} (", std::process::id());
        assert!(failure.message.starts_with(&ours), "{failure}");
    }

    #[test]
    fn a_step_is_done_by_one_at_a_time_and_seen_by_readers() {
        let held = sample::with(&["T-001", "T-002"]);
        let step = held.store.try_step(&sample::id("T-001")).expect("tries").expect("is free");
        assert!(held.store.try_step(&sample::id("T-001")).expect("tries").is_none());
        let busy = held.store.busy().expect("reads");
        assert_eq!(busy.keys().collect::<Vec<_>>(), [&sample::id("T-001")]);
        assert!(busy[&sample::id("T-001")].contains(&format!("pid {}", std::process::id())));
        drop(step);
        assert!(held.store.busy().expect("reads").is_empty());
        assert!(held.store.try_step(&sample::id("T-001")).expect("tries").is_some());
    }

    #[test]
    fn one_process_at_a_time_is_alone_at_something_and_others_learn_who() {
        let held = sample::empty();
        assert_eq!(held.store.who_is_at("run").expect("reads"), None);
        let alone = held.store.try_alone("run").expect("tries").expect("is free");
        assert!(held.store.try_alone("run").expect("tries").is_none());
        let who = held.store.who_is_at("run").expect("reads").expect("is held");
        assert!(who.starts_with(&format!("pid {} (", std::process::id())), "{who}");
        drop(alone);
        assert_eq!(held.store.who_is_at("run").expect("reads"), None);
    }

    #[test]
    fn a_step_does_not_keep_others_from_writing_the_ticket() {
        let held = sample::with(&["T-001"]);
        let _step = held.store.try_step(&sample::id("T-001")).expect("tries").expect("is free");
        held.store.with_wait(Duration::ZERO).begin(&[sample::id("T-001")], None).expect("begins");
    }

    #[test]
    fn a_lock_whose_file_was_cleared_away_is_not_held_twice() {
        let held = sample::empty();
        let top = held.store.top();
        let first = try_take(top, "x").expect("tries").expect("is free");
        fs_err::remove_file(held.place.dir.join("locks/x")).expect("removes");
        let second = try_take(top, "x").expect("tries");
        assert!(second.is_some(), "a new file is a new lock");
        drop(first);
        assert!(try_take(top, "x").expect("tries").is_none(), "and the new one is held");
    }

    #[test]
    fn the_kernel_frees_the_lock_of_a_process_that_died_and_children_do_not_keep_it() {
        let held = sample::empty();
        let lock = try_take(held.store.top(), "x").expect("tries").expect("is free");
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("starts");
        drop(lock);
        let again = try_take(held.store.top(), "x").expect("tries");
        child.kill().and_then(|()| child.wait()).expect("ends");
        assert!(again.is_some());
    }
}
