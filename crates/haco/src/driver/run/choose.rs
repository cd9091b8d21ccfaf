//! Which of the offers are started now: within the jobs, each model's limit and how far the run goes, and one action a
//! ticket at a time.

use super::Until;
use haco_core::{
    code::Failure,
    cursor::{Action, Need, Offer, Position, Standing},
    id::{PlanId, TicketId},
    settings::Settings,
};
use std::collections::BTreeMap;

/// One action on one ticket, or on a plan as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    plan: PlanId,
    ticket: Option<TicketId>,
    action: &'static str,
}

impl Key {
    pub(super) fn of(offer: &Offer) -> Key {
        Key { plan: offer.plan.clone(), ticket: offer.ticket.clone(), action: offer.action.as_str() }
    }
}

/// What bounds a run.
pub(super) struct Rules<'a> {
    pub(super) jobs: usize,
    pub(super) until: Until,
    pub(super) settings: &'a Settings,
}

/// The offers to start now, beside those in hand.
pub(super) fn now<'a>(
    offers: &'a [Offer],
    rules: &Rules<'_>,
    in_hand: Vec<&Offer>,
    left: &BTreeMap<Key, Failure>,
) -> Vec<&'a Offer> {
    let mut all = in_hand;
    let mut chosen = Vec::new();
    for offer in offers.iter().filter(|o| o.runnable && is_on_the_way(o, rules.until)) {
        if is_busy(offer, rules.jobs, &all) {
            continue;
        }
        let same = |other: &&Offer| (&other.plan, &other.ticket) == (&offer.plan, &offer.ticket);
        if all.iter().any(same) || left.contains_key(&Key::of(offer)) || is_full(offer, rules.settings, &all) {
            continue;
        }
        all.push(offer);
        chosen.push(offer);
    }
    chosen
}

/// Whether as much is in hand as may be. Checks on the base only prepare: beside work on tickets they do not count, so
/// that no model waits for them; with one job there is one thing at a time.
fn is_busy(offer: &Offer, jobs: usize, in_hand: &[&Offer]) -> bool {
    let prepares = |o: &Offer| jobs > 1 && o.action == Action::Baseline;
    in_hand.iter().filter(|o| prepares(o) == prepares(offer)).count() >= jobs
}

/// Whether the offer's model answers as many calls as it may.
fn is_full(offer: &Offer, settings: &Settings, in_hand: &[&Offer]) -> bool {
    let Some(model) = &offer.model else { return false };
    let limit = settings.models.get(model).and_then(|m| m.parallel);
    let calls = in_hand.iter().filter(|o| o.model.as_ref() == Some(model)).count();
    limit.is_some_and(|most| calls >= most.max(1) as usize)
}

/// Whether an action leads to where the run goes, and not past it.
fn is_on_the_way(offer: &Offer, until: Until) -> bool {
    let of_plan = offer.ticket.is_none();
    match (until, offer.action) {
        (Until::Approved, action) => action == Action::Decompose,
        (Until::Audited, Action::Ship) => false,
        (Until::Audited, Action::Verify) => !of_plan,
        (Until::Accepted, Action::Ship) => false,
        _ => true,
    }
}

/// The tickets that are there; none where a plan has no tickets yet or one that is open is not.
pub(super) fn arrived(position: &Position, until: Until) -> Option<Vec<&TicketId>> {
    let uncut = position.offers.iter().any(|o| o.action == Action::Decompose);
    let there = tickets_at(position, until);
    let open = position.standings.values().filter(|s| !is_closed(s)).count();
    (!uncut && there.len() == open).then_some(there)
}

/// The tickets that are open and there.
pub(super) fn tickets_at(position: &Position, until: Until) -> Vec<&TicketId> {
    let there = |s: &Standing| match until {
        Until::Approved => s.in_scope || is_pushed(s),
        Until::Audited => s.audited || is_pushed(s),
        Until::Accepted => s.need == Need::Ship || is_pushed(s),
        Until::Shipped => is_pushed(s),
    };
    position.standings.iter().filter(|(_, s)| !is_closed(s) && there(s)).map(|(id, _)| id).collect()
}

fn is_pushed(standing: &Standing) -> bool {
    standing.need == Need::Shipped
}

