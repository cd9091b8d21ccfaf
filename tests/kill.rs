//! A program that is killed at any system call leaves the old state or the new one, and the next command works.
//!
//! `tests/kill-sweep` does it at every call; here a sample of it runs.

use crate::{
    sandbox::{Sandbox, root},
    want::like,
};

#[test]
fn a_killed_command_leaves_the_old_state_or_the_new() {
    let sandbox = Sandbox::without_repository();
    let sweep = root().join("tests/kill-sweep");
    let sweep = sweep.to_str().expect("a path");
    let counted = like("that nothing was lost", |t| t.lines().last().is_some_and(|l| l.ends_with(" 0 bad")));
    sandbox.run(&[sweep, "--every", "23"]).gives(0, counted, "");
}
