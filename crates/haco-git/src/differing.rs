//! What a checkout of one tree has other than a checkout of another, so that what they share needs to be written once for
//! many. The bytes are those that git itself would write, with line ends and the like as the second tree's attributes say.

use crate::repo::{Repo, oid};
use crate::tree::parents;
use anyhow::{Context, Result};
use gix::objs::tree::EntryKind;
use haco_core::oid::{Blob, Change, Mode, Oid};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// With more files than this the second tree is written by itself.
const MOST_FILES: usize = 500;
const ATTRIBUTES: &str = ".gitattributes";

/// One path at which two checkouts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The path below the top, with `/` between its parts.
    pub path: String,
    /// The bytes and mode of the second; none where it has nothing, which may be a directory of the first.
    pub to: Option<(Vec<u8>, Mode)>,
}

/// Paths that differ, each directory that is no more behind what was in it; none where it takes a checkout to tell.
type Found = Option<Vec<(String, Option<Blob>)>>;

impl Repo {
    /// How a checkout of `to` differs from one of `from`, in the order in which one becomes the other. None where that is
    /// more than a few files, or a symlink, a submodule, a name that is no text, or attributes, on which any file may
    /// depend. `scratch` must be empty or missing; it is filled with what the answer holds.
    pub fn differing(&self, from: &Oid, to: &Oid, scratch: &Path) -> Result<Option<Vec<Differing>>> {
        let mut found = Some(Vec::new());
        self.compare([Some(self.tree_of(from)?), Some(self.tree_of(to)?)], "", &mut found)?;
        let Some(found) = found.filter(|f| !f.iter().any(|(path, _)| path.ends_with(ATTRIBUTES))) else {
            return Ok(None);
        };
        if found.iter().any(|(_, new)| new.is_some()) {
            self.checkout(&self.only(to, &found)?, scratch)?;
        }
        let read = |(path, new): (String, Option<Blob>)| -> Result<Differing> {
            let Some(blob) = new else { return Ok(Differing { path, to: None }) };
            let bytes = std::fs::read(scratch.join(&path)).with_context(|| format!("cannot read '{path}'"))?;
            Ok(Differing { path, to: Some((bytes, blob.mode)) })
        };
        found.into_iter().map(read).collect::<Result<_>>().map(Some)
    }

    /// The tree of what was found and the attributes that say how it is written.
    fn only(&self, to: &Oid, found: &[(String, Option<Blob>)]) -> Result<Oid> {
        let new = found.iter().filter_map(|(path, new)| Some((path.clone(), new.clone()?)));
        let mut all: BTreeMap<String, Blob> = new.collect();
        let dirs: BTreeSet<String> = all.keys().flat_map(|path| parents(path)).map(|dir| format!("{dir}/")).collect();
        for dir in dirs.into_iter().chain([String::new()]) {
            let path = dir + ATTRIBUTES;
            // What git would not follow there says nothing about others.
            if let Ok(Some(blob)) = self.blob(to, &path) {
                all.insert(path, blob);
            }
        }
        let all: Vec<Change> = all.into_iter().map(|(path, new)| Change { path, old: None, new: Some(new) }).collect();
        self.rewrite(&oid(self.gix.empty_tree().id), &all.iter().collect::<Vec<_>>())
    }

    fn compare(&self, trees: [Option<Oid>; 2], above: &str, found: &mut Found) -> Result<()> {
        let [from, to] = [self.entries(trees[0].as_ref())?, self.entries(trees[1].as_ref())?];
        let (Some(from), Some(to)) = (from, to) else {
            *found = None;
            return Ok(());
        };
        let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
        for name in names.into_iter().filter(|name| from.get(*name) != to.get(*name)) {
            self.one([from.get(name), to.get(name)], &format!("{above}{name}"), found)?;
            if found.as_ref().is_none_or(|f| f.len() > MOST_FILES) {
                *found = None;
                return Ok(());
            }
        }
        Ok(())
    }

    fn one(&self, [from, to]: [Option<&(EntryKind, Oid)>; 2], path: &str, found: &mut Found) -> Result<()> {
        let tree =
            |e: Option<&(EntryKind, Oid)>| e.filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, id)| id.clone());
        let blob = |e: &(EntryKind, Oid)| {
            let mode = match e.0 {
                EntryKind::Blob => Mode::Regular,
                EntryKind::BlobExecutable => Mode::Executable,
                _ => return None,
            };
            Some(Blob { oid: e.1.clone(), mode })
        };
        let (was, is) = (tree(from), tree(to));
        if from.is_some() && was.is_none() && is.is_some() {
            push(found, path, None);
        }
        let gone = was.is_some() && is.is_none();
        if was.is_some() || is.is_some() {
            self.compare([was, is.clone()], &format!("{path}/"), found)?;
        }
        if gone {
            push(found, path, None);
        }
        let odd = |e: Option<&(EntryKind, Oid)>| {
            e.is_some_and(|(kind, _)| matches!(kind, EntryKind::Link | EntryKind::Commit))
        };
        match to {
            _ if odd(from) || odd(to) => *found = None,
            Some(file) if is.is_none() => push(found, path, blob(file)),
            None if !gone => push(found, path, None),
            _ => {}
        }
        Ok(())
    }

    /// What a tree holds by name; none where a name is no text.
    fn entries(&self, tree: Option<&Oid>) -> Result<Option<BTreeMap<String, (EntryKind, Oid)>>> {
        let Some(id) = tree else { return Ok(Some(BTreeMap::new())) };
        let mut all = BTreeMap::new();
        for entry in self.tree(id)?.iter() {
            let entry = entry.with_context(|| format!("cannot read the tree {}", id.short()))?;
            let Ok(name) = std::str::from_utf8(entry.filename()) else { return Ok(None) };
            all.insert(name.to_owned(), (entry.kind(), oid(entry.object_id())));
        }
        Ok(Some(all))
    }
}

