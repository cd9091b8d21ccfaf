//! Secrets that are known by their name: `API_KEY=…`, `"client_secret": "…"`, `Authorization: Bearer …`.

use super::{Found, look};

/// What a name ends with that stands for a secret, without its hyphens and underscores.
const NAMES: [&str; 15] = [
    "apikey",
    "secret",
    "token",
    "password",
    "passwd",
    "secretkey",
    "accesskey",
    "privatekey",
    "clientsecret",
    "authkey",
    "accountkey",
    "sharedaccesskey",
    "encryptionkey",
    "signingkey",
    "webhooksecret",
];

/// Below this nothing is a secret by its name alone.
const LEAST: usize = 20;
const MOST: usize = 512;
/// Bits of entropy a character: sixteen different characters in twenty have about four.
const BITS: f64 = 3.6;

/// Every value that such a name is given.
pub fn scan(text: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    let mut next = 0;
    for at in 0..text.len() {
        let found = match text[at] {
            _ if at < next => None,
            b'=' | b':' => value(text, at).filter(|_| is_named(&text[..at])),
            b' ' => bearer(text, at),
            _ => None,
        };
        next = found.as_ref().map_or(next, |found| found.range.end);
        all.extend(found);
    }
    all
}

/// Whether what stands before a `=` or `:` ends with the name of a secret.
fn is_named(before: &[u8]) -> bool {
    let trimmed = before.trim_ascii_end();
    let bare = trimmed.strip_suffix(b"\"").or_else(|| trimmed.strip_suffix(b"'")).unwrap_or(trimmed);
    let bare = bare.strip_suffix(b"\\").unwrap_or(bare);
    let from =
        bare.iter().rposition(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))).map_or(0, |at| at + 1);
    let name: String =
        bare[from..].iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(b.to_ascii_lowercase())).collect();
    NAMES.iter().any(|known| name.ends_with(known))
}

/// The value behind the sign at `at`, where it looks picked at random.
fn value(text: &[u8], at: usize) -> Option<Found> {
    let mut from = at + 1;
    // `=>`, `:=` and blanks on the same line.
    while matches!(text.get(from), Some(b' ' | b'\t' | b'=' | b'>')) && from < at + 12 {
        from += 1;
    }
    // A string in a string.
    from += usize::from(text.get(from) == Some(&b'\\'));
    let quote = text.get(from).copied().filter(|b| b"\"'`".contains(b));
    from += usize::from(quote.is_some());
    let length = text[from..].iter().take(MOST + 1).take_while(|b| is_of_a_value(**b)).count();
    let end = text.get(from + length).copied();
    let ended = match quote {
        Some(quote) => end == Some(quote) || end == Some(b'\\'),
        // Without quotes only a file of variables has values.
        None => end.is_none_or(|b| matches!(b, b'\n' | b'\r' | b'\\' | b' ' | b'&' | b';' | b',')),
    };
    let value = &text[from..from + length];
    let live = ended && (LEAST..=MOST).contains(&length) && is_live(value);
    live.then(|| Found { kind: "secret", range: from..from + length })
}

fn is_of_a_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=_-.~!@#^*".contains(&byte)
}

/// Letters of both cases and digits all over it: neither a name, nor a path, nor a number of a version.
fn is_live(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|b| is(b)).count();
    let digits = count(u8::is_ascii_digit);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let hex = value.iter().all(u8::is_ascii_hexdigit);
    let mixed = digits >= 3 && lower >= 3 && (upper >= 3 || hex && value.len() >= 32);
    // A word of five letters in one case stands in names, and hardly ever in what was picked at random.
    let words = value.split(|b| !b.is_ascii_lowercase()).filter(|word| word.len() >= 6).count();
    mixed && words == 0 && look::is_random(value, if hex { 3.0 } else { BITS })
}

/// What a header holds behind `Bearer` or `Basic`.
fn bearer(text: &[u8], blank: usize) -> Option<Found> {
    let named = [&b"Bearer"[..], b"bearer", b"Basic"].iter().any(|word| text[..blank].ends_with(word));
    let from = blank + 1;
    let length = text[from..].iter().take(if named { MOST + 1 } else { 0 }).take_while(|b| is_of_a_value(**b)).count();
    let live = (LEAST..=MOST).contains(&length) && is_live(&text[from..from + length]);
    live.then(|| Found { kind: "bearer", range: from..from + length })
}
