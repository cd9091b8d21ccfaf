use super::*;
use crate::{plan::Plan, ticket::Ticket};
use proptest::prelude::*;
use serde_json::json;

fn plan() -> Plan {
    serde_json::from_value(json!({
        "id": "shout", "requirement": "Add a shout flag.", "base": "a".repeat(40), "studio": "hybrid",
        "mode": "continuous", "summary": "One flag.", "assumptions": ["ASCII only"], "tickets": ["T-001", "T-002"],
    }))
    .expect("a plan")
}

fn tickets() -> Vec<Ticket> {
    serde_json::from_value(json!([
        {"id": "T-001", "title": "Add shout()", "type": "feature", "plan": "shout",
         "task": {"description": "Write it.\n\nCarefully.", "target_files": ["a.py"], "new_files": ["b.py"],
                  "constraints": ["no imports"], "public_api": ["shout(text: str) -> str"]},
         "context": {"files": [{"path": "c.py", "lines": "3-10", "reason": "the caller"}], "notes": "# odd"},
         "definition_of_done": {
            "tests": [{"name": "unit", "command": "pytest -q", "expect": "fail", "timeout_sec": 30, "dir": "sub",
                       "needs": ["db", "cache"], "baseline": "fail"}, {"command": "echo `a`\nb"}],
            "static_checks": ["ruff check ."],
            "files": [{"path": "t.py", "content": "```\n<!-- /haco -->\n"}, {"path": "u", "content": "x"}],
            "acceptance_criteria": ["`shout('a')` returns 'A'"]},
         "execution": {"retry_budget": 1, "escalate_to": "human", "edit_format": "whole", "route": ["qwen"]}},
        {"id": "T-002", "title": "Use it", "type": "chore", "priority": "high", "plan": "shout", "depends_on": ["T-001"],
         "task": {"description": "# Heading\n### 9. T-009 no ticket", "target_files": ["main.py"]},
         "definition_of_done": {"static_checks": ["true"]}},
    ]))
    .expect("tickets")
}

/// Tickets of a text, as a plan would hold them.
fn back(text: &str) -> Vec<Ticket> {
    let incoming = read(text).expect("a PLAN.md");
    assert_eq!(incoming.bad, []);
    let files = ["a.py", "main.py", "x", "x y", "d/`e`"].map(String::from).into();
    let free = || unreachable!("every ticket has its id");
    crate::intake::assign(incoming, &Default::default(), free, &"shout".parse().expect("a plan"), &files).tickets
}

#[test]
fn what_is_rendered_reads_back() {
    let text = render(&plan(), &tickets(), None);
    assert_eq!(back(&text), tickets(), "{text}");
    let read = read(&text).expect("a PLAN.md").plan;
    assert_eq!(read.id, Some("shout".parse().expect("a plan")));
    assert_eq!(read.requirement.as_deref(), Some("Add a shout flag."));
    assert_eq!(read.summary.as_deref(), Some("One flag."));
    assert_eq!(read.assumptions, ["ASCII only"]);
    assert_eq!((read.studio.as_deref(), read.mode.as_deref()), (Some("hybrid"), Some("continuous")));
}

#[test]
fn rendering_again_changes_nothing() {
    let text = render(&plan(), &tickets(), None);
    assert_eq!(render(&plan(), &tickets(), Some(&text)), text);
}

const BY_HAND: &str = "\
Our plan, see also the wiki.

# Plan

## Summary

One flag.

## Tickets

Talk.

### 1. Add shout()

- **Type:** feature
- Modify: a.py, `b c.py`
- Create:
  - `new.py`

Write shout().

- it is a function

#### Acceptance criteria
- [ ] `shout('a')`
  returns 'A'
- [x] done before

#### Checks

```sh
# unit
pytest -q
ruff check . \\
  --fix
```
- `mypy .` (expect fail; timeout: 30 s; needs: db, cache)

#### Questions
Who asked for it?

### 2. T-007 Second
- Type: chore
- Depends on: T-001
- Create: c.py
#### Description
Do it.
#### Static checks
- true

## Appendix
### 1. Not a ticket
";

