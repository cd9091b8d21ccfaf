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
fn nothing_in_the_home_can_be_read_or_written() {
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let below = tempfile::tempdir_in(&home).expect("a directory");
    let secret = below.path().join("secret");
    fs::write(&secret, "s").expect("written");
    let copy = Copy::new();
    copy.refuses(&format!("cat {}", secret.display()));
    copy.refuses(&format!("touch {}", home.join(below.path().file_name().expect("a name")).display()));
    assert_eq!(copy.says("echo $HOME; ls -A $HOME; echo x >$HOME/x; cat $HOME/x"), "/tmp/home\nx\n");
}

#[test]
fn credentials_of_a_toolchain_stay_hidden_while_it_is_shown() {
    let copy = Copy::new();
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let tools = tempfile::Builder::new().prefix("tools").tempdir_in(&home).expect("a directory");
    let bin = tools.path().join("bin");
    fs::create_dir(&bin).expect("made");
    fs::write(tools.path().join("credentials.toml"), "token").expect("written");
    fs::write(bin.join("tool"), "x").expect("written");
    let mut copy = Copy { env: copy.env.clone(), ..copy };
    copy.env[0].1 = format!("{}:{}", bin.display(), copy.env[0].1);
    assert_eq!(copy.says(&format!("cat {}", bin.join("tool").display())), "x");
    copy.refuses(&format!("cat {}", tools.path().join("credentials.toml").display()));
    copy.refuses(&format!("touch {}", bin.join("tool").display()));
}

#[test]
fn only_the_copy_can_be_written_and_what_is_written_there_stays() {
    let copy = Copy::new();
    let beside = tempfile::tempdir().expect("a directory");
    assert_eq!(copy.sh("mkdir d && echo kept > d/f && mv d/f g && ln g h && echo x > /dev/null").end, End::Exited(0));
    assert_eq!(fs::read_to_string(copy.path("g")).expect("it stays"), "kept\n");
    copy.sh(&format!("echo x > {}/f", beside.path().display()));
    assert_eq!(fs::read_dir(beside.path()).expect("listed").count(), 0);
    copy.sh(
        "echo x > /tmp/escaped-from-haco; echo x > /dev/shm/escaped-from-haco; echo x > /var/tmp/escaped-from-haco; \
         echo x > /run/escaped-from-haco",
    );
    for dir in ["/tmp", "/dev/shm", "/var/tmp", "/run"] {
        assert!(!Path::new(dir).join("escaped-from-haco").exists(), "{dir}");
    }
    let inside = "for d in / /etc /usr /proc/self/root/etc /proc/1/root/etc /sys /dev /var /home /proc/sys/kernel; do \
                  echo x > $d/haco && echo $d; done 2>/dev/null; mount -o remount,rw / 2>/dev/null && echo remounted; true";
    assert_eq!(copy.says(inside), "");
}

#[test]
fn a_link_out_of_the_copy_leads_nowhere_that_can_be_written() {
    let copy = Copy::new();
    let beside = tempfile::tempdir_in("/var/tmp").expect("a directory");
    std::os::unix::fs::symlink(beside.path(), copy.path("out")).expect("linked");
    copy.refuses("echo x > out/f");
}

#[test]
fn no_device_but_the_harmless_ones_can_be_opened() {
    let copy = Copy::new();
    let said = copy.says("for f in /dev/* /dev/.*; do test -b $f && echo block $f; test -c $f && echo $f; done; true");
    let known = ["full", "null", "ptmx", "random", "tty", "urandom", "zero"].map(|name| format!("/dev/{name}\n"));
    assert_eq!(said, known.concat());
    assert_eq!(copy.says("ls /dev/pts; ls /dev/shm"), "ptmx\n");
    assert!(matches!(copy.sh("mknod d c 1 3 && echo x > d").end, End::Exited(1..)));
}

#[test]
fn what_is_to_be_hidden_is_empty_and_what_is_to_be_written_wins() {
    let mut copy = Copy::new();
    let repository = tempfile::tempdir_in("/opt").or_else(|_| tempfile::tempdir()).expect("a directory");
    let file = repository.path().join("secret");
    fs::write(&file, "s").expect("written");
    fs::create_dir(repository.path().join("copy")).expect("made");
    copy.rw.push(repository.path().join("copy"));
    copy.hide = vec![repository.path().to_owned(), PathBuf::from("/etc/hostname")];
    let dir = repository.path().display();
    assert_eq!(
        copy.says(&format!("ls {dir}; echo x > {dir}/copy/new; touch {dir}/y 2>/dev/null || echo no")),
        "copy\nno\n"
    );
    assert!(repository.path().join("copy/new").exists());
    copy.refuses("cat /etc/hostname");
}

