//! Edits of a piece of text that need not be whole lines, as JSON edits have them.

use super::blocks::paired;
use super::build::refusal;
use super::gaps::weight;
use super::raw::{Change, Places, Raw};
use super::splice::Splice;
use super::{Place, Refusal};
use crate::code::Code;
use std::borrow::Cow;

/// Where a piece of text belongs.
pub(super) enum Placed<'a> {
    /// Lines that hold the one place.
    Here(Splice<'a>),
    /// The new text stands there already, from this line on.
    Present(usize),
    /// Nowhere as it is written: look for it as lines.
    Lines(Change<'a>),
}

/// The old text, the new one, and how many places are meant.
pub(super) type Text<'a> = (&'a str, &'a str, Places);

/// How many places are told.
const TOLD: usize = 10;
/// How many letters and digits must be new before text beside the old counts as there already.
const PRESENT: usize = 6;

/// Finds the old text in the file, which must have it once unless all places are meant.
pub(super) fn place<'a>(
    by: usize,
    raw: &Raw,
    (old, new, places): Text<'a>,
    lines: &[&str],
) -> Result<Placed<'a>, Refusal> {
    if old.is_empty() {
        return Ok(Placed::Lines(Change::of(paired(&[], &cut(new)))));
    }
    let text = lines.join("\n") + "\n";
    let wanted = old.replace("\r\n", "\n");
    let mut found = text.match_indices(wanted.as_str()).map(|(at, _)| at);
    let Some(at) = found.next() else {
        return Ok(Placed::Lines(Change::of(paired(&cut(old), &cut(new)))));
    };
    let more: Vec<usize> = found.take(TOLD).collect();
    let line_of = |at: usize| text[..at].matches('\n').count();
    if !more.is_empty() && places == Places::All {
        return Ok(everywhere(by, &text, (&wanted, &new.replace("\r\n", "\n")), lines.len()));
    }
    if !more.is_empty() {
        let wanted = cut(old);
        if lines.windows(wanted.len().max(1)).any(|w| w == wanted) {
            return Ok(Placed::Lines(Change::of(paired(&wanted, &cut(new)))));
        }
        let at: Vec<usize> = [at].into_iter().chain(more).map(|at| line_of(at) + 1).collect();
        let told = |n: &usize| Place { line: *n, text: super::names::short(lines.get(n - 1).unwrap_or(&"")) };
        let shown: Vec<String> = at.iter().map(usize::to_string).collect();
        let why = format!("the old text fits '{}' at lines {}", raw.path, shown.join(", "));
        return Err(refusal(raw, Code::Ambiguous, why).candidates(at.iter().map(told).collect()));
    }
    let new = new.replace("\r\n", "\n");
    if stands(&text, at, (&wanted, &new)) {
        return Ok(Placed::Present(line_of(at)));
    }
    Ok(Placed::Here(splice(by, &text, at..at + wanted.len(), &new, lines.len())))
}

/// Whether the old text at `at` is a part of the new one, which stands there already.
fn stands(text: &str, at: usize, (old, new): (&str, &str)) -> bool {
    let told = || weight(&new.replacen(old, "", 1)) >= PRESENT;
    new.find(old).is_some_and(|before| told() && at >= before && text[at - before..].starts_with(new))
}

/// The old text becomes the new one at every place that does not have it already: from the first to the last, one splice.
fn everywhere<'a>(by: usize, text: &str, (old, new): (&str, &str), count: usize) -> Placed<'a> {
    let (mut made, mut done, mut first) = (String::new(), 0, None);
    for (at, _) in text.match_indices(old).filter(|(at, _)| !stands(text, *at, (old, new))) {
        let from = *first.get_or_insert(at);
        made.push_str(&text[done.max(from)..at]);
        made.push_str(new);
        done = at + old.len();
    }
    match first {
        Some(first) => Placed::Here(splice(by, text, first..done, &made, count)),
        None => Placed::Present(text[..text.find(old).unwrap_or(0)].matches('\n').count()),
    }
}

/// The lines that `range` of `text` lies in, with `new` in its place.
fn splice<'a>(by: usize, text: &str, range: std::ops::Range<usize>, new: &str, count: usize) -> Splice<'a> {
    let start = text[..range.start].matches('\n').count();
    let head = text[..range.start].rfind('\n').map_or(0, |i| i + 1);
    let tail = text[range.end..].find('\n').map_or(text.len(), |i| range.end + i);
    let mut end = start + text[range.clone()].matches('\n').count() + 1;
    let made = format!("{}{new}{}", &text[head..range.start], &text[range.end..tail]);
    let mut lines: Vec<Cow<str>> = made.split('\n').map(|l| Cow::Owned(l.to_owned())).collect();
    if end > count {
        end = count;
        if lines.last().is_some_and(|l| l.is_empty()) {
            lines.pop();
        }
    }
    let old: Vec<&str> = text.split('\n').skip(start).take(end - start).collect();
    let head = old.iter().zip(&lines).take_while(|(o, n)| *o == n).count();
    let tail = old[head..].iter().rev().zip(lines[head..].iter().rev()).take_while(|(o, n)| *o == n).count();
    let new = lines.drain(head..lines.len() - tail).collect();
    Splice { start: start + head, end: end - tail, new, by }
}

/// The lines of a text, its final newline aside.
pub(super) fn cut(text: &str) -> Vec<&str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect() }
}
