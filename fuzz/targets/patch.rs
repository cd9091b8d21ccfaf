//! Any text inside the envelope of a patch.
#![no_main]
libfuzzer_sys::fuzz_target!(|parts: (&str, &str)| {
    let (one, two) = parts;
    let reply = format!("*** Begin Patch\n{one}\n*** Update File: src/a.rs\n@@ fn beta\n{two}\n*** End Patch\n");
    haco_fuzz::hold(haco_fuzz::FILE.as_bytes(), &reply);
});
