//! The four things that can be verified, on a real repository with real commands behind real walls.

use super::*;
use crate::clock;
use haco_core::{
    attempt::{Attempt, Draft, Step, StepOutcome},
    cursor::{self, Need},
    edit::Format,
    hash::Hash,
    plan::Plan,
    subject::contract,
    verdict::{Answer, Verdict},
};
use haco_store::Place;
use serde_json::{Value, json};
use std::{path::Path, process::Command};

pub(super) struct Bench {
    _held: tempfile::TempDir,
    pub(super) desk: Desk,
    out: Out,
}

pub(super) fn git(dir: &Path, args: &[&str]) -> String {
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

/// A repository with `a.txt` and an approved plan of these tickets.
pub(super) fn bench(tickets: &[Value]) -> Bench {
    let held = tempfile::tempdir().expect("directory");
    let top = held.path().join("repo");
    fs_err::create_dir(&top).expect("makes");
    git(&top, &["init", "-q"]);
    git(&top, &["config", "user.name", "Ann"]);
    git(&top, &["config", "user.email", "ann@example.com"]);
    fs_err::write(top.join("a.txt"), "one\n").expect("writes");
    fs_err::write(top.join("b.txt"), "two\n").expect("writes");
    git(&top, &["add", "."]);
    git(&top, &["commit", "-q", "-m", "first"]);
    let place = Place::find(&top).expect("place");
    haco_store::init(&place).expect("init");
    let desk = Desk::at(&top).expect("desk");
    let base = git(&top, &["rev-parse", "HEAD"]);
    let ids: Vec<TicketId> = tickets.iter().map(|t| serde_json::from_value(t["id"].clone()).expect("id")).collect();
    let plan =
        json!({"id": "p", "requirement": "r", "base": base, "studio": "hybrid", "mode": "continuous", "tickets": ids});
    let mut plan: Plan = serde_json::from_value(plan).expect("plan");
    let mut tx = desk.store.begin(&[], Some(&plan.id)).expect("begins");
    let tickets: Vec<Ticket> = tickets.iter().map(|t| serde_json::from_value(t.clone()).expect("ticket")).collect();
    let loaded = crate::desk::Loaded {
        plans: [(plan.id.clone(), plan.clone())].into(),
        tickets: Default::default(),
        facts: Default::default(),
    };
    let frame = cursor::frame(&desk.world(&loaded), &plan).expect("frame");
    let contracts = tickets.iter().map(|t| (t.id.clone(), contract(t))).collect();
    plan.verdicts.push(Verdict {
        models: desk.settings.model_set(tickets.iter()).expect("models"),
        contracts,
        frame: Some(frame.clone()),
        ..Verdict::new("scope", frame, Answer::Pass, "human", &clock::now())
    });
    for ticket in tickets {
        tx.put_ticket(ticket).expect("puts");
    }
    tx.put_plan(plan).expect("puts");
    tx.commit(Event::new("planned", "human", &clock::now())).expect("commits");
    let out = Out::new("haco-verify", &Common { quiet: true, json: true, ..Common::default() });
    Bench { _held: held, desk, out }
}

fn ticket(id: &str, target: &str, dod: Value) -> Value {
    json!({
        "id": id, "title": format!("Change {target}"), "type": "feature", "plan": "p",
        "task": {"description": "Change it.", "target_files": [target]}, "definition_of_done": dod,
    })
}

impl Bench {
    fn ticket(&self, name: &str) -> Ticket {
        self.desk.store.ticket(&id(name)).expect("ticket")
    }

    fn need(&self, name: &str) -> Need {
        let loaded = self.desk.load_ticket(&id(name)).expect("loads");
        self.desk.position(&loaded).standings.remove(&id(name)).expect("stands").need
    }

    fn run(&self, what: What, name: &str, again: bool) -> Answered {
        let answered = one(&self.desk, &self.out, &id(name), what, again);
        answered.unwrap_or_else(|e| Answered { failure: Some(exit::failure_of(&e)), ..Answered::default() })
    }

    fn code(&self, what: What, name: &str) -> Option<Code> {
        self.run(what, name, false).failure.map(|f| f.code)
    }

    /// What a worker would store: a whole-file reply as a new attempt.
    fn draft(&self, name: &str, reply: &str) -> u32 {
        let before = self.ticket(name);
        let loaded = self.desk.load_ticket(&id(name)).expect("loads");
        let on = self.desk.position(&loaded).standings[&id(name)].on.clone().expect("ready");
        let plan = loaded.plan_of(&before).expect("plan");
        let base = crate::ground::base_commit(&self.desk, plan, &loaded.tickets, &on).expect("base");
        let n = before.attempts.last().map_or(1, |a| a.n + 1);
        let folder = format!("drafts/{name}/{n}/0-worker");
        self.desk.store.write_draft(&folder, &[("reply.md", reply.as_bytes())]).expect("writes");
        let draft = Some(Draft { sha256: Hash::of(reply.as_bytes()), format: Format::Auto });
        let step = Step {
            role: "worker".to_owned(),
            model: "qwen2.5-coder:32b".to_owned(),
            prompt: None,
            draft,
            usage: None,
            outcome: StepOutcome::Advance,
            failure: None,
            left_out: Vec::new(),
        };
        record(&self.desk, &before, Event::new("draft", "worker", &clock::now()), |t| {
            t.attempts.push(Attempt {
                n,
                base,
                on,
                from: 0,
                repeats: None,
                steps: vec![step],
                edits: None,
                candidate: None,
                outcome: None,
                failure: None,
                at: clock::now(),
            });
            Ok(())
        })
        .expect("records");
        n
    }

    /// What an auditor would store.
    fn audit(&self, name: &str) {
        let Need::Audit { subject, role, .. } = self.need(name) else { panic!("{:?}", self.need(name)) };
        self.verdict(
            name,
            Verdict {
                model: Some("supervisor".into()),
                ..Verdict::new(role, subject, Answer::Pass, "auditor", &clock::now())
            },
        );
    }

    fn verdict(&self, name: &str, verdict: Verdict) {
        let before = self.ticket(name);
        record(&self.desk, &before, Event::new("judged", "auditor", &clock::now()), |t| {
            t.verdicts.push(verdict);
            Ok(())
        })
        .expect("records");
    }

    fn read(&self, rel: &str) -> String {
        String::from_utf8(self.desk.store.read(rel).expect("reads").unwrap_or_default()).expect("text")
    }

    fn leftovers(&self) -> usize {
        fs_err::read_dir(self.desk.place.dir.join("tmp")).expect("reads").count()
    }
}

const WHOLE_A: &str = "a.txt\n```\nuno\n```\n";
const WHOLE_B: &str = "b.txt\n```\ndos\n```\n";

#[test]
fn a_draft_becomes_a_candidate_that_passes_its_checks() {
    let dod = json!({
        "static_checks": ["test -n \"$HACO_CANDIDATE\" && test ! -e .git && test ! -e .haco"],
        "tests": [{"name": "uno", "command": "grep -q uno a.txt"}, {"command": "false", "expect": "fail", "baseline": "any"}],
        "files": [{"path": "tests/own.txt", "content": "the contract's\n"}],
    });
    let mut marked = ticket("T-777", "a.txt", dod);
    marked["definition_of_done"]["tests"][0]["baseline"] = json!("fail");
    let bench = bench(&[marked]);
    let before = git(&bench.desk.place.main, &["status", "--porcelain"]);
    assert_eq!(bench.code(What::Draft, "T-777"), Some(Code::IllegalStep));
    assert_eq!(bench.code(What::Baseline, "T-777"), None);
    assert_eq!(bench.code(What::Baseline, "T-777"), None, "a second time says so and is yes");
    let n = bench.draft("T-777", WHOLE_A);
    let answered = bench.run(What::Draft, "T-777", false);
    assert!(answered.failure.is_none(), "{answered:?}");
    assert!(matches!(bench.need("T-777"), Need::Audit { .. }));
    let candidate = bench.ticket("T-777").attempt(n).and_then(|a| a.candidate.clone()).expect("candidate");
    let top = &bench.desk.place.main;
    assert_eq!(git(top, &["show", "refs/haco/T-777/1:a.txt"]), "uno");
    assert_eq!(git(top, &["show", &format!("{}:tests/own.txt", candidate.commit)]), "the contract's");
    assert_eq!(git(top, &["status", "--porcelain"]), before);
    assert_eq!(candidate.change.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), ["a.txt", "tests/own.txt"]);
    let list: Value = serde_json::from_str(&bench.read("evidence/T-777/1/checks.json")).expect("json");
    assert_eq!(list[0]["check"], "dod/static/1");
    assert_eq!(list[2]["end"], "exited with status 1");
    assert_eq!(list[2]["log_sha256"], json!(Hash::of(b"")));
    assert!(list[1]["walls"].as_array().is_some_and(|w| w.len() > 3), "{list}");
    assert!(list[1]["max_rss"].as_u64().is_some_and(|bytes| bytes > 1 << 16), "{list}");
    assert!(list[1]["cpu_ms"].is_u64() && list[1]["wall_ms"].is_u64(), "{list}");
    assert_eq!(list[1]["limits"]["timeout_sec"], 120);
    assert!(list[1]["limits"]["processes"].as_u64().is_some_and(|most| most > 0), "{list}");
    assert!(bench.read("evidence/T-777/1/candidate.diff").contains("+uno"));
    assert_eq!(bench.leftovers(), 0);
    let verdicts = bench.ticket("T-777").verdicts.len();
    assert!(bench.run(What::Draft, "T-777", false).failure.is_none());
    assert_eq!(bench.ticket("T-777").verdicts.len(), verdicts, "what is known is not asked twice");
    assert!(bench.run(What::Draft, "T-777", true).failure.is_none());
    assert_eq!(bench.ticket("T-777").verdicts.len(), verdicts + 3, "--again asks again");
}

