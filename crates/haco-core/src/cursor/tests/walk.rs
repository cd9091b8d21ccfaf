//! Walks through random states: same files, same answer; every step changes the position; everything ends.

use super::*;
use proptest::prelude::*;

fn three_stages() -> Studio {
    let role = |name: &str, job| Role { name: name.into(), job };
    let check = |name: &str, per, when, by| Check { name: name.into(), per, when, by };
    let stage = |name: &str, chain, checks| Stage { name: name.into(), chain, checks };
    let scope = || check("scope", Per::Stage, When::Before, By::Ask);
    let dod = || check("dod", Per::Ticket, When::After, By::Harness);
    let accept = || check("acceptance", Per::Ticket, When::After, By::Ask);
    Studio {
        name: "three".into(),
        stages: vec![
            stage(
                "design",
                vec![role("planner", Job::Plan), role("designer", Job::Build), role("reviewer", Job::Verify)],
                vec![scope(), dod(), accept()],
            ),
            stage(
                "build",
                vec![
                    role("planner", Job::Plan),
                    role("builder", Job::Build),
                    role("reviewer", Job::Verify),
                    role("security", Job::Verify),
                ],
                vec![scope(), check("baseline", Per::Ticket, When::Before, By::Harness), dod(), accept()],
            ),
            stage("release", vec![role("worker", Job::Build)], vec![scope(), dod(), accept()]),
        ],
    }
}

/// Does what the first offer asks for, with a random outcome; true where something was done.
fn act(s: &mut Sandbox, dice: u8) -> bool {
    let Some(offer) = s.position().offers.first().cloned() else { return false };
    let outcome = match dice % 5 {
        0 => Answer::Fail,
        1 => Answer::Blocked,
        _ => Answer::Pass,
    };
    let ticket = offer.ticket.clone();
    match (offer.action, ticket) {
        (Action::ApproveScope, _) => s.approve(),
        (Action::Baseline, Some(t)) => s.baseline(&t, if outcome == Answer::Fail { Answer::Pass } else { outcome }),
        (Action::Draft, Some(t)) => {
            let step = if outcome == Answer::Fail { StepOutcome::Reject } else { StepOutcome::Advance };
            let (role, model) = (offer.role.clone().expect("role"), offer.model.clone().expect("model"));
            s.draft(&t, &role, &model, step);
        }
        (Action::Verify | Action::Rebase, Some(t)) => s.verify(&t, outcome),
        (Action::Verify, None) => s.union(outcome),
        (Action::Audit, Some(t)) => s.audit(&t, outcome),
        (Action::Accept, _) => {
            let ready: Vec<TicketId> = s
                .position()
                .standings
                .iter()
                .filter(|(_, st)| matches!(st.need, Need::Accept { .. }))
                .map(|(id, _)| id.clone())
                .collect();
            ready.iter().for_each(|t| s.accept(t));
        }
        (Action::Ship, _) => s.ship(),
        // Somebody outside: repeat with luck, or retry, as the offer says.
        (Action::Blocked, Some(t)) => match offer.command[0].as_str() {
            "haco-verify" if offer.command.len() == 3 => s.baseline(&t, Answer::Pass),
            "haco-verify" => s.verify(&t, Answer::Pass),
            "haco-audit" => {
                let v = s.t(t.number()).verdicts.last().cloned().expect("blocked verdict");
                s.t(t.number()).verdicts.push(Verdict { verdict: Answer::Pass, ..v });
            }
            other => panic!("no way on from '{other}'"),
        },
        (Action::Blocked, None) => s.union(Answer::Pass),
        (Action::Escalate, Some(t)) => s.decide(t.number(), "retry"),
        (action, ticket) => panic!("{action:?} {ticket:?} is not offered here"),
    }
    true
}

fn graphs() -> impl Strategy<Value = Vec<Ticket>> {
    (1u32..6, proptest::collection::vec(any::<bool>(), 36)).prop_map(|(n, edges)| {
        (1..=n)
            .map(|i| {
                let on: Vec<u32> = (1..i).filter(|j| edges[(i * 6 + j) as usize % 36]).collect();
                ticket(i, &on)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_walk_changes_the_position_at_each_step_and_ends(tickets in graphs(), dice in proptest::collection::vec(any::<u8>(), 80)) {
        let mut s = Sandbox::hybrid(tickets);
        let mut rolls = dice.into_iter().chain(std::iter::repeat(2));
        for step in 0.. {
            prop_assert!(step < 400, "it does not end");
            let before = s.position();
            prop_assert_eq!(&before.offers, &s.position().offers, "same files, same answer");
            if before.offers.is_empty() {
                prop_assert!(plan_is_done(&s.plans[&plan_id()], &before), "no offer and not done");
                break;
            }
            for o in &before.offers {
                prop_assert!(!o.command.is_empty() && !o.why.is_empty());
            }
            act(&mut s, rolls.next().expect("endless"));
            let after = s.position();
            prop_assert!(before.offers != after.offers || before.standings != after.standings, "{:?}", before.offers[0]);
        }
    }

    #[test]
    fn a_three_stage_studio_ends_too(tickets in graphs(), dice in proptest::collection::vec(any::<u8>(), 60)) {
        let names = ["design", "build", "release"];
        let mut tickets = tickets;
        for (i, t) in tickets.iter_mut().enumerate() {
            let stage = names[(i * 3 / 5).min(2)];
            t.stage = Some(stage.to_owned());
        }
        let mut s = Sandbox::new(three_stages(), tickets);
        s.settings.unit = crate::config::Unit::Plan;
        let mut rolls = dice.into_iter().chain(std::iter::repeat(2));
        for step in 0.. {
            prop_assert!(step < 600, "it does not end: {:?}", s.position().offers);
            if !act(&mut s, rolls.next().expect("endless")) {
                let position = s.position();
                let needs: Vec<_> = position.standings.iter().map(|(id, s)| (id, &s.need)).collect();
                prop_assert!(plan_is_done(&s.plans[&plan_id()], &position), "no offer and not done: {needs:?}");
                break;
            }
        }
    }
}
