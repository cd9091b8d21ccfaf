//! The repository's own commands, told from the base's files and written to `checks` where nobody has.

use crate::{
    desk::{self, Desk},
    lead,
    output::Out,
};
use anyhow::Result;
use haco_core::{config::CheckSlot, hash::Hash, plan::Plan};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const FILE: &str = "config.json";

/// What was found, and what the configuration file becomes with it.
#[derive(Debug, Default)]
pub(super) struct Found {
    checks: BTreeMap<CheckSlot, String>,
    text: Option<Vec<u8>>,
}

/// Looks for commands where the repository's file has no `checks`; from here on the desk offers them.
pub(super) fn find(desk: &mut Desk, plan: &Plan) -> Result<Found> {
    let bytes = desk.store.read(FILE)?;
    let Some(mut config) = table(bytes.as_deref()) else { return Ok(Found::default()) };
    if config.contains_key("checks") {
        return Ok(Found::default());
    }
    let mut checks = lead::detected(desk, plan)?;
    checks.retain(|slot, _| !desk.settings.checks.contains_key(slot));
    if checks.is_empty() {
        return Ok(Found::default());
    }
    desk.settings.checks.extend(checks.clone());
    let words: Map<String, Value> =
        checks.iter().map(|(slot, command)| (slot.as_str().to_owned(), command.clone().into())).collect();
    config.insert("checks".to_owned(), words.into());
    // A person trusted these very bytes: other bytes would take models and keys out of force.
    let trusted = bytes.as_deref().is_some_and(|bytes| desk::is_trusted(&Hash::of(bytes)));
    let text = with_checks(bytes.as_deref().unwrap_or(b"{}\n"), config);
    Ok(Found { checks, text: (!trusted).then_some(text) })
}

/// The file with its last key added before the closing brace, and else as people wrote it.
fn with_checks(bytes: &[u8], config: Map<String, Value>) -> Vec<u8> {
    let pretty = format!("{:#}\n", Value::Object(config.clone()));
    let one_key = Map::from_iter([("checks".to_owned(), config["checks"].clone())]);
    let added = format!("{:#}\n", Value::Object(one_key));
    let spliced = std::str::from_utf8(bytes).ok().and_then(|text| text.trim_end().strip_suffix('}')).map(|head| {
        let head = head.trim_end();
        let comma = if head.ends_with('{') { "" } else { "," };
        format!("{head}{comma}{}", &added[1..])
    });
    let same = |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|value| value == Value::Object(config));
    spliced.filter(same).unwrap_or(pretty).into_bytes()
}

/// The file's own table, keys in their order; none where it is not one, which is then left alone.
fn table(bytes: Option<&[u8]>) -> Option<Map<String, Value>> {
    match bytes {
        None => Some(Map::new()),
        Some(bytes) => serde_json::from_slice(bytes).ok(),
    }
}

/// Writes what was found, and says so.
pub(super) fn keep(desk: &Desk, found: &Found, out: &Out) -> Result<()> {
    if found.checks.is_empty() {
        return Ok(());
    }
    let all: Vec<String> =
        found.checks.iter().map(|(slot, command)| format!("{} '{command}'", slot.as_str())).collect();
    let all = all.join(", ");
    match &found.text {
        Some(text) => {
            desk.store.write(FILE, text)?;
            out.say(format!("checks found and written to .haco/{FILE}: {all}"));
        }
        None => out.say(format!("checks found, not written to .haco/{FILE} since you trusted it as it is: {all}")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_as_they_wrote_it() {
        for (before, after) in [
            ("{}\n", "{\n  \"checks\": {\n    \"test\": \"t\"\n  }\n}\n"),
            ("{\"a\": [1,2]}", "{\"a\": [1,2],\n  \"checks\": {\n    \"test\": \"t\"\n  }\n}\n"),
        ] {
            let mut config = table(Some(before.as_bytes())).expect("a table");
            config.insert("checks".to_owned(), serde_json::json!({"test": "t"}));
            assert_eq!(String::from_utf8(with_checks(before.as_bytes(), config)).expect("text"), after);
        }
    }

    #[test]
    fn a_file_that_is_no_table_is_left_alone() {
        assert!(table(Some(b"[]")).is_none() && table(Some(b"{ torn")).is_none());
        assert_eq!(table(None), Some(Map::new()));
        let keys: Vec<String> = table(Some(b"{\"b\": 1, \"a\": 2}")).expect("a table").keys().cloned().collect();
        assert_eq!(keys, ["b", "a"]);
    }
}
