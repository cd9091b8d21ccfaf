//! The schemas that a model's plan and verdict are bound to where its server can do that. What comes back is read and judged
//! as if nothing had bound it.
//!
//! They keep to what every provider takes: each object names all of its fields as required and allows no other, and a
//! field that may be missing is `null`.

use serde_json::Value;
use std::sync::LazyLock;

static PLAN: LazyLock<Value> = LazyLock::new(|| read(include_str!("../../../templates/plan.schema.json")));
static VERDICT: LazyLock<Value> = LazyLock::new(|| read(include_str!("../../../templates/verdict.schema.json")));

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("what is embedded is JSON")
}

/// For the lead's answer: a plan with its tickets.
pub fn plan() -> &'static Value {
    &PLAN
}

/// For the auditor's answer. The verdict comes last, so that a model that writes from left to right has looked first.
pub fn verdict() -> &'static Value {
    &VERDICT
}

/// How many bytes of a prompt the next round of the same question begins with too: all but its last paragraph, before
/// which the next round says what was wrong.
pub fn stable(prompt: &str) -> usize {
    prompt.trim_end().rfind("\n\n").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit, intake};
    use serde_json::json;

    /// Every object of a schema, however deep.
    fn objects<'a>(schema: &'a Value, into: &mut Vec<&'a Value>) {
        if schema["type"] == "object" {
            into.push(schema);
        }
        match schema {
            Value::Object(map) => map.values().for_each(|value| objects(value, into)),
            Value::Array(list) => list.iter().for_each(|value| objects(value, into)),
            _ => {}
        }
    }

    #[test]
    fn every_object_says_all_of_its_fields_as_strict_providers_want_it() {
        let mut all = Vec::new();
        [plan(), verdict()].into_iter().for_each(|schema| objects(schema, &mut all));
        assert!(all.len() > 8);
        for object in all {
            let names: Vec<&str> =
                object["properties"].as_object().expect("fields").keys().map(String::as_str).collect();
            assert_eq!(object["required"], json!(names));
            assert_eq!(object["additionalProperties"], false);
        }
    }

    /// The smallest value of a schema, with `null` wherever that is allowed.
    fn least(schema: &Value) -> Value {
        let kinds = &schema["type"];
        match kinds.as_str() {
            Some("object") => {
                let fields = schema["properties"].as_object().expect("fields");
                Value::Object(fields.iter().map(|(name, of)| (name.clone(), least(of))).collect())
            }
            Some("array") => json!([least(&schema["items"])]),
            Some("boolean") => json!(false),
            Some(_) => schema["enum"].get(0).cloned().unwrap_or_else(|| json!("a/b")),
            None => Value::Null,
        }
    }

    #[test]
    fn what_fits_the_schema_can_be_read() {
        let mut answer = least(plan());
        answer["tickets"][0]["id"] = json!("T-001");
        answer["tickets"][0]["depends_on"] = json!([]);
        answer["tickets"][0]["task"]["allowed_dependencies"] = json!([]);
        let read = intake::read(&answer.to_string(), intake::Source::Model).expect("a plan");
        let reasons: Vec<&String> = read.bad.iter().flat_map(|bad| &bad.reasons).collect();
        assert!(reasons.iter().all(|why| !why.contains("null") && !why.contains("unknown")), "{reasons:?}");
        let mut answer = least(verdict());
        answer["verdict"] = json!("fail");
        let read = audit::read(&answer.to_string(), 1, |_| Some(9)).expect("a verdict");
        assert_eq!((read.criteria.len(), read.findings.len()), (1, 1));
    }

    #[test]
    fn the_next_round_repeats_all_but_the_last_paragraph() {
        let (first, next) = ("a\n\nb\n\nNow answer.\n", "a\n\nb\n\n## Wrong\n\nNow answer.\n");
        assert_eq!(&first[..stable(first)], &next[..stable(first)]);
        assert_eq!(stable(first), 4);
        assert_eq!(stable("one paragraph\n"), 0);
    }
}
