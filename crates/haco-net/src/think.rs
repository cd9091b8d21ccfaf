//! The visible part of a reply: local models put their reasoning into the text, between `<think>` and `</think>`.

/// What is left of a reply without its byte order mark and the reasoning before the answer; `None` where the reasoning
/// has no end. Tags further down are left alone: they may well be the code that was asked for.
pub(crate) fn visible(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text;
    let mut stripped = false;
    while let Some(thought) = rest.trim_start().strip_prefix("<think>") {
        rest = thought.split_once("</think>")?.1;
        stripped = true;
    }
    if !stripped && let Some(answer) = after_lone_end(text) {
        (rest, stripped) = (answer, true);
    }
    Some(if stripped { rest.trim_start_matches(['\r', '\n']) } else { text })
}

/// Some chat templates write the opening tag into the prompt, so that the reply holds only the closing one, on a line
/// of its own.
fn after_lone_end(text: &str) -> Option<&str> {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if line.contains("<think>") {
            return None;
        }
        if line.trim() == "</think>" {
            return Some(&text[end..]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn reasoning_before_the_answer_is_dropped() {
        assert_eq!(visible("<think>hm</think>\n\nyes"), Some("yes"));
        assert_eq!(visible("\u{feff}\n <think>a</think> <think>b</think>  yes\n"), Some("  yes\n"));
        assert_eq!(visible("so\n</think>\nyes"), Some("yes"));
        assert_eq!(visible("<think></think>"), Some(""));
    }

    #[test]
    fn reasoning_without_an_end_is_no_answer() {
        assert_eq!(visible("<think>hm"), None);
        assert_eq!(visible("<think>a</think><think>b"), None);
    }

    #[test]
    fn tags_inside_the_answer_stay() {
        for text in ["", " a\n", "let t = \"<think>x</think>\";", "x \"</think>\" y", "a\n<think>\n</think>\n"] {
            assert_eq!(visible(text), Some(text));
        }
        assert_eq!(visible("\u{feff}a"), Some("a"));
    }
}
