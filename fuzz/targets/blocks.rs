//! Any text as the two halves of a SEARCH/REPLACE block, and behind its marks.
#![no_main]
libfuzzer_sys::fuzz_target!(|parts: (&str, &str, &str)| {
    let (name, old, new) = parts;
    let reply = format!("{name}\n<<<<<<< SEARCH {name}\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n{old}");
    haco_fuzz::hold(haco_fuzz::FILE.as_bytes(), &reply);
});
