//! haco-worker: a prompt becomes an artifact, a ticket a draft.

use crate::{
    greeter::{self, MODEL, approved, drafted, initialised, ticket},
    peers::ollama::{Ollama, Reply},
    sandbox::Sandbox,
    want::{any, has, json, like},
};
use serde_json::json;
use std::time::Duration;

const TALK: &str = "Sure! Here it is:\n\n```sh\necho hi\n```\n\nLet me know if it helps.\n";

/// Nothing but a HOME and a server: the bridge needs no repository.
fn bridge(server: &Ollama) -> Sandbox {
    let mut sandbox = Sandbox::without_repository();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox
}

#[test]
fn a_bare_prompt_gives_the_artifact_alone() {
    let server = Ollama::saying(Reply::text(TALK));
    let sandbox = bridge(&server);
    sandbox.run(&["haco-worker", "a script that says hi"]).gives(0, "echo hi\n", "");
    sandbox.run(&["haco-worker"]).stdin("a script that says hi\nplease").gives(0, "echo hi\n", "");
    sandbox.run(&["haco-worker", "--prompt", "T-001"]).gives(0, "echo hi\n", "");
    sandbox.run(&["haco-worker", "--raw", "a script"]).gives(0, TALK, "");
    let asked = server.asked();
    assert!(asked.iter().all(|q| q.model == MODEL && q.body["stream"] == true), "{asked:?}");
    assert!(asked[0].prompt.contains("a script that says hi"));
    assert!(asked[0].prompt.len() > "a script that says hi".len(), "a worker's preamble is sent");
}

#[test]
fn thinking_is_not_part_of_the_artifact() {
    let server = Ollama::saying(Reply::text("<think>\nhm ```sh\nno\n```\n</think>\necho hi\n"));
    bridge(&server).run(&["haco-worker", "a script"]).gives(0, "echo hi\n", "");
}

#[test]
fn several_files_keep_their_fences() {
    let text = "a.sh\n```sh\necho a\n```\n\nb.sh\n```sh\necho b\n```\n";
    let server = Ollama::saying(Reply::text(text));
    bridge(&server).run(&["haco-worker", "two files"]).gives(0, text, "");
}

#[test]
fn the_model_is_the_option_then_the_variable_then_the_default() {
    let server = Ollama::with_models(&[MODEL, "one:1b", "two:1b"], |_| Reply::text("x"));
    let mut sandbox = bridge(&server);
    sandbox.set("HACO_WORKER_MODEL", "one:1b");
    sandbox.run(&["haco-worker", "a"]).gives(0, "x\n", "");
    sandbox.run(&["haco-worker", "--model", "two:1b", "a"]).gives(0, "x\n", "");
    sandbox.unset("HACO_WORKER_MODEL");
    sandbox.run(&["haco-worker", "a"]).gives(0, "x\n", "");
    let models: Vec<String> = server.asked().into_iter().map(|q| q.model).collect();
    assert_eq!(models, ["one:1b", "two:1b", MODEL]);
}

#[test]
fn a_missing_model_fails_at_once_and_says_how_to_get_it() {
    let server = Ollama::with_models(&[], |_| Reply::text("x"));
    let sandbox = bridge(&server);
    let said = format!("haco-worker: [..]'{MODEL}'[..]\nhint: ollama pull {MODEL}\n");
    sandbox.run(&["haco-worker", "a"]).gives(69, "", said);
    assert!(server.asked().is_empty(), "and no other model is asked");
}

#[test]
fn the_service_contract_holds_in_both_cases() {
    let server = Ollama::saying(Reply::text(TALK));
    let sandbox = bridge(&server);
    let good = |v: &serde_json::Value| {
        v["ok"] == true
            && v["output"] == "echo hi\n"
            && v["model"] == MODEL
            && v.get("error").is_none()
            && v["schema_version"] == 1
            && v["usage"]["prompt_tokens"] == 30
            && v["timing_ms"].is_u64()
    };
    sandbox.run(&["haco-worker", "--json", "a"]).gives(0, json(good), "");
    sandbox.run(&["haco-worker", "--json"]).stdin("{\"prompt\": \"a\"}").gives(0, json(good), "");
    let request = json!({"prompt": "a", "model": "none:1b"}).to_string();
    let bad = |v: &serde_json::Value| {
        v["ok"] == false
            && v["output"] == ""
            && v["error"].is_string()
            && v["code"] == "model_missing"
            && v["fix"] == "ollama pull none:1b"
            && v["model"] == "none:1b"
    };
    sandbox.run(&["haco-worker", "--json"]).stdin(request).gives(69, json(bad), any());
}

