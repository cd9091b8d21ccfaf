//! A machine around the sandbox: a directory that may be written with others beside it, a home with secrets, servers,
//! and another process; and commands run there, outside and inside, as root or as an ordinary user.

use crate::sandbox::{programs, root};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Who runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    Root,
    Ordinary,
}

impl Account {
    /// Both where this is root, else only the one that this is.
    pub fn all() -> &'static [Account] {
        let me = Command::new("id").arg("-u").output().expect("id runs");
        if me.stdout == b"0\n" { &[Account::Root, Account::Ordinary] } else { &[Account::Ordinary] }
    }

    fn become_it(self) -> Vec<String> {
        let words = "setpriv --reuid=65534 --regid=65534 --clear-groups --";
        match self {
            Account::Ordinary if Account::all().len() > 1 => words.split(' ').map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

const SECRETS: [&str; 12] = [
    "beside/secret",
    "other/.git/config",
    ".env",
    ".npmrc",
    "home/.ssh/id_ed25519",
    "home/.aws/credentials",
    "home/.config/gh/hosts.yml",
    "home/.docker/config.json",
    "home/.netrc",
    "home/.cargo/credentials.toml",
    "rw/hidden/secret",
    "rw/hold/hidden/secret",
];

/// The directory and the servers; everything ends with it.
pub struct World {
    account: Account,
    top: PathBuf,
    env: BTreeMap<String, String>,
    host: Child,
    _held: tempfile::TempDir,
}

impl World {
    pub fn new(account: Account) -> World {
        let held = tempfile::Builder::new().prefix("haco-world.").tempdir().expect("a directory");
        let top = held.path().canonicalize().expect("it is there");
        for dir in ["rw/share", "rw/deep", "rw/fifo", "shown", "bin", "out", "home/.cargo/bin"] {
            fs::create_dir_all(top.join(dir)).expect("made");
        }
        for secret in SECRETS {
            let path = top.join(secret);
            fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            fs::write(path, "SECRET\n").expect("written");
        }
        fs::write(top.join("home/.git-credentials"), "https://ada:SECRET@example.org\n").expect("written");
        fs::write(top.join("home/.gitconfig"), "[credential]\n\thelper = store\n").expect("written");
        fs::write(top.join("rw/hidden-file"), "SECRET\n").expect("written");
        fs::hard_link(top.join("rw/hidden/secret"), top.join("rw/hardlink")).expect("linked");
        symlink("../beside/secret", top.join("rw/link")).expect("linked");
        fs::copy(programs().join("haco"), top.join("bin/haco")).expect("copied");
        for script in ["prelude.py", "host.py"] {
            fs::copy(root().join("tests/confine").join(script), top.join("shown").join(script)).expect("copied");
        }
        let become_it = account.become_it();
        if !become_it.is_empty() {
            let args = ["-Rh", "65534:65534", "--"];
            assert!(Command::new("chown").args(args).arg(&top).status().expect("chown runs").success());
        }
        let (host, facts) = host(&become_it, &top);
        World { account, env: env(&top, facts), top, host, _held: held }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.top.join(below)
    }

    /// A text with the world's names filled in.
    pub fn filled(&self, text: &str, number: usize) -> String {
        let number = ("N".to_owned(), number.to_string());
        let mut names: Vec<_> = self.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        names.push(number);
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// A command outside, with what a careless caller leaves around: secrets in the environment, open files.
    pub fn outside(&self, argv: &[String], number: usize) -> Command {
        let careless = "exec 7<\"$W/beside/secret\" 8<\"$W\" 9>\"$W/beside/open$N\"; \"$@\"; exit $?";
        let mut words = self.account.become_it();
        words.extend(["sh", "-c", careless, "sh"].map(str::to_owned));
        words.extend(argv.iter().map(|word| self.filled_prelude(word)));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(&self.env).env("N", number.to_string()).current_dir(self.path("rw"));
        command.env("FIFO", self.path("rw/fifo").join(number.to_string()));
        for (name, value) in [
            ("TOKEN", "SECRET"),
            ("LD_LIBRARY_PATH", "/nonexistent"),
            ("BASH_ENV", "/nonexistent"),
            ("SSH_AUTH_SOCK", "/nonexistent"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"),
        ] {
            command.env(name, value);
        }
        command.stdin(fs::File::open(self.path("beside/secret")).expect("it is there"));
        command
    }

    /// The same command as `haco confine` is told to run it.
    pub fn confined(&self, with: &[String], argv: &[String]) -> Vec<String> {
        let mut words = vec![self.top.join("bin/haco").display().to_string()];
        words.extend(["confine", "--rw", "@/rw", "--ro", "@/shown", "--share", "@/rw/share"].map(str::to_owned));
        words.extend(["--hide", "@/rw/hidden", "--hide", "@/rw/hidden-file"].map(str::to_owned));
        words.extend(["--env", "FIFO", "--env", "N"].map(str::to_owned));
        for name in self.env.keys().filter(|name| !["HOME", "PATH", "RUSTUP_HOME"].contains(&name.as_str())) {
            words.extend(["--env".to_owned(), name.clone()]);
        }
        // Inside, what passes a limit waits until that is noticed.
        words.extend(["--env", "PATIENCE=5"].map(str::to_owned));
        words.extend(with.iter().cloned());
        words.push("--".to_owned());
        let top = self.top.display().to_string();
        words.iter().map(|word| word.replace('@', &top)).chain(argv.iter().cloned()).collect()
    }

    /// A word of a table: one stands for the code that all attempts in python begin with.
    fn filled_prelude(&self, word: &str) -> String {
        if word == "@prelude" { self.path("shown/prelude.py").display().to_string() } else { word.to_owned() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.host.stdin.take());
        self.host.wait().expect("it ends with its input");
    }
}

fn host(become_it: &[String], top: &Path) -> (Child, BTreeMap<String, String>) {
    let mut words = become_it.to_vec();
    words.extend(["/usr/bin/python3", "-ES"].map(str::to_owned));
    words.extend([top.join("shown/host.py"), top.to_owned()].map(|path| path.display().to_string()));
    let mut host = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut line = String::new();
    BufReader::new(host.stdout.take().expect("a pipe")).read_line(&mut line).expect("it speaks");
    (host, serde_json::from_str(&line).expect("one line of JSON"))
}

fn env(top: &Path, facts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = |below: &str| top.join(below).display().to_string();
    let get = |name: &str| std::env::var(name).ok();
    let (home, path) = (text("home"), format!("{}:{}", text("home/.cargo/bin"), get("PATH").expect("PATH is set")));
    let rustup = get("RUSTUP_HOME").or_else(|| Some(get("HOME")? + "/.rustup")).expect("HOME is set");
    let own = [
        ("W", top.display().to_string()),
        ("RW", text("rw")),
        ("HOME", home.clone()),
        ("HOST_HOME", home),
        ("PATH", path),
        ("RUSTUP_HOME", rustup),
    ];
    own.map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(facts)
        .chain([("PATIENCE".to_owned(), "0".to_owned())])
        .collect()
}
