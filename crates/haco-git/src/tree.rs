//! Trees: listing and reading them, and making a new one from a base and its changes. Whatever no change names goes over
//! untouched, names that are not UTF-8 included.

use crate::repo::{Repo, oid};
use anyhow::{Context, Result, ensure};
use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::tree::{Editor, EntryKind};
use haco_core::code::{Code, Failure};
use haco_core::oid::{Blob, Change, Mode, Oid};
use haco_core::path::RepoPath;
use std::collections::BTreeSet;

/// What stands at a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file that is read.
    Regular,
    /// A file that is run.
    Executable,
    /// A symlink; its bytes are the target.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path from the tree's top, with `/` between its parts.
    pub path: String,
    /// What stands there.
    pub kind: Kind,
    /// The blob, or the submodule's commit.
    pub oid: Oid,
}

/// What a path finds on its way through a tree.
enum Place {
    Free,
    File(Blob),
    Directory,
    /// A file stands where the path needs a directory.
    BelowFile(String),
    /// A symlink or a submodule stands at the path or on the way to it.
    Foreign(String, &'static str),
}

impl Repo {
    /// Every path of a commit or tree in git's order, directories not; a path that is not UTF-8 is left out.
    pub fn list(&self, treeish: &Oid) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.collect(self.tree(treeish)?.id, "", &mut entries)?;
        Ok(entries)
    }

    /// Kind and bytes of what a commit or tree has at the path: none where it has nothing or a directory, no bytes for a
    /// submodule.
    pub fn read(&self, treeish: &Oid, path: &str) -> Result<Option<(Kind, Vec<u8>)>> {
        let Some(entry) = self.lookup(treeish, path)? else { return Ok(None) };
        let Some(kind) = kind(entry.mode().kind()) else { return Ok(None) };
        if kind == Kind::Submodule {
            return Ok(Some((kind, Vec::new())));
        }
        let mut object = entry.object().with_context(|| format!("cannot read '{path}'"))?;
        Ok(Some((kind, std::mem::take(&mut object.data))))
    }

    /// The file that a commit or tree has at the path; none where it has nothing, and where a symlink or a submodule
    /// stands at the path or on the way to it, [`Code::UnsafePath`].
    pub fn blob(&self, treeish: &Oid, path: &str) -> Result<Option<Blob>> {
        match self.place(treeish, path)? {
            Place::File(blob) => Ok(Some(blob)),
            Place::Foreign(at, what) => Err(foreign(path, &at, what)),
            Place::Free | Place::Directory | Place::BelowFile(_) => Ok(None),
        }
    }

    /// Whether a commit or tree has nothing at the path, and nothing but directories on the way to it.
    pub fn is_free(&self, treeish: &Oid, path: &str) -> Result<bool> {
        Ok(matches!(self.place(treeish, path)?, Place::Free))
    }

    /// Whether a commit or tree has a directory at the path, or a symlink there or on the way that may lead to one.
    pub fn may_be_directory(&self, treeish: &Oid, path: &str) -> Result<bool> {
        Ok(matches!(self.place(treeish, path)?, Place::Directory | Place::Foreign(_, "symlink")))
    }

