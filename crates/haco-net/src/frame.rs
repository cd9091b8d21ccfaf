//! Where one piece of a streamed body ends and the next begins: lines of JSON (Ollama), or the data of server-sent
//! events (the other two). However the bytes come apart on their way, the same pieces come out.
//!
//! ```text
//! {"message":…}⏎{"message":…,"done":true}⏎        each line is a piece
//! event: ping⏎data: {…}⏎⏎: a comment⏎data: {…}⏎⏎  each event's data is one; an empty line ends it
//! ```

/// What ends a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Lines,
    Events,
}

/// The bytes of a body, cut into pieces.
pub(crate) struct Frames {
    framing: Framing,
    line: Vec<u8>,
    /// The data of the event that has not ended yet.
    data: Option<Vec<u8>>,
    /// A CR ended the last line, so that an LF right behind it ends none.
    after_cr: bool,
}

impl Frames {
    pub(crate) fn new(framing: Framing) -> Frames {
        Frames { framing, line: Vec::new(), data: None, after_cr: false }
    }

    /// The pieces that are whole with these bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        for byte in bytes {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' => whole.extend(self.end_line()),
                b'\r' if self.framing == Framing::Events => {
                    self.after_cr = true;
                    whole.extend(self.end_line());
                }
                byte => self.line.push(*byte),
            }
        }
        whole
    }

    /// What stands behind the last whole piece.
    pub(crate) fn rest(&mut self) -> Option<Vec<u8>> {
        self.end_line().or_else(|| self.data.take()).filter(|piece| !piece.trim_ascii().is_empty())
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        match self.framing {
            Framing::Lines => Some(line).filter(|line| !line.trim_ascii().is_empty()),
            Framing::Events if line.is_empty() => self.data.take().filter(|data| !data.is_empty()),
            Framing::Events => {
                self.field(&line);
                None
            }
        }
    }

    /// Only `data` says anything here: the kind of an event stands inside its data too, and comments keep a line awake.
    fn field(&mut self, line: &[u8]) {
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            _ => return,
        };
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(framing: Framing, body: &str) -> Vec<String> {
        let mut frames = Frames::new(framing);
        let mut all = frames.push(body.as_bytes());
        all.extend(frames.rest());
        all.into_iter().map(|piece| String::from_utf8(piece).expect("text")).collect()
    }

    #[test]
    fn a_line_is_a_piece_and_an_empty_one_is_none() {
        assert_eq!(pieces(Framing::Lines, "a\n\r\n\nb\r\nc"), ["a", "b\r", "c"]);
    }

    #[test]
    fn events_end_with_an_empty_line_whatever_ends_their_lines() {
        for end in ["\n", "\r", "\r\n"] {
            let body = ": hello\nevent: x\nid: 7\ndata: a\ndata:b\ndata\n\n\nretry: 1\n\ndatabase: no\ndata:  c\n\n";
            assert_eq!(pieces(Framing::Events, &body.replace('\n', end)), ["a\nb\n", " c"], "{end:?}");
        }
    }

    #[test]
    fn an_event_that_does_not_end_is_the_rest() {
        assert_eq!(pieces(Framing::Events, "data: a\n\ndata: b"), ["a", "b"]);
        assert_eq!(pieces(Framing::Events, "data: a\n\n: comment"), ["a"]);
    }
}
