//! What haco and its confined child say to each other over one socket: short frames, each bounded, none believed further
//! than a reply is.
//!
//! ```text
//! parent ► child   task, once; then for each dial five bytes, and behind five zeros the connected socket
//! child ► parent   walls │ dial │ tokens │ line … text, body, end
//! ```

use super::Then;
use haco_core::{
    code::{Code, Failure},
    tokens::Estimate,
};
use haco_net::{Ask, Endpoint, Known, Listed, Missed, Reply, Usage};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::io::{self, Error, ErrorKind, Read, Write};

/// A task holds a prompt, and a reply's body may have 16 MiB.
const MOST_BYTES: usize = haco_net::MAX_BODY_BYTES + (1 << 20);
/// The byte before what kind of frame.
const TASK: u8 = b'q';
const WALLS: u8 = b'w';
const DIAL: u8 = b'd';
const TOKENS: u8 = b'n';
const LINE: u8 = b'l';
const TEXT: u8 = b't';
const BODY: u8 = b'b';
const END: u8 = b'e';

/// What the child is to do.
#[derive(Serialize, Deserialize)]
pub(super) struct Task {
    pub endpoint: Endpoint,
    pub question: Question,
    /// Walls that it may do without.
    pub weaker: Vec<String>,
}

/// What is asked of the server.
#[derive(Serialize, Deserialize)]
pub(super) enum Question {
    Reply(Turn, Then),
    Known,
    Models,
    Warm,
    Catalog,
}

/// One turn, owned.
#[derive(Serialize, Deserialize)]
pub(super) struct Turn {
    system: Option<String>,
    prompt: String,
    schema: Option<Value>,
    max_tokens: Option<u64>,
    tokens: Option<Estimate>,
    stable: usize,
}

impl Turn {
    pub(super) fn of(ask: &Ask<'_>) -> Turn {
        let Ask { system, prompt, schema, max_tokens, tokens, stable } = *ask;
        let (system, prompt) = (system.map(str::to_owned), prompt.to_owned());
        Turn { system, prompt, schema: schema.cloned(), max_tokens, tokens, stable }
    }

    pub(super) fn ask(&self) -> Ask<'_> {
        let Turn { system, prompt, schema, max_tokens, tokens, stable } = self;
        let (max_tokens, tokens, stable) = (*max_tokens, *tokens, *stable);
        Ask { system: system.as_deref(), prompt, schema: schema.as_ref(), max_tokens, tokens, stable }
    }
}

/// How the child's task ended, without what is long.
#[derive(Serialize, Deserialize)]
pub(super) enum End {
    Reply(Reply, Known),
    Failed(Told, Option<Usage>, Option<f64>),
    Known(Known),
    Models(Vec<String>),
    Warm,
    Catalog(Vec<Listed>),
}

/// A failure, its code by its place: some codes share a word.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    code: usize,
    message: String,
    fix: Option<String>,
}

impl From<Failure> for Told {
    fn from(failure: Failure) -> Told {
        let code = Code::ALL.iter().position(|code| *code == failure.code).unwrap_or_default();
        Told { code, message: failure.message, fix: failure.fix }
    }
}

impl From<Told> for Failure {
    fn from(told: Told) -> Failure {
        let code = Code::ALL.get(told.code).copied().unwrap_or(Code::Bug);
        Failure { code, message: told.message, fix: told.fix }
    }
}

/// What the child says.
pub(super) enum Said {
    Walls(Vec<String>),
    Dial,
    Tokens(u64),
    Line(String),
    Text(String),
    Body(Vec<u8>),
    End(Box<End>),
}

impl Said {
    pub(super) fn write(&self, to: impl Write) -> io::Result<()> {
        match self {
            Said::Walls(walls) => write(to, WALLS, &serde_json::to_vec(walls)?),
            Said::Dial => write(to, DIAL, &[]),
            Said::Tokens(tokens) => write(to, TOKENS, &tokens.to_le_bytes()),
            Said::Line(line) => write(to, LINE, line.as_bytes()),
            Said::Text(text) => write(to, TEXT, text.as_bytes()),
            Said::Body(body) => write(to, BODY, body),
            Said::End(end) => write(to, END, &serde_json::to_vec(end)?),
        }
    }

