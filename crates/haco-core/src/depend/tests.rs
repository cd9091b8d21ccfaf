//! The rules by example: each file of `samples/` holds changes of one ecosystem and what is found in them.
//!
//! ```text
//! === what the sample shows
//! package.json              a file; then its lines: ' ' on both sides, '-' before, '+' after
//!  {"dependencies": {
//! +  "left-pad": "1"
//!  }}
//! allow left-pad            an entry of allowed_dependencies
//! > refused package.json:2 left-pad
//! > flagged package.json:2 a part of the message
//! ```

use super::{Report, compare};
use crate::delta::{Around, Delta};
use proptest::prelude::*;

const SAMPLES: [(&str, &str); 16] = [
    ("npm", include_str!("samples/npm.txt")),
    ("cargo", include_str!("samples/cargo.txt")),
    ("requirements", include_str!("samples/requirements.txt")),
    ("pyproject", include_str!("samples/pyproject.txt")),
    ("go", include_str!("samples/go.txt")),
    ("ruby", include_str!("samples/ruby.txt")),
    ("maven", include_str!("samples/maven.txt")),
    ("gradle", include_str!("samples/gradle.txt")),
    ("composer", include_str!("samples/composer.txt")),
    ("nuget", include_str!("samples/nuget.txt")),
    ("docker", include_str!("samples/docker.txt")),
    ("pipelines", include_str!("samples/pipelines.txt")),
    ("shell", include_str!("samples/shell.txt")),
    ("registries", include_str!("samples/registries.txt")),
    ("imports", include_str!("samples/imports.txt")),
    ("locks", include_str!("samples/locks.txt")),
];

#[derive(Default)]
struct Sample<'a> {
    name: &'a str,
    files: Vec<File<'a>>,
    allowed: Vec<String>,
    wanted: Vec<&'a str>,
}

#[derive(Default)]
struct File<'a> {
    path: &'a str,
    old: String,
    new: String,
}

fn samples(text: &str) -> Vec<Sample<'_>> {
    let mut all: Vec<Sample> = Vec::new();
    for line in text.lines().filter(|l| !l.is_empty()) {
        if let Some(name) = line.strip_prefix("=== ") {
            all.push(Sample { name, ..Sample::default() });
            continue;
        }
        let sample = all.last_mut().expect("a sample begins with its name");
        let (mark, rest) = line.split_at(1);
        match mark {
            ">" => sample.wanted.push(rest.trim()),
            " " | "+" | "-" => {
                let file = sample.files.last_mut().expect("a line belongs to a file");
                if mark != "+" {
                    file.old.push_str(&format!("{rest}\n"));
                }
                if mark != "-" {
                    file.new.push_str(&format!("{rest}\n"));
                }
            }
            _ => match line.strip_prefix("allow ") {
                Some(name) => sample.allowed.push(name.to_owned()),
                None => sample.files.push(File { path: line, ..File::default() }),
            },
        }
    }
    all
}

impl Sample<'_> {
    fn report(&self) -> Report {
        let side = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned().into_bytes());
        let sides: Vec<_> = self.files.iter().map(|f| (f.path, side(&f.old), side(&f.new))).collect();
        let changed = sides.iter().filter(|(_, old, new)| old != new);
        let changes: Vec<Delta> =
            changed.map(|(path, old, new)| Delta { path, old: old.as_deref(), new: new.as_deref() }).collect();
        let paths: Vec<String> =
            sides.iter().filter(|(_, old, _)| old.is_some()).map(|(path, ..)| (*path).to_owned()).collect();
        let read = |path: &str| sides.iter().find(|(p, ..)| *p == path).and_then(|(_, old, _)| old.clone());
        compare(&changes, &self.allowed, &Around { paths: &paths, read: &read })
    }
}

/// What was found, in the words of the samples.
fn found(report: &Report) -> Vec<String> {
    let refused = report.refused.iter().map(|r| format!("refused {}:{} {}", r.file, r.line, r.package));
    let flagged = report.flags.iter().map(|f| {
        format!("flagged {}:{} {}", f.file.as_deref().unwrap_or_default(), f.line.unwrap_or_default(), f.message)
    });
    refused.chain(flagged).collect()
}

fn fits(wanted: &str, found: &str) -> bool {
    let head = |text: &str| text.splitn(3, ' ').map(str::to_owned).collect::<Vec<_>>();
    let (wanted, found) = (head(wanted), head(found));
    let same = wanted[..2] == found[..2];
    match (wanted.get(2), found.get(2)) {
        (None, _) => same,
        (Some(w), Some(f)) if wanted[0] == "flagged" => same && f.contains(w.as_str()),
        (w, f) => same && w == f,
    }
}

