//! The lines of a long log that say what failed, for the next prompt: short, without colours and without the paths of a
//! copy that is gone. The whole log stays in the evidence.

mod marks;

/// The longest line, in characters.
const LINE_CHARS: usize = 300;

/// At most `most` bytes of `log`: the lines that tools mark as failures with what stands around them, else its head and
/// its tail. `copies` are directories that are named no more.
pub(super) fn failing(log: &str, copies: &[&str], most: usize) -> String {
    let mut text = plain(log);
    for copy in copies {
        text = text.replace(&format!("{copy}/"), "").replace(copy, ".");
    }
    let lines: Vec<String> = text.lines().map(short).collect();
    if text.len() <= most && lines.iter().map(|l| l.len() + 1).sum::<usize>() <= most {
        return lines.join("\n").trim_matches('\n').to_owned();
    }
    let kept = marks::kept(&lines);
    let chosen: Vec<usize> = (0..lines.len()).filter(|i| kept[*i]).collect();
    let some: Vec<usize> = if chosen.is_empty() { (0..lines.len()).collect() } else { chosen };
    ends(&lines, &some, most)
}

fn short(line: &str) -> String {
    let line = line.trim_end();
    match line.char_indices().nth(LINE_CHARS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// The chosen lines within `most` bytes, the first and the last of them where not all fit; `[…]` stands for what is left
/// out.
fn ends(lines: &[String], chosen: &[usize], most: usize) -> String {
    const GAP: &str = "[…]";
    let room = most.saturating_sub(4 * (GAP.len() + 1));
    let cost = |i: &usize| lines[*i].len() + 1 + GAP.len() + 1;
    let (mut first, mut last, mut used) = (0, chosen.len(), 0);
    while first < last {
        let from_front = used <= room / 2;
        let at = if from_front { first } else { last - 1 };
        used += cost(&chosen[at]);
        if used > room {
            break;
        }
        if from_front { first += 1 } else { last -= 1 }
    }
    let mut out: Vec<&str> = Vec::new();
    let mut before = None;
    for i in chosen[..first].iter().chain(&chosen[last..]) {
        if before.map_or(*i > 0, |b| *i > b + 1) {
            out.push(GAP);
        }
        out.push(&lines[*i]);
        before = Some(*i);
    }
    if before.is_none_or(|b| b + 1 < lines.len()) {
        out.push(GAP);
    }
    out.join("\n")
}

/// Text without escape sequences and other control characters; a carriage return begins its line again.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.truncate(out.rfind('\n').map_or(0, |at| at + 1)),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            chars.by_ref().find(|c| ('@'..='~').contains(c));
        }
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(line: &str) -> String {
        let noise: String = (0..400).map(|i| format!("compiling part {i} of the whole, which is fine\n")).collect();
        format!("{noise}{line}\n{noise}")
    }

    #[test]
    fn a_short_log_is_kept_whole_without_colours_and_copies() {
        let log = "\u{1b}[31mred\u{1b}[0m at /tmp/haco-T-001-9-x/copy/src/a.py\r\nin /tmp/haco-T-001-9-x/copy\n\u{1b}]0;title\u{7}done\u{8}\n";
        assert_eq!(failing(log, &["/tmp/haco-T-001-9-x/copy"], 4096), "red at src/a.py\nin .\ndone");
    }

    #[test]
    fn a_progress_line_is_its_last_state() {
        assert_eq!(plain("10%\r50%\r100%\nok\r\n"), "100%\nok\n");
    }

    #[test]
    fn the_lines_that_tools_mark_are_found_in_noise() {
        for line in [
            "E   assert 1 == 2",
            "FAILED tests/test_a.py::test_one - assert 1 == 2",
            "error[E0308]: mismatched types",
            "thread 'tests::one' panicked at src/lib.rs:3:5:",
            "---- tests::one stdout ----",
            "test tests::one ... FAILED",
            "--- FAIL: TestOne (0.00s)",
            "not ok 3 - adds",
            "src/a.ts(3,5): error TS2322: Type 'x'",
            "main.c:3:5: error: expected ';'",
        ] {
            let text = failing(&noisy(line), &[], 2000);
            assert!(text.contains(line) && text.len() <= 2000, "{line}: {text}");
            assert!(text.starts_with("[…]\ncompiling part 398") && text.ends_with("[…]"), "{text}");
        }
    }

    /// What a tool really said, and what of it a model must be told.
    macro_rules! samples {
        ($($name:literal: [$($line:literal),* $(,)?]),* $(,)?) => {
            [$(($name, include_str!(concat!("extract/samples/", $name, ".txt")), &[$($line),*][..])),*]
        };
    }

    #[test]
    fn what_real_tools_say_of_a_failure_is_found_in_noise() {
        let samples = samples! {
            "pytest": [
                "FAILED test_shop.py::test_price - AssertionError", ">       assert got == 7", "E       AssertionError: three cost seven", "E       assert 6 == 7",
                "test_shop.py:10: AssertionError", "E       KeyError: 'missing'", "E   RuntimeError: no database",
                "ERROR test_shop.py::test_with_db - RuntimeError: no database",
            ],
            "unittest": ["FAIL: test_a (__main__.T.test_a)", "line 3, in test_a", "AssertionError: {'a': 1} != {'a': 2}"],
            "python": ["line 5, in <module>", "json.decoder.JSONDecodeError: Expecting property name"],
            "cargo-test": [
                "test tests::adds ... FAILED", "---- tests::explodes stdout ----", "Error: \"no\"", "panicked at src/lib.rs:5:25:",
                "two and not three", "  left: 2", " right: 3",
            ],
            "cargo-build": ["error[E0308]: mismatched types", " --> src/lib.rs:1:22", "error[E0425]: cannot find function `g`", " --> src/lib.rs:2:10"],
            "go-test": ["--- FAIL: TestPrice", "shop_test.go:7: got 6, want 7", "panic: runtime error: index out of range [1] with length 1"],
            "go-build": ["./shop.go:3:32: undefined: missing", "cannot use \"x\" (untyped string constant) as int value"],
            "node-spec": ["✖ adds", "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:", "  2 !== 3", "TypeError [Error]: no such thing"],
            "node-tap": ["not ok 4 - adds", "location: 'js/a.test.js:3:1'", "    2 !== 3", "not ok 5 - throws", "error: 'no such thing'"],
            "tsc": ["a.ts(1,7): error TS2322: Type 'string'", "a.ts(3,3): error TS2345"],
            "tsc-pretty": ["a.ts:1:7 - error TS2322: Type 'string'", "1 const n: number = \"x\";", "a.ts:3:3 - error TS2345"],
            "eslint": ["es/x.js", "  2:7   error    Expected '===' and instead saw '=='     eqeqeq"],
            "gcc": [
                "a.c:2:10: fatal error: none.h", "b.c:1:26: error: expected", "undefined reference to `nowhere'", "b2.c:2:17: error:",
                "make: *** [Makefile:3: b.o] Error 1",
            ],
        };
        for (name, log, lines) in samples {
            let text = failing(&noisy(log), &["/home/ada/shop"], 4096);
            assert!(text.len() <= 4096 && !text.contains('\u{1b}') && !text.contains("/home/ada"), "{name}: {text}");
            for line in lines {
                assert!(text.contains(line), "{name}: {line} is missing in\n{text}");
            }
        }
    }

    #[test]
    fn without_a_mark_head_and_tail_are_kept() {
        let text = failing(&noisy("nothing special"), &[], 1000);
        assert!(
            text.starts_with("compiling part 0 ") && text.ends_with("compiling part 399 of the whole, which is fine")
        );
        assert!(text.len() <= 1000 && text.contains("\n[…]\n"), "{text}");
    }

    #[test]
    fn too_many_failures_are_cut_in_the_middle_and_one_endless_line_is_cut_short() {
        let all: String = (0..500).map(|i| format!("not ok {i} - something\n")).collect();
        let text = failing(&all, &[], 1000);
        assert!(text.len() <= 1000 && text.contains("not ok 0 ") && text.contains("not ok 499 "), "{text}");
        assert!(failing(&"x".repeat(100_000), &[], 1000).len() < 1000);
        assert_eq!(failing("", &[], 1000), "");
    }
}
