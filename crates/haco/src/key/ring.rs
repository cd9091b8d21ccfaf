//! The keys that `haco key` keeps: in `keys/` of the user's own directory one file each, `NAME.KEEPER`, so that a listing
//! needs no key. Never in a repository.

use super::keeper::Keeper;
use crate::desk::user_file;
use haco_core::{
    code::{Code, Failure},
    key::KeyName,
};
use haco_net::Secret;
use std::{
    io::{ErrorKind, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// The names of all kept keys, in their order, each with its keeper.
pub fn list() -> Result<Vec<(KeyName, Keeper)>, Failure> {
    let dir = dir()?;
    let entries = match fs_err::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(Code::Io, error.to_string())),
    };
    let mut all: Vec<(KeyName, Keeper)> =
        entries.flatten().filter_map(|entry| read(entry.file_name().to_str()?)).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(all)
}

/// `NAME.KEEPER`; anything else in the directory is nobody's key.
fn read(file: &str) -> Option<(KeyName, Keeper)> {
    let (name, word) = file.rsplit_once('.')?;
    Some((name.parse().ok()?, Keeper::ALL.into_iter().find(|keeper| keeper.word() == word)?))
}

/// The key of this name; none where none is kept.
pub fn get(name: &KeyName) -> Result<Option<Secret>, Failure> {
    let kept = list()?.into_iter().find(|(kept, _)| kept == name);
    kept.map(|(_, keeper)| fetch(name, keeper)).transpose()
}

fn fetch(name: &KeyName, keeper: Keeper) -> Result<Secret, Failure> {
    let file = file(name, keeper)?;
    let again = format!("haco key set {name}");
    let bad = |why: String| Failure::new(Code::BadKey, format!("key '{name}': {why}")).fix(again.clone());
    let bytes = keeper.get(name, &file).map_err(bad)?;
    let text = String::from_utf8(bytes).map_err(|_| bad("what is kept is no text".to_owned()))?;
    Secret::new(&text).map_err(|failure| bad(failure.message))
}

/// Gives the key to this keeper, or to the first that can keep it and give it back, and says to which. Whoever had a key
/// of this name forgets it.
pub fn set(name: &KeyName, key: &Secret, keeper: Option<Keeper>) -> Result<Keeper, Failure> {
    let before: Vec<Keeper> = list()?.into_iter().filter(|(kept, _)| kept == name).map(|(_, keeper)| keeper).collect();
    let asked: Vec<Keeper> = keeper.map_or(Keeper::ENCRYPT.to_vec(), |keeper| vec![keeper]);
    let mut refused = Vec::new();
    for keeper in asked {
        match keep(name, key, keeper) {
            Ok(()) => {
                before.into_iter().filter(|other| *other != keeper).try_for_each(|other| drop_from(name, other))?;
                return Ok(keeper);
            }
            Err(why) => refused.push(why),
        }
    }
    let failure = Failure::new(Code::BadKey, format!("key '{name}' is not kept: {}", refused.join("; ")));
    Err(failure.fix(format!("haco key set {name} --plain")))
}

/// Kept only where it comes back as it went in; what is in the ring is replaced last.
fn keep(name: &KeyName, key: &Secret, keeper: Keeper) -> Result<(), String> {
    let file = file(name, keeper).map_err(|failure| failure.message)?;
    let unwritten = |error: std::io::Error| format!("cannot write '{}': {error}", file.display());
    let new = written(&file, &keeper.put(name, key.expose())?).map_err(unwritten)?;
    let back = keeper.get(name, new.path()).and_then(|bytes| match bytes == key.expose().as_bytes() {
        true => Ok(()),
        false => Err(format!("'{}' gives another key back", keeper.word())),
    });
    if back.is_err() {
        keeper.forget(name).ok();
    }
    back.and_then(|()| new.persist(&file).map(drop).map_err(|error| unwritten(error.error)))
}

/// Removes the key from its keeper and from the ring; false where none was kept.
pub fn remove(name: &KeyName) -> Result<bool, Failure> {
    let kept: Vec<Keeper> = list()?.into_iter().filter(|(kept, _)| kept == name).map(|(_, keeper)| keeper).collect();
    kept.iter().try_for_each(|keeper| drop_from(name, *keeper))?;
    Ok(!kept.is_empty())
}

fn drop_from(name: &KeyName, keeper: Keeper) -> Result<(), Failure> {
    let failed = |why: String| Failure::new(Code::Io, format!("key '{name}' is not removed: {why}"));
    keeper.forget(name).map_err(failed)?;
    fs_err::remove_file(file(name, keeper)?).map_err(|error| failed(error.to_string()))
}

fn file(name: &KeyName, keeper: Keeper) -> Result<PathBuf, Failure> {
    Ok(dir()?.join(format!("{name}.{}", keeper.word())))
}

fn dir() -> Result<PathBuf, Failure> {
    user_file("keys").ok_or_else(|| {
        Failure::new(Code::BadConfig, "there is no place for keys: neither HOME nor XDG_CONFIG_HOME is set")
            .fix("export HOME=$(getent passwd \"$(id -u)\" | cut -d: -f6)")
    })
}

/// A new file beside the one that it is to replace, readable by its owner alone from its first byte.
fn written(file: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let dir = file.parent().expect("a file of the ring is in its directory");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut new = tempfile::Builder::new().prefix(".new").tempfile_in(dir)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_of_the_ring_is_its_owners_alone() {
        let home = tempfile::tempdir().expect("directory");
        let file = home.path().join("haco/keys/work.plain");
        for text in ["old", "new"] {
            written(&file, text.as_bytes()).expect("written").persist(&file).expect("in its place");
        }
        assert_eq!(fs_err::read(&file).expect("reads"), b"new");
        let mode = |path: &Path| fs_err::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().expect("a directory"))), (0o600, 0o700));
        let others: Vec<_> = fs_err::read_dir(file.parent().expect("a directory")).expect("reads").collect();
        assert_eq!(others.len(), 1, "nothing is left beside it");
    }

    #[test]
    fn only_files_of_a_name_and_a_keeper_are_keys() {
        let name = |file: &str| read(file).map(|(name, keeper)| (name.to_string(), keeper));
        assert_eq!(name("work.v1.age"), Some(("work.v1".to_owned(), Keeper::Age)));
        for other in ["work", "work.txt", ".newAbc", ".age", "a b.gpg", "plain"] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
