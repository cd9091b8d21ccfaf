//! Making a `.haco/`: directories, what git may track of it, an empty configuration and an empty journal.

use crate::{Place, Result, dir::Dir, fail, journal, stage};
use std::sync::Arc;

/// The `$schema` of a new `config.json`, a file beside it that `haco init` may write so that editors complete the keys.
pub const CONFIG_SCHEMA: &str = "config.schema.json";

pub(crate) const DIRECTORIES: [&str; 12] = [
    "aside",
    "checkouts",
    "drafts",
    "evidence",
    "knowledge",
    "locks",
    "plans",
    "prompts",
    "queue",
    "studios",
    "tickets",
    "tmp",
];

const IGNORE: &str = "# State is not merged by git: only what people write is shared.
/*
!/.gitignore
!/config.json
!/prompts/
!/studios/
";

/// Makes what is missing and says what that was, as paths from the main worktree's top; what is there stays as it is.
pub fn init(place: &Place) -> Result<Vec<String>> {
    let mut made = Vec::new();
    if Dir::top(&place.dir)?.is_none() {
        fs_err::create_dir(&place.dir).map_err(|e| fail::io("make", ".haco", &place.dir, &e))?;
        made.push(".haco/".to_owned());
    }
    let gone = || fail::io("open", ".haco", &place.dir, &std::io::ErrorKind::NotFound.into());
    let top = Arc::new(Dir::top(&place.dir)?.ok_or_else(gone)?);
    let file = |made: &mut Vec<String>, name: &str, text: &str| {
        if !top.has(name) {
            stage::replace(&top, name, text.as_bytes())?;
            made.push(top.shown(name));
        }
        crate::Result::Ok(())
    };
    // The journal is the first: whoever finds one finds state, and one that is missing beside state is a loss.
    file(&mut made, journal::NAME, "")?;
    for name in DIRECTORIES {
        if top.sub(name)?.is_none() {
            top.sub_made(name)?;
            made.push(format!("{}/", top.shown(name)));
        }
    }
    let config = format!("{{\n  \"$schema\": \"{CONFIG_SCHEMA}\"\n}}\n");
    file(&mut made, ".gitignore", IGNORE)?;
    file(&mut made, "config.json", &config)?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use haco_core::{code::Code, config::Config};

    #[test]
    fn the_second_time_there_is_nothing_to_make() {
        let held = sample::empty();
        assert_eq!(init(&held.place).expect("initialises"), [""; 0]);
        held.foreign("config.json", "{\"models\": {}}");
        fs_err::remove_dir(held.place.dir.join("queue")).expect("removes");
        assert_eq!(init(&held.place).expect("initialises"), [".haco/queue/"]);
        assert_eq!(held.store.read("config.json").expect("reads").as_deref(), Some(&b"{\"models\": {}}"[..]));
    }

    #[test]
    fn the_first_configuration_is_one_and_the_journal_is_empty() {
        let held = sample::empty();
        let config = held.store.read("config.json").expect("reads").expect("is there");
        let config: Config = serde_json::from_slice(&config).expect("a configuration");
        assert_eq!(config, Config { schema: Some(CONFIG_SCHEMA.to_owned()), ..Config::default() });
        assert_eq!(held.store.journal().verify().expect("holds").lines, 0);
        assert!(crate::doctor(&held.store).is_empty());
    }

    #[test]
    fn git_tracks_only_what_people_write() {
        let held = sample::with(&["T-001"]);
        held.store.write("prompts/worker.md", b"mine").expect("writes");
        let run = |args: &[&str]| {
            let ran = std::process::Command::new("git").current_dir(&held.place.main).args(args).output();
            String::from_utf8(ran.expect("git runs").stdout).expect("text")
        };
        run(&["init", "-q"]);
        let seen = run(&["ls-files", "--others", "--exclude-standard"]);
        assert_eq!(seen, ".haco/.gitignore\n.haco/config.json\n.haco/prompts/worker.md\n");
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let held = tempfile::tempdir().expect("temporary directory");
        let main = held.path().to_owned();
        std::os::unix::fs::symlink("/tmp", main.join(".haco")).expect("links");
        let place = Place { worktree: main.clone(), dir: main.join(".haco"), main };
        assert_eq!(init(&place).expect_err("refused").code, Code::Io);
    }
}
