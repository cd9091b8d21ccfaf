//! The envelope `*** Begin Patch`, each rule of its grammar and each way in which models bend it.

use super::*;

/// A patch with these lines inside its envelope.
fn patch(inner: &str) -> String {
    format!("*** Begin Patch\n{inner}\n*** End Patch\n")
}

#[test]
fn every_part_of_a_patch_does_what_it_says() {
    let bench = || two().may_create(&["src/n.rs", "src/m.rs"]);
    let table = [
        ("add", "*** Add File: src/n.rs\n+x\n+\n+y", "src/n.rs=x\n\ny\n"),
        ("add an empty file", "*** Add File: src/n.rs", "src/n.rs="),
        ("add over a target", "*** Add File: src/b.rs\n+x", "src/b.rs=x\n"),
        ("delete", "*** Delete File: src/b.rs", "src/b.rs=(deleted)"),
        ("update", "*** Update File: src/a.rs\n@@\n one\n-two\n+2\n three", "src/a.rs=one\n2\nthree\n"),
        ("update without a mark", "*** Update File: src/a.rs\n one\n-two\n+2", "src/a.rs=one\n2\nthree\n"),
        ("two hunks", "*** Update File: src/a.rs\n@@\n-one\n+1\n@@\n-three\n+3", "src/a.rs=1\ntwo\n3\n"),
        ("interleaved", "*** Update File: src/a.rs\n@@\n-one\n+1\n two\n-three\n+3", "src/a.rs=1\ntwo\n3\n"),
        ("only taken away", "*** Update File: src/a.rs\n@@\n one\n-two\n three", "src/a.rs=one\nthree\n"),
        ("only added, at the end", "*** Update File: src/a.rs\n@@\n+four", "src/a.rs=one\ntwo\nthree\nfour\n"),
        (
            "at the end of the file",
            "*** Update File: src/a.rs\n@@\n two\n-three\n+3\n*** End of File",
            "src/a.rs=one\ntwo\n3\n",
        ),
        ("padded headers", "   *** Update File: src/a.rs  \n@@\n-two\n+2", "src/a.rs=one\n2\nthree\n"),
        (
            "blank lines between hunks",
            "*** Update File: src/a.rs\n@@\n-one\n+1\n\n@@\n-three\n+3\n",
            "src/a.rs=1\ntwo\n3\n",
        ),
        (
            "two files",
            "*** Update File: src/a.rs\n@@\n-two\n+2\n*** Delete File: src/b.rs",
            "src/a.rs=one\n2\nthree\n|src/b.rs=(deleted)",
        ),
        ("moved as it is", "*** Update File: src/b.rs\n*** Move to: src/m.rs", "src/b.rs=(deleted)|src/m.rs=b\n"),
        (
            "moved and changed",
            "*** Update File: src/b.rs\n*** Move to: src/m.rs\n@@\n-b\n+c",
            "src/b.rs=(deleted)|src/m.rs=c\n",
        ),
        (
            "moved over a target",
            "*** Update File: src/b.rs\n*** Move to: src/a.rs\n@@\n-b\n+c",
            "src/a.rs=c\n|src/b.rs=(deleted)",
        ),
        ("an absolute path", "*** Delete File: /home/me/p/src/b.rs", "src/b.rs=(deleted)"),
    ];
    for (rule, inner, expected) in table {
        assert_eq!(bench().says(&patch(inner)), expected, "{rule}");
        assert_eq!(bench().says(&format!("Here:\n```\n{}```\nDone.", patch(inner))), expected, "fenced: {rule}");
    }
}

#[test]
fn what_the_grammar_does_not_allow_is_refused_and_nothing_is_applied() {
    let table = [
        ("nothing in it", "", "bad_edit"),
        ("an update without a hunk", "*** Update File: src/a.rs", "bad_edit"),
        ("a hunk that changes nothing", "*** Update File: src/a.rs\n@@\n one", "bad_edit"),
        ("an unknown header", "*** Frobnicate File: src/a.rs", "bad_edit"),
        ("an added line without its mark", "*** Add File: src/b.rs\n+x\ny", "bad_edit"),
        ("context that is not there", "*** Update File: src/a.rs\n@@\n uno\n-dos\n+2", "not_found"),
        ("an update of what is not there", "*** Update File: src/n.rs\n@@\n-x\n+y", "not_found"),
        ("a directory", "*** Delete File: src", "out_of_scope"),
        ("a path above", "*** Add File: ../x\n+x", "unsafe_path"),
        ("a move out of scope", "*** Update File: src/b.rs\n*** Move to: src/z.rs", "out_of_scope"),
        (
            "a move onto what is edited",
            "*** Update File: src/b.rs\n*** Move to: src/a.rs\n*** Update File: src/a.rs\n@@\n-two\n+2",
            "overlap",
        ),
        (
            "one good, one bad",
            "*** Update File: src/a.rs\n@@\n-two\n+2\n*** Update File: src/b.rs\n@@\n-q\n+r",
            "not_found",
        ),
    ];
    for (rule, inner, expected) in table {
        assert_eq!(two().may_create(&["src/n.rs"]).says(&patch(inner)), expected, "{rule}");
    }
}

