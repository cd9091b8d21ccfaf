use super::*;
use proptest::prelude::*;

fn path(text: &str) -> RepoPath {
    text.parse().expect("a good path")
}

fn paths(texts: &[&str]) -> Vec<RepoPath> {
    texts.iter().map(|t| path(t)).collect()
}

/// Files that are there, what may be modified, what may be created.
#[derive(Default)]
struct Bench {
    files: BTreeMap<RepoPath, Vec<u8>>,
    targets: Vec<RepoPath>,
    new_files: Vec<RepoPath>,
}

impl Bench {
    /// Targets that are there.
    fn of(files: &[(&str, &str)]) -> Bench {
        let files: BTreeMap<RepoPath, Vec<u8>> = files.iter().map(|(p, t)| (path(p), t.as_bytes().to_vec())).collect();
        Bench { targets: files.keys().cloned().collect(), files, new_files: Vec::new() }
    }

    fn may_create(mut self, new: &[&str]) -> Bench {
        self.new_files = paths(new);
        self
    }

    fn targets(mut self, targets: &[&str]) -> Bench {
        self.targets = paths(targets);
        self
    }

    fn take(&self, format: Format, reply: &str) -> Result<Edited, Vec<Refusal>> {
        apply(reply, format, &Scope { targets: &self.targets, new_files: &self.new_files }, &self.files)
    }

    /// What the reply comes to, as `path=text` of each file, or the codes of the refusals.
    fn says(&self, reply: &str) -> String {
        match self.take(Format::Auto, reply).and_then(Edited::changing) {
            Ok(edited) => edited.changes().map(shown).collect::<Vec<_>>().join("|"),
            Err(refusals) => refusals.iter().map(|r| r.code.as_str()).collect::<Vec<_>>().join("+"),
        }
    }
}

fn shown(file: &FileEdit) -> String {
    let text = file.new.as_ref().map(|b| String::from_utf8_lossy(b).into_owned());
    format!("{}={}", file.path, text.unwrap_or_else(|| "(deleted)".into()))
}

/// A file of one target, `src/a.rs`, and another, `src/b.rs`.
fn two() -> Bench {
    Bench::of(&[("src/a.rs", "one\ntwo\nthree\n"), ("src/b.rs", "b\n")])
}

fn one() -> Bench {
    Bench::of(&[("src/a.rs", "one\ntwo\nthree\n")])
}

fn check(bench: impl Fn() -> Bench, table: &[(&str, &str, &str)]) {
    for (rule, reply, expected) in table {
        assert_eq!(&bench().says(reply), expected, "{rule}");
    }
}

#[test]
fn a_whole_file_is_found_wherever_its_path_stands() {
    let new = "src/a.rs=x\ny\n";
    check(
        two,
        &[
            ("in the info string", "```src/a.rs\nx\ny\n```", new),
            ("behind the language", "```rust src/a.rs\nx\ny\n```", new),
            ("behind a colon", "```rust:src/a.rs\nx\ny\n```", new),
            ("as a title", "```rust title=\"src/a.rs\"\nx\ny\n```", new),
            ("on the line above", "src/a.rs\n```rust\nx\ny\n```", new),
            ("above with a blank between", "src/a.rs:\n\n```\nx\ny\n```\n", new),
            ("in a heading", "## src/a.rs\n```rust\nx\ny\n```", new),
            ("in a heading further up", "### `src/a.rs`\n\nNow it does more:\n\n```rust\nx\ny\n```", new),
            ("in bold", "**src/a.rs**\n```rust\nx\ny\n```", new),
            ("in backticks within prose", "The new `src/a.rs` is:\n```rust\nx\ny\n```", new),
            ("in a comment on the first line", "```rust\n// src/a.rs\nx\ny\n```", new),
            ("in a comment with a word", "```rust\n# File: src/a.rs\nx\ny\n```", new),
            ("in a longer fence", "````rust src/a.rs\nx\ny\n````", new),
            ("in a fence of tildes", "~~~rust src/a.rs\nx\ny\n~~~", new),
            ("with an absolute path", "```/home/me/p/src/a.rs\nx\ny\n```", new),
            ("with a path too long", "```p/src/a.rs\nx\ny\n```", new),
            ("with a bare name", "`a.rs`:\n```\nx\ny\n```", new),
            ("in a list", "1. src/a.rs\n\n   ```rust\n   x\n   y\n   ```", new),
            ("with the reply in CR LF", "src/a.rs\r\n```\r\nx\r\ny\r\n```\r\n", new),
            ("after thinking", "<think>\n```src/b.rs\nno\n```\n</think>\n```src/a.rs\nx\ny\n```", new),
        ],
    );
}

