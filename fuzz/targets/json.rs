//! Any text as JSON, and as the strings of an edit in JSON.
#![no_main]
libfuzzer_sys::fuzz_target!(|parts: (&str, &str, usize)| {
    let (old, new, line) = parts;
    haco_fuzz::hold(
        haco_fuzz::FILE.as_bytes(),
        &format!("{{\"path\": \"src/a.rs\", \"old_text\": {old}, \"new_text\": \"{new}\"}}"),
    );
    haco_fuzz::hold(
        haco_fuzz::FILE.as_bytes(),
        &format!("{{\"path\": \"src/a.rs\", \"old_text\": {old:?}, \"new_text\": {new:?}}}"),
    );
    haco_fuzz::hold(
        haco_fuzz::FILE.as_bytes(),
        &format!("{{\"path\": \"src/a.rs\", \"insert_line\": {line}, \"new_str\": {new:?}}}"),
    );
});
