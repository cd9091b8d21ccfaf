//! What two sides of a lockfile resolve. A new package there must be needed by something that is allowed, or by something
//! that changed its version; the same version may neither change its source nor its bytes.

use super::{
    entry::{Graph, Lock, Locked},
    judge::{Judge, Sides},
    read::Read,
    say::word,
};
use crate::verdict::Severity;
use std::collections::{BTreeMap, BTreeSet};

/// The most names that one flag lists.
const MOST_NAMES: usize = 8;

/// One lockfile, after the manifests.
pub(super) fn compare(judge: &mut Judge<'_>, sides: &Sides<'_>) {
    let Some(Ok(Read::Lock(new))) = &sides.new else { return };
    let none = Lock { system: new.system, packages: Vec::new(), graph: new.graph };
    let old = match &sides.old {
        Some(Ok(Read::Lock(old))) => old,
        _ => &none,
    };
    let was = before(&old.packages);
    let mut found = Found { expected: expected(judge, sides, &was, new), ..Found::default() };
    for (name, packages) in by_name(&new.packages) {
        match was.get(name) {
            None => packages.iter().for_each(|p| added(judge, sides.path, new, p, &mut found)),
            Some(was) => packages.iter().for_each(|p| changed(judge, sides.path, new, (was, p), &mut found)),
        }
    }
    let mut list = |names: &BTreeSet<String>, what: &str| {
        if !names.is_empty() {
            let some: Vec<String> = names.iter().take(MOST_NAMES).map(|n| word(n)).collect();
            let more = names
                .len()
                .checked_sub(MOST_NAMES)
                .filter(|n| *n > 0)
                .map_or(String::new(), |n| format!(" and {n} more"));
            judge.flag(Severity::Low, sides.path, 0, format!("{what}: {}{more}", some.join(", ")));
        }
    };
    list(&found.come, "packages come with what is added or changed");
    list(&found.other, "packages have another version");
}

#[derive(Default)]
struct Found<'a> {
    /// Names that may be new.
    expected: BTreeSet<&'a str>,
    /// Names that are new and expected.
    come: BTreeSet<String>,
    /// Names that have another version.
    other: BTreeSet<String>,
}

fn by_name(packages: &[Locked]) -> BTreeMap<&str, Vec<&Locked>> {
    let mut by: BTreeMap<&str, Vec<&Locked>> = BTreeMap::new();
    for package in packages {
        by.entry(&package.name).or_default().push(package);
    }
    by
}

/// The names that may be new: what is needed, however far, by what is allowed or has another version. Where there was no
/// lockfile, all that the project's manifests name is expected.
fn expected<'a>(
    judge: &Judge<'_>,
    sides: &Sides<'_>,
    was: &BTreeMap<&str, Was<'_>>,
    new: &'a Lock,
) -> BTreeSet<&'a str> {
    let system = new.system;
    let fresh = sides.old.is_none();
    let moved = |p: &Locked| was.get(p.name.as_str()).is_some_and(|w| !w.sums.contains_key(p.version.as_str()));
    let begins = |p: &Locked| {
        judge.allowed.names(system, &p.name)
            || moved(p)
            || judge.bumped.contains(&(system, p.name.clone()))
            || (fresh && judge.is_named_by_manifest(system, &p.name))
    };
    if new.graph == Graph::Unknown {
        let any = judge.is_moving(system) || fresh || new.packages.iter().any(begins);
        return new.packages.iter().filter(|_| any).map(|p| p.name.as_str()).collect();
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = new.packages.iter().filter(|p| begins(p)).map(|p| p.name.as_str()).collect();
    let all = by_name(&new.packages);
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            open.extend(all.get(name).into_iter().flatten().flat_map(|p| p.needs.iter().map(String::as_str)));
        }
    }
    seen
}

fn added(judge: &mut Judge<'_>, path: &str, lock: &Lock, package: &Locked, found: &mut Found<'_>) {
    let name = word(&package.name);
    let words = lock.system.words()[0];
    if !package.source.is_empty() && !judge.allowed.names(lock.system, &package.name) {
        let what = format!("locks the package '{name}' ({words}) from '{}'", word(&package.source));
        return judge.refuse_locked(path, (lock.system, &package.name), package.line, &what);
    }
    if found.expected.contains(package.name.as_str()) {
        found.come.insert(package.name.clone());
        return;
    }
    let what = format!("locks the package '{name}' ({words})");
    judge.refuse_locked(path, (lock.system, &package.name), package.line, &what);
}

fn changed(judge: &mut Judge<'_>, path: &str, lock: &Lock, (was, is): (&Was<'_>, &Locked), found: &mut Found<'_>) {
    let name = word(&is.name);
    let key = (lock.system, is.name.as_str());
    if !was.sources.contains(is.source.as_str()) && !judge.allowed.names(lock.system, &is.name) {
        let of =
            |source: &str| if source.is_empty() { "its registry".to_owned() } else { format!("'{}'", word(source)) };
        let before = was.sources.first().copied().unwrap_or_default();
        let what = format!("takes '{name}' from {} instead of {}", of(&is.source), of(before));
        return judge.refuse_locked(path, key, is.line, &what);
    }
    match was.sums.get(is.version.as_str()) {
        None => {
            found.other.insert(is.name.clone());
        }
        Some(sums) if differs(sums, &is.sums) => {
            let what = format!("gives '{name}' {} other bytes: its checksum changes", word(&is.version));
            judge.refuse_locked(path, key, is.line, &what);
        }
        Some(_) => {}
    }
}

/// One name as the lockfile had it: where it came from, and the checksums of each version.
#[derive(Default)]
struct Was<'a> {
    sources: BTreeSet<&'a str>,
    sums: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

fn before(packages: &[Locked]) -> BTreeMap<&str, Was<'_>> {
    let mut by: BTreeMap<&str, Was<'_>> = BTreeMap::new();
    for package in packages {
        let was = by.entry(&package.name).or_default();
        was.sources.insert(&package.source);
        was.sums.entry(&package.version).or_default().extend(package.sums.iter().map(String::as_str));
    }
    by
}

/// Whether both sides have checksums of one kind, and none is the same.
fn differs(was: &BTreeSet<&str>, is: &[String]) -> bool {
    fn kind(sum: &str) -> &str {
        sum.split([':', '-']).next().unwrap_or_default()
    }
    let kinds: BTreeSet<&str> = was.iter().map(|s| kind(s)).collect();
    let mut comparable = is.iter().filter(|s| kinds.contains(kind(s))).peekable();
    comparable.peek().is_some() && !comparable.any(|s| was.contains(s.as_str()))
}
