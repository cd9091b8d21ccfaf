//! Where the key of a model is: names of kept keys, and which of a model's ways to a key counts.
//!
//! A key itself is never seen here.

use crate::{
    address,
    config::{Model, Provider},
    written::written,
};
use std::{fmt, str::FromStr};

/// The name of a key that `haco key` keeps: `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`, fit for a file and for any password store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = String;

    fn from_str(text: &str) -> Result<KeyName, String> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        match first && text.len() <= 63 && text.bytes().all(inner) {
            true => Ok(KeyName(text.to_owned())),
            // It may be the key itself, typed in the wrong place: it is not repeated.
            false => Err("a key's name has letters, digits, '.', '_' and '-' alone, and at most 63".to_owned()),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

written!(KeyName);

/// Where a model's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence<'a> {
    /// The model has none.
    None,
    /// A program prints it.
    Command(&'a [String]),
    /// A variable of the environment holds it.
    Variable(&'a str),
    /// `haco key` keeps it.
    Kept(&'a KeyName),
    /// The provider's usual variable, and where that is empty, the kept key that bears the provider's name.
    Usual(&'static str, KeyName),
}

/// The first that the entry names of `key_command`, `key` and `key_env`; one that names none has the usual key, at its
/// provider's published origin and nowhere else.
pub fn whence<'a>(entry: &'a Model, origin: &str) -> Whence<'a> {
    match (&entry.key_command, &entry.key, &entry.key_env) {
        (Some(argv), _, _) => Whence::Command(argv),
        (_, Some(name), _) => Whence::Kept(name),
        (_, _, Some(variable)) => Whence::Variable(variable),
        _ => usual(entry.provider, origin),
    }
}

fn usual(provider: Provider, origin: &str) -> Whence<'static> {
    let Some(published) = published(provider).and_then(|base| address::origin(base).ok()) else { return Whence::None };
    let variable = match provider {
        Provider::Openai => "OPENAI_API_KEY",
        _ => "ANTHROPIC_API_KEY",
    };
    match address::origin(origin).is_ok_and(|origin| origin == published) {
        true => Whence::Usual(variable, KeyName(provider.as_str().to_owned())),
        false => Whence::None,
    }
}

/// The base address that a provider publishes, where it has one.
pub fn published(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Openai => Some("https://api.openai.com/v1"),
        Provider::Anthropic => Some("https://api.anthropic.com"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_fit_for_a_file_and_a_bad_one_is_not_repeated() {
        for good in ["anthropic", "work.openai", "A-1_b", "0"] {
            assert_eq!(good.parse::<KeyName>().expect(good).as_str(), good);
        }
        for bad in ["", ".", "..", "-x", "a/b", "a b", "clé", "a\n", &"x".repeat(64)] {
            let why = bad.parse::<KeyName>().expect_err(bad);
            assert!(bad.len() < 3 || !why.contains(bad), "{why}");
        }
    }

    #[test]
    fn the_usual_key_goes_to_the_published_origin_and_nowhere_else() {
        let model = |provider| Model { provider, ..Model::default() };
        let openai = model(Provider::Openai);
        let at = |entry: &Model, origin: &str| match whence(entry, origin) {
            Whence::Usual(variable, name) => Some((variable, name.to_string())),
            _ => None,
        };
        assert_eq!(at(&openai, "https://api.openai.com"), Some(("OPENAI_API_KEY", "openai".to_owned())));
        let claude = model(Provider::Anthropic);
        assert_eq!(at(&claude, "https://api.anthropic.com"), Some(("ANTHROPIC_API_KEY", "anthropic".to_owned())));
        for elsewhere in ["http://api.openai.com", "https://api.openai.com.evil.example", "https://api.openai.com:444"]
        {
            assert_eq!(whence(&openai, elsewhere), Whence::None, "{elsewhere}");
        }
        assert_eq!(whence(&model(Provider::Ollama), "http://127.0.0.1:11434"), Whence::None);
    }

    #[test]
    fn of_several_ways_the_first_counts() {
        let name: KeyName = "work".parse().expect("a name");
        let mut entry = Model {
            key_command: Some(vec!["x".into()]),
            key: Some(name.clone()),
            key_env: Some("K".into()),
            ..Model::default()
        };
        assert_eq!(whence(&entry, ""), Whence::Command(&["x".to_owned()]));
        entry.key_command = None;
        assert_eq!(whence(&entry, ""), Whence::Kept(&name));
        entry.key = None;
        assert_eq!(whence(&entry, ""), Whence::Variable("K"));
    }
}
