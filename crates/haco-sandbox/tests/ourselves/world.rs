//! What there is to reach: secrets, servers and another process; and who reaches for it.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::{Gid, Uid, chown, getuid};

use crate::attempts::{ATTEMPTS, By, ORDINARY, is_fenced};
use crate::missing;

/// The user and group that has nothing.
const NOBODY: u32 = 65534;
/// So that a name is of this run alone.
const ABSTRACT: &str = "haco-ourselves";

/// What an attempt knows.
pub struct World {
    pub dir: PathBuf,
    pub model_port: u16,
    pub other_port: u16,
    pub victim: i32,
    /// The number of a descriptor of a secret that was open when the process began.
    pub inherited: i32,
    pub name: String,
}

impl World {
    fn of(words: &[String]) -> World {
        let number = |n: usize| words[n].parse::<i32>().expect("a number");
        let port = |n: usize| words[n].parse().expect("a port");
        World {
            dir: PathBuf::from(&words[2]),
            model_port: port(3),
            other_port: port(4),
            victim: number(5),
            inherited: number(6),
            name: words[7].clone(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// One attempt in this process, or a process to reach for: 0 succeeded, 1 refused, 3 was not made.
pub fn one(words: &[String]) -> ExitCode {
    if words[0] == "victim" {
        return victim();
    }
    let world = World::of(words);
    let all = ATTEMPTS.iter().chain(ORDINARY);
    let Some((.., act)) = all.clone().find(|(name, ..)| *name == words[1]) else { return ExitCode::from(3) };
    if !missing::confined(&words[0]) {
        return ExitCode::from(3);
    }
    match act(&world) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Lets anybody trace it, and waits for its input to end.
fn victim() -> ExitCode {
    nix::sys::prctl::set_dumpable(true).expect("settable");
    // SAFETY: only a number is passed. Where there is no such restriction it is refused without harm.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0) };
    io::stdout().write_all(b"ready\n").and_then(|()| io::stdout().flush()).expect("somebody reads");
    io::stdin().read_to_end(&mut Vec::new()).expect("it ends");
    ExitCode::SUCCESS
}

/// Everything, by every account that this one can be.
pub fn all() -> ExitCode {
    let accounts: &[u32] = if getuid().is_root() { &[0, NOBODY] } else { &[getuid().as_raw()] };
    let mut made = 0;
    let mut wrong = Vec::new();
    for account in accounts {
        let stage = Stage::new(*account);
        for (name, by, _) in ATTEMPTS {
            if *by == By::Root && *account != 0 {
                continue;
            }
            let outside = stage.run("outside", name);
            if outside != 0 {
                wrong.push(format!("{name} as {account}: does not succeed outside ({outside})"));
            }
            let sides = ["inside", "filter alone", "fence alone"];
            for side in sides.into_iter().filter(|side| *side != "fence alone" || is_fenced(name)) {
                made += 1;
                match stage.run(side, name) {
                    1 => {}
                    0 => wrong.push(format!("{name} as {account}: SUCCEEDS ({side})")),
                    other => wrong.push(format!("{name} as {account}: was not made ({side}: {other})")),
                }
            }
        }
        for (name, ..) in ORDINARY {
            made += 1;
            if stage.run("inside", name) != 0 {
                wrong.push(format!("{name} as {account}: does not work inside"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {made}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(made >= 250, "only {made} attempts were made");
    ExitCode::SUCCESS
}

/// Directory, servers and victim of one account; all end with it.
struct Stage {
    account: u32,
    dir: tempfile::TempDir,
    model: TcpListener,
    other: TcpListener,
    _local: UnixListener,
    _abstract: UnixListener,
    secret: OwnedFd,
    victim: Child,
}

impl Stage {
    fn new(account: u32) -> Stage {
        let dir = tempfile::tempdir().expect("a directory");
        let top = dir.path();
        fs::create_dir(top.join("beside")).expect("made");
        fs::write(top.join("secret"), "SECRET\n").expect("written");
        fs::write(top.join("beside/file"), "mine\n").expect("written");
        fs::copy("/proc/self/exe", top.join("program")).expect("copied");
        for path in [top, &top.join("program"), &top.join("beside")] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("set");
        }
        let _local = UnixListener::bind(top.join("socket")).expect("listens");
        for name in ["", "secret", "beside", "beside/file", "socket"] {
            chown(&top.join(name), Some(Uid::from_raw(account)), Some(Gid::from_raw(account))).expect("given");
        }
        let listen = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let name = SocketAddr::from_abstract_name(format!("{ABSTRACT}-{account}")).expect("a name");
        let secret = File::open(top.join("secret")).expect("opened");
        // Without close-on-exec: whoever starts now inherits it.
        let secret = fcntl(secret.as_fd(), FcntlArg::F_DUPFD(9)).expect("copied");
        // SAFETY: it was just made, and nothing else owns it.
        let secret = unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(secret) };
        Stage {
            account,
            model: listen(),
            other: listen(),
            _local,
            _abstract: UnixListener::bind_addr(&name).expect("listens"),
            secret,
            victim: start_victim(top, account),
            dir,
        }
    }

    /// The exit status of one attempt.
    fn run(&self, side: &str, attempt: &str) -> i32 {
        let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
        let connection = TcpStream::connect(self.model.local_addr().expect("it is bound")).expect("it listens");
        let ours = connection.local_addr().expect("connected");
        // Those of earlier attempts come first.
        let mut server = self.model.incoming().map(|server| server.expect("it came"));
        let mut server = server.find(|server| server.peer_addr().is_ok_and(|peer| peer == ours)).expect("it is ours");
        server.write_all(b"reply").expect("written");
        let numbers = [
            port(&self.model).into(),
            port(&self.other).into(),
            self.victim.id() as i64,
            self.secret.as_raw_fd().into(),
        ];
        let status = as_account(self.dir.path(), self.account)
            .args([side, attempt])
            .arg(self.dir.path())
            .args(numbers.map(|number: i64| number.to_string()))
            .arg(format!("{ABSTRACT}-{}", self.account))
            .stdin(OwnedFd::from(connection))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it runs");
        self.tidy();
        status.code().unwrap_or(-1)
    }

    /// Takes away what an attempt left, so that the next finds the same.
    fn tidy(&self) {
        for name in ["beside/new", "beside/moved"] {
            let path = self.dir.path().join(name);
            let gone = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
            assert!(gone.is_ok() || gone.is_err_and(|e| e.kind() == ErrorKind::NotFound), "{name} cannot be removed");
        }
        let file = self.dir.path().join("beside/file");
        fs::write(&file, "mine\n").expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
        chown(&file, Some(Uid::from_raw(self.account)), Some(Gid::from_raw(self.account))).expect("given");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.victim.kill().and_then(|()| self.victim.wait()).expect("it can be ended");
    }
}

fn start_victim(top: &Path, account: u32) -> Child {
    let mut victim = as_account(top, account);
    let mut victim = victim.arg("victim").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut ready = [0; 6];
    victim.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("it says so");
    victim
}

fn as_account(top: &Path, account: u32) -> Command {
    let mut command = Command::new(top.join("program"));
    if getuid().is_root() && account != 0 {
        command.uid(account).gid(account);
    }
    command
}
