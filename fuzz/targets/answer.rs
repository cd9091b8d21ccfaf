//! Anything in place of a model server's answer; the first byte chooses whose.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haco_fuzz::answer(bytes));
