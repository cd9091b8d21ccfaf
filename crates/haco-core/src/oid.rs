//! Git object ids and changes between trees, as tickets store them: which object stood at a path before and which stands
//! there after. Reading and writing the objects themselves is left to `haco-git`.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The id of a git object in lower-case hexadecimal digits: 40 in a SHA-1 repository, 64 in a SHA-256 one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(String);

/// What kind of file a blob is; drafts write no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// A file that is read.
    #[serde(rename = "100644")]
    Regular,
    /// A file that is run.
    #[serde(rename = "100755")]
    Executable,
}

/// One file's bytes and mode.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// The blob's id.
    pub oid: Oid,
    /// Whether it is run.
    pub mode: Mode,
}

/// What happens to one path: created where `old` is none, deleted where `new` is none, changed where both are there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The path below the top of the repository, with `/` between its parts.
    pub path: String,
    /// What must stand there before.
    pub old: Option<Blob>,
    /// What stands there after.
    pub new: Option<Blob>,
}

impl Oid {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl FromStr for Oid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Oid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex && matches!(text.len(), 40 | 64) {
            Ok(Oid(text))
        } else {
            Err(format!("'{}' is not a git object id in 40 or 64 lower-case digits", text.escape_debug()))
        }
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> String {
        oid.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({})", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_is_40_or_64_lower_case_digits() {
        for good in ["a".repeat(40), "0".repeat(64)] {
            assert_eq!(good.parse::<Oid>().expect("id").as_str(), good);
        }
        for bad in [String::new(), "a".repeat(39), "A".repeat(40), "g".repeat(40), "é".repeat(20)] {
            assert!(bad.parse::<Oid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_change_is_stored_with_the_modes_of_git() {
        let oid = "c".repeat(40);
        let stored = json!({"path": "bin/run", "old": null, "new": {"oid": oid, "mode": "100755"}});
        let change: Change = serde_json::from_value(stored.clone()).expect("change");
        assert_eq!(change.new.as_ref().expect("new").mode, Mode::Executable);
        assert_eq!(serde_json::to_value(&change).expect("json"), stored);
    }

    #[test]
    fn a_mode_that_no_draft_may_write_is_refused() {
        for mode in ["120000", "160000", "040000", "100664"] {
            let stored = json!({"oid": "c".repeat(40), "mode": mode});
            assert!(serde_json::from_value::<Blob>(stored).is_err(), "{mode}");
        }
    }
}
