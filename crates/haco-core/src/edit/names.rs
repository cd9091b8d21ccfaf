//! Which file a reply means: from the words on a line to a path that may change.

use super::Scope;
use crate::code::Code;
use crate::path::RepoPath;
use std::collections::BTreeMap;

/// What a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A path that the ticket allows.
    In(RepoPath),
    /// A path that it does not allow, or that nothing may write.
    Bad { code: Code, text: String, message: String },
    /// Some path in passing: what follows is about another file.
    Mention,
}

/// The paths that a reply may name.
pub(super) struct Names<'a> {
    scope: &'a Scope<'a>,
    existing: &'a BTreeMap<RepoPath, Vec<u8>>,
}

/// A line longer than this is no label.
const LABEL_BYTES: usize = 400;

impl<'a> Names<'a> {
    pub fn new(scope: &'a Scope<'a>, existing: &'a BTreeMap<RepoPath, Vec<u8>>) -> Names<'a> {
        Names { scope, existing }
    }

    fn allowed(&self) -> impl Iterator<Item = &'a RepoPath> {
        self.scope.targets.iter().chain(self.scope.new_files)
    }

    /// The file that a whole-file reply without a path means: the only one there is.
    pub fn only(&self) -> Option<&'a RepoPath> {
        let mut all = self.allowed();
        let first = all.next()?;
        all.all(|p| p == first).then_some(first)
    }

    /// The file that a change without a path means: the only one that may be modified.
    pub fn only_target(&self) -> Option<&'a RepoPath> {
        match self.scope.targets {
            [one] => Some(one),
            _ => self.only(),
        }
    }

    /// What `text` names, when it is known to be a path.
    pub fn resolve(&self, text: &str) -> Named {
        let verbatim = |text: &str| self.allowed().find(|p| p.as_str() == text).cloned();
        let bare = without_position(text.trim());
        let bare = bare.strip_prefix("./").unwrap_or(bare);
        if let Some(path) = verbatim(text).or_else(|| verbatim(bare)) {
            return Named::In(path);
        }
        let text = bare;
        let bad = |code, message: String| Named::Bad { code, text: short(text), message };
        let relative: Result<RepoPath, String> = text.trim_start_matches('/').parse();
        match (relative, text.parse::<RepoPath>()) {
            (Err(why), _) => bad(Code::UnsafePath, why),
            (Ok(path), _) if self.tail_of(&path).is_some() && !self.existing.contains_key(&path) => {
                Named::In(self.tail_of(&path).expect("just found").clone())
            }
            (Ok(_), Err(why)) => bad(Code::UnsafePath, why),
            (Ok(path), Ok(_)) => match self.allowed().find(|p| crate::path::collides(p, &path)) {
                Some(like) => bad(Code::UnsafePath, format!("'{path}' differs from '{like}' only in case")),
                None => bad(Code::OutOfScope, self.out_of_scope(&path)),
            },
        }
    }

    /// Why `path` is refused, with what is allowed.
    pub fn out_of_scope(&self, path: &RepoPath) -> String {
        let mut allowed: Vec<String> = self.allowed().take(12).map(|p| format!("'{p}'")).collect();
        if self.allowed().count() > allowed.len() {
            allowed.push("…".into());
        }
        let list = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        format!("'{}' is not one of the files that may change; allowed: {list}", short(path.as_str()))
    }

    /// The one allowed path that ends `path` (which is written too long), or that `path` ends (a bare name).
    fn tail_of(&self, path: &RepoPath) -> Option<&'a RepoPath> {
        let ends = |long: &str, tail: &str| long.strip_suffix(tail).is_some_and(|head| head.ends_with('/'));
        let text = path.as_str();
        one(self.allowed().filter(|p| ends(text, p.as_str())))
            .or_else(|| one(self.allowed().filter(|p| ends(p.as_str(), text))))
    }

    /// What the info string of a fence names.
    pub fn in_info(&self, info: &str) -> Option<Named> {
        let cut = |c: char| c.is_whitespace() || "=\"'{}(),`".contains(c);
        let words = || info.split(cut).flat_map(|w| [Some(w), w.split_once(':').map(|(_, p)| p)]).flatten();
        let found = words().filter(|w| !w.is_empty()).map(|w| (w, self.resolve(w)));
        let mut bad = None;
        for (word, named) in found {
            match named {
                Named::In(_) => return Some(named),
                _ if looks_like_path(word) || word.contains('/') => bad = Some(named),
                _ => {}
            }
        }
        bad
    }

    /// What a line above a fence or a block names: a label is taken at its word, prose only where it names one path.
    pub fn in_prose(&self, line: &str) -> Option<Named> {
        if line.len() > LABEL_BYTES {
            return None;
        }
        if let Some(path) = self.bare(line) {
            return Some(Named::In(path.clone()));
        }
        let label = label(line);
        let is_word = !label.contains(|c: char| c.is_whitespace() || c == '<') && !label.contains("://");
        if is_word && (looks_like_path(label) || label.contains(['/', '\\'])) {
            return Some(self.resolve(label));
        }
        let cut = |c: char| c.is_whitespace() || "`*\"'()[]<>,;{}=|".contains(c);
        let words = line.split(cut).map(|w| w.trim_end_matches([':', '.', '!', '?']));
        let paths: Vec<&str> = words.filter(|w| looks_like_path(w) || self.is_exact(w)).collect();
        let mut found: Vec<RepoPath> = Vec::new();
        for word in &paths {
            if let Named::In(path) = self.resolve(word)
                && !found.contains(&path)
            {
                found.push(path);
            }
        }
        match (found.as_slice(), paths.is_empty()) {
            ([one], _) => Some(Named::In(one.clone())),
            (_, true) => None,
            _ => Some(Named::Mention),
        }
    }

    /// The allowed path that `line` is, marks around it aside, of which the name may have some of its own.
    fn bare(&self, line: &str) -> Option<&'a RepoPath> {
        let quotes = |c: char| c.is_whitespace() || "`*\"'#>:".contains(c);
        let plain = line.trim_matches(quotes);
        let words = [plain, plain.trim_start_matches("- "), label(line)];
        let file = plain.rsplit_once(": ").map_or(plain, |(_, name)| name.trim_matches(quotes));
        self.allowed().find(|p| words.contains(&p.as_str()) || p.as_str() == file)
    }

    /// Whether `line` is nothing but the name of a file.
    pub fn is_label(&self, line: &str) -> bool {
        if self.bare(line).is_some() {
            return true;
        }
        let label = label(line);
        line.len() <= LABEL_BYTES
            && !label.contains(char::is_whitespace)
            && (self.is_exact(label) || matches!(self.resolve(label), Named::In(_)))
    }

    /// What a comment on the first line of a fence names: nothing but a path, perhaps behind `File:`.
    pub fn in_comment(&self, line: &str) -> Option<RepoPath> {
        let line = line.trim();
        let inner = ["//", "#", "--", "<!--", "/*", ";", "%"].iter().find_map(|mark| line.strip_prefix(mark))?;
        let inner = inner.trim().trim_end_matches("-->").trim_end_matches("*/");
        if let Some(path) = self.bare(inner) {
            return Some(path.clone());
        }
        let word = label(inner);
        if word.is_empty() || word.len() > LABEL_BYTES || !(looks_like_path(word) || self.is_exact(word)) {
            return None;
        }
        match self.resolve(word) {
            Named::In(path) => Some(path),
            _ => None,
        }
    }

    /// Whether the file that is there has `line` as its first, so that it is content and no label.
    pub fn begins_with(&self, path: &RepoPath, line: &str) -> bool {
        let bytes = self.existing.get(path).map_or(&[][..], Vec::as_slice);
        let first = bytes.split(|b| *b == b'\n').next().unwrap_or(&[]);
        first.trim_ascii_end().ends_with(line.trim().as_bytes())
    }

    fn is_exact(&self, word: &str) -> bool {
        self.allowed().any(|p| p.as_str() == word)
    }
}

