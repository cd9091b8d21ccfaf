//! What a program that keeps keys prints: bounded in size and time, so that one which waits for an answer nobody gives
//! holds nothing up for ever. It keeps the terminal, for it may ask a person to unlock it.

use std::{
    ffi::OsStr,
    io::{ErrorKind, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// As long as a person looks for a passphrase or a token.
const PATIENCE: Duration = Duration::from_secs(120);
/// No key is longer.
const MOST: u64 = 64 << 10;

/// Why nothing came.
#[derive(Debug)]
pub struct Failed {
    /// Behind the program's name.
    pub why: String,
    /// The last line of its messages; may be empty.
    pub said: String,
}

/// The standard output of a program that succeeded, given `input`.
pub fn by(argv: &[impl AsRef<OsStr>], input: &[u8]) -> Result<Vec<u8>, Failed> {
    within(PATIENCE, argv, input)
}

fn within(patience: Duration, argv: &[impl AsRef<OsStr>], input: &[u8]) -> Result<Vec<u8>, Failed> {
    let until = Instant::now() + patience;
    let failed = |why: String| Failed { why, said: String::new() };
    let (program, arguments) = argv.split_first().ok_or_else(|| failed("names no program".to_owned()))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => failed("is not installed".to_owned()),
        _ => failed(format!("cannot run: {error}")),
    })?;
    let input = input.to_vec();
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // One that ends without reading is judged by its status.
    thread::spawn(move || stdin.write_all(&input));
    let (out, err) = (drained(child.stdout.take()), drained(child.stderr.take()));
    let late = || failed(format!("gave no answer within {} s", patience.as_secs()));
    let printed = match out.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(printed) => printed,
        Err(RecvTimeoutError::Disconnected) => Vec::new(),
        Err(RecvTimeoutError::Timeout) => return Err(stopped(&mut child, late())),
    };
    let Some(status) = ended(&mut child, until) else { return Err(stopped(&mut child, late())) };
    // What outlives it (an agent) may hold its messages open.
    let said = err.recv_timeout(Duration::from_millis(100)).unwrap_or_default();
    match status.success() {
        _ if printed.len() as u64 > MOST => Err(failed("printed more than a key".to_owned())),
        true => Ok(printed),
        false => Err(Failed { why: format!("failed: {status}"), said: last_line(&said) }),
    }
}

fn drained(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is all that there is.
            pipe.take(MOST + 1).read_to_end(&mut bytes).ok();
            send.send(bytes)
        });
    }
    receive
}

/// Its output has ended, so that it ends at once or was asked to wait by somebody else.
fn ended(child: &mut Child, until: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait().ok()? {
            Some(status) => return Some(status),
            None if Instant::now() >= until => return None,
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn stopped(child: &mut Child, why: Failed) -> Failed {
    child.kill().and_then(|()| child.wait()).ok();
    why
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, input: &[u8]) -> Result<Vec<u8>, Failed> {
        within(Duration::from_secs(20), &["sh", "-c", script], input)
    }

    #[test]
    fn what_goes_in_comes_out_and_a_failure_says_its_last_line() {
        assert_eq!(sh("cat", b"sk-1\n").expect("printed"), b"sk-1\n");
        let failed = sh("echo first >&2; echo ' last ' >&2; echo >&2; exit 3", b"").expect_err("failed");
        assert_eq!((failed.why.as_str(), failed.said.as_str()), ("failed: exit status: 3", "last"));
    }

    #[test]
    fn a_program_that_is_not_there_says_nothing_or_says_too_much_gives_no_key() {
        assert_eq!(by(&["haco-no-such-program"], b"").expect_err("not there").why, "is not installed");
        assert_eq!(by(&[""; 0], b"").expect_err("none").why, "names no program");
        assert_eq!(sh("yes | head -c 100000", b"").expect_err("a flood").why, "printed more than a key");
        let waits = within(Duration::from_millis(50), &["sleep", "60"], b"").expect_err("waits");
        assert_eq!(waits.why, "gave no answer within 0 s");
        let shut = within(Duration::from_millis(50), &["sh", "-c", "exec >&-; sleep 60"], b"").expect_err("waits");
        assert_eq!(shut.why, "gave no answer within 0 s");
    }

    #[test]
    fn one_that_does_not_read_is_judged_by_its_status() {
        assert_eq!(sh("echo k", &vec![b'x'; 1 << 20]).expect("printed"), b"k\n");
    }
}
