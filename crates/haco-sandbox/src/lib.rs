//! Run one untrusted command confined and bounded, or one program on a terminal of its own.
#![warn(missing_docs)]

pub mod terminal;
