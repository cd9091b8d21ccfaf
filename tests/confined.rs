//! Who reads what a model says: a child of the worker that confined itself, or a program behind the walls of a check.

use crate::{
    greeter::{self, MODEL, ticket},
    peers::ollama::{Ollama, Reply},
    sandbox::{Sandbox, root},
    want::any,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read},
    net::TcpListener,
    os::unix::{net::UnixListener, process::ExitStatusExt},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(60);
/// In the worker's environment, and nobody else's.
const MINE: &str = "a-secret-of-the-person";

/// A worker whose model is about to answer, and the child that waits for it.
struct Waiting {
    worker: Child,
    child: u32,
    go: Sender<()>,
    _server: Ollama,
    _sandbox: Sandbox,
}

impl Waiting {
    fn new() -> Waiting {
        let (go, gone): (Sender<()>, Receiver<()>) = mpsc::channel();
        let (here, asked) = mpsc::channel();
        let hold = Mutex::new((here, gone));
        let server = Ollama::start(move |_| {
            let hold = hold.lock().expect("nobody panicked with it");
            hold.0.send(()).expect("the test waits");
            // Either way it is time to answer.
            hold.1.recv().ok();
            Reply::text("echo hi")
        });
        let mut sandbox = Sandbox::without_repository();
        sandbox.set("OLLAMA_HOST", server.host()).set("MY_SECRET", MINE);
        // Whoever runs the suite in the background has its programs ignore an interrupt.
        let words = ["env", "--default-signal", "haco-worker", "say hi"].map(str::to_owned);
        let mut command = sandbox.command(&words);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let worker = command.spawn().expect("it runs");
        asked.recv_timeout(PATIENCE).expect("the model is asked");
        let child = children(worker.id()).pop().expect("a child asks it");
        Waiting { worker, child, go, _server: server, _sandbox: sandbox }
    }
}

fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("it is there").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| field(*pid, "PPid") == of.to_string()).collect()
}

/// A line of a process's status; empty where the process is gone.
fn field(pid: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
    line.unwrap_or_default().to_owned()
}

#[test]
fn a_reply_is_awaited_behind_walls_by_a_child_that_holds_nothing_of_ours() {
    let mut waiting = Waiting::new();
    let own = |name: &str| field(waiting.child, name);
    assert_eq!((own("Seccomp"), own("NoNewPrivs")), ("2".to_owned(), "1".to_owned()));
    for rights in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(own(rights).trim_start_matches('0'), "", "{rights}");
    }
    let words = fs::read(format!("/proc/{}/cmdline", waiting.child)).expect("it lives");
    assert_eq!(words.split(|b| *b == 0).filter(|w| !w.is_empty()).count(), 2, "its program and one word");
    // Only root may look, and there is nothing to see.
    match fs::read_to_string(format!("/proc/{}/environ", waiting.child)) {
        Ok(environment) => assert_eq!(environment, ""),
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
    }
    if let Ok(open) = fs::read_dir(format!("/proc/{}/fd", waiting.child)) {
        for file in open.flatten() {
            let is = fs::read_link(file.path()).expect("a link").to_string_lossy().into_owned();
            assert!(is.starts_with("socket:") || is.starts_with("pipe:") || is == "/dev/null", "{is}");
        }
    }
    waiting.go.send(()).expect("the server waits");
    let mut said = String::new();
    waiting.worker.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert!(waiting.worker.wait().expect("it ends").success());
    assert_eq!(said, "echo hi\n");
    assert_eq!(field(waiting.child, "Pid"), "", "the child is gone");
}

#[test]
fn the_child_ends_with_the_worker_however_that_ends() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("KILL", 9)] {
        let mut waiting = Waiting::new();
        let sandbox = Sandbox::without_repository();
        sandbox.run(&["kill", &format!("-{signal}"), &waiting.worker.id().to_string()]).gives(0, "", "");
        assert_eq!(waiting.worker.wait().expect("it ends").signal(), Some(number));
        // It is nobody's child any more, so that its end can only be looked for.
        let gone = "for n in $(seq 600); do test -e /proc/$0 || exit 0; sleep 0.1; done; exit 1";
        sandbox.run(&["sh", "-c", gone, &waiting.child.to_string()]).gives(0, "", "");
    }
}

#[test]
fn a_child_that_is_killed_is_said() {
    let mut waiting = Waiting::new();
    let sandbox = Sandbox::without_repository();
    sandbox.run(&["kill", "-KILL", &waiting.child.to_string()]).gives(0, "", "");
    let mut said = String::new();
    waiting.worker.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(waiting.worker.wait().expect("it ends").code(), Some(69));
    assert!(said.contains("the process that reads its answer was ended: signal: 9"), "{said}");
}

