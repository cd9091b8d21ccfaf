//! The table of the cursor's rules, and a walk through random states.

use super::*;
use crate::{
    attempt::{Attempt, Candidate, Draft, Step, StepOutcome},
    edit::Format,
    oid::Oid,
    settings::{Layers, SUPERVISOR},
    studio::{By, Check, Job, Per, Role, Stage, When},
    subject,
    ticket::{DefinitionOfDone, Test},
    verdict::{Answer, Decision, Verdict, latest},
};
use proptest::prelude::*;

const AT: &str = "2026-01-01T00:00:00Z";

/// A world that the tests change as the programs would.
#[derive(Clone)]
struct Sandbox {
    plans: BTreeMap<PlanId, Plan>,
    tickets: BTreeMap<TicketId, Ticket>,
    studios: BTreeMap<String, Studio>,
    settings: Settings,
    facts: Facts,
}

fn id(n: u32) -> TicketId {
    TicketId::ticket(n)
}

fn oid(seed: &str) -> Oid {
    Hash::of(seed.as_bytes()).as_str()[..40].parse().expect("40 digits")
}

fn plan_id() -> PlanId {
    "p".parse().expect("plan id")
}

fn ticket(n: u32, on: &[u32]) -> Ticket {
    let mut t: Ticket = serde_json::from_value(serde_json::json!({
        "id": id(n), "title": format!("ticket {n}"), "type": "feature", "plan": "p",
        "task": {"description": "d", "target_files": [format!("f{n}")]},
        "definition_of_done": {}
    }))
    .expect("a ticket");
    t.depends_on = on.iter().map(|n| id(*n)).collect();
    t.definition_of_done =
        DefinitionOfDone { tests: vec![Test::of(format!("check {n}"))], ..DefinitionOfDone::default() };
    t
}

impl Sandbox {
    fn new(studio: Studio, tickets: Vec<Ticket>) -> Sandbox {
        let plan: Plan = serde_json::from_value(serde_json::json!({
            "id": "p", "requirement": "r", "base": oid("base"), "studio": studio.name, "mode": "continuous",
            "tickets": tickets.iter().map(|t| t.id.clone()).collect::<Vec<_>>(),
        }))
        .expect("a plan");
        Sandbox {
            plans: BTreeMap::from([(plan_id(), plan)]),
            tickets: tickets.into_iter().map(|t| (t.id.clone(), t)).collect(),
            studios: BTreeMap::from([(studio.name.clone(), studio)]),
            settings: Settings::resolve(&Layers::default()),
            facts: Facts::default(),
        }
    }

    fn hybrid(tickets: Vec<Ticket>) -> Sandbox {
        Sandbox::new(Studio::hybrid(), tickets)
    }

