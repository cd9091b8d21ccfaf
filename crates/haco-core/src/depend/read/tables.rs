//! TOML with the line of each key.

use super::Lines;
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

/// A table of a TOML text, with what is needed to say where its keys stand.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) lines: &'a Lines,
    table: &'a DeTable<'a>,
}

/// One key with its value.
pub(super) struct Item<'a> {
    pub(super) key: &'a str,
    pub(super) line: usize,
    pub(super) value: Value<'a>,
}

/// A value with where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    lines: &'a Lines,
    value: &'a Spanned<DeValue<'a>>,
}

/// Reads a text and hands its root over.
pub(super) fn with<T>(text: &str, read: impl FnOnce(Table<'_>) -> T) -> Result<T, String> {
    let lines = Lines::of(text);
    let root = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(0, |span| lines.at(span.start));
        format!("line {line} is not TOML: {}", e.message().lines().next().unwrap_or("malformed"))
    })?;
    Ok(read(Table { lines: &lines, table: root.get_ref() }))
}

impl<'a> Table<'a> {
    /// Its keys in the order of the text.
    pub(super) fn items(self) -> Vec<Item<'a>> {
        let mut all: Vec<(&Spanned<DeString>, &Spanned<DeValue>)> = self.table.iter().collect();
        all.sort_by_key(|(key, _)| key.span().start);
        let item = |(key, value): (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)| Item {
            key: key.get_ref(),
            line: self.lines.at(key.span().start),
            value: Value { lines: self.lines, value },
        };
        all.into_iter().map(item).collect()
    }

    pub(super) fn get(self, key: &str) -> Option<Value<'a>> {
        self.table.get(key).map(|value| Value { lines: self.lines, value })
    }

    /// The table below a path of keys.
    pub(super) fn at(self, path: &[&str]) -> Option<Table<'a>> {
        path.iter().try_fold(self, |table, key| table.get(key)?.table())
    }

    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }

    /// The items of a table or of each table of an array below a path.
    pub(super) fn items_at(self, path: &[&str]) -> Vec<Item<'a>> {
        self.at(path).map_or_else(Vec::new, Table::items)
    }
}

impl<'a> Value<'a> {
    pub(super) fn line(self) -> usize {
        self.lines.at(self.value.span().start)
    }

    pub(super) fn text(self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn table(self) -> Option<Table<'a>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(Table { lines: self.lines, table }),
            _ => None,
        }
    }

    pub(super) fn is_true(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Boolean(true))
    }

    /// The values of an array; the value itself where it is none.
    pub(super) fn each(self) -> Vec<Value<'a>> {
        match self.value.get_ref() {
            DeValue::Array(values) => values.iter().map(|value| Value { lines: self.lines, value }).collect(),
            _ => vec![self],
        }
    }

    /// The tables of an array of tables, or the one table.
    pub(super) fn tables(self) -> Vec<Table<'a>> {
        self.each().into_iter().filter_map(Value::table).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_lines_in_the_order_of_the_text() {
        let text = "[b]\nz = 1\na = \"x\"\n[a.c]\n\"q\" = [\"1\",\n\"2\"]\n";
        with(text, |root| {
            let keys: Vec<_> = root.items_at(&["b"]).iter().map(|i| (i.key.to_owned(), i.line)).collect();
            assert_eq!(keys, [("z".to_owned(), 2), ("a".to_owned(), 3)]);
            let values = root.at(&["a", "c"]).and_then(|t| t.get("q")).expect("there").each();
            assert_eq!(values.iter().map(|v| v.line()).collect::<Vec<_>>(), [5, 6]);
        })
        .expect("TOML");
    }

    #[test]
    fn what_is_no_toml_or_is_too_deep_is_an_error() {
        assert!(with("a = [", |_| ()).expect_err("cut").starts_with("line "));
        assert!(with(&format!("a = {}", "[".repeat(100_000)), |_| ()).is_err());
    }
}
