//! The table of the cursor's rules, one a test.

use super::*;

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
