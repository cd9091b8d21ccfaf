//! Any two texts: their printed diff, applied to the first, gives the second.
#![no_main]
use haco_core::edit::{Changed, Side, print};
use haco_core::oid::Mode;

libfuzzer_sys::fuzz_target!(|parts: (&str, &str)| {
    let (old, new) = parts;
    if old == new
        || old.is_empty()
        || new.is_empty()
        || old.contains(['\r', '\0'])
        || new.contains(['\r', '\0'])
        || old.starts_with('\u{feff}')
        || new.starts_with('\u{feff}')
    {
        return;
    }
    let path = "src/a.rs".parse().expect("a good path");
    let changed = Changed {
        path: &path,
        old: Some(Side { bytes: old.as_bytes(), mode: Mode::Regular }),
        new: Some(Side { bytes: new.as_bytes(), mode: Mode::Regular }),
    };
    let diff = String::from_utf8(print(&[changed])).expect("text");
    if let Some(edited) = haco_fuzz::hold(old.as_bytes(), &diff) {
        let file = edited.files.iter().find(|f| f.path == path).expect("the file");
        assert_eq!(file.new.as_deref(), Some(new.as_bytes()), "{diff}");
    }
});
