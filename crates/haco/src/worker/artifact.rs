//! The artifact inside a reply: talk around it goes, and its fence goes unless fences were asked for.

/// Words by which a prompt asks for fences, or for text that holds some itself.
const ASKS: [&str; 9] =
    ["fence", "code block", "codeblock", "markdown", "readme", ".md", "each file", "every file", "several files"];
/// Words that turn one of those into its opposite.
const NOT: [&str; 8] = ["no", "not", "without", "don't", "never", "omit", "avoid", "nor"];

/// What of `reply` is the artifact that `prompt` asked for, with a line end behind it.
pub(super) fn of(reply: &str, prompt: &str) -> String {
    let lines: Vec<&str> = reply.split_inclusive('\n').collect();
    let text = match (wrapped(&lines), only_fence(&lines)) {
        (Some(inner), _) if !asks(prompt, &ASKS[..3]) => inner,
        (_, Some(inner)) if !asks(prompt, &ASKS) => inner,
        _ => reply.to_owned(),
    };
    if text.ends_with('\n') { text } else { text + "\n" }
}

/// The inside of the one fence of a reply.
fn only_fence(lines: &[&str]) -> Option<String> {
    let first = lines.iter().position(|l| opening(l).is_some())?;
    let mark = opening(lines[first])?;
    let end = first + 1 + lines[first + 1..].iter().position(|l| closes(l, mark))?;
    let more = lines[end + 1..].iter().any(|l| opening(l).is_some());
    (!more).then(|| lines[first + 1..end].concat())
}

/// The inside of a reply that is nothing but one fence of Markdown, which may hold fences of its own.
fn wrapped(lines: &[&str]) -> Option<String> {
    let first = lines.iter().position(|l| !l.trim().is_empty())?;
    let last = lines.iter().rposition(|l| !l.trim().is_empty())?;
    let mark = opening(lines[first])?;
    let info = lines[first].trim().trim_start_matches(mark.0).trim();
    let markdown = matches!(info, "markdown" | "md");
    (markdown && last > first && closes(lines[last], mark)).then(|| lines[first + 1..last].concat())
}

/// The character and the length of the fence that a line opens, as CommonMark has it.
fn opening(line: &str) -> Option<(char, usize)> {
    let text = line.trim_end();
    let bare = text.trim_start_matches(' ');
    let mark = bare.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = bare.chars().take_while(|c| *c == mark).count();
    let info = &bare[length..];
    (length >= 3 && text.len() - bare.len() <= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, length))
}

fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    let bare = line.trim();
    bare.chars().all(|c| c == mark) && bare.chars().count() >= length
}

/// Whether a prompt holds one of `words` and does not say no to it in the same breath.
fn asks(prompt: &str, words: &[&str]) -> bool {
    let lower = prompt.to_lowercase();
    let denied = |at: usize| {
        let before = lower[..at].rsplit(['.', '\n', ';', ':']).next().unwrap_or_default();
        let near: Vec<&str> = before.split_whitespace().rev().take(6).collect();
        near.iter().any(|w| NOT.contains(&w.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'')))
    };
    words.iter().any(|word| lower.match_indices(word).any(|(at, _)| !denied(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_and_the_fence_around_one_artifact_go() {
        for reply in
            ["Sure!\n\n```python\nx = 1\n```\nHope it helps.", "```\nx = 1\n```", "~~~~py\nx = 1\n~~~~\n", "x = 1"]
        {
            assert_eq!(of(reply, "write x"), "x = 1\n", "{reply}");
        }
    }

    #[test]
    fn fences_stay_where_there_are_several_or_the_prompt_asks_for_them() {
        let two = "a.py\n```\n1\n```\nb.py\n```\n2\n```\n";
        assert_eq!(of(two, "write two"), two);
        let one = "a.py\n```\n1\n```\n";
        assert_eq!(of(one, "for each file its path, then a fenced block"), one);
        assert_eq!(of(one, "Write x. No markdown fences."), "1\n");
        let readme = "# Title\n\n```sh\nmake\n```\n\nDone.\n";
        assert_eq!(of(readme, "write a README"), readme);
    }

    #[test]
    fn a_fence_without_an_end_and_plain_text_stay_as_they_are() {
        assert_eq!(of("```\nx", "p"), "```\nx\n");
        assert_eq!(of("Hello.\n", "p"), "Hello.\n");
        assert_eq!(of("    ```\n    x\n    ```\n", "p"), "    ```\n    x\n    ```\n", "indented code is no fence");
    }

    #[test]
    fn a_document_wrapped_in_one_fence_is_unwrapped_with_its_own_fences() {
        let reply = "```markdown\n# T\n\n```sh\nmake\n```\n\nEnd\n```\n";
        assert_eq!(of(reply, "write a README.md"), "# T\n\n```sh\nmake\n```\n\nEnd\n");
    }
}
