//! What the recorded models say, shipped with the suite, and the small repository that they speak of.

use serde_json::{Map, Value, json};

/// What is asked for; the lead's recorded answer cuts it.
pub(super) const REQUIREMENT: &str =
    "greet.sh greets people by name, can shout, and there is a script that says goodbye";

/// What the check of T-001 says of its first draft.
pub(super) const FAILING: &str = r#"expected "Hello, Ada!", got "Hello Ada!""#;

/// The repository before any work.
pub(super) const SEED: [(&str, &str); 4] = [
    ("README.md", include_str!("../../../demo/seed/README.md")),
    ("greet.sh", include_str!("../../../demo/seed/greet.sh")),
    ("lib/greeting.sh", include_str!("../../../demo/seed/lib/greeting.sh")),
    ("tests/syntax_test.sh", include_str!("../../../demo/seed/tests/syntax_test.sh")),
];

/// Whose reply, where it is asked for (`*` stands for any part), and its text.
pub(super) const REPLIES: [(&str, &str); 6] = [
    ("plan/*/tech_lead", include_str!("../../../demo/plan.json")),
    ("T-001/1/worker", include_str!("../../../demo/replies/T-001.1.md")),
    ("T-001/*/worker", include_str!("../../../demo/replies/T-001.2.md")),
    ("T-002/*/worker", include_str!("../../../demo/replies/T-002.1.md")),
    ("T-003/*/worker", include_str!("../../../demo/replies/T-003.1.md")),
    ("*/*/auditor", include_str!("../../../demo/replies/audit.json")),
];

/// The record: each reply as the body that a server sends.
pub(super) fn file() -> Value {
    let all = REPLIES.iter().map(|(place, text)| ((*place).to_owned(), body(text)));
    Value::Object(all.collect::<Map<String, Value>>())
}

fn body(text: &str) -> Value {
    json!({
        "model": "replay", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text},
        "done": true, "done_reason": "stop", "prompt_eval_count": 800, "eval_count": text.len().div_ceil(4),
    })
}

/// The repository's configuration: every role is a record, but for the worker that was named.
pub(super) fn config(record: &str, worker: Option<&str>) -> Value {
    json!({
        "models": {
            "replay": {"provider": "replay", "record": record},
            // Nobody audits what the same model wrote.
            "replay-auditor": {"provider": "replay", "record": record, "model": "auditor"},
        },
        "roles": {"tech_lead": ["replay"], "worker": [worker.unwrap_or("replay")], "auditor": ["replay-auditor"]},
        "run": {"jobs": 2},
        "ship": {"unit": "plan", "remote": "origin"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::{
        audit,
        config::Config,
        intake::{self, Source},
        settings::{Layers, Settings},
    };

    fn reply(place: &str) -> &'static str {
        REPLIES.iter().find(|(p, _)| *p == place).expect("is recorded").1
    }

    #[test]
    fn the_leads_answer_is_three_valid_tickets_with_one_dependency() {
        let read = intake::read(reply("plan/*/tech_lead"), Source::Model).expect("a plan");
        assert_eq!((read.bad, read.notes), (vec![], vec![]));
        assert_eq!(read.plan.requirement.as_deref(), Some(REQUIREMENT));
        assert_eq!(read.tickets.iter().map(|t| t.depends_on.len()).collect::<Vec<_>>(), [0, 1, 0]);
        for ticket in &read.tickets {
            let criteria = ticket.definition_of_done.acceptance_criteria.len();
            audit::read(reply("*/*/auditor"), criteria, |_| None).expect("a verdict that answers every criterion");
        }
    }

    #[test]
    fn the_configuration_is_read_and_its_auditor_may_judge_its_worker() {
        for worker in [None, Some("qwen2.5-coder:7b")] {
            let text = config("/tmp/replies.json", worker).to_string();
            let repository = Config::read(text.as_bytes()).expect("valid");
            let settings = Settings::resolve(&Layers { repository, ..Layers::default() });
            assert_eq!(settings.ignored, [""; 0]);
            let judge = audit::judge(&settings, Some(worker.unwrap_or("replay")));
            assert_eq!(judge, audit::Judge::Model("replay-auditor".to_owned()));
        }
    }
}
