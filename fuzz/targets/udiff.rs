//! Any text as a diff: its header, its hunks, and outside a fence.
#![no_main]
libfuzzer_sys::fuzz_target!(|parts: (&str, &str)| {
    let (head, hunks) = parts;
    haco_fuzz::hold(
        haco_fuzz::FILE.as_bytes(),
        &format!("```diff\n{head}\n--- a/src/a.rs\n+++ b/src/a.rs\n{hunks}\n```\n"),
    );
    haco_fuzz::hold(
        haco_fuzz::FILE.as_bytes(),
        &format!("--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@{head}\n{hunks}\n"),
    );
});
