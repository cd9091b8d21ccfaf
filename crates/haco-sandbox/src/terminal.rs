//! Run a program at a terminal of its own and type what it waits for: a person's part, played by a script.
//!
//! Nothing is confined here; the program is as trusted as the caller.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Throws away what was typed at this terminal and nobody read yet, so that it answers no question that was not on the
/// screen. What is no terminal has nothing to throw away.
pub fn forget_typed(terminal: impl AsFd) {
    let _ = nix::sys::termios::tcflush(terminal, nix::sys::termios::FlushArg::TCIFLUSH);
}

/// One line that a person types at this terminal and nobody sees; empty at the end of input. `ask` is called once nothing
/// is shown any more, and what was typed before is thrown away. An interrupt leaves the terminal as it was.
pub fn hidden_line(terminal: impl AsFd, ask: impl FnOnce()) -> io::Result<String> {
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    let before = tcgetattr(&terminal)?;
    let mut quiet = before.clone();
    // The keys of signals come as characters, so that nothing ends this before the terminal is as it was.
    quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &quiet)?;
    ask();
    let line = typed(&terminal);
    tcsetattr(&terminal, SetArg::TCSADRAIN, &before)?;
    match line {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            nix::sys::signal::raise(Signal::SIGINT)?;
            Err(error)
        }
        line => line,
    }
}

/// Characters up to the end of a line; a person's mistakes are taken back as usual.
fn typed(terminal: &impl AsFd) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while nix::unistd::read(terminal, &mut byte)? == 1 && line.len() < LONGEST_LINE {
        match byte[0] {
            b'\r' | b'\n' | END_OF_INPUT => break,
            INTERRUPT => return Err(io::ErrorKind::Interrupted.into()),
            BACKSPACE | DELETE => drop(line.pop()),
            KILL_LINE => line.clear(),
            other => line.push(other),
        }
    }
    String::from_utf8(line).map_err(io::Error::other)
}

const LONGEST_LINE: usize = 64 << 10;
const INTERRUPT: u8 = 3;
const END_OF_INPUT: u8 = 4;
const BACKSPACE: u8 = 8;
const KILL_LINE: u8 = 21;
const DELETE: u8 = 127;

/// Where a program's standard output goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdout {
    /// To the terminal, as for a person.
    #[default]
    Terminal,
    /// To a pipe, as in `program | cat`, while input and messages stay at the terminal.
    Pipe,
}

/// What a session at a terminal gave.
#[derive(Clone, Debug)]
pub struct Session {
    /// All that was shown, with the terminal's `\r\n` and its echo of what was typed.
    pub output: Vec<u8>,
    /// What went to the pipe, where there was one.
    pub stdout: Vec<u8>,
    /// How the program ended.
    pub status: ExitStatus,
}

impl Session {
    /// What was shown, as text with plain line ends.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).replace("\r\n", "\n")
    }
}

/// A program at a terminal, and the part that is played there.
#[derive(Clone, Copy, Debug)]
pub struct Play<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// Where it starts.
    pub dir: &'a Path,
    /// Its whole environment; the caller's where there is none.
    pub env: Option<&'a [(String, String)]>,
    /// What to wait for on the screen, and what then to type, as it stands.
    pub answers: &'a [(&'a str, &'a str)],
    /// After this it is killed.
    pub timeout: Duration,
    /// Where standard output goes.
    pub stdout: Stdout,
}

/// Runs a program with all three streams at a new terminal; the fields of [`Play`] say what the parameters mean.
pub fn run(
    argv: &[String],
    dir: &Path,
    env: Option<&[(String, String)]>,
    answers: &[(&str, &str)],
    timeout: Duration,
) -> io::Result<Session> {
    play(&Play { argv, dir, env, answers, timeout, stdout: Stdout::Terminal })
}

/// Plays a part at a new terminal until the program ends. An error of the kind `TimedOut` holds what the screen shows.
pub fn play(play: &Play) -> io::Result<Session> {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None)?;
    let mut command = command(play)?;
    attach(&mut command, &pty.slave, play.stdout)?;
    close_on_exec(&pty.master)?;
    close_on_exec(&pty.slave)?;
    let mut child = command.spawn()?;
    // The command holds copies of the terminal; only the program may keep it open.
    drop((command, pty.slave));
    let mut screen = Screen { master: pty.master.into(), seen: Vec::new(), read: 0, answers: play.answers };
    let mut pipe = child.stdout.take().map(|pipe| File::from(OwnedFd::from(pipe)));
    let mut piped = Vec::new();
    let talked = screen.talk(&mut child, (&mut pipe, &mut piped), Instant::now() + play.timeout);
    if talked.is_err() {
        killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL).ok();
        child.wait()?;
    }
    Ok(Session { status: talked?, output: screen.seen, stdout: piped })
}

fn command(play: &Play) -> io::Result<Command> {
    let (program, args) = play.argv.split_first().ok_or_else(|| io::Error::other("no program was named"))?;
    let mut command = Command::new(program);
    command.args(args).current_dir(play.dir);
    if let Some(env) = play.env {
        command.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
    }
    Ok(command)
}

