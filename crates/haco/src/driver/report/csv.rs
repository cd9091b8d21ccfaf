//! The report as comma-separated values (RFC 4180), a number a line: section, name, measure, value.

use super::json;
use haco_core::report::Report;
use serde_json::Value;

/// With its head.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec!["section,name,measure,value".to_owned()];
    for (key, value) in json::fields(report) {
        match &value {
            Value::Array(items) if key == "blocked" => lines.extend(items.iter().map(|item| {
                let count = item["tickets"].as_array().map_or(0, Vec::len);
                line("blocked", text(&item["code"]), "tickets", &count.into())
            })),
            Value::Array(items) => {
                for item in items {
                    flat(&mut lines, (&key, text(&item["name"])), "", item);
                }
            }
            _ => flat(&mut lines, ("report", ""), &key, &value),
        }
    }
    lines
}

/// An object gives a line for each of its numbers; names and sentences are none.
fn flat(lines: &mut Vec<String>, (section, name): (&str, &str), measure: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "name") {
                let measure = if measure.is_empty() { key.clone() } else { format!("{measure}.{key}") };
                flat(lines, (section, name), &measure, value);
            }
        }
        Value::Array(_) | Value::Null => {}
        value => lines.push(line(section, name, measure, value)),
    }
}

fn line(section: &str, name: &str, measure: &str, value: &Value) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    [section, name, measure, &value].map(field).join(",")
}

/// In quotes where it must be. What a spreadsheet would take for a formula is not one.
fn field(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let is_formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::report::Used;

    #[test]
    fn each_number_has_a_line_and_a_name_is_no_formula() {
        let mut report = Report::default();
        report.models.insert("=cmd|' /C calc'!A0,\"x\"".to_owned(), Used { calls: 3, ..Used::default() });
        let lines = lines(&report);
        assert_eq!(lines[0], "section,name,measure,value");
        assert!(lines.contains(&"report,,accepted,0".to_owned()), "{lines:?}");
        assert!(lines.contains(&"report,,one_shot.of,0".to_owned()), "{lines:?}");
        assert!(lines.contains(&"models,\"'=cmd|' /C calc'!A0,\"\"x\"\"\",calls,3".to_owned()), "{lines:?}");
    }
}