    fn world(&self) -> World<'_> {
        World {
            plans: &self.plans,
            tickets: &self.tickets,
            studios: &self.studios,
            settings: &self.settings,
            facts: &self.facts,
        }
    }

    fn position(&self) -> Position {
        Position::of(&self.world())
    }

    fn status(&self, n: u32) -> Status {
        self.position().status(&self.world(), &id(n)).expect("known")
    }

    fn need(&self, n: u32) -> Need {
        self.position().standings[&id(n)].need.clone()
    }

    fn offered(&self) -> Vec<String> {
        self.position().offers.iter().map(|o| o.command.join(" ")).collect()
    }

    fn t(&mut self, n: u32) -> &mut Ticket {
        self.tickets.get_mut(&id(n)).expect("known")
    }

    fn approve(&mut self) {
        let plan = self.plans[&plan_id()].clone();
        let frame = frame(&self.world(), &plan).expect("studio");
        let contracts: BTreeMap<_, _> = self.tickets.values().map(|t| (t.id.clone(), subject::contract(t))).collect();
        let models = self.settings.model_set(self.tickets.values()).expect("models");
        let subject = subject::scope(&frame, &contracts);
        let verdict = Verdict::new("scope", subject, Answer::Pass, "human", AT);
        let verdict = Verdict { models, frame: Some(frame), contracts, ..verdict };
        self.plans.get_mut(&plan_id()).expect("plan").verdicts.push(verdict);
    }

    fn base(&self, n: &TicketId) -> (Oid, Vec<Oid>) {
        let on = self.position().standings[n].on.clone().expect("grounded");
        (self.plans[&plan_id()].base.clone(), on)
    }

    fn baseline(&mut self, n: &TicketId, answer: Answer) {
        let (plan, on) = self.base(n);
        let contract = subject::contract(&self.tickets[n]);
        let subject = subject::baseline(&contract, &subject::Base { plan: &plan, on: &on });
        let verdict = Verdict::new("baseline", subject, answer, "harness", AT);
        self.tickets.get_mut(n).expect("known").verdicts.push(verdict);
    }

    fn draft(&mut self, n: &TicketId, role: &str, model: &str, outcome: StepOutcome) {
        let (base, on) = self.base(n);
        let standing = self.position().standings[n].clone();
        let ticket = self.tickets.get_mut(n).expect("known");
        let draft = (outcome == StepOutcome::Advance).then(|| Draft {
            sha256: Hash::of(format!("{n}{}", ticket.attempts.len()).as_bytes()),
            format: Format::Whole,
        });
        let step =
            Step { role: role.into(), model: model.into(), prompt: None, draft, usage: None, outcome, failure: None };
        let open = standing.attempt.and_then(|n| ticket.attempts.iter_mut().find(|a| a.n == n));
        let goes_on = open.filter(|a| a.candidate.is_none() && a.outcome.is_none());
        if let Some(attempt) = goes_on {
            attempt.steps.push(step);
            attempt.outcome = (outcome == StepOutcome::Reject).then(|| "refusal".to_owned());
            return;
        }
        let number = ticket.attempts.len() as u32 + 1;
        let failed = (outcome == StepOutcome::Reject).then(|| "refusal".to_owned());
        ticket.attempts.push(Attempt {
            n: number,
            base,
            on,
            from: 0,
            repeats: None,
            steps: vec![step],
            candidate: None,
            outcome: failed,
            failure: None,
            at: AT.into(),
        });
    }

    /// What `haco-verify` does: a candidate from the latest draft, on the present base, and a verdict a check.
    fn verify(&mut self, n: &TicketId, answer: Answer) {
        let (base, on) = self.base(n);
        let ticket = self.tickets.get_mut(n).expect("known");
        let last = ticket.attempts.last().expect("an attempt").clone();
        if last.candidate.is_some() && last.on != on {
            let number = last.n + 1;
            ticket.attempts.push(Attempt {
                n: number,
                base,
                on: on.clone(),
                repeats: Some(last.n),
                candidate: None,
                outcome: None,
                ..last
            });
        }
        let attempt = ticket.attempts.last_mut().expect("an attempt");
        if attempt.candidate.is_none() {
            let seed = format!("{n} {} {on:?}", attempt.n);
            attempt.candidate =
                Some(Candidate { commit: oid(&seed), tree: oid(&format!("tree {seed}")), change: vec![] });
            attempt.outcome = Some("candidate".into());
        }
        let tree = attempt.candidate.as_ref().expect("just made").tree.clone();
        let checks: Vec<(String, Hash)> =
            ticket.checks().into_iter().map(|(name, _, test)| (name, subject::check(test, &tree))).collect();
        for (name, subject) in checks {
            ticket.verdicts.push(Verdict::new(name, subject, answer, "harness", AT));
        }
    }

    fn audit(&mut self, n: &TicketId, answer: Answer) {
        let Need::Audit { role, subject, .. } = self.position().standings[n].need.clone() else {
            panic!("{n} is not at its audit")
        };
        self.t(n.number()).verdicts.push(Verdict::new(role, subject, answer, "auditor", AT));
    }

    fn accept(&mut self, n: &TicketId) {
        let subject = self.position().standings[n].acceptance.clone().expect("audited");
        self.t(n.number()).verdicts.push(Verdict::new("acceptance", subject, Answer::Pass, "human", AT));
    }

    fn union(&mut self, answer: Answer) {
        let subject = self.position().unions[&plan_id()].subject.clone();
        let verdict = Verdict::new("union", subject, answer, "harness", AT);
        self.plans.get_mut(&plan_id()).expect("plan").verdicts.push(verdict);
    }

    fn ship(&mut self) {
        for ticket in self.tickets.values_mut() {
            if ticket.closed_by().is_none() {
                ticket.shipment = Some(crate::ticket::Shipment {
                    branch: "haco/p".into(),
                    commit: oid("shipped"),
                    remote: "origin".into(),
                    forge: None,
                    url: None,
                    number: None,
                    state: "pushed".into(),
                    at: AT.into(),
                });
            }
        }
    }

    fn decide(&mut self, n: u32, action: &str) {
        let attempt = self.t(n).attempts.len() as u32;
        self.t(n).decisions.push(Decision::new(action, "human", AT, attempt));
    }

    /// A ticket brought to the point where its audit passed.
    fn finish(&mut self, n: u32) {
        self.baseline(&id(n), Answer::Pass);
        self.draft(&id(n), "worker", "qwen2.5-coder:32b", StepOutcome::Advance);
        self.verify(&id(n), Answer::Pass);
        self.audit(&id(n), Answer::Pass);
    }
}

