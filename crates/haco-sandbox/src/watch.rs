//! Watch a confined command from outside: feed it, keep what it says, hold it to its limits, and end all of it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, read};

use crate::inner::{ENDED, Message, STARTED};
use crate::job::{End, Job, LimitKind, Output};
use crate::kept::Kept;
use crate::pipes::Outer;
use crate::relay::{Feed, Stream};
use crate::tree::Scale;

/// How often the tree of processes is weighed.
const LOOK: Duration = Duration::from_millis(20);

/// What was seen; the process is reaped.
pub(crate) struct Watched {
    /// The first report of something that went wrong before the command ran.
    pub(crate) failure: Option<Message>,
    /// Why it was killed, if it was.
    pub(crate) killed: Option<End>,
    /// The command's status as of wait(2), if it ended by itself.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) max_rss: u64,
}

/// Watches until nothing is left. `own_processes`: whether the kernel ends the rest with the first process.
pub(crate) fn watch(first: Pid, outer: Outer, job: &Job, own_processes: bool) -> io::Result<Watched> {
    let begun = outer.made;
    let mut watcher = Watcher::new(first, outer, job);
    let pumped = watcher.pump();
    watcher.end(own_processes);
    let usage = reap(first);
    pumped?;
    let [stdout, stderr] = watcher.streams;
    let (stdout, stderr) = (stdout.finish()?, stderr.finish()?);
    Ok(Watched {
        failure: watcher.failure,
        killed: watcher.killed,
        status: watcher.status,
        stdout,
        stderr,
        wall: watcher.over.unwrap_or_else(Instant::now) - begun,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        max_rss: usage.ru_maxrss as u64 * 1024,
    })
}

struct Watcher<'a> {
    first: Pid,
    job: &'a Job<'a>,
    deadline: Instant,
    looked: Instant,
    pause: Duration,
    scale: Scale,
    feed: Feed<'a>,
    streams: [Stream<'a>; 2],
    report: OwnedFd,
    reported: Vec<u8>,
    command: Option<i32>,
    failure: Option<Message>,
    killed: Option<End>,
    status: Option<i32>,
    over: Option<Instant>,
}

impl<'a> Watcher<'a> {
    fn new(first: Pid, outer: Outer, job: &'a Job<'a>) -> Watcher<'a> {
        let (stdout, stderr) = match job.output {
            Output::Keep => (None, None),
            Output::Pass(stdout, stderr) => (Some(stdout), Some(stderr)),
        };
        let stream = |from, to| Stream::new(from, to, job.limits.output_bytes);
        Watcher {
            first,
            job,
            deadline: outer.made + job.limits.timeout,
            looked: outer.made,
            pause: LOOK,
            scale: Scale::new(first.as_raw()),
            feed: Feed::new(job.stdin, outer.stdin),
            streams: [stream(outer.stdout, stdout), stream(outer.stderr, stderr)],
            report: outer.report,
            reported: Vec::new(),
            command: None,
            failure: None,
            killed: None,
            status: None,
            over: None,
        }
    }

    /// Serves the pipes until the report closes, which it does when the first process is dead.
    fn pump(&mut self) -> io::Result<()> {
        loop {
            self.serve()?;
            if !self.hear()? {
                self.over = Some(Instant::now());
                return Ok(());
            }
            self.judge();
        }
    }

    /// Waits until something can be done, or it is time to look, and does it.
    fn serve(&mut self) -> io::Result<()> {
        let [stdout, stderr] = &self.streams;
        let awaited = [self.feed.awaits(), stdout.awaits(), stderr.awaits()];
        let mut fds = vec![PollFd::new(self.report.as_fd(), PollFlags::POLLIN)];
        let there = awaited.each_ref().map(Option::is_some);
        fds.extend(awaited.into_iter().flatten());
        match poll(&mut fds, PollTimeout::from(LOOK.as_millis() as u16)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut happened = fds.iter().skip(1).map(|fd| fd.any().unwrap_or(false));
        let mut next = |there: bool| there && happened.next().unwrap_or(false);
        let [feed, stdout, stderr] = there.map(&mut next);
        if feed {
            self.feed.serve();
        }
        for (stream, ready) in self.streams.iter_mut().zip([stdout, stderr]) {
            if ready {
                stream.pass()?;
                stream.drain()?;
            }
        }
        Ok(())
    }

    /// Takes in the reports that came; false once there can be no more.
    fn hear(&mut self) -> io::Result<bool> {
        let mut piece = [0; 256];
        let open = match read(&self.report, &mut piece) {
            Ok(n) => {
                self.reported.extend_from_slice(&piece[..n]);
                n > 0
            }
            Err(Errno::EAGAIN | Errno::EINTR) => true,
            Err(errno) => return Err(errno.into()),
        };
        while self.reported.len() >= size_of::<Message>() {
            let bytes: Vec<u8> = self.reported.drain(..size_of::<Message>()).collect();
            let number = |at: usize| i32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            self.note([number(0), number(4), number(8)]);
        }
        Ok(open)
    }

    fn note(&mut self, message: Message) {
        match message {
            [0, ..] => {}
            [STARTED, _, pid] => self.command = Some(pid),
            [ENDED, _, status] => self.status = Some(status),
            failure => self.failure = self.failure.or(Some(failure)),
        }
    }

    /// Kills what has passed its time or a limit.
    fn judge(&mut self) {
        let now = Instant::now();
        if self.killed.is_some() || self.status.is_some() || now < self.looked + self.pause && now < self.deadline {
            return;
        }
        let limits = &self.job.limits;
        let weight = self.scale.weigh(limits);
        self.looked = Instant::now();
        // Looking takes a third of the time at most.
        self.pause = LOOK.max((self.looked - now) * 2);
        self.killed = match limits.mem_bytes {
            _ if now >= self.deadline => Some(End::TimedOut),
            _ if weight.processes > limits.processes => Some(End::Limit(LimitKind::Processes)),
            Some(most) if weight.bytes > most => Some(End::Limit(LimitKind::Memory)),
            _ => None,
        };
        if self.killed.is_some() {
            // It may have ended in this moment; it is not reaped, so the number is still its own.
            kill(self.first, Signal::SIGKILL).ok();
        }
    }

    /// Kills the first process, and the command's session where it would outlive that.
    fn end(&self, own_processes: bool) {
        if let (false, Some(command)) = (own_processes, self.command) {
            killpg(Pid::from_raw(command), Signal::SIGKILL).ok();
        }
        kill(self.first, Signal::SIGKILL).ok();
    }
}

/// Waits for the first process, which takes with it all that it started, and says what they used.
fn reap(first: Pid) -> libc::rusage {
    // SAFETY: all bytes zero is a valid value of this plain structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    // SAFETY: both places are valid for writing, and the process is this one's child.
    while unsafe { libc::wait4(first.as_raw(), &raw mut status, 0, &raw mut usage) } < 0 {
        if Errno::last() != Errno::EINTR {
            break;
        }
    }
    usage
}

fn time(value: libc::timeval) -> Duration {
    Duration::from_secs(value.tv_sec as u64) + Duration::from_micros(value.tv_usec as u64)
}