#[test]
fn a_server_that_is_away_or_breaks_off_is_unavailable() {
    let mut sandbox = Sandbox::without_repository();
    sandbox.run(&["haco-worker", "a"]).gives(69, "", "haco-worker: [..]\n...\n");
    for reply in [Reply::Drop, Reply::Half("echo".repeat(999)), Reply::Raw(b"<html>".to_vec()), Reply::Raw(vec![])] {
        let server = Ollama::saying(reply.clone());
        sandbox.set("OLLAMA_HOST", server.host());
        let done = sandbox.run(&["haco-worker", "a"]).gives(69, "", any());
        assert!(done.stderr.starts_with("haco-worker: "), "{reply:?}: {done:?}");
    }
    let server = Ollama::saying(Reply::Refused(500, "out of memory".to_owned()));
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.run(&["haco-worker", "a"]).gives(69, "", has("out of memory"));
}

#[test]
fn the_text_is_seen_with_v_while_it_comes_and_steers_no_screen() {
    let server = Ollama::saying(Reply::text("fn a() {}\n\u{1b}[2Jfn b() {}"));
    let done = bridge(&server).run(&["haco-worker", "-v", "a"]).gives(0, any(), any());
    let told: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(told[told.len() - 2..], ["fn a() {}", "\\u{1b}[2Jfn b() {}"], "{done:?}");
    let done = bridge(&server).run(&["haco-worker", "a"]).gives(0, any(), any());
    assert!(!done.stderr.contains("fn a"), "{done:?}");
}

#[test]
fn a_reply_that_is_no_artifact_is_a_no() {
    for (reply, code) in [
        (Reply::text("  \n"), "empty_reply"),
        (Reply::text("<think>for ever"), "empty_reply"),
        (Reply::Whole("half of".to_owned(), "length"), "length"),
    ] {
        let server = Ollama::saying(reply);
        bridge(&server).run(&["haco-worker", "--json", "a"]).gives(
            1,
            json(|v| v["code"] == code && v["output"] == ""),
            any(),
        );
    }
}

#[test]
fn a_slow_model_is_waited_for_and_a_silent_one_is_not() {
    let slow = |by| Ollama::saying(Reply::slow(Duration::from_millis(by), Reply::text("echo hi")));
    bridge(&slow(1500)).run(&["haco-worker", "a"]).gives(0, "echo hi\n", "");
    let server = slow(60_000);
    let sandbox = bridge(&server);
    sandbox
        .write("../home/.config/haco/config.json", json!({"http": {"total_timeout_sec": 1, "retries": 0}}).to_string());
    sandbox.run(&["haco-worker", "--json", "a"]).gives(
        69,
        json(|v| v["code"].as_str().is_some_and(|c| c.ends_with("timeout"))),
        any(),
    );
}

#[test]
fn warming_loads_the_model_and_asks_nothing() {
    let server = Ollama::saying(Reply::Drop);
    bridge(&server).run(&["haco-worker", "--warm"]).gives(0, any(), any());
    assert!(server.asked().is_empty());
}