#[test]
fn a_ticket_goes_from_backlog_to_shipped_in_the_documented_order() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    assert_eq!((s.status(1), s.offered()), (Status::Backlog, vec!["haco approve p".to_owned()]));
    s.approve();
    assert_eq!((s.status(1), s.offered()), (Status::Ready, vec!["haco-verify --baseline T-001".to_owned()]));
    s.baseline(&id(1), Answer::Pass);
    assert_eq!((s.status(1), s.offered()), (Status::Ready, vec!["haco-worker T-001".to_owned()]));
    s.draft(&id(1), "worker", "qwen2.5-coder:32b", StepOutcome::Advance);
    assert_eq!((s.status(1), s.offered()), (Status::Testing, vec!["haco-verify T-001".to_owned()]));
    s.verify(&id(1), Answer::Pass);
    assert_eq!((s.status(1), s.offered()), (Status::Review, vec!["haco-audit T-001 --verdict -".to_owned()]));
    s.audit(&id(1), Answer::Pass);
    assert_eq!((s.status(1), s.offered()), (Status::AwaitingAcceptance, vec!["haco accept p".to_owned()]));
    s.accept(&id(1));
    assert_eq!((s.status(1), s.offered()), (Status::Accepted, vec!["haco-ship p".to_owned()]));
    s.ship();
    assert_eq!((s.status(1), s.offered()), (Status::Shipped, vec![]));
    assert!(plan_is_done(&s.plans[&plan_id()], &s.position()));
}

#[test]
fn a_plan_without_tickets_asks_its_lead() {
    let mut s = Sandbox::hybrid(vec![]);
    assert_eq!(s.offered(), ["haco-plan --plan p --from -"]);
    s.settings.tech_lead = vec!["claude".into()];
    assert_eq!(s.offered(), ["haco-plan --plan p"]);
    assert!(s.position().offers[0].runnable);
}

#[test]
fn a_dependent_waits_for_the_audit_and_not_for_the_acceptance() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[1])]);
    s.approve();
    assert_eq!(s.need(2), Need::Wait(vec![id(1)]));
    s.finish(1);
    assert_eq!(s.status(2), Status::Ready);
    assert_eq!(s.position().standings[&id(2)].on.as_ref().map(Vec::len), Some(1));
}

#[test]
fn a_failed_check_gives_the_same_model_another_try_until_its_budget_is_spent() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.t(1).execution.retry_budget = Some(1);
    s.t(1).execution.route = vec!["a".into(), "b".into()];
    s.approve();
    s.baseline(&id(1), Answer::Pass);
    for (model, attempt) in [("a", 1), ("a", 2), ("b", 1), ("b", 2)] {
        assert_eq!(s.need(1), Need::Draft { model: model.into(), attempt, role: "worker".into() });
        s.draft(&id(1), "worker", model, StepOutcome::Advance);
        s.verify(&id(1), Answer::Fail);
    }
    assert_eq!(s.position().offers[0].action, Action::Escalate);
    s.decide(1, "retry");
    assert_eq!(s.need(1), Need::Draft { model: "a".into(), attempt: 1, role: "worker".into() });
}