#[test]
fn a_file_written_by_hand_is_read() {
    let incoming = read(BY_HAND).expect("a PLAN.md");
    assert_eq!(incoming.bad, []);
    let [first, second] = &incoming.tickets[..] else { panic!("{incoming:?}") };
    assert_eq!((first.id.as_ref(), first.title.as_str()), (None, "Add shout()"));
    let paths: Vec<&str> = first.task.target_files.iter().map(|p| p.as_str()).collect();
    assert_eq!(paths, ["a.py", "b c.py"]);
    assert_eq!(first.task.new_files[0].as_str(), "new.py");
    assert_eq!(first.task.description, "Write shout().\n\n- it is a function");
    let done = &first.definition_of_done;
    assert_eq!(done.acceptance_criteria, ["`shout('a')` returns 'A'", "done before"]);
    let commands: Vec<&str> = done.tests.iter().map(|t| t.command.as_str()).collect();
    assert_eq!(commands, ["pytest -q", "ruff check . \\\n--fix", "mypy ."]);
    assert_eq!(done.tests[2].expect, crate::ticket::Expect::Fail);
    assert_eq!((done.tests[2].timeout_sec, done.tests[2].needs.len()), (Some(30), 2));
    assert_eq!(second.depends_on[0].as_str(), "T-001");
    assert_eq!(incoming.plan.summary.as_deref(), Some("One flag."));
}

#[test]
fn a_wrong_ticket_names_its_line_and_the_field_that_was_meant() {
    let text = "## Tickets\n\n### 1. T-001 A\n- Prority: high\n- Create: a\n\nDo.\n\n#### Checks\n- `true`\n";
    let incoming = read(text).expect("a PLAN.md");
    assert_eq!(incoming.bad[0].reasons, ["line 3: tickets[0].prority: unknown field; did you mean 'priority'"]);
}

#[test]
fn a_file_with_other_line_ends_is_read() {
    let incoming = read(&BY_HAND.replace('\n', "\r\n")).expect("a PLAN.md");
    assert_eq!(incoming.tickets, read(BY_HAND).expect("a PLAN.md").tickets);
}

#[test]
fn what_a_person_wrote_around_the_blocks_survives() {
    let text = render(&plan(), &tickets(), None);
    let noted = text
        .replace("<!-- haco:T-002 -->", "A note under the first.  \n\n### Thoughts\n\n<!-- haco:T-002 -->")
        .replace("## Tickets\n", "```open\nstray <!-- haco:T-009 -->\n\n## Tickets\n");
    let noted = format!("front\n{noted}\nno line feed at the end");
    let mut changed = tickets();
    changed[0].title = "Renamed".into();
    let again = render(&plan(), &changed, Some(&noted));
    assert_eq!(again, noted.replace("T-001 Add shout()", "T-001 Renamed"));
    assert_eq!(back(&again), changed);
}

#[test]
fn blocks_that_a_person_moved_stay_where_they_are() {
    let text = render(&plan(), &tickets(), None);
    let (head, rest) = text.split_once("<!-- haco:T-001 -->").expect("the first ticket");
    let (_, second) = rest.split_once("<!-- haco:T-002 -->").expect("the second ticket");
    let first = format!("<!-- haco:T-001 -->{}", &rest[..rest.len() - second.len() - "<!-- haco:T-002 -->".len()]);
    let moved = format!("{head}<!-- haco:T-002 -->{second}\n{first}");
    assert_eq!(render(&plan(), &tickets(), Some(&moved)), moved);
}

#[test]
fn a_ticket_that_left_the_plan_leaves_the_file_and_a_new_one_follows_the_last() {
    let text = render(&plan(), &tickets()[..1], None);
    let text = format!("{text}\n## Later\n\nMuch.\n");
    let both = render(&plan(), &tickets(), Some(&text));
    assert!(both.find("haco:T-002").expect("added") < both.find("## Later").expect("kept"));
    assert_eq!(render(&plan(), &tickets()[..1], Some(&both)).matches("haco:T-002").count(), 0);
    assert_eq!(back(&both), tickets());
}

#[test]
fn a_hand_written_section_becomes_a_block_and_other_headings_stay_behind_it() {
    let mut stored = tickets();
    stored[0].title = "Add shout()".into();
    let again = render(&plan(), &stored[..1], Some(BY_HAND));
    assert_eq!(again.matches("Add shout()").count(), 1);
    assert!(again.starts_with("Our plan, see also the wiki.\n\n<!-- haco:plan -->\n# Plan: shout\n"), "{again}");
    for kept in [
        "\nTalk.\n",
        "#### Questions\nWho asked for it?\n",
        "### 2. T-007 Second\n",
        "## Appendix\n### 1. Not a ticket\n",
    ] {
        assert!(again.contains(kept), "{kept} in {again}");
    }
    assert_eq!(again.matches("## Summary").count(), 1);
    assert_eq!(render(&plan(), &stored[..1], Some(&again)), again);
}

#[test]
fn free_text_alone_gets_the_blocks_behind_it() {
    let text = render(&plan(), &tickets(), Some("My notes"));
    assert!(text.contains("My notes") && text.contains("## Tickets"), "{text}");
    assert_eq!(back(&text), tickets());
    assert_eq!(render(&plan(), &tickets(), Some(&text)), text);
}

