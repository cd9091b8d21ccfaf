//! The rules of the house that a machine can hold: who imports whom, what is declared, documented and depended on.

use crate::{
    sandbox::{Sandbox, root},
    want::{any, like},
};
use haco_core::code::Code;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const PROGRAMS: [&str; 6] = ["haco-plan", "haco-worker", "haco-verify", "haco-audit", "haco-ship", "haco"];
const COMMANDS: &str = "init next run status list show diff log approve accept withdraw rework retry split abandon stop \
                        apply edit confine report calibrate replay models key trust doctor schema demo completions";
const TOOLS: [&str; 6] = ["plan", "worker", "verify", "audit", "ship", "driver"];

/// Outside libraries that live behind the crates beside them.
const ROOMS: [(&str, &[&str]); 10] = [
    ("gix", &["haco-git"]),
    ("ureq", &["haco-net"]),
    ("nix", &["haco-sandbox", "haco-store"]),
    ("libc", &["haco-sandbox"]),
    ("landlock", &["haco-sandbox"]),
    ("clap", &["haco"]),
    ("anyhow", &["haco", "haco-git", "haco-sandbox"]),
    ("fs-err", &["haco", "haco-git", "haco-store"]),
    ("toml", &["haco-core"]),
    ("roxmltree", &["haco-core"]),
];

const LICENCES: [&str; 12] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
];

const MOST_PACKAGES: usize = 300;
const MOST_LINES: usize = 400;

#[test]
fn crates_point_downwards_and_outside_libraries_have_one_room() {
    let metadata = metadata();
    let ours: BTreeMap<String, BTreeSet<String>> = members(&metadata).map(|p| (name(p), normal(p))).collect();
    for (of, uses) in &ours {
        let sideways: Vec<_> = uses.iter().filter(|d| d.starts_with("haco") && *d != "haco-core").collect();
        assert!(of == "haco" || sideways.is_empty(), "{of} imports {sideways:?}");
        assert!(of != "haco-core" || !uses.iter().any(|d| d.starts_with("haco")), "haco-core imports one of ours");
        for (library, rooms) in ROOMS {
            assert!(!uses.contains(library) || rooms.contains(&of.as_str()), "{of} imports {library}");
        }
    }
    assert_eq!(ours.len(), 6, "{ours:?}");
}

