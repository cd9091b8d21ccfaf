//! Small servers that tests talk to.

pub mod cloud;
pub mod ollama;