    pub(super) fn read(from: impl Read) -> io::Result<Said> {
        let (kind, bytes) = read(from)?;
        Ok(match kind {
            WALLS => Said::Walls(parsed(&bytes)?),
            DIAL => Said::Dial,
            TOKENS => Said::Tokens(u64::from_le_bytes(bytes.try_into().map_err(|_| bad("a count"))?)),
            LINE => Said::Line(text(bytes)?),
            TEXT => Said::Text(text(bytes)?),
            BODY => Said::Body(bytes),
            END => Said::End(parsed(&bytes)?),
            _ => return Err(bad("a frame")),
        })
    }
}

impl Task {
    pub(super) fn write(&self, to: impl Write) -> io::Result<()> {
        write(to, TASK, &serde_json::to_vec(self)?)
    }

    pub(super) fn read(from: impl Read) -> io::Result<Task> {
        match read(from)? {
            (TASK, bytes) => parsed(&bytes),
            _ => Err(bad("a task")),
        }
    }
}

/// What comes of a dial, the socket itself excepted.
pub(super) fn write_dialled(mut to: impl Write, missed: Option<Missed>) -> io::Result<()> {
    let (kind, errno) = match missed {
        None => (0, 0),
        Some(Missed::NoHost) => (1, 0),
        Some(Missed::NameTimeout) => (2, 0),
        Some(Missed::ConnectTimeout) => (3, 0),
        Some(Missed::Errno(errno)) => (4, errno),
    };
    let [a, b, c, d] = errno.to_le_bytes();
    to.write_all(&[kind, a, b, c, d])
}

/// Whether a socket follows, else why none does.
pub(super) fn read_dialled(mut from: impl Read) -> io::Result<Option<Missed>> {
    let mut bytes = [0; 5];
    from.read_exact(&mut bytes)?;
    let [kind, errno @ ..] = bytes;
    Ok(match kind {
        0 => None,
        1 => Some(Missed::NoHost),
        2 => Some(Missed::NameTimeout),
        3 => Some(Missed::ConnectTimeout),
        _ => Some(Missed::Errno(i32::from_le_bytes(errno))),
    })
}

fn write(mut to: impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MOST_BYTES).ok_or_else(|| bad("a size"))?;
    let [a, b, c, d] = length.to_le_bytes();
    to.write_all(&[kind, a, b, c, d])?;
    to.write_all(bytes)
}

fn read(mut from: impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_BYTES {
        return Err(bad("a size"));
    }
    // As it comes: a size that is only claimed takes no memory.
    let mut bytes = Vec::new();
    let read = from.take(length as u64).read_to_end(&mut bytes)?;
    if read < length { Err(ErrorKind::UnexpectedEof.into()) } else { Ok((kind, bytes)) }
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    Ok(serde_json::from_slice(bytes)?)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| bad("a text"))
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{what} that cannot be"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(said: &Said) -> Said {
        let mut bytes = Vec::new();
        said.write(&mut bytes).expect("written");
        Said::read(&bytes[..]).expect("read")
    }

    #[test]
    fn a_failure_keeps_the_code_that_shares_its_word() {
        for code in Code::ALL {
            let failure = Failure::new(*code, "why").fix("do");
            let end = End::Failed(failure.clone().into(), None, Some(0.5));
            let Said::End(end) = back(&Said::End(Box::new(end))) else { panic!("an end") };
            let End::Failed(told, None, Some(0.5)) = *end else { panic!("a failure") };
            assert_eq!(Failure::from(told), failure);
        }
    }

    #[test]
    fn frames_that_cannot_be_are_refused_and_take_no_memory() {
        for bytes in [
            &b"?\0\0\0\0"[..],
            b"t\xff\xff\xff\xff",
            b"t\x09\0\0\0short",
            b"t\x01\0\0\0\xff",
            b"e\x02\0\0\0{}",
            b"n\x01\0\0\0a",
        ] {
            assert!(Said::read(bytes).is_err(), "{bytes:?}");
        }
        assert!(matches!(back(&Said::Body(vec![0, 255])), Said::Body(body) if body == [0, 255]));
    }

    #[test]
    fn what_came_of_a_dial_comes_back() {
        for missed in [None, Some(Missed::NoHost), Some(Missed::ConnectTimeout), Some(Missed::Errno(111))] {
            let mut bytes = Vec::new();
            write_dialled(&mut bytes, missed).expect("written");
            assert_eq!(read_dialled(&bytes[..]).expect("read"), missed);
        }
    }
}
