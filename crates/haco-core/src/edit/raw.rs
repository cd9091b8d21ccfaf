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

/// How many places an edit means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Places {
    /// The one that it fits.
    #[default]
    One,
    /// All that it fits, as the reply says in words.
    All,
}

/// What one edit does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op<'a> {
    /// The file becomes these lines.
    Whole { lines: Vec<&'a str>, tail: Tail, fresh: Fresh },
    /// The old lines become the new ones.
    Change(Change<'a>),
    /// One piece of text, not of whole lines, becomes another.
    Text { old: &'a str, new: &'a str, places: Places },
    /// Lines are inserted behind this many lines of the file.
    Insert { after: usize, lines: Vec<&'a str> },
    /// The file goes away.
    Delete,
    /// The file, as the other edits leave it, goes to another path.
    Move { to: RepoPath, fresh: Fresh },
}

/// Lines that become other lines, and what the reply says of their place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Change<'a> {
    pub body: Body<'a>,
    /// The first line in the old file, where the reply names it.
    pub at: Option<usize>,
    /// Lines of the file that stand above, outermost first.
    pub anchors: Vec<&'a str>,
    pub tail: Tail,
    /// The last line of the edit is the last of the file.
    pub at_end: bool,
}

impl<'a> Change<'a> {
    /// A change that says no more of its place than its lines do.
    pub fn of(body: Body<'a>) -> Change<'a> {
        Change { body, at: None, anchors: Vec::new(), tail: Tail::Keep, at_end: false }
    }

    /// The lines that the file should have, context and what goes away.
    pub fn old(&self) -> Body<'a> {
        self.body.iter().filter(|(tag, _)| *tag != Tag::New).copied().collect()
    }

    /// The lines that the file has afterwards.
    pub fn new_lines(&self) -> Vec<&'a str> {
        self.body.iter().filter(|(tag, _)| *tag != Tag::Old).map(|(_, l)| *l).collect()
    }

    /// Whether it changes nothing but white space.
    pub fn is_cosmetic(&self) -> bool {
        let side = |side: Tag| {
            let lines = self.body.iter().filter(move |(tag, _)| *tag == side).map(|(_, l)| *l);
            lines.flat_map(str::chars).filter(|c| !c.is_whitespace())
        };
        self.body.iter().any(|(tag, l)| *tag == Tag::Old && !l.trim().is_empty()) && side(Tag::Old).eq(side(Tag::New))
    }

    /// The lines that only the new file has.
    pub fn brought(&self) -> impl Iterator<Item = &'a str> {
        self.body.iter().filter(|(tag, _)| *tag == Tag::New).map(|(_, l)| *l)
    }
}

/// Whether an edit says of a file that it is new.
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

impl<'a> Raw<'a> {
    /// Whether its form is a diff, whose hunks stand in the order of the file.
    pub fn is_diff(&self) -> bool {
        matches!(self.form, Format::Udiff | Format::Patch)
    }
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
    /// The first line that shows a form which is not read, and its name.
    pub soup: Option<(usize, &'static str)>,
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