#[test]
fn a_wall_that_is_missing_is_refused_unless_it_is_named() {
    for (wall, call) in [("landlock", "landlock_create_ruleset"), ("seccomp", "seccomp")] {
        let server = Ollama::saying(Reply::text("echo hi"));
        let mut sandbox = Sandbox::without_repository();
        sandbox.set("OLLAMA_HOST", server.host());
        let inject = format!("inject={call}:error=ENOSYS");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject, "haco-worker", "say hi"];
        let refused = format!("haco-worker: no wall '{wall}' here: [..]\nhint: [..]\n");
        sandbox.run(&words).gives(125, "", refused);
        assert!(server.asked().is_empty(), "nothing is sent");
        let config = json!({"verify": {"allow_weaker": [wall]}});
        sandbox.write("../home/.config/haco/config.json", config.to_string());
        let said = format!("haco-worker: warning: asked without the wall '{wall}', as verify.allow_weaker says\n");
        sandbox.run(&words).gives(0, "echo hi\n", said);
    }
}

#[test]
fn nobody_else_gets_anything_from_the_childs_entry() {
    let sandbox = Sandbox::without_repository();
    for program in ["haco", "haco-plan", "haco-worker", "haco-verify", "haco-audit", "haco-ship"] {
        let child = sandbox.run(&[program, "--confined-child"]).stdin("GET / HTTP/1.1\r\n\r\n");
        let asks = ["haco-plan", "haco-worker", "haco-audit"].contains(&program);
        if asks {
            child.gives(1, "", "")
        } else {
            child.gives(2, "", any())
        };
        sandbox.run(&[program, "--confined-child", "x"]).gives(2, "", any());
    }
}

/// A relay on a port of its own; it ends with this.
struct Relay {
    child: Child,
    said: BufReader<ChildStdout>,
    port: String,
}

impl Relay {
    fn new(sandbox: &Sandbox, words: &[&str]) -> Relay {
        let script = root().join("tests/peers/relay.py").to_str().expect("text").to_owned();
        let words: Vec<String> =
            ["python3".to_owned(), script].into_iter().chain(words.iter().map(|w| (*w).to_owned())).collect();
        let mut child = sandbox.command(&words).stdout(Stdio::piped()).spawn().expect("it runs");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut relay = Relay { child, said, port: String::new() };
        relay.port = relay.line();
        relay
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it can be ended");
    }
}

#[test]
fn the_child_speaks_tls_and_goes_through_a_proxy() {
    let server = Ollama::saying(Reply::text("echo hi"));
    let port = server.host().rsplit(':').next().expect("a port").to_owned();
    let mut sandbox = Sandbox::without_repository();
    let names = "subjectAltName=DNS:localhost,DNS:box.example";
    let request =
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let rest = ["-subj", "/CN=x", "-keyout", "k.pem", "-out", "c.pem", "-addext", names, "-addext"];
    let words: Vec<&str> = request.into_iter().chain(rest).chain(["basicConstraints=critical,CA:FALSE"]).collect();
    sandbox.run(&words).gives(0, any(), any());
    let tls = Relay::new(&sandbox, &["tls", "c.pem", "k.pem", &port]);
    sandbox.set("OLLAMA_HOST", format!("https://localhost:{}", tls.port));
    sandbox.run(&["haco-worker", "hi"]).gives(
        69,
        "",
        "haco-worker: [..]secure connection[..]\nhint: [..]SSL_CERT_FILE\n",
    );
    sandbox.set("SSL_CERT_FILE", "c.pem");
    sandbox.run(&["haco-worker", "hi"]).gives(0, "echo hi\n", "");
    let mut plain = Relay::new(&sandbox, &["proxy", &port]);
    sandbox.set("OLLAMA_HOST", "http://box.example:8080").set("HTTP_PROXY", format!("http://127.0.0.1:{}", plain.port));
    sandbox.run(&["haco-worker", "hi"]).gives(0, "echo hi\n", "");
    assert_eq!(plain.line(), "box.example:8080");
    let mut secure = Relay::new(&sandbox, &["proxy", &tls.port]);
    sandbox.set("OLLAMA_HOST", "https://box.example").set("HTTPS_PROXY", format!("http://localhost:{}", secure.port));
    sandbox.run(&["haco-worker", "hi"]).gives(0, "echo hi\n", "");
    assert_eq!(secure.line(), "box.example:443");
    assert_eq!(server.asked().len(), 3);
}

/// What a hostile program tries, and prints of each whether it succeeded; what it writes is looked for.
const TRIES: &str = r#"
import os, socket, sys
sys.stdin.read()
home, top, port, pid, path = sys.argv[1:]
def read(name): open(name).read(1)
def connect(family, to):
    with socket.socket(family) as s: s.settimeout(5); s.connect(to)
def mine(name): assert b"a-secret-of" in open(name, "rb").read()
for name in [top + "/repo/.haco/left", home + "/left"]:
    try: open(name, "w").close()
    except Exception: pass
