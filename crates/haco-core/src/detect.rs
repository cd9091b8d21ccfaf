//! Which commands test, lint, format, type-check and build a repository, told from the files at its top.
//!
//! The first tool that fills a slot has it: Cargo, Go, npm, Python, and a Makefile for what nobody else brings.

use crate::config::CheckSlot;
use serde_json::Value;
use std::collections::BTreeMap;

/// Commands by slot. `files` gives the contents of a small file by its path, `paths` are all tracked paths.
pub fn checks(files: &dyn Fn(&str) -> Option<String>, paths: &[&str]) -> BTreeMap<CheckSlot, String> {
    let mut found = BTreeMap::new();
    for tool in [cargo, go, npm, python, make] {
        for (slot, command) in tool(files, paths) {
            found.entry(slot).or_insert(command);
        }
    }
    found
}

/// A command that fails where the code is broken beyond running, for a repository without tests.
pub fn smoke(paths: &[&str]) -> Option<String> {
    let has = |name: &str| paths.contains(&name);
    let first = |ends: &[&str]| paths.iter().filter(|p| ends.iter().any(|e| p.ends_with(e))).min_by_key(depth);
    match () {
        () if has("Cargo.toml") => Some("cargo check".into()),
        () if has("go.mod") => Some("go build ./...".into()),
        () if first(&[".py"]).is_some() => Some("python3 -m compileall -q .".into()),
        () => {
            let node = first(&[".js", ".mjs", ".cjs"]).map(|p| format!("node --check {}", quoted(p)));
            node.or_else(|| first(&[".sh"]).map(|p| format!("sh -n {}", quoted(p))))
        }
    }
}

fn depth<'a>(path: &&'a &str) -> (usize, &'a str) {
    (path.matches('/').count(), path)
}

/// A path as one word of a shell command.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    let dashed = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if path.chars().all(plain) { dashed } else { format!("'{}'", dashed.replace('\'', "'\\''")) }
}

type Found = Vec<(CheckSlot, String)>;
type Files<'a> = &'a dyn Fn(&str) -> Option<String>;

fn cargo(files: Files, _: &[&str]) -> Found {
    let Some(manifest) = files("Cargo.toml") else { return Found::new() };
    let all = if manifest.contains("[workspace]") { " --workspace" } else { "" };
    vec![
        (CheckSlot::Test, format!("cargo test{all}")),
        (CheckSlot::Lint, format!("cargo clippy{all} --all-targets -- -D warnings")),
        (CheckSlot::Format, if all.is_empty() { "cargo fmt --check" } else { "cargo fmt --all --check" }.into()),
        (CheckSlot::Build, format!("cargo build{all}")),
    ]
}

fn go(files: Files, _: &[&str]) -> Found {
    let Some(_) = files("go.mod") else { return Found::new() };
    vec![
        (CheckSlot::Test, "go test ./...".into()),
        (CheckSlot::Lint, "go vet ./...".into()),
        (CheckSlot::Format, "test -z \"$(gofmt -l .)\"".into()),
        (CheckSlot::Build, "go build ./...".into()),
    ]
}

fn npm(files: Files, _: &[&str]) -> Found {
    let package: Value = files("package.json").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let script = |name: &str| package["scripts"][name].as_str().filter(|s| !s.trim().is_empty());
    let run = |names: &[&str]| names.iter().find(|n| script(n).is_some()).map(|n| format!("npm run {n}"));
    // What `npm init` writes into a package that has no tests.
    let real = script("test").filter(|s| !s.contains("no test specified"));
    let slots = [
        (CheckSlot::Test, real.map(|_| "npm test".to_owned())),
        (CheckSlot::Lint, run(&["lint"])),
        (CheckSlot::Format, run(&["format:check", "format-check", "check-format"])),
        (CheckSlot::Typecheck, run(&["typecheck", "type-check"])),
        (CheckSlot::Build, run(&["build"])),
    ];
    slots.into_iter().filter_map(|(slot, command)| Some((slot, command?))).collect()
}

fn python(files: Files, paths: &[&str]) -> Found {
    let holds = |file: &str, part: &str| files(file).is_some_and(|text| text.contains(part));
    let there = |names: &[&str]| names.iter().any(|n| paths.contains(n));
    let project = |section: &str| holds("pyproject.toml", section);
    let mut found = Found::new();
    found.extend(python_tests(files, paths).map(|command| (CheckSlot::Test, command.to_owned())));
    if there(&["ruff.toml", ".ruff.toml"]) || project("[tool.ruff") {
        found.push((CheckSlot::Lint, "ruff check .".into()));
        found.push((CheckSlot::Format, "ruff format --check .".into()));
    }
    if there(&["mypy.ini", ".mypy.ini"]) || project("[tool.mypy") || holds("setup.cfg", "[mypy") {
        found.push((CheckSlot::Typecheck, "mypy .".into()));
    }
    found
}

fn python_tests(files: Files, paths: &[&str]) -> Option<&'static str> {
    let holds = |file: &str, part: &str| files(file).is_some_and(|text| text.contains(part));
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let is_test = |path: &str| {
        let name = name(path);
        name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
    };
    let configured = paths.iter().any(|p| matches!(name(p).as_str(), "conftest.py" | "pytest.ini" | ".pytest.ini"))
        || holds("tox.ini", "[pytest]")
        || ["pyproject.toml", "setup.cfg", "setup.py"].iter().any(|file| holds(file, "pytest"))
        || paths.iter().any(|p| !p.contains('/') && p.contains("requirements") && holds(p, "pytest"));
    let tests: Vec<&str> = paths.iter().copied().filter(|p| is_test(p)).collect();
    // Plain functions are pytest's: unittest would find nothing in them.
    let plain = || tests.iter().take(20).filter_map(|p| files(p)).any(|text| !text.contains("unittest"));
    match () {
        () if configured => Some("python3 -m pytest -q"),
        () if tests.is_empty() => None,
        () if plain() => Some("python3 -m pytest -q"),
        () => Some("python3 -m unittest"),
    }
}

