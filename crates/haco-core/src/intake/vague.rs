//! Criteria that nobody can check: named as a warning, since only the lead knows what was meant.

const PHRASES: [&str; 34] = [
    "works correctly",
    "work correctly",
    "works properly",
    "work properly",
    "works well",
    "works fine",
    "works as",
    "is correct",
    "are correct",
    "is thorough",
    "thoroughly",
    "comprehensive",
    "as expected",
    "as intended",
    "as appropriate",
    "properly",
    "correctly",
    "appropriately",
    "gracefully",
    "handles errors",
    "handles edge cases",
    "edge cases",
    "etc",
    "and so on",
    "high quality",
    "good quality",
    "clean code",
    "well tested",
    "well documented",
    "user friendly",
    "robust",
    "efficient",
    "best practices",
    "reasonable",
];

const MEASURES: [&str; 14] = [
    "returns",
    "return ",
    "prints",
    "print ",
    "raises",
    "exits",
    "exit ",
    "equals",
    "contains",
    "at most",
    "at least",
    "less than",
    "more than",
    "rejects",
];

/// One warning for each criterion that holds a vague phrase and nothing that could be measured: a number, a quoted or
/// backticked text, an option, or a verb of observable behaviour.
pub fn vague(criteria: &[String]) -> Vec<String> {
    criteria.iter().filter_map(|criterion| warning(criterion)).collect()
}

fn warning(criterion: &str) -> Option<String> {
    let lower = criterion.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let plain = format!(" {} ", words.join(" "));
    let phrase = PHRASES.iter().find(|p| plain.contains(&format!(" {p} ")))?;
    let symbols = |c: char| c.is_ascii_digit() || matches!(c, '`' | '"' | '\'' | '=' | '<' | '>' | '\u{201c}');
    let measured = lower.contains(symbols) || lower.contains("--") || MEASURES.iter().any(|m| lower.contains(m));
    (!measured).then(|| {
        let criterion = criterion.escape_debug();
        format!("the criterion '{criterion}' is vague: '{phrase}' cannot be checked; name an input and its result")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(criterion: &str) -> bool {
        !vague(&[criterion.to_owned()]).is_empty()
    }

    #[test]
    fn criteria_without_anything_measurable_are_named() {
        for bad in [
            "The flag works correctly",
            "Testing is thorough",
            "Output is as expected",
            "handles errors",
            "High-quality code, tests, etc.",
            "Errors are handled gracefully",
        ] {
            assert!(warned(bad), "{bad}");
        }
        assert!(vague(&["It works correctly".into()])[0].contains("'works correctly'"));
    }

    #[test]
    fn a_measurable_criterion_is_not_vague() {
        for good in [
            "`shout('a')` returns 'A' as expected",
            "An unknown option exits with 2",
            "Correctly sorted input returns unchanged",
            "The help names --shout",
            "The fetched list is sorted by name",
        ] {
            assert!(!warned(good), "{good}");
        }
    }
}
