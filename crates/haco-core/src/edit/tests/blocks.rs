//! SEARCH/REPLACE blocks.

use super::*;

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
