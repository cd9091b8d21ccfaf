//! Why a reply was not taken: for the record, and as text for the model that tries again.

use crate::code::Code;
use serde::Serialize;

/// A line of a file that a refusal points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its number, from 1.
    pub line: usize,
    /// What stands there, cut where it is long.
    pub text: String,
}

/// One reason why nothing of a reply was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Which reason.
    pub code: Code,
    /// The path as the reply or the ticket has it, where there is one.
    pub path: Option<String>,
    /// The edit's place in the reply, from 1; 0 where it is about the reply as a whole.
    pub edit: usize,
    /// The line of the reply where the edit begins, from 1.
    pub line: Option<usize>,
    /// One line for people and models.
    pub message: String,
    /// Lines of the file: where an ambiguous edit fits, or what is nearest to one that fits nowhere.
    pub candidates: Vec<Place>,
}

impl Refusal {
    pub(super) fn new(code: Code, path: Option<&str>, message: impl Into<String>) -> Refusal {
        let path = path.map(str::to_owned);
        Refusal { code, path, edit: 0, line: None, message: message.into(), candidates: Vec::new() }
    }

    pub(super) fn at(self, edit: usize, line: Option<usize>) -> Refusal {
        Refusal { edit, line, ..self }
    }

    pub(super) fn candidates(self, candidates: Vec<Place>) -> Refusal {
        Refusal { candidates, ..self }
    }
}

/// The longest text for a model, in bytes.
const TEXT_BYTES: usize = 2000;
/// How many lines of the file are shown for one refusal, and how much of each.
const PLACES: usize = 6;
const PLACE_CHARS: usize = 100;
/// The longest line of it.
const LINE_CHARS: usize = 400;

/// The refusals for the model that must try again: what was wrong with each edit and what to do, under 2 KB.
pub fn refusal_text(refusals: &[Refusal]) -> String {
    let mut out = String::from("Nothing of the last reply was applied.\n");
    let mut codes: Vec<Code> = Vec::new();
    for refusal in refusals {
        if !codes.contains(&refusal.code) {
            codes.push(refusal.code);
        }
    }
    let advice: String = codes.iter().take(3).map(|c| format!("{}\n", advice(*c))).collect();
    for (i, refusal) in refusals.iter().enumerate() {
        let line = line(refusal);
        if out.len() + line.len() + advice.len() + 40 > TEXT_BYTES {
            out.push_str(&format!("and {} more\n", refusals.len() - i));
            break;
        }
        out.push_str(&line);
    }
    out + &advice
}

fn line(refusal: &Refusal) -> String {
    let place = match (refusal.edit, refusal.line) {
        (0, _) | (_, None) => String::new(),
        (edit, Some(line)) => format!("edit {edit} (line {line} of the reply): "),
    };
    let message: String = refusal.message.chars().filter(|c| !c.is_control()).take(LINE_CHARS).collect();
    let told = |p: &Place| format!("    {}: {}\n", p.line, p.text.chars().take(PLACE_CHARS).collect::<String>());
    let shown: String = refusal.candidates.iter().filter(|p| !p.text.is_empty()).take(PLACES).map(told).collect();
    let lead = if shown.is_empty() { "" } else { "  in the file now, line and text:\n" };
    format!("- {place}{}: {message}\n{lead}{shown}", refusal.code)
}

fn advice(code: Code) -> &'static str {
    match code {
        Code::NotFound => "Copy the text to be replaced exactly from the file as it is now.",
        Code::Ambiguous => "Give more of the lines around each change, so that they stand in the file only once.",
        Code::Elided => "Write every line; never stand dots or a comment for text that stays.",
        Code::TruncatedEdit => "Make the reply shorter, and close every fence and block.",
        Code::OutOfScope | Code::UnsafePath => "Change only the files that the task names, by exactly those paths.",
        Code::Shrinks => "Write the whole file, or change it with SEARCH/REPLACE blocks.",
        Code::Overlap => {
            "Make one edit of edits that touch the same lines; each is held against the file as it is now."
        }
        Code::Unchanged => "The files already are as the reply has them; make the change that the task asks for.",
        Code::Refusal | Code::NoEdits | Code::EmptyReply => "Answer with edits, each with the path of its file.",
        _ => "Answer again in the form that the task asks for.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_stays_under_two_kilobytes() {
        let one = Refusal::new(Code::NotFound, Some("a.rs"), "é".repeat(900)).at(1, Some(2));
        let text = refusal_text(&vec![one; 50]);
        assert!(text.len() < 2048, "{}", text.len());
        assert!(text.contains("more") && text.contains("Copy the text"));
    }

    #[test]
    fn a_refusal_says_where_and_what_to_do() {
        let one = Refusal::new(Code::Ambiguous, Some("a.rs"), "the text fits lines 1 and 9").at(2, Some(30));
        let text = refusal_text(&[one]);
        assert!(text.contains("edit 2 (line 30 of the reply): ambiguous: the text fits lines 1 and 9"), "{text}");
    }
}
