//! Schemas against types: what one takes the other takes, field by field, required or not, word by word.

use super::{SCHEMAS, text};
use haco_core::{config::Config, plan::Plan, ticket::Ticket};
use jsonschema::Validator;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

fn schema(name: &str) -> Value {
    serde_json::from_str(text(name)).expect(name)
}

/// One document with every field that there is.
fn full(name: &str) -> Value {
    let samples: Value = serde_json::from_str(include_str!("samples.json")).expect("samples");
    samples[name].clone()
}

/// A schema with the type that it describes.
struct Pair {
    schema: Value,
    validator: Validator,
    read: fn(&Value) -> Result<Value, String>,
}

impl Pair {
    fn of<T: DeserializeOwned + Serialize>(name: &str) -> Pair {
        let schema = schema(name);
        let validator = jsonschema::validator_for(&schema).expect(name);
        let read = |value: &Value| match T::deserialize(value) {
            Ok(typed) => Ok(serde_json::to_value(typed).expect("plain data")),
            Err(error) => Err(error.to_string()),
        };
        Pair { schema, validator, read }
    }

    /// Both take the document, or both refuse it.
    fn agree(&self, document: &Value, taken: bool, what: &str) {
        assert_eq!(self.validator.is_valid(document), taken, "the schema: {what}");
        assert_eq!((self.read)(document).is_ok(), taken, "the type: {what}");
    }

    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            Some(name) => self.schema.pointer(name.trim_start_matches('#')).expect(name),
            None => match node["anyOf"].as_array() {
                Some(choices) => self.resolve(choices.last().expect("choices")),
                None => node,
            },
        }
    }

    /// Walks schema and document together; `at` is a JSON pointer into the document.
    fn walk(&self, node: &Value, document: &Value, at: &str) {
        let node = self.resolve(node);
        let here = document.pointer(at).expect(at);
        match here {
            Value::Object(fields) if node["properties"].is_object() => self.object(node, fields, document, at),
            Value::Object(fields) if node["additionalProperties"].is_object() => {
                fields
                    .keys()
                    .for_each(|key| self.walk(&node["additionalProperties"], document, &format!("{at}/{key}")));
            }
            Value::Array(items) => {
                (0..items.len()).for_each(|i| self.walk(&node["items"], document, &format!("{at}/{i}")));
            }
            _ => self.words(node, document, at),
        }
    }

    fn object(&self, node: &Value, fields: &Map<String, Value>, document: &Value, at: &str) {
        let known: Vec<&String> = node["properties"].as_object().expect("properties").keys().collect();
        let missing: Vec<_> = known.iter().filter(|key| !fields.contains_key(**key)).collect();
        assert!(missing.is_empty(), "the sample lacks {missing:?} at '{at}'");
        let strange = with(document, at, "zzz", json!(1));
        self.agree(&strange, false, &format!("an unknown field at '{at}'"));
        let refused = (self.read)(&strange).expect_err("refused");
        if refused.starts_with("unknown field") {
            same(&expected(&refused), &known, at);
        }
        for key in known {
            let required = node["required"].as_array().is_some_and(|all| all.contains(&json!(key)));
            self.agree(&without(document, at, key), !required, &format!("without '{key}' at '{at}'"));
            self.walk(&node["properties"][key.as_str()], document, &format!("{at}/{key}"));
        }
    }

    /// A word of a fixed set: the same set in both.
    fn words(&self, node: &Value, document: &Value, at: &str) {
        let Some(words) = node["enum"].as_array().filter(|all| all.iter().all(Value::is_string)) else { return };
        words
            .iter()
            .for_each(|word| self.agree(&replaced(document, at, word.clone()), true, &format!("{word} at '{at}'")));
        let strange = replaced(document, at, json!("zzz"));
        self.agree(&strange, false, &format!("a strange word at '{at}'"));
        let refused = (self.read)(&strange).expect_err("refused");
        if refused.starts_with("unknown variant") {
            same(&expected(&refused), &words.iter().filter_map(Value::as_str).collect::<Vec<_>>(), at);
        }
    }
}

