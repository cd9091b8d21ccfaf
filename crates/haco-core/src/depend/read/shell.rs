//! Commands that install packages or run what they download, wherever a shell is given them: scripts, Makefiles, CI
//! steps, Dockerfiles, package.json. What is behind a variable is not seen.

use super::{Read, manifest};
use crate::depend::entry::{COMMAND, Entry, System, What};

/// A shell script, or a file of recipes.
pub(super) fn file(_: &str, text: &str) -> Result<Read, String> {
    manifest(joined(text).into_iter().flat_map(|(line, text)| commands(&text, line)).collect())
}

/// Lines with those that end in a backslash joined to the next, comments dropped, each with its first number.
pub(super) fn joined(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let (body, goes_on) = line.trim_end().strip_suffix('\\').map_or((line, false), |body| (body, true));
        match all.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(body);
            }
            _ => all.push((n + 1, body.to_owned())),
        }
        open = goes_on;
    }
    all
}

/// What the commands of one line install, and what they download and run.
pub(super) fn commands(text: &str, line: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    if is_worth_reading(text) {
        found.extend(fetched(text, line));
        read(text, line, 0, &mut found);
    }
    found
}

/// Most lines hold no such word at all.
fn is_worth_reading(text: &str) -> bool {
    ["install", "add ", "npx ", "dlx ", "uvx ", "exec ", "require ", "curl", "wget", " get ", "bunx ", " i "]
        .iter()
        .any(|w| text.contains(w))
}

fn read(text: &str, line: usize, depth: usize, found: &mut Vec<Entry>) {
    for words in simple_commands(text) {
        let inner = words.windows(2).find(|w| w[0] == "-c" || w[0] == "-lc").map(|w| w[1].clone());
        match inner {
            Some(inner) if depth == 0 => read(&inner, line, 1, found),
            _ => found.extend(installed(&words, line)),
        }
    }
}

/// The words of each command between `;`, `&` and `|`, quotes taken off.
fn simple_commands(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let mut quote: Option<char> = None;
    let end_word = |word: &mut String, words: &mut Vec<String>| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, ';' | '&' | '|' | '\n' | '(' | ')' | '`') => {
                end_word(&mut word, &mut words);
                all.push(std::mem::take(&mut words));
            }
            (None, c) if c.is_whitespace() => end_word(&mut word, &mut words),
            (None, c) => word.push(c),
        }
    }
    end_word(&mut word, &mut words);
    all.push(words);
    all.retain(|words| !words.is_empty());
    all
}

/// The ways to install: the words of the command, and the system of what follows.
const INSTALLERS: &[(&[&str], System)] = &[
    (&["npm", "install"], System::Npm),
    (&["npm", "i"], System::Npm),
    (&["npm", "add"], System::Npm),
    (&["npm", "exec"], System::Npm),
    (&["npx"], System::Npm),
    (&["bunx"], System::Npm),
    (&["yarn", "add"], System::Npm),
    (&["yarn", "global", "add"], System::Npm),
    (&["yarn", "dlx"], System::Npm),
    (&["pnpm", "add"], System::Npm),
    (&["pnpm", "install"], System::Npm),
    (&["pnpm", "dlx"], System::Npm),
    (&["bun", "add"], System::Npm),
    (&["pip", "install"], System::Pypi),
    (&["pip3", "install"], System::Pypi),
    (&["pipx", "install"], System::Pypi),
    (&["pipx", "run"], System::Pypi),
    (&["uvx"], System::Pypi),
    (&["uv", "add"], System::Pypi),
    (&["uv", "pip", "install"], System::Pypi),
    (&["uv", "tool", "install"], System::Pypi),
    (&["poetry", "add"], System::Pypi),
    (&["pdm", "add"], System::Pypi),
    (&["conda", "install"], System::Pypi),
    (&["mamba", "install"], System::Pypi),
    (&["cargo", "install"], System::Cargo),
    (&["cargo", "add"], System::Cargo),
    (&["cargo", "binstall"], System::Cargo),
    (&["go", "install"], System::Go),
    (&["go", "get"], System::Go),
    (&["gem", "install"], System::Gem),
    (&["bundle", "add"], System::Gem),
    (&["composer", "require"], System::Composer),
    (&["composer", "global", "require"], System::Composer),
    (&["dotnet", "add", "package"], System::Nuget),
    (&["dotnet", "tool", "install"], System::Nuget),
    (&["apt-get", "install"], System::Os),
    (&["apt", "install"], System::Os),
    (&["apk", "add"], System::Os),
    (&["dnf", "install"], System::Os),
    (&["yum", "install"], System::Os),
    (&["microdnf", "install"], System::Os),
    (&["zypper", "install"], System::Os),
    (&["brew", "install"], System::Os),
];