#[test]
fn a_failed_check_leaves_words_for_the_next_prompt_and_a_refused_draft_ends_its_attempt() {
    let dod = json!({"tests": [{"command": "echo 'FAILED here'; pwd; grep -q dos a.txt", "timeout_sec": 5}]});
    let bench = bench(&[ticket("T-001", "a.txt", dod)]);
    assert_eq!(bench.code(What::Baseline, "T-001"), None);
    bench.draft("T-001", WHOLE_A);
    let answered = bench.run(What::Draft, "T-001", false);
    let failure = answered.failure.expect("fails");
    assert_eq!(failure.code, Code::ChecksFailed);
    assert!(
        failure.message.starts_with("T-001: 'dod/1' failed: 'echo")
            && failure.message.ends_with("exited with status 1"),
        "{failure}"
    );
    let text = bench.read("evidence/T-001/1/failure.txt");
    assert!(text.contains("exited with status 1\nFAILED here\n.\n") || text.ends_with("FAILED here\n.\n"), "{text}");
    assert!(matches!(bench.need("T-001"), Need::Draft { attempt: 2, .. }));
    bench.draft("T-001", "b.txt\n```\nx\n```\n");
    assert_eq!(bench.code(What::Draft, "T-001"), Some(Code::OutOfScope));
    let attempt = bench.ticket("T-001").attempts[1].clone();
    assert_eq!(attempt.outcome.as_deref(), Some("out_of_scope"));
    assert!(attempt.failure.expect("words").contains("Nothing of the last reply was applied"));
    assert!(matches!(bench.need("T-001"), Need::Draft { attempt: 3, .. }));
    bench.draft("T-001", WHOLE_A);
    assert_eq!(bench.code(What::Draft, "T-001"), Some(Code::ChecksFailed), "the same tree fails without being run");
    assert!(bench.read("evidence/T-001/3/failure.txt").contains("FAILED here"));
}

