//! What git says of the same diffs: what is taken as it stands, `git apply` takes too, with the same bytes.

use haco_core::edit::{self, Changed, Format, Kind, Scope, Side};
use haco_core::oid::Mode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The bytes of `a.txt` after `git apply`; none where git refuses.
fn git_apply(dir: &Path, old: &str, diff: &str) -> Option<Vec<u8>> {
    std::fs::write(dir.join("a.txt"), old).expect("it can be written");
    let mut git = Command::new("git");
    git.args(["-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]).current_dir(dir);
    git.env("GIT_CEILING_DIRECTORIES", dir.parent().expect("a parent")).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let mut child = git.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("git is there");
    child.stdin.take().expect("a pipe").write_all(diff.as_bytes()).expect("git reads");
    child.wait().expect("git ends").success().then(|| std::fs::read(dir.join("a.txt")).expect("it is there"))
}

/// The bytes of `a.txt` after our own engine, where every edit fits byte for byte.
fn exactly(old: &str, diff: &str) -> Option<Vec<u8>> {
    let path: haco_core::path::RepoPath = "a.txt".parse().expect("a good path");
    let existing = BTreeMap::from([(path.clone(), old.as_bytes().to_vec())]);
    let scope = Scope { targets: &[path], new_files: &[] };
    let edited = edit::apply(diff, Format::Auto, &scope, &existing).ok()?;
    let file = edited.files.into_iter().next()?;
    file.edits.iter().all(|e| e.kind == Kind::Exact).then_some(file.new).flatten()
}

fn printed(old: &str, new: &str) -> String {
    let path = "a.txt".parse().expect("a good path");
    let side = |text| Some(Side { bytes: str::as_bytes(text), mode: Mode::Regular });
    String::from_utf8(edit::print(&[Changed { path: &path, old: side(old), new: side(new) }])).expect("text")
}

#[test]
fn what_is_taken_exactly_git_takes_with_the_same_bytes() {
    let line = prop_oneof!["[a-d]{1,2}", Just("    x = 1".to_owned()), Just("-- a".to_owned()), Just(String::new())];
    let text = (prop::collection::vec(line, 1..25), any::<bool>()).prop_map(|(lines, end)| {
        let text = lines.join("\n");
        if end || text.ends_with('\n') || text.is_empty() { text + "\n" } else { text }
    });
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("git-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut taken = 0;
    let judged = TestRunner::new(config).run(&(text.clone(), text), |(old, new)| {
        let diff = printed(&old, &new);
        prop_assume!(!diff.is_empty());
        if let Some(ours) = exactly(&old, &diff) {
            let theirs = git_apply(&dir, &old, &diff);
            prop_assert_eq!(theirs.as_ref(), Some(&ours), "{}", diff);
            prop_assert_eq!(String::from_utf8_lossy(&ours), new, "{}", diff);
        }
        Ok(())
    });
    for (old, new) in [("a\nb\n", "a\nc\n"), ("a", "b\n"), ("x\ny\nx\n", "x\nx\n")] {
        taken += usize::from(exactly(old, &printed(old, new)).is_some());
    }
    std::fs::remove_dir_all(&dir).expect("it is ours");
    judged.expect("git agrees");
    assert_eq!(taken, 3, "plain diffs are taken exactly");
}