/// Words that only say how a command is run.
const BEFORE: [&str; 12] = ["sudo", "env", "exec", "time", "command", "nice", "RUN", "run:", "-", "@", "then", "do"];

/// Options of installers that take the next word.
const TAKES: [&str; 24] = [
    "-r",
    "-c",
    "-e",
    "-i",
    "-t",
    "--requirement",
    "--constraint",
    "--index-url",
    "--extra-index-url",
    "--target",
    "--prefix",
    "--root",
    "--git",
    "--tag",
    "--branch",
    "--version",
    "--path",
    "--features",
    "--python",
    "--registry",
    "--group",
    "-v",
    "-n",
    "--rev",
];

fn installed(words: &[String], line: usize) -> Vec<Entry> {
    let prefix = |w: &&String| BEFORE.contains(&w.as_str()) || (w.contains('=') && !w.starts_with('-'));
    let mut words: Vec<&str> = words.iter().skip_while(prefix).map(String::as_str).collect();
    if matches!(words.as_slice(), [python, "-m", ..] if python.starts_with("python") || *python == "py") {
        words.drain(..2);
    }
    let Some((program, rest)) = words.split_first() else { return Vec::new() };
    let program = program.trim_start_matches('@').rsplit('/').next().unwrap_or(program);
    let options_first = rest.iter().take_while(|w| w.starts_with('-')).count();
    let rest = &rest[options_first..];
    let fits =
        |verbs: &&[&str]| verbs[0] == program && rest.len() >= verbs.len() - 1 && rest[..verbs.len() - 1] == verbs[1..];
    let Some((verbs, system)) = INSTALLERS.iter().filter(|(v, _)| fits(v)).max_by_key(|(v, _)| v.len()) else {
        return Vec::new();
    };
    let runs_one = matches!(*verbs, ["npx"] | ["bunx"] | ["uvx"] | ["npm", "exec"] | ["pipx", "run"] | [_, "dlx"]);
    let rest = &rest[verbs.len() - 1..];
    let mut found = arguments(rest, *system, line);
    if runs_one {
        found.truncate(1);
    }
    found
}

fn arguments(words: &[&str], system: System, line: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--index-url" | "--extra-index-url" | "-i" | "--registry" => {
                let place = words.next().and_then(|url| super::registries::registry(system, url, line));
                found.extend(place);
            }
            ">" | ">>" | "2>" | "<" => {
                words.next();
            }
            option if TAKES.contains(&option) => {
                words.next();
            }
            option if option.starts_with('-') || option.contains(['>', '<']) && !is_requirement(option) => {}
            word => found.extend(argument(word, system, line)),
        }
    }
    found
}

fn is_requirement(word: &str) -> bool {
    word.find(['<', '>']).is_some_and(|at| {
        at > 0 && word[at..].trim_start_matches(['<', '>', '=']).starts_with(|c: char| c.is_ascii_digit())
    })
}

/// One word that names a package; nothing for a path, a variable or a file.
fn argument(word: &str, system: System, line: usize) -> Option<Entry> {
    let local = word.starts_with(['.', '/', '$', '~', '{', '"']) || word.contains("${") || word.contains("$(");
    let file = [".whl", ".tgz", ".gz", ".txt", ".deb", ".rpm", ".toml"].iter().any(|e| word.ends_with(e));
    if local || (file && !word.contains("://")) {
        return None;
    }
    let entry = match system {
        System::Pypi => super::requirements::requirement(word, line)?,
        System::Npm => {
            let at = word.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(word.len(), |(at, _)| at);
            let (name, version) = word.split_at(at);
            let entry = Entry::package(system, name, line).version(version.trim_start_matches('@'));
            let address = name.contains(':') || (name.contains('/') && !name.starts_with('@'));
            if address { entry.source(format!("url {name}")) } else { entry }
        }
        System::Os => {
            let (name, version) = word.split_once('=').unwrap_or((word, ""));
            Entry::package(system, name, line).version(version)
        }
        _ => {
            let (name, version) = word.split_once(['@', ':']).filter(|_| !word.contains("://")).unwrap_or((word, ""));
            Entry::package(system, name, line).version(version)
        }
    };
    let named = entry.name.starts_with(|c: char| c.is_alphanumeric() || c == '@');
    named.then(|| entry.group(COMMAND))
}

