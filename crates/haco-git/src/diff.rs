//! What two trees differ in, as a unified diff and in numbers, the same whatever the user configured for their own eyes.

use crate::repo::Repo;
use anyhow::Result;
use haco_core::oid::Oid;

/// How much two trees differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffStat {
    /// Files that differ.
    pub files: u64,
    /// Lines that only the second has; those of binary files are not counted.
    pub added: u64,
    /// Lines that only the first has.
    pub removed: u64,
}

/// `diff-tree` rather than `diff`: it leaves `diff.*` of the user's configuration alone.
const DIFF: &[&str] = &[
    "-c",
    "diff.suppressBlankEmpty=false",
    "diff-tree",
    "-r",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--full-index",
    "--diff-algorithm=myers",
];

impl Repo {
    /// The unified diff from one commit or tree to another, renames as a deletion and a creation; raw bytes.
    pub fn diff(&self, from: &Oid, to: &Oid) -> Result<Vec<u8>> {
        let options = ["--patch", "--unified=3", from.as_str(), to.as_str(), "--"];
        self.git.run("diff-tree", DIFF.iter().copied().chain(options))
    }

    /// Files and lines in which two commits or trees differ.
    pub fn diff_stat(&self, from: &Oid, to: &Oid) -> Result<DiffStat> {
        let options = ["--numstat", "-z", from.as_str(), to.as_str(), "--"];
        let stdout = self.git.run("diff-tree", DIFF.iter().copied().chain(options))?;
        let text = String::from_utf8_lossy(&stdout);
        let mut stat = DiffStat::default();
        for record in text.split('\0').filter(|record| !record.is_empty()) {
            let mut numbers = record.split('\t').map(|number| number.parse().unwrap_or(0));
            stat.files += 1;
            stat.added += numbers.next().unwrap_or(0);
            stat.removed += numbers.next().unwrap_or(0);
        }
        Ok(stat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;

    fn two_trees(sample: &Sample) -> (Oid, Oid) {
        let repo = sample.repo();
        let head = repo.head_commit().expect("head");
        let changes = [
            sample.change("README", Some("read me\nand me\n")),
            sample.change("docs/deep/page.md", None),
            sample.change("bin", Some("\0\u{1}")),
        ];
        let tree = repo.edit_tree(&head, &changes).expect("tree");
        (head, tree)
    }

    #[test]
    fn a_diff_is_unified_with_whole_ids_and_applies() {
        let sample = Sample::new();
        let (head, tree) = two_trees(&sample);
        let diff = String::from_utf8(sample.repo().diff(&head, &tree).expect("diff")).expect("utf-8");
        assert!(diff.contains("--- a/README\n+++ b/README\n@@ -1 +1,2 @@\n read me\n+and me\n"), "{diff}");
        assert!(diff.contains("deleted file mode 100644\nindex "), "{diff}");
        assert!(diff.contains(sample.git(&["rev-parse", "HEAD:README"]).as_str()), "{diff}");
    }

    #[test]
    fn the_users_taste_does_not_change_a_diff() {
        let sample = Sample::new();
        let (head, tree) = two_trees(&sample);
        let before = sample.repo().diff(&head, &tree).expect("diff");
        for (key, value) in [
            ("diff.noprefix", "true"),
            ("diff.mnemonicPrefix", "true"),
            ("diff.external", "false"),
            ("diff.context", "9"),
            ("diff.algorithm", "histogram"),
            ("color.ui", "always"),
            ("color.diff", "always"),
            ("diff.renames", "copies"),
        ] {
            sample.git(&["config", key, value]);
        }
        assert_eq!(sample.repo().diff(&head, &tree).expect("diff"), before);
    }

    #[test]
    fn equal_trees_have_an_empty_diff() {
        let sample = Sample::new();
        let head = sample.repo().head_commit().expect("head");
        assert!(sample.repo().diff(&head, &head).expect("diff").is_empty());
        assert_eq!(sample.repo().diff_stat(&head, &head).expect("stat"), DiffStat::default());
    }

    #[test]
    fn the_numbers_count_files_and_lines() {
        let sample = Sample::new();
        let (head, tree) = two_trees(&sample);
        let stat = sample.repo().diff_stat(&head, &tree).expect("stat");
        assert_eq!(stat, DiffStat { files: 3, added: 1, removed: 1 });
    }
}
