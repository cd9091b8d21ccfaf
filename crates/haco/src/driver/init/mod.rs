//! haco init: prepare this repository for haco.

mod guest;

use super::schema;
use crate::{exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::code::{Code, Failure};
use haco_store::{CONFIG_SCHEMA, Place, Store};

/// Prepare this repository for haco
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write bin/worker, which runs haco-worker
    #[arg(long)]
    bridge: bool,
    /// Put the rules for a supervising agent into CLAUDE.md
    #[arg(long)]
    claude: bool,
    /// Add haco's lines to .gitignore, .claudeignore and .geminiignore
    #[arg(long)]
    ignore: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let here = std::env::current_dir().map_err(|e| Failure::new(Code::Io, format!("no current directory: {e}")))?;
    let place = Place::find(&here)?;
    let mut made = haco_store::init(&place)?;
    let store = Store::open(&place)?;
    let wanted = schema::text("config").as_bytes();
    if store.read(CONFIG_SCHEMA)?.as_deref() != Some(wanted) {
        store.write(CONFIG_SCHEMA, wanted)?;
        made.push(format!(".haco/{CONFIG_SCHEMA}"));
    }
    let top = &place.worktree;
    if args.bridge {
        made.extend(guest::bridge(top)?);
    }
    if args.claude {
        made.extend(guest::claude(top)?);
    }
    if args.ignore {
        made.extend(guest::ignore(top)?);
    }
    match made.as_slice() {
        [] => out.say(format!("nothing to do: '{}' is ready", place.main.display())),
        [first, ..] if first == ".haco/" => {
            let rest: Vec<&str> = made.iter().filter(|m| !m.starts_with(".haco/")).map(String::as_str).collect();
            let rest = if rest.is_empty() { String::new() } else { format!(" and {}", rest.join(", ")) };
            out.say(format!("made .haco/{rest} in '{}'", place.main.display()));
        }
        all => out.say(format!("made {}", all.join(", "))),
    }
    Ok(Outcome::yes().with("made", made))
}
