//! What a reply means that names no file: the only file there is, a refusal, or no edit at all.

use super::fence::{Fence, suits};
use super::lines::Line;
use super::names::Names;
use super::raw::{Fresh, Loose, Op, Reading, Tail};
use super::{Format, Refusal, guard, soup};
use crate::code::Code;
use crate::path::RepoPath;

/// Gives a fence without a path, or a reply without a fence, to the only file where that is clear; else says what the
/// reply lacks.
pub(super) fn settle<'a>(reading: &mut Reading<'a>, lines: &[Line<'a>], format: Format, names: &Names) {
    refuse_split_markdown(reading);
    refuse_soup(reading);
    if !reading.raws.is_empty() || !reading.refusals.is_empty() {
        return;
    }
    let prose: Vec<&str> = lines.iter().map(|l| l.text).collect();
    if guard::declines(&prose.join("\n")) && reading.loose.is_empty() {
        return whole_reply(reading, Code::Refusal, "the model declined the work");
    }
    let Some(path) = names.only() else {
        return whole_reply(reading, Code::NoEdits, "the reply holds no edit that names its file");
    };
    let loose: Vec<Loose> = reading.loose.iter().filter(|l| suits(&l.language, path)).cloned().collect();
    match loose.as_slice() {
        [one] => push_whole(reading, one.line, path, one.lines.clone()),
        [] if format == Format::Whole && reading.loose.is_empty() && prose.iter().any(|l| !l.trim().is_empty()) => {
            push_whole(reading, lines[0].no, path, prose);
        }
        [] => whole_reply(reading, Code::NoEdits, "the reply holds no edit"),
        several => {
            let at: Vec<String> = several.iter().take(10).map(|l| l.line.to_string()).collect();
            let why =
                format!("several fences could be '{path}', at lines {} of the reply: none names it", at.join(", "));
            whole_reply(reading, Code::Ambiguous, &why);
        }
    }
}

/// A form that is known and not read, where no edit of another form is there.
fn refuse_soup(reading: &mut Reading) {
    let fenced = |l: &Loose| {
        let open = format!("```{}", l.language);
        soup::in_fence(&Fence::open(&open)?, &l.lines).map(|what| (l.line, what))
    };
    let found = reading.soup.or_else(|| reading.loose.iter().find_map(fenced));
    if let (Some((line, what)), true) = (found, reading.raws.is_empty() && reading.refusals.is_empty()) {
        let why = format!("the reply is {what}, which is not read");
        reading.refusals.push(Refusal::new(Code::BadEdit, None, why).at(0, Some(line)));
    }
}

fn push_whole<'a>(reading: &mut Reading<'a>, line: usize, path: &RepoPath, lines: Vec<&'a str>) {
    let op = Op::Whole { lines, tail: Tail::Keep, fresh: Fresh::Either };
    reading.push(line, path.clone(), Format::Whole, op);
}

fn whole_reply(reading: &mut Reading, code: Code, message: &str) {
    reading.refusals.push(Refusal::new(code, None, message));
}

/// A Markdown file in a fence that its own fences closed: what follows is the rest of it, in pieces.
fn refuse_split_markdown(reading: &mut Reading) {
    let is_split = |raw: &super::raw::Raw| {
        raw.form == Format::Whole
            && matches!(raw.path.extension().as_str(), "md" | "mdx" | "markdown")
            && reading.loose.iter().any(|l| l.line > raw.line && l.language.is_empty())
    };
    if let Some(raw) = reading.raws.iter().find(|r| is_split(r)) {
        let why = format!("'{}' holds fences of its own: put a longer fence, such as ````, around it", raw.path);
        let refusal = Refusal::new(Code::BadEdit, Some(raw.path.as_str()), why).at(raw.n, Some(raw.line));
        reading.refusals.push(refusal);
    }
}
