//! Money: what is held before a call and settled after it, by the programs as they run side by side and die.

use crate::{
    greeter::{GREETS, MODEL, approve, initialised, plan, ticket},
    peers::ollama::{Ollama, Reply},
    sandbox::Sandbox,
    want::{any, has},
};
use haco_core::{
    journal::Line,
    money::{Ledger, Usd},
};
use serde_json::{Value, json};
use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Two dollars a thousand tokens of prompt, four of reply: the server counts 30 and 20 for every question.
const PRICE: [f64; 2] = [2_000.0, 4_000.0];
const BILL: f64 = 0.14;

/// A configuration in which the model of `server` costs money: this address of the machine is not known for its own.
fn config(server: &Ollama, budget: Value) -> String {
    let port = server.host().rsplit(':').next().expect("a port");
    let [input, output] = PRICE;
    json!({
        "models": {"cloud": {
            "provider": "ollama", "base_url": format!("http://0.0.0.0:{port}"), "model": MODEL,
            "options": {"num_predict": 100}, "price": {"input_usd_per_mtok": input, "output_usd_per_mtok": output}}},
        "roles": {"worker": ["cloud"]},
        "budget": budget,
    })
    .to_string()
}

/// A repository of a user whose own file says so.
fn paying(server: &Ollama, budget: Value) -> Sandbox {
    let sandbox = initialised(server);
    sandbox.write("../home/.config/haco/config.json", config(server, budget));
    sandbox
}

fn ledger(sandbox: &Sandbox) -> Ledger {
    let mut ledger = Ledger::default();
    for line in sandbox.read(".haco/journal.jsonl").lines() {
        ledger.take(&Line::parse(line.as_bytes()).expect("a line"));
    }
    ledger
}

/// One worker's life: it asks until the cap stops it, and is killed whenever the dice say so. How many answers it got.
fn ask_until_stopped(sandbox: &Sandbox, seed: u64) -> u64 {
    let (mut answers, mut dice) = (0, seed);
    for n in 0.. {
        assert!(n < 500, "the cap is never reached");
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let words = ["haco-worker", "a script that says hi"].map(str::to_owned);
        let mut command = sandbox.command(&words);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        if dice >> 40 & 1 == 0 {
            // Anywhere between the start and the end of the call; what it meets is a matter of luck.
            thread::sleep(Duration::from_micros(dice >> 20 & 0x1_ffff));
            child.kill().expect("it can be killed");
        }
        match child.wait().expect("it ends").code() {
            Some(0) => answers += 1,
            Some(5) => return answers,
            // A line was cut off in the middle.
            Some(74) => drop(sandbox.run(&["haco", "doctor", "--fix"]).done()),
            None | Some(69 | 75) => {}
            Some(other) => panic!("exit {other}"),
        }
    }
    answers
}

#[test]
fn sixteen_workers_that_are_killed_at_random_never_pass_the_cap_and_lose_no_cent() {
    let billed = Arc::new(AtomicU64::new(0));
    let bills = Arc::clone(&billed);
    let server = Ollama::start(move |question| {
        bills.fetch_add(1, Ordering::SeqCst);
        match question.n % 7 {
            0 => Reply::Half("echo".to_owned()),
            _ => Reply::slow(Duration::from_millis(5), Reply::text("echo hi\n")),
        }
    });
    let cap = 100.0;
    let sandbox = paying(&server, json!({"day_usd": cap}));
    let answers: u64 = thread::scope(|scope| {
        let worker = |n: u64| {
            scope.spawn({
                let sandbox = &sandbox;
                move || ask_until_stopped(sandbox, n)
            })
        };
        let all: Vec<_> = (0..16).map(worker).collect();
        all.into_iter().map(|w| w.join().expect("it ends")).sum()
    });
    // What others held when the last one was refused is settled by now, and may leave room.
    let one_more = || sandbox.run(&["haco-worker", "one more"]).done();
    let more: Vec<_> = std::iter::repeat_with(one_more).take_while(|done| done.status != 5).collect();
    let answers = answers + more.iter().filter(|done| done.status == 0).count() as u64;
    sandbox.run(&["haco-worker", "one more"]).gives(5, "", has("'budget.day_usd'"));
    let spent = ledger(&sandbox).all();
    let bill = |n: u64| Usd::up(BILL).times(n);
    let billed = bill(billed.load(Ordering::SeqCst));
    assert!(spent.counts() <= Usd::up(cap), "{spent:?}");
    assert!(billed <= spent.counts(), "the server billed {billed}, and the journal knows of {spent:?}");
    assert!(spent.known >= bill(answers), "{answers} answers came, and {spent:?}");
    let settled = sandbox.read(".haco/journal.jsonl").matches("\"nano_usd\":").count() as u64;
    assert_eq!(spent.known, bill(settled), "what is known is a number of whole bills");
    assert!(answers > 16 && spent.held > Usd::ZERO, "{answers} answers, {spent:?}: some lived and some died");
}

