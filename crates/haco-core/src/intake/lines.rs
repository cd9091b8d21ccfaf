//! On which line of a JSON text a field stands, looked up only when something is wrong.

use serde_json::Value;
use std::collections::HashMap;

/// Lines by path (`tickets[2].task`), from 1.
#[derive(Default)]
pub(super) struct Lines(HashMap<String, usize>);

impl Lines {
    pub(super) fn insert(&mut self, path: String, line: usize) {
        self.0.insert(path, line);
    }

    /// The line of `path`, or of the nearest thing around it.
    pub(super) fn of(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// Takes in the paths of `json`, whose first line is `first` and whose outermost value has the path `root`.
    /// A text that is not valid JSON brings the paths before its fault.
    pub(super) fn scan(&mut self, json: &str, root: &str, first: usize) {
        let mut scan = Scan { rest: json, line: first, into: self };
        let _ = scan.value(root);
    }
}

struct Scan<'a, 'b> {
    rest: &'a str,
    line: usize,
    into: &'b mut Lines,
}

impl Scan<'_, '_> {
    /// Steps over white space and returns the next character without taking it.
    fn peek(&mut self) -> Option<char> {
        let trimmed = self.rest.trim_start();
        self.line += self.rest[..self.rest.len() - trimmed.len()].matches('\n').count();
        self.rest = trimmed;
        trimmed.chars().next()
    }

    fn take(&mut self, expected: char) -> Option<()> {
        (self.peek()? == expected).then(|| self.rest = &self.rest[expected.len_utf8()..])
    }

    fn value(&mut self, path: &str) -> Option<()> {
        let first = self.peek()?;
        if !path.is_empty() {
            self.into.insert(path.to_owned(), self.line);
        }
        match first {
            '{' => self.members(path),
            '[' => self.items(path),
            '"' => self.string().map(drop),
            _ => {
                let end = self.rest.find([',', ']', '}', '\n', ' ', '\r', '\t']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
                (end > 0).then_some(())
            }
        }
    }

    fn members(&mut self, path: &str) -> Option<()> {
        self.take('{')?;
        while self.peek()? != '}' {
            let key = self.string()?;
            self.take(':')?;
            self.value(&if path.is_empty() { key } else { format!("{path}.{key}") })?;
            if self.peek()? == ',' {
                self.take(',')?;
            }
        }
        self.take('}')
    }

    fn items(&mut self, path: &str) -> Option<()> {
        self.take('[')?;
        let mut index = 0;
        while self.peek()? != ']' {
            self.value(&format!("{path}[{index}]"))?;
            index += 1;
            if self.peek()? == ',' {
                self.take(',')?;
            }
        }
        self.take(']')
    }

    fn string(&mut self) -> Option<String> {
        self.peek().filter(|c| *c == '"')?;
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        })?;
        let (literal, rest) = self.rest.split_at(end.0 + 1);
        self.rest = rest;
        match serde_json::from_str(literal) {
            Ok(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_line_and_a_missing_one_that_of_its_object() {
        let json = "\n{\"plan\": {},\n \"tickets\": [\n  {\"title\": \"a \\\" {\",\n   \"task\":\n   {\"n\": 1}}]}";
        let mut lines = Lines::default();
        lines.scan(json, "", 10);
        assert_eq!(lines.of("plan"), Some(11));
        assert_eq!(lines.of("tickets[0].title"), Some(13));
        assert_eq!(lines.of("tickets[0].task.n"), Some(15));
        assert_eq!(lines.of("tickets[0].task.description"), Some(15));
        assert_eq!(lines.of("tickets[7].title"), Some(12));
        assert_eq!(lines.of("elsewhere"), None);
    }

    #[test]
    fn a_torn_text_ends_the_scan_and_not_the_program() {
        for torn in ["{", "{\"a", "{\"a\":", "[1,", "{\"a\":[{", "\"", "{1:2}", "[}", ""] {
            Lines::default().scan(torn, "", 1);
        }
    }
}
