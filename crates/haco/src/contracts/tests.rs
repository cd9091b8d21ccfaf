use super::*;
use haco_store::Place;
use serde_json::Value;

struct Held {
    _dir: tempfile::TempDir,
    desk: Desk,
    plan: PlanId,
}

fn held() -> Held {
    let dir = tempfile::tempdir().expect("a directory");
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let done = command.current_dir(dir.path()).args(who).args(args).output().expect("git runs");
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "-q"]);
    std::fs::write(dir.path().join("a"), "a\n").expect("writes");
    git(&["add", "a"]);
    git(&["commit", "-q", "-m", "one"]);
    haco_store::init(&Place::find(dir.path()).expect("a place")).expect("makes .haco");
    let desk = Desk::at(dir.path()).expect("a desk");
    let base = desk.repo().expect("a repository").head_commit().expect("a commit");
    let plan = json!({"id": "p", "requirement": "r", "base": base, "studio": "hybrid", "mode": "continuous"});
    let plan = serde_json::from_value(plan).expect("a plan");
    let plan = make(&desk, plan, true, "human").expect("makes the plan");
    Held { _dir: dir, desk, plan }
}

fn ticket(id: &str, needs: &[&str], files: &[&str]) -> Value {
    json!({
        "id": id, "title": format!("Do {id}"), "type": "chore", "depends_on": needs,
        "task": {"description": "d", "target_files": files}, "definition_of_done": {"static_checks": ["true"]},
    })
}

impl Held {
    fn add(&self, tickets: &[Value]) -> Result<Added> {
        add(&self.desk, &self.plan, &json!(tickets).to_string(), Source::File, None)
    }

    fn needs(&self, id: &str) -> String {
        let ticket = self.desk.store.ticket(&id.parse().expect("an id")).expect("reads");
        ticket.depends_on.iter().map(TicketId::as_str).collect::<Vec<_>>().join(" ")
    }

    fn split(&self, parent: &str, tickets: &[Value]) -> Result<Added> {
        let parent = parent.parse().expect("an id");
        add(&self.desk, &self.plan, &json!(tickets).to_string(), Source::File, Some((&parent, Some("large".into()))))
    }
}

#[test]
fn tickets_get_ids_and_an_order_among_those_that_are_there() {
    let held = held();
    assert_eq!(held.add(&[ticket("T-001", &[], &["a"]), ticket("", &[], &["b"])]).expect("adds").ids.len(), 2);
    let added = held.add(&[ticket("T-001", &["T-002"], &["a"])]).expect("adds");
    assert_eq!(added.ids, ["T-003".parse().expect("an id")]);
    assert_eq!(held.needs("T-003"), "T-002 T-001");
    assert!(added.notes.iter().any(|n| n.contains("waits for T-001")), "{:?}", added.notes);
    assert!(held.desk.store.ticket(&TicketId::ticket(2)).expect("reads").task.target_files.is_empty(), "'b' is new");
}

#[test]
fn a_circle_or_an_unknown_ticket_stores_nothing() {
    let held = held();
    let error = held.add(&[ticket("T-001", &["T-002"], &["a"]), ticket("T-002", &["T-001"], &["a"])]);
    assert!(error.expect_err("a circle").to_string().contains("in a circle"));
    assert!(held.add(&[ticket("T-001", &["T-009"], &["a"])]).is_err());
    assert!(held.desk.store.plan(&held.plan).expect("reads").tickets.is_empty());
    assert!(held.add(&[json!({"id": "T-001"})]).expect("reads").ids.is_empty());
}

#[test]
fn children_take_over_what_their_parent_waits_for_and_stand_in_its_place() {
    let held = held();
    let all = [ticket("T-001", &[], &["x"]), ticket("T-002", &["T-001"], &["a"]), ticket("T-003", &["T-002"], &["a"])];
    held.add(&all).expect("adds");
    assert!(held.split("T-002", &[ticket("", &["T-003"], &["a"])]).is_err(), "a child that waits for its parent");
    assert!(held.split("T-002", &[ticket("", &[], &["a"]), json!({})]).is_err(), "a child that is not valid");
    let added = held.split("T-002", &[ticket("", &[], &["a"]), ticket("", &[], &["b"])]).expect("splits");
    assert_eq!((held.needs("T-004"), held.needs("T-005")), ("T-001".to_owned(), "T-001".to_owned()));
    assert_eq!(held.needs("T-003"), "T-002", "nothing but its parent was ever waited for");
    let parent = held.desk.store.ticket(&TicketId::ticket(2)).expect("reads");
    assert_eq!(parent.closed_by().map(|d| (d.action.as_str(), &d.into)), Some(("split", &added.ids)));
    let again = held.split("T-002", &[ticket("", &[], &["a"])]).expect_err("it was split");
    assert!(again.to_string().contains("it was split"), "{again}");
}

#[test]
fn a_new_plan_takes_the_next_number_and_a_named_one_fails() {
    let held = held();
    let plan = held.desk.store.plan(&held.plan).expect("reads");
    assert_eq!(make(&held.desk, plan.clone(), false, "human").expect("makes").as_str(), "p-2");
    assert!(make(&held.desk, plan, true, "human").expect_err("taken").to_string().contains("there is a plan 'p'"));
}