#[test]
fn a_draft_is_settled_on_its_ticket_with_what_the_server_counted() {
    let server = Ollama::saying(Reply::text(GREETS));
    let sandbox = paying(&server, json!({"ticket_usd": 20.0, "plan_usd": 20.0}));
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan("p", &[ticket("T-001", json!({}))])).gives(0, any(), any());
    approve(&sandbox);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let spent = ledger(&sandbox).of_ticket(&"T-001".parse().expect("an id"));
    assert_eq!((spent.known, spent.held), (Usd::up(BILL), Usd::ZERO));
    let usage = &serde_json::from_str::<Value>(&sandbox.read(".haco/tickets/T-001.json")).expect("JSON")["attempts"][0]
        ["steps"][0]["usage"];
    assert_eq!((usage["cost_usd"].as_f64(), &usage["cost"]), (Some(BILL), &json!("estimated")));
}

#[test]
fn a_draft_that_may_cost_more_than_its_ticket_is_not_asked_for() {
    let server = Ollama::saying(Reply::text(GREETS));
    let sandbox = paying(&server, json!({"ticket_usd": 1.0, "plan_usd": 50.0}));
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan("p", &[ticket("T-001", json!({}))])).gives(0, any(), any());
    approve(&sandbox);
    let said = has("of the $1.0000 of 'budget.ticket_usd' for T-001 only $1.0000 are left: $0.0000 are spent");
    sandbox.run(&["haco", "run"]).gives(5, "", said);
    assert!(server.asked().is_empty());
    assert_eq!(ledger(&sandbox).all().counts(), Usd::ZERO);
}

#[test]
fn where_a_cap_stands_a_price_must_be_known_and_a_journal_be_there() {
    let server = Ollama::saying(Reply::text("x"));
    let sandbox = paying(&server, json!({"day_usd": 1.0}));
    let said = "haco-worker: model 'openai:gpt-9' costs money, a cap is set, and nobody knows what a call may cost\n\
                hint: set models.openai:gpt-9.price, or .max_call_usd, in your configuration: man haco-config\n";
    sandbox.run(&["haco-worker", "--model", "openai:gpt-9", "x"]).gives(5, "", said);
    let outside = Sandbox::without_repository();
    outside.write("../home/.config/haco/config.json", config(&server, json!({"day_usd": 1e6})));
    let said = "haco-worker: model 'cloud' costs money, a cap is set, and there is no journal here to count in\n\
                hint: haco init\n";
    outside.run(&["haco-worker", "x"]).gives(5, "", said);
    assert!(server.asked().is_empty());
}

