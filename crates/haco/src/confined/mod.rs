//! One question to a server, asked by a child of ours that confined itself before the server's first byte is read.
//!
//! The child is this very program, or the worker beside it, started again with an empty environment: its memory holds the question and the key,
//! and nothing else of ours. It makes no connection: it asks for one, and is handed a socket to the model's server. What
//! it says back is believed no further than a reply is, and recorded here.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod parent;
#[cfg(target_os = "linux")]
mod wire;

use haco_core::{code::Failure, settings::Settings};
use haco_net::{Ask, Endpoint, Known, Listed, Listener, Reply, Usage};
use haco_sandbox::Layer;
use serde::{Deserialize, Serialize};
use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

/// The one argument with which a program of ours is started as the child. No option is called so.
const ENTRY: &str = "--confined-child";

/// Whether the server is asked about the model behind a good reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// It is.
    Known,
    /// It is not.
    Nothing,
}

/// A reply that did not come.
pub struct Failed {
    /// Why.
    pub failure: Failure,
    /// The body as it came, key redacted; empty where none came.
    pub raw: Vec<u8>,
    /// Tokens that it used all the same.
    pub usage: Option<Usage>,
    /// What the server says that it cost.
    pub cost_usd: Option<f64>,
}

impl Failed {
    /// Nothing came.
    pub fn bare(failure: Failure) -> Box<Failed> {
        Box::new(Failed { failure, raw: Vec::new(), usage: None, cost_usd: None })
    }
}

impl From<Box<haco_net::Failed>> for Box<Failed> {
    fn from(failed: Box<haco_net::Failed>) -> Box<Failed> {
        let haco_net::Failed { failure, raw, usage, cost_usd, .. } = *failed;
        Box::new(Failed { failure, raw, usage, cost_usd })
    }
}

/// What a question brought, and the walls behind which it was asked.
pub struct Heard {
    /// The reply, or why there is none.
    pub answer: Result<Reply, Box<Failed>>,
    /// What the server says about the model, where it was asked that.
    pub known: Known,
    /// Those that stood; none at all where nothing was asked.
    pub walls: Option<Vec<Layer>>,
}

impl Heard {
    /// An answer from elsewhere.
    pub fn of(answer: Result<Reply, Box<Failed>>) -> Heard {
        Heard { answer, known: Known::default(), walls: None }
    }
}

/// How a call was confined, as its record says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confined {
    /// The walls that stood.
    pub layers: Vec<&'static str>,
    /// Those that a person allowed to be missing, and that were.
    pub without: Vec<&'static str>,
    /// What it reached: `model` is the model's server alone.
    pub net: &'static str,
    /// Directories of the person's home that it was given.
    pub home: Vec<String>,
}

impl Confined {
    /// With these walls out of those that were asked for.
    pub fn of(stood: &[Layer], asked: &[Layer], net: &'static str) -> Confined {
        let words = |stand: bool| asked.iter().filter(|w| stood.contains(w) == stand).map(|w| w.as_str()).collect();
        Confined { layers: words(true), without: words(false), net, home: Vec::new() }
    }
}

/// A server, and the walls that a person allowed to do without.
pub struct Line<'a> {
    endpoint: &'a Endpoint,
    allow_weaker: &'a [String],
}

impl<'a> Line<'a> {
    /// To this server, as the settings allow.
    pub fn to(endpoint: &'a Endpoint, settings: &'a Settings) -> Line<'a> {
        Line { endpoint, allow_weaker: &settings.verify.allow_weaker }
    }

    /// Asks once; `listener` hears of the answer while it comes.
    pub fn ask(&self, ask: &Ask<'_>, then: Then, listener: &mut Listener<'_>) -> Heard {
        imp::ask(self, ask, then, listener)
    }

    /// What the server says about the model; nothing where it does not say.
    pub fn known(&self) -> Known {
        imp::known(self)
    }

    /// The names of the models that the server has.
    pub fn models(&self) -> Result<Vec<String>, Failure> {
        imp::models(self)
    }

    /// Every model that the server has.
    pub fn catalog(&self) -> Result<Vec<Listed>, Failure> {
        imp::catalog(self)
    }

    /// Has the server load the model.
    pub fn warm(&self) -> Result<(), Failure> {
        imp::warm(self)
    }
}

/// Whether this program may be started as the child.
static MAY_LIVE: AtomicBool = AtomicBool::new(false);

/// The child's exit status, where this program was started as the child. Who never asks this is never a child, and starts
/// another program as one.
pub fn lived() -> Option<ExitCode> {
    MAY_LIVE.store(true, Ordering::Relaxed);
    let mut words = std::env::args_os().skip(1);
    (words.next()? == ENTRY && words.next().is_none()).then(imp::live)
}

#[cfg(target_os = "linux")]
mod imp {
    pub(super) use super::child::live;
    pub(super) use super::parent::{ask, catalog, known, models, warm};
}

/// Elsewhere there are no walls, and nothing is asked unless a person allowed to do without all of them.
#[cfg(not(target_os = "linux"))]
mod imp {
    use super::*;
    use haco_core::code::Code;

    fn allowed(line: &Line<'_>) -> Result<(), Failure> {
        let missing = [Layer::Landlock, Layer::Seccomp];
        match missing.iter().find(|wall| !line.allow_weaker.iter().any(|word| word == wall.as_str())) {
            None => Ok(()),
            Some(wall) => {
                let failure =
                    Failure::new(Code::MissingWall, format!("no wall '{wall}' here: this system is not Linux"));
                Err(failure.fix("name 'landlock' and 'seccomp' in 'verify.allow_weaker' of your own configuration"))
            }
        }
    }

    pub(super) fn ask(line: &Line<'_>, ask: &Ask<'_>, then: Then, listener: &mut Listener<'_>) -> Heard {
        let answer = allowed(line)
            .map_err(Failed::bare)
            .and_then(|()| haco_net::ask(line.endpoint, ask, listener).map_err(Box::from));
        let known =
            if answer.is_ok() && then == Then::Known { haco_net::known(line.endpoint) } else { Known::default() };
        Heard { known, walls: allowed(line).ok().map(|()| Vec::new()), ..Heard::of(answer) }
    }

    pub(super) fn known(line: &Line<'_>) -> Known {
        allowed(line).map(|()| haco_net::known(line.endpoint)).unwrap_or_default()
    }

    pub(super) fn models(line: &Line<'_>) -> Result<Vec<String>, Failure> {
        allowed(line).and_then(|()| haco_net::models(line.endpoint))
    }

    pub(super) fn warm(line: &Line<'_>) -> Result<(), Failure> {
        allowed(line).and_then(|()| haco_net::warm(line.endpoint))
    }

    pub(super) fn catalog(line: &Line<'_>) -> Result<Vec<Listed>, Failure> {
        allowed(line).and_then(|()| haco_net::catalog(line.endpoint))
    }

    pub(super) fn live() -> ExitCode {
        ExitCode::FAILURE
    }
}
