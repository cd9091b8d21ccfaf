//! haco edit: a model's reply applied to the files of a plain directory, all of it or nothing. Decided in core, written by
//! the store; here the one is given what the other saw.

mod survey;
mod words;

use crate::{exit::Outcome, output::Out};
use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use haco_core::{
    code::{Code, Failure},
    edit::{self, Changed, Edited, Format, REPLY_BYTES, Refusal, Side},
    oid::Mode,
    path::is_guarded,
};
use haco_store::{OnlyWriter, Replace, Tree};
use std::{
    ffi::OsString,
    io::{self, Read},
    path::{Path, PathBuf},
};
use survey::{Allowed, Survey};

/// Apply a model's reply to files, all of it or nothing
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The reply [default: standard input]
    #[arg(value_name = "REPLY-FILE|-")]
    reply: Option<OsString>,
    /// Where the files are
    #[arg(short = 'C', value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// A file that may be changed or deleted, or a glob of such files
    #[arg(long = "target", value_name = "PATH", required_unless_present = "new_files")]
    targets: Vec<String>,
    /// A file that may be created, or a glob of such files
    #[arg(long = "new", value_name = "PATH")]
    new_files: Vec<String>,
    /// The form that was asked for; all forms are read whatever it is
    #[arg(long, value_name = "FORM", default_value = "auto", value_parser = format())]
    format: Format,
    /// Decide, and write nothing
    #[arg(long)]
    check: bool,
    /// Print the change as a unified diff, and write nothing
    #[arg(long, conflicts_with_all = ["check", "null"])]
    stdout: bool,
    /// End each path with a zero byte
    #[arg(short = 'z', long)]
    null: bool,
}

fn format() -> impl TypedValueParser<Value = Format> {
    let known = ["auto", "whole", "search-replace", "udiff", "patch", "json"];
    PossibleValuesParser::new(known).try_map(|name| serde_json::from_value(serde_json::Value::from(name)))
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let reply = reply(args.reply.as_ref())?;
    let tree = open(&args.dir)?;
    let alone = if args.check || args.stdout { None } else { Some(tree.only_writer()?) };
    let decided = match String::from_utf8(reply) {
        Ok(reply) => {
            let mut survey =
                Survey::of(&tree, &Allowed { targets: &args.targets, new_files: &args.new_files }, &reply)?;
            survey.missing.iter().for_each(|path| out.warn(format!("'{path}' is not there")));
            survey.decide(&tree, &reply, args.format)?.map(|edited| (edited, survey))
        }
        Err(error) => Err(vec![not_text(error.utf8_error().valid_up_to())]),
    };
    match decided {
        Err(refusals) => Ok(refused(&refusals, out)),
        Ok((edited, survey)) => {
            if let Some(alone) = &alone {
                write(&tree, alone, &edited, &survey)?;
            }
            report(&args, &edited, &survey, out)
        }
    }
}

/// The directory, which is neither git's nor haco's own, by whatever name it was reached.
fn open(dir: &Path) -> Result<Tree> {
    let tree = Tree::open(dir)?;
    let whole = dir.canonicalize().map_err(|e| Failure::new(Code::Io, format!("cannot find the directory: {e}")))?;
    if whole.iter().any(|part| is_guarded(&part.to_string_lossy())) {
        let why = format!("'{}' is below .git or .haco, where nothing is edited", dir.to_string_lossy().escape_debug());
        return Err(Failure::new(Code::Usage, why).into());
    }
    Ok(tree)
}

/// The reply's bytes; a little more than the engine takes, so that it says itself what is too long.
fn reply(name: Option<&OsString>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = REPLY_BYTES as u64 + 1;
    match name.filter(|n| *n != "-") {
        None => {
            let read = io::stdin().lock().take(most).read_to_end(&mut bytes);
            read.map_err(|e| Failure::new(Code::Io, format!("cannot read the reply from stdin: {e}")))?;
        }
        Some(name) => {
            let file = std::fs::File::open(name);
            let read = file.and_then(|file| file.take(most).read_to_end(&mut bytes));
            let shown = name.to_string_lossy().escape_debug().to_string();
            read.map_err(|e| Failure::new(Code::Usage, format!("cannot read '{shown}': {e}")))?;
        }
    }
    Ok(bytes)
}

fn not_text(at: usize) -> Refusal {
    let message = format!("the reply is not UTF-8 text: byte {} of it is of no character", at + 1);
    Refusal { code: Code::BadEdit, path: None, edit: 0, line: None, message, candidates: Vec::new() }
}

/// What goes into the next prompt stands on stderr as it is, and beside the rest in JSON.
fn refused(refusals: &[Refusal], out: &Out) -> Outcome {
    let text = edit::refusal_text(refusals);
    out.verbatim(&text);
    let first = refusals.first().map_or((Code::NoEdits, String::new()), |r| (r.code, r.message.clone()));
    let failure = Failure::new(first.0, first.1);
    let listed = serde_json::to_value(refusals).expect("refusals are plain data");
    Outcome { said: true, ..Outcome::no(failure).with("refusals", listed).with("text", text) }
}

/// What changes first, what goes last: a file that moves is there twice for a moment and never nowhere.
fn write(tree: &Tree, alone: &OnlyWriter, edited: &Edited, survey: &Survey) -> Result<()> {
    let changes: Vec<Replace> = edited
        .changes()
        .map(|file| Replace {
            path: &file.path,
            old: survey.seen.get(&file.path),
            new: file.new.as_deref(),
            like: file.from.as_ref().and_then(|from| survey.seen.get(from)),
        })
        .collect();
    Ok(tree.replace(alone, &changes)?)
}

fn report(args: &Args, edited: &Edited, survey: &Survey, out: &mut Out) -> Result<Outcome> {
    for flag in &edited.flags {
        out.warn(&flag.message);
    }
    if edited.changes().next().is_none() {
        out.say("nothing to do: the files already are as the reply has them");
    }
    let files = serde_json::to_value(&edited.files)?;
    let outcome = Outcome::yes().with("format", serde_json::to_value(edited.format)?).with("files", files);
    let outcome = outcome.with("flags", serde_json::to_value(&edited.flags)?);
    if args.stdout {
        let diff = diff(edited, survey);
        out.bytes(&diff)?;
        return Ok(outcome.with("diff", String::from_utf8_lossy(&diff).into_owned()));
    }
    for file in edited.changes() {
        out.bytes(file.path.as_str().as_bytes())?;
        out.bytes(if args.null { b"\0" } else { b"\n" })?;
    }
    Ok(outcome)
}

fn diff(edited: &Edited, survey: &Survey) -> Vec<u8> {
    let files = edited.changes().map(|file| {
        let seen = survey.seen.get(&file.path);
        let model = seen.or_else(|| survey.seen.get(file.from.as_ref()?));
        let mode = model.map_or(Mode::Regular, |s| s.mode);
        Changed {
            path: &file.path,
            old: seen.map(|s| Side { bytes: &s.bytes, mode }),
            new: file.new.as_deref().map(|bytes| Side { bytes, mode }),
        }
    });
    edit::print(&files.collect::<Vec<_>>())
}
