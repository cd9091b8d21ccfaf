//! yarn.lock (both forms), pnpm-lock.yaml, go.sum and Gemfile.lock, by their lines.

use super::{Read, indent, locks_json::archive, registries::is_default, unquoted};
use crate::depend::entry::{Graph, Lock, Locked, System};
use std::collections::{BTreeMap, HashMap};

fn lock(system: System, packages: Vec<Locked>, graph: Graph) -> Result<Read, String> {
    Ok(Read::Lock(Lock { system, packages, graph }))
}

/// Blocks that begin with `"name@range", "name@range":` and hold `version`, `resolved` and `dependencies`.
pub(super) fn yarn(_: &str, text: &str) -> Result<Read, String> {
    let mut packages: Vec<Locked> = Vec::new();
    let mut open: Option<Locked> = None;
    let mut needs = false;
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with('#')) {
        let body = line.trim();
        if body.is_empty() {
            continue;
        }
        if indent(line) == 0 {
            packages.extend(open.take());
            open = yarn_head(body, n + 1);
            needs = false;
            continue;
        }
        let Some(locked) = &mut open else { continue };
        let (key, value) = body.split_once([' ', ':']).map_or((body, ""), |(k, v)| (k, unquoted(v)));
        if indent(line) <= 2 {
            needs = matches!(key, "dependencies" | "optionalDependencies" | "peerDependencies");
            yarn_field(locked, key, value);
        } else if needs {
            let name = body.rsplit_once(' ').map_or(body, |(name, _)| name.trim_end_matches(':'));
            locked.needs.push(System::Npm.folded(unquoted(name)));
        }
    }
    packages.extend(open);
    lock(System::Npm, packages, Graph::Known)
}

/// The name in front of the first range; what a workspace itself is has none that counts.
fn yarn_head(body: &str, line: usize) -> Option<Locked> {
    let first = unquoted(body.trim_end_matches(':').split(',').next()?).trim_end_matches(':');
    let at = first.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at)?;
    let (name, range) = first.split_at(at);
    let local = ["@workspace:", "@link:", "@portal:"].iter().any(|p| range.starts_with(p));
    // An alias is the package that it stands for: `a@npm:b@^1`.
    let target = range
        .strip_prefix("@npm:")
        .and_then(|alias| alias.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| &alias[..at]));
    let name = target.unwrap_or(name);
    (!local).then(|| Locked { name: System::Npm.folded(name), line, ..Locked::default() })
}

fn yarn_field(locked: &mut Locked, key: &str, value: &str) {
    match key {
        "version" => value.clone_into(&mut locked.version),
        "resolved" => {
            let (url, sum) = value.split_once('#').unwrap_or((value, ""));
            locked.source = archive(&locked.name, url);
            if !sum.is_empty() && is_default(url) {
                locked.sums.push(format!("sha1-{sum}"));
            }
        }
        "resolution" => {
            let from = value.char_indices().skip(1).find(|(_, c)| *c == '@').map_or("", |(at, _)| &value[at + 1..]);
            locked.source = if from.starts_with("npm:") { String::new() } else { from.to_owned() };
        }
        "integrity" => locked.sums.extend(value.split_whitespace().map(str::to_owned)),
        "checksum" => locked.sums.push(format!("yarn-{value}")),
        _ => {}
    }
}

/// `packages:` and `snapshots:` with keys such as `/name@1.0.0(peer@2)`, `name@1.0.0` or `/name/1.0.0`.
pub(super) fn pnpm(_: &str, text: &str) -> Result<Read, String> {
    let mut packages: BTreeMap<(String, String), Locked> = BTreeMap::new();
    let (mut section, mut part) = ("", "");
    let mut key: Option<(String, String)> = None;
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        match indent(line) {
            _ if body.is_empty() => {}
            0 => {
                section = body.trim_end_matches(':');
                key = None;
            }
            _ if !matches!(section, "packages" | "snapshots") => {}
            2 => {
                key = pnpm_key(unquoted(body.trim_end_matches([':', '{', '}', ' '])));
                if let Some((name, version)) = &key {
                    let fresh =
                        || Locked { name: name.clone(), version: version.clone(), line: n + 1, ..Locked::default() };
                    packages.entry((name.clone(), version.clone())).or_insert_with(fresh);
                }
            }
            depth => {
                let Some(locked) = key.as_ref().and_then(|k| packages.get_mut(k)) else { continue };
                if depth == 4 {
                    part = body.split(':').next().unwrap_or_default();
                }
                match part {
                    "resolution" => pnpm_resolution(locked, body),
                    "dependencies" | "optionalDependencies" if depth > 4 => {
                        let name = body.split_once(": ").map_or(body, |(name, _)| name);
                        locked.needs.push(System::Npm.folded(unquoted(name)));
                    }
                    _ => {}
                }
            }
        }
    }
    lock(System::Npm, packages.into_values().collect(), Graph::Known)
}

