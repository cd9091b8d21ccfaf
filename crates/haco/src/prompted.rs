//! How a provider's program gets its prompt: on its standard input, or in a file where a word of its command says so.

use haco_core::code::{Code, Failure};
use std::{ffi::OsString, path::Path};

/// What stands in a command for the file with the prompt.
const PLACE: &str = "{prompt_file}";

/// A command with its prompt.
#[derive(Debug, PartialEq, Eq)]
pub struct Prompted {
    /// The words, with the file's path in its place.
    pub words: Vec<OsString>,
    /// What it reads; empty where the prompt is in a file.
    pub stdin: Vec<u8>,
}

impl Prompted {
    /// The file is written below `scratch`, which goes when the call is over.
    pub fn new(command: &[String], prompt: String, scratch: &Path) -> Result<Prompted, Failure> {
        if !command.iter().any(|word| word.contains(PLACE)) {
            return Ok(Prompted { words: command.iter().map(Into::into).collect(), stdin: prompt.into_bytes() });
        }
        let path = scratch.join("prompt.md");
        let failed = |why: &str| Failure::new(Code::Io, format!("'{}' cannot be written: {why}", path.display()));
        fs_err::write(&path, prompt).map_err(|error| failed(&error.to_string()))?;
        let name = path.to_str().ok_or_else(|| failed("its path is not UTF-8"))?;
        Ok(Prompted { words: command.iter().map(|word| word.replace(PLACE, name).into()).collect(), stdin: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompted(words: &[&str], scratch: &Path) -> Prompted {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Prompted::new(&command, "say hi".to_owned(), scratch).expect("a prompt")
    }

    #[test]
    fn the_prompt_is_on_stdin_unless_a_word_asks_for_a_file() {
        let scratch = tempfile::tempdir().expect("a directory");
        let on_stdin = prompted(&["codex", "exec", "-"], scratch.path());
        assert_eq!((on_stdin.words.len(), on_stdin.stdin.as_slice()), (3, b"say hi".as_slice()));
        let in_file = prompted(&["ask", "--from={prompt_file}", "{prompt_file}"], scratch.path());
        let path = scratch.path().join("prompt.md");
        assert_eq!(in_file.words[1], format!("--from={}", path.display()).as_str());
        assert_eq!((&in_file.words[2], in_file.stdin.len()), (&OsString::from(&path), 0));
        assert_eq!(fs_err::read(&path).expect("it is there"), b"say hi");
    }
}
