//! Forms that carry edits and are not read: recognised, so that they are refused by name and never taken for a file.

use super::fence::Fence;

/// What a line shows that the reply is written in.
pub(super) fn named(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if TOOL_MARKS.iter().any(|mark| text.starts_with(mark)) {
        return Some("a tool call");
    }
    None
}

const TOOL_MARKS: &[&str] = &[
    "<tool_call",
    "<tool_use",
    "<function_call",
    "<function=",
    "<invoke ",
    "<|tool_call",
    "<|python_tag|>",
    "[TOOL_CALLS]",
    "[TOOL_CALL]",
    "<write_to_file>",
    "<write_file",
    "<create_file",
    "<replace_in_file>",
    "<apply_diff>",
    "<edit_file",
    "<execute_command>",
];

/// What the body of a fence is that is no file: an ed script, or commands that change files.
pub(super) fn in_fence(fence: &Fence, lines: &[&str]) -> Option<&'static str> {
    let language = fence.language();
    if language == "ed" || (matches!(language.as_str(), "" | "text" | "plaintext") && is_ed(lines)) {
        return Some("an ed script");
    }
    let shell = matches!(language.as_str(), "bash" | "sh" | "shell" | "zsh" | "console" | "");
    let writes = |l: &&str| WRITES.iter().any(|w| l.trim_start_matches(['$', ' ']).starts_with(w));
    (shell && lines.iter().any(writes)).then_some("a shell script that changes files")
}

const WRITES: &[&str] = &["sed -i", "perl -pi", "perl -i", "cat > ", "cat >", "cat <<", "tee ", "ed -s ", "patch -p"];

/// Whether lines are commands of ed: an address with a letter, and where it brings text a lone dot behind that.
pub(super) fn is_ed(lines: &[&str]) -> bool {
    let address = |text: &str| {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',' || c == '$');
        (rest.len() < text.len()).then(|| rest.to_owned())
    };
    let brings = lines.iter().position(|l| address(l).is_some_and(|c| matches!(c.as_str(), "a" | "c" | "i")));
    let ends = |from: usize| lines[from..].contains(&".");
    brings.is_some_and(ends)
        || lines.iter().filter(|l| !l.is_empty()).all(|l| is_terse(l, &address)) && has_terse(lines)
}

fn is_terse(line: &str, address: &impl Fn(&str) -> Option<String>) -> bool {
    matches!(line, "w" | "q" | "wq") || address(line).is_some_and(|c| c == "d" || c.starts_with("s/"))
}

fn has_terse(lines: &[&str]) -> bool {
    lines.iter().any(|l| l.ends_with('d') || l.contains("s/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_from_files() {
        let fence = |info| Fence::open(info).expect("a fence");
        assert_eq!(in_fence(&fence("```ed"), &["1d"]), Some("an ed script"));
        assert_eq!(in_fence(&fence("```"), &["3,4c", "x", ".", "w", "q"]), Some("an ed script"));
        assert_eq!(in_fence(&fence("```"), &["3d", "w"]), Some("an ed script"));
        assert!(in_fence(&fence("```bash"), &["sed -i 's/a/b/' x"]).is_some());
        assert_eq!(in_fence(&fence("```rust"), &["1 + 1"]), None);
        assert_eq!(in_fence(&fence("```"), &["word", "1 d"]), None);
        assert_eq!(in_fence(&fence("```bash"), &["cargo test"]), None);
    }

    #[test]
    fn tool_calls_are_known_by_their_first_word() {
        assert_eq!(named("<tool_call>{"), Some("a tool call"));
        assert_eq!(named("  <write_to_file>"), Some("a tool call"));
        assert_eq!(named("a <b> c"), None);
    }
}
