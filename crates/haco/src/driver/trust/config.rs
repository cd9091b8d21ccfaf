//! The repository's configuration: what in it counts only once a person trusted the file as it is, by its hash.

use crate::{desk, exit::Outcome, output::Out, person};
use anyhow::{Context, Result};
use haco_core::{
    code::{Code, Failure},
    config::Config,
    hash::Hash,
    settings::Settings,
};
use haco_store::Place;
use std::{
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::gates::flat;

const SHOWN: &str = ".haco/config.json";

/// Shows what would count, asks, and remembers the hash in the user's own directory.
pub fn trust(out: &mut Out) -> Result<Outcome> {
    let here = std::env::current_dir().map_err(|e| Failure::new(Code::Io, format!("no current directory: {e}")))?;
    let place = Place::find(&here)?;
    let path = place.dir.join("config.json");
    let (hash, text) = read(&path, &place)?;
    let no_home = || {
        let message = "there is no place for what you trust: neither HOME nor XDG_CONFIG_HOME is set";
        Failure::new(Code::BadConfig, message).fix("HOME=$(getent passwd \"$(id -u)\" | cut -d: -f6) haco trust")
    };
    let list = desk::user_file("trusted").ok_or_else(no_home)?;
    if desk::is_trusted(&hash) {
        out.say(format!("'{SHOWN}' is trusted already, as it is"));
        return done(out, &hash);
    }
    if out.can_ask() {
        out.ask(&shown(&place, &hash)?);
    }
    person::decide(out, &format!("trust '{SHOWN}' as it is?"), "haco trust")?;
    if read(&path, &place)?.1 != text {
        let message = format!("'{SHOWN}' changed while it was being trusted: nothing was recorded");
        return Err(Failure::new(Code::Stale, message).fix("haco trust").into());
    }
    append(&list, &format!("{hash} {}", path.display().to_string().escape_debug()))?;
    done(out, &hash)
}

fn done(out: &mut Out, hash: &Hash) -> Result<Outcome> {
    out.line(hash.as_str())?;
    Ok(Outcome::yes().with("file", SHOWN).with("sha256", hash.as_str()))
}

fn read(path: &Path, place: &Place) -> Result<(Hash, Vec<u8>)> {
    let none = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => {
            let message = format!("'{}' has no {SHOWN}: there is nothing to trust", place.main.display());
            Failure::new(Code::NotInitialised, message).fix("haco init")
        }
        _ => Failure::new(Code::Io, e.to_string()),
    };
    let bytes = fs_err::read(path).map_err(none)?;
    Ok((Hash::of(&bytes), bytes))
}

/// What counts only when the file is trusted, and what does not count even then.
fn shown(place: &Place, hash: &Hash) -> Result<String> {
    let mut layers = desk::layers(Some(place))?;
    let before = Settings::resolve(&layers).ignored;
    let repository = layers.repository.clone();
    layers.trusted = true;
    let after = Settings::resolve(&layers).ignored;
    let mut text = format!("{SHOWN}, SHA-256 {}\n", hash.short());
    let mut line = |head: &str, line: &str| text.push_str(&format!("  {head} {}\n", flat(line)));
    for what in starts(&repository) {
        line("names:", &what);
    }
    for gained in before.iter().filter(|b| !after.contains(b)) {
        let key = gained.split(" of .haco/config.json").next().unwrap_or(gained);
        line("would count:", key);
    }
    for still in &after {
        line("still not:", still);
    }
    if before == after {
        line("note:", "trusting it changes nothing today");
    }
    Ok(text)
}

/// The programs that the file would start, the variables that it reads and where keys would go.
fn starts(config: &Config) -> Vec<String> {
    let mut all = Vec::new();
    for (name, model) in &config.models {
        let mut add = |what: &str, value: String| all.push(format!("models.{name}: {what} {value}"));
        if let Some(argv) = &model.command {
            add("starts", format!("'{}'", argv.join(" ")));
        }
        if let Some(argv) = &model.key_command {
            add("prints a key with", format!("'{}'", argv.join(" ")));
        }
        if let Some(variable) = &model.key_env {
            let origin = model.base_url.clone().unwrap_or_else(|| "its provider's published origin".to_owned());
            add("sends the key in", format!("'{variable}' to {origin}"));
        }
    }
    if !config.verify.env.is_empty() {
        all.push(format!("verify.env: checks see {}", config.verify.env.join(", ")));
    }
    all
}

/// One line at the end of the user's list, durable; the directory and the file are the user's alone.
fn append(list: &Path, line: &str) -> Result<()> {
    let failed = || format!("cannot write '{}'", list.display());
    if let Some(dir) = list.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(failed)?;
    }
    let mut how = std::fs::OpenOptions::new();
    let mut file = how.read(true).append(true).create(true).mode(0o600).open(list).with_context(failed)?;
    let mut last = [b'\n'];
    if file.metadata().with_context(failed)?.len() > 0 {
        file.seek(std::io::SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).with_context(failed)?;
    }
    let begin = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{begin}{line}\n").as_bytes()).and_then(|()| file.sync_all()).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_line_is_appended_to_a_list_of_the_users_alone() {
        let dir = tempfile::tempdir().expect("directory");
        let list = dir.path().join("haco/trusted");
        append(&list, "aa /r").expect("the first");
        fs_err::write(&list, "aa /r").expect("a person's editor left no line end");
        append(&list, "bb /s").expect("the second");
        assert_eq!(fs_err::read_to_string(&list).expect("reads"), "aa /r\nbb /s\n");
        let mode = |path: &Path| fs_err::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&list), mode(&dir.path().join("haco"))), (0o600, 0o700));
    }

    #[test]
    fn programs_and_keys_are_named() {
        let config = Config::read(
            br#"{"models": {"c": {"provider": "command", "command": ["codex", "exec"]},
                 "k": {"provider": "openai", "key_env": "MY_KEY", "base_url": "https://x.example/v1"}},
                 "verify": {"env": ["CARGO_HOME"]}}"#,
        )
        .expect("a configuration");
        let expected = [
            "models.c: starts 'codex exec'",
            "models.k: sends the key in 'MY_KEY' to https://x.example/v1",
            "verify.env: checks see CARGO_HOME",
        ];
        assert_eq!(starts(&config), expected);
    }
}