#[test]
fn an_envelope_may_be_dressed_as_a_command() {
    let inner = patch("*** Update File: src/a.rs\n@@\n-two\n+2");
    let new = "src/a.rs=one\n2\nthree\n";
    for (rule, reply) in [
        ("a heredoc", format!("```bash\napply_patch <<'EOF'\n{inner}EOF\n```")),
        ("a bare heredoc", format!("<<EOF\n{inner}EOF\n")),
        ("behind a directory", format!("```sh\ncd /p && apply_patch <<\"EOF\"\n{inner}EOF\n```")),
        ("padded marks", inner.replace("*** Begin Patch", "  *** Begin Patch  ").replace("*** End", " *** End")),
        ("in CR LF", inner.replace('\n', "\r\n")),
    ] {
        assert_eq!(two().says(&reply), new, "{rule}");
    }
}

#[test]
fn an_envelope_without_its_end_is_truncated_unless_a_fence_ends_it() {
    let open = "*** Begin Patch\n*** Update File: src/a.rs\n@@\n-two\n+2\n";
    assert_eq!(two().says(open), "truncated");
    assert_eq!(two().says(&format!("```\n{open}```")), "src/a.rs=one\n2\nthree\n");
    assert_eq!(
        two().says("*** Update File: src/a.rs\n@@\n-two\n+2\n"),
        "src/a.rs=one\n2\nthree\n",
        "no envelope at all"
    );
    let whole = one().take(Format::Whole, open).expect_err("a patch is no file");
    assert_eq!(whole[0].code, Code::TruncatedEdit);
}

#[test]
fn anchors_tell_which_of_several_places_is_meant() {
    let file = "class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 1\n";
    let says = |anchors: &str| {
        let inner = format!("*** Update File: a.py\n{anchors}\n-        return 1\n+        return 2");
        Bench::of(&[("a.py", file)]).says(&patch(&inner))
    };
    let second = "a.py=class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 2\n";
    assert_eq!(says("@@ class B:"), second);
    assert_eq!(says("@@ class B:\n@@     def f(self):"), second);
    assert_eq!(says("@@"), "ambiguous");
    assert_eq!(says("@@ def f(self):"), "ambiguous");
}

#[test]
fn a_last_line_that_is_replaced_gets_a_newline_and_others_keep_what_is_there() {
    let says =
        |inner: &str| Bench::of(&[("a.txt", "x\ny")]).says(&patch(&format!("*** Update File: a.txt\n@@\n{inner}")));
    assert_eq!(says("-y\n+z"), "a.txt=x\nz\n");
    assert_eq!(says("-x\n+z"), "a.txt=z\ny");
}

#[test]
fn typographic_signs_of_the_file_may_be_plain_in_the_patch() {
    let bench = Bench::of(&[("a.py", "import asyncio  # local import – avoids top‑level dep\nx = 1\n")]);
    let inner =
        "*** Update File: a.py\n@@\n-import asyncio  # local import - avoids top-level dep\n+import asyncio  # HELLO";
    assert_eq!(bench.says(&patch(inner)), "a.py=import asyncio  # HELLO\nx = 1\n");
}

#[test]
fn a_move_is_flagged_under_both_names() {
    let reply = patch("*** Update File: src/b.rs\n*** Move to: src/m.rs");
    let edited = two().may_create(&["src/m.rs"]).take(Format::Auto, &reply).expect("a move");
    let flags: Vec<(&str, &str)> = edited.flags.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
    let told = "'src/b.rs' is moved to 'src/m.rs'";
    assert_eq!(flags, [("src/b.rs", told), ("src/m.rs", told)]);
    assert_eq!(edited.format, Format::Patch);
}