/// Programs that run what they are given.
const RUNNERS: [&str; 10] = ["sh", "bash", "zsh", "dash", "python", "python3", "perl", "ruby", "node", "iex"];

/// `curl … | sh`, `sh <(curl …)`, `sh -c "$(curl …)"`, `eval "$(wget …)"`.
fn fetched(text: &str, line: usize) -> Option<Entry> {
    let downloads = ["curl ", "wget ", "iwr ", "Invoke-WebRequest "].iter().filter_map(|w| text.find(w)).min()?;
    let rest = &text[downloads..];
    let piped = rest.split('|').skip(1).any(|command| {
        let first = command.split_whitespace().find(|w| !BEFORE.contains(w) && !w.starts_with('-') && !w.contains('='));
        first.is_some_and(|w| RUNNERS.contains(&w.rsplit('/').next().unwrap_or(w)))
    });
    let before = &text[..downloads];
    let substituted = ["$(", "<(", "`"].iter().any(|open| before.trim_end().ends_with(open));
    let runs = before.split_whitespace().any(|w| w == "eval" || w == "source" || w == "." || RUNNERS.contains(&w));
    let is_run = piped || (substituted && runs);
    let address = rest.split(|c: char| c.is_whitespace() || "\"'()`".contains(c)).find(|w| w.contains("://"));
    let entry = Entry::package(System::Os, address.unwrap_or("what it downloads"), line);
    is_run.then(|| entry.what(What::Fetch).group(COMMAND))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        commands(text, 1).into_iter().map(|e| e.name).collect()
    }

    #[test]
    fn installers_name_what_they_install() {
        for (text, want) in [
            ("npm install --save left-pad@1.3 @scope/x", &["left-pad", "@scope/x"][..]),
            ("cd web && npm ci && npx tsc -p . --noEmit", &["tsc"]),
            ("python3 -m pip install -U 'requests>=2' -r more.txt .", &["requests"]),
            ("pip install --index-url https://evil.example/simple flask", &["https://evil.example/simple", "flask"]),
            ("sudo apt-get install -y --no-install-recommends jq curl", &["jq", "curl"]),
            ("apt-get -qq install jq", &["jq"]),
            ("go install example.com/cmd/x@latest", &["example.com/cmd/x"]),
            ("sh -c 'cargo install ripgrep --locked'", &["ripgrep"]),
            ("apk add --no-cache git=2.1 > /dev/null", &["git"]),
            ("composer require monolog/monolog:^3", &["monolog/monolog"]),
        ] {
            assert_eq!(names(text), want, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_installation_is_silent() {
        for text in [
            "echo npm install left-pad",
            "npm install",
            "pip install -e .",
            "pip install -r requirements.txt",
            "pip install ./dist/x.whl",
            "npm install $PACKAGES",
            "git add install.sh",
            "make install",
            "curl -o x.tgz https://example.com/x.tgz",
            "curl https://example.com | jq .sh",
            "cargo install --path .",
            "python setup.py install",
        ] {
            assert_eq!(names(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_is_downloaded_and_run_is_named_by_its_address() {
        for text in [
            "curl -sSf https://x.example/i | sh",
            "curl https://x.example/i | sudo -E bash -s -- -y",
            "bash <(curl -s https://x.example/i)",
            "sh -c \"$(curl -fsSL https://x.example/i)\"",
            "wget -qO- https://x.example/i | python3",
            "eval \"$(curl https://x.example/i)\"",
        ] {
            assert_eq!(names(text), ["https://x.example/i"], "{text}");
        }
    }
}
