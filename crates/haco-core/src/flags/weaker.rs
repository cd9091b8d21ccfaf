//! Edits after which tests or pipelines ask for less: tests that are skipped or gone, assertions that are gone,
//! thresholds that fell, failures that no longer count. By the words of each language, on lines that are new.

use super::{MOST, at};
use crate::{
    delta::Delta,
    verdict::{Finding, Severity},
};

/// What a change adds to one file.
pub(super) fn of(path: &str, old: &str, new: &str, fresh: &[(usize, &str)]) -> Vec<Finding> {
    let kind = Kind::of(path);
    let hit = |(n, line): &(usize, &str)| {
        let code = line.trim();
        if code.len() > 2000 || is_comment(code) && !code.contains("eslint-disable") && !code.contains("@ts-") {
            return None;
        }
        let (severity, message) = kind.says(code)?;
        Some(at(severity, path, Some(*n), message))
    };
    let mut found: Vec<Finding> = fresh.iter().filter_map(hit).take(MOST).collect();
    found.extend(lowered(path, old, new, fresh));
    found
}

/// Which words a file is searched for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Source in a language, by the words that skip a test there and those that silence a checker.
    Source(&'static [&'static str], &'static [&'static str]),
    /// Commands, or settings of what runs them.
    Commands,
    Other,
}

impl Kind {
    fn of(path: &str) -> Kind {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
        match extension {
            "rs" => Kind::Source(&["#[ignore"], &["#![allow(", "#[allow("]),
            "py" => Kind::Source(PYTHON, &["# noqa", "# type: ignore", "# nosec", "# pylint: disable"]),
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "vue" | "svelte" => {
                Kind::Source(SCRIPT, &["eslint-disable", "@ts-ignore", "@ts-nocheck", "@ts-expect-error"])
            }
            "go" => Kind::Source(&["t.Skip(", "t.Skipf(", "t.SkipNow(", "b.Skip("], &["//nolint", "#nosec"]),
            "java" | "kt" | "scala" | "groovy" => Kind::Source(
                &["@Disabled", "@Ignore", "enabled = false", "assumeTrue(", "assumeFalse("],
                &["@SuppressWarnings", "@Suppress("],
            ),
            "cs" | "fs" => Kind::Source(&["[Ignore", "Skip = \"", "Assert.Ignore("], &["#pragma warning disable"]),
            "rb" => {
                Kind::Source(&["xit ", "xdescribe ", "xcontext ", "skip ", "skip(", "pending "], &["rubocop:disable"])
            }
            "php" => Kind::Source(&["markTestSkipped(", "markTestIncomplete("], &["@phpstan-ignore", "phpcs:disable"]),
            "swift" => Kind::Source(&["XCTSkip"], &["swiftlint:disable"]),
            "ex" | "exs" => Kind::Source(&["@tag :skip", "@tag skip:", "@moduletag :skip"], &[]),
            "sh" | "bash" | "bats" | "yml" | "yaml" | "mk" | "dockerfile" | "toml" | "cfg" | "ini" | "json" => {
                Kind::Commands
            }
            _ if matches!(name.as_str(), "makefile" | "justfile" | "jenkinsfile" | "dockerfile") => Kind::Commands,
            _ => Kind::Other,
        }
    }

