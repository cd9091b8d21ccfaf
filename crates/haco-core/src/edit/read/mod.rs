//! From the lines of a reply to raw edits: walks the reply once and hands each form to its own reader.

mod block;
mod diff;
mod parts;

use super::blocks;
use super::envelope;
use super::fence::{Fence, suits};
use super::json;
use super::lines::Line;
use super::names::{Named, Names};
use super::raw::{Fresh, Loose, Op, Reading, Tail};
use super::udiff;
use super::{Format, soup};
use crate::code::Code;
use crate::path::RepoPath;
use std::collections::HashMap;

/// Reads all edits of all forms; `values` are the JSON values among the lines that hold edits.
pub(super) fn read<'a>(lines: &[Line<'a>], values: &'a [json::Block], names: &Names) -> Reading<'a> {
    let mut reader = Reader {
        lines,
        at: 0,
        names,
        values: values.iter().map(|v| (v.from, v)).collect(),
        near: Near::default(),
        inside: None,
        last: None,
        soft: Vec::new(),
        out: Reading::default(),
    };
    while let Some(line) = reader.lines.get(reader.at) {
        reader.step(*line);
    }
    if reader.inside.is_some() {
        reader.refuse_unclosed_fence();
    }
    reader.drop_illustrations();
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

/// A fence that holds edits of another form, and what named its file.
struct Inside<'a> {
    fence: Fence<'a>,
    line: usize,
    outer: Near<'a>,
}

struct Reader<'r, 'a> {
    lines: &'r [Line<'a>],
    at: usize,
    names: &'r Names<'r>,
    /// JSON values by the index of their first line.
    values: HashMap<usize, &'a json::Block>,
    near: Near<'a>,
    inside: Option<Inside<'a>>,
    last: Option<RepoPath>,
    /// The numbers of whole files that only prose names.
    soft: Vec<usize>,
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
        } else if envelope::begins(line.text) {
            self.envelope();
        } else if let Some(value) = self.values.get(&self.at) {
            self.value(value, line.no);
        } else if let Some(fence) = Fence::open(line.text).filter(|_| self.inside.is_none()) {
            self.fenced(fence, line.no);
        } else if self.inside.is_none() && udiff::starts(&self.lines[self.at..]) {
            let (patch, used) = udiff::parse(&self.lines[self.at..], false);
            self.at += used;
            self.patch(patch, None);
        } else {
            self.prose(line);
            self.at += 1;
        }
    }

    fn prose(&mut self, line: Line<'a>) {
        let text = line.text;
        if text.trim().is_empty() {
            return;
        }
        if let Some(what) = soup::named(text) {
            self.out.soup.get_or_insert((line.no, what));
        }
        self.near.above = Some(text);
        if text.trim_start().starts_with(['#', '*', '`']) {
            self.near.title = Some(text);
        }
    }

    /// A fence that opens at the current line.
    fn fenced(&mut self, fence: Fence<'a>, no: usize) {
        let begin = self.at + 1;
        let Some(end) = self.close_of(&fence, begin) else {
            self.inside = Some(Inside { fence, line: no, outer: self.near });
            if self.holds_other_form(begin, self.lines.len()) {
                self.near = Near::default();
                self.at = begin;
            } else {
                self.at = self.lines.len();
            }
            return;
        };
        if self.holds_other_form(begin, end) {
            self.inside = Some(Inside { fence, line: no, outer: self.near });
            self.near = Near::default();
            self.at = begin;
            return;
        }
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

    /// The line that closes a fence whose text begins at `begin`. Where a block or an envelope stands in it, its lines
    /// may look like fences and do not count.
    fn close_of(&self, fence: &Fence, begin: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (i, line) in self.lines.iter().enumerate().skip(begin) {
            if blocks::search_mark(line.text).is_some() {
                return Some(self.lines.len());
            }
            if fence.nests(line.text) {
                depth += 1;
            } else if fence.closes(line.text) {
                if depth == 0 {
                    return Some(i);
                }
                depth -= 1;
            }
        }
        None
    }

    /// Whether a fence holds blocks, an envelope or JSON edits rather than a file or a diff.
    fn holds_other_form(&self, begin: usize, end: usize) -> bool {
        let blank = |i: &usize| self.lines[*i].text.trim().is_empty();
        let head = (begin..end).find(|i| !blank(i));
        let heredoc = |i: usize| self.lines[i].text.contains("<<") && self.lines[i].text.contains("EOF");
        let leads = |i: usize| envelope::begins(self.lines[i].text) || self.values.contains_key(&i);
        head.is_some_and(|i| leads(i) || (heredoc(i) && i + 1 < end && leads(i + 1)))
            || self.lines[begin..end].iter().any(|l| blocks::search_mark(l.text).is_some())
    }

    /// A fence that holds a whole file, or an illustration.
    fn whole(&mut self, fence: &Fence<'a>, no: usize, body: &[Line<'a>]) {
        let mut lines: Vec<&'a str> = body.iter().map(|l| l.text).collect();
        let label = lines.first().and_then(|l| self.names.in_comment(l));
        let prose = |line: Option<&str>| line.and_then(|l| self.names.in_prose(l));
        let firm = self.names.in_info(fence.info).or_else(|| label.clone().map(Named::In));
        let is_label = self.near.above.is_some_and(|l| self.names.is_label(l));
        let is_soft = firm.is_none() && !is_label;
        let named = firm.or_else(|| prose(self.near.above)).or_else(|| prose(self.near.title));
        match named {
            None => self.out.loose.push(Loose { line: no, language: fence.language(), lines }),
            Some(Named::Mention) => {}
            Some(Named::In(path)) if is_soft && !suits(&fence.language(), &path) => {}
            Some(Named::In(path)) => {
                if label.as_ref() == Some(&path) && !self.names.begins_with(&path, lines[0]) {
                    lines.remove(0);
                }
                let op = Op::Whole { lines, tail: Tail::Keep, fresh: Fresh::Either };
                self.push(Some(Named::In(path)), no, Format::Whole, vec![(no, op)]);
                self.soft.extend(is_soft.then(|| self.out.raws.last().map_or(0, |r| r.n)));
            }
            bad => self.push(bad, no, Format::Whole, Vec::new()),
        }
    }

    /// A fence that only prose gives to a file that another edit names outright shows how that file is used.
    fn drop_illustrations(&mut self) {
        let soft = std::mem::take(&mut self.soft);
        let firm: Vec<RepoPath> =
            self.out.raws.iter().filter(|r| !soft.contains(&r.n)).map(|r| r.path.clone()).collect();
        self.out.raws.retain(|r| !soft.contains(&r.n) || !firm.contains(&r.path));
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
