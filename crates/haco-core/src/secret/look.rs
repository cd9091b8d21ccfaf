//! What a stretch of characters looks like: picked at random, or written by a person.

use std::collections::BTreeSet;

/// Words that stand in examples and in no key that is live.
const EXAMPLES: [&str; 14] = [
    "example",
    "xxxx",
    "your",
    "placeholder",
    "redacted",
    "dummy",
    "changeme",
    "insert",
    "sample",
    "0000000",
    "1234567890",
    "abcdef123",
    "deadbeef",
    "foobar",
];

/// Whether nobody would think these characters up: many different ones, and no word of an example.
pub fn is_random(body: &[u8], least_bits: f64) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    bits(body) >= least_bits && in_a_row(body) * 2 < body.len() && !EXAMPLES.iter().any(|word| text.contains(word))
}

/// Shannon's entropy of one character, in bits.
pub fn bits(body: &[u8]) -> f64 {
    let all = body.len() as f64;
    let different: BTreeSet<u8> = body.iter().copied().collect();
    let share = |of: &u8| body.iter().filter(|b| *b == of).count() as f64 / all;
    different.iter().map(share).map(|share| -share * share.log2()).sum()
}

/// How many characters are the one after, or the same as, the one before.
fn in_a_row(body: &[u8]) -> usize {
    body.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count()
}

/// Where `part` begins in the text.
pub fn places<'a>(text: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = part.first().copied();
    let candidate = move |at: &usize| Some(text[*at]) == first && text[*at..].starts_with(part);
    (0..text.len()).filter(candidate)
}