fn make(files: Files, _: &[&str]) -> Found {
    let Some(makefile) = ["GNUmakefile", "makefile", "Makefile"].iter().find_map(|name| files(name)) else {
        return Found::new();
    };
    let targets: Vec<&str> = makefile.lines().flat_map(targets).collect();
    let wanted: [(CheckSlot, &[&str]); 5] = [
        (CheckSlot::Test, &["test", "tests", "check"]),
        (CheckSlot::Lint, &["lint"]),
        (CheckSlot::Format, &["format-check", "fmt-check", "check-format"]),
        (CheckSlot::Typecheck, &["typecheck", "type-check"]),
        (CheckSlot::Build, &["build"]),
    ];
    let first = |names: &[&str]| names.iter().find(|n| targets.contains(n)).map(|n| format!("make {n}"));
    wanted.into_iter().filter_map(|(slot, names)| Some((slot, first(names)?))).collect()
}

/// The targets of a rule's line; an assignment (`:=`) or a recipe has none.
fn targets(line: &str) -> Vec<&str> {
    match line.split_once(':') {
        Some((left, right))
            if !line.starts_with(['\t', ' ', '.', '#']) && !right.starts_with('=') && !left.contains('=') =>
        {
            left.split_whitespace().collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(all: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let files = |path: &str| all.iter().find(|(p, _)| *p == path).map(|(_, text)| (*text).to_owned());
        let paths: Vec<&str> = all.iter().map(|(p, _)| *p).collect();
        checks(&files, &paths).into_iter().map(|(slot, command)| (slot.as_str(), command)).collect()
    }

    fn test_of(all: &[(&str, &str)]) -> Option<String> {
        found(all).into_iter().find(|(slot, _)| *slot == "test").map(|(_, command)| command)
    }

    #[test]
    fn a_crate_and_a_workspace_bring_four_commands() {
        let expected = [
            ("test", "cargo test"),
            ("lint", "cargo clippy --all-targets -- -D warnings"),
            ("format", "cargo fmt --check"),
            ("build", "cargo build"),
        ];
        assert_eq!(found(&[("Cargo.toml", "[package]")]), expected.map(|(s, c)| (s, c.to_owned())));
        assert_eq!(test_of(&[("Cargo.toml", "[workspace]")]).as_deref(), Some("cargo test --workspace"));
    }

    #[test]
    fn gofmt_fails_where_it_lists_a_file() {
        let found = found(&[("go.mod", "module x")]);
        assert!(found.contains(&("format", "test -z \"$(gofmt -l .)\"".into())), "{found:?}");
    }

    #[test]
    fn the_placeholder_of_npm_init_is_no_test() {
        let placeholder = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1", "lint": "eslint ."}}"#;
        assert_eq!(found(&[("package.json", placeholder)]), [("lint", "npm run lint".to_owned())]);
        let real = r#"{"scripts": {"test": "jest", "format:check": "x", "typecheck": "tsc", "build": "y"}}"#;
        let slots: Vec<_> = found(&[("package.json", real)]).into_iter().map(|(slot, _)| slot).collect();
        assert_eq!(slots, ["test", "format", "typecheck", "build"]);
        assert_eq!(found(&[("package.json", "{torn")]), []);
    }

    #[test]
    fn pytest_where_configured_or_plain_functions_else_unittest() {
        let pytest = Some("python3 -m pytest -q".to_owned());
        assert_eq!(test_of(&[("pyproject.toml", "[tool.pytest.ini_options]")]), pytest);
        assert_eq!(test_of(&[("tests/conftest.py", "")]), pytest);
        assert_eq!(test_of(&[("dev-requirements.txt", "pytest==8")]), pytest);
        assert_eq!(test_of(&[("tests/test_a.py", "def test_a(): pass")]), pytest);
        let unittest = Some("python3 -m unittest".to_owned());
        assert_eq!(test_of(&[("test_a.py", "import unittest")]), unittest);
        assert_eq!(test_of(&[("a.py", "import unittest")]), None);
    }

    #[test]
    fn ruff_and_mypy_only_where_configured() {
        let found = found(&[("pyproject.toml", "[tool.ruff]\n[tool.mypy]\n")]);
        assert_eq!(found.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), ["lint", "format", "typecheck"]);
    }

    #[test]
    fn a_makefile_fills_what_nobody_else_brings() {
        let makefile = ".PHONY: lint\ntest := 1\nall test: x\n\techo lint:\nbuild:\n";
        let expected = [("test", "make test".to_owned()), ("build", "make build".to_owned())];
        assert_eq!(found(&[("Makefile", makefile)]), expected);
        assert_eq!(test_of(&[("Makefile", "test:\n"), ("go.mod", "")]).as_deref(), Some("go test ./..."));
    }

    #[test]
    fn without_tests_there_is_a_smoke_check_of_the_main_language() {
        assert_eq!(smoke(&["Cargo.toml", "a.py"]).as_deref(), Some("cargo check"));
        assert_eq!(smoke(&["src/a.py"]).as_deref(), Some("python3 -m compileall -q ."));
        assert_eq!(smoke(&["z/a.js", "it's.js"]).as_deref(), Some("node --check 'it'\\''s.js'"));
        assert_eq!(smoke(&["-x.sh"]).as_deref(), Some("sh -n ./-x.sh"));
        assert_eq!(smoke(&["README.md"]), None);
    }
}
