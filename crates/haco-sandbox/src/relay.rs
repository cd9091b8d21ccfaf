//! Carry bytes between the command's pipes and the outside, without ever waiting for one side only.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

use crate::job::Input;
use crate::kept::{Keeper, Kept};

/// A pipe with room takes this much at once, so that a write of it waits for nobody.
const PIECE: usize = 4096;

/// The command's standard input.
pub(crate) struct Feed<'a> {
    /// The command's pipe; none once all is written or nobody reads.
    to: Option<OwnedFd>,
    from: Option<BorrowedFd<'a>>,
    waiting: Vec<u8>,
    begin: usize,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(input: Input<'a>, to: OwnedFd) -> Feed<'a> {
        match input {
            Input::Bytes(bytes) => {
                Feed { to: (!bytes.is_empty()).then_some(to), from: None, waiting: bytes.to_vec(), begin: 0 }
            }
            Input::From(fd) => Feed { to: Some(to), from: Some(fd), waiting: Vec::new(), begin: 0 },
        }
    }

    /// What has to happen before there is something to do.
    pub(crate) fn awaits(&self) -> Option<PollFd<'_>> {
        let to = self.to.as_ref()?;
        match self.waiting.is_empty() {
            true => self.from.map(|from| PollFd::new(from, PollFlags::POLLIN)),
            false => Some(PollFd::new(to.as_fd(), PollFlags::POLLOUT)),
        }
    }

    /// Moves what there is; called when what was awaited has happened. A command that does not read is no error.
    pub(crate) fn serve(&mut self) {
        let Some(to) = &self.to else { return };
        if let (true, Some(from)) = (self.waiting.is_empty(), self.from) {
            let mut piece = [0; 64 << 10];
            match read(from, &mut piece) {
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Ok(n) if n > 0 => (self.waiting, self.begin) = (piece[..n].to_vec(), 0),
                _ => self.from = None,
            }
        }
        match write(to, &self.waiting[self.begin..]) {
            Ok(n) => self.begin += n,
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            Err(_) => (self.from, self.begin) = (None, self.waiting.len()),
        }
        if self.begin == self.waiting.len() {
            (self.waiting, self.begin) = (Vec::new(), 0);
            if self.from.is_none() {
                self.to = None;
            }
        }
    }
}

/// One of the command's output streams.
pub(crate) struct Stream<'a> {
    from: Option<OwnedFd>,
    to: Option<BorrowedFd<'a>>,
    waiting: Vec<u8>,
    keeper: Keeper,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(from: OwnedFd, to: Option<BorrowedFd<'a>>, limit: usize) -> Stream<'a> {
        Stream { from: Some(from), to, waiting: Vec::new(), keeper: Keeper::new(limit) }
    }

    pub(crate) fn awaits(&self) -> Option<PollFd<'_>> {
        match (self.to, self.waiting.is_empty()) {
            (Some(to), false) => Some(PollFd::new(to, PollFlags::POLLOUT)),
            _ => self.from.as_ref().map(|from| PollFd::new(from.as_fd(), PollFlags::POLLIN)),
        }
    }

    /// Passes on what waits. Where the reader went away, the command finds out as it would without us.
    pub(crate) fn pass(&mut self) -> io::Result<()> {
        let Some(to) = self.to.filter(|_| !self.waiting.is_empty()) else { return Ok(()) };
        match write(to, &self.waiting[..PIECE.min(self.waiting.len())]) {
            Ok(n) => drop(self.waiting.drain(..n)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(Errno::EPIPE) => self.cut(),
            Err(errno) => {
                self.cut();
                return Err(errno.into());
            }
        }
        Ok(())
    }

    fn cut(&mut self) {
        (self.from, self.to) = (None, None);
        self.waiting.clear();
    }

    /// Reads what is there now, at most a pipe's worth, so that an endless writer cannot hold the clock.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        let mut piece = [0; 64 << 10];
        for _ in 0..16 {
            let Some(fd) = self.from.as_ref().filter(|_| self.waiting.is_empty()) else { break };
            match read(fd, &mut piece) {
                Ok(0) => self.from = None,
                Ok(n) if self.to.is_some() => self.waiting.extend_from_slice(self.keeper.split(&piece[..n])),
                Ok(n) => self.keeper.take(&piece[..n]),
                Err(Errno::EAGAIN | Errno::EINTR) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// The end: everything that is left goes out, however long its reader takes.
    pub(crate) fn finish(mut self) -> io::Result<Kept> {
        loop {
            self.drain()?;
            if self.to.is_none() || self.waiting.is_empty() {
                break;
            }
            self.out()?;
        }
        if self.to.is_some() {
            self.waiting = self.keeper.rest();
            self.out()?;
        }
        Ok(self.keeper.done())
    }

    fn out(&mut self) -> io::Result<()> {
        while let Some(to) = self.to.filter(|_| !self.waiting.is_empty()) {
            match poll(&mut [PollFd::new(to, PollFlags::POLLOUT)], PollTimeout::NONE) {
                Ok(_) => self.pass()?,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}
