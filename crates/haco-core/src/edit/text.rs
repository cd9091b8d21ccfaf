//! A file as lines that remember their ends, so that what an edit does not touch stays byte for byte.

use super::raw::Tail;

const BOM: &str = "\u{feff}";

/// One file, cut into lines.
pub(super) struct Text<'a> {
    /// The lines without their ends.
    pub lines: Vec<&'a str>,
    ends: Vec<&'static str>,
    bom: bool,
    /// The end that most lines have.
    pub end: &'static str,
}

/// One line of a new file: kept from the old one by its index, or new.
pub(super) enum Piece<'a> {
    Kept(usize),
    New(std::borrow::Cow<'a, str>),
}

impl<'a> Text<'a> {
    /// Cuts `bytes`; what is not UTF-8 text is refused with the reason.
    pub fn read(bytes: &'a [u8]) -> Result<Text<'a>, &'static str> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err("it is UTF-16 text, and only UTF-8 is edited");
        }
        if bytes.contains(&0) {
            return Err("it is binary: it holds a NUL byte");
        }
        let all = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text, perhaps Latin-1")?;
        let body = all.strip_prefix(BOM).unwrap_or(all);
        let mut text = Text { lines: Vec::new(), ends: Vec::new(), bom: body.len() < all.len(), end: "\n" };
        for piece in body.split_inclusive('\n') {
            let (line, end) = match piece.strip_suffix('\n') {
                Some(line) => line.strip_suffix('\r').map_or((line, "\n"), |l| (l, "\r\n")),
                None => (piece, ""),
            };
            text.lines.push(line);
            text.ends.push(end);
        }
        let crlf = text.ends.iter().filter(|e| **e == "\r\n").count();
        if crlf * 2 > text.ends.iter().filter(|e| !e.is_empty()).count() {
            text.end = "\r\n";
        }
        Ok(text)
    }

    /// A file that is not there yet.
    pub fn none() -> Text<'static> {
        Text { lines: Vec::new(), ends: Vec::new(), bom: false, end: "\n" }
    }

    /// Whether the file ends with a newline, or has no line that could lack one.
    fn ends_with_newline(&self) -> bool {
        self.ends.last().is_none_or(|e| !e.is_empty())
    }

    /// The bytes of a new file in this one's manner.
    pub fn join(&self, pieces: &[Piece], tail: Tail) -> Vec<u8> {
        let newline = match tail {
            Tail::Keep => self.ends_with_newline(),
            Tail::With => true,
            Tail::Without => false,
        };
        let mut out = if self.bom { BOM.to_owned() } else { String::new() };
        for (i, piece) in pieces.iter().enumerate() {
            let (line, end) = match piece {
                Piece::Kept(at) => (self.lines[*at], self.ends[*at]),
                Piece::New(line) => (line.as_ref(), self.end),
            };
            out.push_str(line);
            if i + 1 < pieces.len() || newline {
                out.push_str(if end.is_empty() { self.end } else { end });
            }
        }
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(bytes: &[u8]) -> Vec<u8> {
        let text = Text::read(bytes).expect("text");
        let pieces: Vec<Piece> = (0..text.lines.len()).map(Piece::Kept).collect();
        text.join(&pieces, Tail::Keep)
    }

    #[test]
    fn what_is_kept_is_kept_byte_for_byte() {
        for sample in ["", "a", "a\n", "a\r\nb\n", "\u{feff}a\r\n", "a\rb\n\n", "\n", "a\r\nb"] {
            assert_eq!(again(sample.as_bytes()), sample.as_bytes(), "{sample:?}");
        }
    }

    #[test]
    fn new_lines_get_the_end_that_most_lines_have() {
        let text = Text::read(b"a\r\nb\r\nc\n").expect("text");
        let pieces = [Piece::Kept(0), Piece::New("x".into()), Piece::Kept(2)];
        assert_eq!(text.join(&pieces, Tail::Keep), b"a\r\nx\r\nc\n");
        assert_eq!(text.join(&pieces, Tail::Without), b"a\r\nx\r\nc");
    }

    #[test]
    fn binary_and_other_encodings_are_refused() {
        assert!(Text::read(b"a\0b").is_err() && Text::read(b"\xff\xfea").is_err());
    }
}
