//! The official Python client judges the model server of the tests: what it accepts is the protocol.

use crate::{
    greeter::MODEL,
    peers::ollama::{Ollama, Reply},
    sandbox::Sandbox,
};

const SCRIPT: &str = r#"
import sys, ollama
client, model = ollama.Client(host="http://" + sys.argv[1]), sys.argv[2]
assert model in [m.model for m in client.list().models]
assert client.show(model).capabilities == ["completion"]
ask = dict(model=model, messages=[{"role": "user", "content": "hi"}])
whole = client.chat(**ask)
assert (whole.message.content, whole.done_reason, whole.prompt_eval_count) == ("hello", "stop", 30), whole
parts = list(client.chat(**ask, stream=True))
assert "".join(p.message.content for p in parts) == "hello" and parts[-1].done and not parts[0].done
assert client.generate(model=model, prompt="hi").response == "hello"
assert client.chat(model=model, messages=[]).done_reason == "load"
try:
    client.chat(model="none", messages=ask["messages"])
except ollama.ResponseError as error:
    assert error.status_code == 404 and "none" in error.error
else:
    raise AssertionError("a model that is not there answered")
print("accepted")
"#;

#[test]
fn the_official_client_accepts_the_model_server() {
    let server = Ollama::saying(Reply::text("hello"));
    let python = concat!(env!("CARGO_TARGET_TMPDIR"), "/venv/bin/python");
    assert!(std::path::Path::new(python).exists(), "{python} is not there: run tests/run, which makes it");
    let sandbox = Sandbox::without_repository();
    sandbox.run(&[python, "-c", SCRIPT, server.host(), MODEL]).gives(0, "accepted\n", "");
    let asked = server.asked();
    assert_eq!(asked.len(), 3, "{:?}", asked.iter().map(|q| &q.prompt).collect::<Vec<_>>());
}
