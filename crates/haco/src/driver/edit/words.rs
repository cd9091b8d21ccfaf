//! The words of a reply that may be paths. What a glob allows to be created is what the reply names and the glob means; of the
//! files that a glob of targets finds, those that the reply cannot mean are not read.

use haco_core::{edit::looks_like_path, glob::Glob, path::RepoPath};
use std::collections::{BTreeSet, HashSet};

/// What stands around a path in prose, Markdown, JSON and diffs.
const AROUND: &str = "`*\"'()<>,;:={}|#";
/// No path is longer.
const WORD_BYTES: usize = 4096;

/// The words of one reply.
pub(super) struct Words<'r> {
    words: HashSet<&'r str>,
    /// The last part of each.
    names: HashSet<&'r str>,
}

impl<'r> Words<'r> {
    /// Cuts the reply into words; each is looked at once.
    pub(super) fn of(reply: &'r str) -> Words<'r> {
        let mut words = HashSet::new();
        for line in reply.lines() {
            let is_header = ["--- ", "+++ ", "diff --git ", "rename "].iter().any(|head| line.starts_with(head));
            for word in line.split(|c: char| c.is_whitespace() || AROUND.contains(c)) {
                let word = word.trim_end_matches(['.', '!', '?']);
                let word = word.strip_prefix("./").unwrap_or(word);
                let side = if is_header { word.strip_prefix("a/").or(word.strip_prefix("b/")) } else { None };
                words.insert(side.unwrap_or(word));
            }
        }
        words.retain(|w| !w.is_empty() && w.len() <= WORD_BYTES);
        let names = words.iter().map(|w| w.rsplit(['/', '\\']).next().unwrap_or(w)).collect();
        Words { words, names }
    }

    /// The paths that the reply names and `glob` means. One that ends a longer path of the reply may be short for that one,
    /// and is left out.
    pub(super) fn meant_by(&self, glob: &Glob) -> BTreeSet<RepoPath> {
        let meant = self.words.iter().filter(|w| looks_like_path(w) && glob.matches(w));
        let mut meant: BTreeSet<&str> = meant.copied().collect();
        for word in &self.words {
            ends(word).for_each(|end| {
                meant.remove(end);
            });
        }
        meant.into_iter().filter_map(|w| w.parse().ok()).filter(|path| glob.means(path)).collect()
    }

    /// The longer paths of the reply that end in one of `paths`.
    pub(super) fn longer_than(&self, paths: &BTreeSet<&str>) -> Vec<RepoPath> {
        let longer = self.words.iter().filter(|w| ends(w).any(|end| paths.contains(end)));
        longer.filter_map(|w| w.parse().ok()).collect()
    }

    /// Whether the reply can mean the file at all. A name that is no word of its own, or that a diff may write in other
    /// letters, can always be meant.
    pub(super) fn may_name(&self, path: &RepoPath) -> bool {
        let name = path.file_name();
        let is_word = name.is_ascii() && !name.contains(|c: char| c.is_whitespace() || AROUND.contains(c));
        !is_word || self.names.contains(name)
    }
}

/// What is left of a word behind each slash.
fn ends(word: &str) -> impl Iterator<Item = &str> {
    word.match_indices('/').map(|(at, _)| &word[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(reply: &str, glob: &str) -> Vec<String> {
        let glob = Glob::parse(glob).expect("a glob");
        Words::of(reply).meant_by(&glob).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn paths_are_found_in_every_dress() {
        for reply in [
            "**src/a.rs**:\n```rust",
            "```rust title=\"src/a.rs\"",
            "--- /dev/null\n+++ b/src/a.rs\n",
            "*** Add File: src/a.rs\n",
            "{\"path\":\"src/a.rs\",\"new_text\":\"\"}",
            "I made ./src/a.rs.",
        ] {
            assert_eq!(meant(reply, "src/*.rs"), ["src/a.rs"], "{reply}");
        }
    }

    #[test]
    fn the_end_of_a_longer_path_is_not_taken_for_a_path_of_its_own() {
        assert_eq!(meant("see a.rs\nsrc/a.rs\n```", "*.rs"), [""; 0]);
        assert_eq!(meant("see a.rs\nsrc/a.rs\n```", "**/*.rs"), ["src/a.rs"]);
        assert_eq!(meant("build.rs and ../x.rs and .git/x.rs", "**/*.rs"), [""; 0]);
    }

    #[test]
    fn words_that_only_look_like_names_of_things_are_no_new_files() {
        assert_eq!(meant("Here self.x and os.path are used, as in e.g. Makefile or a/b:", "**"), [""; 0]);
    }

    #[test]
    fn only_a_name_that_is_a_word_can_be_missed() {
        let words = Words::of("see `src/a.py` and C:\\x\\b.py");
        let may = |path: &str| words.may_name(&path.parse().expect("path"));
        assert!(may("lib/a.py") && may("b.py") && may("with space.py") && may("é.py"));
        assert!(!may("c.py") && !may("src/a.pyc"));
    }
}
