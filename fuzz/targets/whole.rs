//! Any text as a whole file, in a fence whose marks may also stand in it.
#![no_main]
libfuzzer_sys::fuzz_target!(|text: &str| {
    haco_fuzz::hold(haco_fuzz::FILE.as_bytes(), &format!("src/n.rs\n```rust\n{text}\n```\n{text}"));
    haco_fuzz::hold(haco_fuzz::FILE.as_bytes(), &format!("{text}\n```\nx\n```\n"));
});
