//! haco retry: a fresh budget for a ticket, with another model of the approved set where one is named.

use super::gates;
use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Need, Standing, refusal},
    id::TicketId,
    plan::Plan,
    settings::Settings,
    verdict::Decision,
};

/// Reopen a ticket with a fresh budget
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket (T-001)
    ticket: String,
    /// Try this model first; it must be in the approved set
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let id = gates::ticket_id(&desk, &args.ticket)?;
    gates::record(&desk, &id, |loaded, ticket, standing| {
        may(&id, standing, args.model.as_deref())?;
        if let Some(model) = &args.model {
            inside_approval(&desk.settings, loaded.plan_of(ticket)?, model)?;
        }
        Ok(Decision { model: args.model.clone(), ..gates::decision(out, "retry", ticket) })
    })?;
    out.say(format!("{id}: its budget begins afresh"));
    gates::done(&desk, out, &id)
}

/// Legal until acceptance, except where a fresh budget would change nothing.
fn may(id: &TicketId, standing: &Standing, model: Option<&str>) -> Result<()> {
    gates::until_shipping(id, standing, "retry")?;
    let Need::Blocked(block) = &standing.need else {
        return match standing.need {
            Need::Ship => Err(refusal(id, standing, "retry").fix(format!("haco withdraw {id}")).into()),
            _ => Ok(()),
        };
    };
    let cause = match block.code.as_str() {
        code if code == Code::VacuousCheck.as_str() => "its contract must change first",
        code if code == Code::IllegalStep.as_str() => "another try would wait for the same",
        code if code == Code::OutsideApproval.as_str() && model.is_none() => "another try would meet the same",
        _ => return Ok(()),
    };
    let message = format!("{id}: retry is not the next step: {cause}: {}", block.why);
    Err(Failure::new(Code::IllegalStep, message).fix(block.command.join(" ")).into())
}

/// A retry's model is one that the person approved with the scope, as it is configured now.
fn inside_approval(settings: &Settings, plan: &Plan, model: &str) -> Result<()> {
    let found = settings.approved(model)?;
    let approved = plan.approval().map(|a| a.models.as_slice()).unwrap_or_default();
    if approved.contains(&found) {
        return Ok(());
    }
    let names: Vec<&str> = approved.iter().map(|m| m.name.as_str()).collect();
    let known = if names.is_empty() { "none is approved yet".to_owned() } else { names.join(", ") };
    let message = format!("'{model}' is not in the set of models that was approved with '{}': {known}", plan.id);
    Err(Failure::new(Code::OutsideApproval, message).fix(format!("haco approve {}", plan.id)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::stands;
    use haco_core::{cursor::Block, hash::Hash, settings::Layers, verdict::*};

    fn blocked(code: Code) -> Standing {
        let command = vec!["haco-plan".to_owned(), "--replace".to_owned(), "T-001".to_owned()];
        stands(Need::Blocked(Block { code: code.to_string(), why: "why".into(), actor: "human", command }))
    }

    #[test]
    fn a_retry_is_legal_until_acceptance_where_it_can_change_something() {
        let id = TicketId::ticket(1);
        for need in [Need::Scope, Need::Baseline, Need::Verify { attempt: 1 }, Need::Accept { subject: Hash::of(b"s") }]
        {
            may(&id, &stands(need), None).expect("legal");
        }
        may(&id, &blocked(Code::BudgetSpent), None).expect("legal");
        may(&id, &blocked(Code::OutsideApproval), Some("other")).expect("legal");
        for standing in [
            stands(Need::Ship),
            stands(Need::Shipped),
            stands(Need::Abandoned),
            blocked(Code::VacuousCheck),
            blocked(Code::OutsideApproval),
        ] {
            may(&id, &standing, None).expect_err("refused");
        }
        let refused = may(&id, &blocked(Code::VacuousCheck), Some("m")).expect_err("the contract must change");
        let failure = refused.downcast::<Failure>().expect("ours");
        assert_eq!(failure.fix.as_deref(), Some("haco-plan --replace T-001"));
    }

    #[test]
    fn a_model_outside_the_approved_set_is_refused() {
        let settings = Settings::resolve(&Layers::default());
        let mut plan: Plan = serde_json::from_value(serde_json::json!({
            "id": "p", "requirement": "r", "base": "a".repeat(40), "studio": "hybrid", "mode": "continuous",
        }))
        .expect("a plan");
        inside_approval(&settings, &plan, "small").expect_err("nothing is approved");
        let models = vec![settings.approved("small").expect("a model")];
        let approval = Verdict::new("scope", Hash::of(b"s"), Answer::Pass, "human", "2026-01-01T00:00:00Z");
        plan.verdicts.push(Verdict { models, ..approval });
        inside_approval(&settings, &plan, "small").expect("approved");
        inside_approval(&settings, &plan, "openai:large").expect_err("not approved");
    }
}
