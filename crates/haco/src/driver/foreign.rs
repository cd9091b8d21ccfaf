//! haco foo: runs the program `haco-foo` found beside haco, else on PATH, in haco's place, so that status and signals
//! pass through.

use crate::{exit::Outcome, output::Out, programs::THROUGH_HACO};
use anyhow::Result;
use clap::CommandFactory;
use haco_core::{
    code::{Code, Failure},
    intake::nearest,
};
use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
};

/// Replaces this process by the program.
pub fn run(words: Vec<OsString>, out: &mut Out) -> Result<Outcome> {
    let (name, rest) = words.split_first().ok_or_else(|| Failure::new(Code::Usage, "no command was given"))?;
    let Some(name) = name.to_str().filter(|n| is_name(n)) else { return Err(unknown(name).into()) };
    let program = format!("haco-{name}");
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join(&program)));
    let places = [beside.filter(|path| path.is_file()), Some(program.as_str().into())];
    for place in places.iter().flatten() {
        let error = replace(place, rest);
        if error.kind() != io::ErrorKind::NotFound {
            let cause = format!("cannot run '{}': {error}", place.display());
            return Err(Failure::new(Code::MissingTool, cause).into());
        }
    }
    // What follows the name belongs to a program that is not there, so its `--json` is ours.
    if rest.iter().any(|word| word == "--json") {
        out.as_json();
    }
    Err(unknown(OsStr::new(name)).into())
}

/// Returns only where it failed.
fn replace(program: &Path, rest: &[OsString]) -> io::Error {
    Command::new(program).args(rest).exec()
}

/// A name that leads to no other directory and is no option.
fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(inner)
}

fn unknown(name: &OsStr) -> Failure {
    let shown = name.to_string_lossy();
    let command = super::Args::command();
    let own = command.get_subcommands().filter(|c| !c.is_hide_set()).map(|c| c.get_name().to_owned());
    let known: Vec<String> = own.chain(THROUGH_HACO.map(str::to_owned)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let message = format!("no such command: '{}'", shown.escape_debug());
    let meant = nearest(&shown, &known).or_else(|| known.iter().copied().find(|k| letters(k) == letters(&shown)));
    let fix = meant.map_or("haco --help".to_owned(), |near| format!("haco {near}"));
    Failure::new(Code::Usage, message).fix(fix)
}

/// The letters of a word whose order a quick hand may have changed.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_the_command_that_was_meant() {
        let fix = |name: &str| unknown(OsStr::new(name)).fix.expect("a fix");
        assert_eq!(fix("lits"), "haco list");
        assert_eq!(fix("verfy"), "haco verify");
        assert_eq!(fix("zzzzzz"), "haco --help");
    }

    #[test]
    fn a_command_is_a_plain_word() {
        assert!(is_name("plan") && is_name("my-tool2"));
        for bad in ["", "../x", "a/b", "-x", "a b", "a\n"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