for name, act in [
    ("a key of the person", lambda: read(home + "/.ssh/id_ed25519")),
    ("a file beside the repository", lambda: read(top + "/secret")),
    ("the repository", lambda: read(top + "/repo/greet.sh")),
    ("the environment", lambda: os.environ["MY_SECRET"]),
    ("the environment of who started it", lambda: mine("/proc/%s/environ" % pid)),
    ("a process", lambda: os.kill(int(pid), 0)),
    ("a port of the machine", lambda: connect(socket.AF_INET, ("127.0.0.1", int(port)))),
    ("a local socket", lambda: connect(socket.AF_UNIX, path)),
]:
    try: act(); print(name, "succeeds")
    except Exception: print(name, "refused")
"#;

/// What is there to reach, and the words that reach for it.
struct Machine {
    sandbox: Sandbox,
    words: Vec<String>,
    other: Child,
    _port: TcpListener,
    _local: UnixListener,
}

impl Machine {
    fn new() -> Machine {
        let server = greeter::good_model();
        let mut sandbox = greeter::initialised(&server);
        sandbox.set("MY_SECRET", MINE);
        for secret in ["../home/.ssh/id_ed25519", "../secret"] {
            sandbox.write(secret, "SECRET\n");
        }
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let local = sandbox.path("../socket");
        let other = sandbox.command(&["sleep", "600"].map(str::to_owned)).spawn().expect("it runs");
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        let words = vec![
            "python3".to_owned(),
            "-c".to_owned(),
            TRIES.to_owned(),
            text(&sandbox.path("../home").canonicalize().expect("it is there")),
            text(&sandbox.path("..").canonicalize().expect("it is there")),
            port.local_addr().expect("bound").port().to_string(),
            other.id().to_string(),
            text(&local),
        ];
        let _local = UnixListener::bind(local).expect("listens");
        Machine { sandbox, words, other, _port: port, _local }
    }

    fn configured(&self, more: &Value) {
        let mut entry = json!({"provider": "command", "command": self.words});
        entry.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let config = json!({"models": {"evil": entry}, "roles": {"worker": ["evil"]}});
        self.sandbox.write("../home/.config/haco/config.json", config.to_string());
    }

    /// Which of the tries succeeded.
    fn asked(&self) -> Vec<String> {
        let done = self.sandbox.run(&["haco-worker", "--raw", "anything"]).gives(0, any(), "");
        assert_eq!(self.left(), 0, "nothing is left where it could be found");
        succeeded(&done.stdout)
    }

    /// How many files were written, which are removed.
    fn left(&self) -> usize {
        let paths = [".haco/left", "../home/left"].map(|path| self.sandbox.path(path));
        paths.iter().filter(|path| fs::remove_file(path).is_ok()).count()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.other.kill().and_then(|()| self.other.wait()).expect("it can be ended");
    }
}

fn succeeded(said: &str) -> Vec<String> {
    assert_eq!(said.lines().count(), 8, "{said}");
    said.lines().filter_map(|line| line.strip_suffix(" succeeds").map(str::to_owned)).collect()
}

#[test]
fn a_hostile_command_reaches_nothing_of_the_machine() {
    let machine = Machine::new();
    let words: Vec<&str> = machine.words.iter().map(String::as_str).collect();
    assert_eq!(succeeded(&machine.sandbox.run(&words).gives(0, any(), "").stdout).len(), 8, "outside all of it works");
    assert_eq!(machine.left(), 2, "and is left");
    machine.configured(&json!({}));
    assert_eq!(machine.asked(), Vec::<String>::new());
    machine.configured(&json!({"net": "host"}));
    assert_eq!(machine.asked(), ["a port of the machine"]);
    machine.configured(&json!({"home": [".ssh"]}));
    assert_eq!(machine.asked(), ["a key of the person"]);
}

#[test]
fn what_a_command_was_given_stands_in_the_record_of_its_call() {
    let server = greeter::good_model();
    let sandbox = greeter::initialised(&server);
    fs::create_dir(sandbox.path("../home/.tool")).expect("made");
    let reply = greeter::GREETS.replace('`', "\\`").replace('"', "\\\"").replace('$', "\\$");
    let entry = json!({"provider": "command", "command": ["sh", "-c", format!("cat > /dev/null; printf '%s' \"{reply}\"")],
                       "net": "host", "home": [".tool"], "max_call_usd": 0});
    let config = json!({"models": {"tool": entry}, "roles": {"worker": ["tool"]}});
    sandbox.write("../home/.config/haco/config.json", config.to_string());
    let plan = greeter::plan("p", &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let call: Value = serde_json::from_str(&sandbox.read(".haco/drafts/T-001/1/0-worker/call.json")).expect("JSON");
    let confined = &call["confined"];
    assert_eq!((confined["net"].as_str(), &confined["home"]), (Some("host"), &json!([".tool"])));
    let layers: Vec<&str> = confined["layers"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(layers.contains(&"mount") && !layers.contains(&"network"), "{layers:?}");
    assert_ne!(call["model"]["name"], MODEL);
}
