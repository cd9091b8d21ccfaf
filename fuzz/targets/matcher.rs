//! Any file, and a block whose old text is some of its lines with some of them changed.
#![no_main]
libfuzzer_sys::fuzz_target!(|parts: (&[u8], &str, u16, u8, u64)| {
    let (file, new, start, count, changes) = parts;
    let text = String::from_utf8_lossy(file);
    let lines: Vec<&str> = text.lines().skip(start as usize % 64).take(count as usize % 32).collect();
    let bent = |(i, line): (usize, &&str)| match changes >> (i % 32 * 2) & 3 {
        0 | 1 => format!("{line}\n"),
        2 => format!("  {}x\n", line.trim()),
        _ => String::new(),
    };
    let old: String = lines.iter().enumerate().map(bent).collect();
    let reply = format!("src/a.rs\n<<<<<<< SEARCH\n{old}=======\n{old}{new}\n>>>>>>> REPLACE\n");
    haco_fuzz::hold(file, &reply);
    let marked: String = old.lines().map(|l| format!(" {l}\n")).collect();
    haco_fuzz::hold(
        file,
        &format!("```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -{start} +{start} @@\n{marked}+{new}\n```\n"),
    );
});
