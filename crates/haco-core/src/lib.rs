//! What plans, tickets, studios and checks are, what may happen to them, and what comes next.
//!
//! Everything here is pure: no file, no clock, no environment, no process. What the programs look up, they pass in.
#![warn(missing_docs)]

pub mod address;
pub mod attempt;
pub mod audit;
pub mod bound;
pub mod calibrate;
pub mod code;
pub mod config;
pub mod cursor;
pub mod delta;
pub mod depend;
pub mod detect;
pub mod edit;
pub mod egress;
pub mod fit;
pub mod flags;
pub mod form;
pub mod glob;
pub mod graph;
pub mod hash;
pub mod id;
pub mod intake;
pub mod journal;
pub mod key;
pub mod money;
pub mod oid;
pub mod path;
pub mod plan;
pub mod planmd;
pub mod prompt;
pub mod related;
pub mod replay;
pub mod report;
pub mod route;
pub mod secret;
pub mod settings;
pub mod signatures;
pub mod studio;
pub mod subject;
pub mod ticket;
pub mod tickets;
pub mod tokens;
pub mod verdict;
mod written;
