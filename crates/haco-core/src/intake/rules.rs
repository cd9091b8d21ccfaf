//! What must hold of a contract beyond its form, within one ticket and between the tickets of a document.

use super::{Document, Draft, fields::Reasons};
use crate::ticket::Test;
use std::collections::{BTreeMap, BTreeSet};

/// The longest time-out of a test, in seconds: a day.
pub(super) const LONGEST_TEST_SEC: u32 = 86_400;
/// The largest retry budget.
pub(super) const MOST_RETRIES: u32 = 20;

const LONGEST_TITLE: usize = 120;
const MOST_DESCRIPTION_BYTES: usize = 64 * 1024;
const MOST_COMMAND_BYTES: usize = 8 * 1024;
const MOST_FILES: usize = 200;
const MOST_CONTENT_BYTES: usize = 1024 * 1024;
const MOST_LIST_ENTRIES: usize = 500;

/// `FIRST-LAST`, from 1.
pub(super) fn is_span(text: &str) -> bool {
    let number = |t: &str| t.parse::<u32>().ok().filter(|_| t.bytes().all(|b| b.is_ascii_digit()));
    let ends = text.split_once('-').and_then(|(a, b)| Some((number(a)?, number(b)?)));
    ends.is_some_and(|(first, last)| 1 <= first && first <= last)
}

/// Adds what is wrong within one ticket.
pub(super) fn within(draft: &Draft, path: &str, out: &mut Reasons) {
    title(draft, path, out);
    sizes(draft, path, out);
    files(draft, path, out);
    tests(draft, path, out);
}

fn title(draft: &Draft, path: &str, out: &mut Reasons) {
    let long = draft.title.chars().count();
    if long > LONGEST_TITLE {
        out.add(format!("{path}.title"), format!("{long} characters, at most {LONGEST_TITLE}"));
    }
    if draft.title.chars().any(char::is_control) {
        out.add(format!("{path}.title"), "holds a control character");
    }
}

fn sizes(draft: &Draft, path: &str, out: &mut Reasons) {
    let (task, context, done) = (&draft.task, &draft.context, &draft.definition_of_done);
    let bytes = task.description.len();
    if bytes > MOST_DESCRIPTION_BYTES {
        out.add(format!("{path}.task.description"), format!("{bytes} bytes, at most {MOST_DESCRIPTION_BYTES}"));
    }
    let content: usize = done.files.iter().map(|f| f.content.len()).sum();
    if content > MOST_CONTENT_BYTES {
        out.add(format!("{path}.definition_of_done.files"), format!("{content} bytes, at most {MOST_CONTENT_BYTES}"));
    }
    for (field, count, most) in [
        ("task.target_files", task.target_files.len() + task.new_files.len(), MOST_FILES),
        ("context.files", context.files.len(), MOST_FILES),
        ("definition_of_done.files", done.files.len(), MOST_FILES),
        ("definition_of_done.tests", done.tests.len(), MOST_LIST_ENTRIES),
        ("definition_of_done.static_checks", done.static_checks.len(), MOST_LIST_ENTRIES),
        ("definition_of_done.acceptance_criteria", done.acceptance_criteria.len(), MOST_LIST_ENTRIES),
        ("task.constraints", task.constraints.len(), MOST_LIST_ENTRIES),
        ("depends_on", draft.depends_on.len(), MOST_LIST_ENTRIES),
    ] {
        if count > most {
            out.add(format!("{path}.{field}"), format!("{count} entries, at most {most}"));
        }
    }
}

fn files(draft: &Draft, path: &str, out: &mut Reasons) {
    let (task, done) = (&draft.task, &draft.definition_of_done);
    let targets = task.target_files.iter().enumerate().map(|(i, p)| (p, format!("task.target_files[{i}]")));
    let new = task.new_files.iter().enumerate().map(|(i, p)| (p, format!("task.new_files[{i}]")));
    let own = done.files.iter().enumerate().map(|(i, f)| (&f.path, format!("definition_of_done.files[{i}].path")));
    let mut seen = BTreeMap::new();
    for (file, field) in targets.chain(new).chain(own) {
        if let Some(before) = seen.insert(file, field.clone()) {
            out.add(format!("{path}.{field}"), format!("'{}' stands in {before} too", file.as_str().escape_debug()));
        }
    }
}

