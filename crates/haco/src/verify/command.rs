//! What a check's command is before it runs: its first word, whether that can be found, and the shell around it that
//! brings up the services it needs. Running it is `copy`'s.

use haco_core::{config::Need, hash::Hash};
use haco_sandbox::Kept;
use std::{os::unix::fs::PermissionsExt, path::Path, time::SystemTime};

/// Words that the shell knows without a program.
const SHELL: &[&str] = &[
    ".", ":", "[", "alias", "bg", "break", "case", "cd", "command", "continue", "echo", "eval", "exec", "exit",
    "export", "false", "fc", "fg", "for", "getopts", "hash", "if", "jobs", "kill", "local", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "test", "times", "trap", "true", "type", "ulimit", "umask", "unalias",
    "unset", "until", "wait", "while",
];

/// Seconds until a service must answer, where its entry says nothing.
const NEED_SEC: u32 = 20;

/// The program that a command begins with, after assignments; none where the shell itself begins, or where only the
/// shell can tell (quotes, expansions, grouping).
pub(super) fn program(command: &str) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|');
    let mut rest = command.trim_start();
    loop {
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-+.,@%/:=".contains(c);
        if word.is_empty() || !word.chars().all(plain) {
            return None;
        }
        if !is_assignment(word) {
            return (!SHELL.contains(&word)).then_some(word);
        }
        let after = rest[word.len()..].trim_start_matches([' ', '\t']);
        if after.starts_with(ends) {
            return None;
        }
        rest = after;
    }
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|n| {
        !n.starts_with(|c: char| c.is_ascii_digit())
            && !n.is_empty()
            && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// The program of a command that is nowhere on `path`; one that is named with a slash is the copy's own business.
pub(super) fn missing<'a>(command: &'a str, path: &str) -> Option<&'a str> {
    let runs = |dir: &str, name: &str| {
        let meta = Path::new(dir).join(name).metadata();
        meta.is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    program(command).filter(|name| !name.contains('/') && !path.split(':').any(|dir| runs(dir, name)))
}

/// The entries of `path` that a confined command sees: absolute, and in one of the `shared` directories or in none that
/// is hidden or empty inside. What else of the working tree is on it would be the draft's to write.
pub(super) fn visible(path: &str, hidden: &[&Path], shared: &[&Path]) -> String {
    let empty = ["/tmp", "/var/tmp", "/dev/shm"].map(Path::new);
    let seen = |entry: &&str| {
        let entry = Path::new(entry);
        let within = |dirs: &[&Path]| dirs.iter().any(|dir| entry.starts_with(dir));
        entry.is_absolute() && (within(shared) || !within(&empty) && !within(hidden))
    };
    path.split(':').filter(seen).collect::<Vec<_>>().join(":")
}

/// What a script says on its standard error about the services that it waits for; nobody else can know the words.
pub(super) struct Mark(String);

impl Mark {
    /// A new one.
    pub(super) fn new() -> Mark {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Mark(Hash::of(format!("{} {}", std::process::id(), now.as_nanos()).as_bytes()).to_string())
    }

    /// The service that was still waited for when everything ended. What the script said is taken out of the stream.
    pub(super) fn waiting(&self, stream: &mut Kept) -> Option<String> {
        let text = String::from_utf8_lossy(&stream.head).into_owned();
        let (said, other): (Vec<&str>, Vec<&str>) = text.split_inclusive('\n').partition(|l| l.starts_with(&self.0));
        let last = said.last()?.trim_end().rsplit_once(' ').map(|(_, name)| name.to_owned());
        stream.head = other.concat().into_bytes();
        last.filter(|name| !name.is_empty())
    }
}

/// The command with its services brought up before it. While one is waited for, its name is the last word behind the
/// mark; when it answers, the last word is empty.
pub(super) fn with_services(command: &str, needs: &[(&str, &Need)], Mark(mark): &Mark) -> String {
    let mut script = String::new();
    for (name, need) in needs {
        let probe = format!("sh -c {} >/dev/null 2>&1 </dev/null", quoted(&need.probe));
        let start = need.start.as_ref().map(|s| format!("  sh -c {} >/dev/null 2>&1 </dev/null &\n", quoted(s)));
        script.push_str(&format!(
            "echo {mark} {} >&2\nif ! {probe}; then\n{}  haco_end=$(( $(date +%s) + {} ))\n  until {probe}; do\n    \
             if [ \"$(date +%s)\" -ge \"$haco_end\" ]; then exit 125; fi\n    sleep 0.1\n  done\nfi\necho '{mark} ' >&2\n",
            quoted(name),
            start.unwrap_or_default(),
            seconds(need),
        ));
    }
    script + &format!("exec sh -c {}", quoted(command))
}

