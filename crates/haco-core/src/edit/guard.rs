//! Replies that look like edits and are none: text left out, a refusal, a file that lost most of itself, marks of a
//! merge that nobody resolved.

use crate::path::RepoPath;
use std::collections::HashSet;

/// A file of at least this many lines must keep half of them.
const SHRINK_LINES: usize = 40;

/// The first of `new` that stands for text left out, unless the old file has the same line.
pub(super) fn elided<'a>(new: impl Iterator<Item = &'a str>, old: &[&str], path: &RepoPath) -> Option<&'a str> {
    let bare = matches!(path.extension().as_str(), "py" | "pyi" | "md" | "mdx" | "txt" | "rst" | "yaml" | "yml" | "");
    let mut suspects = new.filter(|l| leaves_out(l, bare)).peekable();
    suspects.peek()?;
    let kept: HashSet<&str> = old.iter().map(|l| l.trim()).collect();
    suspects.find(|l| !kept.contains(l.trim()))
}

const MARKS: [&str; 9] = ["//", "#", "--", "/*", "<!--", ";", "%", "{/*", "*"];
const WHAT: [&str; 13] = [
    "rest",
    "existing",
    "remaining",
    "unchanged",
    "previous",
    "other code",
    "other methods",
    "other functions",
    "same as before",
    "omitted",
    "as before",
    "keep the",
    "remains",
];
const HOW: [&str; 8] = ["unchanged", "same", "omitted", "as before", "as is", "remain", "stays", "goes here"];
const PARTS: [&str; 10] =
    ["file", "code", "function", "method", "class", "implementation", "module", "content", "import", "test"];

/// Whether a line says "the rest as it was"; `bare_dots` where three dots alone can be content.
pub(super) fn leaves_out(line: &str, bare_dots: bool) -> bool {
    let line = line.trim();
    if line.len() > 120 || line.is_empty() {
        return false;
    }
    let inner = MARKS.iter().find_map(|m| line.strip_prefix(m));
    let text =
        inner.unwrap_or(line).trim_matches(|c: char| c.is_whitespace() || "*/->}[]()".contains(c)).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let dotted = text.starts_with("...") || text.starts_with('…') || text.ends_with("...") || text.ends_with('…');
    let wordless = text.trim_matches(['.', '…', ' ']).is_empty() && !text.is_empty();
    match (inner.is_some(), dotted) {
        (_, true) if wordless => inner.is_some_and(|i| !i.starts_with('.')) || !bare_dots,
        (true, true) => has(&WHAT),
        (false, true) => {
            (text.starts_with("...") || text.starts_with('…') || line.starts_with(['[', '('])) && has(&WHAT)
        }
        (true, false) => {
            let begins =
                ["rest of", "the rest of", "remaining", "existing", "other"].iter().any(|w| text.starts_with(w));
            begins && text.len() < 60 && has(&PARTS) && has(&HOW)
                || text == "existing code"
                || text == "existing code here"
        }
        (false, false) => false,
    }
}

/// Whether a whole file lost most of itself.
pub(super) fn shrinks(old: usize, new: usize) -> bool {
    old >= SHRINK_LINES && new * 2 < old
}

/// Whether `new` has lines that begin or end a conflict, and `old` has none.
pub(super) fn brings_conflict_marks(old: &[u8], new: &[u8]) -> bool {
    let begins = |text: &str, mark: &str| text.match_indices(mark).any(|(at, _)| at == 0 || text[..at].ends_with('\n'));
    let marked = |bytes: &[u8]| {
        std::str::from_utf8(bytes).is_ok_and(|text| ["<<<<<<< ", ">>>>>>> "].iter().any(|m| begins(text, m)))
    };
    marked(new) && !marked(old)
}

/// Whether a reply without edits is the model declining the work.
pub(super) fn declines(reply: &str) -> bool {
    let text = reply.trim();
    let head: String = text.chars().take(200).collect::<String>().to_lowercase().replace('’', "'");
    const WORDS: [&str; 10] = [
        "i cannot",
        "i can't",
        "i'm sorry",
        "i am sorry",
        "sorry, but",
        "i'm unable",
        "i am unable",
        "as an ai",
        "i won't",
        "i'm not able",
    ];
    text.len() < 1500 && WORDS.iter().any(|w| head.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_leave_text_out_are_known() {
        for line in [
            "// ... existing code ...",
            "# rest of file unchanged",
            "... rest unchanged",
            "// ...",
            "/* ... */",
            "# ...",
            "<!-- rest of the file remains the same -->",
            "    // rest of the code unchanged",
            "[... rest of the code ...]",
            "-- remaining methods omitted",
            "// … unchanged …",
            "{/* ... existing code ... */}",
            "// existing code",
            "# ... (rest of the functions stay the same)",
            "    // ... other methods",
        ] {
            assert!(leaves_out(line, true), "{line}");
        }
        assert!(leaves_out("...", false) && !leaves_out("...", true));
    }

    #[test]
    fn honest_lines_are_not_taken_for_elisions() {
        for line in [
            "// the price remains unchanged",
            "let rest = ...;",
            "fn f(x: ...)",
            "# the rest of the arguments",
            "x...",
            "/// waits ...",
            "// loads the file...",
            "println!(\"...\")",
            "def f(): ...",
            "// existing users keep their name",
            "# Remaining: 3",
            "",
        ] {
            assert!(!leaves_out(line, true), "{line}");
        }
    }

    #[test]
    fn a_long_answer_is_no_refusal() {
        assert!(declines("I'm sorry, but I can’t help with that."));
        assert!(declines("I cannot do this: the file is missing."));
        assert!(!declines("The bug is in the parser."));
        assert!(!declines(&format!("I cannot stress this enough. {}", "x ".repeat(1000))));
    }

    #[test]
    fn half_of_a_long_file_may_go() {
        assert!(shrinks(40, 19) && !shrinks(40, 20) && !shrinks(39, 1));
    }
}
