//! An answer while it comes: the pieces of a streamed body become one text, and it is known when nothing is missing.
//! A server that answers whole although a stream was asked for is read as well; the first bytes tell which it is.
//!
//! Half a text is never a reply: what ends without its end marker is `truncated`, and kept as it came. What stands
//! behind the marker (or a body that stays open) is nobody's business.

use haco_core::code::Code;
use serde_json::Value;

use crate::endpoint::{Endpoint, Provider};
use crate::failed::{Again, Failed};
use crate::frame::{Frames, Framing};
use crate::heard::{End, Heard};
use crate::http::{Answer, Received};
use crate::progress::{Listener, Progress};
use crate::reply::{Reply, answer_object, judge, not_json, without_bom};
use crate::{anthropic, ollama, openai, refused};

/// What one answer has said so far.
pub(crate) struct Stream<'a> {
    endpoint: &'a Endpoint,
    progress: Progress<'a>,
    shape: Shape,
    heard: Heard,
    failed: Option<Box<Failed>>,
}

enum Shape {
    /// Not known yet; what came so far.
    Unknown(Vec<u8>),
    Pieces(Frames),
    /// One object, read at the end.
    Whole,
}

/// Whether more of the body is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    Wanted,
    Nothing,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(endpoint: &'a Endpoint, listener: &'a mut Listener<'_>) -> Stream<'a> {
        let progress = Progress::new(endpoint, listener);
        Stream { endpoint, progress, shape: Shape::Unknown(Vec::new()), heard: Heard::default(), failed: None }
    }

    /// Takes the next bytes of a body, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> More {
        let pieces = match &mut self.shape {
            Shape::Whole => Vec::new(),
            Shape::Pieces(frames) => frames.push(bytes),
            Shape::Unknown(before) => {
                before.extend_from_slice(bytes);
                before.drain(..before.len() - before.trim_ascii_start().len());
                // Without a line end nothing new can be known of lines, however many bytes there are.
                let lines = self.endpoint.provider == Provider::Ollama;
                let known = if lines && !bytes.contains(&b'\n') { None } else { shape(self.endpoint.provider, before) };
                match known {
                    Some(Shape::Pieces(mut frames)) => {
                        let pieces = frames.push(without_bom(before));
                        self.shape = Shape::Pieces(frames);
                        pieces
                    }
                    Some(shape) => {
                        self.shape = shape;
                        Vec::new()
                    }
                    None => Vec::new(),
                }
            }
        };
        for piece in pieces {
            self.hear(&piece);
            if self.is_over() {
                return More::Nothing;
            }
        }
        More::Wanted
    }

    /// The reply, where its end marker came before the body or the connection ended.
    pub(crate) fn finish(mut self, received: &Received) -> Result<Reply, Box<Failed>> {
        let answer = &received.answer;
        let refused = !(200..300).contains(&answer.status);
        let pieces = matches!(self.shape, Shape::Pieces(_)) && !refused;
        if pieces {
            self.hear_rest();
        } else if let Err(failed) = self.hear_whole(answer) {
            self.failed = Some(failed);
        }
        if pieces {
            self.progress.end();
        }
        let judged = self.judged(received, refused);
        let raw = self.evidence(&answer.body);
        let usage = self.heard.usage(self.endpoint.provider);
        let cost_usd = self.heard.cost();
        match judged {
            Ok(reply) => Ok(Reply { raw, ..reply }),
            Err(failed) => {
                let code = failed.failure.code;
                let again = match failed.again {
                    again if refused => again,
                    _ if !self.is_unused(&answer.body, code) => Again::Never,
                    Again::Never if code == Code::Truncated => Again::After(None),
                    again => again,
                };
                Err(Box::new(Failed { raw, usage, cost_usd, again, ..*failed }))
            }
        }
    }

    /// What the network did says more than that the text has no end; an answer that has its end is whole whatever it did.
    fn judged(&mut self, received: &Received, refused: bool) -> Result<Reply, Box<Failed>> {
        let failed = self.failed.take();
        match &received.broken {
            Some(broken) if !refused && self.lacks_its_end(failed.as_deref()) => Err(broken.clone()),
            _ => failed.map_or_else(|| judge(self.endpoint, &self.heard), Err),
        }
    }

    /// Whether nothing of the answer can have been used, so that asking again puts no two halves together.
    fn is_unused(&self, body: &[u8], code: Code) -> bool {
        match &self.shape {
            Shape::Pieces(_) => self.heard.text.is_empty() && self.heard.thinking.is_empty(),
            Shape::Unknown(_) | Shape::Whole => {
                let half = [Code::Truncated, Code::BadReply, Code::IdleTimeout, Code::TotalTimeout].contains(&code);
                body.is_empty() || !half
            }
        }
    }

    fn lacks_its_end(&self, failed: Option<&Failed>) -> bool {
        match failed {
            Some(failed) => failed.failure.code == Code::Truncated || failed.failure.code == Code::BadReply,
            None => matches!(self.heard.end, End::Missing),
        }
    }

    fn is_over(&self) -> bool {
        self.failed.is_some() || self.heard.over
    }

    fn hear(&mut self, piece: &[u8]) {
        let (text, thinking) = (self.heard.text.len(), self.heard.thinking.len());
        if let Err(failed) = self.understand(piece) {
            self.failed = Some(failed);
        }
        self.progress.said(&self.heard.text[text..], &self.heard.thinking[thinking..]);
    }

    fn understand(&mut self, piece: &[u8]) -> Result<(), Box<Failed>> {
        if piece.trim_ascii() == b"[DONE]" && self.endpoint.provider == Provider::OpenAi {
            self.heard.over = true;
            return Ok(());
        }
        let bad = |error: &serde_json::Error| {
            // A piece that is whole and no JSON was not cut by the network.
            Failed::for_good(self.endpoint, Code::BadReply, format!("a part of the answer is no JSON: {error}"))
        };
        let value: Value = serde_json::from_slice(piece).map_err(|error| bad(&error))?;
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(refused::refused(self.endpoint, &Answer::recorded(piece)));
        }
        let heard = match self.endpoint.provider {
            Provider::Ollama => ollama::add(&mut self.heard, piece),
            Provider::OpenAi => openai::add(&mut self.heard, piece),
            Provider::Anthropic => anthropic::add(&mut self.heard, piece),
        };
        heard.map_err(|error| {
            Failed::for_good(self.endpoint, Code::BadReply, format!("the answer is not of its protocol: {error}"))
        })
    }

    /// The last piece may lack the line end behind it; one that lacks more is no piece.
    fn hear_rest(&mut self) {
        let Shape::Pieces(frames) = &mut self.shape else { return };
        let rest = frames.rest().filter(|rest| serde_json::from_slice::<Value>(rest).is_ok() || rest == b"[DONE]");
        if let Some(rest) = rest.filter(|_| !self.is_over()) {
            self.hear(&rest);
        }
    }

    fn hear_whole(&mut self, answer: &Answer) -> Result<(), Box<Failed>> {
        let body = answer_object(self.endpoint, answer)?;
        let heard = match self.endpoint.provider {
            Provider::Ollama => ollama::hear(body),
            Provider::OpenAi => openai::hear(body),
            Provider::Anthropic => anthropic::hear(body),
        };
        self.heard = heard.map_err(|error| not_json(self.endpoint, body, &error))?;
        Ok(())
    }

    /// The body without our key. Where the text repeats the key in pieces, only the text is kept: no piece of the body
    /// shows where the key begins.
    fn evidence(&self, body: &[u8]) -> Vec<u8> {
        let Some(key) = &self.endpoint.key else { return body.to_vec() };
        let said = [self.heard.thinking.as_str(), self.heard.text.as_str()].concat();
        let hidden = key.redact(&said);
        let pieces = matches!(self.shape, Shape::Pieces(_));
        if pieces && hidden != said { hidden.into_bytes() } else { key.redact_bytes(body) }
    }
}

/// What the first bytes of a body say about the rest; `None` where there are too few of them.
fn shape(provider: Provider, bytes: &[u8]) -> Option<Shape> {
    if bytes.len() < 3 && b"\xef\xbb\xbf".starts_with(bytes) {
        return None;
    }
    let body = without_bom(bytes).trim_ascii_start();
    let first = body.first()?;
    if provider == Provider::Ollama {
        let end = body.iter().position(|byte| *byte == b'\n')?;
        let line = serde_json::from_slice::<Value>(&body[..end]).is_ok_and(|value| value.is_object());
        return Some(if line { Shape::Pieces(Frames::new(Framing::Lines)) } else { Shape::Whole });
    }
    // The fields of an event: data, event, id, retry, and a comment.
    let event = b"deir:".contains(first);
    Some(if event { Shape::Pieces(Frames::new(Framing::Events)) } else { Shape::Whole })
}
