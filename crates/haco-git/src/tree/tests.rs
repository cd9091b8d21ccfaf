use super::*;
use crate::samples::{Sample, code_of};
use std::os::unix::ffi::OsStrExt;

/// The tree of HEAD with these changes, as `git ls-tree -r -z` prints it.
fn listed(sample: &Sample, changes: &[Change]) -> String {
    let repo = sample.repo();
    let tree = repo.edit_tree(&repo.head_commit().expect("head"), changes).expect("tree");
    sample.git(&["ls-tree", "-r", "-z", "--name-only", tree.as_str()]).replace('\0', " ")
}

fn refused(sample: &Sample, changes: &[Change]) -> (Option<Code>, String) {
    let repo = sample.repo();
    let error = repo.edit_tree(&repo.head_commit().expect("head"), changes).expect_err("refused");
    (code_of(&error), error.to_string())
}

#[test]
fn a_blob_has_the_id_that_git_gives_it() {
    let sample = Sample::new();
    for path in ["README", "src/lib.rs"] {
        let bytes = std::fs::read(sample.dir().join(path)).expect("file");
        assert_eq!(sample.repo().write_blob(&bytes).expect("blob").as_str(), sample.git(&["hash-object", path]));
    }
}

#[test]
fn a_listing_says_what_stands_where() {
    let sample = Sample::new();
    let repo = sample.repo();
    let entries = repo.list(&repo.head_commit().expect("head")).expect("list");
    let shown: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.kind)).collect();
    let expected = [
        ("README", Kind::Regular),
        ("docs/deep/page.md", Kind::Regular),
        ("link", Kind::Symlink),
        ("run.sh", Kind::Executable),
        ("src/lib.rs", Kind::Regular),
    ];
    assert_eq!(shown, expected);
    assert_eq!(entries[0].oid.as_str(), sample.git(&["rev-parse", "HEAD:README"]));
}

#[test]
fn reading_gives_bytes_and_kind_and_nothing_for_a_directory() {
    let sample = Sample::new();
    let repo = sample.repo();
    let head = repo.head_commit().expect("head");
    let read = |path: &str| repo.read(&head, path).expect("read");
    assert_eq!(read("README"), Some((Kind::Regular, b"read me\n".to_vec())));
    assert_eq!(read("link"), Some((Kind::Symlink, b"src".to_vec())));
    for nothing in ["docs", "none", "README/below", "", "/README", "docs/"] {
        assert_eq!(read(nothing), None, "{nothing}");
    }
}

#[test]
fn the_tree_is_the_one_that_git_would_write() {
    let sample = Sample::new();
    let changes = [
        sample.change("README", Some("new\n")),
        sample.change("src/new/deep.rs", Some("deep\n")),
        sample.change("docs/deep/page.md", None),
    ];
    let repo = sample.repo();
    let tree = repo.edit_tree(&repo.head_commit().expect("head"), &changes).expect("tree");
    sample.write("README", "new\n");
    sample.write("src/new/deep.rs", "deep\n");
    sample.git(&["rm", "-q", "docs/deep/page.md"]);
    sample.git(&["add", "-A"]);
    assert_eq!(tree.as_str(), sample.git(&["write-tree"]));
}

#[test]
fn the_last_file_takes_its_directories_with_it() {
    let sample = Sample::new();
    assert_eq!(listed(&sample, &[sample.change("docs/deep/page.md", None)]), "README link run.sh src/lib.rs ");
}

#[test]
fn a_file_and_a_directory_may_change_places_in_one_step() {
    let sample = Sample::new();
    let to_file = [sample.change("docs/deep/page.md", None), sample.change("docs", Some("x"))];
    assert_eq!(listed(&sample, &to_file), "README docs link run.sh src/lib.rs ");
    let to_directory = [sample.change("README/a", Some("x")), sample.change("README", None)];
    assert_eq!(listed(&sample, &to_directory), "README/a docs/deep/page.md link run.sh src/lib.rs ");
}

#[test]
fn the_executable_bit_is_kept_as_the_change_says() {
    let sample = Sample::new();
    let mut change = sample.change("README", Some("run\n"));
    change.new.as_mut().expect("new").mode = Mode::Executable;
    let repo = sample.repo();
    let tree = repo.edit_tree(&repo.head_commit().expect("head"), &[change]).expect("tree");
    assert!(sample.git(&["ls-tree", tree.as_str(), "README"]).starts_with("100755 "));
}

#[test]
fn a_change_from_other_bytes_is_a_conflict_that_names_the_path() {
    let sample = Sample::new();
    let mut change = sample.change("src/lib.rs", Some("new\n"));
    change.old = None;
    let (code, message) = refused(&sample, &[change.clone()]);
    assert_eq!(code, Some(Code::Conflict));
    assert!(message.starts_with("'src/lib.rs' is not what the change starts from"), "{message}");
    change.old = sample.change("README", None).old;
    assert_eq!(refused(&sample, &[change]).0, Some(Code::Conflict));
    let mut mode = sample.change("run.sh", None);
    mode.old.as_mut().expect("old").mode = Mode::Regular;
    assert_eq!(refused(&sample, &[mode]).0, Some(Code::Conflict));
}

