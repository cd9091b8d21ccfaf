//! What a job names, checked: which path outside is shown at which path inside, and how.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{Laid, Step, text};
use crate::CannotRun;
use crate::job::{Change, Content, Files, Job};

/// How something is shown.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    /// As it is, to be written.
    Rw,
    /// As it is, to be read.
    Ro,
    /// With a layer above; in memory where none is named.
    Over(Layers<'a>),
    /// As an empty file that nobody may read.
    NoFile,
    /// As an empty directory.
    NoDir,
}

/// What lies over what is shown.
#[derive(Clone, Copy, Default)]
pub(super) struct Layers<'a> {
    pub(super) kept: &'a [&'a Path],
    pub(super) upper: Option<&'a Path>,
    pub(super) changes: &'a [Change],
}

/// One path outside and where it is shown.
pub(super) struct Place<'a> {
    pub(super) from: PathBuf,
    pub(super) at: PathBuf,
    pub(super) kind: Kind<'a>,
}

impl Place<'_> {
    pub(super) fn is_cover(&self) -> bool {
        matches!(self.kind, Kind::NoFile | Kind::NoDir)
    }

    /// Where this shows a path outside, if it does.
    pub(super) fn inside(&self, outside: &Path) -> Option<PathBuf> {
        outside.strip_prefix(&self.from).ok().map(|rest| join(&self.at, rest))
    }
}

/// What the new root is made of; a job may name what lies in the first three, and nothing of the others.
const SPECIAL: [&str; 3] = ["/proc", "/sys", "/dev"];
const ITSELF: [&str; 6] = ["/", "/usr", "/etc", "/var", "/run", "/tmp"];

/// The places of a job, hidden ones aside.
pub(super) fn asked<'a>(job: &Job<'a>) -> Result<Vec<Place<'a>>, CannotRun> {
    let files = job.files;
    let rw = files.rw.iter().map(|path| (path.as_path(), Kind::Rw));
    let ro = files.ro.iter().map(|path| (path.as_path(), Kind::Ro));
    let share = files.share.iter().map(|path| (path.as_path(), Kind::Over(Layers::default())));
    let mut places = Vec::new();
    for (path, kind) in rw.chain(ro).chain(share) {
        let from = found(path)?;
        let is_dir = from.is_dir();
        if matches!(kind, Kind::Over(_)) && !is_dir {
            return Err(CannotRun::Refused(format!("'{}' is no directory: it cannot be shared", path.display())));
        }
        places.push(Place { at: from.clone(), from, kind });
    }
    moved(&mut places, files.shown_at)?;
    for over in files.overlays {
        let kind = Kind::Over(Layers { kept: over.kept, upper: over.upper, changes: over.changes });
        places.push(Place { from: found(over.lower)?, at: plain(over.at)?, kind });
    }
    places.iter().try_for_each(|place| allowed(&place.at))?;
    match twice(&places) {
        Some(place) => Err(CannotRun::Refused(format!("'{}' is to be shown in two ways", place.at.display()))),
        None => Ok(places),
    }
}

/// Links at the paths that were typed, where they are not the paths that they lead to.
pub(super) fn links(job: &Job, places: &[Place]) -> Vec<(PathBuf, PathBuf)> {
    let Files { rw, ro, share, .. } = job.files;
    let typed = rw.iter().chain(ro).chain(share).filter_map(|path| std::path::absolute(path).ok());
    let pairs = typed.zip(places).map(|(typed, place)| (typed, place.at.clone()));
    pairs
        .filter(|(typed, at)| typed != at && places.iter().all(|p| !typed.starts_with(&p.at) && p.from != *typed))
        .collect()
}

/// Shows the first place, and what lies in it, elsewhere.
fn moved(places: &mut [Place], to: Option<&Path>) -> Result<(), CannotRun> {
    let Some(to) = to else { return Ok(()) };
    let Some(first) = places.first().filter(|first| matches!(first.kind, Kind::Rw)) else {
        return Err(CannotRun::Refused("nothing that may be written was named, to be shown elsewhere".to_owned()));
    };
    let (to, from) = (plain(to)?, first.from.clone());
    for place in places {
        if let Ok(rest) = place.from.strip_prefix(&from) {
            place.at = join(&to, rest);
        }
    }
    Ok(())
}

/// Joining with nothing would add a slash.
fn join(path: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { path.to_owned() } else { path.join(rest) }
}

fn found(path: &Path) -> Result<PathBuf, CannotRun> {
    path.canonicalize().map_err(|e| CannotRun::Refused(format!("'{}': {}", path.display(), cause(&e))))
}

pub(super) fn cause(error: &std::io::Error) -> String {
    nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or_default()).desc().to_lowercase()
}

/// An absolute path without `..`, to be made inside.
fn plain(path: &Path) -> Result<PathBuf, CannotRun> {
    let parts = path.components();
    match path.is_absolute() && parts.clone().all(|part| matches!(part, Component::RootDir | Component::Normal(_))) {
        true => Ok(parts.collect()),
        false => Err(CannotRun::Refused(format!("'{}' is no absolute path without '..'", path.display()))),
    }
}

fn allowed(at: &Path) -> Result<(), CannotRun> {
    let no = SPECIAL.iter().any(|dir| at.starts_with(dir)) || ITSELF.iter().any(|dir| at == Path::new(dir));
    match no {
        true => Err(CannotRun::Refused(format!("'{}' is made anew inside: name a directory in it", at.display()))),
        false => Ok(()),
    }
}

fn twice<'p, 'a>(places: &'p [Place<'a>]) -> Option<&'p Place<'a>> {
    places.iter().enumerate().find(|(n, place)| places[..*n].iter().any(|p| p.at == place.at)).map(|(_, place)| place)
}

/// The step that makes one path of an overlay be something else.
pub(super) fn lay(top: &Path, change: &Change) -> Result<Step, CannotRun> {
    let refused = || CannotRun::Refused(format!("'{}' is no path below a directory", change.path.display()));
    let parts: Option<Vec<CString>> = change
        .path
        .components()
        .map(|part| match part {
            Component::Normal(name) => CString::new(name.as_bytes()).ok(),
            _ => None,
        })
        .collect();
    let mut above = parts.ok_or_else(refused)?;
    let name = above.pop().ok_or_else(refused)?;
    let change = match &change.to {
        Content::File(bytes, mode) => Laid::File(bytes.clone(), mode & 0o777),
        Content::Link(target) => Laid::Link(text(target)),
        Content::Gone => Laid::Gone,
    };
    Ok(Step::Lay { top: text(top), above, name, change })
}
