//! A refusal is written for the model that tries again: it stands in the next prompt as it is, and a model that reads it
//! answers rightly.

use crate::{
    greeter::{self, initialised, stored, ticket},
    peers::ollama::{Ollama, Question, Reply},
    want::{any, has},
};
use serde_json::{Value, json};

/// A code, a reply that is refused with it, and what the next prompt must say of it.
type Case = (&'static str, String, &'static str);

fn block(path: &str, old: &str, new: &str) -> String {
    format!("{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n")
}

fn whole(path: &str, text: &str) -> String {
    format!("{path}\n```sh\n{text}\n```\n")
}

/// Where the file of a code's ticket lies.
fn file(code: &str) -> String {
    format!("parts/{code}.sh")
}

/// Fifty lines, two of them alike, with a greeting.
fn text() -> String {
    let lines: String = (1..=45).map(|n| format!("step_{n}() {{ : step {n}; }}\n")).collect();
    format!("{lines}# here\ncount=1\n# here\necho hello\ncount=1\n")
}

fn cases() -> Vec<Case> {
    let at = |code: &str| file(code);
    vec![
        ("not_found", block(&at("not_found"), "echo good day to you", "echo 'hello, Ada'"), "Copy the text"),
        ("ambiguous", block(&at("ambiguous"), "count=1", "count=2"), "lines 47, 50"),
        ("elided", whole(&at("elided"), "# ... existing code ...\necho 'hello, Ada'"), "Write every line"),
        ("truncated", format!("{}\n```sh\necho 'hello, Ada'\n", at("truncated")), "close every fence"),
        ("no_edits", "The file looks fine to me as it is.\n".to_owned(), "Answer with edits"),
        ("refusal", "I'm sorry, but I can't help with that.\n".to_owned(), "Answer with edits"),
        ("out_of_scope", whole("parts/other.sh", "echo 'hello, Ada'"), "Change only the files"),
        ("unsafe_path", whole("../../escape.sh", "echo 'hello, Ada'"), "Change only the files"),
        ("shrinks", whole(&at("shrinks"), "echo 'hello, Ada'"), "leaves 1 of the 50 lines"),
        (
            "overlap",
            block(&at("overlap"), "echo hello", "echo a") + &block(&at("overlap"), "echo hello", "echo b"),
            "both touch",
        ),
        (
            "bad_edit",
            format!("{}\n<<<<<<< SEARCH\necho hello\n>>>>>>> REPLACE\n", at("bad_edit")),
            "Answer again in the form",
        ),
        ("unchanged", block(&at("unchanged"), "echo hello", "echo hello"), "make the change"),
    ]
}

/// The refusal in a prompt: from its first line to the empty one behind it.
fn refusal(prompt: &str) -> Option<&str> {
    let from = prompt.find("Nothing of the last reply was applied.")?;
    prompt[from..].split("\n\n").next()
}

/// A model that does wrongly at first, and as the refusal says then.
fn answer(question: &Question) -> Reply {
    let code = cases().into_iter().find(|(code, ..)| question.prompt.contains(&format!("ticket of {code}\n")));
    let (code, wrong, _) = code.expect("every ticket has its code in its title");
    match refusal(&question.prompt) {
        Some(text) if text.contains(&format!("{code}: ")) => {
            Reply::text(block(&file(code), "echo hello", "echo 'hello, Ada'"))
        }
        _ => Reply::text(wrong),
    }
}

