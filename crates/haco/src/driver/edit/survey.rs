//! What the engine must know of a directory: the files that may change, those that may come, and what else could be meant.
//! Nothing is walked but what a glob asks for.

use super::words::Words;
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    edit::{self, Action, Edited, FileEdit, Format, Refusal, Scope},
    glob::Glob,
    path::RepoPath,
};
use haco_store::{Look, Seen, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// What was typed.
pub(super) struct Allowed<'a> {
    pub(super) targets: &'a [String],
    pub(super) new_files: &'a [String],
}

/// What a reply comes to, or why not.
pub(super) type Decided = std::result::Result<Edited, Vec<Refusal>>;

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// May be changed or deleted.
    targets: Vec<RepoPath>,
    /// May be created.
    new_files: Vec<RepoPath>,
    /// For the engine: the files in scope that are there, and others that a path of the reply may mean.
    existing: BTreeMap<RepoPath, Vec<u8>>,
    /// Every file in scope that was read.
    pub(super) seen: BTreeMap<RepoPath, Seen>,
    /// Targets that were named and are not there.
    pub(super) missing: Vec<RepoPath>,
}

/// How many files that the reply cannot mean are in scope all the same: a refusal lists some.
const OTHERS: usize = 12;
/// How many new files one glob may mean.
const MEANT: usize = 1000;

impl Survey {
    /// Looks at what `allowed` names and the reply may mean.
    pub(super) fn of(tree: &Tree, allowed: &Allowed<'_>, reply: &str) -> Result<Survey> {
        let words = Words::of(reply);
        let mut survey = Survey::default();
        for typed in allowed.targets {
            survey.target(tree, typed, &words)?;
        }
        for typed in allowed.new_files {
            survey.new_file(tree, typed, &words)?;
        }
        survey.around(tree, &words)?;
        Ok(survey)
    }

    fn target(&mut self, tree: &Tree, typed: &str, words: &Words<'_>) -> Result<()> {
        let found = literal(tree, "--target", typed);
        let (path, look) = match (glob("--target", typed)?, found) {
            (Some(glob), Err(_) | Ok((_, Look::Nothing))) => return self.target_glob(tree, &glob, words),
            (_, found) => found?,
        };
        match look {
            Look::File(seen) => self.take(path, seen),
            Look::Nothing => {
                self.missing.push(path.clone());
                self.targets.push(path);
            }
            Look::Unfit(why) => return Err(usage("--target", typed, &why).into()),
        }
        Ok(())
    }

    /// Every file that the glob means; one that the reply names and that is gone may be one that it deleted before.
    fn target_glob(&mut self, tree: &Tree, glob: &Glob, words: &Words<'_>) -> Result<()> {
        let wanted = |text: &str| text.parse().is_ok_and(|path| glob.means(&path));
        let files = tree.files(glob.directory(), &wanted, &|dir| glob.reaches_into(dir))?;
        let gone = words.meant_by(glob).into_iter().filter(|p| files.binary_search(p).is_err());
        let gone: Vec<RepoPath> = gone.take(MEANT).collect();
        if files.is_empty() && gone.is_empty() {
            return Err(usage("--target", glob.as_str(), "it matches no file").into());
        }
        let read = |path: &RepoPath| files.len() == 1 || words.may_name(path);
        let (read, other): (Vec<_>, Vec<_>) = files.iter().cloned().partition(read);
        // That there are others is all that counts of them.
        for path in other.into_iter().take(OTHERS) {
            self.existing.entry(path.clone()).or_default();
            self.targets.push(path);
        }
        for path in read {
            if let Look::File(seen) = tree.look(&path)? {
                self.take(path, seen);
            }
        }
        self.targets.extend(gone);
        Ok(())
    }

    fn take(&mut self, path: RepoPath, seen: Seen) {
        self.existing.insert(path.clone(), seen.bytes.clone());
        self.seen.insert(path.clone(), seen);
        self.targets.push(path);
    }

    fn new_file(&mut self, tree: &Tree, typed: &str, words: &Words<'_>) -> Result<()> {
        let glob = glob("--new", typed)?;
        // What a pattern looks like may be a name too.
        match (literal(tree, "--new", typed), &glob) {
            (Ok((path, Look::File(seen))), _) => self.new_named(path, Some(seen)),
            (Ok((path, Look::Nothing)), _) => self.new_named(path, None),
            (Ok((_, Look::Unfit(why))), None) => return Err(usage("--new", typed, &why).into()),
            (Err(error), None) => return Err(error),
            (_, Some(_)) => {}
        }
        let meant = glob.iter().flat_map(|glob| words.meant_by(glob)).collect::<Vec<_>>();
        if meant.len() > MEANT {
            return Err(usage("--new", typed, "the reply names more than 1,000 files that it means").into());
        }
        for path in meant {
            match tree.look(&path)? {
                Look::File(seen) => self.new_named(path, Some(seen)),
                Look::Nothing => self.new_named(path, None),
                Look::Unfit(_) => {}
            }
        }
        Ok(())
    }

