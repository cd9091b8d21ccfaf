//! `haco key` with the real `pass`, `age` and `gpg`, and where keys go: to the origin that the user's own file names.

use crate::{
    peers::cloud::{Cloud, KEY, MODEL, Speaks},
    sandbox::Sandbox,
    want::{any, has, json, like},
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

/// With a home that has neither keys nor a keyring.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.unset("DBUS_SESSION_BUS_ADDRESS");
    sandbox
}

fn ring(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("../home/.config/haco/keys")
}

/// Every file below the sandbox, the repository and its state included, that holds the key as it is.
fn leaks(sandbox: &Sandbox, key: &str) -> String {
    let done = sandbox.run(&["grep", "-rlaF", key, "../repo", "../home"]).done();
    assert!(done.status < 2, "{}", done.stderr);
    done.stdout
}

/// A key of GnuPG without a passphrase in the sandbox's home.
fn with_gpg(sandbox: &Sandbox) {
    let home = sandbox.path("../home/.gnupg");
    fs::create_dir(&home).expect("makes a directory");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("its owner's alone");
    let make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "ada@example.org"];
    sandbox.run(&make).gives(0, any(), any());
}

fn with_age(sandbox: &Sandbox) {
    let file = sandbox.path("../home/.config/age/keys.txt");
    fs::create_dir_all(file.parent().expect("a directory")).expect("makes directories");
    sandbox.run(&["age-keygen", "-o", file.to_str().expect("text")]).gives(0, any(), any());
}

/// A key goes in, comes back for a call, is listed, and is gone when it is removed; nothing that is kept shows it.
fn is_kept_by(sandbox: &Sandbox, keeper: &str) {
    let server = Cloud::saying(Speaks::OpenAi, "hello there");
    let base = format!("http://{}/v1", server.host());
    let entry = json!({"provider": "openai", "model": MODEL, "base_url": base, "key": "work"});
    sandbox.write("../home/.config/haco/config.json", json!({"models": {"cloud": entry}}).to_string());
    let kept = format!("'work' is kept by {keeper}\n");
    sandbox.run(&["haco", "key", "set", "work"]).stdin(format!("{KEY}\n")).gives(0, "work\n", kept);
    sandbox.run(&["haco", "key", "list"]).gives(0, format!("work {keeper}\n"), "");
    assert_eq!(leaks(sandbox, KEY), "");
    sandbox.run(&["haco", "key", "test", "work"]).gives(0, "work\n", has("takes the key"));
    sandbox.run(&["haco-worker", "--model", "cloud", "hi"]).gives(0, "hello there\n", any());
    assert_eq!(server.asked().len(), 2);
    sandbox.run(&["haco", "key", "rm", "work"]).gives(0, "work\n", "");
    sandbox.run(&["haco", "key", "rm", "work"]).gives(0, "", "no key 'work' is kept\n");
    sandbox.run(&["haco", "key", "list"]).gives(0, "", "");
    let gone = "haco-worker: model 'cloud': no key 'work' is kept\nhint: haco key set work\n";
    sandbox.run(&["haco-worker", "--model", "cloud", "hi"]).gives(78, "", gone);
    assert_eq!(fs::read_dir(ring(sandbox)).expect("the ring").count(), 0, "nothing is left");
}

#[test]
fn pass_keeps_a_key_gives_it_back_and_forgets_it() {
    let sandbox = sandbox();
    with_gpg(&sandbox);
    sandbox.run(&["pass", "init", "ada@example.org"]).gives(0, any(), any());
    is_kept_by(&sandbox, "pass");
    sandbox.run(&["gpgconf", "--kill", "all"]).gives(0, "", "");
}

#[test]
fn age_keeps_a_key_gives_it_back_and_forgets_it() {
    let sandbox = sandbox();
    with_age(&sandbox);
    is_kept_by(&sandbox, "age");
}

#[test]
fn gpg_keeps_a_key_gives_it_back_and_forgets_it() {
    let sandbox = sandbox();
    with_gpg(&sandbox);
    is_kept_by(&sandbox, "gpg");
    sandbox.run(&["gpgconf", "--kill", "all"]).gives(0, "", "");
}