#[test]
fn a_missing_tool_or_service_judges_nothing_and_is_asked_again_by_each_call() {
    let dod = json!({"tests": [
        {"name": "tool", "command": "no-such-tool --x"},
        {"name": "service", "command": "true", "needs": ["db"]},
        {"name": "late", "command": "true; no-such-tool"},
        {"name": "own", "command": "./no-such-script"},
    ]});
    let bench = bench(&[ticket("T-001", "a.txt", dod)]);
    assert_eq!(bench.code(What::Baseline, "T-001"), Some(Code::MissingTool));
    assert!(matches!(bench.need("T-001"), Need::Blocked(_)));
    assert_eq!(bench.code(What::Baseline, "T-001"), Some(Code::MissingTool));
    let ticket = bench.ticket("T-001");
    assert_eq!(ticket.verdicts.iter().filter(|v| v.check == "baseline").count(), 2);
    let list: Value = serde_json::from_str(&bench.read("evidence/T-001/base/checks.json")).expect("json");
    let answers: Vec<&str> = list.as_array().expect("list").iter().filter_map(|e| e["verdict"].as_str()).collect();
    assert_eq!(answers, ["blocked", "blocked", "fail", "fail"]);
}

#[test]
fn a_check_that_passes_on_the_base_is_vacuous() {
    let bench = bench(&[ticket("T-001", "a.txt", json!({"tests": [{"command": "true"}]}))]);
    let failure = bench.run(What::Baseline, "T-001", false).failure.expect("vacuous");
    assert_eq!(failure.code, Code::VacuousCheck);
    assert_eq!(failure.message, "T-001: 'dod/1' already passes on the base, so it proves nothing");
    assert_eq!(bench.code(What::Baseline, "T-001"), Some(Code::VacuousCheck), "known, and not run again");
    assert_eq!(bench.ticket("T-001").verdicts.len(), 1);
    assert_eq!(bench.code(What::Draft, "T-001"), Some(Code::IllegalStep));
}

