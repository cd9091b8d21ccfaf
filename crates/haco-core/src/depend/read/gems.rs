//! Gemfile and gemspecs, line by line: both are programs, and what they compute is not seen.

use super::{Read, all_quoted, manifest, quoted, registries};
use crate::depend::entry::{Entry, System};

const CALLS: [&str; 4] = ["gem", "add_dependency", "add_runtime_dependency", "add_development_dependency"];

pub(super) fn gemfile(_: &str, text: &str) -> Result<Read, String> {
    let mut found = Vec::new();
    let mut block = String::new();
    for (n, line) in text.lines().enumerate() {
        let body = line.trim();
        let word = body.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
        let call = word.rsplit('.').next().unwrap_or(word);
        match call {
            "source" => {
                found.extend(quoted(body).and_then(|url| registries::registry(System::Gem, url, n + 1)));
            }
            "git" | "path" | "github" if body.ends_with("do") || body.contains(" do ") => {
                block = quoted(body).map(|place| format!("{call} {place}")).unwrap_or_default();
            }
            "eval_gemfile" => {
                let file = quoted(body).unwrap_or_default();
                found.push(registries::setting(System::Gem, &format!("eval_gemfile {file}"), file, n + 1));
            }
            "end" => block.clear(),
            call if CALLS.contains(&call) => found.extend(gem(body, call, &block, n + 1)),
            _ => {}
        }
    }
    manifest(found)
}

/// `gem 'name', '~> 1', git: 'url'`.
fn gem(body: &str, call: &str, block: &str, line: usize) -> Option<Entry> {
    let all = all_quoted(body);
    let (_, name) = all.first()?;
    let of = |(at, value): &(usize, &str)| {
        let before = body[..at - 1].trim_end();
        let key = before.trim_end_matches("=>").trim_end().trim_end_matches(':');
        let key = key.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        let named = before.ends_with(':') || before.ends_with("=>");
        named.then(|| (key.to_owned(), (*value).to_owned()))
    };
    let named: Vec<(String, String)> = all.iter().skip(1).filter_map(of).collect();
    let place = ["git", "github", "gitlab", "bitbucket", "gist", "path", "source"]
        .iter()
        .find_map(|key| named.iter().find(|(k, _)| k == key));
    let source = place.map_or_else(|| block.to_owned(), |(key, value)| format!("{key} {value}"));
    let version = all.iter().skip(1).filter(|item| of(item).is_none()).map(|(_, v)| *v).collect::<Vec<_>>().join(", ");
    Some(Entry::package(System::Gem, *name, line).group(call).version(version).source(source))
}
