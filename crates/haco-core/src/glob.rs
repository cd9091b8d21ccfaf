//! Patterns of paths: `*` and `?` within one name, `**` for any directories. Brackets and braces are ordinary characters,
//! because names hold them; a name that begins with a dot is meant only by a pattern that has the dot too.

use crate::path::{RepoPath, runs_on_host};

/// A pattern with at least one wildcard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
}

impl Glob {
    /// The pattern that `text` is; none where it has no wildcard and so names one path.
    pub fn parse(text: &str) -> Option<Glob> {
        let wild = text.contains(['*', '?']);
        wild.then(|| Glob { text: text.to_owned() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it means this path. A file that runs on the host later is never meant: it must be named.
    pub fn means(&self, path: &RepoPath) -> bool {
        self.matches(path.as_str()) && !runs_on_host(path)
    }

    /// Whether the text matches, as a whole. The last `**` alone is tried again, which is enough: what one before it took
    /// less of, the later one could have taken.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, path): (Vec<&str>, Vec<&str>) = (self.text.split('/').collect(), text.split('/').collect());
        let (mut p, mut t, mut star) = (0, 0, None);
        while t < path.len() {
            if pattern.get(p) == Some(&"**") {
                star = Some((p, t));
                p += 1;
            } else if pattern.get(p).is_some_and(|one| part(one, path[t])) {
                (p, t) = (p + 1, t + 1);
            } else {
                match star {
                    Some((at, from)) if !path[from].starts_with('.') => {
                        star = Some((at, from + 1));
                        (p, t) = (at + 1, from + 1);
                    }
                    _ => return false,
                }
            }
        }
        pattern[p..].iter().all(|one| *one == "**")
    }

    /// Whether something in the directory `dir`, or deeper, may match.
    pub fn reaches_into(&self, dir: &str) -> bool {
        let mut pattern = self.text.split('/');
        for name in dir.split('/') {
            match pattern.next() {
                Some("**") => return !name.starts_with('.') || self.text.split('/').any(|one| one.starts_with('.')),
                Some(one) if part(one, name) => {}
                _ => return false,
            }
        }
        pattern.next().is_some()
    }

    /// The directory that every match is in; empty for the top.
    pub fn directory(&self) -> &str {
        let wild = self.text.find(['*', '?']).unwrap_or(self.text.len());
        self.text[..wild].rsplit_once('/').map_or("", |(dir, _)| dir)
    }
}

/// One name of a path against its part of the pattern.
fn part(pattern: &str, text: &str) -> bool {
    let hidden = text.starts_with('.') && !pattern.starts_with('.');
    !hidden && name(pattern.as_bytes(), text.as_bytes())
}

/// The same without the rule of dots, in time that grows with the product of the lengths at most.
fn name(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t = next_char(text, t);
            }
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    let from = next_char(text, from);
                    star = Some((at, from));
                    (p, t) = (at + 1, from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Where the character after the one at `at` begins.
fn next_char(text: &[u8], at: usize) -> usize {
    (at + 1..text.len()).find(|i| text[*i] & 0xC0 != 0x80).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text).expect(text)
    }

    #[test]
    fn wildcards_match_within_a_name_and_two_stars_across_directories() {
        for (pattern, yes, no) in [
            ("*.rs", &["a.rs", "é.rs"][..], &["a.py", "src/a.rs", ".a.rs", "rs"][..]),
            ("src/*.rs", &["src/a.rs"], &["src/x/a.rs", "src/.a.rs", "lib/a.rs"]),
            ("src/**/*.rs", &["src/a.rs", "src/x/a.rs", "src/x/y/a.rs"], &["a.rs", "src/.x/a.rs"]),
            ("**", &["a", "a/b/c"], &[".env", "a/.env"]),
            ("**/.env*", &[".env", "a/.env.local"], &["a/env", ".x/.env"]),
            ("a?c*", &["abc", "aéc", "abcdc"], &["ac", "a/c", "abd"]),
            ("app/[id]/*", &["app/[id]/page.tsx"], &["app/i/page.tsx"]),
            ("a*b*c", &["abc", "axbxc", "abbcbc"], &["ab", "acb"]),
        ] {
            for text in yes {
                assert!(glob(pattern).matches(text), "{pattern} {text}");
            }
            for text in no {
                assert!(!glob(pattern).matches(text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn a_walk_goes_only_where_a_match_can_be() {
        let src = glob("src/*/a*.rs");
        assert_eq!((src.directory(), glob("*.rs").directory(), glob("a/b*").directory()), ("src", "", "a"));
        assert!(src.reaches_into("src") && src.reaches_into("src/x"));
        assert!(!src.reaches_into("src/x/y") && !src.reaches_into("lib") && !src.reaches_into("src/.x"));
        assert!(glob("**/x").reaches_into("a/b/c") && !glob("**/x").reaches_into(".b"));
        assert!(glob("**/.x/*").reaches_into(".x"));
    }

    #[test]
    fn what_runs_on_the_host_is_never_meant_by_a_pattern() {
        let means = |pattern: &str, path: &str| glob(pattern).means(&path.parse().expect("path"));
        for path in ["build.rs", "x/build.rs", ".github/workflows/ci.yml", ".envrc", "CLAUDE.md"] {
            for pattern in ["**/*", "*", ".*", ".github/workflows/*", "**/build.*"] {
                assert!(!means(pattern, path), "{pattern} {path}");
            }
        }
        assert!(means("**/*.rs", "src/build_it.rs"));
    }

    #[test]
    fn many_stars_cost_no_time() {
        assert!(!glob(&"a*".repeat(100)).matches(&"a".repeat(200)[..199].replace('a', "b")));
        let deep = "a/".repeat(200) + "b";
        assert!(!glob(&("**/a/".repeat(5) + "c")).matches(&deep));
    }
}