#[test]
fn the_core_asks_neither_the_disk_nor_the_clock_nor_the_environment() {
    let banned = [
        "std::fs",
        "std::env",
        "net::Tcp",
        "net::Udp",
        "std::process",
        "std::io",
        "SystemTime",
        "Instant",
        "File::open",
    ];
    for (path, text) in sources("crates/haco-core/src") {
        let code = without_tests(&text);
        let found: Vec<_> = banned.iter().filter(|b| code.lines().any(|l| !is_comment(l) && l.contains(**b))).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

#[test]
fn tools_never_import_each_other() {
    for tool in TOOLS {
        for (path, text) in sources(&format!("crates/haco/src/{tool}")) {
            let imports = imported(&text);
            let others: Vec<_> = TOOLS.iter().filter(|t| **t != tool && imports.contains(**t)).collect();
            assert!(others.is_empty(), "{} imports {others:?}", path.display());
        }
    }
}

#[test]
fn servers_are_asked_by_the_confined_child_alone() {
    let asks = ["ask", "known", "models", "warm"].map(|name| format!("haco_net::{name}("));
    for (path, text) in sources("crates/haco/src") {
        let found: Vec<_> = asks.iter().filter(|call| without_tests(&text).contains(call.as_str())).collect();
        let inside = path.components().any(|part| part.as_os_str() == "confined");
        assert!(inside || found.is_empty(), "{} calls {found:?}: take confined::Line", path.display());
    }
}

#[test]
fn every_file_of_the_suite_is_declared_or_named() {
    let tests = root().join("tests");
    let all: Vec<(PathBuf, String)> = sources("tests");
    for (path, _) in &all {
        let (dir, stem) = (path.parent().expect("a directory"), path.file_stem().expect("a name").to_string_lossy());
        let door = if dir == tests { tests.join("main.rs") } else { dir.join("mod.rs") };
        let declares = fs::read_to_string(&door).expect("it can be read").contains(&format!("mod {stem};"));
        assert!(*path == door || declares, "{} does not declare {}", door.display(), path.display());
    }
    let said: String = all.into_iter().map(|(_, text)| text).collect();
    for sample in files(&tests.join("samples")) {
        let name = sample.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(said.contains(&format!("samples/{name}")), "no test names samples/{name}");
    }
}

#[test]
fn files_stay_short() {
    for (path, text) in sources("crates").into_iter().chain(sources("tests")) {
        let is_test = path.file_name().is_some_and(|n| n == "tests.rs");
        let lines = without_tests(&text).lines().count();
        assert!(is_test || lines <= MOST_LINES, "{} has {lines} lines without tests", path.display());
    }
    let sandbox = fs::read_to_string(root().join("tests/sandbox.rs")).expect("it can be read").lines().count();
    assert!(sandbox < 150, "the sandbox has {sandbox} lines");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    for (path, text) in sources("crates").into_iter().chain(sources("tests")) {
        let found: Vec<_> = marks.iter().filter(|m| text.contains(**m)).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

#[test]
fn the_manual_lists_every_code_with_its_status_and_meaning() {
    let manual = document("man/haco.7");
    let (_, rest) = manual.split_once(".\\\" codes\n").expect("the section begins");
    let (section, _) = rest.split_once(".\\\" /codes").expect("the section ends");
    let entry = |c: &Code| format!(".TP\n\\fB{}\\fR ({})\n{}\n", c.as_str(), c.status().number(), c.meaning());
    let want: String = Code::ALL.iter().map(entry).collect();
    assert_eq!(section.replace("\\-", "-"), want);
}

#[test]
fn the_readme_and_the_manual_name_every_program_and_command() {
    for page in ["README.md", "man/haco.7"] {
        let text = document(page).replace("\\-", "-").replace("\\fB", " ").replace("\\fR", " ");
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        let missing: Vec<_> =
            PROGRAMS.into_iter().chain(COMMANDS.split_whitespace()).filter(|w| !words.contains(w)).collect();
        assert!(missing.is_empty(), "{page} does not name {missing:?}");
    }
}

#[test]
fn every_program_says_its_name_version_and_help() {
    let sandbox = Sandbox::without_repository();
    for program in PROGRAMS {
        let version = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        sandbox.run(&[program, "--version"]).gives(0, version, "");
        let usage = format!("Usage: {program} ");
        sandbox.run(&[program, "--help"]).gives(0, like("its usage", |text| text.contains(&usage)), "");
        let wrong = like("what is wrong", |text| text.contains("--no-such-option") && text.contains("Usage: "));
        sandbox.run(&[program, "--no-such-option"]).gives(2, "", wrong);
    }
    let help = sandbox.run(&["haco", "--help"]).gives(0, any(), "").stdout;
    let listed = |c: &&str| help.lines().any(|l| l.trim_start().split(' ').next() == Some(c));
    assert!(COMMANDS.split_whitespace().all(|c| listed(&c)), "{help}");
}

#[test]
fn manual_pages_are_well_formed_and_speak_of_every_option() {
    let sandbox = Sandbox::without_repository();
    for page in files(&root().join("man")) {
        let path = page.to_str().expect("a name");
        sandbox.run(&["groff", "-man", "-ww", "-z", "-Kutf8", path]).gives(0, "", "");
    }
    for program in PROGRAMS {
        let page = document(&format!("man/{program}.1")).replace("\\-", "-");
        let help = sandbox.run(&[program, "--help"]).gives(0, any(), "").stdout;
        let options: Vec<&str> = help.split_whitespace().filter(|w| w.starts_with("--") && w.len() > 2).collect();
        let missing: Vec<_> =
            options.iter().filter(|o| !page.contains(o.trim_end_matches([',', '.', ')', ']']))).collect();
        assert!(!options.is_empty() && missing.is_empty(), "man/{program}.1 does not name {missing:?}");
    }
}

#[test]
fn completions_know_every_command() {
    let sandbox = Sandbox::without_repository();
    for shell in ["bash", "zsh", "fish"] {
        let done = sandbox.run(&["haco", "completions", shell]).gives(0, any(), "");
        let missing: Vec<_> = COMMANDS.split_whitespace().filter(|c| !done.stdout.contains(c)).collect();
        assert!(missing.is_empty(), "{shell}: {missing:?}");
        if shell == "bash" {
            sandbox.run(&["bash", "-n"]).stdin(done.stdout).gives(0, "", "");
        }
    }
}

#[test]
fn packages_are_few_come_from_the_registry_and_have_a_known_licence() {
    let metadata = metadata();
    let packages: Vec<&Value> = metadata["packages"].as_array().expect("packages").iter().collect();
    let by_id: BTreeMap<&str, &&Value> = packages.iter().map(|p| (text(p, "id"), p)).collect();
    let compiled: Vec<&&Value> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|n| by_id[text(n, "id")])
        .filter(|p| !p["source"].is_null())
        .collect();
    assert!((50..=MOST_PACKAGES).contains(&compiled.len()), "{} packages", compiled.len());
    for package in compiled {
        let source = text(package, "source");
        assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{}", name(package));
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence), "{}: licence '{licence}'", name(package));
    }
}

#[test]
fn a_licence_is_allowed_where_one_choice_is_wholly_allowed() {
    for yes in ["MIT", "MIT OR GPL-3.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "MIT/Apache-2.0"] {
        assert!(is_allowed(yes), "{yes}");
    }
    for no in ["GPL-3.0", "none", "MIT AND GPL-3.0", "(MIT OR ISC) AND MPL-2.0"] {
        assert!(!is_allowed(no), "{no}");
    }
}

/// SPDX as registries have it: AND of OR-groups in brackets, or OR of AND-groups.
fn is_allowed(licence: &str) -> bool {
    let one = |name: &str| LICENCES.contains(&name.trim_matches(['(', ')', ' ']));
    let any_of = |group: &str| group.split(" OR ").flat_map(|l| l.split('/')).any(one);
    if licence.contains('(') {
        return licence.split(" AND ").all(any_of);
    }
    licence.split(" OR ").any(|group| group.split(" AND ").all(|l| l.split('/').any(one)))
}

/// What is compiled for this machine.
fn metadata() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let about = String::from_utf8(rustc.stdout).expect("text");
    let host = about.lines().find_map(|l| l.strip_prefix("host: ")).expect("it names its host");
    let manifest = root().join("Cargo.toml");
    let args = ["metadata", "--locked", "--format-version=1", "--filter-platform", host, "--manifest-path"];
    let output = Command::new(env!("CARGO")).args(args).arg(manifest).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().expect("packages").iter().filter(|p| p["source"].is_null())
}

fn name(package: &Value) -> String {
    text(package, "name").to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("'{key}' is no text"))
}

/// What the shipped code of a package imports.
fn normal(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    dependencies.iter().filter(|d| d["kind"].is_null()).map(name).collect()
}

/// The first names behind `crate::`, one by one or in a group.
fn imported(code: &str) -> BTreeSet<String> {
    let ident = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(ident(rest));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && !c.is_whitespace() => {
                    names.insert(ident(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn imports_are_read_from_groups_too() {
    let code = "use crate::{\n    exit::{Outcome, plan},\n    worker,\n};\nuse crate::audit::x; haco_core::ship";
    assert_eq!(imported(code).into_iter().collect::<Vec<_>>(), ["audit", "exit", "worker"]);
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The Rust files below a directory of the tree, with their text.
fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let rust = files(&root().join(below)).into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs"));
    rust.map(|p| (p.clone(), fs::read_to_string(p).expect("it can be read"))).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
