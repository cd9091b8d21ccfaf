//! One thing that a file makes somebody fetch or trust, and the names by which two of them are the same.

/// Where a package comes from by default; names are compared within one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum System {
    Npm,
    Cargo,
    Pypi,
    Go,
    Gem,
    Maven,
    Composer,
    Nuget,
    Image,
    Action,
    Os,
    Git,
}

impl System {
    /// The words before a colon by which `allowed_dependencies` may name it; the first is shown.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            System::Npm => &["npm"],
            System::Cargo => &["cargo", "crates.io"],
            System::Pypi => &["pypi", "pip"],
            System::Go => &["go"],
            System::Gem => &["gem", "rubygems"],
            System::Maven => &["maven", "gradle"],
            System::Composer => &["composer", "packagist"],
            System::Nuget => &["nuget"],
            System::Image => &["docker", "image"],
            System::Action => &["action", "uses"],
            System::Os => &["apt", "apk", "dnf", "yum", "brew"],
            System::Git => &["git"],
        }
    }

    /// A name as its own registry compares it.
    pub(super) fn folded(self, name: &str) -> String {
        let name = name.trim();
        match self {
            System::Pypi => pep_503(name),
            System::Cargo => name.to_ascii_lowercase().replace('_', "-"),
            System::Go => name.to_owned(),
            System::Image => image(name),
            System::Git => name.trim_end_matches('/').trim_end_matches(".git").to_ascii_lowercase(),
            _ => name.to_lowercase(),
        }
    }

    /// The program that holds a project's packages against a database of advisories.
    pub(super) fn advisory(self) -> Option<&'static str> {
        Some(match self {
            System::Npm => "npm audit",
            System::Cargo => "cargo audit",
            System::Pypi => "pip-audit",
            System::Go => "govulncheck ./...",
            System::Gem => "bundle-audit check",
            System::Composer => "composer audit",
            System::Nuget => "dotnet list package --vulnerable",
            System::Maven => "mvn org.owasp:dependency-check-maven:check",
            System::Image | System::Action | System::Os | System::Git => return None,
        })
    }
}

/// Lower case, and each run of `-`, `_` and `.` is one `-` (PEP 503).
fn pep_503(name: &str) -> String {
    let name = name.split('[').next().unwrap_or(name).trim();
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// `ubuntu` is `docker.io/library/ubuntu`.
fn image(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("docker.io/").unwrap_or(&name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

/// What an entry is, beside a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// A package by its name.
    Package,
    /// A place that packages come from; its name is the address.
    Registry,
    /// A command that the package manager runs by itself; its name is its key.
    Script,
    /// A setting of the package manager that decides what is fetched or run; its name is its key.
    Setting,
    /// Code that is downloaded and run at once; its name is the address.
    Fetch,
}

/// One thing that a file makes somebody fetch or trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) system: System,
    pub(super) what: What,
    /// As written.
    pub(super) name: String,
    /// The part of the file: `dependencies`, `dev-dependencies`, `overrides`.
    pub(super) group: String,
    /// Version, range or tag as written; for a script or setting what it says.
    pub(super) version: String,
    /// Empty for the system's own registry.
    pub(super) source: String,
    /// From 1.
    pub(super) line: usize,
}

/// The group of what a command installs, rather than a manifest names.
pub(super) const COMMAND: &str = "a command";
/// The group of what only other packages need, where a manifest lists them too.
pub(super) const INDIRECT: &str = "indirect";

impl Entry {
    /// A package of the system's own registry.
    pub(super) fn package(system: System, name: impl Into<String>, line: usize) -> Entry {
        let empty = String::new;
        Entry {
            system,
            what: What::Package,
            name: name.into(),
            group: empty(),
            version: empty(),
            source: empty(),
            line,
        }
    }

    pub(super) fn group(self, group: impl Into<String>) -> Entry {
        Entry { group: group.into(), ..self }
    }

    pub(super) fn version(self, version: impl Into<String>) -> Entry {
        Entry { version: version.into(), ..self }
    }

    pub(super) fn source(self, source: impl Into<String>) -> Entry {
        Entry { source: source.into(), ..self }
    }

    pub(super) fn what(self, what: What) -> Entry {
        Entry { what, ..self }
    }

    /// What makes two entries one thing.
    pub(super) fn key(&self) -> (System, What, String) {
        (self.system, self.what, self.system.folded(&self.name))
    }
}

/// One package of a lockfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Locked {
    /// Folded.
    pub(super) name: String,
    pub(super) version: String,
    /// Empty where the lockfile names none.
    pub(super) source: String,
    /// Each as `algorithm` and value in one word; empty where the lockfile names none.
    pub(super) sums: Vec<String>,
    /// Folded names of what it needs.
    pub(super) needs: Vec<String>,
    pub(super) line: usize,
}

/// A lockfile: what was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) system: System,
    pub(super) packages: Vec<Locked>,
    /// Whether it says what needs what.
    pub(super) graph: Graph,
}

/// Whether a lockfile says what needs what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Graph {
    Known,
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_compared_as_its_registry_does() {
        for (system, a, b) in [
            (System::Pypi, "Flask_Login", "flask-login"),
            (System::Pypi, "zope.interface", "Zope--Interface"),
            (System::Pypi, "uvicorn[standard]", "uvicorn"),
            (System::Cargo, "serde_json", "serde-json"),
            (System::Image, "docker.io/library/Ubuntu", "ubuntu"),
            (System::Git, "https://github.com/A/b.git", "https://github.com/a/b/"),
            (System::Nuget, "Newtonsoft.Json", "newtonsoft.json"),
        ] {
            assert_eq!(system.folded(a), system.folded(b));
        }
        assert_ne!(System::Npm.folded("@a/b"), System::Npm.folded("@b/b"));
        assert_ne!(System::Go.folded("example.com/A"), System::Go.folded("example.com/a"));
    }
}
