//! SHA-256 as the witness of what was judged, over bytes or over RFC 8785 canonical JSON.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256 in 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(String);

impl Hash {
    /// The hash of `bytes` as they are.
    pub fn of(bytes: &[u8]) -> Hash {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            hex.push(digit(byte >> 4));
            hex.push(digit(byte & 15));
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
        &self.0
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.short())
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex { Ok(Hash(text)) } else { Err(format!("'{text}' is not a SHA-256 in 64 lower-case hexadecimal digits")) }
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.0
    }
}

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
        assert!(Hash::try_from("ABC".to_owned()).is_err());
        assert!(Hash::try_from("g".repeat(64)).is_err());
    }
}
