//! Commits that touch nobody's working tree, index or HEAD: a candidate is one, and its id depends on nothing but tree,
//! parents and message, so that a candidate that was lost is rebuilt with the same id.

use crate::repo::{Repo, oid};
use anyhow::{Context, Result, ensure};
use gix::actor::Signature;
use haco_core::oid::Oid;

/// 2000-01-01T00:00:00Z, the date of every commit of ours.
const HACO_SECONDS: i64 = 946_684_800;

/// Who stands in a commit as author and committer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// `haco <haco@localhost>` at a fixed date: the same change always has the same id.
    Haco,
    /// A person, at a moment.
    Person {
        /// As in `user.name`.
        name: String,
        /// As in `user.email`.
        email: String,
        /// Since 1970-01-01T00:00:00Z.
        seconds: i64,
        /// East of Greenwich, in seconds.
        offset_sec: i32,
    },
}

impl Repo {
    /// Writes a commit of the tree, without hooks and without a signature, and points no ref at it.
    pub fn commit(&self, tree: &Oid, parents: &[Oid], message: &str, who: &Who) -> Result<Oid> {
        for object in parents.iter().chain([tree]) {
            ensure!(self.has(object), "cannot commit: '{object}' is not in the repository");
        }
        let signature = who.signature();
        let commit = gix::objs::Commit {
            tree: self.tree(tree)?.id,
            parents: parents.iter().map(|parent| self.id(parent)).collect::<Result<_>>()?,
            author: signature.clone(),
            committer: signature,
            encoding: None,
            message: format!("{}\n", message.replace('\0', "").trim_end()).into(),
            extra_headers: Vec::new(),
        };
        Ok(oid(self.gix.write_object(&commit).context("cannot write a commit")?.detach()))
    }
}

impl Who {
    fn signature(&self) -> Signature {
        let signed = |name: &str, email: &str, seconds, offset| {
            let time = gix::date::Time { seconds, offset };
            Signature { name: clean(name).into(), email: clean(email).into(), time }
        };
        match self {
            Who::Haco => signed("haco", "haco@localhost", HACO_SECONDS, 0),
            Who::Person { name, email, seconds, offset_sec } => signed(name, email, *seconds, *offset_sec),
        }
    }
}

/// Leaves out what would end a name or an address in the commit's header, as git does.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;

    fn candidate(repo: &Repo, sample: &Sample) -> Oid {
        let head = repo.head_commit().expect("head");
        let tree = repo.edit_tree(&head, &[sample.change("src/new.rs", Some("new\n"))]).expect("tree");
        repo.commit(&tree, &[head], "T-001: a new file", &Who::Haco).expect("commit")
    }

    #[test]
    fn the_same_change_always_has_the_same_id() {
        let sample = Sample::new();
        let first = candidate(&sample.repo(), &sample);
        assert_eq!(candidate(&sample.repo(), &sample), first);
        let shown =
            sample.git(&["show", "-s", "--format=%an <%ae> %ad|%cn <%ce> %cd|%B", "--date=iso", first.as_str()]);
        let haco = "haco <haco@localhost> 2000-01-01 00:00:00 +0000";
        assert_eq!(shown.trim(), format!("{haco}|{haco}|T-001: a new file"));
        assert_eq!(sample.git(&["rev-parse", &format!("{first}^")]), sample.git(&["rev-parse", "HEAD"]));
    }

    #[test]
    fn a_candidate_touches_neither_working_tree_nor_index_nor_head() {
        let sample = Sample::new();
        sample.write("src/lib.rs", "local, not committed\n");
        sample.write("untracked", "mine\n");
        sample.git(&["add", "untracked"]);
        let before = sample.snapshot();
        let id = candidate(&sample.repo(), &sample);
        sample.repo().set_ref("refs/haco/T-001/1", &id, crate::Expect::Absent).expect("ref");
        assert_eq!(sample.snapshot(), before);
        sample.git(&["fsck", "--strict", "--no-dangling"]);
    }

    #[test]
    fn a_person_commits_at_their_own_time_and_cannot_break_the_header() {
        let sample = Sample::new();
        let repo = sample.repo();
        let head = repo.head_commit().expect("head");
        let name = "Ann <evil>\ncommitter X".to_owned();
        let who = Who::Person { name, email: "ann@example.com".into(), seconds: 1_700_000_000, offset_sec: 7200 };
        let id = repo.commit(&repo.tree_of(&head).expect("tree"), &[head], "done", &who).expect("commit");
        let shown = sample.git(&["show", "-s", "--format=%an|%ae|%ad|%cn", "--date=raw", id.as_str()]);
        assert_eq!(shown, "Ann evilcommitter X|ann@example.com|1700000000 +0200|Ann evilcommitter X");
        sample.git(&["fsck", "--strict", "--no-dangling"]);
    }

    #[test]
    fn a_commit_without_its_tree_or_parent_is_refused() {
        let sample = Sample::new();
        let repo = sample.repo();
        let none: Oid = "1".repeat(40).parse().expect("id");
        let tree = repo.tree_of(&repo.head_commit().expect("head")).expect("tree");
        assert!(repo.commit(&none, &[], "x", &Who::Haco).is_err());
        assert!(repo.commit(&tree, &[none], "x", &Who::Haco).is_err());
    }
}
