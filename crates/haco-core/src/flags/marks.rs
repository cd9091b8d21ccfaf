//! Conflict markers that a change leaves in a file.

use super::at;
use crate::verdict::{Finding, Severity};

/// The first marker of a file that had none.
pub(super) fn of(path: &str, old: &str, new: &str) -> Option<Finding> {
    let is_mark = |line: &str| ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| line.starts_with(mark));
    if old.lines().any(is_mark) {
        return None;
    }
    let first = new.lines().position(is_mark)?;
    Some(at(Severity::High, path, Some(first + 1), "it now holds conflict markers".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_count_where_there_were_none() {
        let marked = "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n";
        assert_eq!(of("x", "a\n", marked).and_then(|f| f.line), Some(2));
        assert_eq!(of("x", marked, marked), None);
        assert_eq!(of("x", "", "Title\n=======\n  <<<<<<< in a text\n"), None);
    }
}
