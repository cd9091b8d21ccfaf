//! Edits as JSON and as tool calls.

use super::*;

#[test]
fn edits_in_json_are_applied_in_every_wrapping() {
    let new = "src/a.rs=one\n2\nthree\n";
    check(
        two,
        &[
            ("an object", r#"{"path": "src/a.rs", "old_text": "two", "new_text": "2"}"#, new),
            ("in a fence", "```json\n{\"path\": \"src/a.rs\", \"old_text\": \"two\", \"new_text\": \"2\"}\n```", new),
            ("an array", r#"[{"path": "src/a.rs", "old_text": "two\n", "new_text": "2\n"}]"#, new),
            ("under edits", r#"{"edits": [{"path": "src/a.rs", "old_text": "two", "new_text": "2"}]}"#, new),
            (
                "a path for several",
                r#"{"path": "src/a.rs", "edits": [{"old_text": "one\n", "new_text": ""}, {"old_text": "two", "new_text": "2"}]}"#,
                "src/a.rs=2\nthree\n",
            ),
            (
                "a tool call",
                r#"{"type": "tool_use", "name": "str_replace_based_edit_tool", "input": {"command": "str_replace", "path": "/repo/src/a.rs", "old_str": "two", "new_str": "2"}}"#,
                new,
            ),
            (
                "within marks of a tool call",
                "<tool_call>\n{\"name\": \"edit\", \"arguments\": {\"file_path\": \"src/a.rs\", \"old_string\": \"two\", \"new_string\": \"2\"}}\n</tool_call>",
                new,
            ),
            (
                "a part of a line",
                r#"{"path": "src/a.rs", "old_text": "wo", "new_text": "ow"}"#,
                "src/a.rs=one\ntow\nthree\n",
            ),
            (
                "over a line's end",
                r#"{"path": "src/a.rs", "old_text": "e\ntw", "new_text": "e tw"}"#,
                "src/a.rs=one two\nthree\n",
            ),
            (
                "every place",
                r#"{"file_path": "src/a.rs", "old_string": "t", "new_string": "T", "replace_all": true}"#,
                "src/a.rs=one\nTwo\nThree\n",
            ),
            (
                "every place there is, of which there is one",
                r#"{"file_path": "src/a.rs", "old_string": "two", "new_string": "2", "replace_all": true}"#,
                new,
            ),
            (
                "every place and one of them otherwise",
                r#"[{"path": "src/a.rs", "old_text": "e", "new_text": "E", "replace_all": true}, {"path": "src/a.rs", "old_text": "two", "new_text": "2"}]"#,
                "src/a.rs=onE\n2\nthrEE\n",
            ),
            (
                "an insertion",
                r#"{"command": "insert", "path": "src/a.rs", "insert_line": 1, "new_str": "x\n"}"#,
                "src/a.rs=one\nx\ntwo\nthree\n",
            ),
            (
                "an insertion at the top",
                r#"{"command": "insert", "path": "src/a.rs", "insert_line": 0, "insert_text": "x"}"#,
                "src/a.rs=x\none\ntwo\nthree\n",
            ),
            ("a whole file", r#"{"command": "create", "path": "src/b.rs", "file_text": "x\ny\n"}"#, "src/b.rs=x\ny\n"),
            ("a deletion", r#"{"path": "src/b.rs", "action": "delete"}"#, "src/b.rs=(deleted)"),
            (
                "a look and an edit",
                r#"[{"command": "view", "path": "src/z.rs"}, {"command": "str_replace", "path": "src/a.rs", "old_str": "two", "new_str": "2"}]"#,
                new,
            ),
            ("a path above", "`src/a.rs`:\n{\"old_text\": \"two\", \"new_text\": \"2\"}", new),
            (
                "line breaks in strings",
                "{\"path\": \"src/a.rs\", \"old_text\": \"one\ntwo\", \"new_text\": \"1\n2\"}",
                "src/a.rs=1\n2\nthree\n",
            ),
        ],
    );
}

#[test]
fn edits_in_json_that_do_not_fit_are_refused() {
    check(
        || Bench::of(&[("a.txt", "x\ny\nx\nz z\n")]),
        &[
            ("nowhere", r#"{"path": "a.txt", "old_text": "q", "new_text": "r"}"#, "not_found"),
            ("two places", r#"{"path": "a.txt", "old_text": "x", "new_text": "r"}"#, "ambiguous"),
            ("two places in a line", r#"{"path": "a.txt", "old_text": "z", "new_text": "r"}"#, "ambiguous"),
            ("no old text", r#"{"path": "a.txt", "old_text": "", "new_text": "r"}"#, "bad_edit"),
            (
                "behind the end",
                r#"{"command": "insert", "path": "a.txt", "insert_line": 9, "new_str": "q"}"#,
                "not_found",
            ),
            ("no path", r#"{"old_text": "y", "new_text": "r"}"#, "a.txt=x\nr\nx\nz z\n"),
            ("another path", r#"{"path": "b.txt", "old_text": "y", "new_text": "r"}"#, "out_of_scope"),
            ("a NUL", r#"{"path": "a.txt", "old_text": "y", "new_text": "\u0000"}"#, "bad_edit"),
        ],
    );
}

#[test]
fn json_that_is_a_file_is_a_file() {
    let bench = Bench::of(&[("package.json", "{}\n")]);
    assert_eq!(bench.says("```package.json\n{\"name\": \"x\"}\n```"), "package.json={\"name\": \"x\"}\n");
}

#[test]
fn forms_that_are_not_read_are_refused_by_name() {
    for (reply, name) in [
        ("<tool_call>\n{\"name\": \"bash\", \"arguments\": {}}\n</tool_call>", "a tool call"),
        ("<write_to_file>\n<path>src/a.rs</path>\n<content>\nx\n</content>\n</write_to_file>", "a tool call"),
        ("[TOOL_CALLS] [{\"name\": \"x\"}]", "a tool call"),
        ("```ed\n2c\n2\n.\nw\nq\n```", "an ed script"),
        ("```\n2c\n2\n.\nw\n```", "an ed script"),
        ("```bash\nsed -i 's/two/2/' src/a.rs\n```", "a shell script that changes files"),
    ] {
        let refusals = one().take(Format::Auto, reply).expect_err(reply);
        assert_eq!(refusals[0].code, Code::BadEdit, "{reply}");
        assert!(refusals[0].message.contains(name), "{reply}: {}", refusals[0].message);
    }
}
