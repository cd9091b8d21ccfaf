//! Failures of the disk in words: the path in single quotes, the cause after a colon, and a fix where one is known.

use haco_core::code::{Code, Failure};
use std::{io, path::Path};

/// Doing `verb` to `path` failed; `top` is what a person must own for it to work.
pub(crate) fn io(verb: &str, path: &str, top: &Path, cause: &io::Error) -> Failure {
    let failure = Failure::new(Code::Io, format!("cannot {verb} '{path}': {}", words(cause)));
    match cause.kind() {
        io::ErrorKind::PermissionDenied => failure.fix(own(top)),
        _ => failure,
    }
}

/// The command that gives `top` back to whoever types it.
pub(crate) fn own(top: &Path) -> String {
    format!("sudo chown -R \"$(id -un)\" {}", quoted(&top.display().to_string()))
}

/// A stored file that cannot be used, and why.
pub(crate) fn unreadable(path: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::UnreadableState, format!("'{path}': {why}"))
}

/// The operating system's words without its number, and in lower case like every message.
pub(crate) fn words(cause: &io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A path that somebody typed, in one line whatever it holds.
pub(crate) fn escaped(path: &Path) -> String {
    path.to_string_lossy().escape_debug().collect()
}

/// `text` as one word of a shell command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_owns_comes_with_the_command_that_takes_it_back() {
        let denied = io::Error::from_raw_os_error(13);
        let failure = io("write", ".haco/tickets", Path::new("/r/it's/.haco"), &denied);
        assert_eq!(failure.code, Code::Io);
        assert_eq!(failure.message, "cannot write '.haco/tickets': permission denied");
        assert_eq!(failure.fix.as_deref(), Some(r#"sudo chown -R "$(id -un)" '/r/it'\''s/.haco'"#));
    }

    #[test]
    fn a_full_disk_names_the_path_and_has_no_fix_of_ours() {
        let full = io::Error::from_raw_os_error(28);
        let failure = io("write", ".haco/journal.jsonl", Path::new("/r/.haco"), &full);
        assert_eq!(failure.message, "cannot write '.haco/journal.jsonl': no space left on device");
        assert_eq!(failure.fix, None);
    }
}
