//! What checks share of the person's own files so that they start warm. It was filled from other bytes than those under
//! test, so it may hold nothing that the tree itself holds, and everything in it must be older than the tree's files:
//! then compilers and interpreters make anew what is ours and keep what is not.

use super::pristine;
use crate::desk::Desk;
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    oid::Oid,
};
use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

/// One directory that is shared.
pub(super) struct Share {
    /// Where the person has it.
    pub(super) from: PathBuf,
    /// Where checks see it.
    pub(super) at: PathBuf,
}

/// All of them, and the latest time of anything in them.
pub(super) struct Shares {
    /// Those that are there.
    pub(super) all: Vec<Share>,
    newest: SystemTime,
}

impl Shares {
    /// Nothing is shared.
    pub(super) fn none() -> Shares {
        Shares { all: Vec::new(), newest: SystemTime::UNIX_EPOCH }
    }

    /// What `verify.share` names and is there, for checks of a tree; a failure where it cannot be shared.
    pub(super) fn of(desk: &Desk, tree: &Oid) -> Result<std::result::Result<Shares, Failure>> {
        let mut all = Vec::new();
        for name in &desk.settings.verify.share {
            match share(desk, tree, name)? {
                Ok(found) => all.extend(found),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        let newest = newest(&all)?;
        Ok(Ok(Shares { all, newest }))
    }

    /// A time than which everything in them is older by a whole second, as the coarsest of those who compare count it.
    pub(super) fn before(&self) -> Result<std::result::Result<SystemTime, Failure>> {
        let second = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        if self.all.is_empty() {
            return Ok(Ok(SystemTime::UNIX_EPOCH));
        }
        let next = SystemTime::UNIX_EPOCH + Duration::from_secs(second(self.newest) + 1);
        match next.duration_since(SystemTime::now()) {
            Ok(wait) if wait > Duration::from_secs(1) => {
                let message =
                    "what verify.share names holds a file from the future: what is built from it cannot be told";
                Ok(Err(Failure::new(Code::BadConfig, message)))
            }
            Ok(wait) => {
                thread::sleep(wait);
                Ok(Ok(next - Duration::from_nanos(1)))
            }
            Err(_) => Ok(Ok(next - Duration::from_nanos(1))),
        }
    }

    /// Why an answer that was had beside them does not count: somebody else worked in them meanwhile.
    pub(super) fn disturbed(&self) -> Result<Option<Failure>> {
        Ok((newest(&self.all)? != self.newest).then(|| {
            let message = "what verify.share names was changed while the check ran, so that nobody knows what it saw";
            Failure::new(Code::CannotConfine, message)
        }))
    }
}

fn newest(all: &[Share]) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for share in all {
        pristine::each(&share.from, &mut |_, meta| {
            newest = newest.max(meta.modified()?);
            Ok(())
        })?;
    }
    Ok(newest)
}

fn share(desk: &Desk, tree: &Oid, name: &str) -> Result<std::result::Result<Option<Share>, Failure>> {
    let refused = |why: &str| {
        let message = format!("'{name}' of verify.share cannot be shared: {why}");
        Ok(Err(Failure::new(Code::BadConfig, message)))
    };
    let own = name.strip_prefix("~/").and_then(|rest| Some(PathBuf::from(std::env::var_os("HOME")?).join(rest)));
    let own = own.or_else(|| Path::new(name).is_absolute().then(|| PathBuf::from(name)));
    // In a replay these are the files of whoever has the record.
    let theirs = desk.replayed.as_ref().and_then(|replayed| replayed.worktree.as_ref());
    let top = theirs.unwrap_or(&desk.place.worktree);
    let path = own.clone().unwrap_or_else(|| top.join(name));
    let Ok(from) = path.canonicalize() else { return Ok(Ok(None)) };
    if !from.is_dir() {
        return refused("it is no directory");
    }
    let inside = from.strip_prefix(top).ok();
    match (&own, inside) {
        (None, None) => refused("it leads out of the working tree"),
        (_, Some(rel)) if rel.as_os_str().is_empty() || rel.starts_with(".git") || rel.starts_with(".haco") => {
            refused("it holds what no check sees")
        }
        (_, Some(rel)) => match rel.to_str() {
            Some(rel) if !desk.repo()?.is_free(tree, rel)? => refused("git tracks it, or something in it"),
            Some(rel) => Ok(Ok(Some(Share { at: desk.place.worktree.join(rel), from }))),
            None => refused("its name is no text"),
        },
        _ => Ok(Ok(Some(Share { at: from.clone(), from }))),
    }
}
