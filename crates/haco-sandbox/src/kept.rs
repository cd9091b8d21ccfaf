//! Keep the head and the tail of a stream that may be endless, and count what is between.

use std::collections::VecDeque;

/// What is kept of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The first bytes; all of them where nothing was dropped.
    pub head: Vec<u8>,
    /// The last bytes; empty where the head holds all.
    pub tail: Vec<u8>,
    /// How many bytes were written in all.
    pub bytes: u64,
    /// How many of them lie between head and tail and are gone.
    pub dropped: u64,
}

impl Kept {
    /// Head and tail as text, with one line that counts what is missing between them.
    pub fn text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let tail = String::from_utf8_lossy(&self.tail);
        match self.dropped {
            0 => format!("{head}{tail}"),
            dropped => format!("{head}\n[{dropped} bytes left out]\n{tail}"),
        }
    }
}

/// Takes a stream piece by piece and never holds more than its limit.
pub(crate) struct Keeper {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    bytes: u64,
    passed: usize,
}

impl Keeper {
    pub(crate) fn new(limit: usize) -> Keeper {
        Keeper { head: Vec::new(), tail: VecDeque::new(), half: limit / 2, bytes: 0, passed: 0 }
    }

    /// Keeps a piece.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        let head = self.split(piece);
        self.head.extend_from_slice(head);
    }

    /// Keeps the part of a piece that belongs to the tail, and gives back what does not.
    pub(crate) fn split<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        self.bytes += piece.len() as u64;
        let (first, rest) = piece.split_at((self.half - self.passed).min(piece.len()));
        self.passed += first.len();
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..over);
        self.tail.extend(rest);
        first
    }

    /// What comes behind the head: a line that counts what is missing, and the tail.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let gap = match self.bytes - (self.passed + self.tail.len()) as u64 {
            0 => String::new(),
            dropped => format!("\n[{dropped} bytes left out]\n"),
        };
        [gap.into_bytes(), self.tail.iter().copied().collect()].concat()
    }

    pub(crate) fn done(self) -> Kept {
        let dropped = self.bytes - (self.passed + self.tail.len()) as u64;
        Kept { head: self.head, tail: self.tail.into(), bytes: self.bytes, dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, pieces: &[&str]) -> Kept {
        let mut keeper = Keeper::new(limit);
        pieces.iter().for_each(|piece| keeper.take(piece.as_bytes()));
        keeper.done()
    }

    #[test]
    fn a_short_stream_is_kept_whole() {
        let kept = kept(10, &["ab", "cdef", "g"]);
        assert_eq!((kept.text().as_str(), kept.bytes, kept.dropped), ("abcdefg", 7, 0));
    }

    #[test]
    fn a_long_stream_keeps_its_ends_and_counts_the_middle() {
        let one = kept(6, &["0123456789"]);
        assert_eq!(
            (one.head.as_slice(), one.tail.as_slice(), one.bytes, one.dropped),
            (&b"012"[..], &b"789"[..], 10, 4)
        );
        assert_eq!(one, kept(6, &["0", "1234", "567", "8", "9"]));
        assert_eq!(one.text(), "012\n[4 bytes left out]\n789");
    }

    #[test]
    fn a_stream_that_is_passed_on_comes_to_the_same() {
        for (limit, pieces) in [(10, &["ab", "cdef", "g"][..]), (6, &["0", "1234", "567", "8", "9"])] {
            let mut keeper = Keeper::new(limit);
            let mut out: Vec<u8> = pieces.iter().flat_map(|piece| keeper.split(piece.as_bytes()).to_vec()).collect();
            out.extend(keeper.rest());
            assert_eq!(String::from_utf8_lossy(&out), kept(limit, pieces).text());
        }
    }
}
