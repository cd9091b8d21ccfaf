//! The lines of a source file that declare something, told by their first words: what a lead needs to name interfaces.

/// At most this much of one file, so that one large file does not hide the others.
const MOST_LINES: usize = 40;
const MOST_CHARS: usize = 160;

/// A language by the words that begin its declarations.
pub(super) struct Language {
    /// Words that declare.
    words: &'static [&'static str],
    /// Words that may stand before them.
    before: &'static [&'static str],
}

const RUST: Language = Language {
    words: &["fn", "struct", "enum", "trait", "impl", "type", "mod"],
    before: &["pub", "async", "const", "unsafe"],
};
const PYTHON: Language = Language { words: &["def", "class"], before: &["async"] };
const GO: Language = Language { words: &["func", "type"], before: &[] };
const SCRIPT: Language = Language {
    words: &["function", "class", "interface", "type", "enum", "const"],
    before: &["export", "default", "async", "abstract", "declare"],
};
const CLASSES: Language = Language {
    words: &[
        "class",
        "interface",
        "enum",
        "record",
        "trait",
        "struct",
        "fun",
        "func",
        "function",
        "protocol",
        "object",
    ],
    before: &["public", "private", "protected", "internal", "static", "final", "abstract", "open", "sealed", "data"],
};
const RUBY: Language = Language { words: &["def", "class", "module"], before: &[] };
const SHELL: Language = Language { words: &["function"], before: &[] };

impl Language {
    /// The language of a path, by its ending.
    pub(super) fn of(path: &str) -> Option<&'static Language> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending {
            "rs" => &RUST,
            "py" | "pyi" => &PYTHON,
            "go" => &GO,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "tsx" => &SCRIPT,
            "java" | "kt" | "swift" | "cs" | "php" | "scala" => &CLASSES,
            "rb" => &RUBY,
            "sh" | "bash" => &SHELL,
            _ => return None,
        })
    }

    /// The declarations of a file in their order, each one line, indented ones included.
    pub(super) fn declarations(&self, text: &str) -> Vec<String> {
        let lines = text.lines().filter(|line| self.declares(line));
        let shown =
            |line: &str| line.trim_end().trim_end_matches(['{', ':']).trim_end().chars().take(MOST_CHARS).collect();
        lines.take(MOST_LINES).map(shown).collect()
    }

    fn declares(&self, line: &str) -> bool {
        let nested = line.starts_with([' ', '\t']);
        let mut words = line.split(|c: char| c.is_whitespace() || c == '<').filter(|w| !w.is_empty());
        let first = words.find(|word| !self.before.contains(word) && !word.starts_with("pub("));
        // A constant inside a function is nobody's interface.
        first.is_some_and(|word| self.words.contains(&word) && !(nested && word == "const"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        Language::of(path).expect("a language").declarations(text)
    }

    #[test]
    fn declarations_are_told_from_other_lines() {
        let rust = "use x;\npub(crate) fn a() -> u8 {\n    let fn_ = 1;\n}\nimpl<T> B<T> {\n    pub async fn c(&self);\n// fn d\n";
        assert_eq!(found("src/a.rs", rust), ["pub(crate) fn a() -> u8", "impl<T> B<T>", "    pub async fn c(&self);"]);
        assert_eq!(found("a.py", "class A:\n    def b(self):\n        define(x)\n"), ["class A", "    def b(self)"]);
        let script = "export default class A {\n  const b = 1\n}\nexport const c = 2\n";
        assert_eq!(found("a.ts", script), ["export default class A", "export const c = 2"]);
        assert_eq!(found("a.go", "func (s *S) A() {\n}\n"), ["func (s *S) A()"]);
    }

    #[test]
    fn one_file_gives_a_bounded_number_of_bounded_lines() {
        let lines = found("a.py", &format!("def {}():\n", "x".repeat(500)).repeat(100));
        assert_eq!((lines.len(), lines[0].chars().count()), (MOST_LINES, MOST_CHARS));
        assert!(Language::of("README").is_none() && Language::of("a.md").is_none());
    }
}
