use super::*;
use crate::ticket::Ticket;
use proptest::prelude::*;
use serde_json::json;

fn ticket(n: u32, needs: &[u32], targets: &[&str], new: &[&str]) -> Ticket {
    let needs: Vec<String> = needs.iter().map(|n| format!("T-{n:03}")).collect();
    serde_json::from_value(json!({
        "id": format!("T-{n:03}"), "title": format!("number {n}"), "type": "chore", "plan": "p", "depends_on": needs,
        "task": {"description": "d", "target_files": targets, "new_files": new},
        "definition_of_done": {"static_checks": ["true"]},
    }))
    .expect("a ticket")
}

fn messages(tickets: &[Ticket]) -> Vec<String> {
    flaws(&edges(tickets), &BTreeSet::new()).into_iter().map(|f| f.failure.message).collect()
}

fn names(ids: impl IntoIterator<Item = TicketId>) -> String {
    ids.into_iter().map(|id| id.as_str()[2..].trim_start_matches('0').to_owned()).collect::<Vec<_>>().join(" ")
}

#[test]
fn unknown_ids_itself_and_circles_are_named() {
    let tickets = [
        ticket(1, &[2], &[], &[]),
        ticket(2, &[1], &[], &[]),
        ticket(3, &[9], &[], &[]),
        ticket(4, &[4], &[], &[]),
        ticket(5, &[1], &[], &[]),
    ];
    let expected = [
        "ticket 'T-003' is not valid: depends_on: there is no ticket 'T-009'",
        "ticket 'T-004' is not valid: depends_on: it depends on itself",
        "tickets depend on each other in a circle: T-001 -> T-002 -> T-001",
    ];
    assert_eq!(messages(&tickets), expected);
    assert_eq!(messages(&tickets[4..]), ["ticket 'T-005' is not valid: depends_on: there is no ticket 'T-001'"]);
    assert!(flaws(&edges(&tickets[4..]), &[TicketId::ticket(1)].into()).is_empty());
}

#[test]
fn tickets_that_may_touch_one_path_get_an_order() {
    let mut tickets = [ticket(1, &[], &["a"], &[]), ticket(2, &[], &["a", "b"], &[]), ticket(3, &[], &["c"], &[])];
    assert_eq!(order_overlaps(&mut tickets), ["T-002 waits for T-001: both may touch 'a'"]);
    assert_eq!(tickets[1].depends_on, [TicketId::ticket(1)]);
    assert_eq!(order_overlaps(&mut tickets), Vec::<String>::new(), "the second time changes nothing");
}

#[test]
fn an_order_that_exists_is_never_turned_into_a_circle() {
    let mut tickets = [ticket(1, &[3], &["a"], &[]), ticket(2, &[], &["a"], &[]), ticket(3, &[], &["a"], &[])];
    order_overlaps(&mut tickets);
    assert_eq!(messages(&tickets), Vec::<String>::new());
    assert_eq!(names(topological(&edges(&tickets))), "3 1 2");
}

#[test]
fn who_changes_a_file_waits_for_who_creates_it() {
    let mut tickets = [ticket(1, &[], &["new"], &[]), ticket(2, &[], &[], &["new"])];
    assert_eq!(order_overlaps(&mut tickets), ["T-001 waits for T-002: both may touch 'new'"]);
}

#[test]
fn a_closed_ticket_and_another_plans_ticket_hold_nobody_up() {
    let mut tickets = [ticket(1, &[], &["a"], &[]), ticket(2, &[], &["a"], &[]), ticket(3, &[], &["a"], &[])];
    tickets[0].decisions = serde_json::from_value(
        json!([{"at": "2026-01-01T00:00:00Z", "by": "human", "action": "abandon", "via": "tty"}]),
    )
    .expect("a decision");
    tickets[2].plan = "other".parse().expect("a plan");
    assert_eq!(order_overlaps(&mut tickets), Vec::<String>::new());
}

#[test]
fn depth_then_id_is_the_order() {
    let tickets =
        [ticket(1, &[4], &[], &[]), ticket(2, &[], &[], &[]), ticket(3, &[1], &[], &[]), ticket(4, &[], &[], &[])];
    let graph = edges(&tickets);
    assert_eq!(names(topological(&graph)), "2 4 1 3");
    assert_eq!(names(closure(&graph, &TicketId::ticket(3))), "1 4");
    assert_eq!(names(dependents(&graph, &TicketId::ticket(4))), "1 3");
    assert_eq!(depth(&graph)[&TicketId::ticket(3)], 2);
}