    /// Stores the bytes as a blob, with the id that `git hash-object` gives them.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<Oid> {
        Ok(oid(self.gix.write_blob(bytes).context("cannot write a blob")?.detach()))
    }

    /// The tree that the changes make of a base, written to the object database and nowhere else. Each change must find
    /// its `old` ([`Code::Conflict`]) and a place that is neither below a file nor through a symlink or a submodule
    /// ([`Code::UnsafePath`]). A directory without files is no more.
    pub fn edit_tree(&self, base: &Oid, changes: &[Change]) -> Result<Oid> {
        check_paths(changes)?;
        let mut tree = self.tree_of(base)?;
        for change in changes {
            self.check_old(&tree, change)?;
        }
        let (kept, gone): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| change.new.is_some());
        if !gone.is_empty() {
            tree = self.rewrite(&tree, &gone)?;
        }
        for change in &kept {
            self.check_room(&tree, change)?;
        }
        if kept.is_empty() { Ok(tree) } else { self.rewrite(&tree, &kept) }
    }

    /// The tree that several sets of changes make of a base, one after the other; [`Code::Conflict`] names the path
    /// where two meet.
    pub fn union(&self, base: &Oid, ordered: &[Vec<Change>]) -> Result<Oid> {
        ordered.iter().try_fold(self.tree_of(base)?, |tree, changes| self.edit_tree(&tree, changes))
    }

    fn collect(&self, tree: ObjectId, above: &str, entries: &mut Vec<Entry>) -> Result<()> {
        let tree = self.gix.find_tree(tree).with_context(|| format!("cannot read the directory '{above}'"))?;
        for entry in tree.iter() {
            let entry = entry.with_context(|| format!("cannot read the directory '{above}'"))?;
            let Ok(name) = std::str::from_utf8(entry.filename()) else { continue };
            let path = format!("{above}{name}");
            match kind(entry.kind()) {
                Some(kind) => entries.push(Entry { path, kind, oid: oid(entry.object_id()) }),
                None => self.collect(entry.object_id(), &(path + "/"), entries)?,
            }
        }
        Ok(())
    }

    fn lookup(&self, treeish: &Oid, path: &str) -> Result<Option<gix::object::tree::Entry<'_>>> {
        self.tree(treeish)?.lookup_entry(path.split('/')).with_context(|| format!("cannot look '{path}' up"))
    }

    fn place(&self, treeish: &Oid, path: &str) -> Result<Place> {
        let mut tree = self.tree(treeish)?;
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let (at, name) = (&path[..end], path[..end].rsplit('/').next().unwrap_or(path));
            let Some(entry) = tree.find_entry(name) else { return Ok(Place::Free) };
            let last = end == path.len();
            let file = |mode| Blob { oid: oid(entry.object_id()), mode };
            match entry.kind() {
                EntryKind::Tree if last => return Ok(Place::Directory),
                EntryKind::Tree => {}
                EntryKind::Blob if last => return Ok(Place::File(file(Mode::Regular))),
                EntryKind::BlobExecutable if last => return Ok(Place::File(file(Mode::Executable))),
                EntryKind::Blob | EntryKind::BlobExecutable => return Ok(Place::BelowFile(at.to_owned())),
                EntryKind::Link => return Ok(Place::Foreign(at.to_owned(), "symlink")),
                EntryKind::Commit => return Ok(Place::Foreign(at.to_owned(), "submodule")),
            }
            let below = entry.object_id();
            tree = self.gix.find_tree(below).with_context(|| format!("cannot read the directory '{at}'"))?;
        }
        Ok(Place::Directory)
    }

    fn check_old(&self, tree: &Oid, change: &Change) -> Result<()> {
        let held = self.blob(tree, &change.path)?;
        if held == change.old {
            return Ok(());
        }
        let held = held.map_or("is not there".to_owned(), |blob| format!("is {}", blob.oid.short()));
        let wanted = change.old.as_ref().map_or("none there".to_owned(), |blob| blob.oid.short().to_owned());
        let message = format!("'{}' is not what the change starts from: it {held}, expected {wanted}", change.path);
        Err(Failure::new(Code::Conflict, message).into())
    }

    fn check_room(&self, tree: &Oid, change: &Change) -> Result<()> {
        match self.place(tree, &change.path)? {
            Place::Free | Place::File(_) => Ok(()),
            Place::Directory => Err(unsafe_path(&change.path, "it is a directory")),
            Place::BelowFile(at) => Err(unsafe_path(&change.path, &format!("'{at}' is a file"))),
            Place::Foreign(at, what) => Err(foreign(&change.path, &at, what)),
        }
    }

    /// Writes the tree with the changes in it, without a look at what they replace. The editor below `gix`'s own is
    /// used because that one refuses trees whose untouched entries it does not like.
    pub(crate) fn rewrite(&self, tree: &Oid, changes: &[&Change]) -> Result<Oid> {
        let root = self.tree(tree)?.decode().context("cannot read a tree")?.into();
        let mut editor = Editor::new(root, &self.gix.objects, self.gix.object_hash());
        for change in changes {
            let parts = change.path.split('/').map(<&BStr>::from);
            let edited = match &change.new {
                None => editor.remove_leaf(parts),
                Some(blob) => {
                    ensure!(
                        self.has(&blob.oid),
                        "'{}' cannot be written: its blob {} is missing",
                        change.path,
                        blob.oid
                    );
                    editor.upsert(parts, entry_kind(blob.mode), self.id(&blob.oid)?)
                }
            };
            edited.with_context(|| format!("cannot edit '{}'", change.path))?;
        }
        let written = editor.write(|tree| self.gix.write_object(tree).map(|id| id.detach()));
        Ok(oid(written.context("cannot write a tree")?))
    }
}

/// Refuses a set of changes that names a path twice, an unsafe one, or a file and something below it.
pub(crate) fn check_paths(changes: &[Change]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for change in changes {
        change.path.parse::<RepoPath>().map_err(|message| Failure::new(Code::UnsafePath, message))?;
        if !seen.insert(change.path.as_str()) {
            return Err(Failure::new(Code::Conflict, format!("'{}' is changed twice", change.path)).into());
        }
    }
    let files: BTreeSet<&str> = changes.iter().filter(|c| c.new.is_some()).map(|c| c.path.as_str()).collect();
    for path in &files {
        if let Some(at) = parents(path).find(|at| files.contains(at)) {
            return Err(unsafe_path(path, &format!("'{at}' is a file")));
        }
    }
    Ok(())
}

/// The directories on the way to a path, outermost first.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

pub(crate) fn unsafe_path(path: &str, why: &str) -> anyhow::Error {
    Failure::new(Code::UnsafePath, format!("cannot write '{path}': {why}")).into()
}

fn foreign(path: &str, at: &str, what: &str) -> anyhow::Error {
    unsafe_path(path, &format!("'{at}' is a {what}"))
}

fn kind(kind: EntryKind) -> Option<Kind> {
    match kind {
        EntryKind::Tree => None,
        EntryKind::Blob => Some(Kind::Regular),
        EntryKind::BlobExecutable => Some(Kind::Executable),
        EntryKind::Link => Some(Kind::Symlink),
        EntryKind::Commit => Some(Kind::Submodule),
    }
}

fn entry_kind(mode: Mode) -> EntryKind {
    match mode {
        Mode::Regular => EntryKind::Blob,
        Mode::Executable => EntryKind::BlobExecutable,
    }
}

#[cfg(test)]
mod tests;
