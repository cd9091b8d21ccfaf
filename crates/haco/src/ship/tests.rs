//! What was accepted on a real repository, pushed to a bare one.

use super::*;
use haco_core::{
    attempt::{Attempt, Candidate, Draft, Step, StepOutcome},
    cursor,
    edit::Format,
    hash::Hash,
    oid::{self, Blob, Change},
    subject,
    ticket::Ticket,
    verdict::{Answer, Verdict},
};
use haco_git::Who;
use haco_store::Place;
use std::{path::Path, process::Command};

const AT: &str = "2026-01-02T03:04:05Z";

struct Bench {
    _held: tempfile::TempDir,
    desk: Desk,
    out: Out,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let ran = Command::new("git")
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

fn id(text: &str) -> TicketId {
    text.parse().expect("an id")
}

/// A plan whose ticket T-002 builds on T-001, both audited, and a bare remote.
fn bench() -> Bench {
    let held = tempfile::tempdir().expect("directory");
    let top = held.path().join("repo");
    fs_err::create_dir(&top).expect("makes");
    git(held.path(), &["init", "-q", "--bare", "origin.git"]);
    git(&top, &["init", "-q"]);
    git(&top, &["config", "user.name", "Ann"]);
    git(&top, &["config", "user.email", "ann@example.com"]);
    git(&top, &["remote", "add", "origin", "../origin.git"]);
    git(&top, &["commit", "-q", "--allow-empty", "-m", "first"]);
    let place = Place::find(&top).expect("place");
    haco_store::init(&place).expect("init");
    let desk = Desk::at(&top).expect("desk");
    let bench = Bench {
        _held: held,
        desk,
        out: Out::new("haco-ship", &Common { quiet: true, json: true, ..Common::default() }),
    };
    bench.plan();
    bench
}

impl Bench {
    fn plan(&self) {
        let base = self.desk.repo().and_then(|r| r.head_commit()).expect("head");
        let plan = json!({"id": "p", "requirement": "r", "base": base, "studio": "hybrid", "mode": "continuous",
                          "tickets": ["T-001", "T-002"]});
        let mut plan: Plan = serde_json::from_value(plan).expect("plan");
        let tickets: Vec<Ticket> = [("T-001", vec![]), ("T-002", vec!["T-001"])]
            .map(|(id, on)| {
                serde_json::from_value(json!({
                    "id": id, "title": format!("Do {id}"), "type": "chore", "plan": "p", "depends_on": on,
                    "task": {"description": "Do it.", "new_files": [format!("{id}.txt")]},
                    "definition_of_done": {"tests": [{"command": "true"}]},
                }))
                .expect("ticket")
            })
            .into();
        let plans = [(plan.id.clone(), plan.clone())].into();
        let loaded = Loaded { plans, tickets: Default::default(), facts: Default::default() };
        let frame = cursor::frame(&self.desk.world(&loaded), &plan).expect("frame");
        plan.verdicts.push(Verdict {
            models: self.desk.settings.model_set(tickets.iter()).expect("models"),
            contracts: tickets.iter().map(|t| (t.id.clone(), subject::contract(t))).collect(),
            frame: Some(frame.clone()),
            ..Verdict::new("scope", frame, Answer::Pass, "human", AT)
        });
        let mut tx = self.desk.store.begin(&[], Some(&plan.id)).expect("begins");
        tickets.into_iter().for_each(|t| tx.put_ticket(t).expect("puts"));
        tx.put_plan(plan).expect("puts");
        tx.commit(Event::new("planned", "human", AT)).expect("commits");
        self.audited("T-001");
        self.audited("T-002");
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&mut Ticket)) {
        let mut tx = self.desk.store.begin(&[id(name)], None).expect("begins");
        let mut ticket = tx.ticket(&id(name)).expect("ticket").clone();
        edit(&mut ticket);
        tx.put_ticket(ticket).expect("puts");
        tx.commit(Event::new("edited", "harness", AT)).expect("commits");
    }

    fn need(&self, name: &str) -> Need {
        let loaded = self.desk.load_ticket(&id(name)).expect("loads");
        self.desk.position(&loaded).standings.remove(&id(name)).expect("stands").need
    }

