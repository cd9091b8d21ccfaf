//! Ids of tickets and plans, checked once at the door: every file system and git ref holds them, and a ticket's id is
//! never mistaken for a plan, a prompt, an option or a path.

use crate::written::written;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// `T-001` (a ticket) or `F-001` (a finding): the letter, a hyphen, three to nine digits. It owns no memory, because ten
/// thousand of them are read, sorted and looked up for one list.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TicketId {
    text: [u8; LONGEST],
    length: u8,
    number: u32,
}

/// The letter, the hyphen and the digits of any `u32`.
const LONGEST: usize = 12;

/// A plan: `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanId(String);

impl TicketId {
    /// The `n`-th ticket's id, at least three digits wide.
    pub fn ticket(n: u32) -> TicketId {
        TicketId::new(format!("T-{n:03}").as_bytes(), n)
    }

    /// `written` is at most [`LONGEST`] bytes of ASCII.
    fn new(written: &[u8], number: u32) -> TicketId {
        let mut text = [0; LONGEST];
        text[..written.len()].copy_from_slice(written);
        TicketId { text, length: written.len() as u8, number }
    }

    /// The number behind the letter.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.length)]).expect("an id is ASCII")
    }
}

/// Tickets before findings, then by number and not by text: T-999 comes before T-1000.
impl Ord for TicketId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.text[0] == b'F', self.number).cmp(&(other.text[0] == b'F', other.number))
    }
}

impl PartialOrd for TicketId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for TicketId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("T-").or_else(|| text.strip_prefix("F-"));
        let good = digits.is_some_and(|d| (3..=9).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()));
        let padded = digits.is_some_and(|d| d.len() > 3 && d.starts_with('0'));
        let number = digits.filter(|_| good && !padded).and_then(|d| d.parse().ok());
        let number =
            number.ok_or_else(|| format!("'{}' is not a ticket's id (T-001 or F-001)", text.escape_debug()))?;
        Ok(TicketId::new(text.as_bytes(), number))
    }
}

impl PlanId {
    /// A slug of the first words of `requirement`, at most 40 characters; `plan` where it has no letter or digit.
    pub fn slug(requirement: &str) -> PlanId {
        let mut slug = String::new();
        for word in requirement.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
            let longer = slug.len() + 1 + word.len();
            if longer > 40 && !slug.is_empty() {
                break;
            }
            if !slug.is_empty() {
                slug.push('-');
            }
            slug.push_str(&word.to_ascii_lowercase());
        }
        slug.truncate(40);
        if slug.is_empty() {
            slug.push_str("plan");
        }
        PlanId(slug)
    }

    /// This id with `-n` behind it, shortened so that it stays an id.
    pub fn numbered(&self, n: u32) -> PlanId {
        let tail = format!("-{n}");
        let head: String = self.0.chars().take(63 - tail.len()).collect();
        PlanId(head + &tail)
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-');
        if good {
            Ok(PlanId(text.to_owned()))
        } else {
            Err(format!(
                "'{}' is not a plan's id (lower-case letters, digits and hyphens, at most 63)",
                text.escape_debug()
            ))
        }
    }
}

written!(TicketId);

impl TryFrom<String> for PlanId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PlanId> for String {
    fn from(id: PlanId) -> String {
        id.0
    }
}

macro_rules! as_text {
    ($($id:ident),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}
as_text!(TicketId, PlanId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_three_digits_or_more_without_padding() {
        for good in ["T-001", "F-999", "T-1000", "T-123456789"] {
            assert_eq!(good.parse::<TicketId>().expect(good).as_str(), good);
        }
        for bad in ["T-1", "T-0001", "t-001", "T001", "T-001 ", "T-00a", "T-1234567890", "", "../T-001"] {
            assert!(bad.parse::<TicketId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_sort_by_number() {
        let mut ids: Vec<TicketId> = ["T-1000", "F-001", "T-999"].iter().map(|s| s.parse().expect("id")).collect();
        ids.sort();
        assert_eq!(format!("{ids:?}"), "[T-999, T-1000, F-001]");
    }

    #[test]
    fn a_slug_is_always_a_plan_id() {
        for text in ["Add a --shout flag!", "", "ÄÖÜ", &"word ".repeat(50), &"x".repeat(500)] {
            let slug = PlanId::slug(text);
            assert!(slug.as_str().parse::<PlanId>().is_ok(), "{slug}");
            assert!(slug.numbered(12).as_str().parse::<PlanId>().is_ok());
        }
        assert_eq!(PlanId::slug("Add a --shout flag!").as_str(), "add-a-shout-flag");
    }
}