#[test]
fn a_whole_file_without_a_path_is_the_only_target() {
    check(
        one,
        &[
            ("no path, one target", "Here:\n```rust\nx\n```\nDone.", "src/a.rs=x\n"),
            ("a shell session beside it", "```rust\nx\n```\nRun:\n```bash\ncargo test\n```", "src/a.rs=x\n"),
            ("a shell session alone", "Run:\n```bash\ncargo test\n```", "no_edits"),
            ("two that could be it", "```rust\nx\n```\nor\n```rust\ny\n```", "ambiguous"),
            ("a sample from elsewhere", "As in `src/z.rs`, we do it:\n```rust\nx\n```", "no_edits"),
            ("an inner fence in a longer one", "````\n```\nx\n```\n````", "src/a.rs=```\nx\n```\n"),
            ("an inner fence with a language", "```rust\nx\n```md\ny\n```\nz\n```", "src/a.rs=x\n```md\ny\n```\nz\n"),
        ],
    );
    check(two, &[("no path, two targets", "```rust\nx\n```", "no_edits")]);
}

#[test]
fn a_bare_whole_file_is_taken_only_where_it_was_asked_for() {
    let bare = one().take(Format::Whole, "x\ny").expect("a file");
    assert_eq!(shown(&bare.files[0]), "src/a.rs=x\ny\n");
    assert_eq!(one().says("x\ny"), "no_edits");
    let declined = one().take(Format::Whole, "I'm sorry, but I can't do that.").expect_err("a refusal");
    assert_eq!(declined[0].code, Code::Refusal);
    let of_two = two().take(Format::Whole, "x\ny").expect_err("two targets");
    assert_eq!(of_two[0].code, Code::NoEdits);
}

#[test]
fn whole_files_keep_the_manner_of_the_old() {
    for (rule, old, new) in [
        ("CR LF stays", "a\r\nb\r\n", "x\r\ny\r\n"),
        ("no final newline stays", "a\nb", "x\ny"),
        ("a byte order mark stays", "\u{feff}a\n", "\u{feff}x\ny\n"),
        ("an empty file gets a newline", "", "x\ny\n"),
    ] {
        assert_eq!(Bench::of(&[("a.txt", old)]).says("```a.txt\nx\ny\n```"), format!("a.txt={new}"), "{rule}");
    }
    let created = Bench::default().may_create(&["n/new.rs"]).says("```n/new.rs\r\nx\r\n```");
    assert_eq!(created, "n/new.rs=x\n", "a new file has LF and a final newline");
}

#[test]
fn whole_files_that_are_none_are_refused() {
    check(
        one,
        &[
            ("elided with dots", "```src/a.rs\none\n// ... existing code ...\n```", "elided"),
            ("elided with words", "```src/a.rs\none\n// rest of file unchanged\n```", "elided"),
            ("elided without a comment", "```src/a.rs\none\n... rest unchanged\n```", "elided"),
            ("a fence without an end", "```src/a.rs\none\ntwo", "truncated"),
            ("an edit and a fence without an end", "```src/a.rs\nx\n```\n```rust\nfn", "truncated"),
            ("prose only", "The file looks fine to me.", "no_edits"),
            ("declined", "I cannot help with this.", "refusal"),
            ("nothing", " \n\n", "empty_reply"),
            ("thinking only", "<think>\nhm", "truncated"),
            ("the same again", "```src/a.rs\none\ntwo\nthree\n```", "unchanged"),
            ("two versions", "```src/a.rs\nx\n```\n```src/a.rs\ny\n```", "overlap"),
            ("the same version twice", "```src/a.rs\nx\n```\n```src/a.rs\nx\n```", "src/a.rs=x\n"),
            ("a NUL byte", "```src/a.rs\nx\0y\n```", "bad_edit"),
        ],
    );
    let dots = Bench::of(&[("a.rs", "// ... existing code ...\nx\n")]);
    assert_eq!(dots.says("```a.rs\n// ... existing code ...\ny\n```"), "a.rs=// ... existing code ...\ny\n");
    let long = "line\n".repeat(40);
    assert_eq!(Bench::of(&[("a.rs", &long)]).says("```a.rs\nline\n```"), "shrinks");
    let readme = Bench::of(&[("README.md", "x\n")]);
    assert_eq!(readme.says("```README.md\nRun:\n```\nls\n```\nend\n```\n"), "bad_edit");
    let longer = readme.says("````README.md\nRun:\n```\nls\n```\nend\n````\n");
    assert_eq!(longer, "README.md=Run:\n```\nls\n```\nend\n");
}

