//! The suite: one module a tool.
