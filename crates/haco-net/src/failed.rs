//! A call that brought no usable reply: the failure, and what was paid and received all the same.

use std::fmt;
use std::time::Duration;

use haco_core::code::{Code, Failure};

use crate::endpoint::Endpoint;
use crate::reply::Usage;

/// No server may make a message longer than this many characters.
const MESSAGE_CHARS: usize = 400;

/// A call that failed. `?` turns it into its [`Failure`] where only that matters.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What a person reads, and the exit status.
    pub failure: Failure,
    /// The body as it came, key redacted; empty where none came.
    pub raw: Vec<u8>,
    /// Tokens that a reply without an artifact (a refusal, a cut) used all the same.
    pub usage: Option<Usage>,
    /// What the server says that it cost.
    pub cost_usd: Option<f64>,
    pub(crate) again: Again,
}

/// Whether another try may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// No: the same request gets the same answer, or a reply was already used.
    Never,
    /// Yes, after the usual pause or the one that the server named.
    After(Option<Duration>),
}

impl Failed {
    pub(crate) fn new(failure: Failure, again: Again) -> Box<Failed> {
        Box::new(Failed { failure, raw: Vec::new(), usage: None, cost_usd: None, again })
    }

    /// A failure of an endpoint that another try does not mend.
    pub(crate) fn for_good(endpoint: &Endpoint, code: Code, cause: impl AsRef<str>) -> Box<Failed> {
        Failed::new(endpoint.failure(code, cause), Again::Never)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl From<Box<Failed>> for Failure {
    fn from(failed: Box<Failed>) -> Failure {
        failed.failure
    }
}

/// Text from outside on one bounded line: blanks run together, control characters gone.
pub(crate) fn shown(text: &str) -> String {
    let invisible = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let visible: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !invisible(*c)).collect();
    let line = visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_becomes_one_bounded_line() {
        assert_eq!(shown("  a\r\n\tb\u{1b}[31m \u{202e}c"), "a b[31m c");
        assert_eq!(shown(&"é".repeat(500)).chars().count(), MESSAGE_CHARS + 1);
    }
}
