//! The JSON inside a model's reply, whatever talk and fences stand around it.

use crate::code::{Code, Failure};
use serde::de::IgnoredAny;
use std::ops::Range;

/// The outermost object or array of `text`; of several the longest. An outermost one that is torn or malformed is a
/// failure: what stands inside it is never taken for the whole.
pub fn from_reply(text: &str) -> Result<&str, Failure> {
    let all = outermost(text)?;
    let longest = all.into_iter().max_by_key(|r| (r.len(), std::cmp::Reverse(r.start)));
    longest.map(|range| &text[range]).ok_or_else(|| Failure::new(Code::BadPlan, "the reply holds no JSON"))
}

/// Every value of the outermost level that begins as ours do: an object with a member, or an array of objects.
pub(crate) fn outermost(text: &str) -> Result<Vec<Range<usize>>, Failure> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(['{', '[']).map(|i| at + i) {
        if !begins(&text[start..]) {
            at = start + 1;
            continue;
        }
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                at = start + values.byte_offset();
                found.push(start..at);
            }
            Some(Err(why)) if found.iter().all(|r| r.len() < text.len() - start) => {
                let line = text[..start].matches('\n').count() + why.line();
                return Err(torn(&why, line));
            }
            _ => break,
        }
    }
    Ok(found)
}

pub(super) fn torn(why: &serde_json::Error, line: usize) -> Failure {
    let said = why.to_string();
    let cause = said.split(" at line ").next().unwrap_or(&said);
    let message = format!("the plan is not valid JSON: line {line}, column {}: {cause}", why.column());
    Failure::new(Code::BadPlan, message)
}

fn begins(text: &str) -> bool {
    let rest = text[1..].trim_start();
    if text.starts_with('{') { rest.starts_with('"') } else { rest.starts_with('{') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_braces_and_fences_around_the_json_are_left_out() {
        let reply = "Sure {here} is [1] the plan:\n```json\n{\"tickets\": [{\"a\": \"}\"}]}\n```\nAnything {else}?";
        assert_eq!(from_reply(reply).expect("found"), "{\"tickets\": [{\"a\": \"}\"}]}");
        assert_eq!(from_reply("[\n {\"a\": 1}]").expect("found"), "[\n {\"a\": 1}]");
    }

    #[test]
    fn the_longest_of_several_is_meant() {
        assert_eq!(from_reply("such as {\"a\":1} so {\"a\":1,\"b\":2}").expect("found"), "{\"a\":1,\"b\":2}");
    }

    #[test]
    fn what_stands_inside_a_torn_object_is_not_taken_for_the_whole() {
        let torn = from_reply("```json\n{\"tickets\": [{\"title\": \"a\"},\n {\"title\":").expect_err("torn");
        assert_eq!(torn.message, "the plan is not valid JSON: line 3, column 10: EOF while parsing a value");
        assert!(from_reply("{\"tickets\": [{\"title\": \"a\"},]}").is_err());
    }

    #[test]
    fn prose_alone_holds_no_json() {
        assert_eq!(from_reply("I cannot do that [sorry]").expect_err("none").message, "the reply holds no JSON");
    }
}
