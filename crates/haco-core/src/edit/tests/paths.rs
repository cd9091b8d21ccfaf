//! Which paths a reply may touch.

use super::*;

#[test]
fn paths_outside_the_ticket_are_refused() {
    let bench = || two().may_create(&["src/n.rs", "src/B.rs"]);
    for (rule, name, code) in [
        ("another file", "src/c.rs", "out_of_scope"),
        ("a parent", "../src/x.rs", "unsafe_path"),
        ("a parent inside", "src/../../x.rs", "unsafe_path"),
        ("absolute", "/etc/cron.d/x", "unsafe_path"),
        ("git's own", ".git/hooks/pre-commit", "unsafe_path"),
        ("git in disguise", ".GIT/config", "unsafe_path"),
        ("haco's own", ".haco/config.json", "unsafe_path"),
        ("another case", "src/A.rs", "unsafe_path"),
        ("a backslash", "src\\q.rs", "unsafe_path"),
        ("a device", "src/nul.rs", "unsafe_path"),
    ] {
        assert_eq!(bench().says(&format!("```{name}\nx\n```")), code, "info: {rule}");
        assert_eq!(
            bench().says(&format!("{name}\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE")),
            code,
            "block: {rule}"
        );
        let diff = format!("```diff\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+x\n```");
        assert_eq!(bench().says(&diff), code, "diff: {rule}");
    }
    assert_eq!(bench().says("```src/B.rs\nx\n```"), "unsafe_path", "a new file that differs in case from one there");
}

#[test]
fn what_may_only_be_created_is_not_changed() {
    let bench = || {
        Bench::of(&[("a.rs", "x\n"), ("d/e.rs", "y\n")])
            .targets(&["a.rs", "gone.rs"])
            .may_create(&["d/e.rs", "d", "a.rs/x", "new.rs"])
    };
    check(
        bench,
        &[
            ("over a file that is there", "```d/e.rs\nz\n```", "out_of_scope"),
            ("a target that is not there", "```gone.rs\nz\n```", "gone.rs=z\n"),
            ("over a directory", "```\nx\n```\nd\n<<<<<<< SEARCH\n=======\nz\n>>>>>>> REPLACE", "unsafe_path"),
            ("below a file", "```a.rs/x\nz\n```", "unsafe_path"),
            (
                "deleting what is not there any more",
                "```diff\n--- a/gone.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n```",
                "unchanged",
            ),
            ("what is made already", "```d/e.rs\ny\n```", "unchanged"),
            (
                "a move of what is nowhere",
                "*** Begin Patch\n*** Update File: gone.rs\n*** Move to: new.rs\n*** End Patch",
                "not_found",
            ),
            (
                "a move onto another file",
                "*** Begin Patch\n*** Update File: a.rs\n*** Move to: d/e.rs\n*** End Patch",
                "out_of_scope",
            ),
        ],
    );
    let moved = Bench::of(&[("d/e.rs", "fn one() {}\nfn second() {}\n")]).targets(&["gone.rs"]).may_create(&["d/e.rs"]);
    let patch = |to: &str| {
        format!(
            "*** Begin Patch\n*** Update File: gone.rs\n*** Move to: d/e.rs\n@@\n fn one() {{}}\n-fn two() {{}}\n+fn {to}() {{}}\n*** End Patch"
        )
    };
    assert_eq!((moved.says(&patch("second")), moved.says(&patch("third"))), ("unchanged".into(), "not_found".into()));
    let two_cases = Bench::default().may_create(&["x.rs", "X.rs"]);
    assert_eq!(two_cases.says("```x.rs\n1\n```\n```X.rs\n2\n```"), "unsafe_path");
}

#[test]
fn a_path_too_long_that_is_a_file_of_its_own_is_that_file() {
    let bench = Bench::of(&[("src/a.rs", "x\n"), ("other/src/a.rs", "y\n")]).targets(&["src/a.rs"]);
    assert_eq!(bench.says("```other/src/a.rs\nz\n```"), "out_of_scope");
}
