//! The words of a reply that may be paths: what a glob allows to be created is what the reply names and the glob means.

use haco_core::{glob::Glob, path::RepoPath};
use std::collections::BTreeSet;

/// The words of one reply.
pub(super) struct Words<'r> {
    reply: &'r str,
    words: BTreeSet<&'r str>,
}

impl<'r> Words<'r> {
    /// Cuts the reply at white space and at what stands around a path in prose, Markdown, JSON and diffs.
    pub(super) fn of(reply: &'r str) -> Words<'r> {
        let mut words = BTreeSet::new();
        for line in reply.lines() {
            let is_header = ["--- ", "+++ ", "diff --git ", "rename "].iter().any(|head| line.starts_with(head));
            for word in line.split(|c: char| c.is_whitespace() || "`*\"'()<>,;:={}|#".contains(c)) {
                let word = word.trim_end_matches(['.', '!', '?']);
                let word = word.strip_prefix("./").unwrap_or(word);
                let side = if is_header { word.strip_prefix("a/").or(word.strip_prefix("b/")) } else { None };
                words.insert(side.unwrap_or(word));
            }
        }
        Words { reply, words }
    }

    /// The paths that the reply names and `glob` means. One that ends a longer path of the reply may be short for that one,
    /// and is left out.
    pub(super) fn meant_by(&self, glob: &Glob) -> Vec<RepoPath> {
        let meant = self.words.iter().filter(|w| glob.matches(w)).filter_map(|w| w.parse::<RepoPath>().ok());
        meant.filter(|path| glob.means(path) && !self.is_end(path.as_str())).collect()
    }

    fn is_end(&self, path: &str) -> bool {
        self.words.iter().any(|w| w.strip_suffix(path).is_some_and(|head| head.ends_with('/')))
    }

    /// The longer paths of the reply that end in one of `paths`.
    pub(super) fn longer_than(&self, paths: &BTreeSet<&str>) -> Vec<RepoPath> {
        let ends = |w: &str| w.match_indices('/').any(|(at, _)| paths.contains(&w[at + 1..]));
        self.words.iter().filter(|w| ends(w)).filter_map(|w| w.parse().ok()).collect()
    }

    /// Whether the reply can mean the file at all: a diff may write a name that is not ASCII in other letters.
    pub(super) fn may_name(&self, path: &RepoPath) -> bool {
        !path.as_str().is_ascii() || self.reply.contains(path.file_name())
    }
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
}
