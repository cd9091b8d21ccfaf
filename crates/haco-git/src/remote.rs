//! One branch on a remote: where it is, and pushing a commit to it without ever replacing a commit that somebody else put
//! there. Pull requests are left to the forges' own protocols.

use crate::program::said;
use crate::repo::Repo;
use anyhow::{Context, Result};
use gix::refs::FullName;
use haco_core::code::{Code, Failure};
use haco_core::oid::Oid;
use std::process::Output;

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The branch is new, or moved from the expected commit.
    Done,
    /// The branch held the commit before.
    AlreadyThere,
}

/// What no setting of the user may add to a push.
const PUSH: &[&str] = &[
    "-c",
    "push.pushOption=",
    "push",
    "--porcelain",
    "--no-verify",
    "--no-signed",
    "--no-follow-tags",
    "--recurse-submodules=no",
];

impl Repo {
    /// The address of a remote, as git resolves it; [`Code::Usage`] where there is no such remote.
    pub fn remote_url(&self, remote: &str) -> Result<String> {
        self.url(remote, &[])
    }

    /// The commit that the remote has as this branch, where it has one; [`Code::PushFailed`] where it does not answer.
    pub fn remote_branch(&self, remote: &str, branch: &str) -> Result<Option<Oid>> {
        let (name, url) = (branch_ref(branch)?, self.url(remote, &["--push"])?);
        let from = if url == self.remote_url(remote)? { remote } else { &url };
        let output = self.git.output(["ls-remote", "--", from, &name])?;
        if !output.status.success() {
            let message = format!("cannot ask the remote '{remote}': {}", said(&output));
            return Err(Failure::new(Code::PushFailed, message).fix(format!("git ls-remote {remote}")).into());
        }
        // A pattern also matches refs that only end in it.
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().filter_map(|line| line.split_once('\t')).find(|(_, found)| *found == name);
        line.map(|(oid, _)| oid.parse().map_err(anyhow::Error::msg)).transpose().context("cannot read git's answer")
    }

    /// Makes the commit the remote's branch, without hooks. A branch that is there must be at `expected_old`, what we
    /// pushed last, or at the commit itself; else nothing moves and it is [`Code::Conflict`]. [`Code::PushFailed`] where
    /// the remote does not take it.
    pub fn push(&self, remote: &str, commit: &Oid, branch: &str, expected_old: Option<&Oid>) -> Result<Pushed> {
        let name = branch_ref(branch)?;
        let held = self.remote_branch(remote, branch)?;
        match &held {
            Some(held) if held == commit => return Ok(Pushed::AlreadyThere),
            Some(held) if Some(held) != expected_old => {
                return Err(taken(remote, branch, &format!("it is at {}", held.short())));
            }
            _ => {}
        }
        let lease = format!("--force-with-lease={name}:{}", held.as_ref().map_or("", Oid::as_str));
        let spec = format!("{commit}:{name}");
        let output = self.git.output(PUSH.iter().copied().chain([lease.as_str(), "--", remote, &spec]))?;
        if output.status.success() {
            return Ok(Pushed::Done);
        }
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let rejected = report.lines().find(|line| line.starts_with('!')).and_then(|line| line.rsplit('\t').next());
        match rejected {
            Some(why) if why.contains("stale info") => Err(taken(remote, branch, "it moved meanwhile")),
            why => {
                let why = why.map_or_else(|| said(&output), |why| why.chars().filter(|c| !c.is_control()).collect());
                let message = format!("cannot push '{branch}' to '{remote}': {why}{}", remote_said(&output));
                Err(Failure::new(Code::PushFailed, message).fix(format!("git push --dry-run {remote} {spec}")).into())
            }
        }
    }

