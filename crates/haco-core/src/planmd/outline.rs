//! A PLAN.md by its headings, fences and marks: which lines belong to which section.

use super::words;

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Head,
    Summary,
    Requirement,
    Assumptions,
    Ticket,
}

/// One section from its heading (or opening mark) to its end (or closing mark), as line numbers from 0.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) kind: Kind,
    /// The heading without its hashes.
    pub(super) title: &'a str,
    /// The name in the opening mark.
    pub(super) mark: Option<&'a str>,
    pub(super) from: usize,
    pub(super) heading: usize,
    /// The first line behind the body; the closing mark, where there is one, follows it.
    pub(super) end: usize,
}

/// A text and its sections.
pub(super) struct Outline<'a> {
    pub(super) lines: Vec<&'a str>,
    /// Whether a line belongs to a closed fence; one that is never closed is plain text.
    pub(super) fenced: Vec<bool>,
    pub(super) sections: Vec<Section<'a>>,
    pub(super) has_tickets_heading: bool,
}

impl<'a> Outline<'a> {
    pub(super) fn of(text: &'a str) -> Outline<'a> {
        let lines: Vec<&str> = text.split('\n').collect();
        let fenced = fenced(&lines);
        let mut outline = Outline { lines, fenced, sections: Vec::new(), has_tickets_heading: false };
        outline.find();
        outline
    }

    fn find(&mut self) {
        let mut open: Option<Section<'a>> = None;
        let mut below_tickets = false;
        let mut mark: Option<(&'a str, usize)> = None;
        for (at, found) in self.marks().into_iter().enumerate() {
            match found {
                Mark::Open(name) => {
                    self.close(open.take(), at);
                    mark = Some((name, at));
                }
                Mark::Close => {
                    self.close(open.take(), at);
                    mark = None;
                }
                Mark::None => {}
            }
            let Some((level, title)) = self.heading(at).filter(|(level, _)| *level <= 3) else { continue };
            if level <= 2 && mark.is_none() {
                below_tickets = level == 2 && title.eq_ignore_ascii_case("tickets");
                self.has_tickets_heading |= below_tickets;
            }
            self.close(open.take(), at);
            let kind = kind(level, title, below_tickets || mark.is_some());
            open = kind.map(|kind| Section {
                kind,
                title,
                mark: mark.map(|(name, _)| name),
                from: mark.map_or(at, |(_, from)| from),
                heading: at,
                end: at,
            });
        }
        let all = self.lines.len();
        self.close(open, all);
    }

    fn close(&mut self, section: Option<Section<'a>>, at: usize) {
        self.sections.extend(section.map(|section| Section { end: at, ..section }));
    }

    /// The level and text of the heading on a line.
    pub(super) fn heading(&self, at: usize) -> Option<(usize, &'a str)> {
        let line = self.lines[at];
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        let is = (1..=6).contains(&level) && title.starts_with(' ') && !self.fenced[at];
        is.then(|| (level, title.trim()))
    }

    /// Marks in pairs; one that has no partner is plain text.
    fn marks(&self) -> Vec<Mark<'a>> {
        let mut marks = vec![Mark::None; self.lines.len()];
        let mut open: Option<(usize, &'a str)> = None;
        for (at, line) in self.lines.iter().enumerate().filter(|(at, _)| !self.fenced[*at]) {
            let line = line.trim_end();
            if let Some(name) = line.strip_prefix("<!-- haco:").and_then(|l| l.strip_suffix(" -->")) {
                open = Some((at, name));
            } else if line == words::CLOSE
                && let Some((from, name)) = open.take()
            {
                marks[from] = Mark::Open(name);
                marks[at] = Mark::Close;
            }
        }
        marks
    }

    /// Whether the section ends with our closing mark.
    pub(super) fn is_marked(&self, section: &Section) -> bool {
        section.mark.is_some() && self.lines.get(section.end).is_some_and(|l| l.trim_end() == words::CLOSE)
    }
}

#[derive(Clone, Copy)]
enum Mark<'a> {
    None,
    Open(&'a str),
    Close,
}

fn kind(level: usize, title: &str, tickets: bool) -> Option<Kind> {
    match (level, title.to_ascii_lowercase().as_str()) {
        (1, lower) if lower == "plan" || lower.starts_with("plan:") => Some(Kind::Head),
        (2, "summary") => Some(Kind::Summary),
        (2, "requirement") => Some(Kind::Requirement),
        (2, "assumptions") => Some(Kind::Assumptions),
        (3, _) if tickets && words::ticket_heading(title).is_some() => Some(Kind::Ticket),
        _ => None,
    }
}

/// The character and length of the fence that a line opens.
pub(super) fn fence(line: &str) -> Option<(char, usize)> {
    let first = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(first).len();
    (length >= 3 && !(first == '`' && line[length..].contains('`'))).then_some((first, length))
}

fn fenced(lines: &[&str]) -> Vec<bool> {
    let mut fenced = vec![false; lines.len()];
    let closes = |line: &str, (c, length): (char, usize)| {
        let line = line.trim_end();
        line.len() >= length && !line.is_empty() && line.chars().all(|x| x == c)
    };
    let closers: Vec<usize> = (0..lines.len()).filter(|i| fence(lines[*i].trim_end()).is_some()).collect();
    // A person's fence that is never closed must not swallow our blocks, so outside a block a mark ends every fence.
    let mut ours = false;
    let mut at = 0;
    while at < lines.len() {
        ours = (ours || opens(lines[at])) && lines[at].trim_end() != words::CLOSE;
        let after = closers.partition_point(|i| *i <= at);
        let end = fence(lines[at]).and_then(|f| closers[after..].iter().find(|i| closes(lines[**i], f)));
        if let Some(end) = end.filter(|end| ours || !lines[at..**end].iter().any(|line| opens(line))) {
            fenced[at..=*end].fill(true);
            at = *end;
        }
        at += 1;
    }
    fenced
}

fn opens(line: &str) -> bool {
    opened(line).is_some()
}

/// The name in an opening mark.
fn opened(line: &str) -> Option<&str> {
    line.trim_end().strip_prefix("<!-- haco:")?.strip_suffix(" -->")
}
