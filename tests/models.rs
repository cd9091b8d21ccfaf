//! haco models: what servers have, models that are loaded before they are needed, and one that is tried.

use crate::{
    greeter::{MODEL, drafted, good_model, ticket},
    peers::{
        cloud::{Cloud, KEY, MODEL as CLOUD_MODEL, Speaks},
        ollama::{Ollama, Reply},
    },
    sandbox::Sandbox,
    want::{any, has, json},
};
use serde_json::{Value, json};

/// A home with these models and roles, on this server.
fn home(server: &Ollama, models: Value, roles: Value) -> Sandbox {
    let mut sandbox = Sandbox::without_repository();
    sandbox.set("OLLAMA_HOST", server.host());
    sandbox.write("../home/.config/haco/config.json", json!({"models": models, "roles": roles}).to_string());
    sandbox
}

fn of<'a>(said: &'a Value, name: &str) -> &'a Value {
    let models = said["models"].as_array().expect("models");
    models.iter().find(|model| model["name"] == name).unwrap_or_else(|| panic!("no '{name}' in {said}"))
}

#[test]
fn every_configured_model_is_shown_with_what_its_server_says() {
    let server = good_model();
    let models = json!({
        "qwen": {"model": MODEL},
        "gone": {"model": "none:7b"},
        "agent": {"provider": "command", "command": ["no-such-program"]},
        "shell": {"provider": "command", "command": ["sh"]},
    });
    let sandbox = home(&server, models, json!({"worker": ["qwen"], "auditor": ["judge:1b"]}));
    let told = |said: &Value| {
        let qwen = of(said, "qwen");
        assert_eq!(
            (&qwen["listed"], &qwen["loaded"], &qwen["roles"]),
            (&json!(true), &json!(false), &json!(["worker"]))
        );
        assert_eq!((&qwen["window"], &qwen["digest"], &qwen["paid"]), (&json!(32768), &json!("ab"), &json!(false)));
        assert_eq!(of(said, "judge:1b")["roles"], json!(["auditor"]));
        assert_eq!((&of(said, "gone")["code"], &of(said, "gone")["listed"]), (&json!("model_missing"), &Value::Null));
        assert_eq!(
            (&of(said, "agent")["code"], &of(said, "shell")["listed"]),
            (&json!("command_failed"), &json!(true))
        );
        assert_eq!(said["servers"].as_array().map(Vec::len), Some(1), "one question a server: {said}");
        true
    };
    sandbox.run(&["haco", "models", "--json"]).gives(69, json(told), has("ollama pull none:7b"));
    let table = sandbox.run(&["haco", "models"]).gives(69, has("window 32768"), has("'no-such-program'")).stdout;
    let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{table}"));
    assert!(line("gone").contains("model_missing") && line("qwen").contains("free"), "{table}");
}

#[test]
fn a_server_that_is_away_hides_no_other() {
    let server = good_model();
    let away = json!({"provider": "openai", "model": "x", "base_url": "http://127.0.0.1:1/v1"});
    let sandbox = home(&server, json!({"qwen": {"model": MODEL}, "away": away}), json!({"worker": ["qwen"]}));
    let told = |said: &Value| {
        of(said, "qwen")["listed"] == true && of(said, "away")["code"] == "connection_refused" && said["ok"] == false
    };
    sandbox.run(&["haco", "models", "--json"]).gives(69, json(told), has("model 'x' at 'http://127.0.0.1:1'"));
}

#[test]
fn the_speed_is_that_of_the_latest_recorded_reply() {
    let server = good_model();
    let sandbox = drafted(&server, &[ticket("T-001", json!({}))]);
    let told = |said: &Value| of(said, MODEL)["tokens_per_sec"].as_u64().is_some_and(|speed| speed > 0);
    sandbox.run(&["haco", "models", "--json"]).gives(0, json(told), "");
}

#[test]
fn warming_loads_every_routed_model_once_and_the_worker_its_own() {
    let server = good_model();
    let cloud = json!({"provider": "openai", "model": "x", "base_url": "http://127.0.0.1:1/v1"});
    let models = json!({"qwen": {"model": MODEL, "options": {"num_ctx": 4096, "keep_alive": "1h"}}, "cloud": cloud});
    let roles = json!({"tech_lead": ["cloud"], "worker": ["qwen", "judge:1b"], "auditor": ["judge:1b", "human"]});
    let sandbox = home(&server, models, roles);
    sandbox.run(&["haco", "models", "warm"]).gives(0, "judge:1b\nqwen\n", has("'cloud' needs no loading"));
    sandbox.run(&["haco-worker", "--warm"]).gives(0, any(), any());
    let asked = server.loads();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|body| body["messages"] == json!([])), "{asked:?}");
    assert_eq!((&asked[1], &asked[1]["options"]["num_ctx"]), (&asked[2], &json!(4096)), "the same request");
    sandbox.run(&["haco", "models", "warm", "none:1b", "qwen"]).gives(69, "qwen\n", has("ollama pull none:1b"));
}

#[test]
fn one_tiny_call_says_that_a_model_answers() {
    let server = Ollama::saying(Reply::text("ready"));
    let sandbox = home(&server, json!({"qwen": {"model": MODEL}}), json!({}));
    let said = "asking 'qwen2.5-coder:32b' at '[..]'\n'qwen' answers as 'qwen2.5-coder:32b' in [..] s: 30 tokens of prompt, 20 of reply\n";
    sandbox.run(&["haco", "models", "test", "qwen"]).gives(0, "qwen\n", said);
    assert_eq!(server.asked()[0].body["options"]["num_predict"], 64);
    let cut = Ollama::saying(Reply::Whole("rea".to_owned(), "length"));
    let sandbox = home(&cut, json!({}), json!({}));
    sandbox.run(&["haco", "models", "test", MODEL]).gives(0, any(), any());
}

#[test]
fn what_is_wrong_with_a_model_is_said_in_words() {
    let server = Cloud::saying(Speaks::Anthropic, "ready");
    let entry = |model: &str, key: &str| json!({"provider": "anthropic", "model": model, "key_env": key, "base_url": format!("http://{}", server.host())});
    let models = json!({"good": entry(CLOUD_MODEL, "RIGHT"), "typo": entry("claude-none", "RIGHT"),
                        "stranger": entry(CLOUD_MODEL, "WRONG"), "keyless": entry(CLOUD_MODEL, "NONE")});
    let mut sandbox = home(&good_model(), models, json!({}));
    sandbox.set("RIGHT", KEY).set("WRONG", "sk-wrong-0123456789");
    sandbox.run(&["haco", "models", "test", "good"]).gives(0, "good\n", any());
    let cases = [
        ("typo", 69, "the server does not have the model"),
        ("stranger", 78, "the key is not known there"),
        ("keyless", 78, "the variable 'NONE' holds no key"),
        ("supervisor", 2, "'supervisor' is no model that could answer"),
    ];
    for (name, status, why) in cases {
        let done = sandbox.run(&["haco", "models", "test", name]).gives(status, "", has(why));
        assert!(done.stderr.contains("hint: ") && !done.stderr.contains("sk-"), "{}", done.stderr);
    }
}