    fn says(self, code: &str) -> Option<(Severity, String)> {
        let has = |words: &[&'static str]| words.iter().copied().find(|w| stands(code, w));
        match self {
            Kind::Source(skips, silences) => {
                let skip = has(skips).map(|w| (Severity::Medium, format!("a test may be left out: '{}'", w.trim())));
                skip.or_else(|| has(silences).map(|w| (Severity::Low, format!("a checker is silenced: '{w}'"))))
            }
            Kind::Commands => has(LENIENT).map(|w| (Severity::Medium, format!("a failure may go unseen: '{w}'"))),
            Kind::Other => None,
        }
    }
}

const PYTHON: &[&str] = &[
    "@pytest.mark.skip",
    "pytest.skip(",
    "pytest.mark.skip",
    "@unittest.skip",
    "@skip",
    "self.skipTest(",
    "@pytest.mark.xfail",
    "pytest.mark.xfail",
    "@unittest.expectedFailure",
    "collect_ignore",
];

const SCRIPT: &[&str] = &[
    "it.skip(",
    "test.skip(",
    "describe.skip(",
    "it.only(",
    "test.only(",
    "describe.only(",
    "xit(",
    "xtest(",
    "xdescribe(",
    "fit(",
    "fdescribe(",
    "it.todo(",
    "test.todo(",
    "it.fails(",
    "test.fails(",
    "test.fixme(",
];

const LENIENT: &[&str] = &[
    "|| true",
    "|| :",
    "||true",
    "|| exit 0",
    "set +e",
    "continue-on-error: true",
    "allow_failure: true",
    "continueOnError: true",
    "--passWithNoTests",
    "--no-verify",
    "--no-fail-on-error",
    "--deselect",
    "if: false",
    "pull_request_target",
    "permissions: write-all",
    "failOnError: false",
    "fail_ci_if_error: false",
];

/// Whether the word stands there on its own: what is before it is no part of a longer word.
fn stands(code: &str, word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_alphanumeric());
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !begins || !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.' || c == '$' || c == '"')
    })
}

fn is_comment(code: &str) -> bool {
    code.starts_with("//") || code.starts_with("# ") || code.starts_with("/*") || code.starts_with("* ")
}

/// Keys of a coverage or other least value.
const THRESHOLDS: [&str; 8] = [
    "fail_under",
    "fail-under",
    "minimum_coverage",
    "min_coverage",
    "coverage_threshold",
    "minimumCoverage",
    "mutation_threshold",
    "<minimum>",
];

/// A least value that fell, or a key of one that is gone.
fn lowered(path: &str, old: &str, new: &str, fresh: &[(usize, &str)]) -> Vec<Finding> {
    let value = |line: &str, key: &str| {
        let rest = &line[line.find(key)? + key.len()..];
        let digits: String = rest
            .trim_start_matches(|c: char| " \"'=:".contains(c))
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        digits.parse::<f64>().ok()
    };
    let mut found = Vec::new();
    for key in THRESHOLDS {
        let Some(was) = old.lines().find_map(|line| value(line, key)) else { continue };
        if !new.contains(key) {
            found.push(at(Severity::Medium, path, None, format!("the least value '{key}' is gone; it was {was}")));
        }
        let is = fresh.iter().find_map(|(n, line)| Some((*n, value(line, key)?)));
        if let Some((n, is)) = is.filter(|(_, is)| *is < was) {
            found.push(at(Severity::Medium, path, Some(n), format!("'{key}' is {is} instead of {was}")));
        }
    }
    found
}

/// What a file of tests holds.
#[derive(Clone, Copy, Default)]
struct Held {
    tests: usize,
    assertions: usize,
}

