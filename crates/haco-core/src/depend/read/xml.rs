//! XML as a bounded tree without a DTD.

use roxmltree::{Document, Node, ParsingOptions};

/// The most nodes of a file.
const MOST_NODES: u32 = 500_000;

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|e| format!("line {} is not XML that is read", e.pos().row))
}

/// The trimmed text of the first child element of that name.
pub(super) fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node.children().find(|c| c.is_element() && c.tag_name().name() == name)?;
    child.text().map(str::trim)
}

/// Whether an element of that name is around the node.
pub(super) fn is_within(node: Node<'_, '_>, name: &str) -> bool {
    node.ancestors().skip(1).take(64).any(|a| a.tag_name().name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dtd_is_not_read_and_depth_is_no_danger() {
        assert!(parse("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").is_err());
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        let _bounded = parse(&deep).is_ok();
        assert!(parse("<a>").is_err());
    }
}
