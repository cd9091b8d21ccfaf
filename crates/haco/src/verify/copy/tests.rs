//! Copies on a real repository, behind real walls.

use super::*;
use crate::verify::tests::{Bench, bench, git};
use haco_core::{oid, verdict::Answer};
use std::{
    fs::FileTimes,
    thread,
    time::{Duration, SystemTime},
};

/// A repository, and a candidate of its one commit.
struct Made {
    bench: Bench,
    base: Oid,
}

impl Made {
    fn new() -> Made {
        let bench = bench(&[]);
        let base = bench.desk.repo().and_then(|r| r.tree_of(&r.head_commit()?)).expect("tree");
        Made { bench, base }
    }

    fn top(&self) -> &Path {
        &self.bench.desk.place.main
    }

    /// The base with these files; no text deletes.
    fn with(&self, files: &[(&str, Option<&str>)]) -> Oid {
        let repo = self.bench.desk.repo().expect("repo");
        let change = |(path, text): &(&str, Option<&str>)| oid::Change {
            path: (*path).to_owned(),
            old: repo.blob(&self.base, path).expect("old"),
            new: text.map(|t| oid::Blob { oid: repo.write_blob(t.as_bytes()).expect("blob"), mode: Mode::Regular }),
        };
        repo.edit_tree(&self.base, &files.iter().map(change).collect::<Vec<_>>()).expect("tree")
    }

    fn copy<'a>(&'a self, tree: &'a Oid) -> Copy<'a> {
        Copy::of(&self.bench.desk, &self.base, tree).expect("copies")
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.top().join(path);
        fs_err::create_dir_all(path.parent().expect("parent")).expect("makes");
        fs_err::write(&path, text).expect("writes");
        path
    }

    /// The same desk with these directories shared.
    fn sharing(mut self, share: &[&str]) -> Made {
        self.bench.desk.settings.verify.share = share.iter().map(|s| (*s).to_owned()).collect();
        self
    }

