//! Unified diffs as models write them: counts are not believed, prefixes and `diff --git` may be missing.

use super::lines::Line;
use super::raw::{Body, Tag, Tail};
use crate::code::Code;
use std::borrow::Cow;

/// What a diff says about one file.
#[derive(Default)]
pub(super) struct FilePatch<'a> {
    /// The line of the reply where it begins.
    pub line: usize,
    /// Behind `---`; none where the header is missing.
    pub old: Option<Cow<'a, str>>,
    /// Behind `+++`.
    pub new: Option<Cow<'a, str>>,
    pub hunks: Vec<Hunk<'a>>,
    /// What it asks for that no draft may do.
    pub fault: Option<(Code, &'static str)>,
    /// It wants the new file to be executable.
    pub executable: bool,
    /// It renames the file.
    pub renames: bool,
    deletes: bool,
}

/// One hunk.
pub(super) struct Hunk<'a> {
    pub line: usize,
    /// The first line in the old file, where the header says it.
    pub at: Option<usize>,
    /// What the header says that stands above.
    pub anchor: Option<&'a str>,
    pub body: Body<'a>,
    pub tail: Tail,
}

impl FilePatch<'_> {
    pub fn creates(&self) -> bool {
        self.old.as_deref() == Some("/dev/null")
    }

    pub fn deletes(&self) -> bool {
        self.deletes || self.new.as_deref() == Some("/dev/null")
    }
}

/// Whether a diff begins at `lines[0]`.
pub(super) fn starts(lines: &[Line]) -> bool {
    let text = |i: usize| lines.get(i).map_or("", |l: &Line| l.text);
    text(0).starts_with("diff --git ")
        || (text(0).starts_with("--- ") && text(1).starts_with("+++ "))
        || text(0).starts_with("@@ -")
}

/// Reads one file's part of a diff; `fenced` when a fence bounds it, so that odd lines in a hunk are context that lost
/// its space. Gives the number of lines read, at least one.
pub(super) fn parse<'a>(lines: &[Line<'a>], fenced: bool) -> (FilePatch<'a>, usize) {
    let mut patch = FilePatch { line: lines[0].no, ..FilePatch::default() };
    let mut i = header(lines, &mut patch);
    while i < lines.len() && !(i > 0 && is_next_file(&lines[i..])) {
        let text = lines[i].text;
        let is_hunk = text.starts_with("@@");
        let headless = patch.hunks.is_empty() && text.starts_with(['+', '-', ' ']);
        if !is_hunk && !headless {
            break;
        }
        let (hunk, used) = hunk(&lines[i..], is_hunk, fenced);
        patch.hunks.push(hunk);
        i += used;
    }
    (patch, i.max(1))
}

/// `diff --git`, the extended header, `---` and `+++`: the number of lines that they take.
fn header<'a>(lines: &[Line<'a>], patch: &mut FilePatch<'a>) -> usize {
    let mut i = 0;
    if let Some(names) = lines[0].text.strip_prefix("diff --git ") {
        let ends = [" b/", " \"b/"].iter().filter_map(|mark| names.find(mark)).min();
        (patch.old, patch.new) = ends.map(|at| (name(&names[..at]), name(&names[at + 1..]))).unzip();
        i = 1;
        while let Some(line) = lines.get(i) {
            if !extended(line.text, patch) {
                break;
            }
            i += 1;
        }
    }
    let text = |i: usize| lines.get(i).map_or("", |l: &Line<'a>| l.text);
    match (text(i).strip_prefix("--- "), text(i + 1).strip_prefix("+++ ")) {
        (Some(old), Some(new)) => {
            if !patch.renames {
                (patch.old, patch.new) = (Some(name(old)), Some(name(new)));
            }
            i += 2;
        }
        (Some(one), None) if text(i + 1).starts_with("@@") => {
            (patch.old, patch.new) = (Some(name(one)), Some(name(one)));
            i += 1;
        }
        _ => {}
    }
    if let (Some(one), true) = (text(i).strip_prefix("+++ "), text(i + 1).starts_with("@@")) {
        (patch.old, patch.new) = (Some(name(one)), Some(name(one)));
        i += 1;
    }
    i
}

