//! Paths inside a repository, checked once: what passes here names a regular place below the root on every file system,
//! and never git's or haco's own directory in any disguise. Opening the file without following links is the caller's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The longest component that every file system holds, in bytes.
const COMPONENT_BYTES: usize = 255;
/// The longest path in all, in bytes.
const PATH_BYTES: usize = 4096;

/// A relative, `/`-separated, UTF-8 path that stays inside the repository and outside `.git` and `.haco`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

impl RepoPath {
    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The text after the last dot of the file name, lower-cased; empty where there is none.
    pub fn extension(&self) -> String {
        let name = self.file_name();
        name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or(String::new(), |(_, e)| e.to_lowercase())
    }

    /// What a file system that ignores case and invisible code points sees: equal for two paths that collide there.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

impl FromStr for RepoPath {
    type Err = String;

    fn from_str(text: &str) -> Result<RepoPath, String> {
        check(text)?;
        Ok(RepoPath(text.to_owned()))
    }
}

impl TryFrom<String> for RepoPath {
    type Error = String;

    fn try_from(text: String) -> Result<RepoPath, String> {
        check(&text)?;
        Ok(RepoPath(text))
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> String {
        path.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the two are one file where case and invisible code points do not count.
pub fn collides(a: &RepoPath, b: &RepoPath) -> bool {
    a.folded() == b.folded()
}

/// Whether tools on the host run or obey the file when someone next builds, opens or pushes the repository: CI
/// definitions, build scripts, shell and package-manager settings, git's own files, editor and agent settings, hooks.
pub fn runs_on_host(path: &RepoPath) -> bool {
    let folded = path.folded();
    let parts: Vec<&str> = folded.split('/').collect();
    let (name, dirs) = parts.split_last().expect("a split has at least one part");
    let pair = |a: &str, b: &str| dirs.windows(2).any(|w| w == [a, b]);
    HOST_FILES.contains(name)
        || dirs.iter().any(|d| HOST_DIRS.contains(d))
        || dirs.first() == Some(&"hooks")
        || (dirs.last() == Some(&".cargo") && matches!(*name, "config" | "config.toml"))
        || [".github", ".gitea", ".forgejo"].iter().any(|forge| pair(forge, "workflows") || pair(forge, "actions"))
}

const HOST_FILES: &[&str] = &[
    ".aider.conf.yml",
    ".bazelrc",
    ".cursorrules",
    ".drone.yml",
    ".envrc",
    ".exrc",
    ".gdbinit",
    ".gitattributes",
    ".gitconfig",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".lldbinit",
    ".mcp.json",
    ".mise.toml",
    ".npmrc",
    ".nvim.lua",
    ".pnpmfile.cjs",
    ".pre-commit-config.yaml",
    ".tool-versions",
    ".travis.yml",
    ".windsurfrules",
    ".woodpecker.yml",
    ".yarnrc",
    ".yarnrc.yml",
    "agents.md",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "build.rs",
    "claude.local.md",
    "claude.md",
    "copilot-instructions.md",
    "gemini.md",
    "jenkinsfile",
    "lefthook.yml",
    "mise.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
];

const HOST_DIRS: &[&str] = &[
    ".buildkite",
    ".circleci",
    ".claude",
    ".codex",
    ".cursor",
    ".devcontainer",
    ".gemini",
    ".githooks",
    ".husky",
    ".idea",
    ".vscode",
    ".woodpecker",
    ".yarn",
    ".zed",
];

fn check(text: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("'{}' is not a path inside the repository: {why}", shown(text)));
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.len() > PATH_BYTES {
        return refuse("it is longer than 4096 bytes");
    }
    if text.starts_with('/') {
        return refuse("it is absolute");
    }
    if text.starts_with('-') {
        return refuse("it begins with a hyphen");
    }
    match text.split('/').find_map(fault) {
        Some(why) => refuse(why),
        None => Ok(()),
    }
}

/// What is wrong with one component.
fn fault(part: &str) -> Option<&'static str> {
    let bad_char = |c: char| c.is_control() || c == '\\' || c == ':' || matches!(c, '\u{2028}' | '\u{2029}');
    match part {
        "" => Some("a component is empty"),
        "." | ".." => Some("a component is '.' or '..'"),
        _ if part.len() > COMPONENT_BYTES => Some("a component is longer than 255 bytes"),
        _ if is_guarded(part) => Some("it names the directory of git or of haco"),
        _ if part.chars().any(bad_char) => Some("it holds a control character, a backslash or a colon"),
        _ if part.ends_with(['.', ' ']) => Some("a component ends in a dot or a space"),
        _ if is_device(part) => Some("a component is a reserved device name"),
        _ => None,
    }
}

/// Whether a name is `.git` or `.haco`: in any case, with trailing dots, spaces or a stream name, as a short name, or with
/// code points that HFS+ ignores.
pub fn is_guarded(part: &str) -> bool {
    let folded = folded(part);
    let stem = folded.split(':').next().unwrap_or("").trim_end_matches(['.', ' ']);
    let short = |name: &str| {
        stem.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('~'))
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem, ".git" | ".haco") || short("git") || short("haco")
}

/// The device names of Windows, with or without an extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or("").trim_end_matches(' ').to_ascii_lowercase();
    let numbered = |name: &str| stem.strip_prefix(name).is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// Code points that HFS+ leaves out when it compares names (git's list for CVE-2014-9390).
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200C}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}')
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| !is_ignorable(*c)).flat_map(char::to_lowercase).collect()
}

