//! A repository beside another one: with refs and objects of its own, that reads what it lacks from the other's objects
//! (gitrepository-layout(5): `objects/info/alternates`).

use crate::repo::Repo;
use anyhow::{Context, Result};
use haco_core::oid::Oid;
use std::path::Path;

impl Repo {
    /// Makes one at `dir`, which is there and empty, with `head` as its detached HEAD; nothing is checked out and nothing
    /// is written to this one.
    pub fn beside(&self, dir: &Path, head: &Oid) -> Result<()> {
        let git = dir.join(".git");
        for folder in ["objects/info", "objects/pack", "refs/heads"] {
            std::fs::create_dir_all(git.join(folder))?;
        }
        let objects = self.gix.common_dir().join("objects");
        let objects = std::fs::canonicalize(objects)?;
        let objects = objects.to_str().filter(|path| !path.contains('\n'));
        let objects = objects.context("the path of the repository's objects is no line of text")?;
        std::fs::write(git.join("objects/info/alternates"), format!("{}\n", quoted(objects)))?;
        let other = self.gix.object_hash() != gix::hash::Kind::Sha1;
        let format =
            if other { format!("[extensions]\n\tobjectFormat = {}\n", self.gix.object_hash()) } else { String::new() };
        let version = u8::from(other);
        let config = format!("[core]\n\trepositoryformatversion = {version}\n\tbare = false\n{format}");
        std::fs::write(git.join("config"), config)?;
        Ok(std::fs::write(git.join("HEAD"), format!("{head}\n"))?)
    }
}

/// A line that begins like a comment or a quotation is quoted, as git reads it.
fn quoted(path: &str) -> String {
    match path.starts_with(['#', '"']) {
        true => format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")),
        false => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expect, Who, samples::Sample};

    #[test]
    fn it_reads_the_others_objects_and_keeps_its_own_refs() {
        let sample = Sample::new();
        let repo = sample.repo();
        let first = repo.head_commit().expect("a commit");
        let dir = tempfile::tempdir().expect("a directory");
        repo.beside(dir.path(), &first).expect("made");
        let beside = Repo::open(dir.path()).expect("opens");
        assert_eq!(beside.head_commit().expect("a commit"), first);
        let tree = beside.tree_of(&first).expect("its tree");
        let made = beside.commit(&tree, std::slice::from_ref(&first), "c\n", &Who::Haco).expect("a commit");
        beside.set_ref("refs/haco/T-001/1", &made, Expect::Anything).expect("a ref");
        assert!(!repo.has(&made) && beside.has(&made));
        assert!(repo.resolve("refs/haco/T-001/1").is_err());
    }

    #[test]
    fn a_path_is_quoted_only_where_git_would_misread_it() {
        assert_eq!([quoted("/a \"b"), quoted("#a\\")], ["/a \"b", "\"#a\\\\\""]);
    }
}
