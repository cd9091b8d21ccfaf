//! What is changed in a request where the server refuses a field of it by name: once each, and then it is asked again.
//!
//! ```text
//! max_tokens ⇄ max_completion_tokens             whichever the server knows
//! response_format  json_schema → json_object → –   the prompt asks for JSON anyway, and the reply is judged all the same
//! output_config, format, stream_options → –        the same in the other protocols
//! ```

use haco_core::code::Code;
use serde_json::{Map, Value, json};

use crate::failed::{Again, Failed};
use crate::request::{LIMIT, NEWER_LIMIT, Request};

/// Words by which servers name the field that they do not take, and the field.
const NAMED: [(&str, &str); 7] = [
    ("response_format", "response_format"),
    ("response format", "response_format"),
    ("json_schema", "response_format"),
    ("output_config", "output_config"),
    ("output_format", "output_config"),
    ("format", "format"),
    ("stream_options", "stream_options"),
];

impl Request {
    /// Changes what this server refused by name for what it may take, and says which field that was; `None` where
    /// nothing is left to change. `before` are the fields that it refused before.
    pub(crate) fn adapt(&mut self, failed: &Failed, before: &[&str]) -> Option<&'static str> {
        let refused = failed.failure.code == Code::ServerError && failed.again == Again::Never;
        let Some(Value::Object(body)) = self.body.as_mut().filter(|_| refused) else { return None };
        let told = String::from_utf8_lossy(&failed.raw).to_ascii_lowercase();
        let says = |word: &str| told.contains(word);
        for (refused, other) in [(LIMIT, NEWER_LIMIT), (NEWER_LIMIT, LIMIT)] {
            if says(refused)
                && !before.contains(&other)
                && let Some(limit) = body.shift_remove(refused)
            {
                body.insert(other.to_owned(), limit);
                return Some(refused);
            }
        }
        let named = NAMED.iter().find(|(word, field)| says(word) && body.contains_key(*field));
        named.map(|(_, field)| weaken(body, field))
    }
}

/// The next weaker form of a field, which is in most cases none.
fn weaken(body: &mut Map<String, Value>, field: &'static str) -> &'static str {
    let bound = body.get(field).is_some_and(|value| value["type"] == "json_schema");
    if field == "response_format" && bound {
        body.insert(field.to_owned(), json!({"type": "json_object"}));
    } else {
        body.shift_remove(field);
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::code::Failure;

    fn refusal(raw: &str) -> Failed {
        let failure = Failure::new(Code::ServerError, "status 400");
        Failed { raw: raw.as_bytes().to_vec(), ..*Failed::new(failure, Again::Never) }
    }

    fn request(body: Value) -> Request {
        Request { path: "/x", body: Some(body) }
    }

    #[test]
    fn the_limit_changes_its_name_either_way() {
        let mut asked = request(json!({"max_tokens": 9}));
        let told = refusal("{\"error\":{\"message\":\"Use 'max_completion_tokens' instead of 'max_tokens'\"}}");
        assert_eq!(asked.adapt(&told, &[]), Some("max_tokens"));
        assert_eq!(asked.body, Some(json!({"max_completion_tokens": 9})));
        let told = refusal("unknown field max_completion_tokens");
        assert_eq!(asked.adapt(&told, &["max_tokens"]), None, "a server that takes neither");
        assert_eq!(asked.adapt(&told, &[]), Some("max_completion_tokens"));
        assert_eq!(asked.body, Some(json!({"max_tokens": 9})));
    }

    #[test]
    fn a_schema_that_is_not_taken_becomes_json_and_then_nothing() {
        let format = json!({"type": "json_schema", "json_schema": {}});
        let mut asked = request(json!({"response_format": format, "model": "m"}));
        let told = refusal("This model does not support response format `json_schema`");
        assert_eq!(asked.adapt(&told, &[]), Some("response_format"));
        assert_eq!(asked.body, Some(json!({"response_format": {"type": "json_object"}, "model": "m"})));
        assert_eq!(asked.adapt(&refusal("response_format.type: bad"), &[]), Some("response_format"));
        assert_eq!(asked.body, Some(json!({"model": "m"})));
        assert_eq!(asked.adapt(&refusal("response_format.type: bad"), &[]), None);
    }

    #[test]
    fn what_the_other_protocols_bind_an_answer_by_is_left_out_too() {
        for (field, told) in [("output_config", "output_config: Extra inputs"), ("format", "invalid format")] {
            let mut asked = request(json!({"model": "m", field: {}}));
            assert_eq!(asked.adapt(&refusal(told), &[]), Some(field));
            assert_eq!(asked.body, Some(json!({"model": "m"})));
        }
    }

    #[test]
    fn what_may_pass_or_is_about_something_else_changes_nothing() {
        let mut asked = request(json!({"max_tokens": 9}));
        assert_eq!(asked.adapt(&refusal("temperature is not supported"), &[]), None);
        let busy = Failed { again: Again::After(None), ..refusal("max_tokens") };
        assert_eq!(asked.adapt(&busy, &[]), None);
        let failure = Failure::new(Code::Unauthorized, "max_tokens");
        assert_eq!(asked.adapt(&Failed { failure, ..refusal("max_tokens") }, &[]), None);
    }
}
