//! Plots as SVG inside a page: bars with their numbers, no script, in shades that print.

use std::fmt::Write;

const ROW: usize = 26;
const NAMES: usize = 190;
const WIDTH: usize = 420;
const NUMBERS: usize = 150;

/// One bar.
pub(super) struct Bar {
    /// What it is of; anybody's text.
    pub(super) name: String,
    /// Its length.
    pub(super) value: f64,
    /// How far it can be believed, where that is known.
    pub(super) range: Option<(f64, f64)>,
    /// The number as people read it.
    pub(super) label: String,
}

/// Bars below each other on one scale; nothing where there is none.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|b| b.range.map_or(b.value, |(_, high)| high.max(b.value))).fold(0.0, f64::max);
    if bars.is_empty() || most <= 0.0 {
        return String::new();
    }
    let at = |value: f64| NAMES as f64 + value / most * WIDTH as f64;
    let (width, height) = (NAMES + WIDTH + NUMBERS, bars.len() * ROW + 8);
    let title = escape(title);
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n"
    );
    for (i, bar) in bars.iter().enumerate() {
        let (top, middle) = (i * ROW + 4, i * ROW + 4 + ROW / 2);
        let end = at(bar.value);
        let mut add = |text: String| svg.push_str(&text);
        add(format!("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", NAMES - 8, middle + 3, escape(&bar.name)));
        add(format!("<rect x=\"{NAMES}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\"/>", end - NAMES as f64, ROW - 8));
        let mut right = end;
        if let Some((low, high)) = bar.range {
            let (low, high) = (at(low), at(high));
            right = right.max(high);
            let y = middle - 4;
            add(format!("<path d=\"M{low:.1} {y}H{high:.1}M{low:.1} {}v8M{high:.1} {}v8\"/>", y - 4, y - 4));
        }
        add(format!("<text x=\"{:.1}\" y=\"{}\">{}</text>\n", right + 6.0, middle + 3, escape(&bar.label)));
    }
    writeln!(svg, "</svg></figure>").expect("a string takes everything");
    svg
}

/// Text that means nothing to a browser, in an element and in an attribute; control characters are made visible.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_of_the_longest() {
        let bar = |name: &str, value, range| Bar { name: name.into(), value, range, label: "x".into() };
        let svg = bars("t", &[bar("a", 0.5, None), bar("b", 0.25, Some((0.0, 1.0)))]);
        assert!(svg.contains("width=\"210.0\"") && svg.contains("width=\"105.0\""), "{svg}");
        assert!(svg.contains("M190.0 ") && svg.contains("H610.0"), "{svg}");
        assert_eq!(bars("t", &[]), "");
        assert_eq!(bars("t", &[bar("a", 0.0, None)]), "");
    }

    #[test]
    fn no_name_becomes_a_part_of_the_page() {
        let wild = "<script>\"x\"&'\u{1b}";
        assert_eq!(escape(wild), "&lt;script&gt;&quot;x&quot;&amp;&#39;\\u{1b}");
        let svg = bars(wild, &[Bar { name: wild.into(), value: 1.0, range: None, label: wild.into() }]);
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{svg}");
    }
}
