//! How the indentation of a file differs from that of an edit, so that new lines are moved as the old ones were.

use super::raw::Tag;
use std::borrow::Cow;

/// One difference that all lines share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// None.
    None,
    /// The file has this in front.
    Add(String),
    /// The edit has this in front.
    Cut(String),
    /// Each step that the edit indents by is this step in the file.
    Units { edit: String, file: String },
}

/// The steps by which people and models indent.
const STEPS: [&str; 4] = ["\t", "  ", "    ", "        "];

impl Shift {
    /// The one shift between lines of the file and of the edit that say the same, white space around them aside.
    pub fn between<'l>(pairs: impl Iterator<Item = (&'l str, &'l str)>) -> Option<Shift> {
        let pairs: Vec<(&str, &str)> =
            pairs.filter(|(f, _)| !f.trim().is_empty()).map(|(f, e)| (indent(f), indent(e))).collect();
        if pairs.iter().all(|(f, e)| f == e) {
            return Some(Shift::None);
        }
        let (file, edit) = *pairs.first()?;
        let flat = match (file.strip_suffix(edit), edit.strip_suffix(file)) {
            (Some(by), _) if !by.is_empty() => Some(Shift::Add(by.to_owned())),
            (_, Some(by)) if !by.is_empty() => Some(Shift::Cut(by.to_owned())),
            _ => None,
        };
        let explains = |shift: &Shift| pairs.iter().all(|(f, e)| shift.apply(e).is_some_and(|s| s == *f));
        flat.filter(explains).or_else(|| steps().find(explains))
    }

    /// The shift of an edit's lines, told by those that go away where there are some, else by the context. In a diff a
    /// context line that lacks one space has lost its mark and is not shifted.
    pub fn of_edit(pairs: &[(&str, Tag, &str)], is_diff: bool) -> Option<Shift> {
        let lost_mark =
            |f: &str, e: &str| is_diff && indent(f).len() == indent(e).len() + 1 && indent(f).starts_with(' ');
        let told = |tag: Tag| {
            let of_tag = pairs.iter().filter(move |(_, t, _)| *t == tag);
            of_tag.filter(move |(f, t, e)| *t == Tag::Old || !lost_mark(f, e)).map(|(f, _, e)| (*f, *e))
        };
        let has_old = pairs.iter().any(|(f, t, _)| *t == Tag::Old && !f.trim().is_empty());
        Shift::between(told(if has_old { Tag::Old } else { Tag::Both }))
    }

    /// `line` shifted alike; none where it has not the indentation that is to be changed.
    pub fn apply<'l>(&self, line: &'l str) -> Option<Cow<'l, str>> {
        match self {
            Shift::None => Some(Cow::Borrowed(line)),

            Shift::Add(by) => Some(Cow::Owned(format!("{by}{line}"))),
            Shift::Cut(by) => line.strip_prefix(by.as_str()).map(Cow::Borrowed),
            Shift::Units { edit, file } => {
                let by = indent(line);
                let n = by.len() / edit.len();
                (edit.repeat(n) == by).then(|| Cow::Owned(format!("{}{}", file.repeat(n), &line[by.len()..])))
            }
        }
    }

    /// `line` shifted alike; a blank line stays as it is.
    pub fn apply_new<'l>(&self, line: &'l str) -> Option<Cow<'l, str>> {
        if line.trim().is_empty() { Some(Cow::Borrowed(line)) } else { self.apply(line) }
    }
}

fn steps() -> impl Iterator<Item = Shift> {
    let all = STEPS.iter().flat_map(|edit| STEPS.iter().map(move |file| (edit, file)));
    all.filter(|(e, f)| e != f).map(|(edit, file)| Shift::Units { edit: (*edit).into(), file: (*file).into() })
}

/// The white space in front.
pub(super) fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(pairs: &[(&'static str, &'static str)]) -> Option<Shift> {
        Shift::between(pairs.iter().copied())
    }

    #[test]
    fn a_shift_is_one_for_all_lines() {
        assert_eq!(between(&[("  a", "a"), ("    b", "  b")]), Some(Shift::Add("  ".into())));
        assert_eq!(between(&[("a", "  a"), ("", ""), (" b", "   b")]), Some(Shift::Cut("  ".into())));
        assert_eq!(between(&[("  a", "a"), ("   b", "b")]), None);
        assert_eq!(between(&[("a", "a"), ("", "  ")]), Some(Shift::None));
    }

    #[test]
    fn steps_of_one_width_become_steps_of_another() {
        let tabs = between(&[("f", "f"), ("\ta", "    a"), ("\t\tb", "        b")]).expect("tabs");
        assert_eq!(tabs.apply("            c").as_deref(), Some("\t\t\tc"));
        assert_eq!(tabs.apply("  c"), None);
        let narrow = between(&[("a", "a"), ("  b", "    b")]).expect("two for four");
        assert_eq!(narrow.apply("        c").as_deref(), Some("    c"));
    }

    #[test]
    fn what_goes_away_tells_the_shift_and_a_lost_mark_does_not() {
        let pairs = [("    a", Tag::Both, "   a"), ("    b", Tag::Old, "    b")];
        assert_eq!(Shift::of_edit(&pairs, true), Some(Shift::None));
        assert_eq!(Shift::of_edit(&pairs[..1], true), Some(Shift::None));
        assert_eq!(Shift::of_edit(&pairs[..1], false), Some(Shift::Add(" ".into())));
    }
}
