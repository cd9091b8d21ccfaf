//! What haco writes into files that are not its own: a bridge, rules for an agent between markers, lines of ignore files.
//! Nothing that somebody else wrote is touched.

use anyhow::Result;
use fs_err::os::unix::fs::OpenOptionsExt;
use haco_core::code::{Code, Failure};
use std::{
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const BRIDGE: &str = "#!/bin/sh
# A prompt in, the artifact alone out.
exec haco-worker \"$@\"
";
const BEGIN: &str = "<!-- haco: begin, written by 'haco init --claude' -->\n";
const END: &str = "<!-- haco: end -->\n";
const RULES: &str = include_str!("../../../../../templates/claude.md");
const IGNORED: &str = include_str!("../../../../../templates/ignore");

/// Writes `bin/worker` where nothing has that name; says what was made.
pub(super) fn bridge(top: &Path) -> Result<Option<String>> {
    let bin = top.join("bin");
    if bin.is_symlink() {
        return Err(taken("bin", "it is a symbolic link", "mv bin bin.old && haco init --bridge").into());
    }
    fs_err::create_dir_all(&bin)?;
    let path = bin.join("worker");
    let mut how = fs_err::OpenOptions::new();
    match how.write(true).create_new(true).mode(0o777).open(&path) {
        Ok(mut file) => {
            file.write_all(BRIDGE.as_bytes())?;
            file.sync_all()?;
            Ok(Some("bin/worker".to_owned()))
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists && is_ours(&path) => Ok(None),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let fix = "mv bin/worker bin/worker.old && haco init --bridge";
            Err(taken("bin/worker", "something else has that name", fix).into())
        }
        Err(e) => Err(e.into()),
    }
}

fn is_ours(path: &Path) -> bool {
    !path.is_symlink() && path.is_file() && fs_err::read(path).is_ok_and(|bytes| bytes == BRIDGE.as_bytes())
}

fn taken(name: &str, why: &str, fix: &str) -> Failure {
    Failure::new(Code::Conflict, format!("cannot write '{name}': {why}")).fix(fix)
}

/// Puts the rules at the top of CLAUDE.md, or renews them where they are.
pub(super) fn claude(top: &Path) -> Result<Option<String>> {
    change(top, "CLAUDE.md", |text| {
        let hint = "remove the lone marker from CLAUDE.md, then: haco init --claude";
        with_rules(text).map_err(|why| taken("CLAUDE.md", why, hint).into())
    })
}

/// Adds what is missing to each ignore file.
pub(super) fn ignore(top: &Path) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for name in [".gitignore", ".claudeignore", ".geminiignore"] {
        made.extend(change(top, name, |text| Ok(with_lines(text)))?);
    }
    Ok(made)
}

/// `text` with our block, in place of the one that is there or at the top.
fn with_rules(text: &str) -> Result<String, &'static str> {
    let line_of = |marker: &str| -> Vec<usize> {
        let starts = text.match_indices(marker.trim_end()).map(|(at, _)| at);
        starts.filter(|at| *at == 0 || text[..*at].ends_with('\n')).collect()
    };
    let block = format!("{BEGIN}{RULES}{END}");
    match (line_of(BEGIN).as_slice(), line_of(END).as_slice()) {
        ([], []) if text.is_empty() => Ok(block),
        ([], []) => Ok(format!("{block}\n{text}")),
        ([begin], [end]) if begin < end => {
            let rest = &text[end + END.trim_end().len()..];
            let rest = rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')).unwrap_or(rest);
            Ok(format!("{}{block}{rest}", &text[..*begin]))
        }
        _ => Err("its haco markers are not one pair"),
    }
}

/// `text` with the ignored patterns that it lacks. The first one decides about the others, so that it brings them all.
fn with_lines(text: &str) -> String {
    let has = |line: &str| text.lines().any(|have| have.trim_end() == line);
    let is_pattern = |line: &&str| !line.starts_with('#') && !line.is_empty();
    let first = IGNORED.lines().find(is_pattern).is_some_and(has);
    let missing: Vec<&str> = match first {
        true => IGNORED.lines().filter(is_pattern).filter(|line| !has(line)).collect(),
        false => IGNORED.lines().collect(),
    };
    if missing.is_empty() {
        return text.to_owned();
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}{}\n", missing.join("\n"))
}

