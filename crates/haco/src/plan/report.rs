//! What is said of the tickets that were taken and of those that were not.

use crate::{contracts::Added, desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    id::PlanId,
    intake::Bad,
};
use serde_json::{Value, json};

/// The new ids on stdout, the rest on stderr; a no where some tickets were refused, with `refused` where all were.
pub(super) fn end(desk: &Desk, plan: &PlanId, added: &Added, refused: Code, out: &mut Out) -> Result<Outcome> {
    added.notes.iter().for_each(|note| out.warn(note));
    added.bad.iter().for_each(|bad| out.problem(&why(bad)));
    for id in &added.ids {
        out.line(id.as_str())?;
    }
    let outcome = match (added.bad.len(), added.ids.len()) {
        (0, _) => Outcome::yes(),
        (all, 0) if refused == Code::BadTicket => {
            Outcome::no(Failure::new(refused, format!("none of {all} tickets is valid; nothing was stored")))
        }
        (all, 0) => {
            let message = format!("none of {all} tickets of the lead's answer is valid; nothing was stored");
            Outcome::no(Failure::new(refused, message))
        }
        (bad, good) => {
            let message = format!("{bad} of {} tickets were not taken", bad + good);
            let fix = format!("haco plan --plan {plan} --from -");
            Outcome::no(Failure::new(Code::TicketsRefused, message).fix(fix))
        }
    };
    let outcome = if added.ids.is_empty() { outcome } else { outcome.with("plan", plan.as_str()) };
    let tickets = if out.is_json() { statuses(desk, plan, added)? } else { Vec::new() };
    let bad: Vec<Value> = added.bad.iter().map(refused_one).collect();
    Ok(outcome.with("tickets", tickets).with("notes", added.notes.clone()).with("refused", bad))
}

fn statuses(desk: &Desk, plan: &PlanId, added: &Added) -> Result<Vec<Value>> {
    if added.ids.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = desk.load(Some(plan))?;
    let (world, position) = (desk.world(&loaded), desk.position(&loaded));
    Ok(added.ids.iter().map(|id| json!({"id": id, "status": position.status(&world, id)})).collect())
}

fn refused_one(bad: &Bad) -> Value {
    json!({"index": bad.index, "id": bad.id, "title": bad.title, "reasons": bad.reasons})
}

fn why(bad: &Bad) -> Failure {
    let name = [&bad.id, &bad.title].into_iter().flatten().next();
    let name = name.map_or_else(|| format!("tickets[{}]", bad.index), |name| format!("'{}'", name.escape_debug()));
    Failure::new(Code::BadTicket, format!("ticket {name} is not taken: {}", bad.reasons.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_ticket_is_named_by_its_id_its_title_or_its_place() {
        let mut bad = Bad { index: 2, id: Some("T-009".into()), title: Some("Do".into()), reasons: vec!["no".into()] };
        assert_eq!(why(&bad).message, "ticket 'T-009' is not taken: no");
        bad.id = None;
        assert_eq!(why(&bad).message, "ticket 'Do' is not taken: no");
        bad.title = None;
        assert_eq!(why(&bad).message, "ticket tickets[2] is not taken: no");
    }
}
