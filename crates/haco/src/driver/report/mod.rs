//! haco report: what work cost and how it went, and what left the machine.
//!
//! `gather` looks it up, core counts, and `text`, `json`, `csv` and `html` show the same numbers.

mod csv;
mod gather;
mod html;
mod json;
mod plot;
mod text;

use super::gates;
use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::{Context, Result};
use gather::Scope;
use haco_core::report;
use serde_json::json;

/// Print what work cost and how it went
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// Only what happened since this day (2026-01-31), or in so many days or hours (7d, 12h)
    #[arg(long, value_name = "D")]
    since: Option<String>,
    /// Print comma-separated values: section, name, measure, value
    #[arg(long, conflicts_with_all = ["html", "egress"])]
    csv: bool,
    /// Write one page that needs nothing else, with plots; - is stdout
    #[arg(long, value_name = "FILE", conflicts_with_all = ["egress"])]
    html: Option<String>,
    /// Print which origin was sent how many bytes of which files
    #[arg(long)]
    egress: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let plan = args.plan.as_deref().map(gates::plan).transpose()?;
    let since = args.since.as_deref().map(gather::since).transpose()?;
    let loaded = desk.load(plan.as_ref())?;
    let scope = Scope { plan: plan.as_ref(), since };
    if args.egress {
        let all = gather::egress(&desk, &scope)?;
        text::egress(&all).into_iter().try_for_each(|line| out.line(line))?;
        return Ok(Outcome::yes().with("egress", json!(all)));
    }
    let cloud = gather::cloud(&desk.settings);
    let facts = gather::facts(&desk, &loaded, &scope, cloud.as_ref())?;
    let report = report::report(&facts);
    if let Some(file) = &args.html {
        let page = html::page(&report, &facts, &crate::clock::now());
        if file == "-" {
            out.text(&page)?;
        } else {
            fs_err::write(file, &page).context("cannot write the report")?;
            out.line(file)?;
        }
    } else if args.csv {
        csv::lines(&report).into_iter().try_for_each(|line| out.line(line))?;
    } else {
        text::lines(&report).into_iter().try_for_each(|line| out.line(line))?;
    }
    Ok(Outcome { json: json::fields(&report), ..Outcome::yes() })
}
