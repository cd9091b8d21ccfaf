//! The examples of haco-edit(1), run as they are printed.

use super::here;
use crate::sandbox::root;
use std::fs;

/// A command of an example and what is printed below it.
struct Shown {
    command: String,
    prints: String,
}

/// The examples of the page; those without a prompt are no transcript.
fn examples() -> Vec<Vec<Shown>> {
    let page = fs::read_to_string(root().join("man/haco-edit.1")).expect("reads");
    let (_, section) = page.split_once(".SH EXAMPLES\n").expect("examples");
    let plain = section.replace("\\-", "-").replace("\\\\", "\\").replace("\\(aq", "'");
    let blocks = plain.split(".EX\n").skip(1).map(|b| b.split(".EE\n").next().expect("a block").to_owned());
    blocks.filter(|b| b.starts_with("$ ")).map(|b| transcript(&b)).collect()
}

fn transcript(block: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => shown.push(Shown { command: command.to_owned(), prints: String::new() }),
            (None, Some(last)) => last.prints += &format!("{line}\n"),
            (None, None) => panic!("'{line}' stands before the first command"),
        }
    }
    shown
}

#[test]
fn the_examples_print_what_the_page_says() {
    let sandbox = here();
    sandbox.git(&["init", "-q", "-b", "main"]).write("prompt.md", "Greet by name.\n");
    let examples = examples();
    for shown in examples.iter().flatten() {
        // What an example shows with cat is what it begins with.
        let shows = shown.command.strip_prefix("cat ").filter(|f| !f.contains(' '));
        if let Some(file) = shows.filter(|f| !sandbox.path(f).exists()) {
            sandbox.write(file, &shown.prints);
        }
        if shown.command.contains("git apply") {
            sandbox.commit("before");
        }
        let command = format!("{} 2>&1", shown.command);
        sandbox.run(&["sh", "-c", &command]).gives(0, shown.prints.as_str(), "");
    }
    assert!(examples.len() >= 4);
    assert!(sandbox.read("next.md").contains("Greet by name.\nNothing of the last reply was applied.\n- edit 1"));
}