#[test]
fn the_report_says_what_left_the_machine_and_its_page_stands_alone() {
    let server = Ollama::saying(Reply::text(GREETS));
    let sandbox = paying(&server, json!({"ticket_usd": 20.0}));
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan("p", &[ticket("T-001", json!({}))])).gives(0, any(), any());
    approve(&sandbox);
    sandbox.run(&["haco", "report", "--egress"]).gives(0, "nothing left this machine\n", "");
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, any(), any());
    sandbox.run(&["haco-verify", "T-001"]).gives(0, any(), any());
    let said = sandbox.run(&["haco", "report", "--egress"]).gives(0, any(), "").stdout;
    let origin = format!("http://0.0.0.0:{}", server.host().rsplit(':').next().expect("a port"));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with(&format!("origin  {origin}  1 calls  ")), "{said}");
    assert!(lines[1].contains("T-001  worker") && lines[1].ends_with(" bytes: greet.sh 11"), "{said}");
    let report = sandbox.run(&["haco", "report", "--json"]).gives(0, any(), "").stdout;
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["cost"], &report["cost_usd"]), (&json!("estimated"), &json!(BILL)));
    assert_eq!(report["models"][0]["passed"]["n"], 1);
    assert_eq!(report["roles"][0]["name"], "worker");
    assert!(report["checks_ms"].as_u64().is_some_and(|ms| ms > 0), "{report}");
    sandbox.run(&["haco", "report", "--html", "report.html"]).gives(0, "report.html\n", "");
    let page = sandbox.read("report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg") && !page.contains("<script"));
    let csv = sandbox.run(&["haco", "report", "--csv"]).gives(0, any(), "").stdout;
    assert!(csv.contains("models,cloud,prompt_tokens,30\n") && csv.contains("report,,cost_usd,0.14\n"), "{csv}");
    sandbox.run(&["haco", "report", "--since", "2099-01-01", "--csv"]).gives(0, has("report,,attempts,1\n"), "");
    sandbox.run(&["haco", "report", "--since", "soon"]).gives(2, "", has("'soon' is no time"));
}

#[test]
fn a_server_of_ones_own_network_is_told_from_one_on_this_machine() {
    let server = Ollama::saying(Reply::text("echo hi\n"));
    let sandbox = initialised(&server);
    let port = server.host().rsplit(':').next().expect("a port");
    let origin = format!("http://0.0.0.0:{port}");
    let model = json!({"lan": {"provider": "ollama", "base_url": origin, "model": MODEL}});
    let config = |allowed: &[&str]| {
        json!({"models": model, "privacy": {"local_only": true, "allow_origins": allowed}}).to_string()
    };
    sandbox.write("../home/.config/haco/config.json", config(&[]));
    sandbox.run(&["haco-worker", "--model", "lan", "x"]).gives(78, "", has("privacy.local_only"));
    assert!(server.asked().is_empty());
    sandbox.write("../home/.config/haco/config.json", config(&[&origin]));
    sandbox.run(&["haco-worker", "--model", "lan", "x"]).gives(0, "echo hi\n", "");
    sandbox.run(&["haco-worker", "--model", MODEL, "x"]).gives(0, "echo hi\n", "");
    let said = sandbox.run(&["haco", "report", "--egress"]).gives(0, any(), "").stdout;
    assert!(said.starts_with(&format!("origin  {origin}  1 calls  ")) && said.lines().count() == 2, "{said}");
}

#[test]
fn what_the_record_speaks_for_is_a_diff_that_git_takes_and_nothing_is_written() {
    let server = Ollama::saying(Reply::text("I would rather not.\n"));
    let all: Vec<Value> = (1..=5).map(|n| ticket(&format!("T-00{n}"), json!({"depends_on": []}))).collect();
    let sandbox = initialised(&server);
    for (n, ticket) in all.iter().enumerate() {
        let plan = plan(&format!("p{n}"), std::slice::from_ref(ticket));
        sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
        sandbox.at_terminal(&["haco", "approve", &format!("p{n}")], &[("[y/N]", "y\n")]);
    }
    let before = sandbox.read(".haco/config.json");
    sandbox.run(&["haco", "calibrate"]).gives(0, has("0 drafts say too little"), has("speaks for no change"));
    for n in 1..=5 {
        let id = format!("T-00{n}");
        sandbox.run(&["haco-verify", "--baseline", &id]).gives(0, any(), any());
        for _ in 0..2 {
            sandbox.run(&["haco-worker", &id]).gives(0, any(), any());
            sandbox.run(&["haco-verify", &id]).gives(1, any(), any());
        }
    }
    let said = sandbox.run(&["haco", "calibrate"]).gives(0, any(), any()).stdout;
    assert!(said.contains("10 drafts, passed 0 of 10 (0 %, 0 to 28)"), "{said}");
    assert!(said.contains("diff --git a/.haco/config.json b/.haco/config.json"), "{said}");
    assert_eq!(sandbox.read(".haco/config.json"), before);
    sandbox.run(&["git", "apply", "-"]).stdin(said).gives(0, "", "");
    let config: Value = serde_json::from_str(&sandbox.read(".haco/config.json")).expect("JSON");
    assert_eq!(config["models"][MODEL]["retry_budget"], 0);
}