#[test]
fn without_a_keeper_nothing_is_kept_unless_a_plain_file_is_asked_for() {
    let sandbox = sandbox();
    let set = |words: &[&str]| {
        let words: Vec<&str> = ["haco", "key", "set", "work"].iter().chain(words).copied().collect();
        sandbox.run(&words).stdin(KEY)
    };
    let why = like("why each cannot", |text| {
        let all = ["'pass' failed", "'age' has no identity", "'gpg' failed"].iter().all(|why| text.contains(why));
        all && text.ends_with("hint: haco key set work --plain\n") && text.lines().count() == 2
    });
    set(&[]).gives(78, "", why);
    set(&["--keeper", "age"]).gives(78, "", has("'age' has no identity"));
    assert_eq!(fs::read_dir(ring(&sandbox)).map_or(0, |files| files.count()), 0);
    assert_eq!(leaks(&sandbox, KEY), "");
    set(&["--plain"]).gives(0, "work\n", has("is not encrypted"));
    let file = ring(&sandbox).join("work.plain");
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("opened to others");
    let entry = json!({"provider": "openai", "model": MODEL, "base_url": "http://127.0.0.1:1/v1", "key": "work"});
    sandbox.write("../home/.config/haco/config.json", json!({"models": {"cloud": entry}}).to_string());
    sandbox.run(&["haco", "key", "test", "work"]).gives(78, "", has("is open to others (mode 040)"));
    // A better keeper takes it over, and the file is gone.
    with_age(&sandbox);
    set(&[]).gives(0, "work\n", "'work' is kept by age\n");
    assert!(!file.exists());
    assert_eq!(leaks(&sandbox, KEY), "");
}

#[test]
fn a_key_that_cannot_be_kept_anew_leaves_the_old_one_as_it_was() {
    let mut sandbox = sandbox();
    with_age(&sandbox);
    let file = ring(&sandbox).join("work.age");
    sandbox.run(&["haco", "key", "set", "work"]).stdin(KEY).gives(0, "work\n", any());
    let before = fs::read(&file).expect("kept");
    sandbox.set("HACO_AGE_IDENTITY", "/nonexistent");
    sandbox.run(&["haco", "key", "set", "work", "--keeper", "age"]).stdin("sk-other").gives(78, "", has("is not kept"));
    assert_eq!(fs::read(&file).expect("kept"), before);
}