#[test]
fn every_sample_is_found_as_it_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for (system, text) in SAMPLES {
        for sample in samples(text) {
            let mut found = found(&sample.report());
            let missing: Vec<&&str> = sample
                .wanted
                .iter()
                .filter(|w| match found.iter().position(|f| fits(w, f)) {
                    Some(at) => {
                        found.remove(at);
                        false
                    }
                    None => true,
                })
                .collect();
            if !missing.is_empty() || !found.is_empty() {
                wrong.push(format!("{system}: {}\n  missing {missing:?}\n  too much {found:?}", sample.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_ten_samples_of_each_ecosystem() {
    for (system, text) in SAMPLES {
        assert!(samples(text).len() >= 10, "{system} has {}", samples(text).len());
    }
}

/// A name of each reader.
const NAMES: [&str; 46] = [
    "package.json",
    "pnpm-workspace.yaml",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "Cargo.toml",
    ".cargo/config.toml",
    "Cargo.lock",
    "pyproject.toml",
    "Pipfile",
    "poetry.lock",
    "uv.lock",
    "Pipfile.lock",
    "setup.py",
    "setup.cfg",
    "environment.yml",
    "go.mod",
    "go.sum",
    "Gemfile",
    "Gemfile.lock",
    "pom.xml",
    "gradle-wrapper.properties",
    "build.gradle",
    "libs.versions.toml",
    "composer.json",
    "composer.lock",
    "App.csproj",
    "nuget.config",
    "dotnet-tools.json",
    "Dockerfile",
    "compose.yml",
    ".github/workflows/x.yml",
    ".circleci/config.yml",
    ".pre-commit-config.yaml",
    ".npmrc",
    "pip.conf",
    "bunfig.toml",
    ".gitmodules",
    "requirements.txt",
    "install.sh",
    "a.py",
    "a.ts",
    "a.go",
    "a.rs",
    "a.rb",
    "A.java",
];

fn judged(path: &str, old: &[u8], new: &[u8]) -> Report {
    let change = Delta { path, old: Some(old), new: Some(new) };
    compare(&[change], &[], &Around { paths: &[path.to_owned()], read: &|_| None })
}

/// The two sides of every sample, mixed into one text each.
fn all_text() -> impl Strategy<Value = String> {
    let lines: Vec<&str> =
        SAMPLES.iter().flat_map(|(_, text)| text.lines()).map(|l| l.get(1..).unwrap_or("")).collect();
    proptest::collection::vec(proptest::sample::select(lines), 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_bytes_under_any_name_are_read_without_a_panic(name in 0..NAMES.len(), old: Vec<u8>, new: Vec<u8>) {
        let report = judged(NAMES[name], &old, &new);
        prop_assert!(report.refused.len() <= 50);
    }

    #[test]
    fn lines_of_manifests_in_any_order_are_read_without_a_panic(name in 0..NAMES.len(), old in all_text(), cut: usize) {
        let bytes = old.as_bytes();
        let report = judged(NAMES[name], b"", &bytes[..cut % (bytes.len() + 1)]);
        prop_assert!(report.refused.len() <= 50);
    }

    #[test]
    fn what_does_not_change_is_silent(name in 0..NAMES.len(), text in all_text()) {
        let report = judged(NAMES[name], text.as_bytes(), text.as_bytes());
        prop_assert_eq!(report.refused, Vec::new());
    }
}

#[test]
fn a_large_hostile_file_is_answered_at_once() {
    let many = |line: &str| line.repeat(50_000);
    for (path, text) in [
        ("setup.py", many("require=[")),
        ("setup.py", "require=[".to_owned() + &many("'a',")),
        ("package.json", format!("{{{}\"a\":1}}", many("\"b\":1,"))),
        ("Dockerfile", many("ARG A=$A$A\n") + "FROM $A\n"),
        ("compose.yml", many("  image: x\n")),
        ("x.sh", "npm install ".to_owned() + &many("a;")),
        ("yarn.lock", many("\"a@1\":\n")),
        ("Gemfile.lock", "GEM\n".to_owned() + &many("    a (1)\n") + "CHECKSUMS\n" + &many("  a (1) x\n")),
        ("a.py", many("import a\n'\"\"\"'\n")),
        ("a.py", (0..20_000).map(|n| format!("import a{n}\n")).collect()),
        ("a.ts", (0..20_000).map(|n| format!("import 'a{n}'\n")).collect()),
        ("a.rs", (0..3_000).map(|n| format!("use a{n}::b;\n")).collect()),
        ("A.java", (0..20_000).map(|n| format!("import a{n}.b.C;\n")).collect()),
        ("composer.lock", format!("{{\"packages\":[{}]}}", vec!["{\"name\":\"a/b\"}"; 50_000].join(","))),
    ] {
        assert!(judged(path, b"", text.as_bytes()).refused.len() <= 50, "{path}");
    }
}
