//! What a person may see of an answer while it comes: how much there is, and its text line by line.
//!
//! A line is told when it is whole, so that a key that a server repeats in pieces is found in it and taken out.

use crate::endpoint::Endpoint;

/// News of an answer that is coming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Another part arrived; about so many tokens are there now, reasoning included. A server counts exactly only at
    /// the end, so this is a quarter of the bytes.
    Tokens(u64),
    /// One whole line of the text, without its end and without our key. It may hold control characters.
    Line(String),
}

/// Who is told.
pub type Listener<'a> = dyn FnMut(News) + 'a;

/// Counts and cuts what is heard.
pub(crate) struct Progress<'a> {
    endpoint: &'a Endpoint,
    listener: &'a mut Listener<'a>,
    bytes: usize,
    line: String,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(endpoint: &'a Endpoint, listener: &'a mut Listener<'_>) -> Progress<'a> {
        Progress { endpoint, listener, bytes: 0, line: String::new() }
    }

    /// These came.
    pub(crate) fn said(&mut self, text: &str, thinking: &str) {
        if text.len() + thinking.len() == 0 {
            return;
        }
        self.bytes += text.len() + thinking.len();
        (self.listener)(News::Tokens(self.bytes.div_ceil(4) as u64));
        for part in text.split_inclusive('\n') {
            self.line.push_str(part);
            if part.ends_with('\n') {
                self.tell_line();
            }
        }
    }

    /// Nothing comes any more; a last line may lack its end.
    pub(crate) fn end(&mut self) {
        if !self.line.is_empty() {
            self.tell_line();
        }
    }

    fn tell_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        (self.listener)(News::Line(self.endpoint.redact(line.trim_end_matches(['\r', '\n']))));
    }
}
