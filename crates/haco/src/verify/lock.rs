//! Advisory locks on files whose path may come and go: what is locked is what stands under that path, or nothing is.

use anyhow::{Context, Result};
use std::{fs::TryLockError, os::unix::fs::MetadataExt, path::Path};

/// How a lock is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Beside others; waits for whoever is alone.
    Shared,
    /// Alone; waits for the others.
    Alone,
    /// Alone, and not at all while there are others.
    AloneNow,
}

/// A lock until it is dropped.
#[derive(Debug)]
pub(super) struct Held(pub(super) fs_err::File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing alone is not enough: a child that another thread is starting has the file until it executes its program.
        let _ = self.0.file().unlock();
    }
}

/// Locks the file at `path`, which is made where there is none; nothing where it is not to be waited for.
pub(super) fn take(path: &Path, want: Want) -> Result<Option<Held>> {
    loop {
        let file = fs_err::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let locked = match want {
            Want::Shared => file.file().lock_shared().map_err(TryLockError::Error),
            Want::Alone => file.file().lock().map_err(TryLockError::Error),
            Want::AloneNow => file.file().try_lock(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e).with_context(|| format!("cannot lock '{}'", path.display())),
        }
        let held = Held(file);
        // It may have been removed while it was waited for.
        let now = path.symlink_metadata().ok();
        let ours = held.0.metadata()?;
        if now.is_some_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(held));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_alone_is_nobody_elses_and_a_removed_file_is_another() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("x.lock");
        let alone = take(&path, Want::AloneNow).expect("locks").expect("is free");
        assert!(take(&path, Want::AloneNow).expect("locks").is_none());
        fs_err::remove_file(&path).expect("removes");
        let other = take(&path, Want::AloneNow).expect("locks").expect("is another file");
        drop((alone, other));
        let shared =
            [take(&path, Want::Shared), take(&path, Want::Shared)].map(|l| l.expect("locks").expect("is free"));
        assert!(take(&path, Want::AloneNow).expect("locks").is_none());
        drop(shared);
        assert!(take(&path, Want::Alone).expect("locks").is_some());
    }
}
