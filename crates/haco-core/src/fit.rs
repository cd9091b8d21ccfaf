//! What of a prompt's files is left out where the window does not hold them all.
//!
//! Related files go first, the least related of them first; then long files are cut to the parts around the names that the
//! ticket speaks of, those for reading before those to change. A file of which nothing is named is not cut: for reading it
//! goes whole, and a target stays, so that the prompt may still be too long, and that is said before it is sent.

use crate::{
    attempt::{Left, LeftOut},
    prompt::File,
    signatures::words,
};
use std::collections::BTreeSet;

/// A shorter file is not worth cutting.
const LONG: usize = 3_000;
/// The lines at a file's top that say what it imports.
const TOP: usize = 12;
/// The lines before and after one that holds a name.
const AROUND: usize = 15;

/// Files that are left, and what is not.
#[derive(Debug, Default, PartialEq)]
pub struct Fitted {
    /// In their order.
    pub files: Vec<File>,
    /// By what went first.
    pub left_out: Vec<LeftOut>,
}

/// Leaves out of `files` what is over `most` bytes; `names` are those that the ticket speaks of.
pub fn fit(files: Vec<File>, most: usize, names: &BTreeSet<&str>) -> Fitted {
    let mut fitted = Fitted { files, left_out: Vec::new() };
    while fitted.bytes() > most {
        let Some(last) = fitted.files.iter().rposition(|f| f.role == "related") else { break };
        fitted.drop(last);
    }
    for roles in [&["context"][..], &["target", "new"]] {
        for at in fitted.longest(roles) {
            if fitted.bytes() > most {
                fitted.cut(at, names);
            }
        }
        while fitted.bytes() > most && roles == ["context"] {
            let Some(last) = fitted.files.iter().rposition(|f| f.role == "context" && !is_cut(f)) else { break };
            fitted.drop(last);
        }
    }
    fitted
}

/// Whether parts of a file were left out of it here.
pub fn is_cut(file: &File) -> bool {
    file.lines.as_ref().is_some_and(|lines| lines.contains(','))
}

impl Fitted {
    fn bytes(&self) -> usize {
        self.files.iter().map(|f| f.content.len()).sum()
    }

    fn drop(&mut self, at: usize) {
        let file = self.files.remove(at);
        self.left_out.push(LeftOut { path: file.path, kept: None, why: Left::Window });
    }

    /// Where the files of these roles are that may be cut, the longest first.
    fn longest(&self, roles: &[&str]) -> Vec<usize> {
        let may = |f: &File| roles.contains(&f.role) && f.lines.is_none() && f.content.len() > LONG;
        let mut all: Vec<usize> = (0..self.files.len()).filter(|at| may(&self.files[*at])).collect();
        all.sort_by_key(|at| std::cmp::Reverse(self.files[*at].content.len()));
        all
    }

    fn cut(&mut self, at: usize, names: &BTreeSet<&str>) {
        let file = &mut self.files[at];
        let lines: Vec<&str> = file.content.split_inclusive('\n').collect();
        let named = |line: &&str| words(line).any(|word| names.contains(word));
        let hits: Vec<usize> = (0..lines.len()).filter(|n| named(&lines[*n])).collect();
        if hits.is_empty() {
            return;
        }
        let kept = parts(&hits, lines.len());
        let content = text(&lines, &kept);
        if content.len() >= file.content.len() {
            return;
        }
        let shown = kept.iter().map(|(first, end)| format!("{}-{end}", first + 1)).collect::<Vec<_>>();
        // One part alone has its comma too: that is how a cut is told from a choice.
        let shown = format!("{}, of {}", shown.join(", "), lines.len());
        self.left_out.push(LeftOut { path: file.path.clone(), kept: Some(shown.clone()), why: Left::Window });
        (file.content, file.lines) = (content, Some(shown));
    }
}