    fn url(&self, remote: &str, options: &[&str]) -> Result<String> {
        let args = ["remote", "get-url"].into_iter().chain(options.iter().copied()).chain(["--", remote]);
        let output = self.git.output(args)?;
        if !output.status.success() {
            let message = format!("there is no remote '{}'", remote.escape_debug());
            return Err(Failure::new(Code::Usage, message).fix(format!("git remote add {remote} URL")).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// What the remote itself said, such as a hook's reason, as the end of a sentence.
fn remote_said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim).filter(|l| !l.is_empty());
    let said = lines.collect::<Vec<_>>().join("; ");
    let said: String = said.chars().filter(|c| !c.is_control()).take(400).collect();
    if said.is_empty() { said } else { format!(": {said}") }
}

fn branch_ref(branch: &str) -> Result<String> {
    let name = format!("refs/heads/{branch}");
    let good = !branch.starts_with('-') && FullName::try_from(name.as_str()).is_ok();
    let bad = || Failure::new(Code::Usage, format!("'{}' is not the name of a branch", branch.escape_debug()));
    Ok(good.then_some(name).ok_or_else(bad)?)
}

fn taken(remote: &str, branch: &str, why: &str) -> anyhow::Error {
    let message = format!("'{branch}' on '{remote}' holds a commit that haco did not push: {why}");
    Failure::new(Code::Conflict, message).fix(format!("git fetch {remote} {branch}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, code_of, fix_of};
    use crate::{Expect, Who};
    use std::path::PathBuf;

    fn with_origin() -> (Sample, PathBuf) {
        let sample = Sample::new();
        let origin = sample.bare("origin.git");
        sample.git(&["remote", "add", "origin", origin.to_str().expect("utf-8")]);
        (sample, origin)
    }

    fn candidate(sample: &Sample, text: &str) -> Oid {
        let repo = sample.repo();
        let head = repo.head_commit().expect("head");
        let tree = repo.edit_tree(&head, &[sample.change("new", Some(text))]).expect("tree");
        repo.commit(&tree, &[head], text, &Who::Haco).expect("commit")
    }

    fn branches(sample: &Sample, origin: &std::path::Path) -> String {
        sample.git_in(origin, &["for-each-ref", "--format=%(objectname) %(refname)"])
    }

    #[test]
    fn pushing_twice_is_one_branch() {
        let (sample, origin) = with_origin();
        let commit = candidate(&sample, "one");
        let push = || sample.repo().push("origin", &commit, "haco/p", None).expect("push");
        assert_eq!((push(), push()), (Pushed::Done, Pushed::AlreadyThere));
        assert_eq!(branches(&sample, &origin), format!("{commit} refs/heads/haco/p"));
        assert_eq!(sample.repo().remote_branch("origin", "haco/p").expect("ask"), Some(commit));
        assert_eq!(sample.repo().remote_branch("origin", "p").expect("ask"), None);
    }

    #[test]
    fn what_we_pushed_ourselves_may_be_replaced_and_nothing_else() {
        let (sample, origin) = with_origin();
        let (first, second) = (candidate(&sample, "one"), candidate(&sample, "two"));
        let repo = sample.repo();
        repo.push("origin", &first, "haco/p", None).expect("push");
        for expected in [None, Some(&second), Some(&repo.head_commit().expect("head"))] {
            let other = candidate(&sample, "three");
            let error = repo.push("origin", &other, "haco/p", expected).expect_err("somebody else's");
            assert_eq!(code_of(&error), Some(Code::Conflict), "{error}");
        }
        assert_eq!(branches(&sample, &origin), format!("{first} refs/heads/haco/p"));
        assert_eq!(repo.push("origin", &second, "haco/p", Some(&first)).expect("push"), Pushed::Done);
        assert_eq!(branches(&sample, &origin), format!("{second} refs/heads/haco/p"));
    }

    #[test]
    fn a_branch_that_was_deleted_there_is_made_again() {
        let (sample, origin) = with_origin();
        let (first, second) = (candidate(&sample, "one"), candidate(&sample, "two"));
        sample.repo().push("origin", &first, "haco/p", None).expect("push");
        sample.git_in(&origin, &["branch", "-q", "-D", "haco/p"]);
        assert_eq!(sample.repo().push("origin", &second, "haco/p", Some(&first)).expect("push"), Pushed::Done);
    }

    #[test]
    fn neither_hooks_nor_settings_of_the_user_touch_a_push() {
        let (sample, origin) = with_origin();
        sample.write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
        sample.git(&["config", "push.followTags", "true"]);
        sample.git(&["config", "push.gpgSign", "true"]);
        sample.git(&["config", "remote.origin.push", "refs/heads/*:refs/heads/*"]);
        sample.git(&["tag", "-m", "tag", "v1"]);
        let commit = candidate(&sample, "one");
        sample.repo().push("origin", &commit, "haco/p", None).expect("push");
        assert_eq!(branches(&sample, &origin), format!("{commit} refs/heads/haco/p"));
    }

    #[test]
    fn the_push_address_is_the_one_that_counts() {
        let (sample, origin) = with_origin();
        let fork = sample.bare("fork.git");
        sample.git(&["remote", "set-url", "--push", "origin", fork.to_str().expect("utf-8")]);
        let commit = candidate(&sample, "one");
        let push = || sample.repo().push("origin", &commit, "haco/p", None).expect("push");
        assert_eq!((push(), push()), (Pushed::Done, Pushed::AlreadyThere));
        assert_eq!((branches(&sample, &origin).as_str(), branches(&sample, &fork).is_empty()), ("", false));
    }

    #[test]
    fn a_remote_that_is_not_configured_is_wrong_usage() {
        let sample = Sample::new();
        let commit = candidate(&sample, "one");
        for remote in ["origin", "--all", "/tmp"] {
            let error = sample.repo().push(remote, &commit, "haco/p", None).expect_err("no remote");
            assert_eq!(code_of(&error), Some(Code::Usage), "{error}");
        }
        let error = sample.repo().remote_url("origin").expect_err("no remote");
        assert_eq!(fix_of(&error).as_deref(), Some("git remote add origin URL"));
    }

    #[test]
    fn a_remote_that_is_not_there_is_unavailable_with_the_cause() {
        let (sample, origin) = with_origin();
        std::fs::remove_dir_all(&origin).expect("remove");
        let error = sample.repo().push("origin", &candidate(&sample, "one"), "haco/p", None).expect_err("gone");
        assert_eq!(code_of(&error), Some(Code::PushFailed));
        assert!(error.to_string().ends_with("does not appear to be a git repository"), "{error}");
        assert_eq!(fix_of(&error).as_deref(), Some("git ls-remote origin"));
    }

    #[test]
    fn a_remote_that_refuses_is_unavailable_with_its_reason() {
        let (sample, origin) = with_origin();
        let hook = origin.join("hooks/pre-receive");
        std::fs::write(&hook, "#!/bin/sh\necho not today >&2\nexit 1\n").expect("hook");
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("mode");
        let error = sample.repo().push("origin", &candidate(&sample, "one"), "haco/p", None).expect_err("refused");
        assert_eq!(code_of(&error), Some(Code::PushFailed));
        assert!(error.to_string().ends_with("(pre-receive hook declined): not today"), "{error}");
    }

    #[test]
    fn a_name_that_is_no_branch_is_wrong_usage() {
        let (sample, _) = with_origin();
        let commit = candidate(&sample, "one");
        for branch in ["", "a b", "a:b", "../x", "-x", "a..b", "x.lock"] {
            let error = sample.repo().push("origin", &commit, branch, None).expect_err(branch);
            assert_eq!(code_of(&error), Some(Code::Usage), "{branch}");
        }
    }

    #[test]
    fn refs_of_ours_stay_here() {
        let (sample, origin) = with_origin();
        let commit = candidate(&sample, "one");
        sample.repo().set_ref("refs/haco/T-001/1", &commit, Expect::Absent).expect("ref");
        sample.repo().push("origin", &commit, "haco/p", None).expect("push");
        assert!(!branches(&sample, &origin).contains("refs/haco"));
    }
}
