//! Directories laid over others: changed, kept, thrown away.

use super::*;

/// A job in an overlay of `base` that is shown at `/srv/tree`.
fn over(copy: &Copy, upper: Option<&Path>, changes: &[Change], command: &str) -> Result<Ended, CannotRun> {
    let at = Path::new("/srv/tree");
    let overlays = [Overlay { lower: &copy.path("base"), kept: &[], at, upper, changes }];
    let env = &copy.env;
    run(&Job { files: Files { overlays: &overlays, ..Files::default() }, env, ..Job::new(Program::Shell(command), at) })
}

fn change(path: &str, to: Content) -> Change {
    Change { path: path.into(), to }
}

#[test]
fn an_overlay_is_the_base_with_changes_and_the_base_stays() {
    let copy = Copy::new();
    fs::create_dir_all(copy.path("base/src")).expect("made");
    for (name, text) in [("src/a", "old"), ("src/gone", "x"), ("keep", "kept"), ("dir-then-file", "f")] {
        fs::write(copy.path("base").join(name), text).expect("written");
    }
    let changes = [
        change("src/a", Content::File(b"new".to_vec(), 0o644)),
        change("src/gone", Content::Gone),
        change("src/never", Content::Gone),
        change("no/such/dir", Content::Gone),
        change("new/deep/run", Content::File(b"#!/bin/sh\necho ran".to_vec(), 0o755)),
        change("link", Content::Link("keep".into())),
    ];
    let command = "pwd; cat src/a keep link; ls src; new/deep/run; echo x > made; ls -A /srv";
    let ended = over(&copy, None, &changes, command).expect("it runs");
    assert_eq!(ended.stdout.text(), "/srv/tree\nnewkeptkepta\nran\ntree\n", "{}", ended.stderr.text());
    assert_eq!(fs::read_to_string(copy.path("base/src/a")).expect("it stays"), "old");
    assert!(copy.path("base/src/gone").exists() && !copy.path("base/made").exists());
}

#[test]
fn a_layer_that_is_kept_is_there_for_the_next_and_is_not_seen_by_itself() {
    let copy = Copy::new();
    fs::create_dir(copy.path("base")).expect("made");
    fs::create_dir(copy.path("layer")).expect("made");
    let upper = copy.path("layer");
    let first =
        over(&copy, Some(&upper), &[change("a", Content::File(b"1".to_vec(), 0o600))], "echo 2 > b").expect("runs");
    assert_eq!(first.end, End::Exited(0), "{}", first.stderr.text());
    let script = format!("cat a b; ls {} 2>/dev/null", copy.dir.path().display());
    assert_eq!(over(&copy, Some(&upper), &[], &script).expect("runs").stdout.text(), "12\n");
    assert_eq!(fs::read_dir(copy.path("base")).expect("listed").count(), 0);
}

#[test]
fn a_change_goes_through_no_link_and_stays_below_the_overlay() {
    let copy = Copy::new();
    fs::create_dir(copy.path("base")).expect("made");
    std::os::unix::fs::symlink("/tmp", copy.path("base/out")).expect("linked");
    std::os::unix::fs::symlink("/tmp/victim", copy.path("base/file")).expect("linked");
    let file = || Content::File(b"x".to_vec(), 0o644);
    let refused = over(&copy, None, &[change("out/x", file())], "true").expect_err("a link is in the way");
    assert!(refused.to_string().starts_with("'x' cannot be laid over '/srv/tree': "), "{refused}");
    for path in ["../x", "/x", "", "a/../../x"] {
        let refused = over(&copy, None, &[change(path, file())], "true").expect_err(path);
        assert!(refused.to_string().contains("is no path below a directory"), "{refused}");
    }
    let replaced = over(&copy, None, &[change("file", file())], "cat file; ls /tmp").expect("runs").stdout.text();
    assert_eq!(replaced, "xhome\n");
}

#[test]
fn what_cannot_be_laid_over_is_no_missing_wall() {
    let copy = Copy::new();
    fs::create_dir(copy.path("base")).expect("made");
    let nowhere = over(&copy, Some(Path::new("/proc/self")), &[], "true").expect_err("nothing can be made there");
    assert!(matches!(nowhere, CannotRun::NoOverlay(_) | CannotRun::Io(_)), "{nowhere}");
}