/// Seconds that a service may take until it answers.
pub(super) fn seconds(need: &Need) -> u32 {
    need.timeout_sec.unwrap_or(NEED_SEC)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_counts_after_assignments_and_before_operators() {
        assert_eq!(program("cargo test"), Some("cargo"));
        assert_eq!(program("  RUST_LOG=debug A= pytest -q"), Some("pytest"));
        assert_eq!(program("make&&true"), Some("make"));
        assert_eq!(program("./run.sh x"), Some("./run.sh"));
        assert_eq!(program("g++ --version"), Some("g++"));
    }

    #[test]
    fn what_only_the_shell_can_tell_is_not_guessed() {
        for command in
            ["", "  ", "test -f x", "if true; then x; fi", "$CC x", "'my tool'", "(x)", "{ x; }", "! x", "f() { :; }"]
        {
            assert_eq!(program(command), None, "{command}");
        }
        for command in ["A=1", "A=1; x", "A=\"b c\" x", "<in x", "# x", "~/x", "*.sh", ": > x"] {
            assert_eq!(program(command), None, "{command}");
        }
    }

    #[test]
    fn a_program_that_is_nowhere_on_the_path_is_missing_and_a_path_is_not_judged() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().to_str().expect("utf-8");
        fs_err::write(dir.path().join("plain"), "").expect("writes");
        fs_err::write(dir.path().join("tool"), "").expect("writes");
        fs_err::set_permissions(dir.path().join("tool"), PermissionsExt::from_mode(0o755)).expect("mode");
        assert_eq!(missing("tool x", path), None);
        assert_eq!(missing("A=1 plain", path), Some("plain"));
        assert_eq!(missing("nowhere", path), Some("nowhere"));
        assert_eq!(missing("./nowhere", path), None);
        assert_eq!(missing("echo", ""), None);
    }

    #[test]
    fn path_entries_that_are_empty_inside_do_not_count_and_those_that_are_shared_do() {
        let path = "/usr/bin:/tmp/x:/srv/repo/bin:/srv/repo/.venv/bin:bin::/srv/repo2/bin";
        let repo = Path::new("/srv/repo");
        assert_eq!(visible(path, &[repo], &[]), "/usr/bin:/srv/repo2/bin");
        let shared = visible(path, &[repo], &[Path::new("/srv/repo/.venv")]);
        assert_eq!(shared, "/usr/bin:/srv/repo/.venv/bin:/srv/repo2/bin");
    }

    #[test]
    fn services_are_probed_started_once_and_waited_for() {
        let dir = tempfile::tempdir().expect("directory");
        let up = dir.path().join("it's up");
        let probe = format!("test -f \"{}\"", up.display());
        let need = |start: Option<String>, timeout_sec| Need { probe: probe.clone(), start, timeout_sec };
        let run = |need: &Need| {
            let mark = Mark::new();
            let script = with_services("echo 'ran'; echo wrong >&2; exit 3", &[("db", need)], &mark);
            let ran = std::process::Command::new("sh").arg("-c").arg(script).output().expect("runs");
            let mut stderr = Kept { head: ran.stderr, ..Kept::default() };
            let waiting = mark.waiting(&mut stderr);
            let text = |bytes| String::from_utf8(bytes).expect("text");
            (ran.status.code(), text(ran.stdout), text(stderr.head), waiting)
        };
        let asked = (Some(3), "ran\n".to_owned(), "wrong\n".to_owned(), None);
        assert_eq!(run(&need(None, Some(0))), (Some(125), String::new(), String::new(), Some("db".to_owned())));
        assert_eq!(run(&need(Some(format!("touch \"{}\"", up.display())), Some(5))), asked);
        assert_eq!(run(&need(None, Some(0))), asked);
    }
}
