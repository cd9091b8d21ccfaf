//! haco confine: what it does and what it says.

mod command;
