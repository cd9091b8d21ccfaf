//! What a step's end means for the run, and what the run's own answer is.

use super::{
    Until,
    choose::{self, Key, Rules},
    hand::Ended,
    is_outside,
};
use crate::{exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure, Status},
    cursor::{Action, Need, Offer, Position, World},
    id::TicketId,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why an action is left for the rest of this run; none where it may be started again. `strikes` is how many times in a
/// row it ended and is offered again as it was.
pub(super) fn after(ended: &Ended, strikes: u32) -> Option<Failure> {
    let said = || ended.failure.clone().unwrap_or_else(|| changed_nothing(&ended.offer));
    match ended.status {
        // Its answer is in the state by now. One that says so twice and is not is a bug, and would go on for ever.
        Status::Yes | Status::No => (strikes >= 2).then(|| changed_nothing(&ended.offer)),
        // Somebody else was quicker; the next position says what is due.
        Status::Stale => (strikes >= 2).then(said),
        // What could not run is recorded, and the next position names who must act.
        Status::CouldNotRun => (strikes >= 1).then(said),
        _ => Some(said()),
    }
}

fn changed_nothing(offer: &Offer) -> Failure {
    Failure::new(Code::Bug, format!("'{}' ended well and changed nothing", offer.command.join(" ")))
}

/// What is known of the run at its end.
pub(super) struct View<'a> {
    pub(super) rules: &'a Rules<'a>,
    pub(super) left: &'a BTreeMap<Key, Failure>,
    pub(super) stopped: bool,
    pub(super) did: u32,
}

/// The run's answer: ids that it brought to where it was to go (`already` were there before), and what is left with the
/// command that does it.
pub(super) fn outcome(
    view: &View<'_>,
    already: &[TicketId],
    world: &World<'_>,
    position: &Position,
    out: &mut Out,
) -> Result<Outcome> {
    let until = view.rules.until;
    for id in choose::tickets_at(position, until).into_iter().filter(|id| !already.contains(id)) {
        out.line(id.as_str())?;
    }
    let failure = failure(view, position);
    if failure.is_none() {
        out.say(done(view));
    }
    let tickets: Vec<Value> =
        position.standings.keys().map(|id| json!({"id": id, "status": position.status(world, id)})).collect();
    let waiting: Vec<Value> = position.offers.iter().filter(|o| is_outside(o)).map(shown).collect();
    let outcome = Outcome { failure, ..Outcome::yes() };
    Ok(outcome.with("event", "summary").with("steps", view.did).with("tickets", tickets).with("waiting", waiting))
}

fn shown(offer: &Offer) -> Value {
    let mut value = json!({
        "action": offer.action.as_str(), "actor": offer.actor, "plan": offer.plan, "why": offer.why,
        "command": offer.command,
    });
    if let Some(ticket) = &offer.ticket {
        value["ticket"] = json!(ticket);
    }
    value
}

fn done(view: &View<'_>) -> String {
    let word = match view.rules.until {
        Until::Approved => "approved",
        Until::Audited => "audited",
        Until::Accepted => "accepted",
        Until::Shipped => "shipped",
    };
    match view.did {
        0 => format!("nothing to do: every open ticket is {word}"),
        _ => format!("every open ticket is {word}"),
    }
}

/// The worst of what was left; else a check that cannot run here; else whoever must act; else nothing was there to do.
pub(super) fn failure(view: &View<'_>, position: &Position) -> Option<Failure> {
    let rank = |f: &&Failure| Status::RANK.iter().position(|s| *s == f.code.status());
    if let Some(worst) = view.left.values().min_by_key(rank) {
        return Some(worst.clone());
    }
    let until = view.rules.until;
    if !position.standings.is_empty() && choose::arrived(position, until).is_some() {
        let nothing = until == Until::Shipped && view.did == 0;
        return nothing.then(nothing_left);
    }
    if let (Some(failure), false) = (could_not_run(position), view.stopped) {
        return Some(failure);
    }
    let of = |held: bool| position.offers.iter().find(|o| is_outside(o) && (o.action == Action::Wait) == held);
    match (of(false), of(true)) {
        _ if view.stopped => Some(Failure::new(Code::NeedsPerson, "stopped by haco stop").fix("haco run")),
        (Some(offer), _) => Some(needs(offer)),
        (None, Some(held)) => Some(Failure::new(Code::Busy, held.why.clone()).fix("haco run")),
        (None, None) => Some(nothing_left()),
    }
}

/// The first ticket that is blocked because a wall, a tool or a service is missing, with that cause's own code.
fn could_not_run(position: &Position) -> Option<Failure> {
    position.offers.iter().filter(|o| is_outside(o)).find_map(|offer| {
        let Need::Blocked(block) = &position.standings.get(offer.ticket.as_ref()?)?.need else { return None };
        let code = Code::ALL.iter().find(|c| c.as_str() == block.code && c.status() == Status::CouldNotRun)?;
        Some(Failure { code: *code, ..needs(offer) })
    })
}

