//! The unconfined side: starts the child, connects for it, and takes what it says.

use super::{
    ENTRY, Failed, Heard, Line, Then,
    wire::{self, End, Question, Said, Task, Turn},
};
use crate::programs;
use haco_core::code::{Code, Failure};
use haco_net::{Ask, Endpoint, Known, Listed, Listener, News, Reply};
use haco_sandbox::Layer;
use std::{
    io::{self, BufReader, ErrorKind, Read},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// Our own program, whatever lies at its path by now.
const OURSELVES: &str = "/proc/self/exe";
/// The one to start where our own is never a child: what speaks TLS is not in every program.
const ASKS: &str = "haco-worker";
/// More connections no task needs, with all its tries.
const MOST_DIALS: usize = 64;
/// As much is read of what a child says in its last moments.
const LAST_WORDS: u64 = 4096;
/// The longest pause that a server may ask for, with some room; and as long may the child leave unread what it is told.
const PAUSE: Duration = Duration::from_secs(70);

pub(super) fn ask(line: &Line<'_>, ask: &Ask<'_>, then: Then, listener: &mut Listener<'_>) -> Heard {
    let mut took = Took::default();
    let end = carried_out(line, Question::Reply(Turn::of(ask), then), listener, &mut took);
    let Took { text, body, walls } = took;
    match end {
        Ok(End::Reply(reply, known)) => Heard { answer: Ok(Reply { text, raw: body, ..reply }), known, walls },
        Ok(End::Failed(told, usage, cost_usd)) => {
            let failed = Failed { failure: told.into(), raw: body, usage, cost_usd };
            Heard { walls, ..Heard::of(Err(Box::new(failed))) }
        }
        Ok(_) => Heard { walls, ..Heard::of(Err(Failed::bare(odd()))) },
        Err(failure) => Heard { walls, ..Heard::of(Err(Failed::bare(failure))) },
    }
}

pub(super) fn known(line: &Line<'_>) -> Known {
    match carried_out(line, Question::Known, &mut |_| {}, &mut Took::default()) {
        Ok(End::Known(known)) => known,
        _ => Known::default(),
    }
}

pub(super) fn models(line: &Line<'_>) -> Result<Vec<String>, Failure> {
    match carried_out(line, Question::Models, &mut |_| {}, &mut Took::default())? {
        End::Models(names) => Ok(names),
        End::Failed(told, ..) => Err(told.into()),
        _ => Err(odd()),
    }
}

pub(super) fn warm(line: &Line<'_>) -> Result<(), Failure> {
    match carried_out(line, Question::Warm, &mut |_| {}, &mut Took::default())? {
        End::Warm => Ok(()),
        End::Failed(told, ..) => Err(told.into()),
        _ => Err(odd()),
    }
}

pub(super) fn catalog(line: &Line<'_>) -> Result<Vec<Listed>, Failure> {
    match carried_out(line, Question::Catalog, &mut |_| {}, &mut Took::default())? {
        End::Catalog(all) => Ok(all),
        End::Failed(told, ..) => Err(told.into()),
        _ => Err(odd()),
    }
}

/// What is long, or said before the end.
#[derive(Default)]
struct Took {
    text: String,
    body: Vec<u8>,
    walls: Option<Vec<Layer>>,
}

/// A child and our end of the socket; it does not outlive this.
struct Running {
    child: Child,
    socket: UnixStream,
    until: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it says, piece by piece, until its time is over: one that dribbles gains nothing.
impl Read for &Running {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        (&self.socket).read(into)
    }
}

fn carried_out(
    line: &Line<'_>,
    question: Question,
    listener: &mut Listener<'_>,
    took: &mut Took,
) -> Result<End, Failure> {
    let task = Task { endpoint: line.endpoint.clone(), question, weaker: line.allow_weaker.to_vec() };
    let mut running = start(line.endpoint).map_err(|error| io_failure("cannot start the confined process", &error))?;
    // Who died before it read its task says why in its last words.
    let heard = task.write(&running.socket).and_then(|()| hear(line.endpoint, &running, listener, took));
    heard.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let failure =
                Failure::new(Code::TotalTimeout, format!("model '{}': there was no end", line.endpoint.model));
            failure.fix("run it again, or take a faster model")
        }
        _ => gone(&mut running, &error, line.endpoint, took.walls.is_some()),
    })
}

