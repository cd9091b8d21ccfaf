//! `<<<<<<< SEARCH`, `=======`, `>>>>>>> REPLACE`: one block, with 5 to 9 marks a line.

use super::lines::Line;
use super::raw::{Body, Tag};

/// What stands at a SEARCH mark.
pub(super) enum Block<'a> {
    /// A block of `used` lines.
    Good { old: Vec<&'a str>, new: Vec<&'a str>, used: usize },
    /// The reply ends inside the block.
    NoEnd,
    /// The block of `used` lines is malformed: why.
    Bad { why: String, used: usize },
}

/// The number of marks and the text behind the word, where `text` is a SEARCH mark.
pub(super) fn search_mark(text: &str) -> Option<(usize, &str)> {
    let (marks, rest) = marks(text, '<').or_else(|| marks(text, '-'))?;
    let word = rest.split_whitespace().next()?;
    let is_word = word.eq_ignore_ascii_case("SEARCH") || word.eq_ignore_ascii_case("ORIGINAL");
    is_word.then(|| (marks, rest[word.len()..].trim()))
}

/// Whether `text` is the last line of a block that was opened with `open` marks.
pub(super) fn is_replace_mark(text: &str, open: usize) -> bool {
    marks(text, '>').or_else(|| marks(text, '+')).is_some_and(|(n, rest)| {
        let word = rest.split_whitespace().next().unwrap_or("");
        let known = ["REPLACE", "UPDATED"].iter().any(|w| word.eq_ignore_ascii_case(w));
        known || (word.is_empty() && n == open && text.trim_start().starts_with('>'))
    })
}

/// 5 to 9 of `mark`, and what follows them.
fn marks(text: &str, mark: char) -> Option<(usize, &str)> {
    let text = text.trim();
    let rest = text.trim_start_matches(mark);
    let n = text.len() - rest.len();
    (5..=9).contains(&n).then(|| (n, rest.trim()))
}

/// Reads the block whose SEARCH mark is `lines[0]`.
pub(super) fn parse<'a>(lines: &[Line<'a>]) -> Block<'a> {
    let Some((open, _)) = lines.first().and_then(|l| search_mark(l.text)) else {
        return Block::NoEnd;
    };
    let mut dividers: Vec<(usize, usize)> = Vec::new();
    for (i, line) in lines.iter().enumerate().skip(1) {
        if search_mark(line.text).is_some() {
            return Block::Bad { why: "a block has no REPLACE line before the next SEARCH".into(), used: i };
        }
        if is_replace_mark(line.text, open) {
            return cut(lines, &dividers, open, i);
        }
        if let Some((n, "")) = marks(line.text, '=') {
            dividers.push((i, n));
        }
    }
    Block::NoEnd
}

/// The block from its dividers: one of the block's own length wins over others.
fn cut<'a>(lines: &[Line<'a>], dividers: &[(usize, usize)], open: usize, end: usize) -> Block<'a> {
    let own: Vec<usize> = dividers.iter().filter(|(_, n)| *n == open).map(|(i, _)| *i).collect();
    let any: Vec<usize> = dividers.iter().map(|(i, _)| *i).collect();
    let at = match (own.as_slice(), any.as_slice()) {
        ([one], _) | ([], [one]) => *one,
        ([], []) => {
            return Block::Bad { why: "a block has no ======= line between SEARCH and REPLACE".into(), used: end + 1 };
        }
        _ => {
            let why = "a block has more than one ======= line; use 9 marks on each of its three lines";
            return Block::Bad { why: why.into(), used: end + 1 };
        }
    };
    let texts = |part: &[Line<'a>]| part.iter().map(|l| l.text).collect();
    Block::Good { old: texts(&lines[1..at]), new: texts(&lines[at + 1..end]), used: end + 1 }
}

/// Old and new lines as one body: what both have is context.
pub(super) fn paired<'a>(old: &[&'a str], new: &[&'a str]) -> Body<'a> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let part = |tag: Tag, lines: &[&'a str]| lines.iter().map(|l| (tag, *l)).collect::<Body<'a>>();
    let mut body = part(Tag::Both, &old[..head]);
    body.extend(inner(&old[head..old.len() - tail], &new[head..new.len() - tail]));
    body.extend(part(Tag::Both, &old[old.len() - tail..]));
    body
}

/// Lines beyond this many are not compared with each other.
const COMPARED: usize = 600;

/// What differs, with the lines between that do not.
fn inner<'a>(old: &[&'a str], new: &[&'a str]) -> Body<'a> {
    let runs = |old: &[&'a str], new: &[&'a str]| {
        let old = old.iter().map(|l| (Tag::Old, *l));
        old.chain(new.iter().map(|l| (Tag::New, *l))).collect::<Body<'a>>()
    };
    if old.len() > COMPARED || new.len() > COMPARED {
        return runs(old, new);
    }
    let mut body = Body::new();
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, old, new) {
        match op.tag() {
            similar::DiffTag::Equal => body.extend(old[op.old_range()].iter().map(|l| (Tag::Both, *l))),
            _ => body.extend(runs(&old[op.old_range()], &new[op.new_range()])),
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines;
    use super::*;

    fn read(reply: &str) -> Block<'_> {
        parse(&lines(reply).lines)
    }

    #[test]
    fn a_block_has_two_parts() {
        let Block::Good { old, new, used } = read("<<<<<<< SEARCH\na\n=======\nb\nc\n>>>>>>> REPLACE\nx") else {
            panic!("a block")
        };
        assert_eq!((old, new, used), (vec!["a"], vec!["b", "c"], 6));
    }

    #[test]
    fn an_underline_of_another_length_is_content() {
        let Block::Good { old, .. } = read("<<<<<<<<< SEARCH\nTitle\n=======\n=========\nb\n>>>>>>>>> REPLACE") else {
            panic!("a block")
        };
        assert_eq!(old, ["Title", "======="]);
    }

    #[test]
    fn two_dividers_none_and_no_end_are_told_apart() {
        assert!(matches!(read("<<<<<<< SEARCH\n=======\n=======\n>>>>>>> REPLACE"), Block::Bad { .. }));
        assert!(matches!(read("<<<<<<< SEARCH\na\n>>>>>>> REPLACE"), Block::Bad { .. }));
        assert!(matches!(read("<<<<<<< SEARCH\na\n<<<<<<< SEARCH\nb"), Block::Bad { used: 2, .. }));
        assert!(matches!(read("<<<<<<< SEARCH\na\n=======\nb"), Block::NoEnd));
    }

    #[test]
    fn four_or_ten_marks_are_no_mark() {
        assert!(search_mark("<<<< SEARCH").is_none() && search_mark("<<<<<<<<<< SEARCH").is_none());
        assert_eq!(search_mark("<<<<< SEARCH a.rs"), Some((5, "a.rs")));
    }
}