/// The top and what lies around the hits, as ranges from 0 that do not touch.
fn parts(hits: &[usize], count: usize) -> Vec<(usize, usize)> {
    let mut parts = vec![(0, TOP.min(count))];
    for hit in hits {
        let (first, end) = (hit.saturating_sub(AROUND), (hit + AROUND + 1).min(count));
        match parts.last_mut() {
            Some(last) if first <= last.1 => last.1 = last.1.max(end),
            _ => parts.push((first, end)),
        }
    }
    parts
}

/// The parts with a line for each gap.
fn text(lines: &[&str], parts: &[(usize, usize)]) -> String {
    let mut text = String::new();
    let gap = |from: usize, to: usize| format!("… (lines {}-{to} are left out)\n", from + 1);
    let mut at = 0;
    for (first, end) in parts {
        if *first > at {
            text.push_str(&gap(at, *first));
        }
        text.push_str(&lines[*first..*end].concat());
        at = *end;
    }
    if at < lines.len() {
        text.push_str(&gap(at, lines.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, role: &'static str, content: String) -> File {
        File { path: path.into(), content, lines: None, exists: true, role, reason: None }
    }

    fn long(name: &str) -> String {
        (1..=400).map(|n| if n == 200 { format!("def {name}():\n") } else { format!("line {n}\n") }).collect()
    }

    fn left(fitted: &Fitted) -> Vec<(&str, Option<&str>)> {
        fitted.left_out.iter().map(|l| (l.path.as_str(), l.kept.as_deref())).collect()
    }

    #[test]
    fn what_fits_is_left_alone() {
        let files = vec![file("a", "target", "x\n".into()), file("r", "related", "y\n".into())];
        assert_eq!(fit(files.clone(), 4, &BTreeSet::new()), Fitted { files, left_out: vec![] });
    }

    #[test]
    fn related_files_go_first_and_the_least_related_of_them_before_the_others() {
        let files = vec![
            file("a", "target", long("greet")),
            file("r1", "related", "y".repeat(1000)),
            file("r2", "related", "z".repeat(1000)),
        ];
        let most = files[0].content.len() + 1000;
        assert_eq!(left(&fit(files, most, &BTreeSet::from(["greet"]))), [("r2", None)]);
    }

    #[test]
    fn long_files_are_cut_to_what_is_named_those_to_change_last() {
        let files = vec![file("a", "target", long("greet")), file("c", "context", long("greet"))];
        let most = files[0].content.len() + 600;
        let names = BTreeSet::from(["greet"]);
        let fitted = fit(files.clone(), most, &names);
        assert_eq!(left(&fitted), [("c", Some("1-12, 185-215, of 400"))]);
        let text = &fitted.files[1].content;
        assert!(
            text.starts_with("line 1\n") && text.contains("line 12\n… (lines 13-184 are left out)\nline 185\n"),
            "{text}"
        );
        assert!(
            text.contains("def greet():\n") && text.ends_with("line 215\n… (lines 216-400 are left out)\n"),
            "{text}"
        );
        let both = fit(files, 1500, &names);
        assert_eq!(both.left_out.len(), 2);
        assert!(is_cut(&both.files[0]) && both.bytes() < 1500);
    }

    #[test]
    fn a_file_of_which_nothing_is_named_goes_whole_and_a_target_stays() {
        let files = vec![file("a", "target", long("greet")), file("c", "context", long("other"))];
        let fitted = fit(files, 100, &BTreeSet::from(["nothing"]));
        assert_eq!(left(&fitted), [("c", None)]);
        assert!(fitted.bytes() > 100 && fitted.files.len() == 1);
    }

    #[test]
    fn chosen_lines_are_not_cut_again() {
        let mut chosen = file("c", "context", long("greet"));
        chosen.lines = Some("1-400".into());
        let fitted = fit(vec![chosen], 100, &BTreeSet::from(["greet"]));
        assert_eq!(left(&fitted), [("c", None)]);
    }
}
