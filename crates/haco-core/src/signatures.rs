//! The lines of a source file that declare something, told by their first words: what a lead needs to name interfaces, and
//! a worker to call them.

use std::collections::BTreeSet;

/// At most this much of one file, so that one large file does not hide the others.
const MOST_LINES: usize = 40;
const MOST_CHARS: usize = 160;

/// A language by the words that begin its declarations.
#[derive(Debug)]
pub struct Language {
    /// Words that declare.
    words: &'static [&'static str],
    /// Words that may stand before them.
    before: &'static [&'static str],
    /// How a function is told that no word declares.
    functions: Functions,
}

/// How a function is told where the language has no word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Functions {
    /// It has a word.
    ByWord,
    /// Java: a modifier, and parentheses.
    AfterModifier,
    /// C: parentheses in a line that is not indented.
    AtMargin,
}

const RUST: Language = Language {
    words: &["fn", "struct", "enum", "trait", "impl", "type", "mod"],
    before: &["pub", "async", "const", "unsafe"],
    functions: Functions::ByWord,
};
const PYTHON: Language = Language { words: &["def", "class"], before: &["async"], functions: Functions::ByWord };
const GO: Language = Language { words: &["func", "type"], before: &[], functions: Functions::ByWord };
const SCRIPT: Language = Language {
    words: &["function", "class", "interface", "type", "enum", "const"],
    before: &["export", "default", "async", "abstract", "declare"],
    functions: Functions::ByWord,
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
    functions: Functions::AfterModifier,
};
const RUBY: Language = Language { words: &["def", "class", "module"], before: &[], functions: Functions::ByWord };
const C: Language = Language {
    words: &["struct", "enum", "union", "typedef", "#define", "class", "namespace"],
    before: &["static", "extern", "const"],
    functions: Functions::AtMargin,
};
const SHELL: Language = Language { words: &["function"], before: &[], functions: Functions::ByWord };

impl Language {
    /// The language of a path, by its ending.
    pub fn of(path: &str) -> Option<&'static Language> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending {
            "rs" => &RUST,
            "py" | "pyi" => &PYTHON,
            "go" => &GO,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "tsx" => &SCRIPT,
            "java" | "kt" | "swift" | "cs" | "php" | "scala" => &CLASSES,
            "rb" => &RUBY,
            "c" | "h" | "cc" | "cpp" | "hpp" => &C,
            "sh" | "bash" => &SHELL,
            _ => return None,
        })
    }

    /// The declarations of a file in their order, each one line, indented ones included.
    pub fn declarations(&self, text: &str) -> Vec<String> {
        let lines = text.lines().filter(|line| self.declares(line));
        let shown =
            |line: &str| line.trim_end().trim_end_matches(['{', ':']).trim_end().chars().take(MOST_CHARS).collect();
        lines.take(MOST_LINES).map(shown).collect()
    }

    /// Whether a line of `text` declares one of `names`.
    pub fn declares_any(&self, text: &str, names: &BTreeSet<&str>) -> bool {
        text.lines().filter(|line| self.declares(line)).any(|line| words(line).any(|word| names.contains(word)))
    }

    fn declares(&self, line: &str) -> bool {
        let nested = line.starts_with([' ', '\t']);
        let mut words = line.split(|c: char| c.is_whitespace() || c == '<').filter(|w| !w.is_empty()).peekable();
        let modified = words.peek().is_some_and(|word| self.before.contains(word));
        let first = words.find(|word| !self.before.contains(word) && !word.starts_with("pub("));
        // A constant inside a function is nobody's interface.
        first.is_some_and(|word| self.words.contains(&word) && !(nested && word == "const"))
            || match self.functions {
                Functions::ByWord => false,
                Functions::AfterModifier => modified && is_head(line),
                Functions::AtMargin => !nested && line.starts_with(|c: char| c.is_alphabetic()) && is_head(line),
            }
    }
}

/// Whether a line may be a function's head: parentheses, no assignment before them, and nothing but its body behind.
fn is_head(line: &str) -> bool {
    let Some((before, behind)) = line.split_once('(') else { return false };
    let end = line.trim_end();
    !before.contains('=') && behind.contains(')') && end.ends_with(['{', ';', ')', '}'])
}

/// The names and words of a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
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
        let java = "public class A {\n    private int n = f(1);\n    public int b(String s) {\n        c();\n";
        assert_eq!(found("A.java", java), ["public class A", "    public int b(String s)"]);
        let c = "#include <a.h>\nstruct s {\n\tint x;\nint b(void);\nstatic char *c(int n)\n{\n\td();\nint e = f();\n";
        assert_eq!(found("a.c", c), ["struct s", "int b(void);", "static char *c(int n)"]);
    }

    #[test]
    fn a_name_is_declared_where_a_declaration_holds_it() {
        let language = Language::of("a.py").expect("a language");
        let names = BTreeSet::from(["greet"]);
        assert!(language.declares_any("x = 1\ndef greet(name):\n", &names));
        assert!(!language.declares_any("greet(1)\ndef greeting():\n", &names));
    }

    #[test]
    fn one_file_gives_a_bounded_number_of_bounded_lines() {
        let lines = found("a.py", &format!("def {}():\n", "x".repeat(500)).repeat(100));
        assert_eq!((lines.len(), lines[0].chars().count()), (MOST_LINES, MOST_CHARS));
        assert!(Language::of("README").is_none() && Language::of("a.md").is_none());
    }
}
