//! How one command of a check ended, and what that says about it.

use haco_core::{
    code::{Code, Failure},
    ticket::Expect,
    verdict::Answer,
};
use haco_sandbox::{End, Ended, Kept, Layer, LimitKind, Limits};
use std::time::Duration;

/// How one command ended, and what that says.
#[derive(Debug)]
pub(super) struct Ran {
    /// The answer after `expect`.
    pub(super) answer: Answer,
    /// The code, where the answer is not pass.
    pub(super) code: Option<Code>,
    /// One line: how it ended, or why it was not asked.
    pub(super) end: String,
    /// What would let it be asked, where that is known.
    pub(super) fix: Option<String>,
    /// Its streams, output before errors; none where it did not run.
    pub(super) log: Vec<u8>,
    /// What it used, and behind what; none where it did not run.
    pub(super) used: Option<Used>,
}

/// What one command used, what it might have, and the walls that stood.
#[derive(Debug)]
pub(super) struct Used {
    pub(super) wall_ms: u64,
    /// Of all processes that were waited for.
    pub(super) cpu_ms: u64,
    /// Resident bytes of the largest process.
    pub(super) max_rss: u64,
    pub(super) limits: Limits,
    pub(super) walls: Vec<Layer>,
}

impl Ran {
    /// It could not be asked, and nothing is known that would help.
    pub(super) fn blocked(code: Code, why: String) -> Ran {
        Ran { answer: Answer::Blocked, code: Some(code), end: why, fix: None, log: Vec::new(), used: None }
    }

    /// It could not be asked.
    pub(super) fn refused(failure: &Failure) -> Ran {
        Ran { fix: failure.fix.clone(), ..Ran::blocked(failure.code, failure.message.clone()) }
    }

    /// It was not run, and has failed.
    pub(super) fn failed(why: String) -> Ran {
        Ran { answer: Answer::Fail, ..Ran::blocked(Code::ChecksFailed, why) }
    }

    /// The answer of what was run.
    pub(super) fn of(expect: Expect, limits: Limits, ended: Ended) -> Ran {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let passes = passes(expect, &ended.end);
        let wanted =
            if !passes && expect == Expect::Fail && ended.end == End::Exited(0) { ", and it must fail" } else { "" };
        let mut log = bytes(&ended.stdout);
        log.extend(bytes(&ended.stderr));
        Ran {
            answer: if passes { Answer::Pass } else { Answer::Fail },
            code: (!passes).then_some(Code::ChecksFailed),
            end: format!("{}{wanted}", how(&ended.end, limits.timeout.as_secs())),
            fix: None,
            log,
            used: Some(Used {
                wall_ms: milliseconds(ended.wall),
                cpu_ms: milliseconds(ended.cpu),
                max_rss: ended.max_rss,
                limits,
                walls: ended.layers,
            }),
        }
    }
}

/// `expect` turns an exit status round, and nothing else: 126 and 127 are a command that the draft did not make.
fn passes(expect: Expect, end: &End) -> bool {
    match (end, expect) {
        (End::Exited(0), Expect::Pass) => true,
        (End::Exited(0 | 126 | 127), Expect::Fail) => false,
        (End::Exited(_), Expect::Fail) => true,
        _ => false,
    }
}

/// How a command ended, in words that follow its name.
pub(super) fn how(end: &End, seconds: u64) -> String {
    match end {
        End::Exited(status) => format!("exited with status {status}"),
        End::Signalled(number) => format!("was ended by signal {number}"),
        End::TimedOut => format!("timed out after {seconds} s"),
        End::Limit(LimitKind::Memory) => "passed the limit of memory".to_owned(),
        End::Limit(LimitKind::Processes) => "passed the limit of processes".to_owned(),
        End::Limit(LimitKind::FileSize) => "passed the limit of a file's size".to_owned(),
    }
}

/// What is kept of a stream, raw.
fn bytes(kept: &Kept) -> Vec<u8> {
    let mut all = kept.head.clone();
    if kept.dropped > 0 {
        all.extend(format!("\n[{} bytes left out]\n", kept.dropped).bytes());
    }
    all.extend(&kept.tail);
    if all.last().is_some_and(|b| *b != b'\n') {
        all.push(b'\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expected_failure_is_an_exit_status_and_nothing_else() {
        assert!(passes(Expect::Pass, &End::Exited(0)) && !passes(Expect::Pass, &End::Exited(1)));
        assert!(passes(Expect::Fail, &End::Exited(1)) && !passes(Expect::Fail, &End::Exited(0)));
        for end in [End::Exited(127), End::Exited(126), End::TimedOut, End::Signalled(9), End::Limit(LimitKind::Memory)]
        {
            assert!(!passes(Expect::Fail, &end) && !passes(Expect::Pass, &end), "{end:?}");
        }
    }

    #[test]
    fn a_log_counts_what_was_dropped_and_ends_its_line() {
        let kept = Kept { head: b"ab".to_vec(), tail: b"yz".to_vec(), bytes: 9, dropped: 5 };
        assert_eq!(bytes(&kept), b"ab\n[5 bytes left out]\nyz\n");
        assert_eq!(bytes(&Kept::default()), b"");
    }
}
