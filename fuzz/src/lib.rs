//! What must hold for any reply: no panic, nothing touched outside the scope, and a refusal that is short.

use haco_core::edit::{self, Edited, Format, Scope};
use haco_core::path::RepoPath;
use std::collections::BTreeMap;

/// The file that most replies are about.
pub const FILE: &str = "fn alpha() {\n    let first = 1;\n    first()\n}\n\nfn beta(items: &[u32]) -> u32 {\n    let mut total = 0;\n    for item in items {\n        total += item;\n    }\n    total\n}\n\nfn gamma() {\n    let first = 1;\n    first()\n}\n";

fn path(text: &str) -> RepoPath {
    text.parse().expect("a good path")
}

/// Applies `reply` to `src/a.rs`, which holds `file`, and `b.md`; `src/n.rs` may be created.
pub fn hold(file: &[u8], reply: &str) -> Option<Edited> {
    let existing =
        BTreeMap::from([(path("src/a.rs"), file.to_vec()), (path("b.md"), b"# b\n\n```\nx\n```\n".to_vec())]);
    let (targets, new_files) = ([path("src/a.rs"), path("b.md")], [path("src/n.rs")]);
    let scope = Scope { targets: &targets, new_files: &new_files };
    let mut last = None;
    for format in [Format::Auto, Format::Whole] {
        match edit::apply(reply, format, &scope, &existing) {
            Ok(edited) => {
                for file in &edited.files {
                    assert!(targets.contains(&file.path) || new_files.contains(&file.path));
                }
                last = Some(edited);
            }
            Err(refusals) => {
                assert!(!refusals.is_empty());
                assert!(edit::refusal_text(&refusals).len() < 2048);
            }
        }
    }
    last
}
