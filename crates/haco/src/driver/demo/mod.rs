//! haco demo: run the whole loop on a small repository made for it.
//!
//! `scene` makes the repository, the remote and a clean environment, `record` the replies, `shell` runs each step as it is
//! shown. There is no way past a gate here: without a person the answers are typed at a pseudo-terminal.

mod record;
mod scene;
mod shell;

use crate::{exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure, Status},
    id::PlanId,
};
use haco_store::{Place, Store};
use scene::Scene;
use shell::Shell;
use std::path::PathBuf;

/// Run the whole loop on a small repository made for it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The worker, as a route would name it, in place of the recorded replies
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Keep everything in this directory, which must be new or empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let who = match &args.model {
        None => {
            "The worker is a replay of recorded replies shipped with the suite, and so are the lead and the auditor."
        }
        Some(_) => "The worker is the model that you named; the lead and the auditor are replays of recorded replies.",
    };
    out.line(who)?;
    out.line("Everything else is real: git, processes, checks, a push.")?;
    let scene = Scene::make(args.model.as_deref(), args.keep.as_deref())?;
    let mut shell = Shell::new(&scene, out);
    shell.introduce()?;
    let told = tell(&mut shell, &scene, args.model.is_none());
    match told {
        Ok(shipped) => shipped_outcome(&scene, shipped, out),
        Err(error) => {
            if let Some(dir) = scene.kept() {
                out.say(format!("everything is kept in '{}'", dir.display()));
            }
            Err(error)
        }
    }
}

struct Shipped {
    plan: PlanId,
    branch: String,
    commit: String,
}

/// From a requirement to a pushed branch.
fn tell(shell: &mut Shell<'_>, scene: &Scene, replayed: bool) -> Result<Shipped> {
    scene.seed(shell)?;
    shell.part("A requirement becomes tickets")?;
    shell.run(&["haco", "plan", record::REQUIREMENT], &[Status::Yes])?;
    let store = Store::open(&Place::find(&scene.repo)?)?;
    let plan = store.plan_ids()?.into_iter().next().ok_or_else(|| broken("no plan was made"))?;
    shell.part("Gate 1: a person approves the scope")?;
    shell.gate(&["haco", "approve", plan.as_str()])?;
    shell.part("Drafts, checks and audits, until only a person can go on")?;
    shell.run(&["haco", "run"], &[Status::Outside])?;
    if replayed {
        mended(shell, &store)?;
    }
    shell.part("Gate 2: a person accepts the result")?;
    shell.gate(&["haco", "accept", plan.as_str()])?;
    shell.part("What was accepted is pushed")?;
    shell.run(&["haco", "run"], &[Status::Yes])?;
    let branch = format!("haco/{plan}");
    let remote = scene.remote.display().to_string();
    shell.run(&["git", "--git-dir", &remote, "log", "--oneline", &branch], &[Status::Yes])?;
    let commit = scene.pushed(&branch)?;
    let tickets = store.tickets()?;
    if let Some(open) = tickets.values().find(|t| t.shipment.is_none()) {
        return Err(broken(&format!("{} was not shipped", open.id)).into());
    }
    shell.part("The diff, the evidence and the report")?;
    shell.run(&["haco", "diff", "T-001"], &[Status::Yes])?;
    for ticket in tickets.values() {
        let id = &ticket.id;
        let last = ticket.attempts.last().map_or(0, |a| a.n);
        let dir = format!("evidence/{id}/{last}");
        shell.told(&format!(".haco/{dir}: {}", store.list(&dir)?.join(" ")))?;
    }
    shell.run(&["haco", "report"], &[Status::Yes])?;
    Ok(Shipped { plan, branch, commit })
}

/// The first draft of T-001 failed for a real reason, and the model was told which.
fn mended(shell: &mut Shell<'_>, store: &Store) -> Result<()> {
    shell.part("T-001 failed its checks at first, and the next prompt said how")?;
    let mut holding = Vec::new();
    for dir in ["evidence/T-001/1", "drafts/T-001/2/0-worker"] {
        for name in store.list(dir)? {
            let path = format!("{dir}/{name}");
            let text = String::from_utf8_lossy(&store.read(&path)?.unwrap_or_default()).into_owned();
            let line = text.lines().find(|l| l.contains(record::FAILING)).filter(|_| !name.ends_with(".json"));
            holding.extend(line.map(|l| (dir, format!(".haco/{path}: {}", l.trim()))));
        }
    }
    for dir in ["evidence", "drafts"] {
        let line = holding.iter().find(|(from, _)| from.starts_with(dir)).map(|(_, line)| line);
        shell.told(line.ok_or_else(|| broken(&format!("the failing output is not in .haco/{dir}")))?)?;
    }
    Ok(())
}

fn shipped_outcome(scene: &Scene, shipped: Shipped, out: &mut Out) -> Result<Outcome> {
    let Shipped { plan, branch, commit } = shipped;
    match scene.kept() {
        Some(dir) => out.line(format!("\nDone: {branch} is pushed. Everything is kept in '{}'.", dir.display()))?,
        None => out.line(format!("\nDone: {branch} is pushed. Nothing is left behind; --keep DIR keeps all of it."))?,
    }
    let outcome = Outcome::yes().with("plan", plan.as_str()).with("branch", branch).with("commit", commit);
    Ok(match scene.kept() {
        Some(dir) => outcome.with("kept", dir.display().to_string()),
        None => outcome,
    })
}

fn broken(why: &str) -> Failure {
    Failure::new(Code::Bug, format!("the demo went wrong: {why}"))
}
