//! Functions whose bodies a whole-file reply left out: the line that opens one is as it was, and what was its body is a
//! word that stands for "later".

use super::shift::indent;
use std::collections::HashMap;

/// How many lines a body must have had.
const BODY: usize = 3;

/// The first line of `new` that opens a stub where the line in `old` opened a body.
pub(super) fn stub<'n>(old: &[&str], new: &[&'n str]) -> Option<&'n str> {
    let mut had: HashMap<&str, (usize, bool)> = HashMap::new();
    for (i, line) in old.iter().enumerate().filter(|(_, l)| opens(l)) {
        let entry = had.entry(line.trim()).or_insert((usize::MAX, false));
        *entry = (entry.0.min(body(&old[i..]).count()), entry.1 || is_stub(&old[i..]));
    }
    let lost = |i: &usize| {
        let line = new[*i].trim();
        had.get(line).is_some_and(|(lines, stub)| *lines >= BODY && !stub) && is_stub(&new[*i..])
    };
    (0..new.len()).filter(|i| opens(new[*i])).find(lost).map(|i| new[i])
}

/// Whether a line opens a function, a method or a class.
fn opens(line: &str) -> bool {
    let text = line.trim();
    let words = ["def ", "async def ", "class ", "fn ", "pub fn ", "pub(crate) fn ", "func ", "function ", "export "];
    let starts = words.iter().any(|w| text.starts_with(w)) || text.contains(" fn ") || text.contains(" function ");
    let method = text.contains('(') && text.ends_with('{');
    (starts || method) && text.ends_with([':', '{'])
}

/// The lines of the body that opens at `lines[0]`, blank ones and the closing brace aside.
fn body<'r, 'l>(lines: &'r [&'l str]) -> impl Iterator<Item = &'l str> + 'r {
    let own = indent(lines[0]).len();
    let inside = lines[1..].iter().take_while(move |l| l.trim().is_empty() || indent(l).len() > own);
    inside.map(|l| l.trim()).filter(|l| !l.is_empty())
}

/// Whether the body that opens at `lines[0]` only says that it is not there.
fn is_stub(lines: &[&str]) -> bool {
    let mut all =
        body(lines).filter(|l| !["\"\"\"", "'''"].iter().any(|q| l.starts_with(q) && l.len() > 5 && l.ends_with(q)));
    match (all.next(), all.next()) {
        (None, _) => lines.get(1).is_some_and(|l| l.trim() == "}"),
        (Some(one), None) => STUBS.iter().any(|s| one.starts_with(s)) || is_later(one),
        (Some(one), Some(two)) => is_later(one) && STUBS.iter().any(|s| two.starts_with(s)) && all.next().is_none(),
    }
}

const STUBS: [&str; 9] = [
    "pass",
    "...",
    "raise NotImplementedError",
    concat!("unimple", "mented!("),
    concat!("to", "do!("),
    "throw new Error(\"Not implemented",
    "throw new Error('Not implemented",
    "panic(\"not implemented",
    "return NotImplemented",
];

/// Whether a comment promises what is not there.
fn is_later(line: &str) -> bool {
    let text = line.trim_start_matches(['/', '#', '*', '-', ' ']);
    text.len() < line.len()
        && [concat!("TO", "DO"), "...", "…", "implementation", "Implementation"].iter().any(|w| text.starts_with(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [&str; 8] =
        ["def f(x):", "    a = 1", "    b = 2", "    return a", "", "def g(x):", "    pass", "x = 1"];

    #[test]
    fn a_body_that_became_a_word_is_told() {
        for stand_in in ["    pass", "    ...", "    raise NotImplementedError()", "    # implementation as before"] {
            assert_eq!(stub(&OLD, &["def f(x):", stand_in, "x = 1"]), Some("def f(x):"), "{stand_in}");
        }
        let rust = ["fn f() {", "    a();", "    b();", "    c()", "}"];
        assert_eq!(stub(&rust, &["fn f() {", "}"]), Some("fn f() {"));
        assert_eq!(stub(&rust, &["fn f() {", concat!("    unimple", "mented!()"), "}"]), Some("fn f() {"));
    }

    #[test]
    fn what_was_short_or_is_new_may_be_a_stub() {
        assert_eq!(stub(&OLD, &["def f(x):", "    return 1", "def g(x):", "    pass", "def h(x):", "    pass"]), None);
        assert_eq!(stub(&["class A:", "    x = 1"], &["class A:", "    pass"]), None);
    }
}
