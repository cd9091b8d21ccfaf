//! Real commands behind real walls. Each test that something is refused has beside it that the same works outside.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::{getuid, mkfifo};
use tempfile::TempDir;

use super::*;

mod files;
mod limits;
mod overlay;

/// A directory that may be written, and what a job needs besides.
struct Copy {
    dir: TempDir,
    rw: Vec<PathBuf>,
    env: Vec<(String, String)>,
    limits: Limits,
    net: Net,
    hide: Vec<PathBuf>,
}

impl Copy {
    fn new() -> Copy {
        let dir = tempfile::tempdir().expect("a directory");
        let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
        let env = clean_env(&std::env::var("PATH").expect("a path"), &home, &[]);
        let rw = vec![dir.path().to_owned()];
        let limits = Limits { timeout: Duration::from_secs(60), ..Limits::default() };
        Copy { dir, rw, env, limits, net: Net::Loopback, hide: Vec::new() }
    }

    fn job<'a>(&'a self, program: Program<'a>, stdin: &'a [u8]) -> Job<'a> {
        let Copy { dir, rw, env, limits, net, hide } = self;
        let files = Files { rw, hide, ..Files::default() };
        let (stdin, limits, net) = (Input::Bytes(stdin), *limits, *net);
        Job { files, env, stdin, limits, net, ..Job::new(program, dir.path()) }
    }

    fn sh(&self, command: &str) -> Ended {
        run(&self.job(Program::Shell(command), b"")).expect("every wall can be had here")
    }

    /// What the command says, which ends well.
    fn says(&self, command: &str) -> String {
        let ended = self.sh(command);
        assert_eq!(ended.end, End::Exited(0), "{command}: {}{}", ended.stdout.text(), ended.stderr.text());
        ended.stdout.text()
    }

    /// The command works outside, and not inside.
    fn refuses(&self, command: &str) {
        let outside = Command::new("sh").args(["-c", command]).current_dir(self.dir.path()).output().expect("it runs");
        assert!(outside.status.success(), "outside: {command}: {}", String::from_utf8_lossy(&outside.stderr));
        assert!(matches!(self.sh(command).end, End::Exited(1..)), "inside: {command}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A pipe with a name, open for reading: at its end once no process holds it for writing.
    fn fifo(&self, name: &str) -> fs::File {
        mkfifo(&self.path(name), Mode::S_IRWXU).expect("made");
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK).open(self.path(name)).expect("opened")
    }
}

fn python(code: &str) -> String {
    format!("python3 -c '{code}'")
}

#[test]
fn exit_statuses_and_signals_come_through() {
    let copy = Copy::new();
    assert_eq!(copy.sh("true").end, End::Exited(0));
    assert_eq!(copy.sh("exit 3").end, End::Exited(3));
    assert_eq!(copy.sh("kill -TERM $$").end, End::Signalled(libc::SIGTERM));
    assert_eq!(copy.sh("no-such-program-anywhere").end, End::Exited(127));
    assert_eq!(copy.sh("true").layers, Layer::ALL);
}

#[test]
fn a_program_by_name_is_found_on_the_jobs_own_path_or_not_at_all() {
    let copy = Copy::new();
    let all = |argv: &[&str]| argv.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
    let echo = all(&["printf", "%s|%s", "a b", "$HOME"]);
    let ended = run(&copy.job(Program::Argv(&echo), b"")).expect("it runs");
    assert_eq!(ended.stdout.text(), "a b|$HOME");
    let missing = run(&copy.job(Program::Argv(&all(&["no-such-program"])), b"")).expect_err("it is not there");
    assert_eq!(missing.to_string(), "cannot run 'no-such-program': no such program");
    fs::write(copy.path("text"), "x").expect("written");
    let refused = run(&copy.job(Program::Argv(&all(&["./text"])), b"")).expect_err("it is no program");
    assert_eq!(refused.to_string(), "cannot run './text': it cannot be executed");
}

#[test]
fn standard_input_is_what_was_given_and_then_ends() {
    let copy = Copy::new();
    assert_eq!(copy.says("cat; echo end"), "end\n");
    let long = vec![b'x'; 1 << 20];
    let ended = run(&copy.job(Program::Shell("wc -c"), &long)).expect("it runs");
    assert_eq!(ended.stdout.text().trim(), "1048576");
    let ended = run(&copy.job(Program::Shell("exec <&-; echo unread"), &long)).expect("it runs");
    assert_eq!((ended.end, ended.stdout.text().as_str()), (End::Exited(0), "unread\n"));
}