/// The words that serde's message names as expected.
fn expected(message: &str) -> Vec<String> {
    let list = message.split_once("expected").map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn same(a: &[String], b: &[impl AsRef<str>], at: &str) {
    let (mut a, mut b): (Vec<&str>, Vec<&str>) =
        (a.iter().map(String::as_str).collect(), b.iter().map(AsRef::as_ref).collect());
    a.sort_unstable();
    b.sort_unstable();
    assert_eq!(a, b, "at '{at}'");
}

fn with(document: &Value, at: &str, key: &str, value: Value) -> Value {
    let mut changed = document.clone();
    changed.pointer_mut(at).expect("there")[key] = value;
    changed
}

fn without(document: &Value, at: &str, key: &str) -> Value {
    let mut changed = document.clone();
    changed.pointer_mut(at).and_then(Value::as_object_mut).expect("there").remove(key);
    changed
}

fn replaced(document: &Value, at: &str, value: Value) -> Value {
    let mut changed = document.clone();
    *changed.pointer_mut(at).expect("there") = value;
    changed
}

fn agrees_in_everything<T: DeserializeOwned + Serialize>(name: &str) {
    let (pair, sample) = (Pair::of::<T>(name), full(name));
    pair.agree(&sample, true, "the full sample");
    assert_eq!((pair.read)(&sample).expect("reads"), sample, "nothing is lost on the way");
    pair.walk(&pair.schema, &sample, "");
}

#[test]
fn the_schema_of_tickets_and_their_type_agree() {
    agrees_in_everything::<Ticket>("ticket");
}

#[test]
fn the_schema_of_plans_and_their_type_agree() {
    agrees_in_everything::<Plan>("plan");
}

#[test]
fn the_schema_of_configurations_and_their_type_agree() {
    agrees_in_everything::<Config>("config");
    Pair::of::<Config>("config").agree(&json!({}), true, "no key at all");
    Pair::of::<Config>("config").agree(&json!({"checks": {"test": null}}), true, "no test");
    Pair::of::<Config>("config").agree(&json!({"checks": {"tests": "x"}}), false, "a strange check");
}

#[test]
fn ids_hashes_and_numbers_of_the_wrong_form_are_refused_by_both() {
    let (pair, sample) = (Pair::of::<Ticket>("ticket"), full("ticket"));
    let wrong = [
        ("/id", json!("T-1")),
        ("/id", json!("T-0001")),
        ("/plan", json!("Demo")),
        ("/depends_on/0", json!("../T-001")),
        ("/attempts/0/base", json!("abc")),
        ("/attempts/0/n", json!(-1)),
        ("/attempts/0/n", json!("1")),
        ("/verdicts/0/subject", json!("0")),
        ("/title", json!(7)),
        ("/task/target_files", json!("src/a.rs")),
        ("/metadata", json!([])),
    ];
    for (at, value) in wrong {
        pair.agree(&replaced(&sample, at, value.clone()), false, &format!("{value} at '{at}'"));
    }
    let bare = replaced(&sample, "/definition_of_done/static_checks/0", json!("cargo fmt --check"));
    pair.agree(&bare, true, "a static check that is a string");
    for schema in ["plan", "config"] {
        assert!(!jsonschema::is_valid(&self::schema(schema), &json!([])));
    }
}

#[test]
fn every_schema_is_one_and_closed() {
    for (name, _) in SCHEMAS {
        let schema = schema(name);
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        open_objects(&schema, "", &mut |at| {
            let allowed = ["/properties/metadata", "/properties/options", "/properties/ticket", "/properties/plan", ""];
            assert!(allowed.contains(&at) || at.ends_with("/options"), "{name}: open at '{at}'");
        });
    }
}

/// Calls `found` for each object schema that takes any field.
fn open_objects(node: &Value, at: &str, found: &mut impl FnMut(&str)) {
    if node["type"] == "object" && node["additionalProperties"].is_null() {
        found(at);
    }
    let children = node.as_object().into_iter().flatten();
    children.filter(|(key, _)| !matches!(key.as_str(), "if" | "then" | "else" | "not")).for_each(|(key, child)| {
        open_objects(child, &format!("{at}/{key}"), found);
    });
}

#[test]
fn an_answer_is_a_yes_without_an_error_or_a_no_with_one() {
    let next = jsonschema::validator_for(&schema("next")).expect("schema");
    let yes = json!({"schema_version": 1, "ok": true, "action": "draft", "actor": "worker", "plan": "demo",
                     "ticket": "T-001", "why": "it is due", "command": ["haco-worker", "T-001"]});
    assert!(next.is_valid(&yes));
    assert!(!next.is_valid(&without(&yes, "", "why")));
    assert!(!next.is_valid(&with(&yes, "", "error", json!("no"))));
    let no = json!({"schema_version": 1, "ok": false, "error": "no", "code": "usage", "fix": "haco --help"});
    for (name, _) in &SCHEMAS[3..] {
        let validator = jsonschema::validator_for(&schema(name)).expect(name);
        let no = match *name {
            "worker" => with(&with(&no, "", "output", json!("")), "", "model", json!("m")),
            _ => no.clone(),
        };
        assert!(validator.is_valid(&no), "{name}");
        assert!(!validator.is_valid(&without(&no, "", "code")), "{name}");
    }
}