#[test]
fn a_reply_that_is_no_draft_costs_a_try_and_a_blocked_check_costs_none() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    s.baseline(&id(1), Answer::Pass);
    s.draft(&id(1), "worker", "qwen2.5-coder:32b", StepOutcome::Reject);
    assert!(matches!(s.need(1), Need::Draft { attempt: 2, .. }));
    s.draft(&id(1), "worker", "qwen2.5-coder:32b", StepOutcome::Advance);
    s.verify(&id(1), Answer::Blocked);
    assert!(matches!(s.need(1), Need::Blocked(_)));
    assert_eq!(s.offered(), ["haco-verify T-001"]);
    s.verify(&id(1), Answer::Pass);
    assert_eq!(s.status(1), Status::Review);
}

#[test]
fn a_vacuous_baseline_blocks_before_any_model_is_called() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    s.baseline(&id(1), Answer::Fail);
    assert_eq!(s.status(1), Status::Blocked);
    assert_eq!(s.position().offers[0].actor, "tech_lead");
}

#[test]
fn a_changed_contract_waits_for_the_person_and_the_others_go_on() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[])]);
    s.approve();
    s.t(1).task.description = "something else".into();
    assert_eq!((s.status(1), s.status(2)), (Status::Backlog, Status::Ready));
    assert_eq!(s.offered(), ["haco-verify --baseline T-002", "haco approve p"]);
}

#[test]
fn a_changed_requirement_or_budget_makes_the_whole_approval_stale() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    let mut dearer = s.clone();
    dearer.settings.budget.ticket_usd = Some(100.0);
    assert_eq!(dearer.status(1), Status::Backlog);
    s.plans.get_mut(&plan_id()).expect("plan").requirement = "other".into();
    assert_eq!(s.status(1), Status::Backlog);
}

#[test]
fn a_withdrawn_approval_approves_nothing() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    let plan = s.plans.get_mut(&plan_id()).expect("plan");
    let mut no = plan.verdicts[0].clone();
    no.verdict = Answer::Fail;
    plan.verdicts.push(no);
    assert_eq!(s.status(1), Status::Backlog);
}

#[test]
fn a_reworked_dependency_makes_the_dependents_candidate_repeat_on_the_new_base() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[1])]);
    s.approve();
    s.finish(1);
    s.finish(2);
    s.decide(1, "rework");
    assert_eq!(s.need(2), Need::Wait(vec![id(1)]));
    s.draft(&id(1), "worker", "qwen2.5-coder:32b", StepOutcome::Advance);
    s.verify(&id(1), Answer::Pass);
    s.audit(&id(1), Answer::Pass);
    assert_eq!(s.need(2), Need::Baseline, "the base is another, so the baseline is asked again");
    s.baseline(&id(2), Answer::Pass);
    assert_eq!(s.need(2), Need::Rebase { attempt: 1 });
    s.verify(&id(2), Answer::Pass);
    assert_eq!(s.status(2), Status::Review, "the audit was about other bytes");
    assert_eq!(s.t(2).attempts[1].repeats, Some(1));
}

#[test]
fn an_attempt_that_repeats_a_draft_costs_no_try() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[1])]);
    s.t(2).execution.retry_budget = Some(0);
    s.approve();
    s.finish(1);
    s.finish(2);
    s.decide(1, "rework");
    s.draft(&id(1), "worker", "qwen2.5-coder:32b", StepOutcome::Advance);
    s.verify(&id(1), Answer::Pass);
    s.audit(&id(1), Answer::Pass);
    s.baseline(&id(2), Answer::Pass);
    s.verify(&id(2), Answer::Fail);
    let spent = s.t(2).attempts.iter().filter(|a| a.repeats.is_none()).count();
    assert_eq!(spent, 1, "only the first attempt asked a model");
}

