//! The `.haco/` directory on disk: find it, lock, read and replace what is in it, journal what happened, and mend it. And
//! the files of any directory, changed together ([`Tree`]).
//!
//! Readers never write and never skip what they cannot read. Every failure is a [`haco_core::code::Failure`] that names
//! the file. What the files mean is left to `haco-core`.
#![warn(missing_docs)]

mod check;
mod dir;
mod doctor;
mod fail;
mod glance;
mod init;
mod journal;
mod lock;
mod mend;
mod parse;
mod place;
mod raw;
mod stage;
mod store;
mod tree;
mod tx;
mod world;

pub use doctor::{Finding, doctor};
pub use haco_core::journal::{Event, FileChange, Line};
pub use init::{CONFIG_SCHEMA, init};
pub use journal::{Journal, Verified};
pub use lock::{Alone, StepLock};
pub use mend::doctor_fix;
pub use place::Place;
pub use store::Store;
pub use tree::{Look, OnlyWriter, Replace, Seen, Tree};
pub use tx::Tx;
pub use world::World;

/// What every function here returns: the answer, or a failure that a person can read.
pub type Result<T> = std::result::Result<T, haco_core::code::Failure>;

#[cfg(test)]
mod sample;
