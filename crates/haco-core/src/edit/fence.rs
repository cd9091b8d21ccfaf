//! Fences of Markdown: where one opens, where it closes, and what its language says about its content.

use crate::path::RepoPath;

/// The opening line of a fenced block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fence<'a> {
    mark: char,
    len: usize,
    indent: usize,
    /// What stands behind the marks.
    pub info: &'a str,
}

impl<'a> Fence<'a> {
    /// The fence that `text` opens: three or more backticks or tildes, indented or not.
    pub fn open(text: &'a str) -> Option<Fence<'a>> {
        let body = text.trim_start_matches([' ', '\t']);
        let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = body.trim_start_matches(mark);
        let len = body.len() - info.len();
        if len < 3 || (mark == '`' && info.contains('`')) {
            return None;
        }
        Some(Fence { mark, len, indent: text.len() - body.len(), info: info.trim() })
    }

    /// Whether `text` closes this fence: at least as many of the same marks, nothing else, not indented deeper.
    pub fn closes(&self, text: &str) -> bool {
        self.same_kind(text).is_some_and(|other| other.info.is_empty())
    }

    /// Whether `text` opens a fence of the same kind inside this one, which a closing line never does.
    pub fn nests(&self, text: &str) -> bool {
        self.same_kind(text).is_some_and(|other| !other.info.is_empty())
    }

    fn same_kind<'b>(&self, text: &'b str) -> Option<Fence<'b>> {
        Fence::open(text).filter(|o| o.mark == self.mark && o.len >= self.len && o.indent <= self.indent)
    }

    /// `text` without the indentation that the fence itself has, as inside a list.
    pub fn outdented<'b>(&self, text: &'b str) -> &'b str {
        let blanks = text.len() - text.trim_start_matches([' ', '\t']).len();
        &text[blanks.min(self.indent)..]
    }

    /// The language, lower-cased: the first word of the info string.
    pub fn language(&self) -> String {
        self.info.split([' ', ',', ':', '{']).next().unwrap_or("").to_lowercase()
    }
}

/// Whether a fence of this language can hold the whole of `path`: a shell session or some JSON beside a Rust file is an
/// illustration.
pub(super) fn suits(language: &str, path: &RepoPath) -> bool {
    let ext = path.extension();
    match language {
        "bash" | "sh" | "shell" | "zsh" | "fish" => matches!(ext.as_str(), "sh" | "bash" | "zsh" | "fish" | ""),
        "console" | "shell-session" | "terminal" | "output" | "log" | "diff" | "patch" | "powershell" | "ps1" => false,
        "text" | "txt" | "plaintext" => !CODE.contains(&ext.as_str()),
        "yaml" | "yml" => matches!(ext.as_str(), "yaml" | "yml"),
        "json" | "toml" | "html" | "css" | "sql" | "xml" => ext == language || !CODE.contains(&ext.as_str()),
        _ => true,
    }
}

const CODE: &[&str] = &[
    "c", "cc", "cpp", "cs", "go", "h", "hpp", "java", "js", "jsx", "kt", "php", "py", "rb", "rs", "swift", "ts", "tsx",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_fence_holds_a_shorter_one() {
        let open = Fence::open("````md").expect("a fence");
        assert!(!open.closes("```") && open.closes("````") && open.closes("`````  "));
        assert!(Fence::open("``x").is_none() && Fence::open("```a `b```").is_none());
    }

    #[test]
    fn a_deeper_indented_line_does_not_close() {
        let open = Fence::open("```diff").expect("a fence");
        assert!(!open.closes(" ```") && open.closes("```") && open.nests("```rust"));
    }

    #[test]
    fn a_shell_session_is_not_a_rust_file() {
        let path: RepoPath = "a.rs".parse().expect("path");
        assert!(!suits("bash", &path) && !suits("json", &path) && suits("rust", &path) && suits("", &path));
    }
}
