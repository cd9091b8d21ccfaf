//! Refs: where candidates (`refs/haco/T-001/2`) and the integration line stay reachable. An update names what it expects
//! to replace, so that two writers never lose one another's.

use crate::repo::{Repo, oid};
use anyhow::{Context, Result, anyhow};
use gix::refs::transaction::{PreviousValue, RefEdit};
use gix::refs::{FullName, Target};
use haco_core::code::{Code, Failure};
use haco_core::oid::Oid;
use std::fs::File;
use std::io::ErrorKind;
use std::time::SystemTime;

/// What a ref must hold for an update of it to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Whatever it holds, or nothing.
    Anything,
    /// There is no such ref.
    Absent,
    /// It holds this.
    At(&'a Oid),
}

/// How long a ref's lock must have stood to be nobody's; the library waits as long before it gives up.
const DEAD: std::time::Duration = std::time::Duration::from_millis(100);

impl Repo {
    /// Points the ref at the object, durable when this returns; [`Code::Conflict`] where it does not hold what was
    /// expected. Where it holds the object already, that is done.
    pub fn set_ref(&self, name: &str, target: &Oid, expect: Expect<'_>) -> Result<()> {
        let edit = RefEdit::update(full_name(name)?, self.id(target)?, self.previous(expect)?, "haco");
        self.edit_ref(name, edit, expect, Some(target))?;
        self.settle(name).with_context(|| format!("cannot write '{name}' to the disk"))
    }

    /// Removes the ref; [`Code::Conflict`] where it holds another object than `expected`. Where there is none, that is
    /// done.
    pub fn delete_ref(&self, name: &str, expected: Option<&Oid>) -> Result<()> {
        let expect = expected.map_or(Expect::Anything, Expect::At);
        let edit = RefEdit::delete(full_name(name)?, self.previous(expect)?);
        self.edit_ref(name, edit, expect, None)
    }

    /// The object that the ref names, where there is such a ref.
    pub fn ref_oid(&self, name: &str) -> Result<Option<Oid>> {
        let found =
            self.gix.try_find_reference(full_name(name)?.as_ref()).with_context(|| format!("cannot read '{name}'"))?;
        Ok(found.and_then(|reference| reference.try_id()).map(|id| oid(id.detach())))
    }

    /// Every ref whose name begins with `prefix` (`refs/haco/T-001/`), by name, with the object that it names.
    pub fn refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>> {
        let broken = || format!("cannot list '{prefix}'");
        let platform = self.gix.references().with_context(broken)?;
        let mut found = Vec::new();
        for reference in platform.prefixed(prefix).with_context(broken)? {
            let reference = reference.with_context(broken)?;
            let name = std::str::from_utf8(reference.name().as_bstr());
            if let (Ok(name), Some(id)) = (name, reference.try_id()) {
                found.push((name.to_owned(), oid(id.detach())));
            }
        }
        Ok(found)
    }

    fn edit_ref(&self, name: &str, edit: RefEdit, expect: Expect<'_>, wanted: Option<&Oid>) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let time = format!("{now} +0000");
        let who = gix::actor::SignatureRef { name: "haco".into(), email: "haco@localhost".into(), time: &time };
        let first = self.gix.edit_references_as([edit.clone()], Some(who));
        let Err(error) = first.or_else(|error| match self.free_of_the_dead(name) {
            true => self.gix.edit_references_as([edit], Some(who)),
            false => Err(error),
        }) else {
            return Ok(());
        };
        let held = self.ref_oid(name)?;
        let as_expected = match expect {
            Expect::Anything => true,
            Expect::Absent => held.is_none(),
            Expect::At(oid) => held.as_ref() == Some(oid),
        };
        if held.as_ref() == wanted {
            return Ok(());
        } else if as_expected {
            return Err(anyhow::Error::new(error).context(format!("cannot change '{name}'")));
        }
        let held = held.map_or("is gone".to_owned(), |oid| format!("is at {}", oid.short()));
        Err(Failure::new(Code::Conflict, format!("'{name}' was not changed: it {held}")).into())
    }

    /// Removes the lock that a killed program left beside a ref of ours; true where there was one. Nobody who lives holds
    /// such a lock for as long as a first try has waited for it.
    fn free_of_the_dead(&self, name: &str) -> bool {
        let lock = self.gix.common_dir().join(format!("{name}.lock"));
        let age = std::fs::symlink_metadata(&lock).and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        name.starts_with("refs/haco/") && age.is_some_and(|age| age >= DEAD) && std::fs::remove_file(&lock).is_ok()
    }

    fn previous(&self, expect: Expect<'_>) -> Result<PreviousValue> {
        Ok(match expect {
            Expect::Anything => PreviousValue::Any,
            Expect::Absent => PreviousValue::MustNotExist,
            Expect::At(oid) => PreviousValue::MustExistAndMatch(Target::Object(self.id(oid)?)),
        })
    }

    /// Brings the ref's file and its name to the disk: the rename alone is in memory. One that was packed or removed
    /// since is for whoever did that to keep.
    fn settle(&self, name: &str) -> std::io::Result<()> {
        let path = self.gix.common_dir().join(name);
        let synced = File::open(&path).and_then(|file| file.sync_all());
        match synced.and_then(|()| path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            settled => settled,
        }
    }
}

