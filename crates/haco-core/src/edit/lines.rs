//! The reply as numbered lines, without what the model thought aloud.

use super::fence::Fence;

/// One line of the reply, without its line end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Counted from 1 in the reply as it came.
    pub no: usize,
    pub text: &'a str,
}

/// The reply, cut into lines.
pub(super) struct Lines<'a> {
    pub lines: Vec<Line<'a>>,
    /// Most lines end in CR LF.
    pub crlf: bool,
    /// A thinking section began and never ended.
    pub still_thinking: bool,
}

/// Cuts `reply` into lines and drops `<think>` sections that stand outside fences.
pub(super) fn lines(reply: &str) -> Lines<'_> {
    let reply = reply.strip_prefix('\u{feff}').unwrap_or(reply);
    let mut all: Vec<Line> = Vec::new();
    let mut carriage_returns = 0;
    for (i, text) in reply.split('\n').enumerate() {
        let bare = text.strip_suffix('\r');
        carriage_returns += usize::from(bare.is_some());
        all.push(Line { no: i + 1, text: bare.unwrap_or(text) });
    }
    if all.last().is_some_and(|l| l.text.is_empty()) {
        all.pop();
    }
    let crlf = carriage_returns * 2 > all.len();
    let (lines, still_thinking) = without_thinking(&all);
    Lines { lines, crlf, still_thinking }
}

const TAGS: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];

fn without_thinking<'a>(all: &[Line<'a>]) -> (Vec<Line<'a>>, bool) {
    let mut kept: Vec<Line> = Vec::with_capacity(all.len());
    let mut fence: Option<Fence> = None;
    let mut until: Option<&str> = None;
    for line in all {
        let text = line.text.trim_start();
        if let Some(end) = until {
            if let Some(at) = line.text.find(end) {
                until = None;
                kept.push(Line { no: line.no, text: &line.text[at + end.len()..] });
            }
        } else if let Some(open) = &fence {
            if open.closes(line.text) {
                fence = None;
            }
            kept.push(*line);
        } else if let Some((tag, end)) = TAGS.iter().find(|(tag, _)| text.starts_with(tag)) {
            match text[tag.len()..].split_once(end) {
                Some((_, rest)) => kept.push(Line { no: line.no, text: rest }),
                None => until = Some(end),
            }
        } else if TAGS.iter().any(|(_, end)| text.trim_end() == *end) {
            // Some chat templates open the section themselves: what stands before a lone end was thought.
            kept.clear();
        } else {
            fence = Fence::open(line.text);
            kept.push(*line);
        }
    }
    (kept, until.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(reply: &str) -> Vec<&str> {
        lines(reply).lines.iter().map(|l| l.text).collect()
    }

    #[test]
    fn thinking_is_dropped_and_numbers_stay() {
        let read = lines("<think>\nhm\n```\n</think>\nanswer\n");
        assert_eq!(read.lines.last().map(|l| (l.no, l.text)), Some((5, "answer")));
        assert_eq!(texts("<think>a</think>b"), ["b"]);
        assert_eq!(texts("hm, so\n</think>\nb"), ["b"]);
        assert_eq!(texts("<thinking>\na\n</thinking> b\n"), [" b"]);
    }

    #[test]
    fn thinking_tags_inside_a_fence_are_content() {
        assert_eq!(texts("```\n<think>\n```\nx"), ["```", "<think>", "```", "x"]);
    }

    #[test]
    fn thinking_without_an_end_is_said() {
        let read = lines("a\n<think>\nb\nc");
        assert!(read.still_thinking);
        assert_eq!(read.lines.len(), 1);
    }

    #[test]
    fn line_ends_of_the_reply_are_not_content() {
        let read = lines("a\r\nb\r\n");
        assert!(read.crlf);
        assert_eq!(read.lines[1].text, "b");
    }
}
