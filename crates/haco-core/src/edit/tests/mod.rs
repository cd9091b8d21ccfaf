//! The engine as its callers see it: a reply, files and a scope in; new files or refusals out. One room a form.

mod blocks;
mod json;
mod matching;
mod nasty;
mod patch;
mod paths;
mod props;
mod refusals;
mod udiff;
mod whole;

use super::*;

fn path(text: &str) -> RepoPath {
    text.parse().expect("a good path")
}

fn paths(texts: &[&str]) -> Vec<RepoPath> {
    texts.iter().map(|t| path(t)).collect()
}

/// Files that are there, what may be modified, what may be created.
#[derive(Default)]
struct Bench {
    files: BTreeMap<RepoPath, Vec<u8>>,
    targets: Vec<RepoPath>,
    new_files: Vec<RepoPath>,
}

impl Bench {
    /// Targets that are there.
    fn of(files: &[(&str, &str)]) -> Bench {
        let files: BTreeMap<RepoPath, Vec<u8>> = files.iter().map(|(p, t)| (path(p), t.as_bytes().to_vec())).collect();
        Bench { targets: files.keys().cloned().collect(), files, new_files: Vec::new() }
    }

    fn may_create(mut self, new: &[&str]) -> Bench {
        self.new_files = paths(new);
        self
    }

    fn targets(mut self, targets: &[&str]) -> Bench {
        self.targets = paths(targets);
        self
    }

    fn take(&self, format: Format, reply: &str) -> Result<Edited, Vec<Refusal>> {
        apply(reply, format, &Scope { targets: &self.targets, new_files: &self.new_files }, &self.files)
    }

    /// What the reply comes to, as `path=text` of each file, or the codes of the refusals.
    fn says(&self, reply: &str) -> String {
        match self.take(Format::Auto, reply).and_then(Edited::changing) {
            Ok(edited) => edited.changes().map(shown).collect::<Vec<_>>().join("|"),
            Err(refusals) => refusals.iter().map(|r| r.code.as_str()).collect::<Vec<_>>().join("+"),
        }
    }
}

fn shown(file: &FileEdit) -> String {
    let text = file.new.as_ref().map(|b| String::from_utf8_lossy(b).into_owned());
    format!("{}={}", file.path, text.unwrap_or_else(|| "(deleted)".into()))
}

/// A file of one target, `src/a.rs`, and another, `src/b.rs`.
fn two() -> Bench {
    Bench::of(&[("src/a.rs", "one\ntwo\nthree\n"), ("src/b.rs", "b\n")])
}

fn one() -> Bench {
    Bench::of(&[("src/a.rs", "one\ntwo\nthree\n")])
}

fn check(bench: impl Fn() -> Bench, table: &[(&str, &str, &str)]) {
    for (rule, reply, expected) in table {
        assert_eq!(&bench().says(reply), expected, "{rule}");
    }
}
