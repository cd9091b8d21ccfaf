//! A new plan: its id, its base, and what the document proposes.

use super::{Args, source};
use crate::{contracts, desk::Desk, lead, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor,
    id::PlanId,
    intake::IncomingPlan,
    oid::Oid,
    plan::Plan,
    ticket::SCHEMA_VERSION,
};

const STUDIO: &str = "hybrid";
const MODE: &str = "continuous";

/// The plan that these arguments and the document's own words ask for, and whether somebody named its id.
pub(super) fn plan(
    desk: &Desk,
    args: &Args,
    requirement: String,
    said: &IncomingPlan,
    out: &Out,
) -> Result<(Plan, bool)> {
    let named = args.id.clone().or_else(|| said.id.clone());
    let exact = named.is_some();
    let id = named.unwrap_or_else(|| PlanId::slug(&requirement));
    if exact && desk.store.plan_ids()?.contains(&id) {
        return Err(contracts::taken(&id).into());
    }
    let base = match &args.base {
        Some(rev) => desk.repo()?.resolve(rev)?,
        None => desk.repo()?.head_commit()?,
    };
    let mut context = Vec::new();
    for typed in &args.context {
        context.push(source::repo_path(desk, typed)?);
    }
    let plan = Plan {
        schema_version: SCHEMA_VERSION,
        id,
        requirement,
        base,
        studio: said.studio.clone().unwrap_or_else(|| STUDIO.to_owned()),
        mode: said.mode.clone().unwrap_or_else(|| MODE.to_owned()),
        stage: None,
        tickets: Vec::new(),
        granularity: args.granularity,
        context,
        summary: None,
        assumptions: Vec::new(),
        verdicts: Vec::new(),
        decisions: Vec::new(),
        metadata: serde_json::Map::new(),
    };
    is_known(&plan)?;
    for path in &plan.context {
        lead::context_file(desk, &plan, path)?;
    }
    say_what_is_dirty(desk, &plan.base, out);
    Ok((plan, exact))
}

fn is_known(plan: &Plan) -> Result<(), Failure> {
    let bad = |what: &str, word: &str, known: &str| {
        let word = word.escape_debug();
        Err(Failure::new(Code::BadPlan, format!("the {what} '{word}' is not known: {known} is")))
    };
    let studios = cursor::studios();
    let known: Vec<&str> = studios.keys().map(String::as_str).collect();
    match () {
        () if !studios.contains_key(&plan.studio) => bad("studio", &plan.studio, &known.join(", ")),
        () if plan.mode != MODE => bad("mode", &plan.mode, MODE),
        () => Ok(()),
    }
}

/// What is not committed is not in the base; the working tree itself stays as it is.
fn say_what_is_dirty(desk: &Desk, base: &Oid, out: &Out) {
    let Ok(paths) = desk.repo().and_then(|repo| repo.dirty_paths()) else { return };
    let first: Vec<String> = paths.iter().take(3).map(|p| format!("'{}'", p.escape_debug())).collect();
    let more = if paths.len() > 3 { format!(" and {} more", paths.len() - 3) } else { String::new() };
    if !paths.is_empty() {
        let all = first.join(", ");
        out.warn(format!("the plan starts from commit {}, without your changes to {all}{more}", base.short()));
    }
}
