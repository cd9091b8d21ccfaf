//! The report as one page that stands alone and prints: no script, nothing from elsewhere, every name escaped.

use super::{
    gather,
    plot::{Bar, bars, escape},
    text,
};
use haco_core::report::{Facts, Rate, Report, Used};

const HEAD: &str = include_str!("head.html");

/// The whole page; `at` is when it was made.
pub(super) fn page(report: &Report, facts: &Facts<'_>, at: &str) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(&format!("<h1>haco report</h1>\n<p class=\"at\">{}</p>\n", escape(at)));
    page.push_str(&tiles(report));
    page.push_str(&plots(report, facts));
    page.push_str(&models(report));
    page.push_str(&roles(report));
    page.push_str("<h2>Everything</h2>\n<pre>");
    page.push_str(&escape_lines(&text::lines(report)));
    page.push_str("</pre>\n</body></html>\n");
    page
}

/// Lines keep their ends, which `escape` would show.
fn escape_lines(lines: &[String]) -> String {
    lines.iter().map(|line| escape(line) + "\n").collect()
}

fn tiles(report: &Report) -> String {
    let rate = |rate: Rate| rate.text().unwrap_or_else(|| "–".to_owned());
    let each = report.per_accepted().map_or("–".to_owned(), |usd| format!("${usd:.4}"));
    let least = if report.cost.unknown > 0 { " at least" } else { "" };
    let cycle = report.cycle_sec.map_or("–".to_owned(), |c| text::long(c.median));
    let tiles = [
        ("cost per accepted ticket", format!("{each}{least}")),
        ("accepted", format!("{} of {}", report.accepted, report.tickets)),
        ("local finish", rate(report.local_finish)),
        ("one shot", rate(report.one_shot)),
        ("cycle time, median", cycle),
        ("escalated", report.escalated.to_string()),
    ];
    let tile = |(name, value): (&str, String)| format!("<div><b>{}</b><span>{name}</span></div>\n", escape(&value));
    format!("<section class=\"tiles\">\n{}</section>\n", tiles.map(tile).concat())
}

fn plots(report: &Report, facts: &Facts<'_>) -> String {
    let passed = |(name, used): (&String, &Used)| {
        let (value, range) = (used.passed.share()?, used.passed.interval());
        Some(Bar { name: name.clone(), value, range, label: used.passed.text()? })
    };
    let passed: Vec<Bar> = report.models.iter().filter_map(passed).collect();
    let usd =
        |name: &str, usd: f64| Bar { name: name.to_owned(), value: usd, range: None, label: format!("${usd:.4}") };
    let mut money: Vec<Bar> = report.roles.iter().map(|(role, part)| usd(role, part.cost.usd)).collect();
    money.push(usd("all", report.cost.usd));
    if let Some(cloud) = &report.counterfactual {
        let label = format!("${:.4} to ${:.4}", cloud.low_usd, cloud.high_usd);
        let range = Some((cloud.low_usd, cloud.high_usd));
        money.push(Bar { name: format!("{} alone", cloud.model), value: cloud.low_usd, range, label });
    }
    let time =
        |name: &str, sec: f64| Bar { name: name.to_owned(), value: sec, range: None, label: text::long(sec as u64) };
    let times = [
        time("models", report.time_ms as f64 / 1000.0),
        time("checks", report.checks_ms as f64 / 1000.0),
        time("waiting for people", report.waited_sec as f64),
    ];
    let cycles: Vec<Bar> =
        gather::lives_in_order(facts).into_iter().map(|(id, sec)| time(id.as_str(), sec as f64)).collect();
    [
        bars("Drafts that passed every check, with the 95 % interval", &passed),
        bars("Money, US dollars", &money),
        bars("Where the time went", &times),
        bars("From approval to acceptance, by ticket", &cycles),
    ]
    .concat()
}

fn models(report: &Report) -> String {
    let row = |(name, used): (&String, &Used)| {
        let speed = used.tokens_per_second().map_or("–".to_owned(), |speed| format!("{speed:.1}"));
        let rate = |rate: Rate| rate.text().unwrap_or_else(|| "–".to_owned());
        let cells = [
            name.clone(),
            used.calls.to_string(),
            used.prompt_tokens.to_string(),
            used.completion_tokens.to_string(),
            speed,
            rate(used.passed),
            rate(used.passed_first),
            used.accepted.to_string(),
            used.cost.text(),
        ];
        tag("td", &cells)
    };
    let head = ["model", "calls", "prompt", "reply", "tokens/s", "passed", "passed first", "accepted", "cost"];
    table("Score card by model", &head, report.models.iter().map(row).collect())
}

fn roles(report: &Report) -> String {
    let rows = report.roles.iter().map(|(name, part)| {
        let each = (report.accepted > 0).then(|| part.cost.usd / report.accepted as f64);
        let each = each.map_or("–".to_owned(), |usd| format!("${usd:.4}"));
        tag("td", &[name.clone(), part.calls.to_string(), text::long(part.time_ms / 1000), part.cost.text(), each])
    });
    table("By role", &["role", "calls", "time", "cost", "per accepted"], rows.collect())
}

fn table(title: &str, head: &[&str], rows: Vec<String>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = tag("th", &head.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
    format!("<h2>{title}</h2>\n<table>\n{head}{}</table>\n", rows.concat())
}

fn tag(tag: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
    format!("<tr>{cells}</tr>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::report::Part;

    #[test]
    fn a_page_stands_alone_and_no_name_gets_out_of_its_place() {
        let wild = "\"><img src=x onerror=alert(1)>";
        let mut report = Report::default();
        report.models.insert(wild.to_owned(), Used { passed: Rate { n: 1, of: 2 }, ..Used::default() });
        report.roles.insert(wild.to_owned(), Part::default());
        report.blocked.insert(wild.to_owned(), Vec::new());
        let page = page(&report, &Facts::default(), wild);
        assert!(!page.contains("<img") && !page.contains("<script") && !page.contains("://"), "{page}");
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;") && page.contains("<svg"));
        for tag in ["section", "table", "svg", "figure", "pre", "body", "html", "tr", "div"] {
            let (open, close) = (page.matches(&format!("<{tag}")).count(), page.matches(&format!("</{tag}>")).count());
            assert_eq!(open, close, "{tag}");
        }
        assert!(page.contains("@media print") && page.contains("default-src 'none'"));
    }
}
