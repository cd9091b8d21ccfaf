//! What holds for any text.

use super::*;
use proptest::prelude::*;

/// A unified diff as a printer with the `\ No newline` marker gives it.
fn printed(old: &str, new: &str) -> String {
    let mut out = String::from("```diff\n--- a/a.txt\n+++ b/a.txt\n");
    let diff = similar::TextDiff::from_lines(old, new);
    for group in diff.grouped_ops(3) {
        let (first, last) = (group.first().expect("ops"), group.last().expect("ops"));
        let (a, b) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let start = |r: &std::ops::Range<usize>| if r.is_empty() { r.start } else { r.start + 1 };
        out += &format!("@@ -{},{} +{},{} @@\n", start(&a), a.len(), start(&b), b.len());
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            out += &format!("{}{}", change.tag(), change.value());
            if change.missing_newline() {
                out += "\n\\ No newline at end of file\n";
            }
        }
    }
    out + "```\n"
}

/// Lines that look like code, with repeats.
fn text() -> impl Strategy<Value = String> {
    let line =
        prop_oneof!["[a-c]{0,2}", Just("    x".to_owned()), Just("-- old".to_owned()), Just("++ new".to_owned())];
    (prop::collection::vec(line, 1..30), any::<bool>()).prop_map(|(lines, end)| {
        let text = lines.join("\n");
        if end || text.is_empty() || text.ends_with('\n') { text + "\n" } else { text }
    })
}

proptest! {
    #[test]
    fn no_reply_panics(reply in "(?s).{0,300}", words in prop::collection::vec(piece(), 0..25)) {
        let made: String = words.concat();
        for reply in [reply, made] {
            for format in [Format::Auto, Format::Whole] {
                if let Err(refusals) = two().take(format, &reply) {
                    prop_assert!(!refusals.is_empty() && refusal_text(&refusals).len() < 2048);
                }
            }
        }
    }

    #[test]
    fn a_unique_search_text_gives_the_expected_file(
        head in prop::collection::vec("[a-z ]{0,8}", 0..20),
        tail in prop::collection::vec("[a-z ]{0,8}", 0..20),
        new in prop::collection::vec("[a-z0-9 ]{1,8}", 1..5),
    ) {
        let lines = |part: &[String]| part.iter().map(|l| format!("{l}\n")).collect::<String>();
        let old = format!("{}UNIQUE 1\n  UNIQUE 2\n{}", lines(&head), lines(&tail));
        let reply = format!("<<<<<<< SEARCH\nUNIQUE 1\n  UNIQUE 2\n=======\n{}>>>>>>> REPLACE\n", lines(&new));
        let expected = format!("a.txt={}{}{}", lines(&head), lines(&new), lines(&tail));
        prop_assert_eq!(Bench::of(&[("a.txt", &old)]).says(&reply), expected);
    }

    #[test]
    fn a_printed_diff_gives_the_new_file(old in text(), new in text()) {
        prop_assume!(old != new);
        let says = Bench::of(&[("a.txt", &old)]).says(&printed(&old, &new));
        prop_assert_eq!(says, format!("a.txt={new}"));
    }

    #[test]
    fn what_is_printed_is_read_back_under_any_name(name in "[a-zé\"' ☃]{1,8}\\.txt", old in text(), new in text()) {
        prop_assume!(old != new && name.parse::<RepoPath>().is_ok());
        let path = path(&name);
        let side = |text: &'static str| Some(Side { bytes: text.as_bytes(), mode: crate::oid::Mode::Regular });
        let changed = Changed { path: &path, old: side(old.clone().leak()), new: side(new.clone().leak()) };
        let diff = String::from_utf8(print(&[changed])).expect("text");
        prop_assert_eq!(Bench::of(&[(&name, &old)]).says(&diff), format!("{name}={new}"), "{}", diff);
    }

    #[test]
    fn line_ends_change_nothing(words in prop::collection::vec(piece(), 0..25)) {
        let reply = words.concat().replace("\r\n", "\n");
        let (unix, dos) = (two(), Bench::of(&[("src/a.rs", "one\r\ntwo\r\nthree\r\n"), ("src/b.rs", "b\r\n")]));
        let says = unix.says(&reply);
        prop_assert_eq!(&says, &unix.says(&reply.replace('\n', "\r\n")));
        prop_assert_eq!(says, dos.says(&reply).replace("\r\n", "\n"));
    }
}

/// Pieces of which replies are made.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "```\n",
        "```rust src/a.rs\n",
        "````\n",
        "<<<<<<< SEARCH\n",
        "=======\n",
        ">>>>>>> REPLACE\n",
        "src/a.rs\n",
        "two\n",
        "--- a/src/a.rs\n",
        "+++ b/src/a.rs\n",
        "@@ -1,3 +1,3 @@\n",
        "@@ -9223372036854775807,0 +0,0 @@\n",
        " one\n",
        "-two\n",
        "+2\n",
        "\\ No newline\n",
        "<think>\n",
        "</think>\n",
        "diff --git a/é b/\n",
        "rename from x\n",
        "\r\n",
        "é",
        "--- /dev/null\n",
        "+++ /dev/null\n",
        "  ```\n",
        "**\n",
        "~~~\n",
        "@@\n",
        "- \n",
        "1. \n",
        "/\n",
        "``` :\n",
    ];
    prop::sample::select(fixed.to_vec()).prop_map(str::to_owned)
}
