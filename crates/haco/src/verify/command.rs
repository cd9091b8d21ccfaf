//! What a check's command is before it runs: its first word, whether that can be found, and the shell around it that
//! brings up the services it needs. Running it is `copy`'s.

use haco_core::config::Need;
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

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

/// The entries of `path` that a confined command sees: absolute, in no directory that is hidden or empty inside.
pub(super) fn visible(path: &str, hidden: &[PathBuf]) -> String {
    let empty = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from);
    let seen = |entry: &&str| {
        let entry = Path::new(entry);
        entry.is_absolute() && !empty.iter().chain(hidden).any(|dir| entry.starts_with(dir))
    };
    path.split(':').filter(seen).collect::<Vec<_>>().join(":")
}

/// The command with its services brought up before it. While one is waited for, its name stands in the file `note`.
pub(super) fn with_services(command: &str, needs: &[(&str, &Need)], note: &Path) -> String {
    let note = quoted(&note.to_string_lossy());
    let mut script = String::new();
    for (name, need) in needs {
        let probe = format!("sh -c {} >/dev/null 2>&1 </dev/null", quoted(&need.probe));
        let start = need.start.as_ref().map(|s| format!("  sh -c {} >/dev/null 2>&1 </dev/null &\n", quoted(s)));
        script.push_str(&format!(
            "if ! {probe}; then\n  printf %s {} > {note}\n{}  haco_end=$(( $(date +%s) + {} ))\n  until {probe}; do\n    \
             if [ \"$(date +%s)\" -ge \"$haco_end\" ]; then exit 125; fi\n    sleep 0.1\n  done\n  rm -f {note}\nfi\n",
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
    fn path_entries_that_are_empty_inside_do_not_count() {
        let hidden = [PathBuf::from("/srv/repo")];
        assert_eq!(
            visible("/usr/bin:/tmp/x:/srv/repo/.venv/bin:bin::/srv/repo2/bin", &hidden),
            "/usr/bin:/srv/repo2/bin"
        );
    }

    #[test]
    fn services_are_probed_started_once_and_waited_for() {
        let dir = tempfile::tempdir().expect("directory");
        let up = dir.path().join("it's up");
        let note = dir.path().join("note");
        let probe = format!("test -f \"{}\"", up.display());
        let need = |start: Option<String>, timeout_sec| Need { probe: probe.clone(), start, timeout_sec };
        let run = |need: &Need| {
            let script = with_services("echo 'ran'; exit 3", &[("db", need)], &note);
            let ran = std::process::Command::new("sh").arg("-c").arg(script).output().expect("runs");
            (ran.status.code(), String::from_utf8(ran.stdout).expect("text"))
        };
        assert_eq!(run(&need(None, Some(0))), (Some(125), String::new()));
        assert_eq!(fs_err::read_to_string(&note).expect("note"), "db");
        fs_err::remove_file(&note).expect("removes");
        assert_eq!(run(&need(Some(format!("touch \"{}\"", up.display())), Some(5))), (Some(3), "ran\n".to_owned()));
        assert!(!note.exists());
        assert_eq!(run(&need(None, Some(0))), (Some(3), "ran\n".to_owned()));
    }
}