/// A line of git's extended header.
fn extended<'a>(text: &'a str, patch: &mut FilePatch<'a>) -> bool {
    let mode = |m: &str| match m {
        "100644" | "100755" => None,
        "120000" => Some((Code::UnsafePath, "it makes a symbolic link")),
        "160000" => Some((Code::UnsafePath, "it makes a submodule")),
        _ => Some((Code::UnsafePath, "it sets a mode that no regular file has")),
    };
    let starts = |words: &[&str]| words.iter().any(|w| text.starts_with(w));
    if let Some(m) = text.strip_prefix("new file mode ") {
        patch.fault = patch.fault.take().or(mode(m.trim()));
        patch.executable = m.trim() == "100755";
        patch.old = Some(Cow::Borrowed("/dev/null"));
    } else if let Some(m) = text.strip_prefix("deleted file mode ") {
        patch.fault = patch.fault.take().or(mode(m.trim()));
        patch.deletes = true;
    } else if let Some(ids) = text.strip_prefix("index ") {
        patch.fault = patch.fault.take().or(ids.split_once(' ').and_then(|(_, m)| mode(m.trim())));
    } else if starts(&["old mode ", "new mode "]) {
        patch.fault.get_or_insert((Code::BadEdit, "it changes the mode of a file, which a draft cannot"));
    } else if let Some(from) = text.strip_prefix("rename from ") {
        (patch.old, patch.renames) = (Some(name(from)), true);
    } else if let Some(to) = text.strip_prefix("rename to ") {
        (patch.new, patch.renames) = (Some(name(to)), true);
    } else if starts(&["copy "]) {
        patch.fault.get_or_insert((Code::BadEdit, "it copies a file; write the new one whole"));
    } else if starts(&["Binary files ", "GIT binary patch"]) {
        patch.fault.get_or_insert((Code::BadEdit, "it holds binary data"));
    } else {
        return starts(&["similarity index ", "dissimilarity index "]);
    }
    true
}

/// A name from a header, without the time stamp; what git put between quotes is read as git writes it.
fn name(text: &str) -> Cow<'_, str> {
    let text = text.split('\t').next().unwrap_or(text).trim();
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return Cow::Borrowed(text) };
    unescaped(inner).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// The text between git's quotes, with its backslashes read; none where it holds what git never writes.
fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, used) = match rest {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), 3)
            }
            [letter, ..] => (ESCAPES.iter().find(|(name, _)| name == letter)?.1, 1),
            [] => return None,
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    String::from_utf8(bytes).ok()
}

/// What git writes behind a backslash, besides octal digits.
const ESCAPES: [(u8, u8); 9] = [
    (b'"', b'"'),
    (b'\\', b'\\'),
    (b'a', 7),
    (b'b', 8),
    (b't', b'\t'),
    (b'n', b'\n'),
    (b'v', 11),
    (b'f', 12),
    (b'r', b'\r'),
];

/// Whether another file's part begins here, although we are inside a hunk.
fn is_next_file(lines: &[Line]) -> bool {
    let text = |i: usize| lines.get(i).map_or("", |l: &Line| l.text);
    let pair = text(0).starts_with("--- ") && text(1).starts_with("+++ ");
    text(0).starts_with("diff --git ") || (pair && (text(2).starts_with("@@") || text(1) == "+++ /dev/null"))
}

/// The hunk at `lines[0]`, and the number of its lines.
fn hunk<'a>(lines: &[Line<'a>], has_header: bool, fenced: bool) -> (Hunk<'a>, usize) {
    let counts = if has_header { Counts::read(lines[0].text) } else { Counts::default() };
    let anchor = if has_header { heading(lines[0].text) } else { None };
    let mut hunk = Hunk { line: lines[0].no, at: counts.at, anchor, body: Vec::new(), tail: Tail::Keep };
    let (mut old, mut new) = (0u64, 0u64);
    let mut i = usize::from(has_header);
    while let Some(line) = lines.get(i) {
        let text = line.text;
        let over = !fenced && counts.met(old, new) && is_prose_next(&lines[i..]);
        if text.starts_with("@@") || (!(counts.short_of(old, new)) || !has_header) && is_next_file(&lines[i..]) {
            break;
        }
        if text == "-- " && counts.met(old, new) {
            break;
        }
        if text.starts_with("\\ ") {
            hunk.tail = hunk.tail.after(hunk.body.last().map(|(tag, _)| *tag));
            i += 1;
            continue;
        }
        let Some((tag, text)) = tagged(text, fenced).filter(|_| !over) else { break };
        old += u64::from(tag != Tag::New);
        new += u64::from(tag != Tag::Old);
        hunk.body.push((tag, text));
        i += 1;
    }
    if !counts.met(old, new) {
        drop_blank_end(&lines[..i], &mut hunk.body);
    }
    (hunk, i)
}

/// What a hunk's header says that stands above the hunk: between the marks or behind them.
fn heading(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('@').trim();
    let (inside, behind) = text.split_once("@@").unwrap_or((text, ""));
    let inside = inside.trim();
    let ranges = inside.starts_with(['-', '+']) || inside.trim_matches(['.', '…', ' ']).is_empty();
    let heading = if ranges { behind.trim() } else { inside };
    (!heading.is_empty()).then_some(heading)
}

