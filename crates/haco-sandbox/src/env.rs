//! The environment of a confined command: made from nothing, so that nothing of the caller's leaks.

use std::path::Path;

/// The home of a confined command: empty, writable and gone when it ends.
pub const INNER_HOME: &str = "/tmp/home";

/// Where toolchains live below a person's home, and which variable leads there.
const TOOLCHAINS: &[(&str, &str)] = &[
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOPATH", "go"),
    ("PYENV_ROOT", ".pyenv"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("RBENV_ROOT", ".rbenv"),
];

/// A whole environment with this `PATH`, a home of its own, and the toolchains found in the person's `home`; `extra` wins.
pub fn clean_env(path: &str, home: &Path, extra: &[(String, String)]) -> Vec<(String, String)> {
    let fixed = [
        ("PATH", path),
        ("HOME", INNER_HOME),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("CI", "1"),
        ("TERM", "dumb"),
        ("CARGO_NET_OFFLINE", "true"),
    ];
    let mut env: Vec<(String, String)> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    for (name, below) in TOOLCHAINS {
        let dir = home.join(below);
        if dir.is_dir() {
            env.push(((*name).to_owned(), dir.to_string_lossy().into_owned()));
        }
    }
    for (name, value) in extra {
        env.retain(|(known, _)| known != name);
        env.push((name.clone(), value.clone()));
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_only_what_it_names_and_extra_wins() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(home.path().join(".cargo")).expect("made");
        let env = clean_env("/bin", home.path(), &[("CI".to_owned(), "0".to_owned())]);
        let get = |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(get("CARGO_HOME"), Some(home.path().join(".cargo").display().to_string()));
        assert_eq!(get("RUSTUP_HOME"), None);
        assert_eq!(get("CI").as_deref(), Some("0"));
        assert_eq!(get("USER"), None);
    }
}