fn nothing_left() -> Failure {
    Failure::new(Code::NothingLeft, "nothing is left to do").fix("haco plan 'what is wanted'")
}

fn needs(offer: &Offer) -> Failure {
    let person = offer.actor == haco_core::settings::HUMAN;
    let (code, who) = if person { (Code::NeedsPerson, "a person") } else { (Code::NeedsSupervisor, "the supervisor") };
    Failure::new(code, format!("{who} must act: {}", offer.why)).fix(offer.command.join(" "))
}

#[cfg(test)]
mod tests {
    use super::{super::choose::tests::offer, *};
    use crate::sample::blocked;
    use haco_core::settings::Settings;
    use std::time::Duration;

    fn ended(status: Status, failure: Option<Failure>) -> Ended {
        Ended { offer: offer(Action::Draft, Some(1), None), status, failure, took: Duration::ZERO }
    }

    fn end(left: &[(Action, Code)], offers: Vec<Offer>, stopped: bool) -> Option<Code> {
        let settings = Settings::default();
        let rules = Rules { jobs: 1, until: Until::Shipped, settings: &settings };
        let key = |action| Key::of(&offer(action, Some(1), None));
        let left = left.iter().map(|(action, code)| (key(*action), Failure::new(*code, "x"))).collect();
        let position = Position { offers, ..Position::default() };
        failure(&View { rules: &rules, left: &left, stopped, did: 1 }, &position).map(|f| f.code)
    }

    fn asks(action: Action, actor: &str) -> Offer {
        Offer { runnable: false, actor: actor.to_owned(), ..offer(action, Some(1), None) }
    }

    #[test]
    fn an_answer_goes_on_and_one_that_changes_nothing_twice_is_a_bug() {
        assert_eq!(after(&ended(Status::No, None), 0), None);
        assert_eq!(after(&ended(Status::Yes, None), 1), None);
        assert_eq!(after(&ended(Status::Yes, None), 2).map(|f| f.code), Some(Code::Bug));
    }

    #[test]
    fn a_model_that_is_away_is_left_at_once_and_a_stale_step_at_the_second_time() {
        let away = Some(Failure::new(Code::ModelMissing, "away"));
        assert_eq!(after(&ended(Status::Unavailable, away.clone()), 0), away);
        assert_eq!(after(&ended(Status::Stale, away.clone()), 1), None);
        assert_eq!(after(&ended(Status::Stale, away.clone()), 2), away);
        assert_eq!(after(&ended(Status::CouldNotRun, away.clone()), 0), None, "recorded");
        assert_eq!(after(&ended(Status::CouldNotRun, away.clone()), 1), away, "not recorded");
    }

    #[test]
    fn the_worst_of_what_was_left_decides() {
        let left =
            [(Action::Draft, Code::Busy), (Action::Verify, Code::BadConfig), (Action::Audit, Code::ModelMissing)];
        assert_eq!(end(&left, vec![asks(Action::Accept, "human")], false), Some(Code::BadConfig));
    }

    #[test]
    fn a_check_that_cannot_run_outranks_whoever_must_act() {
        let settings = Settings::default();
        let rules = Rules { jobs: 1, until: Until::Shipped, settings: &settings };
        let mut position = Position { offers: vec![asks(Action::Blocked, "human")], ..Position::default() };
        let ticket = position.offers[0].ticket.clone().expect("it is about a ticket");
        let mut end = |code: Code| {
            position.standings.insert(ticket.clone(), blocked(code));
            let view = View { rules: &rules, left: &BTreeMap::new(), stopped: false, did: 1 };
            failure(&view, &position).map(|f| f.code)
        };
        assert_eq!(end(Code::MissingTool), Some(Code::MissingTool));
        assert_eq!(end(Code::VacuousCheck), Some(Code::NeedsPerson));
    }

    #[test]
    fn whoever_must_act_is_named_before_whoever_holds_a_step() {
        let held = asks(Action::Wait, "harness");
        assert_eq!(end(&[], vec![held.clone(), asks(Action::Accept, "human")], false), Some(Code::NeedsPerson));
        assert_eq!(end(&[], vec![held.clone(), asks(Action::Audit, "auditor")], false), Some(Code::NeedsSupervisor));
        assert_eq!(end(&[], vec![held], false), Some(Code::Busy));
        assert_eq!(end(&[], vec![], false), Some(Code::NothingLeft));
        assert_eq!(end(&[], vec![offer(Action::Draft, Some(1), None)], true), Some(Code::NeedsPerson));
    }
}
