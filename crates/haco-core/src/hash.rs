//! SHA-256 as the witness of what was judged, over bytes or over RFC 8785 canonical JSON.

use crate::written::written;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// A SHA-256 in 64 lower-case hexadecimal digits; it owns no memory, because lists hold tens of thousands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 64]);

impl Hash {
    /// The hash of `bytes` as they are.
    pub fn of(bytes: &[u8]) -> Hash {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (two, byte) in hex.chunks_exact_mut(2).zip(Sha256::digest(bytes)) {
            two.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        Hash(hex)
    }

    /// The hash of `value` as RFC 8785 canonical JSON, so that white space and the order of keys do not matter.
    pub fn of_json(value: &impl Serialize) -> Hash {
        let canonical = serde_json_canonicalizer::to_vec(value)
            .expect("documents hold only JSON values: string keys and finite numbers");
        Hash::of(&canonical)
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> &str {
        &self.as_str()[..12]
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.short())
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Hash, String> {
        let wrong = || format!("'{}' is not a SHA-256 in 64 lower-case hexadecimal digits", text.escape_debug());
        let digits: [u8; 64] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let good = digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Hash(digits)) } else { Err(wrong()) }
    }
}

written!(Hash);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hash_of_nothing_is_the_published_one() {
        assert_eq!(Hash::of(b"").as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn white_space_and_key_order_do_not_change_a_json_hash() {
        let a: serde_json::Value = serde_json::from_str(r#"{"b": 1, "a": [true, 1.0]}"#).expect("json");
        assert_eq!(Hash::of_json(&a), Hash::of_json(&json!({"a": [true, 1], "b": 1})));
    }

    #[test]
    fn a_hash_of_the_wrong_form_is_refused() {
        assert!("ABC".parse::<Hash>().is_err());
        assert!("g".repeat(64).parse::<Hash>().is_err());
    }
}