fn push(found: &mut Found, path: &str, new: Option<Blob>) {
    if let Some(found) = found {
        found.push((path.to_owned(), new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;

    fn two(sample: &Sample, change: impl Fn()) -> [Oid; 2] {
        let head = || sample.repo().head_commit().expect("head");
        let from = head();
        change();
        sample.commit_all("second");
        [from, head()]
    }

    fn differing(sample: &Sample, [from, to]: &[Oid; 2]) -> Option<Vec<Differing>> {
        sample.repo().differing(from, to, &sample.dir().join("../scratch")).expect("compares")
    }

    #[test]
    fn only_what_differs_is_named_and_a_directory_goes_after_what_was_in_it() {
        let sample = Sample::new();
        let trees = two(&sample, || {
            sample.write("src/new/deep.rs", "deep\n");
            sample.write("README", "read me twice\n");
            sample.git(&["rm", "-rq", "docs"]);
        });
        let named = |path: &str, text: Option<&str>| Differing {
            path: path.to_owned(),
            to: text.map(|text| (text.as_bytes().to_vec(), Mode::Regular)),
        };
        let want = [
            named("README", Some("read me twice\n")),
            named("docs/deep/page.md", None),
            named("docs/deep", None),
            named("docs", None),
            named("src/new/deep.rs", Some("deep\n")),
        ];
        assert_eq!(differing(&sample, &trees).expect("few"), want);
        let scratch = sample.dir().join("../other");
        assert_eq!(sample.repo().differing(&trees[1], &trees[1], &scratch).expect("compares"), Some(Vec::new()));
        assert!(!scratch.exists());
    }

    #[test]
    fn a_file_that_becomes_a_directory_goes_first_and_the_other_way_round_comes_last() {
        let sample = Sample::new();
        let trees = two(&sample, || {
            sample.git(&["rm", "-q", "README"]);
            sample.write("README/part", "one\n");
        });
        let paths = |found: Vec<Differing>| found.into_iter().map(|d| (d.path, d.to.is_some())).collect::<Vec<_>>();
        let path = |path: &str, there| (path.to_owned(), there);
        assert_eq!(paths(differing(&sample, &trees).expect("few")), [path("README", false), path("README/part", true)]);
        let back = [trees[1].clone(), trees[0].clone()];
        let found = sample.repo().differing(&back[0], &back[1], &sample.dir().join("../back")).expect("compares");
        let want = [path("README/part", false), path("README", false), path("README", true)];
        assert_eq!(paths(found.expect("few")), want);
    }

    #[test]
    fn the_bytes_are_those_of_a_checkout_with_the_attributes_on_the_way() {
        let sample = Sample::new();
        sample.write(".gitattributes", "*.txt eol=crlf\n");
        sample.write("src/.gitattributes", "*.rs eol=crlf\n");
        sample.commit_all("attributes");
        let trees = two(&sample, || {
            sample.write("a.txt", "one\n");
            sample.write("src/b.rs", "two\n");
            sample.write("docs/c.md", "three\n");
        });
        let found = differing(&sample, &trees).expect("few");
        let texts: Vec<_> = found.iter().filter_map(|d| d.to.as_ref()).map(|(bytes, _)| bytes.as_slice()).collect();
        assert_eq!(texts, [&b"one\r\n"[..], b"three\n", b"two\r\n"]);
    }

    #[test]
    fn what_may_concern_every_file_or_is_no_plain_file_takes_a_checkout() {
        let sample = Sample::new();
        let attributes = two(&sample, || sample.write("src/.gitattributes", "* text\n"));
        assert_eq!(differing(&sample, &attributes), None);
        let link = two(&sample, || std::os::unix::fs::symlink("src", sample.dir().join("other")).expect("link"));
        assert_eq!(differing(&sample, &link), None);
        let many = two(&sample, || (0..=MOST_FILES).for_each(|n| sample.write(&format!("many/{n}"), "x")));
        assert_eq!(differing(&sample, &many), None);
    }
}
