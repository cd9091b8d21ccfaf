//! What two sides of a manifest name, held against each other and against what the ticket allows.
//!
//! An entry that neither side of the change had before is an addition: refused unless allowed. The same package from
//! another source is as much an addition. Another version, another group of the same file, a move between files, and
//! what lies in the repository itself are flags. What goes away is nobody's danger.

use super::{
    Report,
    allow::{Allowed, Leave},
    entry::{COMMAND, Entry, INDIRECT, System, What},
    named::Named,
    read::{self, Read},
    say::{self, Added, word},
};
use crate::{delta::Delta, verdict::Severity};
use std::collections::{BTreeMap, BTreeSet};

type Key = (System, What, String);

/// A changed file of dependencies as it reads before and after.
pub(super) struct Sides<'a> {
    pub(super) path: &'a str,
    pub(super) old: Option<Result<Read, String>>,
    pub(super) new: Option<Result<Read, String>>,
}

impl<'a> Sides<'a> {
    /// None where the file is none of dependencies.
    pub(super) fn of(change: &Delta<'a>) -> Option<Sides<'a>> {
        let read = |bytes: Option<&[u8]>| bytes.and_then(|bytes| read::read(change.path, bytes));
        let (old, new) = (read(change.old), read(change.new));
        (old.is_some() || new.is_some()).then_some(Sides { path: change.path, old, new })
    }

    fn entries(side: &Option<Result<Read, String>>) -> &[Entry] {
        match side {
            Some(Ok(Read::Manifest(entries))) => entries,
            _ => &[],
        }
    }
}

/// What is found, file after file.
pub(super) struct Judge<'a> {
    pub(super) allowed: Allowed<'a>,
    named: &'a Named<'a>,
    /// What any file of the change named before.
    before: BTreeMap<Key, BTreeSet<String>>,
    /// Systems of which something allowed was added, or something changed its version.
    moving: BTreeSet<System>,
    /// Names of which a manifest's refusal tells already.
    told: BTreeSet<(System, String)>,
    /// Folded names whose version a manifest changes.
    pub(super) bumped: BTreeSet<(System, String)>,
    report: Report,
}