fn tagged(text: &str, fenced: bool) -> Option<(Tag, &str)> {
    match text.as_bytes().first() {
        None => Some((Tag::Both, "")),
        Some(b' ') => Some((Tag::Both, &text[1..])),
        Some(b'-') => Some((Tag::Old, &text[1..])),
        Some(b'+') => Some((Tag::New, &text[1..])),
        Some(_) => fenced.then_some((Tag::Both, text)),
    }
}

/// Whether a hunk whose counts are met ends here: at a blank line, unless what follows can only be more of the hunk.
fn is_prose_next(lines: &[Line]) -> bool {
    let text = |i: usize| lines.get(i).map_or("", |l: &Line| l.text);
    let goes_on = text(1).starts_with(['+', ' ']) || (text(1).starts_with('-') && !text(1).starts_with("- "));
    text(0).is_empty() && !goes_on
}

/// Empty lines at the end that the counts do not ask for belong to the prose.
fn drop_blank_end(lines: &[Line], body: &mut Body) {
    let blank = lines.iter().rev().take_while(|l| l.text.is_empty()).count();
    body.truncate(body.len().saturating_sub(blank));
}

/// What a hunk's header promises; never believed, only used to tell apart what else would be unclear.
#[derive(Default)]
struct Counts {
    at: Option<usize>,
    old: Option<u64>,
    new: Option<u64>,
}

impl Counts {
    fn read(text: &str) -> Counts {
        let mut counts = Counts::default();
        for word in text.trim_start_matches('@').split_whitespace().take_while(|w| !w.starts_with("@@")) {
            let range = |r: &str| -> (Option<usize>, Option<u64>) {
                let (start, n) = r.split_once(',').unwrap_or((r, "1"));
                (start.parse().ok(), n.parse().ok())
            };
            if let Some(r) = word.strip_prefix('-') {
                (counts.at, counts.old) = range(r);
            } else if let Some(r) = word.strip_prefix('+') {
                counts.new = range(r).1;
            }
        }
        counts
    }

    fn met(&self, old: u64, new: u64) -> bool {
        self.old == Some(old) && self.new == Some(new)
    }

    fn short_of(&self, old: u64, new: u64) -> bool {
        self.old.is_some_and(|n| n > old) && self.new.is_some_and(|n| n > new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines;
    use super::*;

    fn first(diff: &str) -> FilePatch<'_> {
        parse(&lines(diff).lines, true).0
    }

    #[test]
    fn counts_are_not_believed() {
        let patch = first("--- a/x\n+++ b/x\n@@ -1,18446744073709551615 +1,99999999999999999999 @@\n a\n-b\n+c\n");
        assert_eq!(patch.hunks[0].body.len(), 3);
        assert_eq!(patch.hunks[0].at, Some(1));
    }

    #[test]
    fn a_hunk_header_may_be_bare() {
        let patch = first("--- x\n+++ x\n@@ @@\n-b\n+c\n@@\n-d\n+e\n");
        assert_eq!(patch.hunks.len(), 2);
        assert_eq!(patch.hunks[0].at, None);
    }

    #[test]
    fn a_removed_line_of_dashes_is_no_header() {
        let patch = first("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- old comment\n+++ new comment\n z\n");
        assert_eq!(patch.hunks[0].body.len(), 3);
    }

    #[test]
    fn names_in_quotes_are_read_as_git_writes_them() {
        let patch = first("diff --git \"a/caf\\303\\251 \\\"x\\\".rs\" \"b/caf\\303\\251 \\\"x\\\".rs\"\n");
        assert_eq!(patch.old.as_deref(), Some("a/café \"x\".rs"));
        assert_eq!(patch.new.as_deref(), Some("b/café \"x\".rs"));
        assert_eq!(name("\"a/\\303\\251\"\t2026-01-01"), "a/é");
        assert_eq!(name("\"a/\\400\\303\""), "a/\\400\\303");
        assert_eq!(name("a/\\303"), "a/\\303");
    }

    #[test]
    fn modes_links_renames_and_binaries_are_faults() {
        for (line, code) in [
            ("new file mode 120000", Code::UnsafePath),
            ("new file mode 160000", Code::UnsafePath),
            ("new file mode 104755", Code::UnsafePath),
            ("old mode 100644", Code::BadEdit),
            ("copy from /etc/passwd", Code::BadEdit),
            ("GIT binary patch", Code::BadEdit),
            ("index 1..2 120000", Code::UnsafePath),
        ] {
            let text = format!("diff --git a/x b/x\n{line}\n");
            assert_eq!(first(&text).fault.map(|f| f.0), Some(code), "{line}");
        }
    }

    #[test]
    fn unfenced_prose_ends_a_hunk() {
        let read = lines("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\nThat is all.\n");
        let (patch, used) = parse(&read.lines, false);
        assert_eq!((patch.hunks[0].body.len(), used), (2, 5));
    }
}