/// Files that hold fewer tests or assertions than before, where the whole change does: what moved between files is not
/// gone. And steps of pipelines alike.
pub(super) fn fewer(changes: &[Delta<'_>]) -> Vec<Finding> {
    let sides: Vec<(&Delta<'_>, Held, Held)> =
        changes.iter().filter(|c| is_source(c.path)).map(|c| (c, held(c.path, c.old), held(c.path, c.new))).collect();
    let total = |part: fn(&Held) -> usize| {
        let sum = |side: fn(&(&Delta<'_>, Held, Held)) -> Held| sides.iter().map(|s| part(&side(s))).sum::<usize>();
        sum(|s| s.1) > sum(|s| s.2)
    };
    let (tests, assertions) = (total(|h| h.tests), total(|h| h.assertions));
    let mut found = Vec::new();
    for (change, was, is) in &sides {
        let mut say = |few: bool, was: usize, is: usize, what: &str| {
            if few && is < was {
                let message = format!("it holds {is} {what} instead of {was}");
                found.push(at(Severity::Medium, change.path, None, message));
            }
        };
        say(tests, was.tests, is.tests, "tests");
        say(assertions, was.assertions, is.assertions, "assertions");
    }
    found.extend(changes.iter().filter_map(pipeline));
    found
}

fn is_source(path: &str) -> bool {
    matches!(Kind::of(path), Kind::Source(..)) || path.ends_with(".bats")
}

fn held(path: &str, bytes: Option<&[u8]>) -> Held {
    let text = bytes.map(String::from_utf8_lossy).unwrap_or_default();
    let begins = begins_a_test(path);
    let mut held = Held::default();
    for line in text.lines().map(str::trim).filter(|l| !is_comment(l)) {
        held.tests += usize::from(begins.iter().any(|w| line.starts_with(w)));
        held.assertions += usize::from(asserts(line));
    }
    if held.tests == 0 && !looks_like_tests(path) { Held::default() } else { held }
}

fn looks_like_tests(path: &str) -> bool {
    let path = path.to_lowercase();
    ["test", "spec"].iter().any(|w| path.contains(w))
}

/// How the line of a test begins.
fn begins_a_test(path: &str) -> &'static [&'static str] {
    match path.rsplit_once('.').map_or("", |(_, e)| e) {
        "rs" => &["#[test]", "#[tokio::test", "#[rstest", "#[test_case", "#[wasm_bindgen_test"],
        "py" => &["def test_", "async def test_"],
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" => &["it(", "test(", "it.each", "test.each", "Deno.test("],
        "go" => &["func Test", "func Fuzz", "func Example"],
        "java" | "kt" | "scala" | "groovy" => &["@Test", "@ParameterizedTest", "@RepeatedTest"],
        "cs" | "fs" => &["[Fact", "[Theory", "[Test]", "[TestMethod", "[TestCase"],
        "rb" => &["it ", "it(", "def test_", "test ", "specify "],
        "php" => &["public function test", "#[Test]"],
        "swift" => &["func test"],
        "ex" | "exs" => &["test \""],
        "bats" => &["@test "],
        _ => &[],
    }
}

fn asserts(line: &str) -> bool {
    [
        "assert",
        "expect(",
        "expect!",
        "t.Error",
        "t.Fatal",
        "require.",
        ".should",
        "XCTAssert",
        "verify(",
        "must_equal",
        "refute",
    ]
    .iter()
    .any(|w| line.contains(w))
}

/// A definition of CI that is gone, or has fewer steps.
fn pipeline(change: &Delta<'_>) -> Option<Finding> {
    let path = change.path;
    let is_ci = [".github/workflows/", ".circleci/", ".woodpecker/", ".gitea/workflows/", ".forgejo/workflows/"]
        .iter()
        .any(|dir| path.contains(dir))
        || [".gitlab-ci.yml", "Jenkinsfile", ".travis.yml", "azure-pipelines.yml"].iter().any(|n| path.ends_with(n));
    if !is_ci {
        return None;
    }
    let steps = |bytes: Option<&[u8]>| {
        let text = bytes.map(String::from_utf8_lossy).unwrap_or_default();
        let is_step = |line: &&str| {
            let body = line.trim().trim_start_matches("- ");
            ["run:", "uses:", "script:"].iter().any(|w| body.starts_with(w))
        };
        text.lines().filter(is_step).count()
    };
    let (was, is) = (steps(change.old), steps(change.new));
    let message = match change.new {
        None => "a definition of CI is deleted".to_owned(),
        Some(_) if is < was => format!("it has {is} steps instead of {was}"),
        Some(_) => return None,
    };
    Some(at(Severity::Medium, path, None, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::new_lines;

    fn said(path: &str, old: &str, new: &str) -> Vec<String> {
        let change = Delta { path, old: Some(old.as_bytes()), new: Some(new.as_bytes()) };
        let mut found = of(path, old, new, &new_lines(old, new));
        found.extend(fewer(&[change]));
        found.into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn a_test_that_is_left_out_is_named() {
        for (path, line) in [
            ("src/a.rs", "#[ignore = \"slow\"]"),
            ("tests/test_a.py", "@pytest.mark.skip(reason='x')"),
            ("tests/test_a.py", "    self.skipTest('x')"),
            ("tests/test_a.py", "pytestmark = pytest.mark.xfail"),
            ("a.test.ts", "  it.skip('adds', () => {"),
            ("a.test.ts", "describe.only('x', () => {"),
            ("a.test.js", "xit('adds')"),
            ("a_test.go", "\tt.Skip(\"flaky\")"),
            ("ATest.java", "@Disabled"),
            ("ATest.kt", "@Ignore(\"x\")"),
            ("ATest.cs", "[Fact(Skip = \"x\")]"),
            ("a_spec.rb", "  xit 'adds' do"),
            ("ATest.php", "$this->markTestSkipped('x');"),
            ("ATests.swift", "throw XCTSkip(\"x\")"),
            ("a_test.exs", "@tag :skip"),
        ] {
            assert_eq!(said(path, "", &format!("{line}\n")).len(), 1, "{path}: {line}");
            assert_eq!(said(path, &format!("{line}\n"), &format!("  {line}\n")), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn a_failure_that_no_longer_counts_is_named() {
        for (path, line) in [
            ("ci.sh", "make test || true"),
            ("ci.sh", "set +e"),
            ("Makefile", "\tnpm test || :"),
            (".github/workflows/ci.yml", "        continue-on-error: true"),
            (".gitlab-ci.yml", "  allow_failure: true"),
            ("package.json", "\"test\": \"jest --passWithNoTests\""),
            ("Dockerfile", "RUN make test || exit 0"),
            (".github/workflows/ci.yml", "on: pull_request_target"),
        ] {
            assert_eq!(said(path, "", &format!("{line}\n")).len(), 1, "{path}: {line}");
        }
    }

    #[test]
    fn code_that_has_such_words_for_another_reason_is_left_alone() {
        for (path, line) in [
            ("src/a.rs", "// #[ignore] is for slow tests"),
            ("src/a.js", "const result = benefit(x); profit(1); array.skip(2)"),
            ("src/a.js", "exit(1)"),
            ("src/a.py", "iterator.skip(2)"),
            ("src/a.rb", "object.skip(2)"),
            ("README.md", "make test || true"),
            ("a.sh", "# make test || true"),
            ("a.sh", "test -f x || trueish"),
            ("src/a.go", "scanner.Skip(1)"),
        ] {
            let found: Vec<String> = said(path, "", &format!("{line}\n"));
            assert!(found.is_empty() || line.contains("trueish"), "{path}: {line}: {found:?}");
        }
    }

    #[test]
    fn fewer_tests_and_assertions_are_counted_over_the_whole_change() {
        let two = "def test_a():\n    assert f(1) == 2\n    assert f(2) == 3\n\ndef test_b():\n    assert f(0)\n";
        let one = "def test_a():\n    assert f(1) == 2\n";
        assert_eq!(
            said("tests/test_x.py", two, one),
            ["it holds 1 tests instead of 2", "it holds 1 assertions instead of 3"]
        );
        assert_eq!(said("tests/test_x.py", one, two), Vec::<String>::new());
        let gone = Delta { path: "tests/test_x.py", old: Some(two.as_bytes()), new: None };
        assert_eq!(fewer(&[gone]).len(), 2);
        let moved = Delta { path: "tests/test_y.py", old: None, new: Some(two.as_bytes()) };
        assert_eq!(fewer(&[gone, moved]), Vec::new());
        let source = Delta { path: "src/x.py", old: Some(b"assert x\n"), new: Some(b"x\n") };
        assert_eq!(fewer(&[source]), Vec::new());
    }

    #[test]
    fn a_least_value_that_falls_or_goes_is_named() {
        let (high, low) = ("[tool.coverage.report]\nfail_under = 90\n", "[tool.coverage.report]\nfail_under = 80.5\n");
        assert_eq!(said("pyproject.toml", high, low), ["'fail_under' is 80.5 instead of 90"]);
        assert_eq!(said("pyproject.toml", low, high), Vec::<String>::new());
        assert_eq!(said("pyproject.toml", high, ""), ["the least value 'fail_under' is gone; it was 90"]);
    }

    #[test]
    fn a_pipeline_that_does_less_is_named() {
        let two = "steps:\n  - uses: a/b@v1\n  - run: make test\n";
        let path = ".github/workflows/ci.yml";
        assert_eq!(said(path, two, "steps:\n  - uses: a/b@v1\n"), ["it has 1 steps instead of 2"]);
        let gone = Delta { path, old: Some(two.as_bytes()), new: None };
        assert_eq!(fewer(&[gone]).len(), 1);
    }
}
