//! From a model's reply to new file bytes, or a refusal that helps.

use serde::{Deserialize, Serialize};

/// The form that a draft is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Found by looking.
    #[default]
    Auto,
    /// Whole files in fences.
    Whole,
    /// Search and replace blocks.
    SearchReplace,
    /// Unified diffs.
    Udiff,
    /// Codex patches.
    Patch,
    /// JSON edits.
    Json,
}