#[test]
fn a_path_that_is_changed_twice_is_a_conflict() {
    let sample = Sample::new();
    let twice = [sample.change("README", Some("a")), sample.change("README", Some("b"))];
    assert_eq!(refused(&sample, &twice), (Some(Code::Conflict), "'README' is changed twice".to_owned()));
}

#[test]
fn nothing_is_written_below_a_file_over_a_directory_or_outside() {
    let sample = Sample::new();
    let pair = [sample.change("a", Some("x")), sample.change("a/b", Some("x"))];
    assert_eq!(refused(&sample, &pair), (Some(Code::UnsafePath), "cannot write 'a/b': 'a' is a file".to_owned()));
    for path in ["README/below", "src", "../up", "/etc/x", ".git/hooks/x", "a//b", ".haco/config.json"] {
        let change = Change { path: path.to_owned(), old: None, new: sample.change("README", None).old };
        assert_eq!(refused(&sample, &[change]).0, Some(Code::UnsafePath), "{path}");
    }
}

#[test]
fn symlinks_and_submodules_survive_and_are_no_targets() {
    let sample = Sample::new();
    let head = sample.git(&["rev-parse", "HEAD"]);
    sample.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},vendor/sub")]);
    sample.git(&["commit", "-q", "-m", "submodule"]);
    let repo = sample.repo();
    let tree =
        repo.edit_tree(&repo.head_commit().expect("head"), &[sample.change("vendor/x", Some("x"))]).expect("tree");
    let listed = sample.git(&["ls-tree", "-r", tree.as_str()]);
    assert!(
        listed.contains("120000 blob") && listed.contains(&format!("160000 commit {head}\tvendor/sub")),
        "{listed}"
    );
    let new = sample.change("README", None).old;
    for (path, what) in
        [("link", "symlink"), ("link/x", "symlink"), ("vendor/sub", "submodule"), ("vendor/sub/x", "submodule")]
    {
        let change = Change { path: path.to_owned(), old: None, new: new.clone() };
        let (code, message) = refused(&sample, &[change]);
        assert_eq!(code, Some(Code::UnsafePath));
        assert!(message.ends_with(&format!("is a {what}")), "{message}");
    }
}

#[test]
fn names_that_are_not_utf_8_or_hold_a_newline_survive_an_edit() {
    let sample = Sample::new();
    let odd: [&[u8]; 3] = [b"src/caf\xe9.rs", b"src/two\nlines", b"src/back\\slash"];
    for name in odd {
        std::fs::write(sample.dir().join(std::ffi::OsStr::from_bytes(name)), "odd\n").expect("file");
    }
    sample.commit_all("odd");
    let repo = sample.repo();
    let head = repo.head_commit().expect("head");
    let tree = repo.edit_tree(&head, &[sample.change("src/lib.rs", Some("new\n"))]).expect("tree");
    assert_eq!(sample.git(&["diff-tree", "-r", "--name-only", head.as_str(), tree.as_str()]), "src/lib.rs");
    let paths: Vec<String> = repo.list(&tree).expect("list").into_iter().map(|e| e.path).collect();
    assert!(paths.contains(&"src/two\nlines".to_owned()) && !paths.iter().any(|p| p.contains("caf")), "{paths:?}");
}

#[test]
fn a_blob_that_is_missing_is_named() {
    let sample = Sample::new();
    let mut change = sample.change("README", Some("x"));
    change.new.as_mut().expect("new").oid = "1".repeat(40).parse().expect("id");
    let (_, message) = refused(&sample, &[change]);
    assert!(message.contains("'README'") && message.contains("missing"), "{message}");
}

#[test]
fn a_union_is_the_fold_in_the_given_order_and_names_where_two_meet() {
    let sample = Sample::new();
    let repo = sample.repo();
    let head = repo.head_commit().expect("head");
    let (a, b) = (vec![sample.change("README", Some("a\n"))], vec![sample.change("src/b.rs", Some("b\n"))]);
    let both = repo.union(&head, &[a.clone(), b.clone()]).expect("union");
    assert_eq!(both, repo.union(&head, &[b, a.clone()]).expect("union"));
    assert_eq!(repo.union(&head, &[]).expect("union"), repo.tree_of(&head).expect("tree"));
    let error = repo.union(&head, &[a, vec![sample.change("README", Some("c\n"))]]).expect_err("meet");
    assert_eq!(code_of(&error), Some(Code::Conflict));
    assert!(error.to_string().contains("'README'"), "{error}");
}
