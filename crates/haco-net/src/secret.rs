//! A key for a model server: checked once, never printed, taken out of whatever a server sends back.

use std::fmt;

use haco_core::code::{Code, Failure};
use haco_core::secret::Own;

/// Placeholders that local servers' manuals tell people to type: no secret, and words that a reply may well hold.
const PLACEHOLDERS: [&str; 8] =
    ["ollama", "lm-studio", "none", "empty", "dummy", "not-needed", "no-key", "sk-no-key-required"];

/// A key that is safe to put in a header; `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key as a file or a variable gives it, without the blanks around it; `bad_key` where it is empty or holds
    /// anything but visible ASCII.
    pub fn new(text: &str) -> Result<Secret, Failure> {
        let key = text.trim_matches([' ', '\t', '\r', '\n']);
        match key.bytes().all(|b| b.is_ascii_graphic()) {
            _ if key.is_empty() => Err(Failure::new(Code::BadKey, "the key is empty")),
            true => Ok(Secret(key.to_owned())),
            false => Err(Failure::new(Code::BadKey, "the key holds a character that no key has")),
        }
    }

    /// The key itself, for those who send it or hand it to its keeper, and for nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text with every occurrence of the key replaced by `***`, however it is spelled.
    pub fn redact(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes())).into_owned()
    }

    /// The same for bytes of any encoding.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match PLACEHOLDERS.contains(&self.0.to_ascii_lowercase().as_str()) {
            true => bytes.to_vec(),
            false => Own::new(&self.0).hidden(bytes),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A key as it is, for a process of our own and nobody else: a field says so by naming this.
pub(crate) mod bare {
    use super::Secret;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(key: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
        key.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
        let key = Option::<String>::deserialize(deserializer)?;
        key.map(|key| Secret::new(&key)).transpose().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_and_never_shown() {
        let key = Secret::new(" sk-123456\n").expect("a key");
        assert_eq!(key.expose(), "sk-123456");
        assert_eq!(format!("{key:?}"), "***");
    }

    #[test]
    fn refuses_keys_that_no_header_can_carry() {
        for text in ["", " \n", "a\nb", "a\r\nx-evil: 1", "a b", "clé", "a\0b", "a\u{7f}"] {
            let failure = Secret::new(text).expect_err(text);
            assert_eq!(failure.code, Code::BadKey);
            assert!(failure.message.starts_with("the key "), "{}", failure.message);
        }
    }

    #[test]
    fn an_echo_is_replaced_in_every_spelling() {
        let key = Secret::new("sk/12\"34").expect("a key");
        assert_eq!(key.redact("a sk/12\"34 b"), "a *** b");
        assert_eq!(key.redact_bytes(b"\xff\"sk\\/12\\\"34\" sk/12\\\"34"), b"\xff\"***\" ***");
    }

    #[test]
    fn a_placeholder_is_a_word_like_any_other() {
        let key = Secret::new("ollama").expect("a key");
        assert_eq!(key.redact("run ollama serve"), "run ollama serve");
    }
}
