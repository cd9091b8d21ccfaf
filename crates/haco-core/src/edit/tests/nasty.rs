//! Replies that try to get out: each in the forms that could carry it, and none changes anything.

use super::*;

/// What a reply may name here: two targets, one file that may be created.
fn bench() -> Bench {
    Bench::of(&[("src/a.rs", "one\ntwo\nthree\n"), ("src/b.rs", "b\n"), ("docs/x.md", "x\n")])
        .targets(&["src/a.rs", "src/b.rs"])
        .may_create(&["src/n.rs"])
}

/// Names that no edit may have.
const NAMES: &[&str] = &[
    "../x.rs",
    "../../etc/passwd",
    "src/../../x.rs",
    "src/./a.rs",
    "./../x.rs",
    "src//a.rs",
    "/etc/passwd",
    "/etc/cron.d/x.sh",
    "~/.ssh/authorized_keys",
    ".git/config",
    ".git/hooks/pre-commit",
    ".GIT/config",
    ".Git/hooks/post-checkout.sh",
    "src/.git/config",
    ".git./config",
    ".git /config",
    "git~1/config",
    "GIT~1/hooks/x.sh",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u{200c}it/config",
    ".gi\u{200d}t/config",
    ".\u{feff}git/config",
    ".g\u{202e}it/config",
    ".g\u{206a}it/hooks/x.sh",
    ".haco/config.json",
    ".HACO/tickets/T-001.json",
    "haco~1/config.json",
    "src\\a.rs",
    "..\\x.rs",
    "C:\\Windows\\x.rs",
    "C:/x.rs",
    "src/nul.rs",
    "src/CON",
    "aux.rs",
    "lpt1.rs",
    "src/a.rs.",
    "src/a.rs ./x",
    "src /n.rs",
    "src/A.rs",
    "SRC/a.rs",
    "src/N.rs",
    "src/a\u{200c}.rs",
    "src/a\u{7}.rs",
    "src/a.rs/x.rs",
    "src",
    "docs/x.md",
    "docs/y.md",
    "-rf.rs",
    "file:///etc/passwd",
    "src/\u{2028}a.rs",
];

#[test]
fn no_form_reaches_a_file_that_is_not_named() {
    let long = format!("src/{}.rs", "n".repeat(300));
    let deep = format!("{}x.rs", "d/".repeat(3000));
    for name in NAMES.iter().copied().chain([long.as_str(), deep.as_str()]) {
        for (form, reply) in [
            ("info", format!("```rust path=\"{name}\"\nx\n```\n")),
            ("above", format!("{name}\n<<<<<<< SEARCH\none\n=======\n1\n>>>>>>> REPLACE\n")),
            ("diff", format!("```diff\n--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-x\n+y\n```\n")),
            ("new", format!("```diff\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+y\n```\n")),
            ("gone", format!("```diff\n--- a/{name}\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n```\n")),
            ("patch", format!("*** Begin Patch\n*** Add File: {name}\n+x\n*** End Patch\n")),
            ("delete", format!("*** Begin Patch\n*** Delete File: {name}\n*** End Patch\n")),
            ("move", format!("*** Begin Patch\n*** Update File: src/b.rs\n*** Move to: {name}\n*** End Patch\n")),
            ("json", serde_json::json!({"path": name, "file_text": "x\n"}).to_string()),
        ] {
            let Ok(edited) = bench().take(Format::Auto, &reply) else { continue };
            let touched: Vec<&str> = edited.changes().map(|f| f.path.as_str()).collect();
            let reached = touched.iter().all(|p| ["src/a.rs", "src/b.rs", "src/n.rs"].contains(p));
            let tail = ["src/a.rs", "src/b.rs", "src/n.rs"].iter().any(|p| name.ends_with(p));
            assert!(reached && (tail || form == "above" || form == "info"), "{form} {name:?}: {touched:?}");
        }
    }
}

