//! The envelope `*** Begin Patch`: files that are added, deleted, updated and moved, with hunks that name no numbers.
//!
//! ```text
//! *** Begin Patch
//! *** Update File: src/a.rs        *** Add File: …   every line behind '+'
//! *** Move to: src/b.rs            *** Delete File: …
//! @@ impl Shape                    lines that stand above, outermost first
//! @@ fn area
//!  context
//! -old
//! +new
//! *** End of File                  the hunk ends with the file
//! *** End Patch
//! ```

use super::lines::Line;
use super::raw::{Body, Change, Tag, Tail};

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";
const MOVE: &str = "*** Move to:";
const FILE_END: &str = "*** End of File";

/// What one part of the envelope does to one file.
#[derive(Debug, PartialEq)]
pub(super) enum Act<'a> {
    Add {
        lines: Vec<&'a str>,
    },
    Delete,
    Update {
        to: Option<&'a str>,
        hunks: Vec<(usize, Change<'a>)>,
    },
    /// What it asks for cannot be read: why.
    Bad(String),
}

/// One part of the envelope.
#[derive(Debug, PartialEq)]
pub(super) struct Part<'a> {
    /// The line of the reply where it begins.
    pub line: usize,
    pub path: &'a str,
    pub act: Act<'a>,
}

/// An envelope that was read.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub parts: Vec<Part<'a>>,
    /// How many lines it takes.
    pub used: usize,
    /// It has its first line and not its last.
    pub is_open: bool,
}

/// Whether an envelope, or a part of one whose first line is missing, begins here.
pub(super) fn begins(text: &str) -> bool {
    let text = text.trim();
    text == BEGIN || [ADD, DELETE, UPDATE].iter().any(|mark| text.starts_with(mark))
}

/// Reads the envelope at `lines[0]`, up to its end, or to a line that `stops` it.
pub(super) fn parse<'a>(lines: &[Line<'a>], stops: impl Fn(&str) -> bool) -> Envelope<'a> {
    let has_begin = lines[0].text.trim() == BEGIN;
    let is_end = |l: &Line| l.text.trim() == END;
    let stop = lines.iter().position(|l| is_end(l) || stops(l.text)).unwrap_or(lines.len());
    let ends = lines.get(stop).is_some_and(is_end);
    let body = &lines[usize::from(has_begin).min(stop)..stop];
    let mut envelope = Envelope { used: stop + usize::from(ends), ..Envelope::default() };
    envelope.is_open = has_begin && stop == lines.len();
    let mut i = 0;
    while i < body.len() {
        if body[i].text.trim().is_empty() {
            i += 1;
            continue;
        }
        let next = (i + 1..body.len()).find(|n| is_header(body[*n].text)).unwrap_or(body.len());
        envelope.parts.push(part(&body[i..next]));
        i = next;
    }
    envelope
}

/// Whether a part of another file begins here.
fn is_header(text: &str) -> bool {
    text.starts_with("*** ") && ![MOVE, FILE_END].iter().any(|mark| text.trim().starts_with(mark))
        || (text.trim().starts_with("*** ") && begins(text) && !text.starts_with([' ', '+', '-']))
}

fn part<'a>(lines: &[Line<'a>]) -> Part<'a> {
    let (head, rest) = (lines[0].text.trim(), &lines[1..]);
    let behind = |mark: &str| head.strip_prefix(mark).map(str::trim);
    let (path, act) = if let Some(path) = behind(ADD) {
        (path, added(rest))
    } else if let Some(path) = behind(DELETE) {
        (path, Act::Delete)
    } else if let Some(path) = behind(UPDATE) {
        (path, updated(rest))
    } else {
        ("", Act::Bad(format!("'{}' is no line of the patch form", super::names::short(head))))
    };
    Part { line: lines[0].no, path, act }
}

fn added<'a>(lines: &[Line<'a>]) -> Act<'a> {
    let last = lines.iter().rposition(|l| !l.text.trim().is_empty()).map_or(0, |i| i + 1);
    let lines = &lines[..last];
    let marked = |l: &Line<'a>| l.text.strip_prefix('+');
    if let Some(odd) = lines.iter().find(|l| marked(l).is_none() && !l.text.is_empty()) {
        let plain = lines.iter().all(|l| marked(l).is_none());
        let why = format!("the line '{}' of an added file does not begin with '+'", super::names::short(odd.text));
        return if plain { Act::Add { lines: lines.iter().map(|l| l.text).collect() } } else { Act::Bad(why) };
    }
    Act::Add { lines: lines.iter().map(|l| marked(l).unwrap_or(l.text)).collect() }
}

