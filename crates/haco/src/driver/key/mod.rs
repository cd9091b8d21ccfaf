//! haco key: keep keys of model servers with a program that the system already trusts, and try them out.

mod try_out;

use crate::{
    exit::Outcome,
    key::{keeper::Keeper, ring},
    output::Out,
};
use anyhow::Result;
use clap::Subcommand;
use haco_core::{
    code::{Code, Failure},
    key::KeyName,
};
use haco_net::Secret;
use serde_json::json;
use std::io::Read;

/// Keep keys of model servers where only you can use them
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep a key: typed at a terminal without being shown, or from standard input
    Set(Set),
    /// Print the names of the keys that are kept, each with its keeper
    List,
    /// Remove a key from its keeper
    Rm {
        /// The key's name
        #[arg(value_name = "NAME")]
        name: KeyName,
    },
    /// Ask the server once, as cheaply as it can be, whether it takes the key
    Test {
        /// A key's name, or a model's
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Set {
    /// 'openai' and 'anthropic' need nothing else; a model takes another by "key": "NAME"
    #[arg(value_name = "NAME")]
    name: KeyName,
    /// Who keeps it; without it the first of these that can
    #[arg(long, value_name = "KEEPER", value_enum, conflicts_with = "plain")]
    keeper: Option<Keeper>,
    /// In a file that only you read, not encrypted
    #[arg(long)]
    plain: bool,
    /// Caught so that it is not repeated in a message.
    #[arg(hide = true)]
    typed: Vec<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    match args.action {
        Action::Set(args) => set(args, out),
        Action::List => list(out),
        Action::Rm { name } => remove(&name, out),
        Action::Test { name } => try_out::run(&name, out),
    }
}

fn set(args: Set, out: &mut Out) -> Result<Outcome> {
    let name = &args.name;
    let again = format!("haco key set {name}");
    if !args.typed.is_empty() {
        let message = "a key is never an argument: everybody on this machine reads those, and the shell remembers them";
        return Err(Failure::new(Code::Usage, message).fix(again).into());
    }
    let text = if out.can_ask() { asked(name, out)? } else { piped()? };
    let key = Secret::new(&text).map_err(|failure| failure.fix(again))?;
    let keeper = if args.plain { Some(Keeper::Plain) } else { args.keeper };
    let keeper = ring::set(name, &key, keeper)?;
    out.line(name.as_str())?;
    match keeper {
        Keeper::Plain => out.say(format!("'{name}' is kept in a file that only you read, and is not encrypted")),
        keeper => out.say(format!("'{name}' is kept by {}", keeper.word())),
    }
    Ok(Outcome::yes().with("key", name.as_str()).with("keeper", keeper.word()))
}

fn asked(name: &KeyName, out: &Out) -> Result<String> {
    let question = format!("the key '{name}' (it is not shown): ");
    let line = haco_sandbox::terminal::hidden_line(std::io::stdin(), || out.ask(&question));
    out.ask("\n");
    Ok(line?)
}

fn piped() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(64 << 10).read_to_end(&mut bytes)?;
    // What is no text is no key, and is said to be none.
    Ok(String::from_utf8(bytes).unwrap_or_else(|_| "\0".to_owned()))
}

fn list(out: &mut Out) -> Result<Outcome> {
    let all = ring::list()?;
    all.iter().try_for_each(|(name, keeper)| out.line(format!("{name} {}", keeper.word())))?;
    let keys: Vec<_> = all.iter().map(|(name, keeper)| json!({"key": name, "keeper": keeper.word()})).collect();
    Ok(Outcome::yes().with("keys", keys))
}

fn remove(name: &KeyName, out: &mut Out) -> Result<Outcome> {
    match ring::remove(name)? {
        true => out.line(name.as_str())?,
        false => out.say(format!("no key '{name}' is kept")),
    }
    Ok(Outcome::yes().with("key", name.as_str()))
}
