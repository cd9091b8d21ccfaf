//! A place of its own for one test: a temporary directory with a HOME, a git configuration and a repository with one
//! commit, and the built programs first on PATH. Nothing of the caller's environment is seen but the rest of PATH.
//!
//! What runs in it is a [`Call`], with the one assertion that there is.

use crate::{
    call::{Call, Done, PATIENCE},
    want::any,
};
use haco_sandbox::terminal;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Sandbox {
    top: PathBuf,
    env: BTreeMap<String, String>,
    _held: tempfile::TempDir,
}

impl Sandbox {
    /// With a repository `repo` that holds `greet.sh` in one commit.
    pub fn new() -> Sandbox {
        let sandbox = Sandbox::without_repository();
        sandbox.git(&["init", "-q", "-b", "main"]).write("greet.sh", "echo hello\n").commit("a greeter");
        sandbox
    }

    /// With an empty directory `repo`.
    pub fn without_repository() -> Sandbox {
        let held = tempfile::Builder::new().prefix("haco-suite.").tempdir().expect("a temporary directory");
        let top = held.path().canonicalize().expect("it is there");
        let path = format!("{}:{}", programs().display(), std::env::var("PATH").expect("PATH is set"));
        let home = top.join("home");
        let text = |path: PathBuf| path.to_str().expect("a temporary directory is text").to_owned();
        let own = [
            ("PATH", path),
            ("HOME", text(home.clone())),
            ("LANG", "C.UTF-8".to_owned()),
            ("GIT_CONFIG_GLOBAL", text(home.join(".gitconfig"))),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            // Nobody listens there: a test that wants a model says so.
            ("OLLAMA_HOST", "127.0.0.1:1".to_owned()),
        ];
        let env = own.map(|(name, value)| (name.to_owned(), value)).into();
        fs::create_dir_all(top.join("repo")).and_then(|()| fs::create_dir(&home)).expect("makes directories");
        fs::write(home.join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n").expect("writes");
        Sandbox { top, env, _held: held }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Sandbox {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    pub fn unset(&mut self, name: &str) -> &mut Sandbox {
        self.env.remove(name);
        self
    }

    /// A path below the repository.
    pub fn path(&self, below: &str) -> PathBuf {
        self.top.join("repo").join(below)
    }

    pub fn write(&self, below: &str, text: impl AsRef<[u8]>) -> &Sandbox {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it is below the top")).expect("makes directories");
        fs::write(path, text).expect("writes");
        self
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|e| panic!("'{below}' cannot be read: {e}"))
    }

    pub fn git(&self, args: &[&str]) -> &Sandbox {
        self.git_says(args);
        self
    }

    /// What git prints, without its last line end.
    pub fn git_says(&self, args: &[&str]) -> String {
        let words: Vec<&str> = ["git"].iter().chain(args).copied().collect();
        self.run(&words).gives(0, any(), any()).stdout.trim_end().to_owned()
    }

    pub fn commit(&self, message: &str) -> &Sandbox {
        self.git(&["add", "-A"]).git(&["commit", "-q", "-m", message])
    }

    /// A program and its arguments, with nothing on standard input, to run in the repository.
    pub fn run(&self, words: &[&str]) -> Call<'_> {
        Call::new(self, words)
    }

    /// Runs at a pseudo-terminal, where each text of `answers` is awaited and then answered.
    pub fn at_terminal(&self, words: &[&str], answers: &[(&str, &str)]) -> Done {
        let argv: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let env: Vec<(String, String)> = self.env.clone().into_iter().collect();
        let session = terminal::run(&argv, &self.path(""), Some(&env), answers, PATIENCE);
        let session = session.unwrap_or_else(|e| panic!("{}: {e}", argv.join(" ")));
        let status = session.status.code().unwrap_or(-1);
        Done { status, stdout: session.text(), stderr: String::new() }
    }

    /// The same programs, environment and patience for a child that a test handles by itself.
    pub fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(words.first().expect("a program is named"));
        command.args(&words[1..]).env_clear().envs(&self.env).current_dir(self.path(""));
        command
    }
}

/// Where the built programs are.
pub fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_haco")).parent().expect("a program is in a directory")
}

/// The root of the source tree.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