fn updated<'a>(lines: &[Line<'a>]) -> Act<'a> {
    let to = lines.first().and_then(|l| l.text.trim().strip_prefix(MOVE)).map(str::trim);
    let lines = &lines[usize::from(to.is_some())..];
    let mut hunks: Vec<(usize, Change)> = Vec::new();
    let mut i = 0;
    while i < lines.len() {
        let is_lead = |n: usize| lines.get(n).is_some_and(|l: &Line| l.text.starts_with("@@"));
        let begin = i;
        let anchors: Vec<&str> = std::iter::from_fn(|| {
            let text = is_lead(i).then(|| lines[i].text)?;
            i += 1;
            Some(text)
        })
        .filter_map(anchor)
        .collect();
        let end = (i..lines.len()).find(|n| is_lead(*n)).unwrap_or(lines.len());
        let (body, at_end) = body(&lines[i..end]);
        if body.iter().any(|(tag, _)| *tag != Tag::Both) {
            let tail = if body.last().is_some_and(|(tag, _)| *tag == Tag::New) { Tail::With } else { Tail::Keep };
            hunks.push((lines[begin].no, Change { anchors, tail, at_end, ..Change::of(body) }));
        } else if !body.is_empty() || i > begin {
            return Act::Bad("a hunk of the patch changes nothing".to_owned());
        }
        i = end;
    }
    if hunks.is_empty() && to.is_none() {
        return Act::Bad("the patch updates a file without a hunk".to_owned());
    }
    Act::Update { to, hunks }
}

/// What a line `@@ …` says that stands above; nothing where it only marks the hunk.
fn anchor(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('@').trim();
    let text = text.strip_suffix("@@").map_or(text, str::trim_end);
    (!text.is_empty() && !text.starts_with(['-', '+'])).then_some(text)
}

/// The lines of one hunk, and whether it ends with the file.
fn body<'a>(lines: &[Line<'a>]) -> (Body<'a>, bool) {
    let at_end = lines.iter().position(|l| l.text.trim() == FILE_END);
    let lines = &lines[..at_end.unwrap_or(lines.len())];
    let last = lines.iter().rposition(|l| !l.text.trim().is_empty()).map_or(0, |i| i + 1);
    let tagged = |l: &Line<'a>| match l.text.as_bytes().first() {
        Some(b'+') => (Tag::New, &l.text[1..]),
        Some(b'-') => (Tag::Old, &l.text[1..]),
        Some(b' ') => (Tag::Both, &l.text[1..]),
        _ => (Tag::Both, l.text),
    };
    (lines[..last].iter().map(tagged).collect(), at_end.is_some())
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines;
    use super::*;

    fn read(text: &str) -> Envelope<'_> {
        parse(&lines(text).lines, |l| l == "```")
    }

    #[test]
    fn every_part_of_the_grammar_is_read() {
        let all = read(
            "*** Begin Patch\n*** Add File: n\n+x\n+\n*** Delete File: d\n*** Update File: u\n*** Move to: m\n@@ class A\n@@ def f\n a\n-b\n+c\n*** End of File\n*** End Patch\nprose",
        );
        assert_eq!((all.parts.len(), all.used, all.is_open), (3, 14, false));
        assert_eq!(all.parts[0].act, Act::Add { lines: vec!["x", ""] });
        assert_eq!((all.parts[1].path, &all.parts[1].act), ("d", &Act::Delete));
        let Act::Update { to, hunks } = &all.parts[2].act else { panic!("an update") };
        assert_eq!((*to, hunks[0].1.anchors.as_slice()), (Some("m"), &["class A", "def f"][..]));
        assert!(hunks[0].1.at_end);
    }

    #[test]
    fn an_end_may_be_missing_where_a_fence_ends_it() {
        assert!(read("*** Begin Patch\n*** Delete File: d\n").is_open);
        let fenced = read("*** Begin Patch\n*** Delete File: d\n```\nx");
        assert_eq!((fenced.used, fenced.is_open), (2, false));
        assert!(!read("*** Update File: u\n-a\n+b").is_open);
    }

    #[test]
    fn what_is_not_of_the_grammar_is_told() {
        for text in
            ["*** Frobnicate File: x", "*** Update File: x", "*** Update File: x\n@@\n a", "*** Add File: n\n+a\nb"]
        {
            let reply = format!("*** Begin Patch\n{text}\n*** End Patch\n");
            let all = read(&reply);
            assert!(matches!(all.parts[0].act, Act::Bad(_)), "{text}");
        }
    }
}