#[test]
fn a_check_that_hangs_fails_and_a_loud_one_is_bounded() {
    let dod = json!({"tests": [
        {"name": "hangs", "command": "sleep 60", "timeout_sec": 1},
        {"name": "loud", "command": "head -c 30000000 /dev/zero; exit 3", "timeout_sec": 20},
    ]});
    let bench = bench(&[ticket("T-001", "a.txt", dod)]);
    assert_eq!(bench.code(What::Baseline, "T-001"), None, "all of them fail on the base, as a feature's may");
    let list: Value = serde_json::from_str(&bench.read("evidence/T-001/base/checks.json")).expect("json");
    assert_eq!(list[0]["end"], "timed out after 1 s");
    assert_eq!(list[1]["end"], "exited with status 3");
    let loud = bench.desk.store.read("evidence/T-001/base/dod--loud.log").expect("reads").expect("a log");
    assert!(loud.len() < 11 << 20 && String::from_utf8_lossy(&loud).contains("bytes left out"));
}

#[test]
fn the_supervisors_own_edit_is_a_draft_like_another() {
    let dod = json!({"tests": [{"command": "grep -q uno a.txt"}]});
    let bench = bench(&[ticket("T-001", "a.txt", dod)]);
    assert_eq!(bench.code(What::Worktree, "T-001"), Some(Code::IllegalStep));
    assert_eq!(bench.code(What::Baseline, "T-001"), None);
    assert_eq!(bench.code(What::Worktree, "T-001"), Some(Code::NoEdits));
    let top = bench.desk.place.main.clone();
    fs_err::write(top.join("a.txt"), "uno\n").expect("writes");
    fs_err::write(top.join("b.txt"), "mine\n").expect("writes");
    let answered = bench.run(What::Worktree, "T-001", false);
    assert!(answered.failure.is_none(), "{answered:?}");
    let attempt = bench.ticket("T-001").attempts[0].clone();
    assert_eq!((attempt.author(), attempt.outcome.as_deref()), (Some("supervisor"), Some("candidate")));
    let candidate = attempt.candidate.expect("candidate");
    assert_eq!(git(&top, &["show", &format!("{}:b.txt", candidate.commit)]), "two");
    assert!(bench.read("drafts/T-001/1/0-worker/reply.md").starts_with("```diff\ndiff --git a/a.txt"));
    git(&top, &["update-ref", "-d", "refs/haco/T-001/1"]);
    let loaded = bench.desk.load_ticket(&id("T-001")).expect("loads");
    let ticket = bench.ticket("T-001");
    match candidate::build(&bench.desk, &loaded, &ticket, &ticket.attempts[0]).expect("builds") {
        candidate::Made::Candidate(made) => {
            assert_eq!(made.candidate, candidate, "rebuilt from its draft with the same id")
        }
        candidate::Made::Refused(refused) => panic!("{}", refused.text),
    }
}

