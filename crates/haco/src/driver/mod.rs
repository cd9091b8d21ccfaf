//! haco: the face of the suite, one module a command.

mod abandon;
mod accept;
mod apply;
mod approve;
mod calibrate;
mod completions;
mod confine;
mod demo;
mod diff;
mod doctor;
mod edit;
mod foreign;
mod gates;
mod init;
mod key;
mod list;
mod log;
pub mod man;
mod models;
mod next;
mod replay;
mod report;
mod retry;
mod rework;
mod run;
mod schema;
mod show;
mod split;
mod status;
mod stop;
mod text;
mod trust;
mod withdraw;

use crate::{
    exit::{Outcome, Program},
    output::{Common, Out},
};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Run AI coding work the way a careful team would
#[derive(Debug, Parser)]
#[command(name = "haco", version, after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str =
    "haco plan, worker, verify, audit and ship run the programs haco-plan … haco-ship, and haco foo runs haco-foo.";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Next(next::Args),
    Run(run::Args),
    Status(status::Args),
    List(list::Args),
    Show(show::Args),
    Diff(diff::Args),
    Log(log::Args),
    Approve(approve::Args),
    Accept(accept::Args),
    Withdraw(withdraw::Args),
    Rework(rework::Args),
    Retry(retry::Args),
    Split(split::Args),
    Abandon(abandon::Args),
    Stop(stop::Args),
    Apply(apply::Args),
    Edit(edit::Args),
    Report(report::Args),
    Calibrate(calibrate::Args),
    Replay(replay::Args),
    Models(models::Args),
    Key(key::Args),
    Trust(trust::Args),
    Doctor(doctor::Args),
    Confine(confine::Args),
    Schema(schema::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Manual(man::Args),
    #[command(external_subcommand)]
    Foreign(Vec<OsString>),
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs the command that was typed.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    match args.command {
        Command::Init(args) => init::run(args, out),
        Command::Next(args) => next::run(args, out),
        Command::Run(args) => run::run(args, out),
        Command::Status(args) => status::run(args, out),
        Command::List(args) => list::run(args, out),
        Command::Show(args) => show::run(args, out),
        Command::Diff(args) => diff::run(args, out),
        Command::Log(args) => log::run(args, out),
        Command::Approve(args) => approve::run(args, out),
        Command::Accept(args) => accept::run(args, out),
        Command::Withdraw(args) => withdraw::run(args, out),
        Command::Rework(args) => rework::run(args, out),
        Command::Retry(args) => retry::run(args, out),
        Command::Split(args) => split::run(args, out),
        Command::Abandon(args) => abandon::run(args, out),
        Command::Stop(args) => stop::run(args, out),
        Command::Apply(args) => apply::run(args, out),
        Command::Edit(args) => edit::run(args, out),
        Command::Report(args) => report::run(args, out),
        Command::Calibrate(args) => calibrate::run(args, out),
        Command::Replay(args) => replay::run(args, out),
        Command::Models(args) => models::run(args, out),
        Command::Key(args) => key::run(args, out),
        Command::Trust(args) => trust::run(args, out),
        Command::Doctor(args) => doctor::run(args, out),
        Command::Confine(args) => confine::run(args, out),
        Command::Schema(args) => schema::run(args, out),
        Command::Demo(args) => demo::run(args, out),
        Command::Completions(args) => completions::run(args, out),
        Command::Manual(args) => man::run(args, out),
        Command::Foreign(words) => foreign::run(words, out),
    }
}
