//! Prompts: a template and what it speaks of make the exact text that is sent.
//!
//! The built-in templates are the files of `templates/`; a repository's own of the same name take their place.

use crate::{
    attempt::LeftOut,
    code::{Code, Failure},
    edit::Format,
    id::PlanId,
    secret,
    ticket::Ticket,
};
use serde::Serialize;
use serde_json::{Value, json};

/// One of the prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// To the worker.
    Draft,
    /// To the lead.
    Plan,
    /// To the auditor.
    Audit,
}

impl Template {
    /// Every one.
    pub const ALL: [Template; 3] = [Template::Draft, Template::Plan, Template::Audit];

    /// The file below `.haco/prompts/` that takes its place.
    pub fn file(self) -> &'static str {
        match self {
            Template::Draft => "draft.md",
            Template::Plan => "plan.md",
            Template::Audit => "audit.md",
        }
    }

    /// The built-in text.
    pub fn text(self) -> &'static str {
        match self {
            Template::Draft => include_str!("../../../templates/draft.md"),
            Template::Plan => include_str!("../../../templates/plan.md"),
            Template::Audit => include_str!("../../../templates/audit.md"),
        }
    }
}

/// One file of the repository inside a prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct File {
    /// Its path.
    pub path: String,
    /// Its text, or the lines that were chosen.
    pub content: String,
    /// Which lines, where not all.
    pub lines: Option<String>,
    /// Whether the base has it.
    pub exists: bool,
    /// `target`, `new`, `context`, `test` or `related`.
    pub role: &'static str,
    /// Why it is there.
    pub reason: Option<String>,
}

/// What a draft's prompt holds beside the ticket.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Targets first, then context, then the contract's own files, then what is related.
    pub files: Vec<File>,
    /// What is not there, or not whole.
    pub left_out: Vec<LeftOut>,
    /// Between which repository text stands.
    pub mark: String,
    /// The form that is asked for.
    pub format: Format,
    /// The last attempt's number and its failing output.
    pub failure: Option<(u32, String)>,
    /// Why the last reply could not be applied.
    pub refusal: Option<String>,
    /// The lines that the refusal is about, as they are now.
    pub near: Vec<File>,
    /// A person's.
    pub feedback: Vec<String>,
}

/// What the lead's prompt holds.
#[derive(Clone, Debug, Serialize)]
pub struct Plan<'a> {
    /// In the person's words.
    pub requirement: &'a str,
    /// `coarse`, `standard` or `fine`.
    pub granularity: &'a str,
    /// The paths of the base.
    pub tree: &'a str,
    /// Lines that declare something.
    pub signatures: &'a str,
    /// Files that the person named.
    pub context_files: &'a [File],
    /// By slot.
    pub checks: Value,
    /// Between which repository text stands.
    pub mark: &'a str,
    /// The studio's name.
    pub studio: &'a str,
    /// The most that are taken.
    pub max_tickets: usize,
    /// What was wrong with the last answer.
    pub errors: Option<&'a str>,
    /// A small answer in full.
    pub example: &'a str,
}

/// One check and its output, for the auditor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// Its name.
    pub check: String,
    /// Its command.
    pub command: String,
    /// Its verdict.
    pub verdict: String,
    /// The end of its output.
    pub log: String,
}

/// The prompt for a draft.
pub fn draft(template: &str, ticket: &Ticket, with: &Draft) -> Result<String, Failure> {
    let failure = with.failure.as_ref().map(|(attempt, text)| json!({"attempt": attempt, "text": text}));
    let context = json!({
        "ticket": ticket, "files": with.files, "mark": with.mark, "format": with.format, "failure": failure,
        "refusal": with.refusal, "near": with.near, "feedback": with.feedback, "left_out": with.left_out,
    });
    render(template, Template::Draft, &context)
}

/// The prompt for a plan.
pub fn plan(template: &str, with: &Plan<'_>) -> Result<String, Failure> {
    render(template, Template::Plan, with)
}

/// What an auditor is shown of a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The change, as a unified diff.
    pub diff: &'a str,
    /// What should be seen in it, one a line.
    pub flags: &'a [String],
    /// The checks with their output.
    pub evidence: &'a [Evidence],
}

/// The prompt for an audit.
pub fn audit(
    template: &str,
    ticket: &Ticket,
    shown: &Shown<'_>,
    mark: &str,
    repair: Option<&str>,
) -> Result<String, Failure> {
    let Shown { diff, flags, evidence } = shown;
    let context = json!({
        "ticket": ticket, "diff": diff, "flags": flags, "evidence": evidence, "mark": mark, "repair": repair,
    });
    render(template, Template::Audit, &context)
}

