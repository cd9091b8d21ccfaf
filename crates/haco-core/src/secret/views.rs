//! Other ways to read a text: without the escapes of a JSON string, without percent signs, and what its runs of base64
//! and of hexadecimal digits stand for. Each byte of a view knows which bytes of the text it was made from.

use std::ops::Range;

/// Shorter runs hold no secret.
const LEAST_BASE64: usize = 24;
const LEAST_HEX: usize = 40;
const LEAST_TEXT: usize = 16;

/// A reading of a text, or of a part of it.
pub struct View {
    /// What it reads.
    pub bytes: Vec<u8>,
    /// From where each byte comes, and to where.
    from: Vec<(u32, u32)>,
}

impl View {
    fn new() -> View {
        View { bytes: Vec::new(), from: Vec::new() }
    }

    fn push(&mut self, byte: u8, range: Range<usize>) {
        self.bytes.push(byte);
        // A text of more than 4 GiB is nobody's prompt; its end is redacted rather too widely.
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.from.push((short(range.start), short(range.end)));
    }

    /// The part of the text that a part of this view was made from.
    pub fn back(&self, range: &Range<usize>) -> Range<usize> {
        let last = range.end.max(range.start + 1) - 1;
        self.from[range.start].0 as usize..self.from[last].1 as usize
    }
}

/// Every view in which something may stand that the text itself does not show.
pub fn of(text: &[u8]) -> Vec<View> {
    let mut all = Vec::new();
    all.extend(is_escaped(text).then(|| unescaped(text)));
    all.extend(is_quoted(text).then(|| unquoted(text)));
    for run in runs(text, is_base64, LEAST_BASE64) {
        // Nobody knows how many characters before the first belong to something else.
        all.extend((0..4).filter_map(|skipped| read(text, &run, skipped, base64)));
    }
    for run in runs(text, |b| b.is_ascii_hexdigit(), LEAST_HEX) {
        all.extend((0..2).filter_map(|skipped| read(text, &run, skipped, digits)));
    }
    all
}

/// Line ends and quotes alone hide nothing: `scan` knows them.
fn is_escaped(text: &[u8]) -> bool {
    let escape = |pair: &[u8]| pair[0] == b'\\' && matches!(pair[1], b'u' | b'x' | b'/' | b'\\');
    text.windows(2).any(escape)
}

fn is_quoted(text: &[u8]) -> bool {
    text.windows(3).any(|part| part[0] == b'%' && hex(&[part[1], part[2]]).is_some())
}

/// Without the escapes of a JSON string, or of a string in most languages.
fn unescaped(text: &[u8]) -> View {
    let mut view = View::new();
    let mut at = 0;
    while at < text.len() {
        let (byte, length) = match &text[at..] {
            [b'\\', b'u', a, b, c, d, ..] if hex(&[*a, *b]) == Some(0) && hex(&[*c, *d]).is_some() => {
                (hex(&[*c, *d]).unwrap_or_default(), 6)
            }
            [b'\\', b'x', a, b, ..] if hex(&[*a, *b]).is_some() => (hex(&[*a, *b]).unwrap_or_default(), 4),
            [b'\\', b'n' | b'r', ..] => (b'\n', 2),
            [b'\\', b't', ..] => (b'\t', 2),
            [b'\\', other @ (b'"' | b'\\' | b'/' | b'\''), ..] => (*other, 2),
            [other, ..] => (*other, 1),
            [] => break,
        };
        view.push(byte, at..at + length);
        at += length;
    }
    view
}

/// Without percent signs, as in an address.
fn unquoted(text: &[u8]) -> View {
    let mut view = View::new();
    let mut at = 0;
    while at < text.len() {
        let quoted = match &text[at..] {
            [b'%', a, b, ..] => hex(&[*a, *b]),
            _ => None,
        };
        let length = if quoted.is_some() { 3 } else { 1 };
        view.push(quoted.unwrap_or(text[at]), at..at + length);
        at += length;
    }
    view
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What may be one run each: characters of it, and line ends inside where lines are as long as those of tools that wrap.
fn runs<'a>(
    text: &'a [u8],
    is: impl Fn(u8) -> bool + Copy + 'a,
    least: usize,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += text[at..].iter().position(|b| is(*b))?;
            let run = at..run_end(text, at, is);
            at = run.end;
            if run.len() >= least {
                return Some(run);
            }
        }
    })
}

