//! Which files name dependencies, and what each of them names. One module a family of formats; no reader follows a
//! reference out of its file, runs anything, or gives up on a file in part: it is read whole or the reason is told.

mod cargo;
mod composer;
mod docker;
mod gems;
mod golang;
mod gradle;
mod json;
mod locks_json;
mod locks_text;
mod locks_toml;
mod npm;
mod nuget;
mod pipelines;
mod pom;
mod pyproject;
mod registries;
mod requirements;
mod setup;
mod shell;
mod tables;
mod xml;

use super::entry::{Entry, Lock};

/// The longest file that is read.
const MOST_BYTES: usize = 16 << 20;

/// What a file of dependencies says.
#[derive(Debug)]
pub(super) enum Read {
    Manifest(Vec<Entry>),
    Lock(Lock),
}

/// A reader takes the path and the text; its error is a few words.
type Reader = fn(&str, &str) -> Result<Read, String>;

/// What the file says; none where its name is not that of a file of dependencies.
pub(super) fn read(path: &str, bytes: &[u8]) -> Option<Result<Read, String>> {
    let reader = reader(path).or_else(|| bytes.starts_with(b"#!").then_some(shell::file as Reader))?;
    if bytes.len() > MOST_BYTES {
        return Some(Err("it is longer than 16 MiB".to_owned()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(Err("it is not UTF-8".to_owned())) };
    Some(reader(path, text.strip_prefix('\u{feff}').unwrap_or(text)))
}

/// Whether the file's name alone says that it may name dependencies.
pub(super) fn is_manifest(path: &str) -> bool {
    reader(path).is_some()
}

fn manifest(entries: Vec<Entry>) -> Result<Read, String> {
    Ok(Read::Manifest(entries))
}

fn reader(path: &str) -> Option<Reader> {
    let lower = path.to_lowercase();
    let (dir, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    exact(dir, name).or_else(|| by_form(dir, name))
}

fn exact(dir: &str, name: &str) -> Option<Reader> {
    Some(match name {
        "package.json" => npm::package_json,
        "pnpm-workspace.yaml" => npm::pnpm_workspace,
        "package-lock.json" | "npm-shrinkwrap.json" => locks_json::npm,
        "yarn.lock" => locks_text::yarn,
        "pnpm-lock.yaml" => locks_text::pnpm,
        "cargo.toml" => cargo::cargo_toml,
        "config.toml" | "config" if dir.ends_with(".cargo") => cargo::config,
        "cargo.lock" => locks_toml::cargo,
        "pyproject.toml" => pyproject::pyproject,
        "pipfile" => pyproject::pipfile,
        "poetry.lock" | "pdm.lock" => locks_toml::poetry,
        "uv.lock" => locks_toml::uv,
        "pipfile.lock" => locks_json::pipfile,
        "setup.py" => setup::setup_py,
        "setup.cfg" => setup::setup_cfg,
        "environment.yml" | "environment.yaml" => setup::conda,
        "go.mod" | "go.work" => golang::go_mod,
        "go.sum" | "go.work.sum" => locks_text::go_sum,
        "gemfile" | "gems.rb" => gems::gemfile,
        "gemfile.lock" | "gems.locked" => locks_text::gemfile,
        "pom.xml" => pom::pom,
        "gradle-wrapper.properties" => gradle::wrapper,
        "composer.json" => composer::composer_json,
        "composer.lock" => locks_json::composer,
        "packages.config" | "nuget.config" => nuget::project,
        "dotnet-tools.json" => nuget::tools,
        "dockerfile" | "containerfile" => docker::dockerfile,
        ".npmrc" | ".yarnrc" | ".yarnrc.yml" | ".condarc" | "pip.conf" | "pip.ini" => registries::lines,
        "uv.toml" | "bunfig.toml" => registries::tables,
        ".gitmodules" => registries::submodules,
        "config" if dir.ends_with(".bundle") => registries::lines,
        "makefile" | "gnumakefile" | "justfile" | ".envrc" | "jenkinsfile" | "procfile" => shell::file,
        ".gitlab-ci.yml" | "action.yml" | "action.yaml" | ".travis.yml" | ".drone.yml" | "azure-pipelines.yml" => {
            pipelines::pipeline
        }
        "bitbucket-pipelines.yml" | ".pre-commit-config.yaml" | ".woodpecker.yml" => pipelines::pipeline,
        _ => return None,
    })
}

fn by_form(dir: &str, name: &str) -> Option<Reader> {
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    let has = |word: &str| name.contains(word);
    Some(match extension {
        "txt" | "in" | "pip" if has("requirements") || has("constraints") || dir.ends_with("requirements") => {
            requirements::requirements
        }
        "toml" if name.ends_with(".versions.toml") => gradle::catalog,
        "gemspec" => gems::gemfile,
        "gradle" | "kts" if extension == "gradle" || name.ends_with(".gradle.kts") => gradle::build,
        "csproj" | "fsproj" | "vbproj" | "props" | "targets" => nuget::project,
        "dockerfile" => docker::dockerfile,
        "yml" | "yaml" if ["compose.", "docker-compose"].iter().any(|w| name.starts_with(w)) => pipelines::compose,
        "yml" | "yaml" if dir.ends_with("/workflows") || dir.ends_with(".circleci") || dir.ends_with(".woodpecker") => {
            pipelines::pipeline
        }
        "sh" | "bash" | "zsh" | "mk" => shell::file,
        _ if name.starts_with("dockerfile.") || name.starts_with("containerfile.") => docker::dockerfile,
        _ => return None,
    })
}

/// The line of each byte offset of a text, from 1.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}

/// The text between the first pair of quotes, single or double.
fn quoted(text: &str) -> Option<&str> {
    let from = text.find(['\'', '"'])?;
    let quote = text[from..].chars().next()?;
    let rest = &text[from + 1..];
    rest.find(quote).map(|to| &rest[..to])
}

/// All texts between quotes, each with its byte offset.
fn all_quoted(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(from) = text[at..].find(['\'', '"']).map(|f| at + f) {
        let quote = char::from(text.as_bytes()[from]);
        let Some(to) = text[from + 1..].find(quote).map(|t| from + 1 + t) else { break };
        found.push((from + 1, &text[from + 1..to]));
        at = to + 1;
    }
    found
}

/// A YAML or ini scalar without its quotes.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.split(quote).next());
    inner('"').or_else(|| inner('\'')).unwrap_or_else(|| text.split(" #").next().unwrap_or(text).trim())
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_dependencies_are_known_by_their_names() {
        for yes in [
            "package.json",
            "web/package.json",
            "requirements/dev.txt",
            "requirements-dev.txt",
            "dev-requirements.in",
            "crates/x/Cargo.toml",
            ".cargo/config.toml",
            "Dockerfile.prod",
            "build/app.Dockerfile",
            ".github/workflows/ci.yml",
            "gradle/libs.versions.toml",
            "app/build.gradle.kts",
            "src/App.csproj",
            "Directory.Packages.props",
            "docker-compose.test.yml",
        ] {
            assert!(is_manifest(yes), "{yes}");
        }
        for no in ["src/main.rs", "package.json.md", "notes.txt", "config.toml", "a.yml", "README.md", "settings.kts"] {
            assert!(!is_manifest(no), "{no}");
        }
    }

    #[test]
    fn a_script_is_known_by_its_first_line() {
        assert!(read("bin/setup", b"#!/bin/sh\ntrue\n").is_some() && read("bin/setup", b"true\n").is_none());
    }

    #[test]
    fn an_offset_has_a_line() {
        let lines = Lines::of("a\nbc\n\nd");
        assert_eq!([0, 1, 2, 4, 5, 6].map(|at| lines.at(at)), [1, 1, 2, 2, 3, 4]);
    }
}