#[test]
fn the_union_is_checked_before_a_person_is_asked() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[])]);
    s.approve();
    s.finish(1);
    s.finish(2);
    assert_eq!(s.offered(), ["haco-verify p"]);
    s.union(Answer::Fail);
    assert_eq!(s.position().offers[0].action, Action::Blocked);
    s.union(Answer::Pass);
    assert_eq!(s.offered(), ["haco accept p"]);
}

#[test]
fn a_dependency_on_a_split_ticket_is_met_by_all_of_its_children() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[1]), ticket(3, &[]), ticket(4, &[])]);
    s.approve();
    let split = Decision { into: vec![id(3), id(4)], ..Decision::new("split", "human", AT, 0) };
    s.t(1).decisions.push(split);
    assert_eq!(s.status(1), Status::Split);
    s.finish(3);
    assert_eq!(s.need(2), Need::Wait(vec![id(4)]));
    s.finish(4);
    assert_eq!(s.status(2), Status::Ready);
}

#[test]
fn a_dependent_of_an_abandoned_ticket_is_blocked_and_not_deadlocked() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[1])]);
    s.approve();
    s.decide(1, "abandon");
    assert_eq!(s.status(2), Status::Blocked);
    assert_eq!(s.offered(), ["haco abandon T-002"]);
}

#[test]
fn a_held_step_is_waited_for() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    s.baseline(&id(1), Answer::Pass);
    s.facts.busy.insert(id(1), "pid 7".into());
    assert_eq!(s.status(1), Status::InProgress);
    assert_eq!(s.position().offers[0].action, Action::Wait);
}

#[test]
fn among_the_ready_priority_goes_before_depth_and_depth_before_the_id() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[2]), ticket(2, &[]), ticket(3, &[]), ticket(4, &[])]);
    s.t(4).priority = crate::ticket::Priority::High;
    s.approve();
    s.finish(2);
    let first_three: Vec<String> = s.offered().into_iter().take(3).collect();
    assert_eq!(
        first_three,
        ["haco-verify --baseline T-004", "haco-verify --baseline T-003", "haco-verify --baseline T-001"]
    );
}

#[test]
fn a_model_outside_the_approved_set_is_not_called() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    s.baseline(&id(1), Answer::Pass);
    s.settings.worker = vec!["anthropic:claude".into()];
    let offer = &s.position().offers[0];
    assert_eq!((offer.action, offer.command.join(" ")), (Action::Blocked, "haco approve p".to_owned()));
}

#[test]
fn the_author_of_a_draft_does_not_audit_it() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[])]);
    s.approve();
    s.baseline(&id(1), Answer::Pass);
    s.draft(&id(1), "worker", SUPERVISOR, StepOutcome::Advance);
    s.verify(&id(1), Answer::Pass);
    assert_eq!((s.position().offers[0].actor.as_str(), s.offered()[0].as_str()), ("human", "haco-audit T-001"));
}

#[test]
fn one_branch_a_ticket_asks_for_each_ticket_by_itself() {
    let mut s = Sandbox::hybrid(vec![ticket(1, &[]), ticket(2, &[])]);
    s.settings.unit = crate::config::Unit::Ticket;
    s.approve();
    s.finish(1);
    assert!(s.offered().contains(&"haco accept T-001".to_owned()));
    s.accept(&id(1));
    assert!(s.offered().contains(&"haco-ship T-001".to_owned()));
}

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

#[test]
fn a_verdict_counts_only_with_its_own_subject() {
    let (a, b) = (Hash::of(b"a"), Hash::of(b"b"));
    let of = [
        Verdict::new("c", a.clone(), Answer::Pass, "harness", AT),
        Verdict::new("c", b.clone(), Answer::Fail, "harness", AT),
    ];
    assert_eq!(latest(&of, "c", &a).map(|v| v.verdict), Some(Answer::Pass));
    assert_eq!(latest(&of, "d", &b), None);
}