#[test]
fn the_forms_that_name_a_file_outright_refuse_it() {
    for name in NAMES.iter().filter(|n| !n.contains(['\u{2028}', '\u{7}'])) {
        for reply in [
            format!("```diff\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+y\n```\n"),
            format!("*** Begin Patch\n*** Add File: {name}\n+x\n*** End Patch\n"),
            serde_json::json!({"path": name, "file_text": "x\n"}).to_string(),
        ] {
            let said = bench().says(&reply);
            assert!(["unsafe_path", "out_of_scope"].contains(&said.as_str()), "{name:?}: {said}\n{reply}");
        }
    }
}

/// A git diff of `src/b.rs` with these lines in its extended header.
fn git(header: &str, names: &str, hunk: &str) -> String {
    format!("```diff\ndiff --git a/src/b.rs b/src/b.rs\n{header}\n{names}\n{hunk}\n```\n")
}

#[test]
fn no_diff_does_more_than_change_text() {
    let names = "--- a/src/b.rs\n+++ b/src/b.rs";
    let hunk = "@@ -1 +1 @@\n-b\n+c";
    let link = "--- /dev/null\n+++ b/src/n.rs";
    for (rule, reply, code) in [
        ("a symbolic link", git("new file mode 120000", link, "@@ -0,0 +1 @@\n+/etc/passwd"), "unsafe_path"),
        ("a submodule", git("new file mode 160000", link, "@@ -0,0 +1 @@\n+Subproject commit 0"), "unsafe_path"),
        ("a directory", git("new file mode 040000", link, "@@ -0,0 +1 @@\n+x"), "unsafe_path"),
        ("setuid", git("new file mode 104755", link, "@@ -0,0 +1 @@\n+x"), "unsafe_path"),
        ("a mode that is none", git("new file mode 777", link, "@@ -0,0 +1 @@\n+x"), "unsafe_path"),
        ("a link by its index", git("index 1234567..89abcde 120000", names, hunk), "unsafe_path"),
        ("a submodule by its index", git("index 1234567..89abcde 160000", names, hunk), "unsafe_path"),
        ("a mode that changes", git("old mode 100644\nnew mode 100755", names, hunk), "bad_edit"),
        (
            "a link deleted",
            git("deleted file mode 120000", "--- a/src/b.rs\n+++ /dev/null", "@@ -1 +0,0 @@\n-b"),
            "unsafe_path",
        ),
        (
            "a copy from outside",
            git("similarity index 100%\ncopy from /etc/passwd\ncopy to src/n.rs", "", ""),
            "bad_edit",
        ),
        ("a copy from inside", git("similarity index 100%\ncopy from docs/x.md\ncopy to src/n.rs", "", ""), "bad_edit"),
        (
            "a rename from outside",
            git("similarity index 100%\nrename from /etc/passwd\nrename to src/n.rs", "", ""),
            "unsafe_path",
        ),
        (
            "a rename from what is not named",
            git("similarity index 100%\nrename from docs/x.md\nrename to src/n.rs", "", ""),
            "out_of_scope",
        ),
        (
            "a rename to outside",
            git("similarity index 100%\nrename from src/b.rs\nrename to ../n.rs", "", ""),
            "unsafe_path",
        ),
        (
            "a rename to git's own",
            git("similarity index 100%\nrename from src/b.rs\nrename to .git/config", "", ""),
            "unsafe_path",
        ),
        (
            "a rename over a file",
            git("similarity index 100%\nrename from src/b.rs\nrename to src/a.rs", "", ""),
            "bad_edit",
        ),
        ("binary", git("GIT binary patch\nliteral 3\nKcmZ", "", ""), "bad_edit"),
        ("binary by name", git("Binary files a/src/b.rs and b/src/b.rs differ", "", ""), "bad_edit"),
        ("two names", "```diff\n--- a/src/a.rs\n+++ b/src/b.rs\n@@ -1 +1 @@\n-b\n+c\n```".into(), "bad_edit"),
        (
            "a new file over one that is there",
            "```diff\n--- /dev/null\n+++ b/src/b.rs\n@@ -0,0 +1 @@\n+x\n```".into(),
            "bad_edit",
        ),
        (
            "a deletion that leaves lines",
            "```diff\n--- a/src/a.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n```".into(),
            "bad_edit",
        ),
        ("nothing to nothing", "```diff\n--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-b\n+c\n```".into(), "bad_edit"),
    ] {
        let said = bench().says(&reply);
        assert!(said.split('+').any(|c| c == code) && !said.contains('='), "{rule}: {said}");
    }
}