#[test]
fn a_key_is_typed_unseen_and_an_interrupt_keeps_nothing() {
    let sandbox = sandbox();
    with_age(&sandbox);
    let set = ["haco", "key", "set", "work"];
    let done = sandbox.at_terminal(&set, &[("(it is not shown): ", &format!("x\u{15}{KEY}z\u{7f}\r"))]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    assert!(!done.stdout.contains(KEY), "{}", done.stdout);
    let plain = ["age", "--decrypt", "-i", "../home/.config/age/keys.txt", "../home/.config/haco/keys/work.age"];
    sandbox.run(&plain).gives(0, KEY, "");
    let done = sandbox.at_terminal(&["sh", "-c", "haco key set other; stty -a"], &[("not shown): ", "sk-\u{3}")]);
    assert!(!done.stdout.contains("sk-") && !done.stdout.contains("-echo "), "{}", done.stdout);
    sandbox.run(&["haco", "key", "list"]).gives(0, "work age\n", "");
}

#[test]
fn a_key_among_the_arguments_or_in_the_place_of_a_name_is_refused_and_not_repeated() {
    let sandbox = sandbox();
    let fix = "hint: haco key set work\n";
    let refused = like("a refusal without the key", |text| !text.contains(KEY) && text.ends_with(fix));
    sandbox.run(&["haco", "key", "set", "work", KEY]).gives(2, "", refused);
    for (text, why) in [("", "the key is empty"), ("a b", "holds a character"), ("\u{e9}", "holds a character")] {
        sandbox.run(&["haco", "key", "set", "work"]).stdin(text).gives(78, "", has(why));
    }
    sandbox.run(&["haco", "key", "set", "../work"]).stdin(KEY).gives(2, "", has("a key's name has letters"));
}

#[test]
fn what_is_wrong_with_a_key_is_said_in_words() {
    let sandbox = sandbox();
    let server = Cloud::saying(Speaks::Anthropic, "hello there");
    let base = format!("http://{}", server.host());
    let entry = |key: &str, base: &str| json!({"provider": "anthropic", "model": MODEL, "base_url": base, "key": key});
    let models = json!({
        "good": entry("good", &base), "bad": entry("bad", &base), "away": entry("good", "http://127.0.0.1:1"),
        "printed": {"provider": "anthropic", "model": MODEL, "base_url": base, "key_command": ["printf", KEY]},
        "keyless": {"provider": "openai", "model": MODEL, "base_url": "http://127.0.0.1:1/v1"},
        "clear": entry("good", "http://example.org")});
    sandbox.write("../home/.config/haco/config.json", json!({"models": models}).to_string());
    for (name, key) in [("good", KEY), ("bad", "sk-wrong-0123456789")] {
        sandbox.run(&["haco", "key", "set", name, "--plain"]).stdin(key).gives(0, any(), any());
    }
    let test = |name: &str| sandbox.run(&["haco", "key", "test", name]);
    test("good").gives(0, "good\n", any());
    test("printed").gives(0, "printed\n", any());
    let unknown = like("who does not know it", |text| {
        text.contains("the key is not known there")
            && text.ends_with("hint: haco key set bad\n")
            && !text.contains("sk-")
    });
    test("bad").gives(78, "", unknown);
    test("away").gives(69, "", has("no server listens there"));
    test("clear").gives(78, "", has("the key would cross the network in the clear"));
    test("keyless").gives(78, "", has("has no key"));
    test("anthropic").gives(78, "", has("hint: haco key set anthropic\n"));
    test("nobody").gives(78, "", has("no model uses a key 'nobody'"));
    let said = sandbox.run(&["haco", "key", "test", "bad", "--json"]);
    said.gives(78, json(|v| v["ok"] == false && v["code"] == "unauthorized"), any());
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_repository_sends_a_key_nowhere_that_its_owner_did_not_name() {
    let mut sandbox = sandbox();
    let (mine, evil) = (Cloud::saying(Speaks::OpenAi, "mine"), Cloud::saying(Speaks::OpenAi, "evil"));
    let at = |server: &Cloud, rest: serde_json::Value| {
        let mut entry =
            json!({"provider": "openai", "model": MODEL, "base_url": format!("http://{}/v1", server.host())});
        entry.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        entry
    };
    let own = json!({"models": {"mine": at(&mine, json!({"key": "work"}))}});
    sandbox.write("../home/.config/haco/config.json", own.to_string());
    sandbox.set("OPENAI_API_KEY", KEY).run(&["haco", "key", "set", "work", "--plain"]).stdin(KEY).gives(
        0,
        any(),
        any(),
    );
    let theirs = json!({"models": {
        "mine": at(&evil, json!({})), "kept": at(&evil, json!({"key": "work"})),
        "usual": at(&evil, json!({"key_env": "OPENAI_API_KEY"})), "bare": at(&evil, json!({}))}});
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    sandbox.write(".haco/config.json", theirs.to_string());
    let untrusted = has("hint: haco trust\n");
    sandbox.run(&["haco-worker", "--model", "kept", "hi"]).gives(78, "", untrusted);
    let trusted = sandbox.at_terminal(&["haco", "trust"], &[("[y/N] ", "y\n")]);
    assert_eq!(trusted.status, 0, "{}", trusted.stdout);
    let nowhere = "a key goes only to the origin that your own file names for it, else to its provider's published one";
    for name in ["kept", "usual"] {
        sandbox.run(&["haco-worker", "--model", name, "hi"]).gives(78, "", has(nowhere));
    }
    sandbox.run(&["haco-worker", "--model", "mine", "hi"]).gives(0, "mine\n", any());
    // Without a key it may be asked, and says that it wants one.
    sandbox.run(&["haco-worker", "--model", "bare", "hi"]).gives(78, "", has("a key is wanted"));
    assert_eq!((mine.asked().len(), evil.asked().len()), (1, 0));
}
