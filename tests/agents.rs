//! Models that are programs: what they print is understood, an error inside is an error, and the walls hold.

use crate::{
    sandbox::Sandbox,
    want::{any, has, json},
};
use serde_json::{Value, json};

/// A home whose only model is this script; `entry` says the rest.
fn agent(script: &str, entry: Value) -> Sandbox {
    let sandbox = Sandbox::without_repository();
    let mut model = json!({"provider": "command", "command": ["sh", "-c", script, "agent", "{prompt_file}"]});
    for (name, value) in entry.as_object().expect("an object") {
        model[name] = value.clone();
    }
    sandbox.write("../home/.config/haco/config.json", json!({"models": {"agent": model}}).to_string());
    sandbox
}

const ASK: [&str; 5] = ["haco-worker", "--json", "--model", "agent", "say hi"];

/// Prints `lines`, and then `status`.
fn prints(lines: &str, status: u8) -> String {
    format!("cat <<'EOF'\n{lines}\nEOF\nexit {status}")
}

#[test]
fn each_form_is_read_with_tokens_and_money() {
    let usage = r#""usage":{"input_tokens":30,"output_tokens":20,"prompt_tokens":30,"completion_tokens":20}"#;
    let claude = format!(
        r#"{{"type":"result","subtype":"success","is_error":false,"result":"hi","total_cost_usd":0.5,{usage}}}"#
    );
    let codex = format!(
        "{}\n{{\"type\":\"turn.completed\",{usage}}}",
        r#"{"type":"item.completed","item":{"type":"agent_message","text":"hi"}}"#
    );
    let gemini = r#"{"response":"hi","stats":{"models":{"g":{"tokens":{"prompt":30,"candidates":20}}}}}"#;
    let ndjson = format!("{}\n{{\"done\":true,\"cost_usd\":0.5,{usage}}}", r#"{"text":"hi"}"#);
    let cases = [
        ("claude-json", claude.as_str(), true),
        ("codex-jsonl", &codex, false),
        ("gemini-json", gemini, false),
        ("ndjson", &ndjson, true),
    ];
    for (output, printed, has_cost) in cases {
        let sandbox = agent(&prints(printed, 0), json!({"output": output, "net": "host"}));
        let told = |v: &Value| {
            let usage = &v["usage"];
            v["output"].as_str().map(str::trim) == Some("hi")
                && (usage["prompt_tokens"] == 30 && usage["completion_tokens"] == 20)
                && (!has_cost || usage["cost_usd"] == 0.5 && usage["cost"] == "actual")
        };
        sandbox.run(&ASK).gives(0, json(told), any());
    }
}

#[test]
fn an_error_inside_is_an_error_also_with_status_zero() {
    let printed = r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 401"}"#;
    for (status, told) in [(0, "command 'agent': it says: API Error: 401"), (3, "ended with status 3: ")] {
        let sandbox = agent(&prints(printed, status), json!({"output": "claude-json"}));
        sandbox.run(&ASK).gives(69, json(|v| v["code"] == "command_failed" && v["ok"] == false), has(told));
        sandbox.run(&ASK).gives(69, any(), has("API Error: 401"));
    }
}

#[test]
fn output_without_its_end_is_truncated_and_text_of_another_form_is_a_bad_reply() {
    let half = r#"{"type":"item.completed","item":{"type":"agent_message","text":"hi"}}"#;
    let sandbox = agent(&prints(half, 0), json!({"output": "codex-jsonl"}));
    sandbox.run(&ASK).gives(69, json(|v| v["code"] == "truncated" && v["output"] == ""), any());
    let sandbox = agent(&prints("hi", 0), json!({"output": "gemini-json"}));
    sandbox.run(&ASK).gives(69, json(|v| v["code"] == "bad_reply"), has("hint: set 'output' of the model"));
}

#[test]
fn the_prompt_is_in_the_file_that_a_word_names_or_else_on_stdin() {
    let sandbox = agent("tail -n1 \"$1\"; wc -c", json!({}));
    sandbox.run(&ASK).gives(0, json(|v| v["output"].as_str().is_some_and(|o| o.trim() == "say hi0")), any());
    let sandbox = agent("", json!({"command": ["tail", "-n1"]}));
    sandbox.run(&ASK).gives(0, json(|v| v["output"].as_str().map(str::trim) == Some("say hi")), any());
}

#[test]
fn a_program_writes_nowhere_and_is_killed_when_its_time_is_over() {
    let sandbox = agent("touch \"$HOME/mine\"; echo tried", json!({}));
    sandbox.run(&ASK).gives(0, json(|v| v["output"].as_str().map(str::trim) == Some("tried")), any());
    assert!(!sandbox.path("../home/mine").exists());
    let sandbox = agent("sleep 60", json!({"timeout_sec": 1}));
    sandbox.run(&ASK).gives(69, json(|v| v["code"] == "total_timeout"), has("took longer than 1 s"));
}

#[test]
fn a_program_that_prints_too_much_gives_no_draft() {
    let sandbox = agent("head -c 17000000 /dev/zero | tr '\\0' a", json!({}));
    sandbox.run(&ASK).gives(69, json(|v| v["code"] == "too_large" && v["output"] == ""), any());
}
