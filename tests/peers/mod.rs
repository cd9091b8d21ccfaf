//! Small servers that tests talk to.

pub mod cloud;
mod listener;
pub mod ollama;