fn tests(draft: &Draft, path: &str, out: &mut Reasons) {
    let done = &draft.definition_of_done;
    let path = format!("{path}.definition_of_done");
    commands(&done.tests, &format!("{path}.tests"), out);
    commands(&done.static_checks, &format!("{path}.static_checks"), out);
    if done.tests.is_empty() && matches!(draft.kind.as_str(), "feature" | "bugfix") {
        out.add(format!("{path}.tests"), format!("missing: a ticket of type '{}' needs at least one test", draft.kind));
    } else if done.tests.is_empty() && done.static_checks.is_empty() {
        out.add(format!("{path}.tests"), "missing: a ticket needs at least one test or static check");
    }
}

fn commands(tests: &[Test], path: &str, out: &mut Reasons) {
    let mut names = BTreeSet::new();
    for (i, test) in tests.iter().enumerate() {
        let name = test.name.clone().unwrap_or_else(|| (i + 1).to_string());
        if !is_name(&name) {
            let rule = "a name has 1 to 60 letters, digits, '.', '_', '-' or spaces and begins with a letter or digit";
            out.add(format!("{path}[{i}].name"), format!("'{}': {rule}", name.escape_debug()));
        }
        if test.command.len() > MOST_COMMAND_BYTES {
            let bytes = test.command.len();
            out.add(format!("{path}[{i}].command"), format!("{bytes} bytes, at most {MOST_COMMAND_BYTES}"));
        }
        if !names.insert(name.clone()) {
            out.add(format!("{path}[{i}].name"), format!("'{}' is the name of another one", name.escape_debug()));
        }
    }
}

/// A name becomes part of a log's file name.
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    name.chars().count() <= 60 && name.starts_with(char::is_alphanumeric) && name.chars().all(inner)
}

/// Adds what is wrong between tickets: an id that two of them have, and a dependency on one that is not valid.
pub(super) fn between(document: &Document, found: &mut [(Option<Draft>, Reasons)]) {
    let mut by_id: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, (draft, _)) in found.iter().enumerate() {
        let id = draft.as_ref().and_then(|d| d.id.as_ref()).map(|id| id.as_str().to_owned());
        if let Some(id) = id.or_else(|| document.text_of(index, "id")).filter(|id| !id.is_empty()) {
            by_id.entry(id).or_default().push(index);
        }
    }
    for (id, all) in by_id.iter().filter(|(_, all)| all.len() > 1) {
        for index in all {
            let other = all.iter().find(|other| *other != index).expect("there are at least two");
            let path = format!("tickets[{index}].id");
            found[*index].1.add(path, format!("'{}' is the id of tickets[{other}] too", id.escape_debug()));
        }
    }
    hold_back(&by_id, found);
}

/// A ticket that waits for one that is not valid would wait for ever, so it is kept back with it.
fn hold_back(by_id: &BTreeMap<String, Vec<usize>>, found: &mut [(Option<Draft>, Reasons)]) {
    let mut waiting: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, (draft, _)) in found.iter().enumerate() {
        for id in draft.iter().flat_map(|d| &d.depends_on) {
            for on in by_id.get(id.as_str()).into_iter().flatten() {
                waiting.entry(*on).or_default().push(index);
            }
        }
    }
    let mut bad: Vec<usize> = (0..found.len()).filter(|i| found[*i].0.is_none() || !found[*i].1.is_empty()).collect();
    let mut known: BTreeSet<usize> = bad.iter().copied().collect();
    while let Some(on) = bad.pop() {
        for index in waiting.get(&on).into_iter().flatten() {
            if known.insert(*index) {
                bad.push(*index);
                found[*index].1.add(format!("tickets[{index}].depends_on"), format!("tickets[{on}] is not valid"));
            }
        }
    }
}
