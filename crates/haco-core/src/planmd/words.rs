//! The small forms inside a PLAN.md: items, code, lists of paths, bodies of text. Each is written so that it reads back
//! exactly: what plain Markdown cannot hold stands as a JSON string or in a fence.

use crate::id::TicketId;
use std::fmt::Write;

/// The closing mark.
pub(super) const CLOSE: &str = "<!-- /haco -->";

/// Number, id and title of a ticket's heading: `1. T-001 Title`, `1. Title` or `T-001 Title`.
pub(super) fn ticket_heading(text: &str) -> Option<(Option<TicketId>, String)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = text[digits..].strip_prefix(". ").filter(|_| digits > 0);
    let rest = numbered.unwrap_or(text).trim_start();
    let (word, title) = rest.split_once(' ').unwrap_or((rest, ""));
    match word.trim_end_matches(':').parse::<TicketId>() {
        Ok(id) => Some((Some(id), unitem(title.trim()))),
        Err(_) => numbered.map(|_| (None, unitem(rest))),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(char::is_control)
}

fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text on one line.
pub(super) fn item(text: &str) -> String {
    if is_plain(text) && !text.starts_with(['"', '[']) { text.to_owned() } else { literal(text) }
}

/// What `item` wrote.
pub(super) fn unitem(text: &str) -> String {
    let quoted = text.starts_with('"').then(|| serde_json::from_str(text).ok()).flatten();
    quoted.unwrap_or_else(|| text.to_owned())
}

/// A command or path on one line.
pub(super) fn code(text: &str) -> String {
    if is_plain(text) && !text.contains('`') { format!("`{text}`") } else { literal(text) }
}

/// The code or JSON string that a line begins with, and what follows it.
pub(super) fn uncode(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let value = values.next()?.ok()?;
        return Some((value, &text[values.byte_offset()..]));
    }
    let ticks = text.len() - text.trim_start_matches('`').len();
    let (open, inner) = text.split_at_checked(ticks).filter(|(open, _)| !open.is_empty())?;
    let mut runs = inner.match_indices(open).map(|(i, _)| i);
    let end = runs.find(|i| !inner[i + ticks..].starts_with('`'))?;
    let content = &inner[..end];
    let padded = content.strip_prefix(' ').and_then(|c| c.strip_suffix(' ')).filter(|_| ticks > 1);
    Some((padded.unwrap_or(content).to_owned(), &inner[end + ticks..]))
}

/// Paths or names in a row.
pub(super) fn list<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// What `list` wrote, or words between commas.
pub(super) fn unlist(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let bare = rest.find(',').unwrap_or(rest.len());
        let (one, tail) = match uncode(rest) {
            Some((one, tail)) => (Some(one), tail),
            None => (Some(rest[..bare].trim().to_owned()).filter(|one| !is_nothing(one)), &rest[bare..]),
        };
        all.extend(one);
        rest = tail.trim_start().trim_start_matches(',').trim_start();
    }
    all
}

fn is_nothing(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "" | "none" | "-")
}

/// A text of several lines: as it is, or in a fence where it could be mistaken for a heading, a mark or a fence.
pub(super) fn body(text: &str) -> String {
    let unsafe_line = |line: &str| line.trim_start().starts_with(['#', '`', '~', '<']);
    let odd = |c: char| c.is_control() && c != '\n';
    if text.is_empty() || text.trim() != text || text.contains(odd) || text.lines().any(unsafe_line) {
        fenced(&format!("{text}\n"))
    } else {
        format!("{text}\n")
    }
}

/// A text that ends with a line feed, in a fence that it cannot close.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = String::new();
    write!(out, "{fence}text\n{text}{fence}\n").expect("a string takes everything");
    out
}

/// A field's name as the stored documents spell it.
pub(super) fn key(text: &str) -> String {
    text.trim().trim_matches('*').to_ascii_lowercase().replace([' ', '-'], "_")
}
