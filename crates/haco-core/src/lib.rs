//! What plans, tickets, studios and checks are, what may happen to them, and what comes next.
//!
//! Everything here is pure: no file, no clock, no environment, no process. What the programs look up, they pass in.
#![warn(missing_docs)]

pub mod attempt;
pub mod code;
pub mod config;
pub mod edit;
pub mod hash;
pub mod id;
pub mod journal;
pub mod oid;
pub mod path;
pub mod plan;
pub mod ticket;
pub mod verdict;