#[test]
fn the_network_of_the_machine_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let connect = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}'", listener.local_addr().expect("an address").port());
    let mut copy = Copy::new();
    copy.refuses(&connect);
    copy.net = Net::Host;
    assert_eq!(copy.sh(&connect).end, End::Exited(0));
    assert!(!copy.sh("true").layers.contains(&Layer::Net));
}

#[test]
fn its_own_loopback_works() {
    let code = "import socket as s; l=s.create_server((\"127.0.0.1\",0)); c=s.create_connection(l.getsockname()); \
                a,_=l.accept(); a.send(b\"hi\"); print(c.recv(2).decode())";
    assert_eq!(Copy::new().says(&python(code)), "hi\n");
}

#[test]
fn no_network_is_not_even_a_loopback() {
    let code = "import socket as s; l=s.create_server((\"127.0.0.1\",0)); s.create_connection(l.getsockname())";
    let mut copy = Copy::new();
    copy.net = Net::None;
    copy.refuses(&python(code));
}

#[test]
fn the_machines_temporary_directory_is_not_shown_for_being_on_the_path() {
    let mut copy = Copy::new();
    let beside = tempfile::tempdir().expect("a directory");
    copy.env[0].1 = format!("/tmp:/:{}", copy.env[0].1);
    copy.refuses(&format!("ls -d {}", beside.path().display()));
}

#[test]
fn no_unix_socket_of_the_machine_can_be_reached() {
    let copy = Copy::new();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let connect = |address: &str| python(&format!("import socket as s; s.socket(s.AF_UNIX).connect(\"{address}\")"));
    for path in [elsewhere.path().join("s"), copy.path("s")] {
        let _listener = UnixListener::bind(&path).expect("bound");
        copy.refuses(&connect(&path.display().to_string()));
    }
    let name = format!("haco-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let _listener = UnixListener::bind_addr(&address).expect("bound");
    copy.refuses(&connect(&format!("\\0{name}")));
}

#[test]
fn sockets_that_leave_the_machine_by_other_ways_are_refused() {
    let copy = Copy::new();
    for (family, kind) in [("AF_VSOCK", "SOCK_STREAM"), ("AF_PACKET", "SOCK_DGRAM"), ("AF_ALG", "SOCK_SEQPACKET")] {
        let code = format!(
            "import socket as s, errno\ntry: s.socket(s.{family}, s.{kind})\nexcept OSError as e: print(e.errno)"
        );
        assert_eq!(copy.says(&python(&code)), "1\n", "{family}");
    }
}

#[test]
fn calls_that_an_escape_needs_are_refused() {
    let copy = Copy::new();
    let refused = "import ctypes; c=ctypes.CDLL(None,use_errno=True)\n\
        for n in (\"unshare\",\"ptrace\",\"setns\",\"mount\",\"umount2\"):\n \
          r=getattr(c,n)(0x10000000,0,0,0,0); print(n,r,ctypes.get_errno())\n\
        for n in (425,428,429,442): print(n,c.syscall(n,0,0,0,0,0),ctypes.get_errno())\n\
        print(435,c.syscall(435,0,0),ctypes.get_errno())\n\
        print(c.ioctl(0,0x5412,0),ctypes.get_errno())";
    let said = copy.says(&python(refused));
    assert!(said.lines().filter(|line| line.ends_with("-1 1")).count() == 10, "{said}");
    assert!(said.contains("435 -1 38\n"), "{said}");
}

#[test]
fn nothing_of_the_callers_environment_or_processes_is_seen() {
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some() || std::env::var_os("HACO_TEST_PART").is_some());
    let copy = Copy::new();
    let said = copy
        .says("env; cat /proc/*/environ 2>/dev/null; ls /proc | grep -c '^[0-9]'; cat /proc/1/maps 2>/dev/null; true");
    assert!(!said.contains("CARGO_PKG_NAME") && !said.contains("HACO_TEST_PART"), "{said}");
    assert!(!said.contains("haco_sandbox"), "{said}");
    assert!(matches!(copy.sh("cat /proc/1/environ").end, End::Exited(1..)));
    assert_eq!(copy.says("ls -l /proc/self/fd | grep -c pipe:"), "3\n");
}

#[test]
fn eight_at_once_do_not_meet() {
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || {
                let copy = Copy::new();
                assert_eq!(copy.says(&format!("echo {n} > /tmp/same; cat /tmp/same -")), format!("{n}\n"));
            });
        }
    });
}

#[test]
fn the_persons_toolchains_work() {
    let copy = Copy::new();
    for tool in ["cargo --version", "rustc --version", "python3 --version", "node --version", "git --version"] {
        assert!(copy.says(tool).contains('.'), "{tool}");
    }
    let build = "cargo init -q --vcs none --name x . && cargo run -q";
    assert_eq!(copy.says(build), "Hello, world!\n");
}