#[test]
fn a_ticket_gets_one_draft_with_prompt_reply_and_call_kept() {
    let server = greeter::good_model();
    let sandbox = drafted(&server, &[ticket("T-001", json!({}))]);
    let kept = |name: &str| sandbox.read(&format!(".haco/drafts/T-001/1/0-worker/{name}"));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].prompt.ends_with(&kept("prompt.md")) || asked[0].prompt == kept("prompt.md"));
    assert!(kept("reply.md").contains("hello, ${1:-world}"));
    let call: serde_json::Value = serde_json::from_str(&kept("call.json")).expect("JSON");
    assert_eq!(call["usage"]["completion_tokens"], 20);
    let confined = json!({"layers": ["landlock", "seccomp"], "without": [], "net": "model", "home": []});
    assert_eq!(call["confined"], confined);
    for part in ["greet.sh NAME prints", "echo hello", "DATA", "test \\\"$(sh greet.sh Ada)", "greet.sh Ada prints"] {
        assert!(kept("prompt.md").contains(&part.replace('\\', "")), "no '{part}' in the prompt");
    }
    assert_eq!(sandbox.read("greet.sh"), "echo hello\n", "the worker writes no file");
    assert_eq!(greeter::status(&sandbox, "T-001"), "testing");
}

#[test]
fn code_comes_from_the_base_and_not_from_the_worktree() {
    let server = greeter::good_model();
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    sandbox.write("greet.sh", "echo dirty\n");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let prompt = &server.asked()[0].prompt;
    assert!(prompt.contains("echo hello") && !prompt.contains("dirty"), "{prompt}");
    assert_eq!(sandbox.read("greet.sh"), "echo dirty\n");
}

#[test]
fn a_model_that_is_away_costs_no_try() {
    let server = greeter::good_model();
    let sandbox = approved(&server, &[ticket("T-001", json!({}))]);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, "T-001\n", any());
    let host = server.host().to_owned();
    drop(server);
    for _ in 0..5 {
        sandbox.run(&["haco-worker", "T-001"]).gives(69, "", "...\nhaco-worker: [..]\nhint: ollama serve\n");
    }
    let _server = Ollama::back_at(&host, greeter::answer);
    assert_eq!(greeter::status(&sandbox, "T-001"), "ready");
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
}

#[test]
fn ids_are_never_prompts_and_prompts_never_ids() {
    let server = Ollama::saying(Reply::text("x"));
    let sandbox = initialised(&server);
    sandbox.run(&["haco-worker", "T-001"]).gives(2, "", has("T-001"));
    sandbox.run(&["haco-worker"]).stdin("T-001\nT-002\n").gives(2, "", has("T-001"));
    assert!(server.asked().is_empty());
    sandbox.run(&["haco-worker", "T-01"]).gives(0, "x\n", "");
}

#[test]
fn nothing_on_stdin_is_no_prompt() {
    let server = Ollama::saying(Reply::text("x"));
    let said = like("one clear line", |text| text.starts_with("haco-worker: "));
    let done = bridge(&server).run(&["haco-worker"]).done();
    assert!(matches!(done.status, 1 | 2) && done.stdout.is_empty(), "{done:?}");
    assert!(said.misses(&done.stderr).is_none() && server.asked().is_empty());
}

/// A repository whose `big.py` has 400 functions, with a ticket that speaks of one of them.
fn with_a_long_file(server: &Ollama, num_ctx: u64) -> Sandbox {
    let sandbox = initialised(server);
    let model = |num_ctx: u64| json!({"provider": "ollama", "model": MODEL, "options": {"num_ctx": num_ctx}});
    let config =
        json!({"models": {"small": model(num_ctx), "wide": model(32768)}, "roles": {"worker": ["small", "wide"]}});
    sandbox.write(".haco/config.json", config.to_string());
    let function = |n| format!("def handle_{n}(order):\n    return order.total * {n}\n\n");
    sandbox.write("big.py", (1..=400).map(function).collect::<String>());
    sandbox.write("shop.py", "import tax\nfrom big import handle_7\n\ndef pay(order):\n    return tax.of(order)\n");
    sandbox.write("tax.py", "RATE = 1\n\ndef of(order):\n    return RATE\n").commit("a shop");
    let context = json!({"files": [{"path": "big.py", "reason": "its callers"}]});
    let of_shop = json!({
        "task": {"description": "`pay` adds what `handle_200` gives.", "target_files": ["shop.py"]}, "context": context,
        "definition_of_done": {"tests": [{"command": "grep -q handle_200 shop.py"}]}
    });
    let plan = greeter::plan("greetings", &[ticket("T-001", of_shop)]);
    sandbox.run(&["haco-plan", "--from", "-"]).stdin(plan).gives(0, any(), any());
    greeter::approve(&sandbox);
    sandbox.run(&["haco-verify", "--baseline", "T-001"]).gives(0, any(), any());
    sandbox
}

