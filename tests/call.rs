//! One run of a program in a sandbox, and the one assertion: exit status, standard output and standard error together.

use crate::{sandbox::Sandbox, want::Want};
use std::{
    io::{Read, Write},
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

/// No program of a test runs longer.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A program that is about to run in a sandbox.
pub struct Call<'a> {
    sandbox: &'a Sandbox,
    words: Vec<String>,
    stdin: Vec<u8>,
    dir: PathBuf,
}

/// How a program ended; a signal is a negative status.
#[derive(Debug)]
pub struct Done {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl<'a> Call<'a> {
    pub fn new(sandbox: &'a Sandbox, words: &[&str]) -> Call<'a> {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        Call { sandbox, words, stdin: Vec::new(), dir: sandbox.path("") }
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Elsewhere than at the repository's top.
    pub fn within(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// Runs and compares all three. A text may hold `[..]` for anything within a line, and `...` as a line of its own
    /// for any lines; see also [`any`], [`like`] and [`json`].
    #[track_caller]
    pub fn gives<'w>(self, status: i32, stdout: impl Into<Want<'w>>, stderr: impl Into<Want<'w>>) -> Done {
        let shown = self.words.join(" ");
        let done = self.done();
        let wrong = [
            (done.status != status).then(|| format!("status: {} instead of {status}", done.status)),
            stdout.into().misses(&done.stdout).map(|why| format!("stdout: {why}")),
            stderr.into().misses(&done.stderr).map(|why| format!("stderr: {why}")),
        ];
        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
        let Done { stdout, stderr, .. } = &done;
        let wrong = wrong.join("\n");
        assert!(wrong.is_empty(), "{shown}\n{wrong}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---");
        done
    }

    /// Runs to the end without comparing.
    pub fn done(self) -> Done {
        let mut command = self.sandbox.command(&self.words);
        command.current_dir(&self.dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("'{}' cannot be run: {e}", self.words[0]));
        let (mut input, text) = (child.stdin.take().expect("it is a pipe"), self.stdin);
        // A program may end before it has read everything.
        std::thread::spawn(move || input.write_all(&text));
        let out = drain(child.stdout.take().expect("it is a pipe"));
        let err = drain(child.stderr.take().expect("it is a pipe"));
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait().expect("it can be waited for") {
                Some(status) => break status,
                None if Instant::now() > until => {
                    child.kill().and_then(|()| child.wait()).expect("it can be killed");
                    panic!("'{}' does not end", self.words.join(" "));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let text = |bytes: std::thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.join().expect("the pipe was read")).into_owned()
        };
        let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| -signal);
        let status = status.code().or(signal).expect("it ended one way or the other");
        Done { status, stdout: text(out), stderr: text(err) }
    }
}

fn drain(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}