#[test]
fn every_refusal_is_in_the_next_prompt_as_it_is_and_the_reply_is_mended() {
    let server = Ollama::start(answer);
    let tickets: Vec<Value> = (1..)
        .zip(cases())
        .map(|(n, (code, ..))| {
            let changed = json!({
                "title": format!("ticket of {code}"),
                "task": {"target_files": [file(code)]},
                "execution": {"edit_format": "search-replace"},
                "definition_of_done": {"tests": [{"command": format!("sh {} | grep -q 'hello, Ada'", file(code))}]}
            });
            ticket(&format!("T-{n:03}"), changed)
        })
        .collect();
    let sandbox = initialised(&server);
    for (code, ..) in cases() {
        sandbox.write(&file(code), text());
    }
    sandbox.commit("parts");
    let plan = greeter::plan("parts", &tickets);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    greeter::approve(&sandbox);
    for (n, (code, _, part)) in (1..).zip(cases()) {
        let id = format!("T-{n:03}");
        sandbox.run(&["haco-verify", "--baseline", &id]).gives(0, any(), any());
        sandbox.run(&["haco-worker", &id]).gives(0, any(), any());
        sandbox.run(&["haco-verify", &id, "--json"]).gives(1, has(&format!("\"code\":\"{code}\"")), any());
        let failure = stored(&sandbox, &id)["attempts"][0]["failure"].as_str().expect("a text").to_owned();
        assert!(failure.contains(&format!("{code}: ")) && failure.contains(part), "{code}: {failure}");
        assert!(failure.len() < 2048, "{code}: {} bytes", failure.len());
        sandbox.run(&["haco-worker", &id]).gives(0, any(), any());
        let prompt = server.asked().pop().expect("it was asked").prompt;
        assert!(prompt.contains(&failure), "{code}: {failure}\n---\n{prompt}");
        sandbox.run(&["haco-verify", &id]).gives(0, format!("{id}\n"), any());
        let edits = &stored(&sandbox, &id)["attempts"][1]["edits"];
        assert_eq!(edits, &json!({"format": "search-replace", "kinds": {"exact": 1}}), "{code}");
    }
}

#[test]
fn an_empty_reply_is_named_in_the_next_prompt_too() {
    let right = |q: &Question| Reply::text(if q.n == 1 { "  \n" } else { greeter::GREETS });
    let server = Ollama::start(right);
    let sandbox = greeter::approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "T-001"]).gives(1, "", any());
    let failure = stored(&sandbox, "T-001")["attempts"][0]["failure"].as_str().expect("a text").to_owned();
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    assert!(server.asked()[1].prompt.contains(&failure), "{failure}");
}

#[test]
fn the_lines_that_a_refusal_points_at_are_in_the_next_prompt_once_more() {
    let server = Ollama::start(|q| {
        let right = block("greet.sh", "echo hello", "echo 'hello, Ada'");
        Reply::text(if refusal(&q.prompt).is_some() { right } else { block("greet.sh", "echo helo", "x") })
    });
    let sandbox = greeter::drafted(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "T-001"]).gives(1, "", any());
    assert_eq!(stored(&sandbox, "T-001")["attempts"][0]["edits"]["near"], json!([{"path": "greet.sh", "line": 1}]));
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let prompt = server.asked().pop().expect("it was asked").prompt;
    let (_, after) = prompt.split_once("as they are now:\n").expect("the lines");
    assert!(after.starts_with("<<<DATA ") && after.contains(" greet.sh\necho hello\nDATA "), "{after}");
}

#[test]
fn how_the_edits_fitted_is_shown_to_whoever_accepts() {
    let reply = block("greet.sh", "    echo hello", "    echo \"hello, ${1:-world}\"");
    let server = Ollama::saying(Reply::text(reply));
    let sandbox = greeter::audited(&server, &[ticket("T-001", json!({}))]);
    assert_eq!(sandbox.git_says(&["show", "refs/haco/T-001/1:greet.sh"]), "echo \"hello, ${1:-world}\"");
    sandbox.run(&["haco", "show", "T-001"]).gives(0, has("(search-replace: 1 indent)"), "");
    let asked = sandbox.at_terminal(&["haco", "accept", "T-001"], &[("[y/N] ", "n\n")]);
    assert!(asked.stdout.contains("edits   search-replace: 1 indent"), "{}", asked.stdout);
}