#[test]
fn blocks_find_their_file_and_place() {
    let new = "src/a.rs=one\n2\nthree\n";
    let block = "<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n";
    let five = "<<<<< SEARCH\ntwo\n=====\n2\n>>>>> REPLACE\n";
    let nine = "<<<<<<<<< SEARCH\ntwo\n=========\n2\n>>>>>>>>> REPLACE\n";
    for (rule, reply) in [
        ("path above", format!("src/a.rs\n{block}")),
        ("path above in backticks", format!("`src/a.rs`\n\n{block}")),
        ("path in prose above", format!("Change src/a.rs like this:\n{block}")),
        ("path in the info string", format!("```rust src/a.rs\n{block}```")),
        ("path inside the fence", format!("```rust\nsrc/a.rs\n{block}```")),
        ("path above the fence", format!("src/a.rs\n```rust\n{block}```")),
        ("path in a heading", format!("### src/a.rs\n\nIt counts now.\n\n```\n{block}```")),
        ("path behind the mark", block.replace("SEARCH", "SEARCH src/a.rs")),
        ("five marks", format!("src/a.rs\n{five}")),
        ("nine marks", format!("src/a.rs\n{nine}")),
        (
            "mentions elsewhere do not count",
            format!("src/a.rs\n{}As in x/z.rs:\n{block}", block.replace("two", "one").replace('2', "1"))
                .replace("1\n", "one\n"),
        ),
    ] {
        assert_eq!(two().says(&reply), new, "{rule}");
    }
    assert_eq!(one().says(block), new, "the only target");
    let implied = format!("src/a.rs\n{block}and\n{}", block.replace("two", "three").replace('2', "3"));
    assert_eq!(two().says(&implied), "src/a.rs=one\n2\n3\n", "the last one's file");
    assert_eq!(two().says(block), "bad_edit", "no file");
}

#[test]
fn blocks_forgive_white_space_and_nothing_else() {
    let block = |old: &str, new: &str| format!("<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n");
    for (rule, file, old, new, expected, kind) in [
        ("exact", "a\nb\n", "b", "c", "a\nc\n", Kind::Exact),
        ("line ends", "a\r\nb\r\n", "a\nb", "a\nc\nd", "a\r\nc\r\nd\r\n", Kind::LineEnds),
        ("trailing", "a  \nb\n", "a\nb", "a\nc", "a  \nc\n", Kind::Trailing),
        ("trailing in the search", "a\nb\n", "a \nb", "a \nc", "a\nc\n", Kind::Trailing),
        ("indent", "f\n    a\n      b\n", "a\n  b", "a\n  c\n\nd", "f\n    a\n      c\n\n    d\n", Kind::Indent),
        ("too much indent", "a\n  b\n", "    a\n      b", "    x\n      b", "x\n  b\n", Kind::Indent),
        ("no final newline", "a\nb", "b", "c", "a\nc", Kind::Exact),
        ("a deletion", "a\nb\n", "b", "", "a\n\n", Kind::Exact),
    ] {
        let edited = Bench::of(&[("a.txt", file)]).take(Format::Auto, &block(old, new)).expect(rule);
        assert_eq!(shown(&edited.files[0]), format!("a.txt={expected}"), "{rule}");
        assert_eq!(edited.files[0].edits[0].kind, kind, "{rule}");
    }
    let gone = Bench::of(&[("a.txt", "a\nb\n")]).says("<<<<<<< SEARCH\nb\n=======\n>>>>>>> REPLACE");
    assert_eq!(gone, "a.txt=a\n");
}

#[test]
fn blocks_that_do_not_fit_are_refused() {
    check(
        || Bench::of(&[("a.txt", "x\ny\nx\nz\n")]),
        &[
            ("nowhere", "<<<<<<< SEARCH\nq\n=======\nr\n>>>>>>> REPLACE", "not_found"),
            ("two places", "<<<<<<< SEARCH\nx\n=======\nr\n>>>>>>> REPLACE", "ambiguous"),
            ("no end", "<<<<<<< SEARCH\nx\n=======\nr", "truncated"),
            ("no end of the fence", "```\n<<<<<<< SEARCH\nz\n=======\nr\n>>>>>>> REPLACE\n", "truncated"),
            ("no divider", "<<<<<<< SEARCH\nx\n>>>>>>> REPLACE", "bad_edit"),
            ("two dividers", "<<<<<<< SEARCH\nx\n=======\n=======\n>>>>>>> REPLACE", "bad_edit"),
            ("no search text", "<<<<<<< SEARCH\n=======\nr\n>>>>>>> REPLACE", "bad_edit"),
            ("no change", "<<<<<<< SEARCH\ny\n=======\ny\n>>>>>>> REPLACE", "unchanged"),
            ("elided", "<<<<<<< SEARCH\ny\n=======\n# ... rest of code ...\n>>>>>>> REPLACE", "elided"),
            (
                "overlapping",
                "<<<<<<< SEARCH\ny\nx\n=======\n1\n>>>>>>> REPLACE\n<<<<<<< SEARCH\nx\nz\n=======\n2\n>>>>>>> REPLACE",
                "overlap",
            ),
            (
                "sharing context",
                "<<<<<<< SEARCH\ny\nx\nz\n=======\n1\nx\nz\n>>>>>>> REPLACE\n<<<<<<< SEARCH\ny\nx\nz\n=======\ny\nx\n2\n>>>>>>> REPLACE",
                "a.txt=x\n1\nx\n2\n",
            ),
            (
                "the same twice",
                "<<<<<<< SEARCH\ny\n=======\n1\n>>>>>>> REPLACE\n<<<<<<< SEARCH\ny\n=======\n1\n>>>>>>> REPLACE",
                "a.txt=x\n1\nx\nz\n",
            ),
            (
                "one good, one bad",
                "<<<<<<< SEARCH\ny\n=======\n1\n>>>>>>> REPLACE\n<<<<<<< SEARCH\nq\n=======\n1\n>>>>>>> REPLACE",
                "not_found",
            ),
        ],
    );
    let empty = Bench::default().may_create(&["n.txt"]).says("n.txt\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE");
    assert_eq!(empty, "n.txt=x\n", "no search text creates");
    let absent = Bench::default().may_create(&["n.txt"]).says("n.txt\n<<<<<<< SEARCH\nq\n=======\nx\n>>>>>>> REPLACE");
    assert_eq!(absent, "not_found");
}