    fn kept(&self, below: &str) -> Vec<String> {
        let names = fs_err::read_dir(self.bench.desk.place.dir.join(below)).expect("reads").flatten();
        let mut names: Vec<_> = names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn ask(copy: &Copy, command: &str) -> Ran {
    copy.ask(&Test::of(command), &Vec::new()).expect("asks")
}

/// What a command that must pass says.
fn said(copy: &Copy, command: &str) -> String {
    let ran = ask(copy, command);
    let log = String::from_utf8_lossy(&ran.log).into_owned();
    assert_eq!(ran.answer, Answer::Pass, "{command}: {}: {log}", ran.end);
    log.trim_end().to_owned()
}

#[test]
fn nothing_in_a_copy_sees_or_changes_the_repository() {
    let made = Made::new();
    made.write("untracked", "mine");
    let copy = made.copy(&made.base);
    let top = made.top().display().to_string();
    assert_eq!(said(&copy, "pwd; ls -A; cat a.txt; echo changed > a.txt"), format!("{top}\na.txt\nb.txt\none"));
    for path in [".git/HEAD", ".haco/journal.jsonl", "untracked"] {
        assert_eq!(ask(&copy, &format!("cat '{top}/{path}'")).answer, Answer::Fail, "{path}");
    }
    said(&copy, "mkdir -p .git .haco && echo x > .git/HEAD && echo x > .haco/journal.jsonl && echo x > untracked");
    drop(copy);
    assert_eq!(fs_err::read_to_string(made.top().join("a.txt")).expect("reads"), "one\n");
    assert_eq!(fs_err::read_to_string(made.top().join("untracked")).expect("reads"), "mine");
    assert_eq!(git(made.top(), &["rev-parse", "HEAD^{tree}"]), made.base.as_str());
}

#[test]
fn a_copy_is_the_same_with_and_without_an_overlay() {
    let made = Made::new();
    let tree = made.with(&[("a.txt", Some("uno\n")), ("b.txt", None), ("new/deep/c.txt", Some("c\n"))]);
    let look = "find . -mindepth 1 | sort; grep -r . . | sort; stat -c '%a %n' a.txt new new/deep/c.txt";
    let layered = made.copy(&tree);
    let plain = made.copy(&tree);
    plain.fall_back().expect("falls back");
    let seen = said(&layered, look);
    assert!(seen.starts_with("./a.txt\n./new\n./new/deep\n./new/deep/c.txt\n"), "{seen}");
    assert_eq!(said(&plain, look), seen);
    for copy in [&layered, &plain] {
        said(copy, "test ! -e made && echo x > made");
        said(copy, "test -e made && test \"$PWD\" = \"$(pwd -P)\"");
        let dir = |dir: &str| Test { dir: Some(dir.parse().expect("a path")), ..Test::of("cat c.txt") };
        assert_eq!(copy.ask(&dir("new/deep"), &Vec::new()).expect("asks").answer, Answer::Pass);
        assert_eq!(
            copy.ask(&dir("nowhere"), &Vec::new()).expect("asks").end,
            "its directory 'nowhere' is not in the tree"
        );
    }
}

#[test]
fn candidates_at_once_share_one_checkout_and_do_not_disturb_each_other() {
    let made = Made::new();
    let trees: Vec<Oid> = (0..4).map(|n| made.with(&[("a.txt", Some(&format!("{n}\n")))])).collect();
    drop(made.copy(&made.base));
    thread::scope(|scope| {
        for (n, tree) in trees.iter().enumerate() {
            let top = made.top();
            let base = &made.base;
            scope.spawn(move || {
                let desk = Desk::at(top).expect("desk");
                let copy = Copy::of(&desk, base, tree).expect("copies");
                let script = "for i in 1 2 3; do cat a.txt b.txt; echo more >> b.txt; done; rm a.txt";
                let want = format!("{n}\ntwo\n{n}\ntwo\nmore\n{n}\ntwo\nmore\nmore");
                assert_eq!(said(&copy, script), want);
            });
        }
    });
    assert_eq!(made.kept("checkouts"), [made.base.to_string(), format!("{}.lock", made.base)]);
    assert_eq!(made.kept("tmp"), [""; 0]);
    assert_eq!(said(&made.copy(&made.base), "cat a.txt b.txt"), "one\ntwo");
}

#[test]
fn a_checkout_that_somebody_touched_is_made_anew() {
    let made = Made::new();
    drop(made.copy(&made.base));
    let kept = made.bench.desk.place.dir.join("checkouts").join(made.base.as_str());
    let wait = kept.join("a.txt");
    let before = fs_err::metadata(&wait).expect("is there").modified().expect("time");
    for damage in ["changed", "removed", "added"] {
        match damage {
            "changed" => fs_err::write(&wait, "two\n").expect("writes"),
            "removed" => fs_err::remove_file(&wait).expect("removes"),
            _ => fs_err::write(kept.join("more"), "x").expect("writes"),
        }
        assert_eq!(said(&made.copy(&made.base), "ls; cat a.txt"), "a.txt\nb.txt\none", "{damage}");
    }
    fs_err::write(&wait, "two\n").expect("writes");
    let file = fs_err::OpenOptions::new().write(true).open(&wait).expect("opens");
    file.file().set_times(FileTimes::new().set_modified(before)).expect("sets");
    assert_eq!(said(&made.copy(&made.base), "cat a.txt"), "one", "a time that was set back does not hide it");
}

#[test]
fn only_a_few_checkouts_are_kept() {
    let made = Made::new();
    for n in 0..8 {
        let tree = made.with(&[("a.txt", Some(&n.to_string()))]);
        drop(Copy::of(&made.bench.desk, &tree, &tree).expect("copies"));
    }
    assert_eq!(made.kept("checkouts").len(), 2 * 4);
}

const DIRTY: &str = "the dirty tree says";

/// A build directory and a bytecode cache that were filled from a dirty tree, which says the opposite of the candidate.
fn built(made: &Made) {
    made.write("Makefile", "out/answer: a.txt\n\tmkdir -p out; cat a.txt > out/answer; echo made >> out/made\n");
    made.write("lib.py", "def answer():\n    return 1\n");
    git(made.top(), &["add", "Makefile", "lib.py"]);
    git(made.top(), &["commit", "-q", "-m", "sources"]);
    made.write("a.txt", DIRTY);
    made.write("lib.py", "def answer():\n    return 2\n");
    let run = |program: &str, args: &[&str]| {
        let mut command = std::process::Command::new(program);
        let ran = command.args(args).current_dir(made.top()).env_remove("PYTHONDONTWRITEBYTECODE").output();
        let ran = ran.expect("starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    run("make", &[]);
    assert_eq!(run("python3", &["-c", "import lib; print(lib.answer())"]), "2\n");
    assert!(made.top().join("__pycache__").is_dir());
}

#[test]
fn what_a_dirty_tree_built_is_built_again_and_what_it_holds_of_others_is_kept() {
    let made = Made::new().sharing(&["out", "__pycache__", "missing"]);
    built(&made);
    made.write("out/dependency", "not ours");
    let repo = made.bench.desk.repo().expect("repo");
    let base = repo.tree_of(&repo.head_commit().expect("head")).expect("tree");
    let made = Made { base, ..made };
    let tree = made.with(&[("b.txt", Some("changed\n"))]);
    let look = "make -s && cat out/answer out/dependency && python3 -c 'import lib; print(lib.answer())'";
    for _ in 0..2 {
        let copy = made.copy(&tree);
        assert_eq!(said(&copy, look), "one\nnot ours1");
        assert_eq!(
            said(&copy, "make -s && wc -l < out/made"),
            "2",
            "the second command starts where the first stopped"
        );
        said(&copy, "rm -r out/* __pycache__/*");
    }
    assert_eq!(fs_err::read_to_string(made.top().join("out/answer")).expect("reads"), DIRTY);
    assert_eq!(fs_err::read_to_string(made.top().join("out/made")).expect("reads"), "made\n");
}

#[test]
fn cargo_builds_again_what_a_dirty_tree_built() {
    let made = Made::new().sharing(&["target"]);
    made.write(
        "Cargo.toml",
        "[package]\nname = \"it\"\nedition = \"2021\"\n[dependencies]\ndep = { path = \"dep\" }\n",
    );
    made.write("dep/Cargo.toml", "[package]\nname = \"dep\"\nedition = \"2021\"\n");
    made.write("dep/src/lib.rs", "pub fn one() -> u8 { 1 }\n");
    made.write("src/main.rs", "fn main() { println!(\"{}\", dep::one()) }\n");
    let cargo = || {
        let mut cargo = std::process::Command::new("cargo");
        for (name, _) in
            std::env::vars().filter(|(n, _)| n.starts_with("CARGO") && n != "CARGO_HOME" || n == "RUSTFLAGS")
        {
            cargo.env_remove(name);
        }
        let ran = cargo.args(["run", "-q", "--offline"]).current_dir(made.top()).output().expect("starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    assert_eq!(cargo(), "1\n");
    git(made.top(), &["add", "Cargo.toml", "Cargo.lock", "src", "dep"]);
    git(made.top(), &["commit", "-q", "-m", "sources"]);
    made.write("src/main.rs", "fn main() { println!(\"dirty\") }\n");
    assert_eq!(cargo(), "dirty\n");
    let repo = made.bench.desk.repo().expect("repo");
    let base = repo.tree_of(&repo.head_commit().expect("head")).expect("tree");
    let made = Made { base, ..made };
    let copy = made.copy(&made.base);
    assert_eq!(said(&copy, "cargo run -q"), "1");
    assert!(made.top().join("target/debug/it").exists());
    let tree = made.with(&[("dep/src/lib.rs", Some("pub fn one() -> u8 { 2 }\n"))]);
    assert_eq!(said(&made.copy(&tree), "cargo run -q"), "2");
}

#[test]
fn a_checkout_in_use_that_is_older_than_what_is_shared_now_gets_a_second_beside_it() {
    let made = Made::new().sharing(&["out"]);
    made.write("out/x", "1");
    let first = made.copy(&made.base);
    let second = made.copy(&made.base);
    assert_eq!(made.kept("checkouts").len(), 2);
    made.write("out/y", "2");
    let third = made.copy(&made.base);
    assert_eq!(made.kept("checkouts").len(), 4);
    assert_eq!(said(&third, "cat a.txt out/y; test a.txt -nt out/y"), "one\n2");
    for copy in [&first, &second] {
        let ran = ask(copy, "true");
        assert_eq!((ran.answer, ran.code), (Answer::Blocked, Some(Code::CannotConfine)), "{}", ran.end);
    }
}

#[test]
fn what_is_shared_holds_nothing_of_the_tree_and_nothing_of_elsewhere() {
    let made = Made::new();
    let elsewhere = tempfile::tempdir().expect("directory");
    made.write("sub/tracked", "x");
    git(made.top(), &["add", "sub"]);
    git(made.top(), &["commit", "-q", "-m", "sub"]);
    std::os::unix::fs::symlink(elsewhere.path(), made.top().join("away")).expect("links");
    let repo = made.bench.desk.repo().expect("repo");
    let base = repo.tree_of(&repo.head_commit().expect("head")).expect("tree");
    made.write("sub/deep/cache", "x");
    for (name, why) in [
        ("sub", "git tracks it, or something in it"),
        ("a.txt", "it is no directory"),
        ("away", "it leads out of the working tree"),
        (".git", "it holds what no check sees"),
        (".haco", "it holds what no check sees"),
    ] {
        let mut desk = Desk::at(made.top()).expect("desk");
        desk.settings.verify.share = vec![name.to_owned()];
        let copy = Copy::of(&desk, &base, &base).expect("copies");
        let ran = ask(&copy, "true");
        assert_eq!(ran.end, format!("'{name}' of verify.share cannot be shared: {why}"));
        assert_eq!((ran.answer, ran.code), (Answer::Blocked, Some(Code::BadConfig)));
    }
    let made = Made { base, ..made }.sharing(&["sub/deep"]);
    assert_eq!(said(&made.copy(&made.base), "cat sub/tracked sub/deep/cache"), "xx");
    let future = made.write("sub/deep/late", "x");
    let file = fs_err::OpenOptions::new().write(true).open(&future).expect("opens");
    file.file().set_times(FileTimes::new().set_modified(SystemTime::now() + Duration::from_secs(60))).expect("sets");
    assert!(ask(&made.copy(&made.base), "true").end.contains("a file from the future"));
}

/// Whether any process on this machine was started with this word.
fn runs(word: &str) -> bool {
    let processes = fs_err::read_dir("/proc").expect("reads").flatten();
    let mut lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(word))
}

#[test]
fn a_service_is_started_inside_the_walls_serves_its_check_and_ends_with_it() {
    let mut made = Made::new();
    let port = "127.0.0.1:7391";
    let need = |start: &str, timeout_sec| config::Need {
        probe: "redis-cli -p 7391 ping | grep -q PONG".to_owned(),
        start: Some(start.to_owned()),
        timeout_sec: Some(timeout_sec),
    };
    let needs = [
        ("cache", need("redis-server --port 7391 --save '' --dir \"$TMPDIR\"", 20)),
        ("dead", need("exit 1", 0)),
        ("hung", config::Need { probe: "sleep 600".to_owned(), ..need("exit 1", 1) }),
    ];
    made.bench.desk.settings.needs = needs.into_iter().map(|(name, need)| (name.to_owned(), need)).collect();
    let copy = made.copy(&made.base);
    let with = |need: &str, command: &str| {
        let test = Test { needs: vec![need.to_owned()], timeout_sec: Some(30), ..Test::of(command) };
        copy.ask(&test, &Vec::new()).expect("asks")
    };
    let ran = with("cache", "redis-cli -p 7391 set k v; redis-cli -p 7391 get k; pgrep -f redis-server >/dev/null");
    assert_eq!((ran.answer, ran.log.as_slice()), (Answer::Pass, &b"OK\nv\n"[..]), "{}", ran.end);
    assert!(!runs(port), "it ended with its check");
    assert_eq!(ask(&copy, "redis-cli -p 7391 ping").answer, Answer::Fail, "no later check meets it");
    let ran = with("cache", "redis-cli -p 7391 get k");
    assert_eq!((ran.answer, String::from_utf8_lossy(&ran.log).trim()), (Answer::Pass, ""), "nor what it held");
    let late = Test { timeout_sec: Some(1), needs: vec!["hung".to_owned()], ..Test::of("true") };
    for ran in [with("dead", "true"), copy.ask(&late, &Vec::new()).expect("asks")] {
        assert_eq!((ran.answer, ran.code), (Answer::Blocked, Some(Code::MissingService)), "{}", ran.end);
        assert!(ran.end.ends_with("does not answer its probe"), "{}", ran.end);
    }
    assert!(!runs(port));
}

#[test]
fn the_setup_is_made_once_for_a_base_and_what_is_to_be_installed() {
    let mut made = Made::new();
    made.bench.desk.settings.verify.setup = vec![
        "mkdir -p dist && date +%N > dist/id".to_owned(),
        "cat requirements.txt >> dist/id || true; rm b.txt".to_owned(),
    ];
    let id = |tree: &Oid| said(&made.copy(tree), "test ! -e b.txt && cat dist/id");
    let first = id(&made.base);
    let others = [made.with(&[("a.txt", Some("uno\n"))]), made.with(&[("c.txt", Some("c\n"))])];
    assert_eq!(id(&others[0]), first);
    let copy = made.copy(&others[1]);
    assert_eq!(
        said(&copy, "cat dist/id a.txt c.txt; echo mine > dist/id; mkdir -p dist/more"),
        format!("{first}\none\nc")
    );
    assert_eq!(id(&made.base), first, "what a check writes over it is its own");
    assert!(copy.setup().is_some_and(|said| said.contains("rm b.txt' exited with status 0")));
    drop(copy);
    let installs = made.with(&[("requirements.txt", Some("pytest\n")), ("a.txt", Some("uno\n"))]);
    let second = id(&installs);
    assert!(second.ends_with("pytest") && !second.starts_with(&first), "{second}");
    assert_eq!(id(&installs), second);
    assert_eq!(said(&made.copy(&others[1]), "cat a.txt"), "one", "no candidate's own change is in what is kept");
    let setups = || made.kept("checkouts").into_iter().filter(|n| n.contains(".setup-") && !n.ends_with(".lock"));
    assert_eq!(setups().count(), 2);
    for name in setups() {
        fs_err::write(made.bench.desk.place.dir.join("checkouts").join(name).join("upper/dist/id"), "touched")
            .expect("writes");
    }
    assert!(!id(&made.base).contains("touched"), "what somebody touched is made anew");
}

#[test]
fn a_setup_that_fails_is_why_no_check_is_asked_and_is_tried_again() {
    let mut made = Made::new();
    made.bench.desk.settings.verify.setup = vec!["echo no such package; false".to_owned()];
    for _ in 0..2 {
        let ran = ask(&made.copy(&made.base), "true");
        let why = "the setup 'echo no such package; false' exited with status 1: no such package";
        assert_eq!((ran.answer, ran.end.as_str()), (Answer::Blocked, why));
    }
    made.bench.desk.settings.verify.setup = vec!["echo x > made".to_owned()];
    said(&made.copy(&made.base), "cat made");
    assert_eq!(made.kept("tmp"), [""; 0]);
}
