//! Small servers that tests talk to.

pub mod ollama;
