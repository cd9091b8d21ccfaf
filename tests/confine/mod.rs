//! haco confine: what it does, that ordinary programs work in it, and that nothing gets out.
//!
//! `tables/` has the attempts to get out. Each is shown to succeed outside, as the same user and in the same place,
//! before it is made inside.

mod command;
mod escapes;
mod ordinary;
mod table;
mod world;