const SHOP: &str = "shop.py\n```python\nfrom big import handle_200\n```\n";

#[test]
fn a_prompt_holds_what_its_files_import() {
    let server = Ollama::saying(Reply::text(SHOP));
    let sandbox = with_a_long_file(&server, 32768);
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let prompt = sandbox.read(".haco/drafts/T-001/1/0-worker/prompt.md");
    for part in ["`tax.py` is for reading only ('shop.py' uses it)", "def of(order):", "def handle_400(order)"] {
        assert!(prompt.contains(part), "{part}: {prompt}");
    }
    assert!(greeter::stored(&sandbox, "T-001")["attempts"][0]["steps"][0].get("left_out").is_none());
}

#[test]
fn a_long_file_is_cut_to_what_the_ticket_speaks_of() {
    let server = Ollama::saying(Reply::text(SHOP));
    let sandbox = with_a_long_file(&server, 4096);
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    let prompt = sandbox.read(".haco/drafts/T-001/1/0-worker/prompt.md");
    assert!(prompt.contains("def handle_200(order):\n") && !prompt.contains("def handle_300"), "{prompt}");
    assert!(prompt.contains("- `big.py` (there is no room for it)"), "{prompt}");
    let left_out = greeter::stored(&sandbox, "T-001")["attempts"][0]["steps"][0]["left_out"].clone();
    let kept = left_out.as_array().and_then(|all| all.iter().find(|l| l["path"] == "big.py"));
    assert_eq!(kept.map(|l| &l["kept"]), Some(&json!("1-12, 583-613, of 1200")), "{left_out}");
    sandbox.run(&["haco", "show", "T-001"]).gives(0, has("  not in its prompt: "), "");
    let call: serde_json::Value =
        serde_json::from_str(&sandbox.read(".haco/drafts/T-001/1/0-worker/call.json")).expect("one object");
    assert_eq!(call["context"]["window"], 4096);
    assert!(call["context"]["estimate_tokens"].as_u64().is_some_and(|tokens| tokens <= 2048), "{call}");
}

#[test]
fn a_prompt_that_fits_no_window_is_not_sent_and_one_that_fits_the_next_goes_there() {
    let server = Ollama::saying(Reply::text(SHOP));
    let sandbox = with_a_long_file(&server, 700);
    let named = ["haco-worker", "--model", "small", "T-001"];
    sandbox.run(&named).gives(69, "", has("T-001: model 'small': the prompt is about"));
    assert!(server.asked().is_empty());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", has("asking 'wide'"));
    assert_eq!(server.asked()[0].body["options"]["num_ctx"], 32768);
    assert_eq!(greeter::stored(&sandbox, "T-001")["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_server_that_cut_the_prompt_costs_no_try_and_the_next_prompt_fits_it() {
    let cut = |question: &crate::peers::ollama::Question| {
        let message = json!({"role": "assistant", "content": SHOP});
        let tokens = (question.prompt.len() as u64 / 4).min(2048);
        let end = json!({"model": question.model, "message": message, "done": true, "done_reason": "stop",
                         "prompt_eval_count": tokens, "eval_count": 20});
        Reply::Raw(end.to_string().into_bytes())
    };
    let server = Ollama::start(cut);
    let sandbox = with_a_long_file(&server, 32768);
    sandbox.run(&["haco-worker", "T-001"]).gives(69, "", has("the server cut the prompt"));
    assert_eq!(greeter::records(&sandbox, "T-001")[0], 0, "it is not the model's failure");
    assert_eq!(sandbox.read(".haco/drafts/T-001/1/failed-1/prompt.md").len(), server.asked()[0].prompt.len());
    sandbox.run(&["haco-worker", "T-001"]).gives(0, "T-001\n", any());
    assert!(server.asked()[1].prompt.len() < 2048 * 4, "{}", server.asked()[1].prompt.len());
}