fn full_name(name: &str) -> Result<FullName> {
    let inside = name.starts_with("refs/");
    FullName::try_from(name)
        .ok()
        .filter(|_| inside)
        .ok_or_else(|| anyhow!("'{}' is not the name of a ref", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, code_of};

    fn two_commits(sample: &Sample) -> [Oid; 2] {
        let repo = sample.repo();
        let first = repo.head_commit().expect("head");
        let tree = repo.tree_of(&first).expect("tree");
        let second = repo.commit(&tree, std::slice::from_ref(&first), "second", &crate::Who::Haco).expect("commit");
        [first, second]
    }

    #[test]
    fn a_lock_that_a_killed_program_left_is_taken_away_beside_our_refs_only() {
        let sample = Sample::new();
        let repo = sample.repo();
        let head = repo.head_commit().expect("head");
        for (name, freed) in [("refs/haco/T-001/1", true), ("refs/heads/theirs", false)] {
            let lock = repo.gix.common_dir().join(format!("{name}.lock"));
            std::fs::create_dir_all(lock.parent().expect("a directory")).expect("makes it");
            std::fs::write(&lock, "").expect("writes it");
            assert_eq!(repo.set_ref(name, &head, Expect::Absent).is_ok(), freed, "{name}");
            assert_eq!(lock.exists(), !freed, "{name}");
        }
    }

    #[test]
    fn a_ref_is_set_read_listed_and_removed() {
        let sample = Sample::new();
        let repo = sample.repo();
        let head = repo.head_commit().expect("head");
        repo.set_ref("refs/haco/T-001/1", &head, Expect::Absent).expect("set");
        repo.set_ref("refs/haco/T-002/1", &head, Expect::Anything).expect("set");
        assert_eq!(sample.git(&["rev-parse", "refs/haco/T-001/1"]), head.as_str());
        assert_eq!(repo.refs("refs/haco/T-001/").expect("list"), [("refs/haco/T-001/1".to_owned(), head.clone())]);
        assert_eq!(repo.refs("refs/haco/").expect("list").len(), 2);
        repo.delete_ref("refs/haco/T-001/1", Some(&head)).expect("delete");
        repo.delete_ref("refs/haco/T-001/1", None).expect("gone already");
        assert_eq!(repo.ref_oid("refs/haco/T-001/1").expect("read"), None);
    }

    #[test]
    fn an_update_from_another_value_than_expected_changes_nothing() {
        let sample = Sample::new();
        let (repo, [first, second]) = (sample.repo(), two_commits(&sample));
        repo.set_ref("refs/haco/plans/p", &first, Expect::Absent).expect("set");
        for expect in [Expect::Absent, Expect::At(&second)] {
            let error = repo.set_ref("refs/haco/plans/p", &second, expect).expect_err("held");
            assert_eq!(code_of(&error), Some(Code::Conflict));
            assert!(error.to_string().contains("'refs/haco/plans/p'"), "{error}");
        }
        let error = repo.delete_ref("refs/haco/plans/p", Some(&second)).expect_err("held");
        assert_eq!(code_of(&error), Some(Code::Conflict));
        assert_eq!(repo.ref_oid("refs/haco/plans/p").expect("read"), Some(first.clone()));
        repo.set_ref("refs/haco/plans/p", &second, Expect::At(&first)).expect("from what it holds");
    }

    #[test]
    fn packed_refs_are_refs_too() {
        let sample = Sample::new();
        let (repo, [first, second]) = (sample.repo(), two_commits(&sample));
        repo.set_ref("refs/haco/T-001/1", &first, Expect::Absent).expect("set");
        sample.git(&["pack-refs", "--all"]);
        assert_eq!(repo.ref_oid("refs/haco/T-001/1").expect("read"), Some(first.clone()));
        let error = repo.set_ref("refs/haco/T-001/1", &second, Expect::Absent).expect_err("there");
        assert_eq!(code_of(&error), Some(Code::Conflict));
        repo.set_ref("refs/haco/T-001/1", &first, Expect::Absent).expect("done already");
        repo.delete_ref("refs/haco/T-001/1", Some(&first)).expect("delete");
        assert_eq!(sample.git(&["for-each-ref", "refs/haco"]), "");
    }

    #[test]
    fn what_is_as_wanted_already_is_done() {
        let sample = Sample::new();
        let (repo, [first, second]) = (sample.repo(), two_commits(&sample));
        repo.set_ref("refs/haco/plans/p", &second, Expect::Anything).expect("set");
        for expect in [Expect::Anything, Expect::Absent, Expect::At(&first), Expect::At(&second)] {
            repo.set_ref("refs/haco/plans/p", &second, expect).expect("done already");
        }
        for expected in [None, Some(&first)] {
            repo.delete_ref("refs/haco/plans/none", expected).expect("done already");
        }
    }

    #[test]
    fn a_name_outside_refs_is_refused() {
        let sample = Sample::new();
        let head = sample.repo().head_commit().expect("head");
        for name in ["HEAD", "refs/../HEAD", "refs/a b", "refs/haco/..", "refs/x.lock", ""] {
            assert!(sample.repo().set_ref(name, &head, Expect::Anything).is_err(), "{name}");
        }
    }

    #[test]
    fn of_many_writers_who_expect_none_exactly_one_wins() {
        let sample = Sample::new();
        let head = sample.repo().head_commit().expect("head");
        let write = |n: usize| {
            let repo = sample.repo();
            let tree = repo.tree_of(&head).expect("tree");
            let own = repo.commit(&tree, &[], &format!("writer {n}"), &crate::Who::Haco).expect("commit");
            repo.set_ref("refs/haco/T-001/1", &own, Expect::Absent).is_ok()
        };
        let wins = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    scope.spawn({
                        let write = &write;
                        move || write(n)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("thread")).filter(|won| *won).count()
        });
        assert_eq!(wins, 1);
    }
}
