//! What is told where nothing is applied.

use super::*;

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
    assert_eq!(refusals.len(), 1000, "the first are told");
    assert!(!refusals[0].candidates.is_empty() && refusal_text(&refusals).len() < 2048);
}

/// The text for the model, for a reply about `src/a.rs` with the lines one, two and three.
fn told(bench: &Bench, reply: &str) -> String {
    refusal_text(&bench.take(Format::Auto, reply).and_then(Edited::changing).expect_err("a refusal"))
}

#[test]
fn every_code_is_told_in_words_that_help() {
    let block = |old: &str, new: &str| format!("src/a.rs\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n");
    let long: String = (0..60).map(|i| format!("let line_{i} = {i};\n")).collect();
    let bench = Bench::of(&[("src/a.rs", "let one = 1;\nlet two = 2;\n}\nlet three = 3;\n}\n")]);
    let long = Bench::of(&[("src/a.rs", &long)]);
    let table = [
        (
            Code::NotFound,
            told(&bench, &block("let two = 22;", "x")),
            "- edit 1 (line 2 of the reply): not_found: the text that begins 'let two = 22;' (1 line) is not in 'src/a.rs'; nearest is line 2: 'let two = 2;' where the edit has 'let two = 22;'\n  in the file now, line and text:\n    2: let two = 2;\n    4: let three = 3;\nCopy the text to be replaced exactly from the file as it is now.\n",
        ),
        (
            Code::Ambiguous,
            told(&bench, &block("}", "]")),
            "- edit 1 (line 2 of the reply): ambiguous: the text that begins '}' (1 line) fits 'src/a.rs' at lines 3, 5\n  in the file now, line and text:\n    3: }\n    5: }\nGive more of the lines around each change, so that they stand in the file only once.\n",
        ),
        (
            Code::Elided,
            told(&bench, &block("let one = 1;", "// ... existing code ...")),
            "- edit 1 (line 2 of the reply): elided: the new text of 'src/a.rs' leaves something out: '// ... existing code ...'\nWrite every line; never stand dots or a comment for text that stays.\n",
        ),
        (
            Code::TruncatedEdit,
            told(&bench, "src/a.rs\n<<<<<<< SEARCH\nlet one"),
            "- edit 1 (line 2 of the reply): truncated: the reply ends inside a SEARCH/REPLACE block\nMake the reply shorter, and close every fence and block.\n",
        ),
        (
            Code::OutOfScope,
            told(&bench, "```src/z.rs\nx\n```"),
            "- edit 1 (line 1 of the reply): out_of_scope: 'src/z.rs' is not one of the files that may change; allowed: 'src/a.rs'\nChange only the files that the task names, by exactly those paths.\n",
        ),
        (
            Code::UnsafePath,
            told(&bench, "```../z.rs\nx\n```"),
            "- edit 1 (line 1 of the reply): unsafe_path: '../z.rs' is not a path inside the repository: a component is '.' or '..'\nChange only the files that the task names, by exactly those paths.\n",
        ),
        (
            Code::Shrinks,
            told(&long, "```src/a.rs\nlet one = 1;\n```"),
            "- edit 1 (line 1 of the reply): shrinks: the reply leaves 1 of the 60 lines of 'src/a.rs'\nWrite the whole file, or change it with SEARCH/REPLACE blocks.\n",
        ),
        (
            Code::Overlap,
            told(&bench, &(block("let one = 1;\nlet two = 2;", "x") + &block("let two = 2;\n}\nlet three = 3;", "y"))),
            "- edit 2 (line 9 of the reply): overlap: edits 1 and 2 both touch 'src/a.rs' at line 2\n  in the file now, line and text:\n    2: let two = 2;\nMake one edit of edits that touch the same lines; each is held against the file as it is now.\n",
        ),
        (
            Code::BadEdit,
            told(&bench, "src/a.rs\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n"),
            "- edit 1 (line 2 of the reply): bad_edit: a block has no ======= line between SEARCH and REPLACE\nAnswer again in the form that the task asks for.\n",
        ),
        (
            Code::Refusal,
            told(&bench, "I'm sorry, but I cannot help with that."),
            "- refusal: the model declined the work\nAnswer with edits, each with the path of its file.\n",
        ),
        (
            Code::NoEdits,
            told(&bench, "It looks fine."),
            "- no_edits: the reply holds no edit\nAnswer with edits, each with the path of its file.\n",
        ),
        (
            Code::EmptyReply,
            told(&bench, " \n"),
            "- empty_reply: the reply is empty\nAnswer with edits, each with the path of its file.\n",
        ),
        (
            Code::Unchanged,
            told(&bench, &block("let one = 1;", "let one = 1;")),
            "- unchanged: the reply changes nothing: the files already are like that\nThe files already are as the reply has them; make the change that the task asks for.\n",
        ),
    ];
    for (code, text, expected) in table {
        assert_eq!(text, format!("Nothing of the last reply was applied.\n{expected}"), "{code}");
        assert!(text.len() < 2048, "{code}");
    }
}

#[test]
fn a_refusal_is_written_as_json_with_its_places() {
    let reply = "src/a.rs\n<<<<<<< SEARCH\ntwice\n=======\nx\n>>>>>>> REPLACE\n";
    let refusals = Bench::of(&[("src/a.rs", "twice\ntwice\n")]).take(Format::Auto, reply).expect_err("two places");
    let json = serde_json::to_value(&refusals).expect("it can be written");
    let places = serde_json::json!([{"line": 1, "text": "twice"}, {"line": 2, "text": "twice"}]);
    assert_eq!(
        (&json[0]["code"], &json[0]["path"], &json[0]["edit"], &json[0]["line"], &json[0]["candidates"]),
        (
            &serde_json::json!("ambiguous"),
            &serde_json::json!("src/a.rs"),
            &serde_json::json!(1),
            &serde_json::json!(2),
            &places
        )
    );
}