#[test]
fn talk_is_not_a_plan() {
    for text in ["hello", "# Plan\n\nto do", "### 1. T-001 below nothing", "```\n## Tickets\n```"] {
        assert!(!looks_like(text), "{text}");
    }
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "word",
        " ",
        "\n",
        "\n\n",
        "`",
        "```",
        "~~~",
        "#",
        "### 1. T-009 x",
        "- ",
        "[ ] ",
        "\"",
        "\\",
        ";",
        ":",
        "(",
        ")",
        ",",
        "<!-- haco:T-001 -->",
        "<!-- /haco -->",
        "#### Checks",
        "ä",
        "\r",
        "\t",
        "text",
        "none",
        "-",
    ]);
    prop::collection::vec(piece, 1..8).prop_map(|all| all.concat()).prop_filter("not blank", |t| !t.trim().is_empty())
}

fn line() -> impl Strategy<Value = String> {
    text().prop_map(|t| t.trim().replace(char::is_control, " "))
}

fn tests() -> impl Strategy<Value = serde_json::Value> {
    let one = (text(), any::<bool>(), prop::option::of(1u32..9), prop::collection::vec(text(), 0..3)).prop_map(
        |(command, fails, timeout, needs)| {
            json!({"command": command, "expect": if fails {"fail"} else {"pass"},
            "timeout_sec": timeout, "needs": needs, "dir": fails.then_some("d/x")})
        },
    );
    prop::collection::vec(one, 1..4).prop_map(|mut all| {
        all[0]["name"] = "unit 1".into();
        all.into()
    })
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..3)
}

fn contract() -> impl Strategy<Value = Ticket> {
    let files = prop::collection::vec(prop_oneof![text(), Just(String::new())], 0..3);
    (line(), text(), (texts(), texts(), texts()), (tests(), tests(), files), (text(), line())).prop_map(
        |(title, description, (api, constraints, criteria), (tests, statics, files), (notes, reason))| {
            let files: Vec<_> =
                files.iter().enumerate().map(|(i, f)| json!({"path": format!("t{i}"), "content": f})).collect();
            serde_json::from_value(json!({"id": "T-001", "title": title, "type": "feature", "plan": "shout",
                "task": {"description": description, "target_files": ["x", "x y"], "new_files": ["new, odd"],
                         "public_api": api, "constraints": constraints},
                "context": {"notes": notes, "files": [{"path": "x", "reason": reason}], "related_symbols": criteria},
                "definition_of_done": {"tests": tests, "static_checks": statics, "files": files,
                                       "acceptance_criteria": criteria}}))
            .expect("a ticket")
        },
    )
}

proptest! {
    #[test]
    fn any_contract_reads_back(ticket in contract()) {
        let all = [ticket];
        let text = render(&plan(), &all, None);
        prop_assert_eq!(&back(&text)[..], &all[..], "{}", text);
        prop_assert_eq!(render(&plan(), &all, Some(&text)), text);
    }

    #[test]
    fn any_free_text_survives(before in text(), between in text(), after in text()) {
        let fresh = render(&plan(), &tickets(), None);
        let clean = |t: &str| t.replace("<!--", "<! --").replace("###", "x").replace(['`', '~'], "");
        let [before, between, after] = [clean(&before), clean(&between), clean(&after)];
        let (head, tail) = fresh.split_once("<!-- haco:T-002 -->").expect("the second ticket");
        let noted = format!("{before}\n{head}{between}\n<!-- haco:T-002 -->{tail}{after}");
        prop_assert_eq!(render(&plan(), &tickets(), Some(&noted)), noted.clone());
        prop_assert_eq!(back(&noted), tickets());
    }

    #[test]
    fn no_text_makes_reading_or_rendering_fail(parts in prop::collection::vec(text(), 0..6)) {
        let text = parts.join("\n");
        let _ = read(&text);
        let _ = read(&format!("## Tickets\n{text}"));
        render(&plan(), &tickets(), Some(&text));
    }
}

#[test]
fn a_plan_with_a_name_for_people_loads_as_the_published_example_does() {
    let example = include_str!("../../../../templates/PLAN.md");
    let incoming = read(example).expect("a document");
    assert_eq!((incoming.plan.id, incoming.tickets.len(), incoming.bad.len()), (None, 2, 0));
    assert_eq!(incoming.plan.requirement.as_deref(), Some("Greet people by name"));
    let said = example.replace("## Summary", "## Requirement\n\nGreet Ada\n\n## Summary");
    assert_eq!(read(&said).expect("a document").plan.requirement.as_deref(), Some("Greet Ada"));
}
