//! Who keeps a key: a program that the system already trusts, or a file that only its owner reads. No cryptography is ours.
//!
//! ```text
//! secret-tool  the desktop's keyring          attributes service=haco key=NAME
//! pass         the password store             entry haco/NAME
//! age          keys/NAME.age                  to the identities of AGE_IDENTITIES
//! gpg          keys/NAME.gpg                  to the default secret key
//! plain        keys/NAME.plain, mode 0600     only when asked for
//! ```
//!
//! A key reaches a program on its standard input and comes back on its standard output, never as an argument.

use super::printed;
use clap::ValueEnum;
use haco_core::key::KeyName;
use std::{ffi::OsString, os::unix::fs::MetadataExt, path::Path};

/// Who keeps a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keeper {
    /// The desktop's keyring
    SecretTool,
    /// The standard unix password manager
    Pass,
    /// A file, encrypted to your age or SSH identity
    Age,
    /// A file, encrypted to your own GnuPG key
    Gpg,
    /// A file that only you read, not encrypted
    #[value(skip)]
    Plain,
}

/// Where identities are looked for below the home, all of them at once; `HACO_AGE_IDENTITY` names another alone.
const AGE_IDENTITIES: [&str; 5] =
    [".config/age/keys.txt", ".config/sops/age/keys.txt", ".passage/identities", ".ssh/id_ed25519", ".ssh/id_rsa"];

impl Keeper {
    /// Those that encrypt, in the order in which they are tried.
    pub const ENCRYPT: [Keeper; 4] = [Keeper::SecretTool, Keeper::Pass, Keeper::Age, Keeper::Gpg];
    /// Every one.
    pub const ALL: [Keeper; 5] = [Keeper::SecretTool, Keeper::Pass, Keeper::Age, Keeper::Gpg, Keeper::Plain];

    /// The program's name, and the ending of what is in the ring.
    pub fn word(self) -> &'static str {
        match self {
            Keeper::SecretTool => "secret-tool",
            Keeper::Pass => "pass",
            Keeper::Age => "age",
            Keeper::Gpg => "gpg",
            Keeper::Plain => "plain",
        }
    }

    /// Gives the key to the keeper; what comes back is to be written into the ring.
    pub fn put(self, name: &KeyName, key: &str) -> Result<Vec<u8>, String> {
        match self {
            Keeper::SecretTool => {
                let label = format!("--label=haco key {name}");
                self.run(&["store", &label, "service", "haco", "key", name.as_str()], key).map(|_| Vec::new())
            }
            Keeper::Pass => self.run(&["insert", "--multiline", "--force", &entry(name)], key).map(|_| Vec::new()),
            Keeper::Age => {
                let mut words: Vec<OsString> = vec!["--encrypt".into()];
                // One is enough to read it again, and the first is the one that was made for age.
                words.extend(identities()?.into_iter().take(2));
                self.run(&words, key)
            }
            Keeper::Gpg => self.run(&["--batch", "--quiet", "--default-recipient-self", "--encrypt"], key),
            Keeper::Plain => Ok(key.as_bytes().to_vec()),
        }
    }

    /// The key that is kept under this name; `file` is what stands for it in the ring.
    pub fn get(self, name: &KeyName, file: &Path) -> Result<Vec<u8>, String> {
        match self {
            Keeper::SecretTool => self.run(&["lookup", "service", "haco", "key", name.as_str()], ""),
            Keeper::Pass => self.run(&["show", &entry(name)], ""),
            Keeper::Age => {
                let mut words: Vec<OsString> = vec!["--decrypt".into()];
                words.extend(identities()?);
                words.push(file.into());
                self.run(&words, "")
            }
            Keeper::Gpg => {
                self.run(&["--batch".as_ref(), "--quiet".as_ref(), "--decrypt".as_ref(), file.as_os_str()], "")
            }
            Keeper::Plain => plain(file),
        }
    }

    /// Makes the keeper forget what it keeps by itself.
    pub fn forget(self, name: &KeyName) -> Result<(), String> {
        match self {
            Keeper::SecretTool => self.run(&["clear", "service", "haco", "key", name.as_str()], "").map(drop),
            Keeper::Pass => match self.run(&["rm", "--force", &entry(name)], "") {
                // Somebody removed it there.
                Err(why) if why.contains("is not in the password store") => Ok(()),
                other => other.map(drop),
            },
            Keeper::Age | Keeper::Gpg | Keeper::Plain => Ok(()),
        }
    }

    fn run(self, words: &[impl AsRef<std::ffi::OsStr>], input: &str) -> Result<Vec<u8>, String> {
        let argv: Vec<&std::ffi::OsStr> =
            [self.word().as_ref()].into_iter().chain(words.iter().map(AsRef::as_ref)).collect();
        printed::by(&argv, input.as_bytes()).map_err(|failed| match failed.said.as_str() {
            "" => format!("'{}' {}", self.word(), failed.why),
            said => format!("'{}' {}: {said}", self.word(), failed.why),
        })
    }
}

fn entry(name: &KeyName) -> String {
    format!("haco/{name}")
}

/// `-i FILE` for every identity that is there.
fn identities() -> Result<Vec<OsString>, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(file) = set("HACO_AGE_IDENTITY") {
        return Ok(vec!["--identity".into(), file]);
    }
    let home = set("HOME").ok_or("'age' has no identity: HOME is not set")?;
    let files = AGE_IDENTITIES.iter().map(|below| Path::new(&home).join(below)).filter(|path| path.is_file());
    let words: Vec<OsString> = files.flat_map(|path| ["--identity".into(), path.into_os_string()]).collect();
    match words.is_empty() {
        true => Err(format!("'age' has no identity: there is no '~/{}'", AGE_IDENTITIES[0])),
        false => Ok(words),
    }
}

/// A file that others could read has told its key already.
fn plain(file: &Path) -> Result<Vec<u8>, String> {
    let meta = fs_err::metadata(file).map_err(|error| error.to_string())?;
    match meta.mode() & 0o077 {
        0 => fs_err::read(file).map_err(|error| error.to_string()),
        mode => Err(format!("'{}' is open to others (mode {mode:03o}): its key is no secret any more", file.display())),
    }
}