#[test]
fn an_edit_of_what_the_base_does_not_hold_is_stale() {
    let dod = json!({"tests": [{"command": "grep -q uno a.txt"}]});
    let bench = bench(&[ticket("T-001", "a.txt", dod)]);
    assert_eq!(bench.code(What::Baseline, "T-001"), None);
    let top = bench.desk.place.main.clone();
    fs_err::write(top.join("a.txt"), "another\n").expect("writes");
    git(&top, &["commit", "-q", "-am", "second"]);
    fs_err::write(top.join("a.txt"), "uno\n").expect("writes");
    assert_eq!(bench.code(What::Worktree, "T-001"), Some(Code::Stale));
    assert!(bench.ticket("T-001").attempts.is_empty());
}

#[test]
fn a_moved_base_repeats_the_draft_and_the_union_is_asked_on_one_tree() {
    let first = ticket("T-001", "a.txt", json!({"tests": [{"command": "grep -q o a.txt", "baseline": "any"}]}));
    let mut second = ticket("T-002", "b.txt", json!({"tests": [{"command": "grep -q dos b.txt"}]}));
    second["depends_on"] = json!(["T-001"]);
    let mut third = ticket("T-003", "c.txt", json!({"tests": [{"command": "test -f c.txt"}]}));
    third["task"] = json!({"description": "d", "new_files": ["c.txt"]});
    let mut bench = bench(&[first, second, third]);
    let plan: PlanId = "p".parse().expect("id");
    for (name, reply) in [("T-001", WHOLE_A), ("T-002", WHOLE_B), ("T-003", "c.txt\n```\nc\n```\n")] {
        assert_eq!(bench.code(What::Baseline, name), None, "{name}");
        bench.draft(name, reply);
        assert_eq!(bench.code(What::Draft, name), None, "{name}");
        bench.audit(name);
    }
    // A new candidate of T-001 makes T-002's stale; the same draft is checked again and costs no try.
    let rework = haco_core::verdict::Decision::new("rework", "human", &clock::now(), 1);
    record(&bench.desk, &bench.ticket("T-001"), Event::new("rework", "human", &clock::now()), |t| {
        t.decisions.push(rework);
        Ok(())
    })
    .expect("records");
    let outcome = union::verify(&bench.desk, &mut bench.out, &plan, false).expect("answers");
    assert_eq!(outcome.failure.map(|f| f.code), Some(Code::IllegalStep));
    bench.draft("T-001", "a.txt\n```\ntodos\n```\n");
    assert_eq!(bench.code(What::Draft, "T-001"), None);
    bench.audit("T-001");
    assert_eq!(bench.code(What::Baseline, "T-002"), None);
    assert!(matches!(bench.need("T-002"), Need::Rebase { attempt: 1 }), "{:?}", bench.need("T-002"));
    assert_eq!(bench.code(What::Draft, "T-002"), None);
    let again = bench.ticket("T-002").attempts[1].clone();
    assert_eq!((again.repeats, again.n, again.on.len()), (Some(1), 2, 1));
    bench.audit("T-002");
    let outcome = union::verify(&bench.desk, &mut bench.out, &plan, false).expect("answers");
    assert!(outcome.failure.is_none(), "{outcome:?}");
    let top = bench.desk.place.main.clone();
    for (path, text) in [("a.txt", "todos"), ("b.txt", "dos"), ("c.txt", "c")] {
        assert_eq!(git(&top, &["show", &format!("refs/haco/plans/p:{path}")]), text);
    }
    let outcome = union::verify(&bench.desk, &mut bench.out, &plan, false).expect("answers");
    assert!(outcome.failure.is_none() && bench.desk.store.plan(&plan).expect("plan").verdicts.len() == 2);
}