    fn new_named(&mut self, path: RepoPath, seen: Option<Seen>) {
        if let Some(seen) = seen {
            self.existing.insert(path.clone(), seen.bytes.clone());
            self.seen.entry(path.clone()).or_insert(seen);
        }
        if !self.new_files.contains(&path) {
            self.new_files.push(path);
        }
    }

    /// Files out of scope that a path of the reply may mean instead, and names that differ only in case.
    fn around(&mut self, tree: &Tree, words: &Words<'_>) -> Result<()> {
        let scope: Vec<&RepoPath> = self.targets.iter().chain(&self.new_files).filter(|p| words.may_name(p)).collect();
        let known: BTreeSet<&str> = scope.iter().map(|p| p.as_str()).collect();
        let tails = scope.iter().flat_map(|p| p.as_str().match_indices('/').map(|(at, _)| &p.as_str()[at + 1..]));
        let tails = tails.filter_map(|tail| tail.parse::<RepoPath>().ok());
        let mut others: Vec<RepoPath> = tails.chain(words.longer_than(&known)).collect();
        others.retain(|path| !known.contains(path.as_str()));
        let mut found = Vec::new();
        for path in others {
            if tree.has(&path)? {
                found.push(path);
            }
        }
        for path in self.new_files.iter().filter(|p| !self.existing.contains_key(*p)) {
            let directory = path.as_str().rsplit_once('/').map_or(String::new(), |(dir, _)| format!("{dir}/"));
            for name in tree.beside(path)? {
                let other = format!("{directory}{name}").parse::<RepoPath>();
                found.extend(other.ok().filter(|o| o != path && haco_core::path::collides(o, path)));
            }
        }
        for path in found {
            self.existing.entry(path).or_default();
        }
        Ok(())
    }

    /// What the reply comes to here; a target that is not there is not made. Where it means one in letters that hid its
    /// name, that one is read and all is held against it once more.
    pub(super) fn decide(&mut self, tree: &Tree, reply: &str, format: Format) -> Result<Decided> {
        let decided = self.applied(reply, format);
        let named: Vec<RepoPath> = match &decided {
            Ok(edited) => edited.files.iter().map(|f| f.path.clone()).collect(),
            Err(refusals) => refusals.iter().filter_map(|r| r.path.as_ref()?.parse().ok()).collect(),
        };
        let unread = |path: &RepoPath| self.targets.contains(path) && self.existing.contains_key(path);
        let unread: Vec<RepoPath> = named.into_iter().filter(|p| unread(p) && !self.seen.contains_key(p)).collect();
        if unread.is_empty() {
            return Ok(decided);
        }
        for path in unread {
            match tree.look(&path)? {
                Look::File(seen) => self.take(path, seen),
                Look::Nothing => {
                    self.existing.remove(&path);
                }
                Look::Unfit(why) => return Err(usage("--target", path.as_str(), &why).into()),
            }
        }
        Ok(self.applied(reply, format))
    }

    fn applied(&self, reply: &str, format: Format) -> Decided {
        let scope = Scope { targets: &self.targets, new_files: &self.new_files };
        let edited = edit::apply(reply, format, &scope, &self.existing)?;
        let may_not = |f: &&FileEdit| f.action == Action::Create && !self.new_files.contains(&f.path);
        let refused = |path: &RepoPath| Refusal {
            code: Code::OutOfScope,
            path: Some(path.to_string()),
            edit: 0,
            line: None,
            message: format!("'{path}' is not there, and no new file may have this name"),
            candidates: Vec::new(),
        };
        let refusals: Vec<Refusal> = edited.files.iter().filter(may_not).map(|f| refused(&f.path)).collect();
        if refusals.is_empty() { Ok(edited) } else { Err(refusals) }
    }
}

/// What was typed as a pattern, none where it is one path; every match of it must lie below the directory.
fn glob(option: &str, typed: &str) -> Result<Option<Glob>> {
    let Some(glob) = Glob::parse(typed.strip_prefix("./").unwrap_or(typed)) else { return Ok(None) };
    match glob.as_str().replace(['*', '?'], "x").parse::<RepoPath>() {
        Ok(_) => Ok(Some(glob)),
        Err(_) => Err(usage(option, typed, "it means no path that may be edited here").into()),
    }
}

/// What was typed as one path.
fn literal(tree: &Tree, option: &str, typed: &str) -> Result<(RepoPath, Look)> {
    let text = typed.strip_prefix("./").unwrap_or(typed);
    let path: RepoPath = text.parse().map_err(|why: String| Failure::new(Code::Usage, format!("{option}: {why}")))?;
    let look = tree.look(&path)?;
    Ok((path, look))
}

fn usage(option: &str, typed: &str, why: &str) -> Failure {
    Failure::new(Code::Usage, format!("{option} '{}': {why}", typed.escape_debug()))
}