    /// A candidate that adds one file, with every verdict that an audited ticket has.
    fn audited(&self, name: &str) {
        let repo = self.desk.repo().expect("repo");
        let loaded = self.desk.load_ticket(&id(name)).expect("loads");
        let ticket = loaded.ticket(&id(name)).expect("ticket").clone();
        let plan = loaded.plan_of(&ticket).expect("plan").clone();
        let on = self.desk.position(&loaded).standings[&id(name)].on.clone().expect("ready");
        let base = crate::ground::base_commit(&self.desk, &plan, &loaded.tickets, &on).expect("base");
        let oid = repo.write_blob(format!("{name}\n").as_bytes()).expect("blob");
        let change =
            vec![Change { path: format!("{name}.txt"), old: None, new: Some(Blob { oid, mode: oid::Mode::Regular }) }];
        let tree = repo.edit_tree(&base, &change).expect("tree");
        let commit = repo.commit(&tree, std::slice::from_ref(&base), name, &Who::Haco).expect("commit");
        let contract = subject::contract(&ticket);
        let passed = |check: &str, subject| Verdict::new(check, subject, Answer::Pass, "harness", AT);
        let baseline = passed("baseline", subject::baseline(&contract, &subject::Base { plan: &plan.base, on: &on }));
        let check = passed("dod/1", subject::check(&ticket.definition_of_done.tests[0], &tree));
        let draft = Some(Draft { sha256: Hash::of(b""), format: Format::Auto });
        let step = Step {
            role: "worker".to_owned(),
            model: "m".to_owned(),
            prompt: None,
            draft,
            usage: None,
            outcome: StepOutcome::Advance,
            failure: None,
            left_out: Vec::new(),
        };
        self.edit(name, |t| {
            t.verdicts.extend([baseline, check]);
            t.attempts.push(Attempt {
                n: 1,
                base,
                on,
                from: 0,
                repeats: None,
                steps: vec![step],
                edits: None,
                candidate: Some(Candidate { commit, tree, change }),
                outcome: Some("candidate".to_owned()),
                failure: None,
                at: AT.to_owned(),
            });
        });
        let Need::Audit { subject, role, .. } = self.need(name) else { panic!("{:?}", self.need(name)) };
        let audit =
            Verdict { model: Some("claude".to_owned()), ..Verdict::new(role, subject, Answer::Pass, "auditor", AT) };
        self.edit(name, |t| t.verdicts.push(audit));
    }

    fn accept(&self, name: &str) {
        let Need::Accept { subject } = self.need(name) else { panic!("{:?}", self.need(name)) };
        self.edit(name, |t| t.verdicts.push(Verdict::new("acceptance", subject, Answer::Pass, "human", AT)));
    }

    fn unite(&self) {
        let plan: PlanId = "p".parse().expect("id");
        let loaded = self.desk.load(Some(&plan)).expect("loads");
        let subject = self.desk.position(&loaded).unions[&plan].subject.clone();
        let mut tx = self.desk.store.begin(&[], Some(&plan)).expect("begins");
        let mut now = tx.plan().expect("plan").clone();
        now.verdicts.push(Verdict::new("union", subject, Answer::Pass, "harness", AT));
        tx.put_plan(now).expect("puts");
        tx.commit(Event::new("union", "harness", AT)).expect("commits");
    }

    fn target(&self, mode: Mode) -> Target {
        Target { remote: "origin".to_owned(), url: OnceCell::new(), mode }
    }

    fn whole(&mut self, mode: Mode) -> Outcome {
        let target = self.target(mode);
        let outcome = whole(&self.desk, &mut self.out, &"p".parse().expect("id"), &target);
        outcome.unwrap_or_else(|e| Outcome::no(exit::failure_of(&e)))
    }

    fn remote(&self) -> String {
        git(&self.desk.place.main.join("../origin.git"), &["for-each-ref", "--format=%(refname) %(objectname)"])
    }
}

