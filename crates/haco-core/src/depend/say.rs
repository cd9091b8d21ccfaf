//! The words for what was found: one line each for people, and a text for the model that tries again.

use super::{
    Report,
    entry::{COMMAND, Entry, What},
};
use crate::{
    code::Code,
    verdict::{Finding, Severity},
};

/// One thing that a change adds and that the ticket does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// `dependency_added`, or `bad_manifest` where a file cannot be read.
    pub code: Code,
    /// The package, address or key as written; empty where a file cannot be read.
    pub package: String,
    /// The file that names it.
    pub file: String,
    /// The line of that file after the change, from 1; 0 where it has none.
    pub line: usize,
    /// One line for people and models.
    pub message: String,
}

impl Added {
    /// `what` is the end of "'FILE' line N …, which the ticket does not allow".
    pub(super) fn new(file: &str, line: usize, package: &str, what: &str) -> Added {
        let message = format!("{} {what}, which the ticket does not allow", place(file, line));
        Added { code: Code::DependencyAdded, package: word(package), file: file.to_owned(), line, message }
    }

    /// A file that cannot be read, for a reason in a few words.
    pub(super) fn unreadable(file: &str, why: &str) -> Added {
        let message = format!("'{}' cannot be read, so nobody knows what it adds: {}", word(file), word(why));
        Added { code: Code::BadManifest, package: String::new(), file: file.to_owned(), line: 0, message }
    }
}

fn place(file: &str, line: usize) -> String {
    if line == 0 { format!("'{}'", word(file)) } else { format!("'{}' line {line}", word(file)) }
}

/// What somebody else wrote as a short part of one line.
pub(super) fn word(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    if text.chars().nth(120).is_some() {
        short.push('…');
    }
    short
}

/// What an entry that is not there before does.
pub(super) fn adding(entry: &Entry) -> String {
    let name = word(&entry.name);
    let from = if entry.source.is_empty() { String::new() } else { format!(" from '{}'", word(&entry.source)) };
    match entry.what {
        What::Package if entry.group == COMMAND => format!("installs the package '{name}' ({}){from}", system(entry)),
        What::Package => format!("adds the package '{name}' ({}){from}", system(entry)),
        What::Registry => format!("takes packages from '{name}'"),
        What::Script => format!("runs '{}' by itself ('{name}')", word(&entry.version)),
        What::Setting => format!("sets '{name}' to '{}'", word(&entry.version)),
        What::Fetch => format!("runs what it downloads from '{name}'"),
    }
}

fn system(entry: &Entry) -> &'static str {
    entry.system.words()[0]
}

/// A flag about one place.
pub(super) fn flag(severity: Severity, file: &str, line: usize, message: String) -> Finding {
    let line = u64::try_from(line).ok().filter(|line| *line > 0);
    Finding { severity, file: Some(file.to_owned()), line, message }
}

/// At most `most` of each, in the order of the files.
pub(super) fn shorten(report: &mut Report, most: usize) {
    report.refused.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    report.refused.dedup();
    report.flags.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
    report.flags.dedup();
    report.refused.truncate(most);
    if report.flags.len() > most {
        let more = report.flags.len() - most;
        report.flags.truncate(most);
        let message = format!("{more} more changes of dependencies are not listed");
        report.flags.push(Finding { severity: Severity::Medium, file: None, line: None, message });
    }
}

/// The longest text for a model, in bytes.
const TEXT_BYTES: usize = 2000;

/// The refusals for the model that must try again, with what it may do instead; under 2 KB.
pub fn refusal_text(refused: &[Added], allowed: &[String]) -> String {
    let advice = match allowed {
        [] => {
            "Do without: use the standard library and what the project has already. Nothing may be added.\n".to_owned()
        }
        some => {
            let names: String = word(&some.join(", ")).chars().take(300).collect();
            format!(
                "Do without: use the standard library and what the project has already. Only these may be added: {names}.\n"
            )
        }
    };
    let mut out = String::from("Nothing of the last reply was applied.\n");
    for (i, one) in refused.iter().enumerate() {
        let line = format!("- {}: {}\n", one.code, one.message.chars().take(500).collect::<String>());
        if out.len() + line.len() + advice.len() + 40 > TEXT_BYTES {
            out.push_str(&format!("and {} more\n", refused.len() - i));
            break;
        }
        out.push_str(&line);
    }
    out + &advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_package_manifest_and_line_and_what_may_be_added() {
        let added = Added::new("package.json", 5, "left-pad", "adds the package 'left-pad' (npm)");
        assert_eq!(
            refusal_text(&[added], &["ms".to_owned()]),
            "Nothing of the last reply was applied.\n\
             - dependency_added: 'package.json' line 5 adds the package 'left-pad' (npm), which the ticket does not allow\n\
             Do without: use the standard library and what the project has already. Only these may be added: ms.\n"
        );
    }

    #[test]
    fn the_text_stays_under_two_kilobytes_and_on_its_lines() {
        let added = Added::new("a.json", 1, "x", &format!("adds '{}'", word(&"\u{1b}\né".repeat(900))));
        let text = refusal_text(&vec![added; 90], &vec!["y".repeat(100); 100]);
        assert!(text.len() < 2048 && text.contains(" more\n") && !text.contains('\u{1b}'), "{}", text.len());
    }
}