fn pnpm_key(text: &str) -> Option<(String, String)> {
    let text = text.trim_start_matches('/').split('(').next()?.trim_end_matches([':', '\'']);
    let at = text.char_indices().skip(1).filter(|(_, c)| *c == '@').map(|(at, _)| at).next();
    let at = at.or_else(|| text.rfind('/'))?;
    Some((System::Npm.folded(&text[..at]), text[at + 1..].to_owned()))
}

/// `resolution: {integrity: sha512-…, tarball: https://…}`.
fn pnpm_resolution(locked: &mut Locked, body: &str) {
    let inner = body.trim_start_matches("resolution:").trim().trim_start_matches('{').trim_end_matches('}');
    for (key, value) in inner.split(',').filter_map(|pair| pair.split_once(": ")) {
        match key.trim() {
            "integrity" => locked.sums.push(unquoted(value).to_owned()),
            "tarball" | "repo" if !is_default(unquoted(value)) => unquoted(value).clone_into(&mut locked.source),
            _ => {}
        }
    }
}

/// `module version h1:…`; a line for the module's go.mod alone is no package.
pub(super) fn go_sum(_: &str, text: &str) -> Result<Read, String> {
    let packages = text.lines().enumerate().filter_map(|(n, line)| {
        let mut words = line.split_whitespace();
        let (name, version, sum) = (words.next()?, words.next()?, words.next()?);
        let (name, version, sum) = (name.to_owned(), version.to_owned(), sum.to_owned());
        let whole = !version.ends_with("/go.mod");
        whole.then(|| Locked { name, version, sums: vec![sum], line: n + 1, ..Locked::default() })
    });
    lock(System::Go, packages.collect(), Graph::Unknown)
}

/// `GEM`, `GIT` and `PATH` with `remote:` and `specs:`; `CHECKSUMS`.
pub(super) fn gemfile(_: &str, text: &str) -> Result<Read, String> {
    let mut packages: Vec<Locked> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let (mut section, mut remote) = ("", String::new());
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        let spec = || body.split_once(" (").map_or((body, ""), |(name, v)| (name, v.split(')').next().unwrap_or(v)));
        match (indent(line), section) {
            _ if body.is_empty() => {}
            (0, _) => section = body,
            (2, "GEM" | "GIT") if body.starts_with("remote:") => {
                let url = unquoted(&body["remote:".len()..]);
                remote = if is_default(url) { String::new() } else { url.to_owned() };
            }
            (4, "GEM" | "GIT") => {
                let (name, version) = spec();
                let (name, version, source) = (System::Gem.folded(name), version.to_owned(), remote.clone());
                places.insert((name.clone(), version.clone()), packages.len());
                packages.push(Locked { name, version, source, line: n + 1, ..Locked::default() });
            }
            (6, "GEM" | "GIT") => {
                let name = System::Gem.folded(spec().0.trim_end_matches('!'));
                packages.last_mut().into_iter().for_each(|p| p.needs.push(name.clone()));
            }
            (2, "CHECKSUMS") => {
                let (name, version) = spec();
                let sum = body.rsplit_once(") ").map(|(_, sum)| sum.to_owned());
                let at = places.get(&(System::Gem.folded(name), version.to_owned()));
                at.into_iter().for_each(|at| packages[*at].sums.extend(sum.clone()));
            }
            _ => {}
        }
    }
    lock(System::Gem, packages, Graph::Known)
}