#[test]
fn a_plan_ships_once_as_one_branch_with_a_commit_a_ticket() {
    let mut bench = bench();
    let code = |outcome: &Outcome| outcome.failure.as_ref().map(|f| f.code);
    assert_eq!(code(&bench.whole(Mode::Push)), Some(Code::IllegalStep));
    bench.accept("T-001");
    let failure = bench.whole(Mode::Push).failure.expect("waits");
    assert_eq!(failure.message, "p: not accepted: T-002");
    bench.accept("T-002");
    let failure = bench.whole(Mode::Push).failure.expect("no union yet");
    assert_eq!(failure.fix.as_deref(), Some("haco-verify p"));
    bench.unite();
    let lines = |bench: &Bench| bench.desk.store.journal().lines().expect("journal").len();
    let before = lines(&bench);
    let shown = bench.whole(Mode::Show);
    assert!(shown.failure.is_none() && bench.remote().is_empty() && lines(&bench) == before, "{shown:?}");
    assert_eq!(code(&bench.whole(Mode::Push)), None);
    let tip = shown.json["branches"][0]["commit"].as_str().expect("id").to_owned();
    assert_eq!(bench.remote(), format!("refs/heads/haco/p {tip}"));
    let top = bench.desk.place.main.clone();
    let log = git(
        &top,
        &[
            "log",
            "--format=%s|%an|%cI|%(trailers:key=Haco-Ticket,valueonly,separator=)|%(trailers:key=Haco-Audit,valueonly,separator=)",
            &tip,
        ],
    );
    let time = "2026-01-02T03:04:05Z";
    let line = |id: &str| format!("Do {id}|Ann|{time}|{id}|claude");
    let log: Vec<String> = log.lines().map(|l| l.replace("+00:00", "Z")).take(2).collect();
    assert_eq!(log, [line("T-002"), line("T-001")]);
    assert!(git(&top, &["log", "-1", "--format=%(trailers:key=Haco-Journal,valueonly)", &tip]).len() == 64);
    assert_eq!(git(&top, &["show", &format!("{tip}:T-002.txt")]), "T-002");
    assert_eq!(bench.need("T-001"), Need::Shipped);
    let after = lines(&bench);
    assert_eq!(code(&bench.whole(Mode::Push)), None);
    assert_eq!((bench.remote(), lines(&bench)), (format!("refs/heads/haco/p {tip}"), after));
}

#[test]
fn a_push_that_a_crash_kept_from_being_recorded_is_the_same_commit_the_next_time() {
    let mut bench = bench();
    bench.accept("T-001");
    bench.accept("T-002");
    bench.unite();
    let tip = bench.whole(Mode::Show).json["branches"][0]["commit"].as_str().expect("id").parse::<Oid>().expect("id");
    bench.desk.repo().and_then(|r| r.push("origin", &tip, "haco/p", None)).expect("pushes");
    bench.desk.store.note(Event::new("note", "harness", AT)).expect("notes");
    let pushed = bench.remote();
    let outcome = bench.whole(Mode::Push);
    assert!(outcome.failure.is_none(), "{outcome:?}");
    assert_eq!((bench.remote(), bench.need("T-002")), (pushed, Need::Shipped));
}

#[test]
fn a_ticket_ships_with_what_it_depends_on_and_a_failed_push_changes_nothing() {
    let mut bench = bench();
    bench.accept("T-002");
    let target = bench.target(Mode::Push);
    let ship = |bench: &mut Bench, name: &str| {
        one(&bench.desk, &mut bench.out, &id(name), &target).map_err(|e| exit::failure_of(&e).code)
    };
    assert_eq!(ship(&mut bench, "T-002").expect_err("T-001 waits"), Code::IllegalStep);
    bench.accept("T-001");
    let origin = bench.desk.place.main.join("../origin.git");
    fs_err::rename(&origin, origin.with_extension("away")).expect("moves");
    assert_eq!(ship(&mut bench, "T-002").expect_err("away"), Code::PushFailed);
    assert_eq!(bench.need("T-002"), Need::Ship);
    fs_err::rename(origin.with_extension("away"), &origin).expect("moves");
    ship(&mut bench, "T-002").expect("ships");
    assert!(bench.remote().starts_with("refs/heads/haco/T-002 "));
    assert_eq!((bench.need("T-001"), bench.need("T-002")), (Need::Shipped, Need::Shipped));
    ship(&mut bench, "T-001").expect("it is on that branch");
    assert_eq!(bench.remote().lines().count(), 1);
}
