//! From the lines of a reply to raw edits: walks the reply once and hands each form to its own reader.

use super::Format;
use super::blocks::{self, Block};
use super::fence::Fence;
use super::lines::Line;
use super::names::{Named, Names};
use super::raw::{Fresh, Loose, Op, Reading, Tag, Tail};
use super::udiff::{self, FilePatch};
use crate::code::Code;
use crate::path::RepoPath;

/// Reads all edits of all forms.
pub(super) fn read<'a>(lines: &[Line<'a>], names: &Names) -> Reading<'a> {
    let mut reader =
        Reader { lines, at: 0, names, near: Near::default(), inside: None, last: None, out: Reading::default() };
    while let Some(line) = reader.lines.get(reader.at) {
        reader.step(*line);
    }
    if reader.inside.is_some() {
        reader.refuse_unclosed_fence();
    }
    reader.out
}

/// The lines that may name the file of what follows.
#[derive(Clone, Copy, Default)]
struct Near<'a> {
    /// The last line that is not blank.
    above: Option<&'a str>,
    /// The last line that looks like a heading.
    title: Option<&'a str>,
}

/// A fence that holds SEARCH/REPLACE blocks, and what named its file.
struct Inside<'a> {
    fence: Fence<'a>,
    line: usize,
    outer: Near<'a>,
}

