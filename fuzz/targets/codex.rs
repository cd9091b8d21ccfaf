//! Anything in place of what Codex prints.
#![no_main]
libfuzzer_sys::fuzz_target!(|stdout: &[u8]| haco_fuzz::print(haco_core::config::Output::CodexJsonl, stdout));