/// Lines of wrapped base64 have at least this many characters.
const WRAPPED: usize = 48;

fn run_end(text: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let (mut at, mut line) = (from, 0);
    while at < text.len() {
        let after = |n: usize| text.get(at + n).copied();
        match text[at] {
            b if is(b) => line += 1,
            b'\n' if line >= WRAPPED && after(1).is_some_and(&is) => line = 0,
            b'\r' if line >= WRAPPED && after(1) == Some(b'\n') && after(2).is_some_and(&is) => {}
            _ => break,
        }
        at += 1;
    }
    at
}

/// What a decoder calls with each byte, and the part of the text that it comes from.
type Each<'a> = &'a mut dyn FnMut(u8, Range<usize>);
/// Where the characters to decode stand.
type Places<'a> = &'a mut dyn Iterator<Item = usize>;

/// One reading of a run, where it reads like text: most are names and numbers, and are left with little work.
fn read(text: &[u8], run: &Range<usize>, skipped: usize, decode: fn(&[u8], Each, Places)) -> Option<View> {
    let places = || run.clone().filter(|at| !matches!(text[*at], b'\n' | b'\r')).skip(skipped);
    let (mut longest, mut plain) = (0, 0);
    let mut look = |byte: u8, _| {
        plain = if matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t') { plain + 1 } else { 0 };
        longest = longest.max(plain);
    };
    decode(text, &mut look, &mut places());
    (longest >= LEAST_TEXT).then(|| {
        let mut view = View::new();
        decode(text, &mut |byte, range| view.push(byte, range), &mut places());
        view
    })
}

fn base64(text: &[u8], each: Each, places: Places) {
    let (mut bits, mut many, mut last) = (0u32, 0, 0);
    for at in places {
        bits = bits << 6 | sextet(text[at]);
        many += 6;
        if many >= 8 {
            many -= 8;
            each((bits >> many & 0xff) as u8, last..at + 1);
        }
        last = at;
    }
}

fn sextet(byte: u8) -> u32 {
    u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    })
}

fn digits(text: &[u8], each: Each, places: Places) {
    while let (Some(one), Some(two)) = (places.next(), places.next()) {
        each(hex(&[text[one], text[two]]).unwrap_or_default(), one..two + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(view: &View) -> String {
        String::from_utf8_lossy(&view.bytes).into_owned()
    }

    #[test]
    fn a_part_of_a_view_leads_back_to_its_text() {
        let text = br#"a\u0073\"\/b"#;
        let view = unescaped(text);
        assert_eq!((reads(&view).as_str(), &text[view.back(&(1..3))]), ("as\"/b", &br#"\u0073\""#[..]));
        let view = unquoted(b"a%2Fb%zz%");
        assert_eq!((reads(&view).as_str(), view.back(&(1..2))), ("a/b%zz%", 1..4));
    }

    #[test]
    fn base64_is_read_at_every_offset_and_over_wrapped_lines() {
        let text = b"/aGVsbG8gd29ybGQgaGVsbG8gd29ybGQh"; // hello world hello world!
        let views = of(text);
        let view = views.iter().find(|view| reads(view).contains("hello world hello world!")).expect("one of four");
        assert_eq!(view.back(&(0..23)), 1..32);
        let wrapped = [b"YWFh".repeat(16), b"YWFh".repeat(16)].join(&b'\n');
        assert_eq!(of(&wrapped)[0].bytes.len(), 96);
        assert!(of(b"short\nwords\nare\nno\nrun").is_empty());
    }

    #[test]
    fn hexadecimal_is_read_at_both_offsets() {
        let views = of(b"x 068656c6c6f20776f726c6468656c6c6f20776f726c64 y");
        assert!(views.iter().any(|view| reads(view) == "hello worldhello world"));
    }
}
