//! A model's verdict: asked once, and once more with what was wrong where the answer is malformed.

use super::{Case, record, record::By};
use crate::{
    call::{self, Called, kept},
    clock,
    desk::event,
    output::{Answered, Out},
    purse::Errand,
    review,
};
use anyhow::Result;
use haco_core::{
    bound,
    code::{Code, Failure, Status},
    egress,
    journal::Event,
    settings::Resolved,
};
use haco_net::Ask;
use serde_json::json;

/// Asks the route's entry `name` and records what it says.
pub(super) fn audit(case: &Case<'_>, name: &str, out: &Out) -> Result<Answered> {
    let model = approved(case, name)?;
    let by = By::Model(name.to_owned());
    let mut wrong: Option<String> = None;
    let mut place = None;
    for round in 0..2 {
        out.say(format!("{}: '{name}' audits attempt {}", case.id, case.due.attempt));
        let (called, folder) = ask(case, &model, (round, wrong.as_deref()), out)?;
        place = Some(format!("{folder}/reply.md"));
        let read = match &called.failure {
            None => case.read(&called.text)?,
            Some(failure) => Err(failure.message.clone()),
        };
        match read {
            Ok(audit) => return record::audit(case, audit, &by, place),
            Err(why) => wrong = Some(why),
        }
    }
    record::unusable(case, &by, &wrong.unwrap_or_default(), place)
}

/// The model, where a person approved it with the scope.
fn approved(case: &Case<'_>, name: &str) -> Result<Resolved> {
    let settings = &case.desk.settings;
    let plan = case.turn.loaded.plan_of(case.ticket()?)?;
    let asked = settings.approved(name)?;
    if plan.approval().is_some_and(|a| !a.models.contains(&asked)) {
        let why = format!("{}: '{name}' is not in the set of models that was approved with the scope", case.id);
        return Err(Failure::new(Code::OutsideApproval, why).fix(format!("haco approve {}", plan.id)).into());
    }
    Ok(settings.model(name)?)
}

/// One call and the folder that holds it. A server that is away is journalled, and nothing is judged.
fn ask(case: &Case<'_>, model: &Resolved, (round, wrong): (u32, Option<&str>), out: &Out) -> Result<(Called, String)> {
    let (desk, id, due) = (case.desk, case.id, &case.due);
    let at = clock::now();
    let prompt = review::repaired(desk, &case.turn.loaded, id, wrong)?;
    let place = format!("{id}/{}/{}", due.attempt, due.role);
    let stable = match wrong {
        None => bound::stable(&prompt),
        Some(_) => bound::stable(&review::prompt(desk, &case.turn.loaded, id)?),
    };
    let ask = Ask { prompt: &prompt, schema: Some(bound::verdict()), stable, ..Ask::default() };
    let plan = &case.ticket()?.plan;
    let files = json!(egress::of_diff(&review::diff(desk, &case.turn.loaded, case.ticket()?)?));
    let errand = Errand { place: &place, role: &due.role, plan: Some(plan), ticket: Some(id), files: Some(&files) };
    let called = call::call(desk, model, &ask, &errand, out)?;
    if let Some(failure) = called.failure.as_ref().filter(|f| f.code.status() != Status::No) {
        let data = json!({
            "code": failure.code.as_str(), "model": model.name, "role": due.role, "message": failure.message,
            "usage": called.usage,
        });
        let dir = format!("drafts/{id}/{}", due.attempt);
        kept::keep_failed(desk, &dir, &called, &prompt, &called.record(model, &prompt, None, &at))?;
        desk.store.note(Event { data, ..event("call_failed", &due.role, case.ticket()?) })?;
        let failure = Failure { message: format!("{id}: {}", failure.message), ..failure.clone() };
        return Err(failure.into());
    }
    let repair = if round == 0 { String::new() } else { format!(".{round}") };
    let folder = format!("drafts/{id}/{}/{}-{}{repair}", due.attempt, due.step, due.role);
    kept::keep(desk, &folder, &called, &prompt, &called.record(model, &prompt, None, &at))?;
    Ok((called, folder))
}
