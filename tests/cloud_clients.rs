//! The official Python clients of OpenAI and Anthropic judge the model servers of the tests; and what those servers say,
//! `haco-worker` understands.

use crate::{
    peers::cloud::{Cloud, KEY, MODEL, Speaks},
    sandbox::Sandbox,
    want::{any, json},
};
use serde_json::json;

const OPENAI: &str = r#"
import sys, openai
client = openai.OpenAI(base_url="http://" + sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0)
ask = dict(model=sys.argv[3], messages=[{"role": "user", "content": "hi"}])
whole = client.chat.completions.create(**ask)
choice = whole.choices[0]
assert (choice.message.content, choice.finish_reason, whole.usage.prompt_tokens) == ("hello there", "stop", 30), whole
chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "hello there", chunks
assert chunks[-1].usage.completion_tokens == 20 and chunks[-1].choices == [] and len(chunks) > 4, chunks
for wrong, code in (({"model": "none"}, 404), ({"extra_headers": {"authorization": "Bearer x"}}, 401)):
    try:
        client.chat.completions.create(**{**ask, **wrong})
    except openai.APIStatusError as error:
        assert error.status_code == code and error.body["message"], error
    else:
        raise AssertionError(wrong)
print("accepted")
"#;

const ANTHROPIC: &str = r#"
import sys, anthropic
client = anthropic.Anthropic(base_url="http://" + sys.argv[1], api_key=sys.argv[2], max_retries=0)
ask = dict(model=sys.argv[3], max_tokens=9, messages=[{"role": "user", "content": "hi"}])
whole = client.messages.create(**ask)
assert (whole.content[0].text, whole.stop_reason, whole.usage.input_tokens) == ("hello there", "end_turn", 10), whole
with client.messages.stream(**ask) as stream:
    assert "".join(stream.text_stream) == "hello there"
    last = stream.get_final_message()
assert (last.stop_reason, last.usage.output_tokens, last.usage.cache_creation_input_tokens) == ("end_turn", 20, 20), last
for wrong, code in (({"model": "none"}, 404), ({"extra_headers": {"authorization": "Bearer x"}}, 401)):
    try:
        client.messages.create(**{**ask, **wrong})
    except anthropic.APIStatusError as error:
        assert error.status_code == code and error.body["error"]["message"], error
    else:
        raise AssertionError(wrong)
print("accepted")
"#;

/// The interpreter that has the official clients.
pub fn python() -> &'static str {
    let python = concat!(env!("CARGO_TARGET_TMPDIR"), "/venv/bin/python");
    assert!(std::path::Path::new(python).exists(), "{python} is not there: run tests/run, which makes it");
    python
}

fn accepted(speaks: Speaks, script: &str) {
    let server = Cloud::saying(speaks, "hello there");
    let sandbox = Sandbox::without_repository();
    sandbox.run(&[python(), "-c", script, server.host(), KEY, MODEL]).gives(0, "accepted\n", any());
    assert_eq!(server.asked().len(), 2, "{:?}", server.asked());
}

#[test]
fn openais_client_accepts_the_model_server() {
    accepted(Speaks::OpenAi, OPENAI);
}

#[test]
fn anthropics_client_accepts_the_model_server() {
    accepted(Speaks::Anthropic, ANTHROPIC);
}

#[test]
fn the_worker_understands_both_streams() {
    for (speaks, provider, path) in [(Speaks::OpenAi, "openai", "/v1"), (Speaks::Anthropic, "anthropic", "")] {
        let server = Cloud::saying(speaks, "hello there");
        let mut sandbox = Sandbox::without_repository();
        let base = format!("http://{}{path}", server.host());
        let entry = json!({"provider": provider, "model": MODEL, "base_url": base, "key_env": "CLOUD_KEY"});
        sandbox.write("../home/.config/haco/config.json", json!({"models": {"cloud": entry}}).to_string());
        sandbox.set("CLOUD_KEY", KEY);
        let told = |v: &serde_json::Value| {
            v["output"].as_str().map(str::trim) == Some("hello there")
                && v["usage"]["prompt_tokens"] == 30
                && v["usage"]["completion_tokens"] == 20
        };
        sandbox.run(&["haco-worker", "--json", "--model", "cloud", "a"]).gives(0, json(told), any());
        assert_eq!(server.asked()[0]["stream"], true);
    }
}
