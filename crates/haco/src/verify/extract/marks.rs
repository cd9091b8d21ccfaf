//! Which lines of a log say that something failed, as the tools of the field write it, and which around them belong to it.

/// How many lines around one that matters are kept, before and after.
const AROUND: (usize, usize) = (2, 3);
/// How far what belongs to a line is looked for.
const FAR: usize = 40;

/// What beginnings mean a failure: pytest, unittest, cargo, go, node's runner, jest, make.
const BEGINNINGS: &[&str] = &[
    "error:",
    "error[",
    "Error:",
    "ERROR ",
    "ERROR: ",
    "FAILED",
    "FAIL",
    "--- FAIL",
    "not ok",
    "assertion ",
    "AssertionError",
    "panic:",
    "✖ ",
    "✕ ",
    "● ",
    "make: *** ",
    "[FAIL]",
];
/// And what words anywhere do.
const WORDS: &[&str] = &[
    " panicked at ",
    " ... FAILED",
    "error TS",
    " error: ",
    ": error:",
    "fatal error:",
    "undefined reference to",
    " Error: ",
    "SyntaxError: ",
];

/// For each line whether it is kept.
pub(super) fn kept(lines: &[String]) -> Vec<bool> {
    let mut kept = vec![false; lines.len()];
    let indented = |line: &String| line.starts_with([' ', '\t']) || line.is_empty();
    for (i, line) in lines.iter().enumerate() {
        let far = (i + FAR).min(lines.len() - 1);
        let (first, last) = match () {
            // The exception stands where the frames end.
            () if line.trim_start().starts_with("Traceback (most") => {
                (i, (i + 1..=far).find(|n| !indented(&lines[*n])).unwrap_or(far))
            }
            () if matters(line) || is_place(line) => (i.saturating_sub(AROUND.0), (i + AROUND.1).min(lines.len() - 1)),
            () if is_listed(line) => {
                let heading = (i.saturating_sub(FAR)..i).rev().find(|n| !indented(&lines[*n]));
                heading.into_iter().for_each(|n| kept[n] = true);
                (i, i)
            }
            () => continue,
        };
        kept[first..=last].fill(true);
    }
    kept
}

fn matters(line: &str) -> bool {
    let trimmed = line.trim_start();
    line.starts_with("E   ")
        || (line.starts_with("---- ") && line.ends_with(" ----"))
        || BEGINNINGS.iter().any(|b| trimmed.starts_with(b))
        || WORDS.iter().any(|w| line.contains(w))
}

/// `file.go:3:2: undefined: x`, which compilers write that do not say that it is an error.
fn is_place(line: &str) -> bool {
    let mut parts = line.splitn(4, ':');
    let file = parts.next().unwrap_or_default();
    let mut number = || parts.next().is_some_and(is_number);
    let numbers = number() && number();
    let said = parts.next().unwrap_or_default();
    let mild = ["warning", "note", "info"].iter().any(|w| said.trim_start().starts_with(w));
    numbers && file.contains('.') && !file.contains(' ') && said.starts_with(' ') && !mild
}

/// `  2:7   error    Expected '==='`, below the name of its file: eslint.
fn is_listed(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let place = words.next().and_then(|w| w.split_once(':'));
    place.is_some_and(|(a, b)| is_number(a) && is_number(b)) && words.next() == Some("error")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_sounds_like_a_failure_is_none() {
        for line in [
            "test errors::are_named ... ok",
            "compiling error_log v1.0",
            "src/a.c:3:5: warning: unused",
            "src/a.c:3:5: note: here",
            "12:30:01: started",
            "  3:1  warning  unused",
            "0 errors",
        ] {
            assert_eq!(kept(&[line.to_owned()]), [false], "{line}");
        }
    }
}