fn one<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// A line without heading marks, list marks, emphasis, quotes, a leading `File:` and a trailing colon.
fn label(line: &str) -> &str {
    let decoration = |c: char| c.is_whitespace() || "#*`_\"'>".contains(c);
    let mut text = line.trim_matches(decoration).trim_start_matches("- ");
    text = text.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches([')']).trim_start_matches(". ");
    if text.is_empty() {
        return "";
    }
    text = text.trim_matches(decoration).trim_end_matches(':').trim_matches(decoration);
    for word in ["file:", "path:", "filename:", "file path:", "filepath:", "file", "new file:", "create", "update"] {
        let head = text.get(..word.len()).is_some_and(|h| h.eq_ignore_ascii_case(word));
        let rest = text.get(word.len()..).unwrap_or("");
        if head && (word.ends_with(':') || rest.starts_with(' ') || rest.starts_with("**")) {
            return rest.trim_start_matches(':').trim_matches(decoration);
        }
    }
    text
}

/// `src/a.rs:12` or `src/a.rs:12-20` without the position.
fn without_position(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((path, n)) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit() || b == b'-') => path,
        _ => text,
    }
}

/// Whether a word can only be meant as a path: by its extension, or by how it begins.
pub fn looks_like_path(word: &str) -> bool {
    if word.contains("://") || word.contains("::") || word.starts_with('@') || word.len() > LABEL_BYTES {
        return false;
    }
    if word.starts_with("../") || word.starts_with("./") || word.starts_with(".git/") || word.starts_with("~/") {
        return true;
    }
    let word = without_position(word);
    let last = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let ext = last.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    let is_deep = last.len() < word.len();
    let wordy = !ext.is_empty() && ext.len() <= 10 && ext.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    KNOWN.contains(&ext.as_str())
        || (is_deep && wordy && !ext.bytes().all(|b| b.is_ascii_digit()))
        || (word.starts_with('/') && word[1..].contains('/'))
}

