//! Which form of edits a model is asked for: by the size of the files, by what the model costs, and by what came of its tries
//! before.
//!
//! Whole files are well-formed in 99.6 to 100 % of published replies, search/replace in 94 to 96 % (the weakest model 64 %),
//! and in 63.5 % where files are large; so whole files are asked for until their length costs more than that.

use crate::{attempt::Attempt, code::Code, edit::Format};

/// Whether a reply's length is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pay {
    /// A model of one's own: length costs time alone.
    Free,
    /// Each token costs money, and whoever answers for money seldom misses with search/replace.
    Paid,
}

/// Up to this many bytes of existing targets whole files are asked for.
const WHOLE_FREE: usize = 12_000;
const WHOLE_PAID: usize = 4_000;
/// Above this no model is asked for whole files again, whatever it missed: the reply would not fit its limit.
const WHOLE_MOST: usize = 40_000;
/// So many replies in a row that did not fit, each with the refusal before it, and the other form is tried.
const MISSES: u32 = 2;

/// The form to ask for. `wanted` is the ticket's own word, which holds; `tries` are the model's attempts at the same contract,
/// oldest first.
pub fn choose<'a>(
    wanted: Option<Format>,
    target_bytes: usize,
    pay: Pay,
    tries: impl Iterator<Item = &'a Attempt>,
) -> Format {
    if let Some(format) = wanted.filter(|f| *f != Format::Auto) {
        return format;
    }
    let most = if pay == Pay::Free { WHOLE_FREE } else { WHOLE_PAID };
    let mut form = if target_bytes <= most { Format::Whole } else { Format::SearchReplace };
    let mut misses = 0;
    for attempt in tries {
        let asked = attempt.steps.iter().rev().find_map(|s| s.draft.as_ref()).map_or(form, |d| d.format);
        let outcome = attempt.outcome.as_deref().unwrap_or_default();
        misses = if asked == form && is_miss(form, outcome) { misses + 1 } else { 0 };
        let cut = form == Format::Whole && outcome == Code::Length.as_str();
        let other = match form {
            Format::Whole => Some(Format::SearchReplace),
            _ if target_bytes <= WHOLE_MOST => Some(Format::Whole),
            _ => None,
        };
        if let Some(other) = other.filter(|_| cut || misses == MISSES) {
            (form, misses) = (other, 0);
        }
    }
    form
}

/// Whether the form is to blame for an outcome.
fn is_miss(form: Format, outcome: &str) -> bool {
    let codes: &[Code] = match form {
        Format::Whole => &[Code::Elided, Code::Shrinks, Code::TruncatedEdit],
        _ => &[Code::NotFound, Code::Ambiguous, Code::Overlap, Code::BadEdit, Code::Elided],
    };
    codes.iter().any(|c| c.as_str() == outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(format: Format, outcome: &str) -> Attempt {
        serde_json::from_value(serde_json::json!({
            "n": 1, "base": "a".repeat(40), "at": "2026-01-01T00:00:00Z", "outcome": outcome,
            "steps": [{"role": "worker", "model": "m", "outcome": "advance",
                       "draft": {"sha256": "0".repeat(64), "format": format}}]
        }))
        .expect("an attempt")
    }

    fn after(bytes: usize, tries: &[(Format, &str)]) -> Format {
        let tries: Vec<Attempt> = tries.iter().map(|(format, outcome)| attempt(*format, outcome)).collect();
        choose(None, bytes, Pay::Free, tries.iter())
    }

    #[test]
    fn small_files_are_asked_for_whole_and_sooner_in_parts_where_length_costs() {
        let first = |wanted, bytes, pay| choose(wanted, bytes, pay, [].into_iter());
        assert_eq!(first(None, 8_000, Pay::Free), Format::Whole);
        assert_eq!(first(None, 8_000, Pay::Paid), Format::SearchReplace);
        assert_eq!(first(Some(Format::Auto), 100_000, Pay::Free), Format::SearchReplace);
        assert_eq!(first(Some(Format::Udiff), 1, Pay::Free), Format::Udiff);
    }

    #[test]
    fn a_form_that_misses_twice_in_a_row_gives_way_to_the_other() {
        use Format::{SearchReplace, Whole};
        assert_eq!(after(20_000, &[(SearchReplace, "not_found")]), SearchReplace);
        assert_eq!(after(20_000, &[(SearchReplace, "not_found"), (SearchReplace, "ambiguous")]), Whole);
        assert_eq!(after(90_000, &[(SearchReplace, "not_found"), (SearchReplace, "ambiguous")]), SearchReplace);
        let fits_between = [(SearchReplace, "not_found"), (SearchReplace, "candidate"), (SearchReplace, "not_found")];
        assert_eq!(after(20_000, &fits_between), SearchReplace);
        assert_eq!(after(5_000, &[(Whole, "elided"), (Whole, "shrinks")]), SearchReplace);
        assert_eq!(after(5_000, &[(Whole, "out_of_scope"), (Whole, "no_edits")]), Whole);
    }

    #[test]
    fn a_whole_file_that_the_token_limit_cut_is_not_asked_for_again() {
        assert_eq!(after(11_000, &[(Format::Whole, "length")]), Format::SearchReplace);
    }
}