struct Reader<'r, 'a> {
    lines: &'r [Line<'a>],
    at: usize,
    names: &'r Names<'r>,
    near: Near<'a>,
    inside: Option<Inside<'a>>,
    last: Option<RepoPath>,
    out: Reading<'a>,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn step(&mut self, line: Line<'a>) {
        if self.inside.as_ref().is_some_and(|i| i.fence.closes(line.text)) {
            self.inside = None;
            self.near = Near::default();
            self.at += 1;
        } else if let Some((_, behind)) = blocks::search_mark(line.text) {
            self.block(line.no, behind);
        } else if let Some(fence) = Fence::open(line.text).filter(|_| self.inside.is_none()) {
            self.fenced(fence, line.no);
        } else if self.inside.is_none() && udiff::starts(&self.lines[self.at..]) {
            let (patch, used) = udiff::parse(&self.lines[self.at..], false);
            self.at += used;
            self.patch(patch, None);
        } else {
            self.prose(line.text);
            self.at += 1;
        }
    }

    fn prose(&mut self, text: &'a str) {
        if text.trim().is_empty() {
            return;
        }
        self.near.above = Some(text);
        if text.trim_start().starts_with(['#', '*', '`']) {
            self.near.title = Some(text);
        }
    }

    /// A SEARCH/REPLACE block at the current line.
    fn block(&mut self, no: usize, behind: &'a str) {
        let block = blocks::parse(&self.lines[self.at..]);
        let named = self.name_of_block(behind);
        self.near = Near::default();
        match block {
            Block::NoEnd => {
                self.out.refuse(Code::TruncatedEdit, None, no, "the reply ends inside a SEARCH/REPLACE block");
                self.at = self.lines.len();
                self.inside = None;
            }
            Block::Bad { why, used } => {
                self.out.refuse(Code::BadEdit, None, no, why);
                self.at += used;
            }
            Block::Good { old, new, used } => {
                self.at += used;
                let op = Op::Change { body: blocks::paired(&old, &new), at: None, tail: Tail::Keep };
                self.push(named, no, Format::SearchReplace, vec![(no, op)]);
            }
        }
    }

    /// The nearest name wins; then the last file that was edited; then the only target.
    fn name_of_block(&self, behind: &str) -> Option<Named> {
        let outer = self.inside.as_ref();
        let prose = |line: Option<&str>| line.and_then(|l| self.names.in_prose(l)).filter(|n| *n != Named::Mention);
        let behind = behind.trim_matches(['<', ' ', '`']);
        (!behind.is_empty())
            .then(|| self.names.resolve(behind))
            .or_else(|| prose(self.near.above))
            .or_else(|| outer.and_then(|i| self.names.in_info(i.fence.info)))
            .or_else(|| outer.and_then(|i| prose(i.outer.above)))
            .or_else(|| prose(self.near.title))
            .or_else(|| outer.and_then(|i| prose(i.outer.title)))
            .or_else(|| self.last.clone().map(Named::In))
            .or_else(|| self.names.only_target().cloned().map(Named::In))
    }

    /// A fence that opens at the current line.
    fn fenced(&mut self, fence: Fence<'a>, no: usize) {
        let begin = self.at + 1;
        let mut depth = 0usize;
        let mut end = None;
        for (i, line) in self.lines.iter().enumerate().skip(begin) {
            if blocks::search_mark(line.text).is_some() {
                self.inside = Some(Inside { fence, line: no, outer: self.near });
                self.near = Near::default();
                self.at = begin;
                return;
            }
            if fence.nests(line.text) {
                depth += 1;
            } else if fence.closes(line.text) {
                if depth == 0 {
                    end = Some(i);
                    break;
                }
                depth -= 1;
            }
        }
        let Some(end) = end else {
            self.inside = Some(Inside { fence, line: no, outer: self.near });
            self.at = self.lines.len();
            return;
        };
        let body: Vec<Line<'a>> =
            self.lines[begin..end].iter().map(|l| Line { no: l.no, text: fence.outdented(l.text) }).collect();
        self.at = end + 1;
        if self.holds_diff(&fence, &body) {
            self.diff(&fence, &body)
        } else {
            self.whole(&fence, no, &body)
        }
        self.near = Near::default();
    }

    fn holds_diff(&self, fence: &Fence, body: &[Line]) -> bool {
        let for_diff_file = matches!(self.names.in_info(fence.info), Some(Named::In(p)) if is_diff_file(&p));
        let says_so = matches!(fence.language().as_str(), "diff" | "patch" | "udiff");
        let first = body.iter().position(|l| !l.text.trim().is_empty());
        !for_diff_file && (says_so || first.is_some_and(|i| udiff::starts(&body[i..])))
    }

    /// Every file's part of a fenced diff.
    fn diff(&mut self, fence: &Fence<'a>, body: &[Line<'a>]) {
        let mut outer = self.names.in_info(fence.info);
        for line in [self.near.above, self.near.title].into_iter().flatten() {
            outer = outer.or_else(|| self.names.in_prose(line).filter(|n| *n != Named::Mention));
        }
        let mut i = 0;
        while i < body.len() {
            let begins = udiff::starts(&body[i..]) || body[i].text.starts_with(['+', '-', '@']);
            if begins || (body[i].text.starts_with(' ') && !body[i].text.trim().is_empty()) {
                let (patch, used) = udiff::parse(&body[i..], true);
                self.patch(patch, outer.clone());
                i += used;
            } else {
                i += 1;
            }
        }
    }

    /// One file's part of a diff; `outer` names the file where the diff does not.
    fn patch(&mut self, patch: FilePatch<'a>, outer: Option<Named>) {
        if let Some((code, why)) = patch.fault {
            let path = patch.new.or(patch.old).map(super::names::short);
            return self.out.refuse(code, path.as_deref(), patch.line, format!("the diff cannot be taken: {why}"));
        }
        let named = match self.name_of_patch(&patch) {
            Ok(named) => named.or(outer).or_else(|| self.last.clone().map(Named::In)),
            Err(why) => return self.out.refuse(Code::BadEdit, None, patch.line, why),
        };
        let named = named.or_else(|| self.names.only_target().cloned().map(Named::In));
        if let (true, Some(Named::In(path))) = (patch.executable, &named) {
            self.out.executable.push(path.clone());
        }
        let (line, creates, deletes) = (patch.line, patch.creates(), patch.deletes());
        let mut ops: Vec<(usize, Op)> = if creates && !deletes {
            vec![(line, created(patch))]
        } else {
            let change = |h: udiff::Hunk<'a>| (h.line, Op::Change { body: h.body, at: h.at, tail: h.tail });
            patch.hunks.into_iter().map(change).collect()
        };
        if deletes {
            ops.push((line, Op::Delete));
        }
        if ops.is_empty() {
            return self.out.refuse(Code::BadEdit, None, line, "the diff has a header and no hunk");
        }
        self.push(named, line, Format::Udiff, ops);
    }

    /// The one path that both sides of a diff's header name, with or without `a/` and `b/`.
    fn name_of_patch(&self, patch: &FilePatch<'a>) -> Result<Option<Named>, String> {
        let real = |side: Option<&'a str>| side.filter(|s| *s != "/dev/null");
        let (old, new) = (real(patch.old), real(patch.new));
        let (Some(old), Some(new)) = (old.or(new), new.or(old)) else { return Ok(None) };
        let bare = |side: &'a str, mark: &str| side.strip_prefix(mark).unwrap_or(side);
        let (short_old, short_new) = (bare(old, "a/"), bare(new, "b/"));
        let mut tries = vec![];
        if short_old == short_new || real(patch.old).is_none() || real(patch.new).is_none() {
            tries.push(if real(patch.new).is_some() { short_new } else { short_old });
        }
        if old == new {
            tries.push(new);
        }
        let named: Vec<Named> = tries.iter().map(|t| self.names.resolve(t)).collect();
        if named.is_empty() {
            let (old, new) = (super::names::short(old), super::names::short(new));
            return Err(format!("the diff goes from '{old}' to '{new}': a file cannot be renamed by a draft"));
        }
        let good = named.iter().find(|n| matches!(n, Named::In(_)));
        Ok(good.or(named.first()).cloned())
    }

    /// A fence that holds a whole file, or an illustration.
    fn whole(&mut self, fence: &Fence<'a>, no: usize, body: &[Line<'a>]) {
        let mut lines: Vec<&'a str> = body.iter().map(|l| l.text).collect();
        let label = lines.first().and_then(|l| self.names.in_comment(l));
        let prose = |line: Option<&str>| line.and_then(|l| self.names.in_prose(l));
        let named = self.names.in_info(fence.info).or_else(|| label.clone().map(Named::In));
        let named = named.or_else(|| prose(self.near.above)).or_else(|| prose(self.near.title));
        match named {
            None => self.out.loose.push(Loose { line: no, language: fence.language(), lines }),
            Some(Named::Mention) => {}
            Some(Named::In(path)) => {
                if label.as_ref() == Some(&path) && !self.names.begins_with(&path, lines[0]) {
                    lines.remove(0);
                }
                let op = Op::Whole { lines, tail: Tail::Keep, fresh: Fresh::Either };
                self.push(Some(Named::In(path)), no, Format::Whole, vec![(no, op)]);
            }
            bad => self.push(bad, no, Format::Whole, Vec::new()),
        }
    }

    /// Records the edits for what was named, or why there is no such file.
    fn push(&mut self, named: Option<Named>, line: usize, form: Format, ops: Vec<(usize, Op<'a>)>) {
        match named {
            Some(Named::In(path)) => {
                for (line, op) in ops {
                    self.out.push(line, path.clone(), form, op);
                }
                self.last = Some(path);
            }
            Some(Named::Bad { code, text, message }) => self.out.refuse(code, Some(&text), line, message),
            _ => self.out.refuse(Code::BadEdit, None, line, "the edit does not say which file it changes"),
        }
    }

    fn refuse_unclosed_fence(&mut self) {
        let line = self.inside.as_ref().map_or(0, |i| i.line);
        self.out.refuse(Code::TruncatedEdit, None, line, "the reply ends inside a fence that never closes");
    }
}

fn is_diff_file(path: &RepoPath) -> bool {
    matches!(path.extension().as_str(), "diff" | "patch")
}

/// The new file that a diff from /dev/null holds.
fn created<'a>(patch: FilePatch<'a>) -> Op<'a> {
    let tail = match patch.hunks.last().map(|h| h.tail) {
        Some(Tail::Without) => Tail::Without,
        _ => Tail::With,
    };
    let body = patch.hunks.into_iter().flat_map(|h| h.body).filter(|(tag, _)| *tag != Tag::Old);
    Op::Whole { lines: body.map(|(_, text)| text).collect(), tail, fresh: Fresh::Yes }
}