const KNOWN: &[&str] = &[
    "bash", "bat", "c", "cc", "cfg", "cjs", "cmake", "conf", "cpp", "cs", "css", "csv", "dart", "erl", "ex", "exs",
    "fish", "go", "gradle", "graphql", "h", "hpp", "hs", "html", "ini", "java", "jl", "js", "json", "jsx", "kt", "kts",
    "less", "lock", "lua", "md", "mdx", "mjs", "ml", "nix", "php", "pl", "proto", "ps1", "py", "pyi", "r", "rb", "rs",
    "rst", "sass", "scala", "scss", "sh", "sql", "svelte", "svg", "swift", "tex", "tf", "toml", "ts", "tsx", "txt",
    "vue", "xml", "yaml", "yml", "zig",
];

/// `text` short enough for a message.
pub(super) fn short(text: &str) -> String {
    let head: String = text.chars().take(120).flat_map(char::escape_debug).collect();
    if text.chars().nth(120).is_some() { head + "…" } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(targets: &[&str], ask: impl Fn(&Names) -> T) -> T {
        let targets: Vec<RepoPath> = targets.iter().map(|t| t.parse().expect("path")).collect();
        let (scope, existing) = (Scope { targets: &targets, new_files: &[] }, BTreeMap::new());
        ask(&Names::new(&scope, &existing))
    }

    fn is_in(named: Option<Named>, path: &str) -> bool {
        matches!(named, Some(Named::In(p)) if p.as_str() == path)
    }

    #[test]
    fn labels_name_a_path_in_every_dress() {
        for line in [
            "src/a.rs",
            "**src/a.rs**",
            "### `src/a.rs`",
            "File: src/a.rs",
            "- `src/a.rs`:",
            "1. src/a.rs",
            "**File: `src/a.rs`**",
            "./src/a.rs",
            "/home/me/proj/src/a.rs",
            "a.rs",
            "Update `src/a.rs`:",
            "src/a.rs:12",
            "Here is the new `src/a.rs`, as asked:",
            "In src/a.rs:",
            "> src/a.rs",
            "proj/src/a.rs",
        ] {
            assert!(with(&["src/a.rs", "src/b.rs"], |n| is_in(n.in_prose(line), "src/a.rs")), "{line}");
        }
    }

    #[test]
    fn prose_without_a_path_names_nothing() {
        for line in
            ["Here it is:", "read/write and so on", "see https://x.org/a.html", "v1.2.3", "", "e.g. this", "std::fs"]
        {
            assert_eq!(with(&["src/a.rs"], |n| n.in_prose(line)), None, "{line}");
        }
        assert_eq!(with(&["src/a.rs"], |n| n.in_prose("as it is used in src/z.rs, it")), Some(Named::Mention));
        assert_eq!(with(&["x/a.rs", "x/b.rs"], |n| n.in_prose("x/a.rs and x/b.rs")), Some(Named::Mention));
    }

    #[test]
    fn a_tail_of_two_targets_is_nobodys() {
        assert!(with(&["x/a.rs", "y/a.rs"], |n| matches!(
            n.resolve("a.rs"),
            Named::Bad { code: Code::OutOfScope, .. }
        )));
    }

    #[test]
    fn info_strings_name_a_path_in_every_dress() {
        for info in [
            "rust src/a.rs",
            "src/a.rs",
            "rust:src/a.rs",
            "rust title=\"src/a.rs\"",
            "{.rust file=src/a.rs}",
            "rust,src/a.rs",
        ] {
            assert!(with(&["src/a.rs"], |n| is_in(n.in_info(info), "src/a.rs")), "{info}");
        }
        for info in ["rust", "c++", "rust,ignore", "", "js highlight"] {
            assert_eq!(with(&["src/a.rs"], |n| n.in_info(info)), None, "{info}");
        }
    }
}
