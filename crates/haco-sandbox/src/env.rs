//! The environment of a confined command: made from nothing, so that nothing of the caller's leaks.

use std::path::{Path, PathBuf};

/// The home of a confined command: empty, writable and gone when it ends.
pub const INNER_HOME: &str = "/tmp/home";

/// Where toolchains live below a person's home, and which variable leads there.
pub(crate) const MANAGERS: &[(&str, &str)] = &[
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOPATH", "go"),
    ("PYENV_ROOT", ".pyenv"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("RBENV_ROOT", ".rbenv"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("FNM_DIR", ".local/share/fnm"),
    ("SDKMAN_DIR", ".sdkman"),
    ("JAVA_HOME", ""),
    ("GOROOT", ""),
];

/// A whole environment with this `PATH`, a home of its own, and the toolchains that the caller's variables name or that
/// are found in the person's `home`; `extra` wins.
pub fn clean_env(path: &str, home: &Path, extra: &[(String, String)]) -> Vec<(String, String)> {
    let fixed = [
        ("PATH", path),
        ("HOME", INNER_HOME),
        ("TMPDIR", "/tmp"),
        ("SHELL", "/bin/sh"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("CI", "1"),
        ("TERM", "dumb"),
        ("CARGO_NET_OFFLINE", "true"),
    ];
    let mut env: Vec<(String, String)> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name);
    let user = user.unwrap_or_else(|| "user".to_owned());
    env.extend(["USER", "LOGNAME"].map(|name| (name.to_owned(), user.clone())));
    for (name, below) in MANAGERS {
        let named = std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
        let usual = (!below.is_empty()).then(|| home.join(below));
        if let Some(dir) = named.or(usual).filter(|dir| dir.is_dir()) {
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
        assert!(get("CARGO_HOME").is_some_and(|dir| Path::new(&dir).is_dir()));
        assert_eq!(get("CI").as_deref(), Some("0"));
        assert!(get("USER").is_some_and(|user| !user.is_empty()));
        assert_eq!(get("CARGO_PKG_NAME"), None);
    }
}
