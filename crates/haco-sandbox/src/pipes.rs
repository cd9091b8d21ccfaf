//! The four pipes between haco and the inside: three streams, and the report of the first process.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use crate::inner::Ends;

/// The ends that stay with haco.
pub(crate) struct Outer {
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    pub(crate) report: OwnedFd,
    /// When they were made, and so when the run began.
    pub(crate) made: Instant,
}

/// The ends that go inside, to be closed here once they are there.
pub(crate) struct Inside([OwnedFd; 4]);

impl Inside {
    /// Their numbers; all above the places that they are going to fill.
    pub(crate) fn ends(&self) -> Ends {
        let [stdin, stdout, stderr, report] = self.0.each_ref().map(AsRawFd::as_raw_fd);
        Ends { stdin, stdout, stderr, report }
    }
}

/// Makes all four.
pub(crate) fn make() -> io::Result<(Outer, Inside)> {
    let (stdin_in, stdin) = pipe2(OFlag::O_CLOEXEC)?;
    let (stdout, stdout_in) = pipe2(OFlag::O_CLOEXEC)?;
    let (stderr, stderr_in) = pipe2(OFlag::O_CLOEXEC)?;
    let (report, report_in) = pipe2(OFlag::O_CLOEXEC)?;
    for end in [&stdin, &stdout, &stderr, &report] {
        fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    }
    let inside = [high(stdin_in)?, high(stdout_in)?, high(stderr_in)?, high(report_in)?];
    Ok((Outer { stdin, stdout, stderr, report, made: Instant::now() }, Inside(inside)))
}

/// The same descriptor under a number that is above every place which is filled inside.
pub(crate) fn high(fd: OwnedFd) -> io::Result<OwnedFd> {
    let copy = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(10))?;
    // SAFETY: fcntl has just made this descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