fn render(text: &str, template: Template, context: &impl Serialize) -> Result<String, Failure> {
    let name = template.file();
    let bad = |error: minijinja::Error| {
        let line = error.line().map_or(String::new(), |l| format!(" line {l}"));
        Failure::new(Code::BadConfig, format!("template '{name}'{line}: {}", error.kind()))
            .fix(format!("mend or remove .haco/prompts/{name}"))
    };
    let mut environment = minijinja::Environment::empty();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    builtins(&mut environment);
    let context = minijinja::value::Serde(context);
    let prompt = environment.render_str(text, context).map_err(bad)?;
    Ok(secret::redact(&prompt).into_owned())
}

/// The filters and tests that templates use; nothing that reads anything.
fn builtins(environment: &mut minijinja::Environment<'_>) {
    environment.add_filter("trim", minijinja::filters::trim);
    environment.add_test("defined", minijinja::tests::is_defined);
    environment.add_test("endingwith", minijinja::tests::is_endingwith);
}

/// A delimiter that the text in `parts` does not hold, made from them so that the same prompt is the same bytes.
pub fn mark(seed: &str, parts: &[&str]) -> String {
    let mut seed = seed.to_owned();
    loop {
        let mark = crate::hash::Hash::of(format!("{seed}\n{}", parts.join("\n")).as_bytes()).short().to_owned();
        if !parts.iter().any(|part| part.contains(&mark)) {
            return mark;
        }
        seed.push('.');
    }
}

/// How a plan is named in what the lead reads.
pub fn answer_command(plan: &PlanId) -> String {
    format!("haco plan --plan {plan} --from -")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        serde_json::from_value(json!({
            "id": "T-001", "title": "Greet by name", "type": "feature", "plan": "p",
            "task": {"description": "d", "target_files": ["a.py"]},
            "definition_of_done": {"tests": [{"command": "true"}], "acceptance_criteria": ["greets"]}
        }))
        .expect("a ticket")
    }

    #[test]
    fn repository_text_stands_between_marks_that_it_does_not_hold() {
        let mark = mark("T-001/1", &["<<<DATA x", "text"]);
        let file = File {
            path: "a.py".into(),
            content: "print(1)\n".into(),
            lines: None,
            exists: true,
            role: "target",
            reason: None,
        };
        let with = Draft { files: vec![file], mark: mark.clone(), format: Format::Whole, ..Draft::default() };
        let text = draft(Template::Draft.text(), &ticket(), &with).expect("renders");
        assert!(text.contains(&format!("<<<DATA {mark} a.py\nprint(1)\nDATA {mark}>>>")), "{text}");
    }

    #[test]
    fn the_failing_output_and_the_feedback_are_in_the_next_prompt() {
        let with = Draft {
            failure: Some((1, "E assert 1 == 2".into())),
            feedback: vec!["shorter".into()],
            ..Draft::default()
        };
        let text = draft(Template::Draft.text(), &ticket(), &with).expect("renders");
        assert!(text.contains("E assert 1 == 2") && text.contains("shorter") && text.contains("attempt 1"));
    }

    #[test]
    fn a_broken_template_is_named_with_its_line() {
        let failure = draft("line\n{% if %}", &ticket(), &Draft::default()).expect_err("broken");
        assert_eq!(failure.code, Code::BadConfig);
        assert!(failure.message.contains("'draft.md' line 2"), "{}", failure.message);
    }

    #[test]
    fn audits_and_plans_render() {
        let flags = ["a.py:3: it now holds conflict markers".to_owned()];
        let shown = Shown { diff: "diff", flags: &flags, evidence: &[] };
        let text = audit(Template::Audit.text(), &ticket(), &shown, "m", Some("bad")).expect("renders");
        assert!(
            text.contains("<<<DATA m flags\na.py:3: it now holds conflict markers\nDATA m>>>\n\n## Look for"),
            "{text}"
        );
        let shown = Shown { flags: &[], ..shown };
        let quiet = audit(Template::Audit.text(), &ticket(), &shown, "m", None).expect("renders");
        assert!(quiet.contains("DATA m>>>\n\n## Look for") && !quiet.contains("m flags"), "{quiet}");
        assert!(text.contains("<<<DATA m diff") && text.contains("1. greets") && text.contains("bad"));
        let with = Plan {
            requirement: "r",
            granularity: "fine",
            tree: "a.py\n",
            signatures: "",
            context_files: &[],
            checks: json!({"test": "pytest"}),
            mark: "m",
            studio: "hybrid",
            max_tickets: 100,
            errors: None,
            example: "{}",
        };
        assert!(plan(Template::Plan.text(), &with).expect("renders").contains("test `pytest`"));
    }
}
