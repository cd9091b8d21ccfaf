//! Keys that are known, taken out of whatever repeats them: as they are, in base64 at each of its three offsets, in
//! hexadecimal, and each of these with any of its characters escaped as in a JSON string or an address. Nothing is
//! decoded, so that a body of any size costs no memory.

/// Shorter keys are words.
const LEAST: usize = 4;

/// Backslashes before one character: three texts, each in the next.
const MOST_SLASHES: usize = 8;

/// How one known key may be written, made once for many texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Own {
    spellings: Vec<Vec<u8>>,
}

impl Own {
    /// The spellings of this key; none where it is too short to be one.
    pub fn new(key: &str) -> Own {
        let bytes = key.as_bytes();
        if bytes.len() < LEAST {
            return Own { spellings: Vec::new() };
        }
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let mut spellings = vec![bytes.to_vec()];
        for offset in 0..3 {
            let plain = base64(bytes, offset);
            let url = plain.iter().map(|b| match b {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            });
            spellings.extend([url.collect(), plain]);
        }
        spellings.extend([hex.to_ascii_uppercase(), hex].map(String::into_bytes));
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        Own { spellings }
    }

    /// The bytes with `***` in the place of every occurrence.
    pub fn hidden(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            match self.spellings.iter().find_map(|spelling| matches(&bytes[at..], spelling)) {
                Some(length) => {
                    out.extend_from_slice(b"***");
                    at += length;
                }
                None => {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
        }
        out
    }
}

/// The letters of base64 that this key alone decides where `offset` bytes of a group stand before it.
fn base64(key: &[u8], offset: usize) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let before = offset * 8;
    let bit = |n: usize| n.checked_sub(before).and_then(|n| key.get(n / 8).map(|b| b >> (7 - n % 8) & 1));
    let sextet = |n: usize| (0..6).try_fold(0, |bits, k| Some(bits << 1 | bit(6 * n + k)?));
    (0..(before + key.len() * 8) / 6).filter_map(sextet).map(|bits| LETTERS[usize::from(bits)]).collect()
}

/// How many bytes of the text spell this, with any of its characters escaped.
fn matches(text: &[u8], spelling: &[u8]) -> Option<usize> {
    if text.starts_with(spelling) {
        return Some(spelling.len());
    }
    let mut at = 0;
    for wanted in spelling {
        at += character(text.get(at..)?, *wanted)?;
    }
    Some(at)
}

/// How many bytes of the text spell this character.
fn character(text: &[u8], wanted: u8) -> Option<usize> {
    let first = *text.first()?;
    let spelled = |digits: Option<&[u8]>| {
        let text = std::str::from_utf8(digits?).ok()?;
        u32::from_str_radix(text, 16).ok().filter(|number| *number == u32::from(wanted))
    };
    match first {
        b'%' if spelled(text.get(1..3)).is_some() => Some(3),
        b'\\' => {
            // A text inside a text inside a text has its backslashes doubled.
            let slashes = text.iter().take(MOST_SLASHES).take_while(|b| **b == b'\\').count();
            match *text.get(slashes).unwrap_or(&0) {
                b'u' if spelled(text.get(slashes + 1..slashes + 5)).is_some() => Some(slashes + 5),
                b'x' if spelled(text.get(slashes + 1..slashes + 3)).is_some() => Some(slashes + 3),
                _ if wanted == b'\\' => Some(slashes.min(2)),
                next if next == wanted => Some(slashes + 1),
                _ => None,
            }
        }
        _ => (first == wanted).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Dice, SPELLINGS};
    use super::*;

    #[test]
    fn a_key_is_taken_out_in_every_spelling_whatever_stands_around_it() {
        let mut dice = Dice(11);
        for form in ["[{a12}]", "[sk-{u40}]", "[{b44}]", "[tok\"en\\/{a20}]", "[{d16}]", "[a%{a9}x]"] {
            let [_, key, _] = dice.line(form);
            let own = Own::new(&key);
            for around in ["", "a", "ab", "abc/", "x=y&k="] {
                for (name, spell) in SPELLINGS {
                    let text = format!("<{}>", spell(&format!("{around}{key}{around}")));
                    let left = String::from_utf8(own.hidden(text.as_bytes())).expect("text");
                    assert_eq!(left.matches("***").count(), 1, "{name}: {text} → {left}");
                    let kept = spell(&format!("{around}***{around}"));
                    assert!(left.len() <= kept.len() + 12, "{name}: {text} → {left}");
                }
            }
        }
    }

    #[test]
    fn a_key_is_taken_out_where_one_spelling_lies_in_another() {
        let [_, key, _] = Dice(13).line("[sk-{b40}]");
        let own = Own::new(&key);
        let spell = |name: &str, text: &str| {
            SPELLINGS.iter().find(|(known, _)| *known == name).map(|(_, spell)| spell(text)).expect("a spelling")
        };
        let quoted = |text: &str| serde_json::to_string(text).expect("a text");
        let mut texts = vec![quoted(&spell("JSON", &key)), quoted(&quoted(&spell("JSON", &key)))];
        for inner in ["base64", "hex"] {
            texts.extend(["JSON", "percent"].map(|outer| spell(outer, &spell(inner, &key))));
        }
        for text in texts {
            let left = own.hidden(text.as_bytes());
            assert!(left.windows(3).any(|w| w == b"***") && left.len() < 16, "{text}");
        }
    }

    #[test]
    fn every_occurrence_goes_and_what_is_short_is_a_word() {
        let own = Own::new("sk-123456");
        assert_eq!(own.hidden(b"\xffsk-123456sk-123456\xff sk-12345"), b"\xff******\xff sk-12345");
        assert_eq!(Own::new("abc").hidden(b"abc"), b"abc");
    }
}
