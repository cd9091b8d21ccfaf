//! What becomes of files as a unified diff that `git apply` takes: files that come and go, modes, lines without an end,
//! and names quoted as git quotes them.

use crate::oid::Mode;
use crate::path::RepoPath;
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};
use std::fmt::Write;

/// How many lines of context stand around a change.
const CONTEXT: usize = 3;

/// A file as it was or as it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether it is run.
    pub mode: Mode,
}

/// One file before and after; it is created where `old` is none, and deleted where `new` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Which file.
    pub path: &'a RepoPath,
    /// As it is.
    pub old: Option<Side<'a>>,
    /// As it will be.
    pub new: Option<Side<'a>>,
}

/// The diff of all files, in their order; a file that does not change has no part in it.
pub fn print(files: &[Changed<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for file in files.iter().filter(|f| f.old != f.new) {
        head(file, &mut out);
        let [old, new] = [file.old, file.new].map(|side| side.map_or(&[][..], |s| s.bytes));
        if old != new {
            names(file, &mut out);
            hunks(&lines(old), &lines(new), &mut out);
        }
    }
    out
}

fn head(file: &Changed<'_>, out: &mut Vec<u8>) {
    let mut text = format!("diff --git {} {}\n", quoted("a/", file.path), quoted("b/", file.path));
    let said = match (file.old.map(|s| bits(s.mode)), file.new.map(|s| bits(s.mode))) {
        (None, Some(mode)) => format!("new file mode {mode}\n"),
        (Some(mode), None) => format!("deleted file mode {mode}\n"),
        (Some(old), Some(new)) if old != new => format!("old mode {old}\nnew mode {new}\n"),
        _ => String::new(),
    };
    text.push_str(&said);
    out.extend(text.bytes());
}

fn bits(mode: Mode) -> &'static str {
    match mode {
        Mode::Regular => "100644",
        Mode::Executable => "100755",
    }
}

/// The two lines that name the file; a name with a space in it ends in a tab, so that nobody takes a part for a date.
fn names(file: &Changed<'_>, out: &mut Vec<u8>) {
    let end = if file.path.as_str().contains(' ') { "\t" } else { "" };
    let name = |side: Option<Side<'_>>, prefix| match side {
        Some(_) => quoted(prefix, file.path) + end,
        None => "/dev/null".to_owned(),
    };
    out.extend(format!("--- {}\n+++ {}\n", name(file.old, "a/"), name(file.new, "b/")).bytes());
}

/// The name as git writes it: in double quotes with octal bytes where it holds a quote or what is not ASCII.
fn quoted(prefix: &str, path: &RepoPath) -> String {
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\');
    if path.as_str().bytes().all(plain) {
        return format!("{prefix}{path}");
    }
    let mut text = format!("\"{prefix}");
    for byte in path.as_str().bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            _ if plain(byte) => text.push(char::from(byte)),
            _ => write!(text, "\\{byte:03o}").expect("a string takes everything"),
        }
    }
    text + "\""
}

/// The lines with their ends.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

fn hunks(old: &[&[u8]], new: &[&[u8]], out: &mut Vec<u8>) {
    let ops = capture_diff_slices(Algorithm::Myers, old, new);
    for group in group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let range = |from: usize, to: usize| match to - from {
            0 => format!("{from},0"),
            1 => format!("{}", from + 1),
            count => format!("{},{count}", from + 1),
        };
        let before = range(first.old_range().start, last.old_range().end);
        let after = range(first.new_range().start, last.new_range().end);
        out.extend(format!("@@ -{before} +{after} @@\n").bytes());
        for op in &group {
            body(op, old, new, out);
        }
    }
}

fn body(op: &DiffOp, old: &[&[u8]], new: &[&[u8]], out: &mut Vec<u8>) {
    let mut say = |mark: u8, lines: &[&[u8]]| {
        for line in lines {
            out.push(mark);
            out.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                out.extend(b"\n\\ No newline at end of file\n");
            }
        }
    };
    match op {
        DiffOp::Equal { old_index, len, .. } => say(b' ', &old[*old_index..old_index + len]),
        _ => {
            say(b'-', &old[op.old_range()]);
            say(b'+', &new[op.new_range()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Format, Scope, apply};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn printed(path: &str, old: Option<&str>, new: Option<&str>) -> String {
        let path: RepoPath = path.parse().expect("path");
        let [old, new] = [old, new].map(|t| t.map(|text| Side { bytes: text.as_bytes(), mode: Mode::Regular }));
        String::from_utf8(print(&[Changed { path: &path, old, new }])).expect("text")
    }

    #[test]
    fn a_change_has_three_lines_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let want = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(printed("a.txt", Some(old), Some(&old.replace('5', "five"))), want);
        assert_eq!(printed("a.txt", Some(old), Some(old)), "");
    }

    #[test]
    fn files_come_and_go_with_their_modes() {
        assert_eq!(
            printed("n", None, Some("x\n")),
            "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n"
        );
        assert_eq!(
            printed("n", Some("x\ny"), None),
            "diff --git a/n b/n\ndeleted file mode 100644\n--- a/n\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-x\n-y\n\\ No newline at end of file\n"
        );
        assert_eq!(printed("n", None, Some("")), "diff --git a/n b/n\nnew file mode 100644\n");
        let path = "run".parse().expect("path");
        let side = |mode| Some(Side { bytes: b"x\n", mode });
        let modes = Changed { path: &path, old: side(Mode::Regular), new: side(Mode::Executable) };
        assert_eq!(print(&[modes]), b"diff --git a/run b/run\nold mode 100644\nnew mode 100755\n");
    }

    #[test]
    fn names_are_quoted_as_git_quotes_them() {
        let first = |path: &str| printed(path, Some("a\n"), Some("b\n")).lines().take(3).collect::<Vec<_>>().join("|");
        assert_eq!(first("a b.txt"), "diff --git a/a b.txt b/a b.txt|--- a/a b.txt\t|+++ b/a b.txt\t");
        assert_eq!(
            first("é\"x"),
            "diff --git \"a/\\303\\251\\\"x\" \"b/\\303\\251\\\"x\"|--- \"a/\\303\\251\\\"x\"|+++ \"b/\\303\\251\\\"x\""
        );
    }

    /// Lines of few kinds, so that much is alike, perhaps without an end at the last.
    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof!["[ab]{0,2}", "    return [xy]", "\\PC{0,12}"];
        (prop::collection::vec(line, 0..20), any::<bool>()).prop_map(|(lines, end)| {
            let text = lines.join("\n");
            if end && !lines.is_empty() { text + "\n" } else { text }
        })
    }

    proptest! {
        #[test]
        fn our_own_engine_takes_what_is_printed(old in text(), new in text()) {
            let path: RepoPath = "a.txt".parse().expect("path");
            let diff = printed("a.txt", Some(&old), Some(&new));
            prop_assume!(!diff.is_empty());
            let targets = [path.clone()];
            let existing = BTreeMap::from([(path, old.clone().into_bytes())]);
            let fence = format!("~~~~~~~~diff\n{diff}~~~~~~~~\n");
            let edited = apply(&fence, Format::Udiff, &Scope { targets: &targets, new_files: &[] }, &existing);
            let edited = edited.map_err(|r| TestCaseError::fail(format!("{r:?}\n{diff}")))?;
            prop_assert_eq!(edited.files[0].action, Action::Modify);
            prop_assert_eq!(edited.files[0].new.as_deref(), Some(new.as_bytes()), "{}", diff);
        }
    }
}