fn attach(command: &mut Command, slave: &OwnedFd, stdout: Stdout) -> io::Result<()> {
    command.stdin(slave.try_clone()?).stderr(slave.try_clone()?);
    match stdout {
        Stdout::Terminal => command.stdout(slave.try_clone()?),
        Stdout::Pipe => command.stdout(Stdio::piped()),
    };
    let own_terminal = || {
        nix::unistd::setsid()?;
        // SAFETY: the request takes a number; standard input is the terminal by now.
        match unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: between fork and exec this makes two system calls and asks for no memory.
    unsafe { command.pre_exec(own_terminal) };
    Ok(())
}

fn close_on_exec(fd: &OwnedFd) -> io::Result<()> {
    // SAFETY: only a flag of a descriptor that is owned here.
    match unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

struct Screen<'a> {
    master: File,
    seen: Vec<u8>,
    /// How much of `seen` earlier answers have used up.
    read: usize,
    answers: &'a [(&'a str, &'a str)],
}

impl Screen<'_> {
    fn talk(
        &mut self,
        child: &mut Child,
        piped: (&mut Option<File>, &mut Vec<u8>),
        until: Instant,
    ) -> io::Result<ExitStatus> {
        let (pipe, bytes) = piped;
        let mut open = true;
        loop {
            let over = child.try_wait()?;
            let (shows, pours) = ready(open.then(|| self.master.as_fd()), pipe.as_ref().map(|pipe| pipe.as_fd()))?;
            if shows {
                // The kernel says so with an error when nobody holds the other side any more.
                open = take(&mut self.master, &mut self.seen).unwrap_or(false);
                self.answer()?;
            }
            if let (true, Some(file)) = (pours, pipe.as_mut())
                && !take(file, bytes)?
            {
                *pipe = None;
            }
            match over {
                Some(status) if !shows && !pours => return Ok(status),
                None if Instant::now() >= until => return Err(self.too_late()),
                _ => {}
            }
        }
    }

    /// Types the next answer once its text is on the screen.
    fn answer(&mut self) -> io::Result<()> {
        while let Some((awaited, typed)) = self.answers.first() {
            let new = &self.seen[self.read..];
            let found = new.windows(awaited.len().max(1)).position(|text| text == awaited.as_bytes());
            let Some(at) = found.or(awaited.is_empty().then_some(0)) else { break };
            self.read += at + awaited.len();
            self.answers = &self.answers[1..];
            self.master.write_all(typed.as_bytes())?;
        }
        Ok(())
    }

    fn too_late(&self) -> io::Error {
        let awaited = self.answers.first().map_or(String::new(), |(text, _)| format!(" and '{text}' did not appear"));
        let shown = String::from_utf8_lossy(&self.seen);
        io::Error::new(io::ErrorKind::TimedOut, format!("time is over{awaited}; the terminal shows: {shown}"))
    }
}

/// Waits a moment for either to have something to read, its end included.
fn ready(screen: Option<BorrowedFd>, pipe: Option<BorrowedFd>) -> io::Result<(bool, bool)> {
    let mut fds: Vec<PollFd> = screen.iter().chain(&pipe).map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    match poll(&mut fds, PollTimeout::from(20u16)) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut any = fds.iter().map(|fd| fd.any().unwrap_or(false));
    let shows = screen.is_some() && any.next().unwrap_or(false);
    Ok((shows, pipe.is_some() && any.next().unwrap_or(false)))
}

/// Reads a piece; false at the end.
fn take(from: &mut File, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    let n = from.read(&mut piece)?;
    into.extend_from_slice(&piece[..n]);
    Ok(n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn answers_are_typed_when_their_question_has_appeared() {
        let script = "test -t 0 && test -t 1 && test -t 2 && printf 'name? '; read n; printf 'sure, %s? ' $n; read y; \
                      echo \"got $n $y\" >/dev/tty; exit 3";
        let answers = [("name? ", "ada\n"), ("sure, ada? ", "yes\n")];
        let session = run(&sh(script), Path::new("/"), None, &answers, LONG).expect("it runs");
        assert!(session.text().contains("got ada yes\n"), "{}", session.text());
        assert_eq!(session.status.code(), Some(3));
    }

    #[test]
    fn standard_output_can_be_a_pipe_while_the_rest_is_a_terminal() {
        let script = "test -t 0 && ! test -t 1 && test -t 2 || exit 9; echo asked >&2; read x; echo \"<$x>\"; pwd";
        let argv = sh(script);
        let (dir, answers) = (Path::new("/usr"), &[("asked", "42\n")]);
        let part = Play { argv: &argv, dir, env: None, answers, timeout: LONG, stdout: Stdout::Pipe };
        let session = play(&part).expect("it runs");
        assert_eq!((session.stdout.as_slice(), session.status.code()), (&b"<42>\n/usr\n"[..], Some(0)));
        assert!(session.text().starts_with("asked\n"), "{}", session.text());
    }

    #[test]
    fn the_environment_is_the_one_that_was_given() {
        let env = [("ONLY".to_owned(), "this".to_owned()), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let session = run(&sh("env"), Path::new("/"), Some(&env), &[], LONG).expect("it runs");
        assert!(session.text().contains("ONLY=this\n") && !session.text().contains("HOME="), "{}", session.text());
    }

    #[test]
    fn a_program_that_never_asks_is_killed_and_its_screen_told() {
        let answers = [("never", "x\n")];
        let late = run(&sh("echo hello; exec cat"), Path::new("/"), None, &answers, Duration::from_millis(300));
        let late = late.expect_err("it waits for ever");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert!(late.to_string().contains("'never' did not appear"), "{late}");
        assert!(late.to_string().contains("hello"), "{late}");
    }

    #[test]
    fn a_survivor_at_the_terminal_does_not_hold_us() {
        let session = run(&sh("trap '' HUP; (trap '' HUP; sleep 30) & echo gone"), Path::new("/"), None, &[], LONG);
        assert!(session.expect("it runs").text().contains("gone"));
    }
}