/// Replaces a text file of the repository's, or makes it; says so where something changed.
fn change(top: &Path, name: &str, edit: impl FnOnce(&str) -> Result<String>) -> Result<Option<String>> {
    let path = real(top, name)?;
    let before = match fs_err::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(e.into()),
    };
    let fix = format!("mv {name} {name}.old");
    let text = String::from_utf8(before.clone().unwrap_or_default());
    let text = text.map_err(|_| taken(name, "what is there is not UTF-8 text", &fix))?;
    let after = edit(&text)?;
    if before.is_some() && after == text {
        return Ok(None);
    }
    let dir = path.parent().unwrap_or(top);
    let mode = fs_err::metadata(&path).map_or(0o666, |m| m.permissions().mode() & 0o777);
    let permissions = std::fs::Permissions::from_mode(mode);
    let mut file = tempfile::Builder::new().prefix(".haco-").permissions(permissions).tempfile_in(dir)?;
    file.write_all(after.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|e| e.error)?;
    Ok(Some(name.to_owned()))
}

/// The file that `name` means; a link is followed inside the repository and nowhere else.
fn real(top: &Path, name: &str) -> Result<PathBuf> {
    let path = top.join(name);
    if !path.is_symlink() {
        return Ok(path);
    }
    let out = || taken(name, "it is a link that leads out of the repository, or nowhere", &format!("rm {name}"));
    let real = fs_err::canonicalize(&path).map_err(|_| out())?;
    let inside = real.starts_with(top) && !real.starts_with(top.join(".git")) && real.is_file();
    if inside { Ok(real) } else { Err(out().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let top = dir.path().canonicalize().expect("a path");
        (dir, top)
    }

    #[test]
    fn rules_go_to_the_top_and_are_renewed_in_place() {
        let first = with_rules("# Mine\r\n").expect("adds");
        assert!(first.starts_with(BEGIN) && first.ends_with("\n# Mine\r\n"));
        assert_eq!(with_rules(&first).expect("renews"), first);
        let old = format!("above\n{BEGIN}old rules\n{END}below");
        assert_eq!(with_rules(&old).expect("renews"), format!("above\n{BEGIN}{RULES}{END}below"));
    }

    #[test]
    fn a_lone_marker_is_left_to_a_person() {
        for bad in [BEGIN.to_owned(), END.to_owned(), format!("{END}{BEGIN}"), format!("{BEGIN}{BEGIN}{END}")] {
            assert!(with_rules(&bad).is_err(), "{bad}");
        }
        assert!(with_rules(&format!("say `{}`\n", BEGIN.trim_end())).is_ok(), "one that is quoted is text");
    }

    #[test]
    fn ignore_files_get_only_what_they_lack() {
        let once = with_lines("/target");
        assert!(once.starts_with("/target\n# ") && once.ends_with("!/.haco/studios/\n"));
        assert_eq!(with_lines(&once), once);
        let less = once.replace("!/.haco/prompts/\n", "");
        assert_eq!(with_lines(&less), format!("{less}!/.haco/prompts/\n"));
    }

    #[test]
    fn the_bridge_never_takes_the_place_of_another_file() {
        let (_dir, top) = top();
        assert_eq!(bridge(&top).expect("writes").as_deref(), Some("bin/worker"));
        assert_eq!(bridge(&top).expect("is there"), None);
        let mode = fs_err::metadata(top.join("bin/worker")).expect("there").permissions().mode();
        assert_ne!(mode & 0o100, 0);
        fs_err::write(top.join("bin/worker"), "mine").expect("writes");
        assert!(bridge(&top).is_err());
        assert_eq!(fs_err::read_to_string(top.join("bin/worker")).expect("reads"), "mine");
    }

    #[test]
    fn a_link_is_followed_inside_the_repository_only() {
        let (_dir, top) = top();
        fs_err::write(top.join("AGENTS.md"), "mine\n").expect("writes");
        std::os::unix::fs::symlink("AGENTS.md", top.join("CLAUDE.md")).expect("links");
        claude(&top).expect("writes");
        assert!(top.join("CLAUDE.md").is_symlink());
        assert!(fs_err::read_to_string(top.join("AGENTS.md")).expect("reads").ends_with("\nmine\n"));
        fs_err::remove_file(top.join("CLAUDE.md")).expect("removes");
        std::os::unix::fs::symlink("/etc/hostname", top.join("CLAUDE.md")).expect("links");
        assert!(claude(&top).is_err());
    }
}
