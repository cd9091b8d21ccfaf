//! What holds for all forms.

use super::*;

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
fn format_names_are_those_of_a_ticket() {
    let names = ["auto", "whole", "search-replace", "udiff", "patch", "json"];
    for name in names {
        let format: Format = serde_json::from_value(serde_json::json!(name)).expect(name);
        assert_eq!(serde_json::to_value(format).expect(name), name);
    }
}

fn block(old: &str, new: &str) -> String {
    format!("<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n")
}

/// A file with two functions that are much alike.
const TWINS: &str = "def first(items):\n    total = 0\n    for item in items:\n        total += item.price\n    return total\n\n\ndef second(items):\n    count = 0\n    for item in items:\n        count += item.price\n    return count\n";

fn kinds(file: &str, reply: &str) -> Result<(String, Vec<Kind>), Code> {
    match Bench::of(&[("a.py", file)]).take(Format::Auto, reply) {
        Ok(edited) => {
            let file = &edited.files[0];
            let new = file.new.clone().unwrap_or_default();
            Ok((String::from_utf8_lossy(&new).into_owned(), file.edits.iter().map(|e| e.kind).collect()))
        }
        Err(refusals) => Err(refusals[0].code),
    }
}

#[test]
fn each_kind_of_fit_is_recorded() {
    let changed = |old: &str, new: &str| TWINS.replace(old, new);
    for (kind, old, new, expected) in [
        (Kind::Exact, "    count = 0", "    count = 1", changed("count = 0", "count = 1")),
        (Kind::Trailing, "    count = 0  ", "    count = 1", changed("count = 0", "count = 1")),
        (
            Kind::Indent,
            "count = 0\nfor item in items:\n    count += item.price",
            "count = 1\nfor item in items:\n    count += item.price",
            changed("count = 0", "count = 1"),
        ),
        (
            Kind::BlankLines,
            "    return total\n\ndef second(items):",
            "    return 0\n\ndef second(items):",
            changed("return total", "return 0"),
        ),
        (
            Kind::Elision,
            "def second(items):\n    ...\n    return count",
            "def second(items):\n    ...\n    return 0",
            changed("return count", "return 0"),
        ),
        (
            Kind::Similar,
            "def second(items):\n    count = None\n    for item in items:\n        count += item.price",
            "def second(items):\n    count = None\n    for item in items:\n        count += 1",
            changed("count += item.price", "count += 1"),
        ),
    ] {
        assert_eq!(kinds(TWINS, &block(old, new)), Ok((expected, vec![kind])), "{kind:?}");
    }
}

#[test]
fn tabs_and_other_steps_of_the_file_are_kept() {
    let tabs = TWINS.replace("    ", "\t");
    let reply = block(
        "    count = 0\n    for item in items:\n        count += item.price",
        "    count = 0\n    for item in items:\n        count += 1",
    );
    assert_eq!(kinds(&tabs, &reply), Ok((tabs.replace("count += item.price", "count += 1"), vec![Kind::Indent])));
}

#[test]
fn white_space_that_is_the_change_must_match_as_it_is() {
    assert_eq!(kinds("a\n   b = 1\nc\n", &block("  b = 1", "    b = 1")), Err(Code::NotFound));
    assert_eq!(
        kinds("a\n  b = 1\nc\n", &block("  b = 1", "    b = 1")),
        Ok(("a\n    b = 1\nc\n".into(), vec![Kind::Exact]))
    );
}

#[test]
fn what_goes_away_is_never_guessed() {
    for (rule, old, new) in [
        (
            "a changed line that differs",
            "    for item in items:\n        count += item.cost\n    return count",
            "    for item in items:\n        count += 1\n    return count",
        ),
        (
            "a line of dots that goes away",
            "def second(items):\n    ...\n    return count",
            "def second(items):\n    return len(items)",
        ),
    ] {
        assert!(kinds(TWINS, &block(old, new)).is_err(), "{rule}");
    }
}

#[test]
fn later_edits_see_what_earlier_ones_bring() {
    let reply = format!(
        "{}{}",
        block("    count = 0", "    seen = set()\n    count = 0"),
        block("    seen = set()", "    seen = dict()")
    );
    let want = TWINS.replace("    count = 0", "    seen = dict()\n    count = 0");
    assert_eq!(kinds(TWINS, &reply), Ok((want, vec![Kind::Exact, Kind::Exact])));
}

