//! What is printed as a diff, `git apply` takes, and makes the same bytes of it.

use crate::{sandbox::Sandbox, want};
use haco_core::{
    edit::{Changed, Side, print},
    oid::Mode,
    path::RepoPath,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::fs;

const NAMES: [&str; 5] = ["plain.txt", "dir/with space.txt", "é\"ü.txt", "deep/er/\u{1f600} x", "a\u{a0}b"];

/// A file's bytes before and after; none where there is none.
type Case = [(Option<Vec<u8>>, Option<Vec<u8>>); NAMES.len()];

/// Lines of few kinds, so that much is alike, with ends of both kinds and perhaps none at the last.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "[ab]{0,2}",
        "    return [xy]",
        "\\PC{0,12}",
        Just("-- a/x\r".to_owned()),
        Just("\\ No".to_owned())
    ];
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    (prop::collection::vec((line, end), 0..12), any::<bool>()).prop_map(|(lines, last)| {
        let text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        if last { text.into_bytes() } else { text.trim_end_matches('\n').as_bytes().to_vec() }
    })
}

fn holds(sandbox: &Sandbox, dir: &str, case: &Case) -> Result<(), TestCaseError> {
    let paths: Vec<RepoPath> = NAMES.iter().map(|n| n.parse().expect("a path")).collect();
    fs::create_dir_all(sandbox.path(dir)).expect("makes");
    let mut files = Vec::new();
    for (path, (old, new)) in paths.iter().zip(case) {
        if let Some(old) = old {
            sandbox.write(&format!("{dir}/{path}"), old);
        }
        let [old, new] = [old, new].map(|bytes| bytes.as_deref().map(|bytes| Side { bytes, mode: Mode::Regular }));
        files.push(Changed { path, old, new });
    }
    let diff = print(&files);
    if !diff.is_empty() {
        let done =
            sandbox.run(&["git", "apply", "--whitespace=nowarn"]).within(sandbox.path(dir)).stdin(diff.clone()).done();
        prop_assert_eq!(done.status, 0, "{}\n{}", done.stderr, String::from_utf8_lossy(&diff));
    }
    for (path, (_, new)) in paths.iter().zip(case) {
        let now = fs::read(sandbox.path(&format!("{dir}/{path}"))).ok();
        prop_assert_eq!(now.as_ref(), new.as_ref(), "{}: {}", path, String::from_utf8_lossy(&diff));
    }
    Ok(())
}

#[test]
fn git_makes_the_same_bytes_of_a_printed_diff() {
    let sandbox = Sandbox::without_repository();
    let n = std::cell::Cell::new(0);
    let file = || (prop::option::of(text()), prop::option::of(text()));
    let case = [file(), file(), file(), file(), file()];
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let held = runner.run(&case, |case| {
        n.set(n.get() + 1);
        holds(&sandbox, &format!("case{}", n.get()), &case)
    });
    held.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_mode_goes_with_a_printed_file() {
    let sandbox = Sandbox::without_repository();
    let path: RepoPath = "run.sh".parse().expect("a path");
    let side = |bytes, mode| Some(Side { bytes, mode });
    let steps = [
        Changed { path: &path, old: None, new: side(b"one\n", Mode::Executable) },
        Changed { path: &path, old: side(b"one\n", Mode::Executable), new: side(b"two\n", Mode::Executable) },
        Changed { path: &path, old: side(b"two\n", Mode::Executable), new: side(b"two\n", Mode::Regular) },
    ];
    for (step, mode) in steps.iter().zip(["755\n", "755\n", "644\n"]) {
        sandbox.run(&["git", "apply"]).stdin(print(std::slice::from_ref(step))).gives(0, "", want::any());
        sandbox.run(&["stat", "-c", "%a", "run.sh"]).gives(0, mode, "");
    }
}
