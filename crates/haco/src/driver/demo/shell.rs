//! Shows a command, runs it in the scene, and shows what it said. At a terminal it is the person's own; elsewhere what is
//! asked at a gate is answered at a pseudo-terminal, as a person would type it.

use super::scene::Scene;
use crate::{
    output::{Out, shown},
    programs,
};
use anyhow::Result;
use haco_core::code::{Code, Failure, Status};
use haco_sandbox::terminal;
use std::{
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

/// More than any step of the demo takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// How every gate asks.
const QUESTION: &str = "[y/N] ";

/// Who answers at the gates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Streams {
    /// The person at this terminal.
    Terminal,
    /// The demo, at a terminal that it makes.
    Typed,
}

pub(super) struct Shell<'a> {
    scene: &'a Scene,
    out: &'a mut Out,
    streams: Streams,
}

impl<'a> Shell<'a> {
    pub(super) fn new(scene: &'a Scene, out: &'a mut Out) -> Shell<'a> {
        let streams = if out.can_ask() && !out.is_json() { Streams::Terminal } else { Streams::Typed };
        Shell { scene, out, streams }
    }

    /// Says who will answer at the gates, and where all of it happens.
    pub(super) fn introduce(&mut self) -> Result<()> {
        self.out.line(match self.streams {
            Streams::Terminal => "You are asked at both gates: y and Enter is a yes.",
            Streams::Typed => {
                "Nobody is at a terminal here: the demo types the answers at both gates, on a pseudo-terminal, in a clean\n\
                 environment and only in the repository that it makes."
            }
        })?;
        Ok(self.out.line(format!("It happens in {}.", self.scene.repo.display()))?)
    }

    /// A heading.
    pub(super) fn part(&mut self, heading: &str) -> Result<()> {
        Ok(self.out.line(format!("\n# {heading}"))?)
    }

    /// A line that the demo itself says.
    pub(super) fn told(&mut self, line: &str) -> Result<()> {
        Ok(self.out.line(format!("  {}", shown(line)))?)
    }

    /// Runs a command that asks nobody; any other end than those expected ends the demo with its status.
    pub(super) fn run(&mut self, words: &[&str], expected: &[Status]) -> Result<()> {
        self.announce(words)?;
        let mut command = Command::new(programs::beside(words[0]));
        command.args(&words[1..]).current_dir(&self.scene.repo);
        command.env_clear().envs(self.scene.env.iter().map(|(name, value)| (name, value)));
        let status = match self.streams {
            Streams::Terminal => {
                self.out.flush()?;
                command.status().map_err(|e| cannot(words, &e))?
            }
            Streams::Typed => {
                let output = command.stdin(Stdio::null()).output().map_err(|e| cannot(words, &e))?;
                self.show(&output.stdout)?;
                self.show(&output.stderr)?;
                output.status
            }
        };
        judge(words, status, expected)
    }

    /// Runs a command that asks a person for a yes.
    pub(super) fn gate(&mut self, words: &[&str]) -> Result<()> {
        if self.streams == Streams::Terminal {
            return self.run(words, &[Status::Yes]);
        }
        self.announce(words)?;
        let argv: Vec<String> = [programs::beside(words[0]).display().to_string()]
            .into_iter()
            .chain(words[1..].iter().map(|w| (*w).to_owned()))
            .collect();
        let (dir, env) = (&self.scene.repo, &self.scene.env);
        let session = terminal::run(&argv, dir, Some(env), &[(QUESTION, "y\n")], PATIENCE);
        let session = session.map_err(|e| cannot(words, &e))?;
        self.show(session.text().as_bytes())?;
        judge(words, session.status, &[Status::Yes])
    }

    fn announce(&mut self, words: &[&str]) -> Result<()> {
        let line: Vec<String> = words.iter().map(|w| quoted(w)).collect();
        self.out.line(format!("$ {}", line.join(" ")))?;
        Ok(self.out.flush()?)
    }

    fn show(&mut self, bytes: &[u8]) -> Result<()> {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.out.line(format!("  {}", shown(line)).trim_end())?;
        }
        Ok(())
    }
}

fn cannot(words: &[&str], error: &std::io::Error) -> Failure {
    let fix = if words[0] == "git" { "install git" } else { "cargo install --path crates/haco" };
    Failure::new(Code::MissingTool, format!("cannot run '{}': {error}", words.join(" "))).fix(fix)
}

fn judge(words: &[&str], status: ExitStatus, expected: &[Status]) -> Result<()> {
    let ended = status.code().and_then(Status::from_number).unwrap_or(Status::Bug);
    if expected.contains(&ended) {
        return Ok(());
    }
    let message = format!("the demo ends here: '{}' ended with {status}", words.join(" "));
    Err(Failure::new(Code::usual(ended), message).into())
}

/// A word as it would be typed.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        assert_eq!(quoted("haco/greet"), "haco/greet");
        assert_eq!(quoted("it's so"), "'it'\\''s so'");
    }
}
