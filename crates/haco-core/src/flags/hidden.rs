//! Text that is not what it looks like (Trojan source, CVE-2021-42574 and -42694): characters that reorder or hide, and
//! words that mix letters which look alike. What people write in their own language is left alone.

use super::{MOST, at};
use crate::verdict::{Finding, Severity};

/// The suspicious lines among those that are new.
pub(super) fn of(path: &str, fresh: &[(usize, &str)]) -> Vec<Finding> {
    let seen = fresh.iter().filter(|(_, line)| !line.is_ascii() || line.contains(['\u{1b}', '\u{8}']));
    let flag = |(n, line): &(usize, &str)| {
        let message = control(*n, line).or_else(|| mixed(line))?;
        Some(at(Severity::High, path, Some(*n), message))
    };
    seen.filter_map(flag).take(MOST).collect()
}

/// The first character that reorders, hides or steers.
fn control(n: usize, line: &str) -> Option<String> {
    let chars: Vec<char> = line.chars().collect();
    let near = |i: usize| [i.checked_sub(1), Some(i + 1)].map(|at| at.and_then(|at| chars.get(at)).copied());
    let between_ascii = |i: usize| near(i).iter().all(|c| c.is_some_and(|c| c.is_ascii_graphic()));
    let right_to_left = || chars.iter().any(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}'));
    let what = |(i, c): (usize, &char)| match *c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some("reorders the text"),
        '\u{200e}' | '\u{200f}' | '\u{61c}' if !right_to_left() => Some("reorders the text"),
        '\u{feff}' if n == 1 && i == 0 => None,
        '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => {
            Some("cannot be seen")
        }
        '\u{200c}' | '\u{200d}' | '\u{ad}' if between_ascii(i) => Some("cannot be seen"),
        '\u{e0000}'..='\u{e007f}' if !chars[..i].contains(&'\u{1f3f4}') => Some("cannot be seen"),
        '\u{1b}' | '\u{8}' => Some("steers a terminal"),
        _ => None,
    };
    let (c, why) = chars.iter().enumerate().find_map(|at| Some((*at.1, what(at)?)))?;
    Some(format!("it holds the character U+{:04X}, which {why}", u32::from(c)))
}

/// Letters of other scripts that look like an ASCII letter.
const ALIKE: &str = "АВЕЅІЈКМНОРСТХУԌԜаеѕіјорсхуһԁԛԝӏѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧοյօցսոհ";

/// The first word that has ASCII letters and letters that only look so.
fn mixed(line: &str) -> Option<String> {
    let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let deceives = |word: &&str| {
        let foreign: Vec<char> = word.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).collect();
        let ascii = word.chars().any(|c| c.is_ascii_alphabetic());
        ascii && !foreign.is_empty() && foreign.iter().all(|c| is_alike(*c))
    };
    let word: String = words.filter(|w| !w.is_ascii()).find(deceives)?.chars().take(60).collect();
    let c = word.chars().find(|c| is_alike(*c))?;
    Some(format!("the word '{word}' has the letter U+{:04X}, which looks like another", u32::from(c)))
}

/// Full-width and mathematical letters too.
fn is_alike(c: char) -> bool {
    ALIKE.contains(c) || matches!(c, '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d6a3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        of("x.rs", &[(7, line)]).pop().map(|f| f.message)
    }

    #[test]
    fn what_reorders_or_hides_is_named() {
        for (line, code) in [
            ("if admin { /*\u{202e} } \u{2066}if x */", "202E"),
            ("let is\u{200b}admin = 1;", "200B"),
            ("pass\u{200d}word", "200D"),
            ("x = '\u{3164}'", "3164"),
            ("do it\u{e0041}\u{e0042}", "E0041"),
            ("a\u{feff}b", "FEFF"),
            ("printf \"\u{1b}[2J\"", "001B"),
            ("a\u{200f}b", "200F"),
            ("so\u{ad}ft", "00AD"),
        ] {
            assert!(found(line).is_some_and(|m| m.contains(code)), "{line:?}");
        }
    }

    #[test]
    fn words_of_letters_that_look_alike_are_named() {
        for line in ["fn is_аdmin()", "scоpe", "Ηttp", "ｆoo", "раypal"] {
            assert!(found(line).is_some_and(|m| m.contains("looks like another")), "{line}");
        }
    }

    #[test]
    fn what_people_write_is_left_alone() {
        for line in [
            "// это комментарий о http и TCP",
            "let Δt = 3 * π; // in μs, σ_x",
            "\"naïve café Straße\"",
            "می‌خواهم",
            "שלום\u{200f}!",
            "👩‍💻 and 🏴\u{e0067}\u{e0062}\u{e007f}",
            "日本語 text ＡＢＣ",
            "x² + y₁",
            "привет_мир",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
        assert!(of("x", &[(1, "\u{feff}fn main() {}")]).is_empty());
    }
}