#[test]
fn absurd_numbers_and_sizes_are_only_text() {
    let huge = "99999999999999999999999999";
    for (rule, reply, expected) in [
        (
            "huge counts",
            format!("```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -1,{huge} +1,{huge} @@\n-b\n+c\n```"),
            "src/b.rs=c\n",
        ),
        (
            "a huge line",
            format!("```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -{huge} +{huge} @@\n-b\n+c\n```"),
            "src/b.rs=c\n",
        ),
        ("line zero", "```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -0 +0 @@\n-b\n+c\n```".into(), "src/b.rs=c\n"),
        (
            "negative counts",
            "```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -1,-1 +1,-1 @@\n-b\n+c\n```".into(),
            "src/b.rs=c\n",
        ),
        (
            "a huge insertion line",
            format!(
                "{{\"command\": \"insert\", \"path\": \"src/b.rs\", \"insert_line\": {}, \"new_str\": \"x\"}}",
                u64::MAX
            ),
            "not_found",
        ),
        ("a NUL in a block", "src/b.rs\n<<<<<<< SEARCH\nb\n=======\n\0\n>>>>>>> REPLACE\n".into(), "bad_edit"),
        ("a NUL in a diff", "```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -1 +1 @@\n-b\n+\0\n```".into(), "bad_edit"),
        ("the same file twice", "```src/b.rs\nx\n```\n```src/b.rs\ny\n```\n".into(), "overlap"),
        (
            "whole and in part",
            "```src/b.rs\nx\n```\nsrc/b.rs\n<<<<<<< SEARCH\nb\n=======\nc\n>>>>>>> REPLACE\n".into(),
            "overlap",
        ),
        ("deep JSON", "[".repeat(100_000) + "{\"old_text\": \"b\", \"new_text\": \"c\"}", "no_edits"),
        ("a million lines", "x\n".repeat(1_000_000), "bad_edit"),
        ("fences without end", "```\n".repeat(9_999), "truncated"),
    ] {
        assert_eq!(bench().says(&reply), expected, "{rule}");
    }
}

#[test]
fn a_hunk_at_line_zero_that_changes_nothing_is_nothing() {
    let diff = "```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n@@ -0,3 +1,3 @@\n b\n```";
    assert_eq!(bench().says(diff), "unchanged");
}

#[test]
fn a_million_hunks_are_answered() {
    let reply = format!("```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n{}```\n", "@@ -1 +1 @@\n-q\n+c\n".repeat(100_000));
    assert!(bench().says(&reply).starts_with("not_found"));
    let many: String = (0..150_000).map(|i| format!("@@ -{i} +{i} @@\n-q{i}\n+c\n")).collect();
    assert!(bench().says(&format!("```diff\n--- a/src/b.rs\n+++ b/src/b.rs\n{many}```\n")).starts_with("not_found"));
}

#[test]
fn files_that_collide_where_case_does_not_count_are_refused() {
    let bench = Bench::of(&[("src/a.rs", "x\n")]).may_create(&["src/A.rs", "src/\u{e9}.rs", "SRC/q.rs"]);
    assert_eq!(bench.says("```src/A.rs\nx\n```"), "unsafe_path");
}