/// The text as one short line without control or invisible characters.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(120).collect();
    let tail = if short.len() < text.len() { "…" } else { "" };
    let mut out = String::new();
    for c in short.chars() {
        if is_ignorable(c) { out.extend(c.escape_unicode()) } else { out.extend(c.escape_debug()) }
    }
    out + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        text.parse().expect(text)
    }

    #[test]
    fn ordinary_paths_pass() {
        for good in [
            "a",
            "src/main.rs",
            ".gitignore",
            ".github/workflows/ci.yml",
            "a b/c d.txt",
            "é/ü.md",
            "git",
            "gitk~x",
            "...x",
            "a-b/-c",
            "console.rs",
            "com10",
            "nullable.rs",
            "haco/x",
            "src/git/mod.rs",
            ".env",
        ] {
            assert_eq!(path(good).as_str(), good);
        }
    }

    #[test]
    fn each_rule_refuses_its_sample() {
        let long = format!("a/{}", "x".repeat(256));
        let longer = "abcdefg/".repeat(600) + "x";
        for (rule, bad) in [
            ("empty", ""),
            ("absolute", "/etc/passwd"),
            ("parent", "../x"),
            ("parent inside", "a/../b"),
            ("dot", "./a"),
            ("empty component", "a//b"),
            ("trailing slash", "a/"),
            ("leading hyphen", "-rf"),
            ("control", "a\nb"),
            ("nul", "a\0b"),
            ("delete", "a\u{7f}b"),
            ("backslash", "a\\b"),
            ("colon", "C:x"),
            ("stream", "a.txt:s"),
            ("ends in dot", "a./b"),
            ("ends in space", "a /b"),
            ("device", "CON"),
            ("device with extension", "src/nul.txt"),
            ("numbered device", "lpt9.c"),
            ("any case device", "AuX"),
            ("device with space", "con .txt"),
            ("long component", &long),
            ("long path", &longer),
        ] {
            let reason = bad.parse::<RepoPath>().expect_err(rule);
            assert!(!reason.contains('\n') && reason.len() < 400, "{rule}: {reason}");
        }
    }

    #[test]
    fn refuses_git_and_haco_in_every_disguise() {
        for bad in [
            ".git",
            ".git/hooks/pre-commit",
            "sub/.GIT/config",
            ".git./x",
            ".git /x",
            "git~1",
            "GIT~2/config",
            ".git::$INDEX_ALLOCATION/x",
            ".g\u{200c}it/config",
            "\u{feff}.git",
            ".gi\u{206a}t",
            ".g\u{202e}it",
            ".haco/tickets",
            ".HACO",
            "haco~1",
            ".ha\u{200d}co/x",
            ".git...",
            ".git. .",
        ] {
            let reason = bad.parse::<RepoPath>().expect_err(bad);
            assert!(reason.contains("git or of haco"), "{bad}: {reason}");
        }
    }

    #[test]
    fn serde_refuses_what_parsing_refuses() {
        assert!(serde_json::from_str::<RepoPath>("\"a/../b\"").is_err());
        let there: RepoPath = serde_json::from_str("\"a/b\"").expect("good path");
        assert_eq!(serde_json::to_string(&there).expect("text"), "\"a/b\"");
    }

    #[test]
    fn names_that_differ_in_case_or_invisibly_collide() {
        assert!(collides(&path("README.md"), &path("readme.MD")));
        assert!(collides(&path("a\u{200c}b"), &path("ab")));
        assert!(!collides(&path("a/b"), &path("a/c")));
    }

    #[test]
    fn knows_what_runs_on_the_host() {
        for yes in [
            ".github/workflows/ci.yml",
            ".gitlab-ci.yml",
            ".envrc",
            "web/.npmrc",
            ".cargo/config.toml",
            "a/.cargo/config",
            "build.rs",
            "crates/x/build.rs",
            ".gitattributes",
            "sub/.gitmodules",
            ".vscode/tasks.json",
            ".idea/x.xml",
            ".claude/settings.json",
            "CLAUDE.md",
            ".mcp.json",
            "hooks/pre-push",
            ".husky/pre-commit",
            ".pre-commit-config.yaml",
            "rust-toolchain.toml",
            ".yarn/releases/yarn.cjs",
            ".github/copilot-instructions.md",
            ".gdbinit",
            "x/.tool-versions",
            ".zed/tasks.json",
        ] {
            assert!(runs_on_host(&path(yes)), "{yes}");
        }
        for no in [
            "Makefile",
            "setup.py",
            "conftest.py",
            "src/hooks/use.ts",
            ".github/README.md",
            "cargo/config.toml",
            "src/build.rs.md",
        ] {
            assert!(!runs_on_host(&path(no)), "{no}");
        }
    }

    #[test]
    fn an_extension_is_lower_cased_and_a_dotfile_has_none() {
        assert_eq!(
            (path("a/B.RS").extension(), path(".env").extension(), path("x/Makefile").extension()),
            ("rs".into(), String::new(), String::new())
        );
    }
}
