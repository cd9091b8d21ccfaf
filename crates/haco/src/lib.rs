//! The six programs: one module a tool, and what all of them share.
//!
//! `exit` and `output` own the streams and the status, `input` the ids, `desk` the state that a program has before it,
//! `turn` whose step is due, `ground` what a ticket is built on, `context` and `review` what prompts show of it, `lead`
//! what the one who cuts a plan is asked, `call` one question to a model, `key` its key, `confined` the child that asks a
//! server, `person` one to a person, `contracts` tickets that come in. Tools never import each other; `programs` knows
//! them all, for manuals and completions.

pub mod call;
pub mod clock;
pub mod confined;
pub mod context;
pub mod contracts;
pub mod desk;
pub mod exit;
pub mod ground;
pub mod here;
pub mod input;
pub mod key;
pub mod lead;
pub mod output;
pub mod person;
pub mod programs;
mod prompted;
pub mod purse;
pub mod replayed;
pub mod review;
#[cfg(test)]
mod sample;
pub mod turn;
mod watch;

pub mod audit;
pub mod driver;
pub mod plan;
pub mod ship;
pub mod verify;
pub mod worker;
