//! A small repository with an approved plan of one ticket, for the tests of what acts on tickets.

use crate::{desk::Desk, turn::Turn};
use haco_core::{
    attempt::Candidate,
    code::Code,
    cursor::{self, Block, Need, Standing},
    hash::Hash,
    id::TicketId,
    journal::Event,
    oid::Change,
    plan::Plan,
    subject,
    ticket::Ticket,
    verdict::{Answer, Verdict},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Where a ticket stands that is blocked for this reason.
pub(crate) fn blocked(code: Code) -> Standing {
    let why = "because".to_owned();
    let block = Block { code: code.to_string(), why, actor: "human", command: vec!["haco".into(), "retry".into()] };
    stands(Need::Blocked(block))
}

/// A ticket in scope, without an attempt, that needs this.
pub(crate) fn stands(need: Need) -> Standing {
    let contract = Hash::of(b"");
    Standing { contract, in_scope: true, on: None, attempt: None, audited: false, acceptance: None, need }
}

/// The repository, gone when dropped.
pub(crate) struct Sample {
    _dir: tempfile::TempDir,
    pub(crate) top: PathBuf,
    pub(crate) id: TicketId,
}

const AT: &str = "2026-01-01T00:00:00Z";

impl Sample {
    /// With `a.py`, and a worker and an auditor that answer from `replies`.
    pub(crate) fn new(replies: &Value) -> Sample {
        let dir = tempfile::tempdir().expect("a directory");
        let top = dir.path().canonicalize().expect("is there");
        fs_err::write(top.join("a.py"), "print(1)\n").expect("writes");
        for args in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
            git(&top, args);
        }
        let place = haco_store::Place::find(&top).expect("a place");
        haco_store::init(&place).expect("initialises");
        let record = top.join("replies.json");
        fs_err::write(&record, replies.to_string()).expect("writes");
        let model = |name: &str| json!({"provider": "replay", "record": record, "model": name});
        let config = json!({
            "models": {"small": model("small"), "judge": model("judge")},
            "roles": {"worker": ["small"], "auditor": ["judge", "supervisor"]}
        });
        fs_err::write(place.dir.join("config.json"), config.to_string()).expect("writes");
        let sample = Sample { _dir: dir, top, id: TicketId::ticket(1) };
        sample.store_plan();
        sample
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk::at(&self.top).expect("a desk")
    }

    pub(crate) fn turn(&self) -> Turn {
        Turn::of(&self.desk(), &self.id).expect("a turn")
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.desk().store.ticket(&self.id).expect("a ticket")
    }

    fn store_plan(&self) {
        let desk = self.desk();
        let base = desk.repo().expect("a repository").head_commit().expect("a commit");
        let ticket: Ticket = serde_json::from_value(json!({
            "id": "T-001", "title": "Print two", "type": "feature", "plan": "demo",
            "task": {"description": "print 2", "target_files": ["a.py"], "new_files": ["b.py"]},
            "definition_of_done": {"tests": [{"command": "true"}], "acceptance_criteria": ["prints 2"],
                "files": [{"path": "test_a.py", "content": "import a\n"}]},
            "execution": {"retry_budget": 0}
        }))
        .expect("a ticket");
        let mut plan: Plan = serde_json::from_value(json!({
            "id": "demo", "requirement": "two", "base": base, "studio": "hybrid", "mode": "continuous",
            "tickets": ["T-001"]
        }))
        .expect("a plan");
        let contract = subject::contract(&ticket);
        let loaded = desk.load(None).expect("loads");
        let frame = cursor::frame(&desk.world(&loaded), &plan).expect("a frame");
        let mut scope = Verdict::new("scope", Hash::of(b"scope"), Answer::Pass, "human", AT);
        scope.contracts.insert(self.id.clone(), contract.clone());
        scope.frame = Some(frame);
        scope.models = desk.settings.model_set(std::iter::once(&ticket)).expect("models");
        plan.verdicts.push(scope);
        let on = subject::Base { plan: &base, on: &[] };
        let baseline = Verdict::new("baseline", subject::baseline(&contract, &on), Answer::Pass, "harness", AT);
        let mut tx = desk.store.begin(&[], Some(&plan.id)).expect("begins");
        tx.put_plan(plan.clone()).expect("puts");
        tx.put_ticket(Ticket { verdicts: vec![baseline], ..ticket }).expect("puts");
        tx.commit(Event::new("plan", "harness", AT)).expect("commits");
    }

    /// Changes the ticket as another program would.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Ticket)) {
        let desk = self.desk();
        let mut tx = desk.store.begin(std::slice::from_ref(&self.id), None).expect("begins");
        let mut ticket = tx.ticket(&self.id).expect("held").clone();
        change(&mut ticket);
        tx.put_ticket(ticket).expect("puts");
        tx.commit(Event::new("edit", "harness", AT)).expect("commits");
    }

    /// Makes `a.py` with this text the latest attempt's candidate, with this verdict of its check.
    pub(crate) fn candidate(&self, text: &str, answer: Answer) {
        let desk = self.desk();
        let repo = desk.repo().expect("a repository");
        let base = repo.head_commit().expect("a commit");
        let old = repo.blob(&base, "a.py").expect("reads");
        let new =
            old.clone().map(|b| haco_core::oid::Blob { oid: repo.write_blob(text.as_bytes()).expect("writes"), ..b });
        let change = vec![Change { path: "a.py".into(), old, new }];
        let tree = repo.edit_tree(&base, &change).expect("a tree");
        let commit = repo.commit(&tree, std::slice::from_ref(&base), "c\n", &haco_git::Who::Haco).expect("a commit");
        self.edit(|ticket| {
            let (name, _, test) = ticket.checks().remove(0);
            let verdict = Verdict::new(name, subject::check(test, &tree), answer, "harness", AT);
            ticket.verdicts.push(verdict);
            let last = ticket.attempts.last_mut().expect("an attempt");
            last.candidate = Some(Candidate { commit, tree, change });
            last.outcome = Some("candidate".into());
        });
    }
}

fn git(dir: &Path, args: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.current_dir(dir).args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(args);
    let git = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    assert!(git.status().expect("git runs").success(), "git {args:?}");
}

/// A whole reply of a server.
pub(crate) fn reply(text: &str) -> Value {
    json!({"model": "m", "message": {"role": "assistant", "content": text}, "done": true, "done_reason": "stop",
           "prompt_eval_count": 10, "eval_count": 5})
}

/// The streams of a program that says nothing.
pub(crate) fn quiet() -> crate::output::Out {
    crate::output::Out::new("haco-test", &crate::output::Common { json: true, quiet: true, ..Default::default() })
}
