//! haco run: do every next action until only somebody outside can go on.
//!
//! The cursor says what may be done, `choose` what of it is started now, `hand` runs each step as a program of its own,
//! `live` shows them, `ending` says how it all came out. Nothing is kept between two runs: a killed one is run again.

mod choose;
mod ending;
mod hand;
mod live;

use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use choose::{Key, Rules};
use haco_core::{
    code::{Code, Failure},
    cursor::{Offer, Position},
    id::{PlanId, TicketId},
};
use hand::{Ended, Hands};
use live::Live;
use std::{collections::BTreeMap, time::Duration};

/// What the lock and the wish to stop are called.
pub(super) const LOCK: &str = "run";
/// Holds who was asked to stop; any other holder is not meant.
pub(super) const STOP: &str = "locks/stop";
/// How often a wish to stop is looked for.
const TICK: Duration = Duration::from_millis(200);

/// Do every next action until only somebody outside can go on
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this plan
    plan: Option<PlanId>,
    /// Steps in progress at a time, checks on the base apart [default: run.jobs, else 2]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Stop once every open ticket is there
    #[arg(long, value_name = "WHERE", value_enum, default_value_t)]
    until: Until,
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Until {
    /// Gate 1: every open ticket stands in an approved scope
    Approved,
    /// Every open ticket passed its checks and its audit
    Audited,
    /// Gate 2: every open ticket is accepted
    Accepted,
    /// All of it is pushed
    #[default]
    Shipped,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    if let Some(plan) = &args.plan {
        desk.store.plan(plan)?;
    }
    let Some(_alone) = desk.store.try_alone(LOCK)? else {
        let who = desk.store.who_is_at(LOCK)?.unwrap_or_else(|| "another process".to_owned());
        let message = format!("another haco run is at work here: {who}");
        return Ok(Outcome::no(Failure::new(Code::Busy, message).fix("haco stop")));
    };
    let ourselves = desk.store.who_is_at(LOCK)?;
    let jobs = args.jobs.unwrap_or(desk.settings.jobs) as usize;
    let mut run = Run {
        rules: Rules { jobs, until: args.until, settings: &desk.settings },
        desk: &desk,
        args: &args,
        hands: Hands::new(),
        live: Live::new(out),
        left: BTreeMap::new(),
        strikes: BTreeMap::new(),
        ended: Vec::new(),
        ourselves,
        stopped: false,
        did: 0,
    };
    let last = run.go(out);
    // Whatever went wrong here, the steps in hand are not cut off.
    run.hands.wait_for_all();
    run.forget_stop();
    let (already, (loaded, position)) = last?;
    let view = ending::View { rules: &run.rules, left: &run.left, stopped: run.stopped, did: run.did };
    ending::outcome(&view, &already, &desk.world(&loaded), &position, out)
}

struct Run<'a> {
    desk: &'a Desk,
    args: &'a Args,
    rules: Rules<'a>,
    hands: Hands,
    live: Live,
    /// Not started again by this run, and why.
    left: BTreeMap<Key, Failure>,
    /// How often an action ended and is still offered as it was.
    strikes: BTreeMap<Key, u32>,
    ended: Vec<Ended>,
    ourselves: Option<String>,
    stopped: bool,
    did: u32,
}

type State = (Loaded, Position);

impl Run<'_> {
    /// Loads, starts and waits until nothing can be started and nothing runs; who was there already, and the last state.
    fn go(&mut self, out: &mut Out) -> Result<(Vec<TicketId>, State)> {
        let mut already: Option<Vec<TicketId>> = None;
        loop {
            let loaded = self.desk.load(self.args.plan.as_ref())?;
            let position = self.desk.position(&loaded);
            for ended in std::mem::take(&mut self.ended) {
                self.settle(&ended, &loaded, &position, out)?;
            }
            self.stopped = self.stopped || self.is_stopped()?;
            if !self.stopped {
                self.start(&position, out)?;
            }
            let there = || choose::tickets_at(&position, self.args.until).into_iter().cloned().collect();
            let already = already.get_or_insert_with(there);
            if self.hands.is_empty() {
                self.live.clear();
                return Ok((std::mem::take(already), (loaded, position)));
            }
            self.wait()?;
        }
    }

    fn start(&mut self, position: &Position, out: &mut Out) -> Result<()> {
        for offer in choose::now(&position.offers, &self.rules, self.hands.offers(), &self.left) {
            if let Err(failure) = self.hands.start(offer) {
                out.problem(&failure);
                self.left.insert(Key::of(offer), failure);
                continue;
            }
            self.live.started(offer, out)?;
        }
        self.live.draw(self.hands.in_hand());
        Ok(())
    }

    /// Waits for a step to end; a wish to stop is seen meanwhile, so that whoever asked is answered at once.
    fn wait(&mut self) -> Result<()> {
        loop {
            self.ended = self.hands.wait(TICK);
            if !self.ended.is_empty() {
                self.did += self.ended.len() as u32;
                return Ok(());
            }
            if !self.stopped && self.is_stopped()? {
                self.stopped = true;
                self.live.say("stopping: the steps in hand are waited for");
            }
            self.live.draw(self.hands.in_hand());
        }
    }

    /// What became of a step, and whether it may be started again.
    fn settle(&mut self, ended: &Ended, loaded: &Loaded, position: &Position, out: &mut Out) -> Result<()> {
        let key = Key::of(&ended.offer);
        let unchanged = position.offers.contains(&ended.offer);
        let strikes = self.strikes.entry(key.clone()).or_default();
        *strikes = if unchanged { *strikes + 1 } else { 0 };
        let verdict = ending::after(ended, *strikes);
        let world = self.desk.world(loaded);
        let status = ended.offer.ticket.as_ref().and_then(|id| position.status(&world, id));
        self.live.ended(ended, status, verdict.is_some(), out)?;
        if let Some(failure) = verdict {
            self.left.insert(key, failure);
        }
        Ok(())
    }

    fn is_stopped(&self) -> Result<bool> {
        let asked = self.desk.store.read(STOP)?;
        Ok(asked.is_some() && asked.as_deref() == self.ourselves.as_deref().map(str::as_bytes))
    }

    fn forget_stop(&self) {
        if self.stopped {
            // One that stays names a process that is gone, and stops nobody.
            let _ = fs_err::remove_file(self.desk.place.dir.join(STOP));
        }
    }
}

/// Whether an offer is for somebody outside and not for the programs.
fn is_outside(offer: &Offer) -> bool {
    !offer.runnable
}