#[test]
fn a_circle_comes_after_all_others() {
    let tickets = [ticket(1, &[2], &[], &[]), ticket(2, &[1], &[], &[]), ticket(3, &[], &[], &[])];
    assert_eq!(names(topological(&edges(&tickets))), "3 1 2");
    assert_eq!(draw(&tickets.iter().collect::<Vec<_>>()).len(), 3);
}

#[test]
fn mermaid_escapes_titles() {
    let mut tickets = [ticket(1, &[], &[], &[]), ticket(2, &[1, 7], &[], &[])];
    tickets[0].title = "say \"hi\" <b>".into();
    let chart = mermaid(&tickets.iter().collect::<Vec<_>>());
    let expected =
        "graph TD\n  T001[\"T-001 say #34;hi#34; #60;b#62;\"]\n  T002[\"T-002 number 2\"]\n  T001 --> T002\n";
    assert_eq!(chart, expected);
}

#[test]
fn the_drawing_shows_each_ticket_once_below_its_deepest_dependency() {
    let tickets = [
        ticket(1, &[], &[], &[]),
        ticket(2, &[1], &[], &[]),
        ticket(3, &[1, 2], &[], &[]),
        ticket(4, &[1], &[], &[]),
        ticket(5, &[], &[], &[]),
    ];
    let lines: Vec<String> =
        draw(&tickets.iter().collect::<Vec<_>>()).iter().map(|(p, id)| format!("{p}{id}")).collect();
    assert_eq!(lines, ["T-001", "├─ T-002", "│  └─ T-003", "└─ T-004", "T-005"]);
}

#[test]
fn ten_thousand_tickets_on_one_path_get_one_chain() {
    let mut tickets: Vec<Ticket> = (1..=10_000).map(|n| ticket(n, &[], &["hot"], &[])).collect();
    assert_eq!(order_overlaps(&mut tickets).len(), 9_999);
    assert_eq!(depth(&edges(&tickets))[&TicketId::ticket(10_000)], 9_999);
    assert_eq!(draw(&tickets.iter().collect::<Vec<_>>()).len(), 10_000);
    assert!(flaws(&edges(&tickets), &BTreeSet::new()).is_empty());
}

proptest! {
    #[test]
    fn overlaps_are_ordered_and_stay_free_of_circles(
        shape in prop::collection::vec((prop::collection::vec(0usize..12, 0..3), prop::collection::vec(0usize..5, 0..3), any::<bool>()), 1..12),
        shuffle in Just((1u32..=12).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let name = |i: &usize| ["a", "b", "c", "d", "e"][*i];
        let mut tickets: Vec<Ticket> = shape.iter().enumerate().map(|(i, (needs, paths, new))| {
            let needs: Vec<u32> = needs.iter().filter(|n| **n < i).map(|n| shuffle[*n]).collect();
            let paths: Vec<&str> = paths.iter().map(name).collect();
            let (targets, created): (&[&str], &[&str]) = if *new { (&[], &paths) } else { (&paths, &[]) };
            ticket(shuffle[i], &needs, targets, created)
        }).collect();
        order_overlaps(&mut tickets);
        let graph = edges(&tickets);
        prop_assert!(flaws(&graph, &BTreeSet::new()).is_empty());
        for a in &tickets {
            for b in &tickets {
                let touches = |t: &Ticket| [t.task.target_files.clone(), t.task.new_files.clone()].concat();
                let meet = touches(a).iter().any(|p| touches(b).contains(p));
                let ordered = closure(&graph, &a.id).contains(&b.id) || closure(&graph, &b.id).contains(&a.id);
                prop_assert!(a.id == b.id || !meet || ordered);
            }
        }
    }
}

#[test]
fn a_ticket_that_was_split_waits_for_its_children() {
    let mut tickets = [ticket(1, &[], &["a"], &[]), ticket(2, &[1], &["a"], &[]), ticket(3, &[], &["a"], &[])];
    let split = json!({"at": "2026-01-01T00:00:00Z", "by": "human", "action": "split", "into": ["T-003"]});
    tickets[0].decisions.push(serde_json::from_value(split).expect("a decision"));
    assert_eq!(order_overlaps(&mut tickets), Vec::<String>::new(), "T-002 waits for T-003 by way of T-001");
    assert_eq!(names(topological(&edges(&tickets))), "3 1 2");
}
