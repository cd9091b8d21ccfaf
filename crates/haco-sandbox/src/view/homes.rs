//! Which directories are somebody's home, and which part of one a `PATH` entry needs.

use std::path::{Path, PathBuf};

use nix::unistd::{User, getuid};

/// Version managers and toolchains that are needed whole, as they name each other's parts.
const WHOLE: [&str; 20] = [
    ".cargo",
    ".rustup",
    ".pyenv",
    ".nvm",
    ".rbenv",
    ".asdf",
    ".volta",
    ".fnm",
    ".deno",
    ".bun",
    ".go",
    ".linuxbrew",
    ".gvm",
    ".goenv",
    ".nodenv",
    ".sdkman",
    ".ghcup",
    ".opam",
    "miniconda3",
    "anaconda3",
];

/// What programs in `~/.local/bin` lead to.
const LOCAL: [&str; 7] = ["bin", "lib", "pipx", "share/pipx", "share/uv", "share/mise", "share/fnm"];

/// The homes of this machine that may hold somebody's secrets: the caller's, root's, and all below `/home`.
pub(super) fn homes() -> Vec<PathBuf> {
    let mine = std::env::var_os("HOME").map(PathBuf::from);
    let listed = User::from_uid(getuid()).ok().flatten().map(|user| user.dir);
    let others = std::fs::read_dir("/home").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> = [mine, listed, Some("/root".into())]
        .into_iter()
        .flatten()
        .chain(others)
        .filter_map(|home| home.canonicalize().ok())
        .filter(|home| home.components().count() > 1 && !is_system(home))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// Accounts of services have homes that everybody needs.
fn is_system(home: &Path) -> bool {
    ["/bin", "/sbin", "/usr", "/dev", "/proc", "/etc", "/var"].iter().any(|dir| home == Path::new(dir))
        || home.starts_with("/usr")
}

/// What must be visible so that programs of this `PATH` entry work; nothing where it is visible anyway.
pub(super) fn toolchain(entry: &Path, homes: &[PathBuf]) -> Vec<PathBuf> {
    let Some((home, below)) = homes.iter().find_map(|home| Some((home, entry.strip_prefix(home).ok()?))) else {
        return Vec::new();
    };
    let first = below.components().next().map_or(Path::new(""), |first| Path::new(first.as_os_str()));
    if first == Path::new("") {
        return Vec::new();
    }
    if first == Path::new(".local") {
        return LOCAL.iter().map(|dir| home.join(".local").join(dir)).chain([entry.to_owned()]).collect();
    }
    if first == Path::new("go") {
        // Sources lie beside them.
        return ["bin", "pkg"].iter().map(|dir| home.join(first).join(dir)).collect();
    }
    if WHOLE.iter().any(|known| first == Path::new(known)) {
        let rustup = (first == Path::new(".cargo")).then(|| home.join(".rustup"));
        return [home.join(first)].into_iter().chain(rustup).collect();
    }
    let visible =
        below.parent().filter(|above| !above.as_os_str().is_empty() && !first.to_string_lossy().starts_with('.'));
    match visible {
        Some(above) if below.ends_with("bin") => vec![home.join(above)],
        _ => vec![entry.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(entry: &str) -> Vec<String> {
        let all = toolchain(Path::new(entry), &[PathBuf::from("/home/me"), PathBuf::from("/root")]);
        all.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_known_toolchain_comes_back_whole() {
        assert_eq!(needs("/home/me/.cargo/bin"), ["/home/me/.cargo", "/home/me/.rustup"]);
        assert_eq!(needs("/root/.nvm/versions/node/v22/bin"), ["/root/.nvm"]);
        assert_eq!(needs("/home/me/go/bin"), ["/home/me/go/bin", "/home/me/go/pkg"]);
    }

    #[test]
    fn an_unknown_one_comes_back_without_what_lies_beside_it() {
        assert_eq!(needs("/home/me/opt/node/bin"), ["/home/me/opt/node"]);
        assert_eq!(needs("/home/me/bin"), ["/home/me/bin"]);
        assert_eq!(needs("/home/me/.claude/local"), ["/home/me/.claude/local"]);
        assert_eq!(needs("/home/me/.config/x/bin"), ["/home/me/.config/x/bin"]);
    }

    #[test]
    fn a_home_itself_never_comes_back() {
        assert_eq!(needs("/home/me"), [""; 0]);
        assert_eq!(needs("/usr/bin"), [""; 0]);
        assert!(!needs("/home/me/.local/bin").contains(&"/home/me/.local".to_owned()));
    }
}