fn start(endpoint: &Endpoint) -> io::Result<Running> {
    let (socket, theirs) = UnixStream::pair()?;
    socket.set_write_timeout(Some(PAUSE))?;
    let program = if super::MAY_LIVE.load(Ordering::Relaxed) { OURSELVES.into() } else { programs::beside(ASKS) };
    let mut command = Command::new(program);
    command.arg(ENTRY).env_clear();
    let child =
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let time = &endpoint.time;
    let one = time.connect.saturating_mul(2).saturating_add(time.total).saturating_add(PAUSE);
    let all = one.saturating_mul(time.retries.saturating_add(2));
    let until = Instant::now().checked_add(all).unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
    Ok(Running { child, socket, until })
}

fn hear(endpoint: &Endpoint, running: &Running, listener: &mut Listener<'_>, took: &mut Took) -> io::Result<End> {
    let mut said = BufReader::new(running);
    let mut dials = 0;
    loop {
        match Said::read(&mut said)? {
            Said::Walls(walls) => took.walls = Some(walls.iter().filter_map(|wall| wall.parse().ok()).collect()),
            Said::Tokens(tokens) => listener(News::Tokens(tokens)),
            Said::Line(line) => listener(News::Line(line)),
            Said::Text(text) => took.text = text,
            Said::Body(body) => took.body = body,
            Said::End(end) => return Ok(*end),
            Said::Dial if dials == MOST_DIALS => return Err(io::Error::other("it asks for too many connections")),
            Said::Dial => {
                dials += 1;
                connect(endpoint, &running.socket)?;
            }
        }
    }
}

/// Connects for the child, to where the task leads and nowhere else.
fn connect(endpoint: &Endpoint, socket: &UnixStream) -> io::Result<()> {
    match haco_net::dial(endpoint) {
        Ok(connection) => {
            wire::write_dialled(socket, None)?;
            haco_sandbox::hand_over(socket, connection)
        }
        Err(missed) => wire::write_dialled(socket, Some(missed)),
    }
}

/// Why a child went away without an end. One that a signal ended while it read an answer was ended by that answer, or by
/// somebody: another model may do better. All else is our own fault.
fn gone(running: &mut Running, error: &io::Error, endpoint: &Endpoint, asking: bool) -> Failure {
    let _ = running.child.kill();
    let status = running.child.wait();
    let is_eof = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
    match status {
        Ok(status) if is_eof && asking && status.signal().is_some() => {
            let (model, origin) = (&endpoint.model, endpoint.base_url.origin());
            let why = format!("model '{model}' at '{origin}': the process that reads its answer was ended: {status}");
            Failure::new(Code::BadReply, why).fix("run it again, or route the role to another model")
        }
        Ok(status) if is_eof => Failure::new(
            Code::Bug,
            format!("the confined process went away: {status}{}", last_words(running).unwrap_or_default()),
        ),
        _ => Failure::new(Code::Bug, format!("the confined process cannot be used: {error}")),
    }
}

/// The last line that it wrote to its standard error.
fn last_words(running: &mut Running) -> Option<String> {
    let mut words = Vec::new();
    running.child.stderr.take()?.take(LAST_WORDS).read_to_end(&mut words).ok()?;
    let words = String::from_utf8_lossy(&words);
    words.lines().rev().find(|line| !line.trim().is_empty()).map(|line| format!(": {line}"))
}

fn odd() -> Failure {
    Failure::new(Code::Bug, "the confined process answered another question")
}

fn io_failure(what: &str, error: &io::Error) -> Failure {
    Failure::new(Code::Io, format!("{what}: {error}"))
}