#[test]
fn equal_places_are_settled_where_the_reply_tells_which() {
    let file = "a = 1\nx\nb = 2\nx\nc = 3\n";
    let each = |edits: &[(&str, &str)]| edits.iter().map(|(o, n)| block(o, n)).collect::<String>();
    for (rule, reply, expected) in [
        (
            "between its neighbours",
            each(&[("a = 1", "a = 9"), ("x", "y"), ("b = 2", "b = 9")]),
            Ok("a = 9\ny\nb = 9\nx\nc = 3\n"),
        ),
        ("the other is taken", each(&[("a = 1\nx", "a = 1\nz"), ("x", "y")]), Ok("a = 1\nz\nb = 2\ny\nc = 3\n")),
        ("as many edits as places", each(&[("x", "y"), ("x", "y")]), Ok("a = 1\ny\nb = 2\ny\nc = 3\n")),
        ("a line number", block(":start_line:4\n-------\nx", "y"), Ok("a = 1\nx\nb = 2\ny\nc = 3\n")),
        ("nothing tells", each(&[("x", "y")]), Err(Code::Ambiguous)),
        ("one neighbour of a block tells nothing", each(&[("a = 1", "a = 9"), ("x", "y")]), Err(Code::Ambiguous)),
    ] {
        assert_eq!(kinds(file, &reply).map(|(new, _)| new), expected.map(str::to_owned), "{rule}");
    }
}

#[test]
fn what_is_there_already_is_unchanged() {
    let edits = [("    count = 0", "    count = 1"), ("    return total", "    log(total)\n    return total")];
    let reply: String = edits.iter().map(|(o, n)| block(o, n)).collect();
    let (new, _) = kinds(TWINS, &reply).expect("edits");
    let edited = Bench::of(&[("a.py", &new)]).take(Format::Auto, &reply).expect("there already");
    assert_eq!((edited.files[0].action, edited.changes().count()), (Action::Unchanged, 0));
    assert!(edited.files[0].edits.iter().all(|e| e.kind == Kind::Unchanged));
    assert_eq!(edited.changing().expect_err("no draft")[0].code, Code::Unchanged);
}

#[test]
fn marks_of_every_dialect_open_and_close_a_block() {
    for reply in [
        "------- SEARCH\n    count = 0\n=======\n    count = 1\n+++++++ REPLACE\n",
        "<<<<<<< ORIGINAL\n    count = 0\n=======\n    count = 1\n>>>>>>> UPDATED\n",
        "<<<<< SEARCH\n    count = 0\n=====\n    count = 1\n>>>>> REPLACE\n",
        "```\na.py\n<<<<<<< SEARCH\n    count = 0\n=======\n    count = 1\n>>>>>>> REPLACE\n```\n",
        "<replace_in_file>\n<path>a.py</path>\n<diff>\n------- SEARCH\n    count = 0\n=======\n    count = 1\n+++++++ REPLACE\n</diff>\n</replace_in_file>\n",
    ] {
        assert_eq!(kinds(TWINS, reply), Ok((TWINS.replace("count = 0", "count = 1"), vec![Kind::Exact])), "{reply}");
    }
}

#[test]
fn a_whole_file_with_a_stub_for_a_body_is_refused() {
    let stubbed = TWINS.replace(
        "    count = 0\n    for item in items:\n        count += item.price\n    return count\n",
        "    # implementation unchanged\n    pass\n",
    );
    assert_eq!(kinds(TWINS, &format!("a.py\n```python\n{stubbed}```\n")), Err(Code::Elided));
}

#[test]
fn names_with_marks_of_their_own_are_names() {
    for name in ["__init__.py", "_compat.py", "404.test.js", "a-b.py", ".env.example"] {
        let bench = || Bench::of(&[(name, "x = 1\n")]);
        for reply in [
            format!("{name}\n{}", block("x = 1", "x = 2")),
            format!("**{name}**\n```\nx = 2\n```"),
            format!("## `{name}`\n\n```\nx = 2\n```"),
            format!("```\n# {name}\nx = 2\n```"),
        ] {
            assert_eq!(bench().says(&reply), format!("{name}=x = 2\n"), "{reply}");
        }
    }
}