#[test]
fn a_missing_wall_is_said_unless_a_person_allowed_it() {
    // A user namespace inside a sandbox cannot be had, nor a second filter with a door: this binary is run as the command.
    let copy = Copy::new();
    fs::copy(std::env::current_exe().expect("a path"), copy.path("tests")).expect("copied");
    let part = "HACO_TEST_PART=walls ./tests --exact tests::part_that_has_no_walls --nocapture";
    let said = copy.says(part);
    assert!(said.contains("MISSING user\n") && said.contains("WEAKER [limits, landlock] 7\n"), "{said}");
}

#[test]
fn part_that_has_no_walls() {
    if std::env::var_os("HACO_TEST_PART").is_none_or(|part| part != "walls") {
        return;
    }
    let mut out = std::io::stdout();
    let copy = Copy::new();
    let mut job = copy.job(Program::Shell("exit 7"), b"");
    if let Err(CannotRun::MissingWall { layer, .. }) = run(&job) {
        writeln!(out, "MISSING {layer}").expect("written");
    }
    job.allow_weaker = Layer::ALL;
    let ended = run(&job).expect("it runs with what there is");
    let layers: Vec<_> = ended.layers.iter().map(|layer| layer.as_str()).collect();
    if let End::Exited(status) = ended.end {
        writeln!(out, "WEAKER [{}] {status}", layers.join(", ")).expect("written");
    }
}

#[test]
fn the_death_of_the_caller_ends_everything() {
    let copy = Copy::new();
    mkfifo(&copy.path("fifo"), Mode::S_IRWXU).expect("made");
    let mut caller = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "tests::part_that_is_killed"])
        .env("HACO_TEST_PART", copy.dir.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("spawned");
    let mut fifo = fs::File::open(copy.path("fifo")).expect("the command opens the other side");
    let mut up = [0; 3];
    fifo.read_exact(&mut up).expect("the command says so");
    caller.kill().expect("killed");
    // Comes back only when no process holds the other side.
    fifo.read_to_end(&mut Vec::new()).expect("it ends");
    caller.wait().expect("reaped");
}

#[test]
fn part_that_is_killed() {
    let Some(dir) = std::env::var_os("HACO_TEST_PART").map(PathBuf::from).filter(|dir| dir.is_dir()) else { return };
    let mut copy = Copy::new();
    copy.rw = vec![dir.clone()];
    let mut job = copy.job(Program::Shell("exec 9>fifo; setsid sleep 1000 & sleep 1000 & echo up >&9; wait"), b"");
    job.dir = &dir;
    run(&job).expect("it runs until it is killed");
}

#[test]
fn every_wall_of_this_machine_is_found() {
    let walls = walls();
    assert!(walls.iter().all(|wall| wall.ok && wall.fix.is_none()), "{walls:?}");
    assert_eq!(walls.iter().map(|wall| wall.layer).collect::<Vec<_>>(), Layer::ALL);
}

#[test]
fn all_of_it_holds_for_an_ordinary_user_too() {
    if !getuid().is_root() {
        // Then every other test has just shown it.
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::chown(dir.path(), Some(65534), Some(65534)).expect("given away");
    let tests = dir.path().join("tests");
    fs::copy(std::env::current_exe().expect("a path"), &tests).expect("copied");
    let names = [
        "exit_statuses_and_signals_come_through",
        "the_network_of_the_machine_is_out_of_reach",
        "files::nothing_in_the_home_can_be_read_or_written",
        "files::only_the_copy_can_be_written_and_what_is_written_there_stays",
        "files::no_device_but_the_harmless_ones_can_be_opened",
        "nothing_of_the_callers_environment_or_processes_is_seen",
        "limits::the_time_out_ends_daemons_and_what_ignores_signals",
        "limits::processes_and_file_sizes_are_bounded",
        "every_wall_of_this_machine_is_found",
        "overlay::an_overlay_is_the_base_with_changes_and_the_base_stays",
        "overlay::a_layer_that_is_kept_is_there_for_the_next_and_is_not_seen_by_itself",
        "overlay::a_change_goes_through_no_link_and_stays_below_the_overlay",
    ];
    let ran = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(&tests)
        .arg("--exact")
        .args(names.map(|name| format!("tests::{name}")))
        .env_clear()
        .env("HOME", dir.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HACO_TEST_PART", "user")
        .current_dir(dir.path())
        .output()
        .expect("setpriv is there");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("12 passed; 0 failed"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}