#[test]
fn what_is_shown_read_only_can_be_read_and_not_written() {
    let copy = Copy::new();
    let beside = tempfile::tempdir().expect("a directory");
    fs::write(beside.path().join("f"), "seen").expect("written");
    let ro = [beside.path().to_owned()];
    let command = format!("cat {0}/f; echo x > {0}/f || echo no", beside.path().display());
    let job = copy.job(Program::Shell(&command), b"");
    let job = Job { files: Files { ro: &ro, ..job.files }, ..job };
    assert_eq!(run(&job).expect("it runs").stdout.text(), "seenno\n");
    copy.refuses(&format!("cat {}/f", beside.path().display()));
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
fn the_time_out_ends_daemons_and_what_ignores_signals() {
    let mut copy = Copy::new();
    copy.limits.timeout = Duration::from_millis(500);
    for command in [
        "exec 9>fifo; echo up; setsid sleep 1000 & wait",
        "exec 9>fifo; echo up; trap '' TERM INT HUP; while :; do sleep 1; done",
        "exec 9>fifo; echo up; kill -STOP $$",
    ] {
        let mut fifo = copy.fifo("fifo");
        let ended = copy.sh(command);
        assert_eq!((ended.end, ended.stdout.text().as_str()), (End::TimedOut, "up\n"), "{command}");
        assert_eq!(fifo.read(&mut [0; 8]).expect("nobody holds it"), 0, "{command}");
        fs::remove_file(copy.path("fifo")).expect("removed");
    }
}

#[test]
fn a_daemon_does_not_outlive_the_command_that_left_it() {
    let copy = Copy::new();
    let mut fifo = copy.fifo("fifo");
    assert_eq!(copy.says("exec 9>fifo; setsid sleep 1000 & echo done"), "done\n");
    assert_eq!(fifo.read(&mut [0; 8]).expect("nobody holds it"), 0);
}

#[test]
fn endless_output_is_bounded_and_counted() {
    let mut copy = Copy::new();
    copy.limits.output_bytes = 1000;
    let ended = copy.sh("yes | head -c 1000000000; echo last; echo err >&2");
    assert_eq!(ended.stdout.bytes, 1_000_000_005);
    assert_eq!(ended.stdout.dropped, ended.stdout.bytes - 1000);
    assert!(ended.stdout.head.starts_with(b"y\ny\n") && ended.stdout.tail.ends_with(b"y\nlast\n"));
    assert_eq!(ended.stderr.text(), "err\n");
}

#[test]
fn memory_of_all_processes_together_is_bounded() {
    let mut copy = Copy::new();
    copy.limits.mem_bytes = Some(200 << 20);
    let eat = "exec python3 -c 'b=bytearray(b\"x\")*(80<<20); import time; time.sleep(1000)'";
    let ended = copy.sh(&format!("({eat}) & ({eat}) & ({eat}) & wait"));
    assert_eq!(ended.end, End::Limit(LimitKind::Memory));
}

#[test]
fn processes_and_file_sizes_are_bounded() {
    let mut copy = Copy::new();
    copy.limits.processes = 50;
    let ended = copy.sh("i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; wait");
    let refused = ended.stderr.text().contains("fork");
    assert!(ended.end == End::Limit(LimitKind::Processes) || refused, "{:?} {}", ended.end, ended.stderr.text());
    copy.limits = Limits { file_size: 1 << 20, ..Limits::default() };
    assert_eq!(copy.sh("exec head -c 9000000 /dev/zero > big").end, End::Limit(LimitKind::FileSize));
    assert_eq!(fs::metadata(copy.path("big")).expect("it is there").len(), 1 << 20);
}

/// A job in an overlay of `base` that is shown at `/srv/tree`.
fn over(copy: &Copy, upper: Option<&Path>, changes: &[Change], command: &str) -> Result<Ended, CannotRun> {
    let at = Path::new("/srv/tree");
    let overlays = [Overlay { lower: &copy.path("base"), kept: &[], at, upper, changes }];
    let env = &copy.env;
    run(&Job { files: Files { overlays: &overlays, ..Files::default() }, env, ..Job::new(Program::Shell(command), at) })
}

fn change(path: &str, to: Content) -> Change {
    Change { path: path.into(), to }
}

#[test]
fn an_overlay_is_the_base_with_changes_and_the_base_stays() {
    let copy = Copy::new();
    fs::create_dir_all(copy.path("base/src")).expect("made");
    for (name, text) in [("src/a", "old"), ("src/gone", "x"), ("keep", "kept"), ("dir-then-file", "f")] {
        fs::write(copy.path("base").join(name), text).expect("written");
    }
    let changes = [
        change("src/a", Content::File(b"new".to_vec(), 0o644)),
        change("src/gone", Content::Gone),
        change("src/never", Content::Gone),
        change("no/such/dir", Content::Gone),
        change("new/deep/run", Content::File(b"#!/bin/sh\necho ran".to_vec(), 0o755)),
        change("link", Content::Link("keep".into())),
    ];
    let command = "pwd; cat src/a keep link; ls src; new/deep/run; echo x > made; ls -A /srv";
    let ended = over(&copy, None, &changes, command).expect("it runs");
    assert_eq!(ended.stdout.text(), "/srv/tree\nnewkeptkepta\nran\ntree\n", "{}", ended.stderr.text());
    assert_eq!(fs::read_to_string(copy.path("base/src/a")).expect("it stays"), "old");
    assert!(copy.path("base/src/gone").exists() && !copy.path("base/made").exists());
}

#[test]
fn a_layer_that_is_kept_is_there_for_the_next_and_is_not_seen_by_itself() {
    let copy = Copy::new();
    fs::create_dir(copy.path("base")).expect("made");
    fs::create_dir(copy.path("layer")).expect("made");
    let upper = copy.path("layer");
    let first =
        over(&copy, Some(&upper), &[change("a", Content::File(b"1".to_vec(), 0o600))], "echo 2 > b").expect("runs");
    assert_eq!(first.end, End::Exited(0), "{}", first.stderr.text());
    let script = format!("cat a b; ls {} 2>/dev/null", copy.dir.path().display());
    assert_eq!(over(&copy, Some(&upper), &[], &script).expect("runs").stdout.text(), "12\n");
    assert_eq!(fs::read_dir(copy.path("base")).expect("listed").count(), 0);
}

#[test]
fn a_change_goes_through_no_link_and_stays_below_the_overlay() {
    let copy = Copy::new();
    fs::create_dir(copy.path("base")).expect("made");
    std::os::unix::fs::symlink("/tmp", copy.path("base/out")).expect("linked");
    std::os::unix::fs::symlink("/tmp/victim", copy.path("base/file")).expect("linked");
    let file = || Content::File(b"x".to_vec(), 0o644);
    let refused = over(&copy, None, &[change("out/x", file())], "true").expect_err("a link is in the way");
    assert!(refused.to_string().starts_with("'x' cannot be laid over '/srv/tree': "), "{refused}");
    for path in ["../x", "/x", "", "a/../../x"] {
        let refused = over(&copy, None, &[change(path, file())], "true").expect_err(path);
        assert!(refused.to_string().contains("is no path below a directory"), "{refused}");
    }
    let replaced = over(&copy, None, &[change("file", file())], "cat file; ls /tmp").expect("runs").stdout.text();
    assert_eq!(replaced, "xhome\n");
}

#[test]
fn what_cannot_be_laid_over_is_no_missing_wall() {
    let copy = Copy::new();
    fs::create_dir(copy.path("base")).expect("made");
    let nowhere = over(&copy, Some(Path::new("/proc/self")), &[], "true").expect_err("nothing can be made there");
    assert!(matches!(nowhere, CannotRun::NoOverlay(_) | CannotRun::Io(_)), "{nowhere}");
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
        "nothing_in_the_home_can_be_read_or_written",
        "only_the_copy_can_be_written_and_what_is_written_there_stays",
        "no_device_but_the_harmless_ones_can_be_opened",
        "nothing_of_the_callers_environment_or_processes_is_seen",
        "the_time_out_ends_daemons_and_what_ignores_signals",
        "processes_and_file_sizes_are_bounded",
        "every_wall_of_this_machine_is_found",
        "an_overlay_is_the_base_with_changes_and_the_base_stays",
        "a_layer_that_is_kept_is_there_for_the_next_and_is_not_seen_by_itself",
        "a_change_goes_through_no_link_and_stays_below_the_overlay",
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
