//! haco-plan: Turn a requirement into tickets.
//!
//! `ask` goes to the lead, `cut` for one ticket that is too large, `take` takes tickets that somebody else wrote, `render` writes PLAN.md. What must hold of a
//! ticket, its ids and its order are `contracts`.

mod ask;
mod checks;
mod cut;
mod make;
mod render;
mod report;
mod source;
mod take;

use crate::{
    desk::Desk,
    exit::{Outcome, Program},
    output::{Common, Out},
};
use anyhow::Result;
use clap::{
    Parser,
    builder::{PossibleValuesParser, TypedValueParser},
};
use haco_core::{
    id::{PlanId, TicketId},
    plan::Granularity,
};

/// Turn a requirement into tickets
#[derive(Debug, Parser)]
#[command(name = "haco-plan", version)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// What is wanted, in your words; without it, --file and --from, stdin
    requirement: Option<String>,
    /// Read the requirement from FILE; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "requirement")]
    file: Option<String>,
    /// Take tickets from FILE instead of asking the lead: JSON, JSON Lines or a PLAN.md; - is stdin
    #[arg(long, value_name = "FILE")]
    from: Option<String>,
    /// Add to this plan; without --from, ask its lead
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["requirement", "file", "id", "base", "granularity", "context"])]
    plan: Option<PlanId>,
    /// The new plan's id; else the document's, else one made of the requirement's first words
    #[arg(long, value_name = "ID")]
    id: Option<PlanId>,
    /// Write a new contract to this ticket, which a person must approve
    #[arg(long, value_name = "TICKET", requires = "from", conflicts_with_all = ["requirement", "file", "id"])]
    replace: Option<TicketId>,
    /// Ask the lead for smaller tickets in the place of this one, which a person must approve
    #[arg(long, value_name = "TICKET", conflicts_with_all = ["requirement", "file", "from", "plan", "id", "replace", "base", "granularity", "context"])]
    split: Option<TicketId>,
    /// Write the plan as PLAN.md and keep what people wrote in it
    #[arg(long, conflicts_with_all = ["requirement", "file", "from", "id", "model", "base", "granularity", "context"])]
    render: bool,
    /// Where --render writes; - is stdout [default: PLAN.md at the top of the working tree]
    #[arg(long, value_name = "FILE", requires = "render")]
    output: Option<String>,
    /// How finely the lead cuts: coarse, standard or fine [default: standard]
    #[arg(long, value_name = "WORD", value_parser = granularity(), hide_possible_values = true)]
    granularity: Option<Granularity>,
    /// A file of the base that the lead reads whole; may be given several times
    #[arg(long, value_name = "PATH")]
    context: Vec<String>,
    /// The commit that the plan starts from [default: HEAD]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Who is the lead this time, instead of the first of roles.tech_lead
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    model: Option<String>,
}

impl Program for Args {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn granularity() -> impl TypedValueParser<Value = Granularity> {
    PossibleValuesParser::new(["coarse", "standard", "fine"]).map(|word| match word.as_str() {
        "coarse" => Granularity::Coarse,
        "fine" => Granularity::Fine,
        _ => Granularity::Standard,
    })
}

/// Runs the program.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let mut desk = Desk::open()?;
    if let Some(ticket) = &args.split {
        return cut::cut(&desk, ticket, args.model.as_deref(), out);
    }
    match (&args.from, &args.replace, &args.plan) {
        _ if args.render => render::run(&desk, args.plan.as_ref(), args.output.as_deref(), out),
        (Some(from), Some(ticket), plan) => take::replace(&desk, from, ticket, plan.as_ref(), out),
        (Some(from), None, Some(plan)) => take::add(&desk, from, plan, out),
        (Some(from), None, None) => take::new(&mut desk, from, &args, out),
        (None, _, Some(plan)) => ask::again(&mut desk, plan, args.model.as_deref(), out),
        (None, _, None) => ask::new(&mut desk, &args, out),
    }
}
