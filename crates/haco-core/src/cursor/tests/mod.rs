//! The cursor's tests: a world that is changed as the programs would change it, the table of rules, walks through it.

mod rules;
mod walk;

use super::*;
use crate::{
    attempt::{Attempt, Candidate, Draft, Step, StepOutcome},
    edit::Format,
    oid::Oid,
    settings::{Layers, SUPERVISOR},
    studio::{By, Check, Job, Per, Role, Stage, When},
    subject,
    ticket::{DefinitionOfDone, Test, Ticket},
    tickets::Tickets,
    verdict::{Answer, Decision, Verdict, latest},
};

const AT: &str = "2026-01-01T00:00:00Z";

/// A world that the tests change as the programs would.
#[derive(Clone)]
struct Sandbox {
    plans: BTreeMap<PlanId, Plan>,
    tickets: Tickets,
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
            tickets: tickets.into_iter().collect(),
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
        let step = Step {
            role: role.into(),
            model: model.into(),
            prompt: None,
            draft,
            usage: None,
            outcome,
            failure: None,
            left_out: Vec::new(),
        };
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
            edits: None,
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
        let ids: Vec<TicketId> = self.tickets.keys().cloned().collect();
        for id in &ids {
            let ticket = self.tickets.get_mut(id).expect("it is there");
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