impl<'a> Judge<'a> {
    pub(super) fn new(allowed: Allowed<'a>, named: &'a Named<'a>) -> Judge<'a> {
        Judge {
            allowed,
            named,
            before: BTreeMap::new(),
            moving: BTreeSet::new(),
            told: BTreeSet::new(),
            bumped: BTreeSet::new(),
            report: Report::default(),
        }
    }

    /// Takes in what every file named before, so that a move between files is known as one.
    pub(super) fn remember(&mut self, sides: &[Sides<'a>]) {
        for side in sides {
            for entry in Sides::entries(&side.old) {
                self.before.entry(entry.key()).or_default().insert(entry.source.clone());
            }
        }
    }

    /// One manifest, but for what only other packages need.
    pub(super) fn manifest(&mut self, sides: &Sides<'_>) {
        if let Some(Err(why)) = &sides.new {
            return self.unreadable(sides, why);
        }
        let old = by_key(Sides::entries(&sides.old));
        for (key, entries) in by_key(Sides::entries(&sides.new)) {
            match old.get(&key) {
                None if entries.iter().all(|e| e.group == INDIRECT) => {}
                None => self.added(sides.path, entries[0]),
                Some(was) => self.changed(sides.path, was, &entries),
            }
        }
    }

    /// What only other packages need comes with what is allowed, and not by itself.
    pub(super) fn indirect(&mut self, sides: &Sides<'_>) {
        let old = by_key(Sides::entries(&sides.old));
        for (key, entries) in by_key(Sides::entries(&sides.new)) {
            let entry = entries[0];
            if old.contains_key(&key) || entries.iter().any(|e| e.group != INDIRECT) {
                continue;
            }
            if self.is_moving(entry.system) && entry.source.is_empty() {
                let message = format!("'{}' comes with what is added or changed", word(&entry.name));
                self.flag(Severity::Low, sides.path, entry.line, message);
            } else {
                self.added(sides.path, entry);
            }
        }
    }

    /// A file that was not readable before either is no fault of the change.
    fn unreadable(&mut self, sides: &Sides<'_>, why: &str) {
        if matches!(sides.old, Some(Err(_))) {
            let message = format!("its dependencies are not compared: {}", word(why));
            return self.flag(Severity::Medium, sides.path, 0, message);
        }
        self.report.refused.push(Added::unreadable(sides.path, why));
    }

    fn added(&mut self, path: &str, entry: &Entry) {
        let name = word(&entry.name);
        let known = self.before.get(&entry.key()).is_some_and(|sources| sources.contains(&entry.source));
        if let Some(leave) = self.allowed.lets(entry) {
            self.moving.insert(entry.system);
            return self.let_in(path, entry, &leave);
        }
        if known {
            return self.flag(Severity::Low, path, entry.line, format!("'{name}' now stands in this file too"));
        }
        if entry.group == COMMAND && entry.what == What::Package && entry.source.is_empty() {
            let folded = entry.system.folded(&entry.name);
            if self.named.has(entry.system, &folded) {
                return self.flag(Severity::Low, path, entry.line, format!("a command now installs '{name}' too"));
            }
        }
        if entry.source == "inherited" {
            return self.flag(Severity::Low, path, entry.line, format!("it now takes '{name}' from the workspace"));
        }
        if let Some(place) = self.named.local(entry, path) {
            let message = format!("it now depends on '{name}' in '{}'", word(&place));
            return self.flag(Severity::Low, path, entry.line, message);
        }
        self.refuse(path, entry.line, entry, &say::adding(entry));
    }

    fn let_in(&mut self, path: &str, entry: &Entry, leave: &Leave) {
        let adds = say::adding(entry);
        self.flag(Severity::Medium, path, entry.line, format!("it {adds}, as the ticket allows"));
        if let Leave::OtherVersion(asked) = leave {
            let message = format!("the ticket allows '{}', and it asks for '{}'", word(asked), word(&entry.version));
            self.flag(Severity::Medium, path, entry.line, message);
        }
        if let Some(command) = entry.system.advisory().filter(|_| entry.what == What::Package) {
            let message = format!("'{command}' was not asked about '{}': it needs the network", word(&entry.name));
            self.flag(Severity::Medium, path, entry.line, message);
        }
    }

    /// A name that the file had before, with what stands beside it.
    fn changed(&mut self, path: &str, was: &[&Entry], is: &[&Entry]) {
        let all = |part: fn(&Entry) -> &String| was.iter().map(|w| part(w).as_str()).collect::<BTreeSet<&str>>();
        let (sources, versions, groups) = (all(|e| &e.source), all(|e| &e.version), all(|e| &e.group));
        for entry in is {
            let name = word(&entry.name);
            if !sources.contains(entry.source.as_str()) {
                return self.moved_source(path, was[0], entry);
            }
            let same_version = versions.contains(entry.version.as_str());
            if same_version && groups.contains(entry.group.as_str()) {
                continue;
            }
            if matches!(entry.what, What::Script | What::Setting) {
                if self.allowed.lets(entry).is_none() {
                    self.refuse(path, entry.line, entry, &say::adding(entry));
                }
                return;
            }
            let message = if entry.group == COMMAND && !groups.contains(COMMAND) {
                format!("a command now installs '{name}' too")
            } else if same_version {
                format!("'{name}' is now one of '{}' too", word(&entry.group))
            } else {
                self.moving.insert(entry.system);
                self.bumped.insert((entry.system, entry.system.folded(&entry.name)));
                format!("'{name}' is '{}' instead of '{}'", word(&entry.version), word(&was[0].version))
            };
            return self.flag(Severity::Low, path, entry.line, message);
        }
    }

    fn moved_source(&mut self, path: &str, was: &Entry, is: &Entry) {
        let of = |source: &str| match source {
            "" => "its registry".to_owned(),
            "inherited" => "the workspace".to_owned(),
            source => format!("'{}'", word(source)),
        };
        let what = format!("takes '{}' from {} instead of {}", word(&is.name), of(&is.source), of(&was.source));
        let pinned = was.source == "inherited" && is.source.is_empty();
        let local = pinned || is.source == "inherited" || self.named.local(is, path).is_some();
        if local || self.allowed.lets(is).is_some() {
            self.moving.insert(is.system);
            return self.flag(Severity::Medium, path, is.line, format!("it {what}"));
        }
        self.refuse(path, is.line, is, &what);
    }

    fn refuse(&mut self, path: &str, line: usize, entry: &Entry, what: &str) {
        self.told.insert((entry.system, entry.system.folded(&entry.name)));
        self.report.refused.push(Added::new(path, line, &entry.name, what));
    }

    /// A refusal of what a lockfile resolves, unless a manifest's refusal told it already.
    pub(super) fn refuse_locked(&mut self, path: &str, (system, name): (System, &str), line: usize, what: &str) {
        if !self.told.contains(&(system, name.to_owned())) {
            self.report.refused.push(Added::new(path, line, name, what));
        }
    }

    pub(super) fn refuse_import(&mut self, import: Added) {
        self.report.refused.push(import);
    }

    pub(super) fn flag(&mut self, severity: Severity, path: &str, line: usize, message: String) {
        self.report.flags.push(say::flag(severity, path, line, message));
    }

    pub(super) fn is_moving(&self, system: System) -> bool {
        self.moving.contains(&system)
    }

    pub(super) fn is_named_by_manifest(&self, system: System, folded: &str) -> bool {
        self.named.by_manifest(system, folded)
    }

    pub(super) fn report(self) -> Report {
        self.report
    }
}

fn by_key(entries: &[Entry]) -> BTreeMap<Key, Vec<&Entry>> {
    let mut by: BTreeMap<Key, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        by.entry(entry.key()).or_default().push(entry);
    }
    by
}
