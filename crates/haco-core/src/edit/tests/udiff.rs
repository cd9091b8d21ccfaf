//! Unified diffs as models write them.

use super::*;

#[test]
fn diffs_are_read_as_models_write_them() {
    let new = "src/a.rs=one\n2\nthree\n";
    check(
        two,
        &[
            (
                "as git prints it",
                "```diff\ndiff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n```",
                new,
            ),
            (
                "without prefixes",
                "```diff\n--- src/a.rs\n+++ src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n```",
                new,
            ),
            (
                "with wrong counts",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,9 +1,1 @@\n one\n-two\n+2\n three\n```",
                new,
            ),
            (
                "with huge counts",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,18446744073709551615 +1,18446744073709551615 @@\n one\n-two\n+2\n```",
                new,
            ),
            (
                "with a wrong line number",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -700,3 +700,3 @@\n one\n-two\n+2\n three\n```",
                new,
            ),
            ("with a bare hunk header", "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ @@\n-two\n+2\n```", new),
            ("with a hunk header and no header", "src/a.rs\n```diff\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n```", new),
            (
                "with a time stamp",
                "```diff\n--- a/src/a.rs\t2024-01-01\n+++ b/src/a.rs\t2024-01-02\n@@ -2 +2 @@\n-two\n+2\n```",
                new,
            ),
            (
                "without a fence",
                "Here:\n\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\nThat is it.",
                new,
            ),
            ("in a plain fence", "```\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -2 +2 @@\n-two\n+2\n```", new),
            (
                "with context that lost its space",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\none\n-two\n+2\nthree\n```",
                new,
            ),
            ("with only the changed lines", "src/a.rs\n```diff\n-two\n+2\n```", new),
            (
                "of two files",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -2 +2 @@\n-two\n+2\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -1 +1 @@\n-b\n+c\n```",
                "src/a.rs=one\n2\nthree\n|src/b.rs=c\n",
            ),
            ("that deletes", "```diff\n--- a/src/b.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n```", "src/b.rs=(deleted)"),
            (
                "that loses the final newline",
                "```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -1 +1 @@\n-b\n+c\n\\ No newline at end of file\n```",
                "src/b.rs=c",
            ),
            (
                "wrong context",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n uno\n-two\n+2\n tres\n```",
                "not_found",
            ),
            ("a header alone", "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n```", "bad_edit"),
            (
                "an insertion without context",
                "```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -0,0 +1 @@\n+x\n```",
                "bad_edit",
            ),
            (
                "deletes and leaves lines",
                "```diff\n--- a/src/a.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n```",
                "bad_edit",
            ),
            ("creates what is there", "```diff\n--- /dev/null\n+++ b/src/a.rs\n@@ -0,0 +1 @@\n+x\n```", "bad_edit"),
        ],
    );
    let bench = || two().may_create(&["src/n.rs"]);
    let head = "```diff\n--- /dev/null\n+++ b/src/n.rs\n@@ -0,0 +1,2 @@\n+x\n+y\n";
    assert_eq!(bench().says(&format!("{head}```")), "src/n.rs=x\ny\n");
    assert_eq!(bench().says(&format!("{head}\\ No newline at end of file\n```")), "src/n.rs=x\ny");
}

#[test]
fn a_line_number_settles_two_equal_places() {
    let bench = || Bench::of(&[("a.txt", "x\ny\nx\ny\n")]);
    let diff = |at: usize| format!("```diff\n--- a/a.txt\n+++ b/a.txt\n@@ -{at} +{at} @@\n-x\n+1\n```");
    assert_eq!(bench().says(&diff(3)), "a.txt=x\ny\n1\ny\n");
    assert_eq!(bench().says(&diff(2)), "ambiguous");
}

#[test]
fn no_diff_links_renames_copies_or_sets_modes() {
    let with = |line: &str| {
        format!(
            "```diff\ndiff --git a/src/a.rs b/src/a.rs\n{line}\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -2 +2 @@\n-two\n+2\n```"
        )
    };
    for (line, code) in [
        ("new file mode 120000", "unsafe_path"),
        ("new file mode 160000", "unsafe_path"),
        ("new file mode 104755", "unsafe_path"),
        ("index 1..2 120000", "unsafe_path"),
        ("old mode 100644\nnew mode 100755", "bad_edit"),
        ("similarity index 100%\nrename from src/a.rs\nrename to src/b.rs", "bad_edit"),
        ("copy from /etc/passwd\ncopy to src/a.rs", "bad_edit"),
        ("GIT binary patch", "bad_edit"),
    ] {
        assert!(two().says(&with(line)).starts_with(code), "{line}: {}", two().says(&with(line)));
    }
    let header = "```diff\n--- a/src/a.rs\n+++ b/src/b.rs\n@@ -1 +1 @@\n-b\n+c\n```";
    assert_eq!(two().says(header), "bad_edit", "two names in the header");
}
