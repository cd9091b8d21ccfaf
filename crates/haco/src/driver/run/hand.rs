//! The steps in hand: each is a program of its own that ends with us, and is waited for by a thread of its own.

use crate::programs;
use haco_core::{
    code::{Code, Failure, Status},
    cursor::Offer,
};
use serde_json::Value;
use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

/// A step that ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) offer: Offer,
    pub(super) status: Status,
    /// What it said, where the answer was not yes.
    pub(super) failure: Option<Failure>,
    pub(super) took: Duration,
}

/// A step that was started.
pub(super) struct InHand {
    number: u64,
    pub(super) offer: Offer,
    pub(super) since: Instant,
}

pub(super) struct Hands {
    all: Vec<InHand>,
    next: u64,
    tell: Sender<(u64, io::Result<Output>)>,
    told: Receiver<(u64, io::Result<Output>)>,
}

impl Hands {
    pub(super) fn new() -> Hands {
        let (tell, told) = mpsc::channel();
        Hands { all: Vec::new(), next: 0, tell, told }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn in_hand(&self) -> &[InHand] {
        &self.all
    }

    pub(super) fn offers(&self) -> Vec<&Offer> {
        self.all.iter().map(|h| &h.offer).collect()
    }

    /// Starts an offer's command. The program is tied to this thread, which lives as long as the run.
    pub(super) fn start(&mut self, offer: &Offer) -> Result<(), Failure> {
        let (name, words) = offer.command.split_first().map(|(n, w)| (n.as_str(), w)).unwrap_or_default();
        let mut command = Command::new(programs::beside(name));
        command.args(words).arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        haco_sandbox::die_with_parent(&mut command);
        let cannot = |e: io::Error| Failure::new(Code::Io, format!("cannot run '{name}': {e}"));
        let child = command.spawn().map_err(cannot)?;
        let (number, tell) = (self.next, self.tell.clone());
        self.next += 1;
        self.all.push(InHand { number, offer: offer.clone(), since: Instant::now() });
        // Who is not there any more to be told is our own end.
        thread::spawn(move || tell.send((number, child.wait_with_output())));
        Ok(())
    }

    /// Every step that ended by now, the first of them awaited for at most `patience`.
    pub(super) fn wait(&mut self, patience: Duration) -> Vec<Ended> {
        let first = self.told.recv_timeout(patience).ok();
        let all: Vec<_> = first.into_iter().chain(self.told.try_iter()).collect();
        all.into_iter().filter_map(|(number, output)| self.ended(number, output)).collect()
    }

    pub(super) fn wait_for_all(&mut self) {
        while !self.is_empty() {
            self.wait(Duration::from_secs(1));
        }
    }

    fn ended(&mut self, number: u64, output: io::Result<Output>) -> Option<Ended> {
        let at = self.all.iter().position(|h| h.number == number)?;
        let hand = self.all.remove(at);
        let shown = hand.offer.command.join(" ");
        let (status, failure) = match output {
            Ok(output) => (status(output.status), said(&shown, &output)),
            Err(e) => (Status::Io, Some(Failure::new(Code::Io, format!("cannot wait for '{shown}': {e}")))),
        };
        Some(Ended { offer: hand.offer, status, failure, took: hand.since.elapsed() })
    }
}

/// A program that ends with a number of nobody's is a bug of ours, and so is one that something killed.
fn status(status: ExitStatus) -> Status {
    let by_signal = status.signal().map(|signal| 128 + signal);
    status.code().or(by_signal).and_then(Status::from_number).unwrap_or(Status::Bug)
}

/// Why the answer is not yes: what its JSON says, else its last word on stderr, else how it ended.
fn said(command: &str, output: &Output) -> Option<Failure> {
    if output.status.success() {
        return None;
    }
    let status = status(output.status);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |key: &str| answer[key].as_str().map(str::to_owned);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().rev().find(|l| !l.trim().is_empty() && !l.starts_with("hint: ")).map(str::to_owned);
    let message = text("error").or(last).unwrap_or_else(|| format!("'{command}' ended with {}", output.status));
    let known = text("code").and_then(|t| Code::ALL.iter().find(|c| c.as_str() == t).copied());
    let code = known.filter(|c| c.status() == status).unwrap_or_else(|| Code::usual(status));
    Some(Failure { code, message, fix: text("fix") })
}

#[cfg(test)]
mod tests {
    use super::{super::choose::tests::offer, *};
    use haco_core::cursor::Action;

    fn after(script: &str) -> Ended {
        let mut hands = Hands::new();
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        hands.start(&Offer { command, ..offer(Action::Draft, Some(1), None) }).expect("starts");
        assert_eq!(hands.offers().len(), 1);
        let mut ended = hands.wait(Duration::from_secs(20));
        assert!(hands.is_empty());
        ended.pop().expect("it ended")
    }

    #[test]
    fn a_step_that_says_yes_has_no_failure() {
        let ended = after("exit 0");
        assert_eq!((ended.status, ended.failure), (Status::Yes, None));
    }

    #[test]
    fn the_failure_is_the_one_that_the_program_gave() {
        let ended =
            after(r#"echo '{"ok":false,"error":"no such model","code":"model_missing","fix":"pull it"}'; exit 69"#);
        let expected = Failure::new(Code::ModelMissing, "no such model").fix("pull it");
        assert_eq!((ended.status, ended.failure), (Status::Unavailable, Some(expected)));
    }

    #[test]
    fn without_json_it_is_the_last_word_on_stderr_and_the_status() {
        let ended = after("echo 'haco-x: T-001: away' >&2; echo 'hint: wait' >&2; exit 75");
        assert_eq!(ended.failure, Some(Failure::new(Code::Busy, "haco-x: T-001: away")));
        let ended = after("kill -KILL $$");
        assert_eq!((ended.status, ended.failure.map(|f| f.code)), (Status::Bug, Some(Code::Bug)));
        assert_eq!(after("kill -TERM $$").status, Status::Terminated);
    }

    #[test]
    fn a_program_that_is_not_there_is_said_at_once() {
        let none = Offer { command: vec!["haco-none".to_owned()], ..offer(Action::Draft, Some(1), None) };
        let failure = Hands::new().start(&none).expect_err("none");
        assert!(failure.message.starts_with("cannot run 'haco-none': "), "{failure}");
    }
}
