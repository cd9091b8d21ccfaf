//! What a person sees of a reply that is coming: on a terminal how many tokens and how fast, with `-v` its lines.

use crate::output::Out;
use haco_net::News;
use std::time::{Duration, Instant};

/// The line on a terminal is written no more often.
const EVERY: Duration = Duration::from_millis(250);

/// One call that is watched; what it wrote over one line is gone with it.
pub struct Watch<'a> {
    out: &'a Out,
    name: &'a str,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl<'a> Watch<'a> {
    /// Of the model of this name.
    pub fn new(out: &'a Out, name: &'a str) -> Watch<'a> {
        Watch { out, name, first: None, last: None }
    }

    /// Takes the next piece of news.
    pub fn hear(&mut self, news: &News) {
        match news {
            News::Line(line) => self.out.detail(line),
            News::Tokens(tokens) => {
                let now = Instant::now();
                let first = *self.first.get_or_insert(now);
                if self.last.is_none_or(|last| now - last >= EVERY) {
                    self.last = Some(now);
                    self.out.state(&state(self.name, *tokens, now - first));
                }
            }
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if self.last.is_some() {
            self.out.state("");
        }
    }
}

/// The server counts only at the end, so both figures are guesses until then.
fn state(name: &str, tokens: u64, since: Duration) -> String {
    let speed = tokens as f64 / since.as_secs_f64();
    if since < EVERY {
        format!("'{name}': ~{tokens} tokens")
    } else {
        format!("'{name}': ~{tokens} tokens, {speed:.0}/s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_said_once_there_is_one() {
        assert_eq!(state("q", 3, Duration::ZERO), "'q': ~3 tokens");
        assert_eq!(state("q", 300, Duration::from_secs(10)), "'q': ~300 tokens, 30/s");
    }
}
