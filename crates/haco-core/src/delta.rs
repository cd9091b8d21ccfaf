//! One path's bytes on both sides of a change, and the files around it: what judges of a change look at.

/// One path's bytes before and after; none where there is no file.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    /// The path below the top of the repository.
    pub path: &'a str,
    /// What stands there before.
    pub old: Option<&'a [u8]>,
    /// What stands there after.
    pub new: Option<&'a [u8]>,
}

/// The tree that a change is made to.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Every path of it.
    pub paths: &'a [String],
    /// A file's bytes; none where there is no such file. It is asked only for what a question needs.
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// The lines of a text that are not in the other one, each with its number from 1. A line that stands in the old text as
/// often as in the new one is not new, wherever it moved.
pub(crate) fn new_lines<'a>(old: &str, new: &'a str) -> Vec<(usize, &'a str)> {
    let mut known: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for line in old.lines() {
        *known.entry(line.trim()).or_default() += 1;
    }
    let is_new = |(_, line): &(usize, &str)| match known.get_mut(line.trim()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    new.lines().enumerate().map(|(n, line)| (n + 1, line)).filter(is_new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_moved_or_was_indented_is_not_new() {
        assert_eq!(new_lines("a\nb\n", "  b\na\nc\na\n"), [(3, "c"), (4, "a")]);
    }
}
