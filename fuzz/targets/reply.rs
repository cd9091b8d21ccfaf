//! Any text at all.
#![no_main]
libfuzzer_sys::fuzz_target!(|reply: &str| {
    haco_fuzz::hold(haco_fuzz::FILE.as_bytes(), reply);
});
