//! One run of the git program: free of the surprises of hooks, prompts, pagers, locales and inherited `GIT_*` variables,
//! and its failure as one line. What to run and what the output means is left to the callers.

use anyhow::{Context, Result};
use haco_core::code::{Code, Failure};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Settings that no run may take from the user's configuration.
const SETTINGS: &[&str] =
    &["core.hooksPath=/dev/null", "core.fsmonitor=false", "core.quotePath=false", "core.safecrlf=false"];

/// Variables that a hook or another git process exports and that would point a run at something else.
const FOREIGN: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_WORK_TREE",
];

/// The git program, run in one working tree.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    worktree: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Program {
    /// The program with `worktree` as its current directory.
    pub(crate) fn new(worktree: &Path) -> Program {
        let program = Program { worktree: worktree.to_owned(), env: Vec::new() };
        program.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C")
    }

    /// The same program with one more environment variable.
    pub(crate) fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Program {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Runs git to its end; any exit status is an answer.
    pub(crate) fn output<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Result<Output> {
        let mut command = Command::new("git");
        command.current_dir(&self.worktree).stdin(Stdio::null());
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(args).output().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::new(Code::MissingTool, "cannot run 'git': no such program").fix("install git").into()
            }
            _ => anyhow::Error::new(error).context("cannot run 'git'"),
        })
    }

    /// Runs git and returns its stdout; another exit status than 0 is an error that carries what git said.
    pub(crate) fn run<I: IntoIterator<Item: AsRef<OsStr>>>(&self, what: &str, args: I) -> Result<Vec<u8>> {
        let output = self.output(args)?;
        anyhow::ensure!(output.status.success(), "'git {what}' failed: {}", said(&output));
        Ok(output.stdout)
    }

    /// The value of a key in the configuration as the user sees it, where there is one that is not empty.
    pub(crate) fn config(&self, key: &str) -> Result<Option<String>> {
        let output = self.output(["config", "--get", key])?;
        let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(value).filter(|v| output.status.success() && !v.is_empty()))
    }

    /// Options that put every filter driver of the configuration out of use, so that no content starts a program.
    pub(crate) fn without_filters(&self) -> Result<Vec<String>> {
        let output = self.output(["config", "-z", "--name-only", "--get-regexp", r"^filter\."])?;
        let keys = String::from_utf8(output.stdout).context("a filter in git's configuration is not named in UTF-8")?;
        let mut names: Vec<&str> = keys
            .split('\0')
            .filter_map(|k| k.strip_prefix("filter.")?.rsplit_once('.'))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        names.dedup();
        let off =
            |name: &str| ["clean=", "smudge=", "process=", "required=false"].map(|key| format!("filter.{name}.{key}"));
        Ok(names.into_iter().flat_map(off).flat_map(|setting| ["-c".to_owned(), setting]).collect())
    }
}

/// What git said in one line: its first `fatal:`, its first `error:` or else its last line, without control characters.
pub(crate) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("hint:")).collect();
    let starting = |word: &str| lines.iter().find_map(|line| line.strip_prefix(word));
    let line = starting("fatal: ").or_else(|| starting("error: ")).or(lines.last().copied());
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(400).collect();
    line.map_or_else(|| format!("it ended with {}", output.status), clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;
    use std::os::unix::process::ExitStatusExt;

    fn with_stderr(stderr: &str) -> Output {
        Output { status: std::process::ExitStatus::from_raw(256), stdout: Vec::new(), stderr: stderr.into() }
    }

    #[test]
    fn what_git_said_is_its_cause_in_one_clean_line() {
        let missing =
            "fatal: '/nowhere' does not appear to be a git repository\nfatal: Could not read.\n\nPlease see.\n";
        assert_eq!(said(&with_stderr(missing)), "'/nowhere' does not appear to be a git repository");
        assert_eq!(said(&with_stderr("error: a\u{1b}[31m\nhint: do b\n")), "a[31m");
        assert_eq!(said(&with_stderr("remote: no\n")), "remote: no");
        assert_eq!(said(&with_stderr("")), "it ended with exit status: 1");
    }

    #[test]
    fn a_failing_run_names_the_command_and_the_cause() {
        let sample = Sample::new();
        let error = sample.repo().git.run("cat-file", ["cat-file", "-p", "nothing"]).expect_err("no such object");
        assert_eq!(error.to_string(), "'git cat-file' failed: Not a valid object name nothing");
    }

    #[test]
    fn every_filter_driver_is_put_out_of_use() {
        let sample = Sample::new();
        sample.git(&["config", "filter.lfs.process", "git-lfs filter-process"]);
        sample.git(&["config", "filter.a.b.smudge", "x"]);
        let options = sample.repo().git.without_filters().expect("options");
        for setting in ["filter.lfs.process=", "filter.lfs.smudge=", "filter.a.b.required=false"] {
            assert!(options.iter().any(|o| o == setting), "{setting}: {options:?}");
        }
    }
}