#[test]
fn a_miss_tells_the_nearest_lines_and_two_places_tell_all() {
    let bench = Bench::of(&[("a.txt", "alpha\nlet total = 1;\nomega\nalpha\n")]);
    let miss =
        bench.take(Format::Auto, "<<<<<<< SEARCH\nlet total = 2;\n=======\nq\n>>>>>>> REPLACE").expect_err("a miss");
    assert_eq!(miss[0].candidates[0].line, 2);
    assert!(miss[0].message.contains("line 2: 'let total = 1;'"), "{}", miss[0].message);
    let many = bench.take(Format::Auto, "<<<<<<< SEARCH\nalpha\n=======\nq\n>>>>>>> REPLACE").expect_err("two places");
    let lines: Vec<usize> = many[0].candidates.iter().map(|p| p.line).collect();
    assert_eq!((lines.as_slice(), many[0].edit, many[0].line), (&[1, 4][..], 1, Some(1)));
}

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

#[test]
fn binary_files_and_other_encodings_are_refused() {
    let mut bench = one();
    for bytes in [&b"a\xff\xfe"[..], b"a\0b"] {
        bench.files.insert(path("src/a.rs"), bytes.to_vec());
        assert_eq!(bench.says("```src/a.rs\nx\n```"), "bad_edit");
    }
}

#[test]
fn what_the_person_should_see_is_flagged() {
    let bench = Bench::of(&[("build.rs", "x\n"), ("a.rs", "y\n")]).may_create(&["run.sh"]);
    let reply = "```build.rs\nz\n```\n```a.rs\n<<<<<<< HEAD\ny\n```\n```diff\ndiff --git a/run.sh b/run.sh\nnew file mode 100755\n--- /dev/null\n+++ b/run.sh\n@@ -0,0 +1 @@\n+ls\n```";
    let edited = bench.take(Format::Auto, reply).expect("edits");
    let flags: Vec<&str> = edited.flags.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(flags, ["a.rs", "build.rs", "run.sh"]);
    assert_eq!(edited.format, Format::Auto);
}

#[test]
fn nothing_is_applied_where_one_file_is_refused() {
    let reply = "```src/a.rs\nx\n```\n```src/z.rs\ny\n```";
    let refusals = two().take(Format::Auto, reply).expect_err("one is out of scope");
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].message.contains("'src/a.rs', 'src/b.rs'"), "{}", refusals[0].message);
}

#[test]
fn a_large_reply_of_near_misses_is_answered() {
    let file: String = (0..20_000).map(|i| format!("    let value_{i} = compute({});\n", i % 7)).collect();
    let block = |i: usize| {
        format!("<<<<<<< SEARCH\n    let value_{i} = computed({});\n    }}\n=======\nx\n>>>>>>> REPLACE\n", i % 7)
    };
    let reply: String = (0..20_000).map(block).collect();
    let refusals = Bench::of(&[("a.rs", &file)]).take(Format::Auto, &reply).expect_err("misses");
    assert_eq!(refusals.len(), 20_000);
    assert!(!refusals[0].candidates.is_empty() && refusal_text(&refusals).len() < 2048);
}

#[test]
fn format_names_are_those_of_a_ticket() {
    let names = ["auto", "whole", "search-replace", "udiff", "patch", "json"];
    for name in names {
        let format: Format = serde_json::from_value(serde_json::json!(name)).expect(name);
        assert_eq!(serde_json::to_value(format).expect(name), name);
    }
}

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
