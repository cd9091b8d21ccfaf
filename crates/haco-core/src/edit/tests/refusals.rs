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
    assert_eq!(refusals.len(), 20_000);
    assert!(!refusals[0].candidates.is_empty() && refusal_text(&refusals).len() < 2048);
}
