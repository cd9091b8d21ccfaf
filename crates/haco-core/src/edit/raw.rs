//! What the readers of all forms produce: edits as they stand in the reply, not yet held against any file.

use super::{Format, Refusal};
use crate::code::Code;
use crate::path::RepoPath;

/// Whether a line of an edit stands in the old text, the new text or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tag {
    Both,
    Old,
    New,
}

/// The lines of one edit, in order.
pub(super) type Body<'a> = Vec<(Tag, &'a str)>;

/// What an edit says about the end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tail {
    /// Nothing: as the old file has it.
    Keep,
    /// The new file ends with a newline, the old one did not.
    With,
    /// The new file does not end with a newline.
    Without,
}

impl Tail {
    /// This, after a `\ No newline` marker behind a line with `tag`.
    pub fn after(self, tag: Option<Tag>) -> Tail {
        match tag {
            Some(Tag::Old) => Tail::With,
            _ => Tail::Without,
        }
    }
}

/// What one edit does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op<'a> {
    /// The file becomes these lines.
    Whole { lines: Vec<&'a str>, tail: Tail, fresh: Fresh },
    /// The old lines become the new ones; `at` is where a diff says that they stand.
    Change { body: Body<'a>, at: Option<usize>, tail: Tail },
    /// The file goes away.
    Delete,
}

/// Whether a whole file says of itself that it is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fresh {
    /// It does: an old one must not be there.
    Yes,
    /// It may replace what is there.
    Either,
}

/// One edit, with the path that it resolved to.
#[derive(Clone, Debug)]
pub(super) struct Raw<'a> {
    /// Its place among the edits of the reply, from 1.
    pub n: usize,
    /// The line of the reply where it begins.
    pub line: usize,
    pub path: RepoPath,
    pub form: Format,
    pub op: Op<'a>,
}

/// A whole-file fence that names no path.
#[derive(Clone, Debug)]
pub(super) struct Loose<'a> {
    pub line: usize,
    pub language: String,
    pub lines: Vec<&'a str>,
}

/// Everything that the reply holds.
#[derive(Default)]
pub(super) struct Reading<'a> {
    pub raws: Vec<Raw<'a>>,
    pub loose: Vec<Loose<'a>>,
    pub refusals: Vec<Refusal>,
    /// Files that a diff wants executable.
    pub executable: Vec<RepoPath>,
    count: usize,
}

impl<'a> Reading<'a> {
    /// The number of the next edit.
    pub fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// Adds an edit.
    pub fn push(&mut self, line: usize, path: RepoPath, form: Format, op: Op<'a>) {
        let n = self.next();
        self.raws.push(Raw { n, line, path, form, op });
    }

    /// Adds a refusal of the edit at `line`.
    pub fn refuse(&mut self, code: Code, path: Option<&str>, line: usize, message: impl Into<String>) {
        let edit = self.next();
        self.refusals.push(Refusal::new(code, path, message).at(edit, Some(line)));
    }
}
