//! haco models: every configured model, and what else its server has.

use super::{
    routed,
    seen::{Seen, Servers},
};
use crate::{exit::Outcome, here::Here, output::Out};
use anyhow::Result;
use haco_core::config::Price;
use haco_net::Listed;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// So many of a server's other models a person is shown.
const SHORT: usize = 10;

/// Asks every server once. Where one does not answer, the others are shown, and the status says so.
pub(super) fn run(here: &Here, out: &mut Out) -> Result<Outcome> {
    let roles = routed(&here.settings);
    let names: BTreeSet<&String> = here.settings.models.keys().chain(roles.keys()).collect();
    let mut servers = Servers::default();
    let look = |name: &String| Seen::of(here, name, roles.get(name).cloned().unwrap_or_default(), &mut servers);
    let all: Vec<Seen> = names.into_iter().map(look).collect();
    for line in table(&all) {
        out.text(&format!("{line}\n"))?;
    }
    for (base, has) in &servers.0 {
        if let Some(line) = has.as_ref().ok().and_then(|has| others(base, has, &all)) {
            out.text(&format!("{line}\n"))?;
        }
    }
    out.flush()?;
    let failures: Vec<_> = all.iter().filter_map(|seen| seen.failure.clone()).collect();
    failures.iter().skip(1).for_each(|failure| out.problem(failure));
    let outcome = failures.into_iter().next().map_or_else(Outcome::yes, Outcome::no);
    let has = servers.0.iter().map(|(base, has)| json!({"base_url": base, "models": has.as_ref().ok()}));
    let models: Vec<Value> = all.iter().map(Seen::json).collect();
    Ok(outcome.with("models", models).with("servers", has.collect::<Vec<_>>()))
}

/// One line a model, in columns.
fn table(all: &[Seen]) -> Vec<String> {
    let rows: Vec<[String; 6]> = all.iter().map(row).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(seen: &Seen) -> [String; 6] {
    let listed = seen.listed.as_ref();
    let window = listed.and_then(|l| l.window).map_or_else(|| "window ?".to_owned(), |n| format!("window {n}"));
    let speed = seen.speed.map_or_else(|| "-".to_owned(), |n| format!("{n}/s"));
    let digest = listed.and_then(|l| l.digest.as_deref()).map_or("", short);
    let place = seen.model.as_ref().map_or_else(
        |_| String::new(),
        |model| {
            format!("{} at {} {digest}", model.model, if model.origin.is_empty() { "a record" } else { &model.origin })
        },
    );
    [seen.name.clone(), seen.state().to_owned(), window, price(seen.price()), speed, place]
}

fn price(of: (Option<Price>, bool)) -> String {
    match of {
        (_, false) => "free".to_owned(),
        (Some(price), true) => format!("${}/${} a Mtok", price.input_usd_per_mtok, price.output_usd_per_mtok),
        (None, true) => "price ?".to_owned(),
    }
}

/// As much of a digest as tells weights apart.
fn short(digest: &str) -> &str {
    let bare = digest.strip_prefix("sha256:").unwrap_or(digest);
    bare.get(..12).unwrap_or(bare)
}

/// What a server has beside the models of the configuration.
fn others(base: &str, has: &[Listed], all: &[Seen]) -> Option<String> {
    let known = |model: &&Listed| all.iter().all(|seen| seen.listed.as_ref().is_none_or(|own| own.name != model.name));
    let names: Vec<&str> = has.iter().filter(known).map(|model| model.name.as_str()).collect();
    let shown = names.iter().take(SHORT).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHORT);
    let more = if more > 0 { format!(" and {more} more: haco models --json") } else { String::new() };
    (!names.is_empty()).then(|| format!("also at {base}: {shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_others_are_named_and_the_rest_is_counted() {
        let has: Vec<Listed> = (0..12).map(|n| Listed { name: format!("m{n}"), ..Listed::default() }).collect();
        let line = others("http://h", &has, &[]).expect("others");
        assert!(line.starts_with("also at http://h: m0, m1, ") && line.ends_with("m9 and 2 more: haco models --json"));
        assert_eq!(others("http://h", &[], &[]), None);
    }

    #[test]
    fn a_price_is_free_known_or_not() {
        let known = Price { input_usd_per_mtok: 3.0, output_usd_per_mtok: 15.0 };
        assert_eq!(price((Some(known), true)), "$3/$15 a Mtok");
        assert_eq!([price((None, true)), price((Some(known), false))], ["price ?", "free"]);
    }
}
