//! What a ticket's `allowed_dependencies` lets through: names, with or without a system before and a version after.

use super::entry::{Entry, System, What};

/// The entries of a ticket's list.
pub(super) struct Allowed<'a>(pub(super) &'a [String]);

/// How the list lets an entry through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// By its name.
    Name,
    /// By its name, but it says another version.
    OtherVersion(String),
}

impl Allowed<'_> {
    /// Whether the list names the entry.
    pub(super) fn lets(&self, entry: &Entry) -> Option<Leave> {
        let item = self.0.iter().map(|text| text.trim()).find(|text| fits(text, entry))?;
        let asked = asked_version(item);
        let other = !asked.is_empty() && entry.what == What::Package && !entry.version.contains(&asked);
        Some(if other { Leave::OtherVersion(item.to_owned()) } else { Leave::Name })
    }

    /// Whether the list has a package of `system` for which this holds.
    pub(super) fn any(&self, system: System, is: impl Fn(&String) -> bool) -> bool {
        let names = self.0.iter().map(|text| bare_name(without_system(text.trim(), system), system));
        names.filter(|name| !name.is_empty()).any(|name| is(&system.folded(name)))
    }

    /// Whether the list names a package of `system`.
    pub(super) fn names(&self, system: System, folded: &str) -> bool {
        self.lets(&Entry::package(system, folded, 0)).is_some()
    }
}

/// `left-pad`, `left-pad@1.3`, `npm:left-pad`, `requests>=2`, `serde = "1"`, `org.slf4j:slf4j-api:2.0`.
fn fits(text: &str, entry: &Entry) -> bool {
    let system = entry.system;
    if entry.what != What::Package {
        let text = without_system(text, system);
        return text.eq_ignore_ascii_case(&entry.name) || host_of(&entry.name).is_some_and(|host| text == host);
    }
    let wanted = system.folded(&entry.name);
    let name = bare_name(without_system(text, system), system);
    if name.is_empty() {
        return false;
    }
    let folded = system.folded(name);
    folded == wanted
        || (system == System::Maven && wanted.split_once(':').is_some_and(|(_, artifact)| artifact == folded))
        || (system == System::Go && wanted.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')))
}

fn without_system(text: &str, system: System) -> &str {
    let after = |word: &&str| text.strip_prefix(*word).and_then(|rest| rest.strip_prefix(':'));
    system.words().iter().find_map(after).unwrap_or(text).trim()
}

/// The name without a version: up to white space, a comparison, or an `@` that begins no scope.
fn bare_name(text: &str, system: System) -> &str {
    let text = text.split(|c: char| c.is_whitespace() || "<>=!~;,^(".contains(c)).next().unwrap_or("");
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let text = at.map_or(text, |at| &text[..at]);
    match system {
        System::Maven => text.match_indices(':').nth(1).map_or(text, |(at, _)| &text[..at]),
        System::Image => without_tag(text),
        System::Composer | System::Nuget => text.split(':').next().unwrap_or(text),
        _ => text,
    }
}

/// An image's name without its tag; a port belongs to the name.
pub(super) fn without_tag(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => text,
    }
}

/// The first number with a dot or the digits after an `@`, where there are any.
fn asked_version(text: &str) -> String {
    let from = text.char_indices().skip(1).find(|(_, c)| " @<>=~^".contains(*c)).map_or(text.len(), |(at, _)| at);
    let digits = text[from..].trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect()
}

fn host_of(address: &str) -> Option<&str> {
    address.split_once("://").and_then(|(_, rest)| rest.split(['/', ':', '?']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets(item: &str, entry: &Entry) -> Option<Leave> {
        Allowed(&[item.to_owned()]).lets(entry)
    }

    #[test]
    fn a_name_fits_with_and_without_system_and_version() {
        for (item, system, name) in [
            ("left-pad", System::Npm, "left-pad"),
            ("npm:@scope/pad", System::Npm, "@scope/pad"),
            ("@scope/pad@^1.2", System::Npm, "@scope/pad"),
            ("Flask_Login >= 0.6", System::Pypi, "flask-login"),
            ("requests[socks]==2.0", System::Pypi, "requests"),
            ("serde_json = \"1\"", System::Cargo, "serde-json"),
            ("github.com/spf13/cobra", System::Go, "github.com/spf13/cobra/doc"),
            ("slf4j-api", System::Maven, "org.slf4j:slf4j-api"),
            ("org.slf4j:slf4j-api:2.0.9", System::Maven, "org.slf4j:slf4j-api"),
            ("monolog/monolog:^3", System::Composer, "monolog/monolog"),
            ("docker:python:3.12-slim", System::Image, "docker.io/library/python"),
            ("actions/checkout@v4", System::Action, "actions/checkout"),
        ] {
            assert!(lets(item, &Entry::package(system, name, 1)).is_some(), "{item}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_another_name() {
        for (item, system, name) in [
            ("left", System::Npm, "left-pad"),
            ("pad", System::Npm, "@scope/pad"),
            ("requests", System::Pypi, "requests-oauthlib"),
            ("cargo:serde", System::Npm, "serde"),
            ("", System::Npm, "left-pad"),
            ("github.com/spf13", System::Os, "github.com/spf13/cobra"),
            ("none", System::Npm, "left-pad"),
        ] {
            assert_eq!(lets(item, &Entry::package(system, name, 1)), None, "{item}");
        }
    }

    #[test]
    fn another_version_than_the_one_allowed_is_said() {
        let entry = Entry::package(System::Npm, "left-pad", 1);
        let other = Leave::OtherVersion("left-pad@1.3.0".to_owned());
        assert_eq!(lets("left-pad@1.3.0", &entry.clone().version("^2.0.0")), Some(other));
        assert_eq!(lets("left-pad@1.3.0", &entry.clone().version("^1.3.0")), Some(Leave::Name));
        assert_eq!(lets("left-pad", &entry.version("*")), Some(Leave::Name));
    }

    #[test]
    fn a_registry_is_named_by_its_address_or_its_host() {
        let entry = Entry::package(System::Npm, "https://npm.example.com/x", 1).what(What::Registry);
        assert!(lets("npm.example.com", &entry).is_some() && lets("https://npm.example.com/x", &entry).is_some());
        assert_eq!(lets("example.com", &entry), None);
    }
}
