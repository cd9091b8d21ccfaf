//! Whole files: where their path stands, what they keep, what is refused.

use super::*;

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
