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

/// A diff of `src/a.rs` in a fence.
fn fenced(hunks: &str) -> String {
    format!("```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n{hunks}\n```\n")
}

const LONG: &str = "fn alpha() {\n    let first = 1;\n    first()\n}\n\nfn beta() {\n    let second = 2;\n    second()\n}\n\nfn gamma() {\n    let third = 3;\n    third()\n}\n";

#[test]
fn malformed_diffs_whose_meaning_is_certain_are_taken() {
    let bench = || Bench::of(&[("src/a.rs", LONG)]);
    let beta = format!("src/a.rs={}", LONG.replace("second = 2", "second = 4"));
    for (rule, reply) in [
        ("a bare function in the header", fenced("@@ fn beta() @@\n-    let second = 2;\n+    let second = 4;")),
        (
            "a heading behind the ranges",
            fenced("@@ -6,3 +6,3 @@ fn beta() {\n fn beta() {\n-    let second = 2;\n+    let second = 4;"),
        ),
        ("dots in the header", fenced("@@ ... @@\n fn beta() {\n-    let second = 2;\n+    let second = 4;")),
        (
            "only one header line",
            "```diff\n--- a/src/a.rs\n@@ -7 +7 @@\n-    let second = 2;\n+    let second = 4;\n```".into(),
        ),
        (
            "only the new header line",
            "```diff\n+++ b/src/a.rs\n@@ -7 +7 @@\n-    let second = 2;\n+    let second = 4;\n```".into(),
        ),
        ("a mail's signature", fenced("@@ -7 +7 @@\n-    let second = 2;\n+    let second = 4;\n-- \n2.43.0")),
        (
            "blank context that lost its space",
            fenced("@@ -4,4 +4,4 @@\n }\n\n fn beta() {\n-    let second = 2;\n+    let second = 4;"),
        ),
        (
            "context that lost its space",
            fenced("@@ -5,4 +5,4 @@\nfn beta() {\n-    let second = 2;\n+    let second = 4;\n    second()\n}"),
        ),
        (
            "marks with one space too many",
            fenced("@@ -6,3 +6,3 @@\n  fn beta() {\n-     let second = 2;\n+     let second = 4;\n      second()"),
        ),
        (
            "lines left out of the context",
            fenced("@@ -1,9 +1,9 @@\n fn alpha() {\n ...\n fn beta() {\n-    let second = 2;\n+    let second = 4;"),
        ),
        (
            "one line of context that differs",
            fenced("@@ -6,4 +6,4 @@\n fn beta() {\n-    let second = 2;\n+    let second = 4;\n     second(1)\n }"),
        ),
        (
            "no fence language",
            fenced("@@ -7 +7 @@\n-    let second = 2;\n+    let second = 4;").replace("```diff", "```"),
        ),
        (
            "an absolute path",
            fenced("@@ -7 +7 @@\n-    let second = 2;\n+    let second = 4;")
                .replace("a/src", "/home/me/p/src")
                .replace("b/src", "/home/me/p/src"),
        ),
        ("in CR LF", fenced("@@ -7 +7 @@\n-    let second = 2;\n+    let second = 4;").replace('\n', "\r\n")),
        ("mixed line ends", fenced("@@ -6,2 +6,2 @@\r\n fn beta() {\n-    let second = 2;\r\n+    let second = 4;")),
    ] {
        assert_eq!(bench().says(&reply), beta, "{rule}");
    }
    let two = fenced(
        "@@ -1,12 +1,12 @@\n fn alpha() {\n-    let first = 1;\n+    let first = 9;\n     first()\n fn gamma() {\n-    let third = 3;\n+    let third = 9;\n     third()",
    );
    let want = LONG.replace("first = 1", "first = 9").replace("third = 3", "third = 9");
    assert_eq!(bench().says(&two), format!("src/a.rs={want}"), "two places in one hunk");
}

#[test]
fn malformed_diffs_whose_meaning_is_not_certain_are_refused() {
    let bench = || Bench::of(&[("src/a.rs", LONG)]);
    for (rule, hunk) in [
        (
            "a new line that lost its mark",
            "@@ -6,3 +6,5 @@\n fn beta() {\n+    log();\n     let extra = compute_it(second);\n     let second = 2;",
        ),
        (
            "a removed line that differs",
            "@@ -6,3 +6,3 @@\n fn beta() {\n-    let second = 3;\n+    let second = 4;\n     second()",
        ),
        ("lines between the context and the new line", "@@ -6,3 +6,4 @@\n fn beta() {\n+    log();\n     second()"),
        ("no context at all", "@@ -6,0 +7 @@\n+    log();"),
    ] {
        let said = bench().says(&fenced(hunk));
        assert!(!said.contains('='), "{rule}: {said}");
    }
}

#[test]
fn a_rename_is_a_move_where_both_names_may_be_written() {
    let rename = |hunk: &str| {
        format!(
            "```diff\ndiff --git a/src/b.rs b/src/m.rs\nsimilarity index 90%\nrename from src/b.rs\nrename to src/m.rs\n{hunk}```\n"
        )
    };
    let bench = || two().may_create(&["src/m.rs"]);
    assert_eq!(bench().says(&rename("")), "src/b.rs=(deleted)|src/m.rs=b\n");
    let changed = rename("--- a/src/b.rs\n+++ b/src/m.rs\n@@ -1 +1 @@\n-b\n+c\n");
    assert_eq!(bench().says(&changed), "src/b.rs=(deleted)|src/m.rs=c\n");
}
