//! haco edit: a model's reply applied to the files of a plain directory, all of it or nothing.

mod bad;
mod disk;
mod git;
mod manual;
mod print;

use crate::{
    sandbox::{Sandbox, root},
    want::{any, has, json},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

const GREET: &str = "def greet():\n    return \"hello\"\n";
const GREETS: &str = "def greet(name):\n    return f\"hello, {name}\"\n";

/// A reply that changes `greet.py` as it is in [`here`].
pub fn reply() -> String {
    format!("Sure:\n\ngreet.py\n<<<<<<< SEARCH\n{GREET}=======\n{GREETS}>>>>>>> REPLACE\n\nDone.\n")
}

/// The same with a second file, whose edit fits nowhere.
pub fn half_wrong() -> String {
    reply() + "\nlib/util.py\n<<<<<<< SEARCH\nnothing like it\n=======\nx = 2\n>>>>>>> REPLACE\n"
}

/// A plain directory with `greet.py` and `lib/util.py`.
pub fn here() -> Sandbox {
    let sandbox = Sandbox::without_repository();
    sandbox.write("greet.py", GREET).write("lib/util.py", "x = 1\n");
    sandbox
}

/// Every file below the directory with its text and its mode.
pub fn all(sandbox: &Sandbox) -> Vec<(String, String)> {
    let listed = sandbox.run(&["find", ".", "-type", "f", "-printf", "%P %m\n"]).gives(0, any(), "").stdout;
    let mut files: Vec<&str> = listed.lines().collect();
    files.sort_unstable();
    files.iter().map(|f| ((*f).to_owned(), sandbox.read(f.rsplit_once(' ').expect("a mode").0))).collect()
}

#[test]
fn a_reply_is_applied_and_what_changed_is_printed() {
    let sandbox = here();
    sandbox.run(&["haco", "edit", "--target", "greet.py"]).stdin(reply()).gives(0, "greet.py\n", "");
    assert_eq!(sandbox.read("greet.py"), GREETS);
    let file = sandbox.write("reply.md", "lib/util.py\n```\nx = 2\n```\nlib/new.py\n```\ny = 1\n```\n");
    let words = ["haco", "edit", "-z", "--target=lib/util.py", "--new=lib/new.py", "reply.md"];
    file.run(&words).gives(0, "lib/new.py\0lib/util.py\0", "");
    assert_eq!((sandbox.read("lib/util.py").as_str(), sandbox.read("lib/new.py").as_str()), ("x = 2\n", "y = 1\n"));
}

#[test]
fn nothing_is_written_where_one_edit_does_not_fit_and_the_text_says_why() {
    let sandbox = here();
    let before = all(&sandbox);
    let words = ["haco", "edit", "--target", "greet.py", "--target", "lib/util.py"];
    let text =
        "Nothing of the last reply was applied.\n- edit 2 (line [..] of the reply): not_found: [..]\nCopy [..]\n";
    sandbox.run(&words).stdin(half_wrong()).gives(1, "", text);
    sandbox.run(&[&words[..], &["-q"]].concat()).stdin(half_wrong()).gives(1, "", text);
    let same = |v: &Value| {
        let text =
            v["text"].as_str().is_some_and(|t| t.starts_with("Nothing of the last reply was applied.\n- edit 2"));
        text && v["code"] == "not_found" && v["refusals"][0]["path"] == "lib/util.py" && v["ok"] == false
    };
    sandbox.run(&[&words[..], &["--json"]].concat()).stdin(half_wrong()).gives(1, json(same), text);
    assert_eq!(all(&sandbox), before);
}

#[test]
fn a_look_writes_nothing_and_answers_the_same() {
    let sandbox = here();
    let before = all(&sandbox);
    let words = ["haco", "edit", "--target", "greet.py"];
    sandbox.run(&[&words[..], &["--check"]].concat()).stdin(reply()).gives(0, "greet.py\n", "");
    let diff = sandbox.run(&[&words[..], &["--stdout"]].concat()).stdin(reply()).gives(0, has("+def greet(name):"), "");
    let same = |v: &Value| v["diff"] == diff.stdout && v["files"][0]["edits"][0]["kind"] == "exact";
    sandbox.run(&[&words[..], &["--stdout", "--json"]].concat()).stdin(reply()).gives(0, json(same), "");
    assert_eq!(all(&sandbox), before);
    sandbox.run(&["git", "apply"]).stdin(diff.stdout).gives(0, "", "");
    assert_eq!(sandbox.read("greet.py"), GREETS);
}

#[test]
fn what_is_there_already_is_done() {
    let sandbox = here();
    let whole = "greet.py\n```\ndef greet():\n    return \"hello\"\n```\nlib/util.py\n```\nx = 1\n```\n";
    let words = ["haco", "edit", "--target", "greet.py", "--new", "lib/util.py"];
    let said = "nothing to do: the files already are as the reply has them\n";
    sandbox.run(&words).stdin(whole).gives(0, "", said);
    let unchanged = |v: &Value| {
        let files = v["files"].as_array().expect("files");
        files.len() == 2 && files.iter().all(|f| f["action"] == "unchanged" && f["edits"][0]["kind"] == "unchanged")
    };
    sandbox.run(&[&words[..], &["--json"]].concat()).stdin(whole).gives(0, json(unchanged), said);
    sandbox.run(&words).stdin("lib/util.py\n```\nx = 2\n```\n").gives(1, "", has("may only be created"));
}

#[test]
fn only_what_is_named_is_changed_made_or_deleted() {
    let sandbox = here();
    let before = all(&sandbox);
    for (reply, part) in [
        ("lib/util.py\n```\nx = 2\n```\n", "'lib/util.py'"),
        ("new.py\n```\nx = 2\n```\n", "'new.py'"),
        ("../up.py\n```\nx = 2\n```\n", "'../up.py'"),
        (".git/hooks/pre-commit\n```\nx\n```\n", "'.git/hooks/pre-commit'"),
        ("gone.py\n```\nx = 2\n```\n", "'gone.py' is not there"),
    ] {
        let words = ["haco", "edit", "-q", "--target", "greet.py", "--target", "gone.py"];
        sandbox.run(&words).stdin(reply).gives(1, "", has(part));
    }
    sandbox.run(&["haco", "edit", "--target", "gone.py"]).stdin("no edit\n").gives(
        1,
        "",
        "haco: warning: 'gone.py' is not there\nNothing of the last reply was applied.\n- no_edits: [..]\n...\n",
    );
    assert_eq!(all(&sandbox), before);
}

#[test]
fn a_glob_means_regular_files_and_never_what_runs_on_this_machine() {
    let sandbox = here();
    sandbox.write("build.rs", "fn main() {}\n").write(".github/workflows/ci.yml", "on: push\n").write("lib/a/b.py", "");
    let both = "lib/util.py\n```\nx = 2\n```\nlib/a/new.py\n```\ny = 1\n```\n";
    let words = ["haco", "edit", "--target", "lib/**/*.py", "--new", "**/*.py"];
    sandbox.run(&words).stdin(both).gives(0, "lib/a/new.py\nlib/util.py\n", "");
    let build = "build.rs\n```\nfn main() { evil() }\n```\n";
    sandbox.run(&["haco", "edit", "--target", "**", "--new", "**"]).stdin(build).gives(1, "", has("out_of_scope"));
    sandbox.run(&["haco", "edit", "--target", "*.rs"]).stdin(build).gives(2, "", "haco: --target '*.rs': [..]\n");
    let workflow = ".github/workflows/new.yml\n```\non: push\n```\n";
    let any_file = ["haco", "edit", "--target", "greet.py", "--new", ".github/workflows/*"];
    sandbox.run(&any_file).stdin(workflow).gives(1, "", has("out_of_scope"));
    let said = "haco: warning: 'build.rs' runs on the host[..]\n";
    sandbox.run(&["haco", "edit", "--target", "build.rs"]).stdin(build).gives(0, "build.rs\n", said);
    let named = ["haco", "edit", "--json", "--target", "greet.py", "--new", ".github/workflows/new.yml"];
    sandbox.run(&named).stdin(workflow).gives(0, json(|v| v["flags"][0]["path"] == ".github/workflows/new.yml"), any());
}

#[test]
fn a_path_in_other_letters_is_the_file_that_it_means() {
    let sandbox = here();
    let hidden = r#"{"edits": [{"path": "lib/\u0075til.py", "old_text": "x = 1\n", "new_text": "x = 2\n"}]}"#;
    sandbox.run(&["haco", "edit", "--target", "./**/*.py"]).stdin(hidden).gives(0, "lib/util.py\n", "");
    assert_eq!(sandbox.read("lib/util.py"), "x = 2\n");
}

#[test]
fn brackets_in_a_name_are_no_pattern() {
    let sandbox = here();
    sandbox.write("app/[id]/page.tsx", "old\n");
    let reply = "app/[id]/page.tsx\n```\nnew\n```\napp/[id]/more.tsx\n```\nnew\n```\n";
    let words = ["haco", "edit", "--target", "app/[id]/page.tsx", "--new", "app/[id]/*.tsx"];
    sandbox.run(&words).stdin(reply).gives(0, "app/[id]/more.tsx\napp/[id]/page.tsx\n", "");
}

#[test]
fn a_longer_path_that_is_another_file_is_not_taken_for_the_target() {
    let sandbox = here();
    sandbox.write("vendor/lib/util.py", "x = 1\n").write("util.py", "x = 1\n");
    for other in ["vendor/lib/util.py", "util.py"] {
        let reply = format!("{other}\n```\nx = 2\n```\n");
        sandbox.run(&["haco", "edit", "--target", "lib/util.py"]).stdin(reply).gives(1, "", has("out_of_scope"));
    }
    let long = "/home/me/project/lib/util.py\n```\nx = 2\n```\n";
    sandbox.run(&["haco", "edit", "--target", "lib/util.py"]).stdin(long).gives(0, "lib/util.py\n", "");
}

#[test]
fn modes_stay_and_a_new_file_gets_what_the_umask_leaves() {
    let sandbox = here();
    for mode in [0o755, 0o600, 0o444, 0o640] {
        sandbox.write("greet.py", GREET);
        fs::set_permissions(sandbox.path("greet.py"), fs::Permissions::from_mode(mode)).expect("sets");
        sandbox.run(&["haco", "edit", "--target", "greet.py"]).stdin(reply()).gives(0, "greet.py\n", "");
        let now = fs::metadata(sandbox.path("greet.py")).expect("stats").permissions().mode() & 0o7777;
        assert_eq!(now, mode, "{mode:o}");
        fs::remove_file(sandbox.path("greet.py")).expect("removes");
    }
    let script = "umask 027; printf 'a/n\\n```\\nx\\n```\\n' | haco edit --new a/n && stat -c %a a a/n";
    sandbox.run(&["sh", "-c", script]).gives(0, "a/n\n750\n640\n", "");
}

#[test]
fn what_is_moved_keeps_its_mode_and_is_printed_so() {
    let sandbox = here();
    fs::set_permissions(sandbox.path("greet.py"), fs::Permissions::from_mode(0o750)).expect("sets");
    let patch = "*** Begin Patch\n*** Update File: greet.py\n*** Move to: bin/hello.py\n*** End Patch\n";
    let words = ["haco", "edit", "-q", "--target", "greet.py", "--new", "bin/hello.py"];
    let diff = has("+++ b/bin/hello.py\n");
    sandbox.run(&[&words[..], &["--stdout"]].concat()).stdin(patch).gives(0, diff, any());
    let moved = |v: &Value| v["files"][0]["from"] == "greet.py" && v["files"][1]["action"] == "delete";
    sandbox.run(&[&words[..], &["--check", "--json"]].concat()).stdin(patch).gives(0, json(moved), any());
    sandbox.run(&words).stdin(patch).gives(0, "bin/hello.py\ngreet.py\n", any());
    assert_eq!(all(&sandbox)[0], ("bin/hello.py 750".to_owned(), GREET.to_owned()));
    sandbox.run(&words).stdin(patch).gives(0, "", any());
}

#[test]
fn every_answer_is_of_its_schema() {
    let sandbox = here();
    let schema = fs::read_to_string(root().join("schemas/edit.schema.json")).expect("reads");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let is_valid = |v: &Value| validator.is_valid(v);
    let words = ["haco", "edit", "--json", "--target", "greet.py", "--target", "lib/util.py"];
    for (more, reply, status) in [
        (&["--check"][..], reply(), 0),
        (&["--stdout"], reply(), 0),
        (&[], half_wrong(), 1),
        (&[], String::new(), 1),
        (&[], "x".repeat(17 << 20), 1),
        (&["--target", "nowhere/*"], reply(), 2),
        (&["-C", "nowhere"], reply(), 2),
        (&["--format", "prose"], reply(), 2),
        (&[], reply(), 0),
    ] {
        sandbox.run(&[&words[..], more].concat()).stdin(reply).gives(status, json(is_valid), any());
    }
}

#[test]
fn a_reader_that_went_away_is_a_silent_74() {
    let sandbox = here();
    let words = ["haco", "edit", "--check", "--target", "greet.py", "reply.md"].map(str::to_owned);
    sandbox.write("reply.md", reply());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command: Command = sandbox.command(&words);
    let done = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().expect("it runs");
    let done = done.wait_with_output().expect("it ends");
    assert_eq!((done.status.code(), done.stderr.as_slice()), (Some(74), &b""[..]));
}
#[test]
fn the_same_reply_twice_changes_once() {
    let sandbox = here();
    let words = ["haco", "edit", "--target", "greet.py"];
    sandbox.run(&words).stdin(reply()).gives(0, "greet.py\n", "");
    sandbox.run(&words).stdin(reply()).gives(0, "", has("nothing to do"));
    assert_eq!(sandbox.read("greet.py"), GREETS);
}