fn is_closed(standing: &Standing) -> bool {
    matches!(standing.need, Need::Abandoned | Need::Split)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use haco_core::{code::Code, config::Model};

    pub(in super::super) fn offer(action: Action, ticket: Option<u32>, model: Option<&str>) -> Offer {
        Offer {
            action,
            actor: "worker".to_owned(),
            role: None,
            plan: "p".parse().expect("a plan's id"),
            ticket: ticket.map(TicketId::ticket),
            stage: "loop".to_owned(),
            why: "due".to_owned(),
            command: vec!["haco-worker".to_owned(), "x".to_owned()],
            runnable: true,
            model: model.map(str::to_owned),
        }
    }

    fn drafts(model: &str) -> Vec<Offer> {
        (1..=4).map(|n| offer(Action::Draft, Some(n), Some(model))).collect()
    }

    fn settings() -> Settings {
        let one = Model { parallel: Some(1), ..Model::default() };
        Settings { models: BTreeMap::from([("one".to_owned(), one)]), ..Settings::default() }
    }

    fn started(offers: &[Offer], jobs: usize, until: Until, in_hand: &[Offer]) -> Vec<u32> {
        let settings = settings();
        let rules = Rules { jobs, until, settings: &settings };
        let chosen = now(offers, &rules, in_hand.iter().collect(), &BTreeMap::new());
        let number = |o: &&Offer| o.ticket.as_ref().map_or(0, |t| t.as_str()[2..].parse().expect("a number"));
        chosen.iter().map(number).collect()
    }

    #[test]
    fn jobs_bound_what_is_in_hand_and_what_is_started() {
        let all = drafts("many");
        assert_eq!(started(&all, 3, Until::Shipped, &[]), [1, 2, 3]);
        assert_eq!(started(&all, 3, Until::Shipped, &all[..1]), [2, 3], "no ticket twice");
        assert_eq!(started(&all, 1, Until::Shipped, &all[..1]), [0; 0]);
    }

    #[test]
    fn checks_on_the_base_go_on_beside_the_jobs_unless_there_is_only_one() {
        let mut all = drafts("many");
        all.extend((5..=9).map(|n| offer(Action::Baseline, Some(n), None)));
        assert_eq!(started(&all, 2, Until::Shipped, &[]), [1, 2, 5, 6]);
        assert_eq!(started(&all, 2, Until::Shipped, &all[..2]), [5, 6]);
        assert_eq!(started(&all, 1, Until::Shipped, &all[..1]), [0; 0]);
    }

    #[test]
    fn a_model_is_asked_no_more_often_at_a_time_than_it_may_and_others_go_on() {
        let mut all = drafts("one");
        all.push(offer(Action::Verify, Some(9), None));
        assert_eq!(started(&all, 4, Until::Shipped, &[]), [1, 9]);
        assert_eq!(started(&all, 4, Until::Shipped, &all[..1]), [9]);
    }

    #[test]
    fn what_was_left_is_not_started_again_but_another_action_on_the_ticket_is() {
        let settings = settings();
        let rules = Rules { jobs: 9, until: Until::Shipped, settings: &settings };
        let draft = offer(Action::Draft, Some(1), None);
        let left = BTreeMap::from([(Key::of(&draft), Failure::new(Code::ModelMissing, "away"))]);
        assert!(now(&[draft], &rules, Vec::new(), &left).is_empty());
        assert_eq!(now(&[offer(Action::Verify, Some(1), None)], &rules, Vec::new(), &left).len(), 1);
    }

    #[test]
    fn a_run_goes_no_further_than_asked() {
        let all = [
            offer(Action::Decompose, None, None),
            offer(Action::Draft, Some(1), None),
            offer(Action::Verify, None, None),
            offer(Action::Ship, None, None),
        ];
        for (until, number) in [(Until::Approved, 1), (Until::Audited, 2), (Until::Accepted, 3), (Until::Shipped, 4)] {
            assert_eq!(all.iter().filter(|o| is_on_the_way(o, until)).count(), number, "{until:?}");
        }
    }

    #[test]
    fn what_somebody_outside_does_is_never_started() {
        let asks = Offer { runnable: false, ..offer(Action::Accept, None, None) };
        assert_eq!(started(&[asks], 4, Until::Shipped, &[]), [0; 0]);
    }
}
