//! What we send satisfies the official clients' own types: every request of a plan, a bare prompt and a warming, field by
//! field, with no field that a type does not know.

use crate::{
    cloud_clients::python,
    greeter::{self, MODEL, good_model},
    peers::cloud::{Cloud, KEY, MODEL as CLOUD_MODEL, Speaks},
    sandbox::Sandbox,
    want::any,
};
use serde_json::{Value, json};

/// The types are dictionaries that allow more than they name and read lists only when they are walked.
const JUDGE: &str = r#"
import json, sys, pydantic, typing_extensions
import ollama._types, openai.types.chat.completion_create_params, anthropic.types.message_create_params
strict = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
for module in [m for n, m in sys.modules.items() if n.startswith(("openai.types", "anthropic.types"))]:
    for value in list(vars(module).values()):
        if typing_extensions.is_typeddict(value):
            value.__pydantic_config__ = strict
class Chat(ollama._types.ChatRequest, extra="forbid"):
    pass
judge = pydantic.TypeAdapter({
    "openai": openai.types.chat.completion_create_params.CompletionCreateParamsStreaming,
    "anthropic": anthropic.types.message_create_params.MessageCreateParamsStreaming,
    "ollama": Chat}[sys.argv[1]])
def walk(value):
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, (str, bytes, int, float, type(None), pydantic.BaseModel)):
        return
    for part in value:
        walk(part)
def accepts(body):
    try:
        walk(judge.validate_python(body))
        return True
    except pydantic.ValidationError as error:
        print(error, file=sys.stderr)
        return False
bodies = json.load(sys.stdin)
assert bodies and all([accepts(body) for body in bodies])
assert not accepts({**bodies[0], "no_such_field": 1}) and not accepts({**bodies[0], "messages": 7})
print("accepted")
"#;

fn accepted(kind: &str, bodies: &[Value]) {
    let sandbox = Sandbox::without_repository();
    let bodies = json!(bodies).to_string();
    sandbox.run(&[python(), "-c", JUDGE, kind]).stdin(bodies).gives(0, "accepted\n", any());
}

/// A plan and a bare prompt, both answered by the same words.
fn asked_of(speaks: Speaks, provider: &str, path: &str) -> Vec<Value> {
    let plan = greeter::plan("greet", &[greeter::ticket("T-001", json!({}))]);
    let server = Cloud::saying(speaks, &plan);
    let mut sandbox = Sandbox::new();
    let base = format!("http://{}{path}", server.host());
    let options = json!({"metadata": {"user_id": "haco"}});
    let entry = json!({"provider": provider, "model": CLOUD_MODEL, "base_url": base, "key_env": "CLOUD_KEY", "options": options});
    sandbox.write("../home/.config/haco/config.json", json!({"models": {"cloud": entry}}).to_string());
    sandbox.set("CLOUD_KEY", KEY);
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    sandbox.run(&["haco-plan", "--model", "cloud", "greet people by name"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "--model", "cloud", "a"]).gives(0, any(), any());
    server.asked()
}

#[test]
fn openais_types_accept_what_we_send() {
    let asked = asked_of(Speaks::OpenAi, "openai", "/v1");
    let format = &asked[0]["response_format"];
    assert_eq!((&format["type"], &format["json_schema"]["strict"]), (&json!("json_schema"), &json!(true)));
    assert!(asked[1].get("response_format").is_none(), "code is asked for as plain text");
    accepted("openai", &asked);
}

#[test]
fn anthropics_types_accept_what_we_send() {
    let asked = asked_of(Speaks::Anthropic, "anthropic", "");
    assert_eq!(asked[0]["output_config"]["format"]["type"], "json_schema");
    let parts = asked[0]["messages"][0]["content"].as_array().expect("a part that is cached, and the rest");
    assert_eq!((&parts[0]["cache_control"]["type"], parts.len()), (&json!("ephemeral"), 2));
    assert!(parts[1]["text"].as_str().is_some_and(|rest| rest.len() < 100), "{parts:?}");
    assert_eq!(asked[1]["system"][0]["cache_control"]["type"], "ephemeral");
    accepted("anthropic", &asked);
}

#[test]
fn ollamas_types_accept_what_we_send() {
    let server = good_model();
    let mut sandbox = Sandbox::new();
    sandbox.set("OLLAMA_HOST", server.host());
    let options = json!({"keep_alive": "5m", "think": false, "seed": 7, "num_ctx": 4096});
    let entry = json!({"provider": "ollama", "model": MODEL, "options": options});
    let roles = json!({"tech_lead": ["lead"]});
    sandbox.write("../home/.config/haco/config.json", json!({"models": {"lead": entry}, "roles": roles}).to_string());
    sandbox.run(&["haco", "init"]).gives(0, any(), any());
    sandbox.run(&["haco-plan", "greet people by name"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "--model", "lead", "a"]).gives(0, any(), any());
    sandbox.run(&["haco-worker", "--warm", "--model", "lead"]).gives(0, any(), any());
    let mut asked: Vec<Value> = server.asked().into_iter().map(|question| question.body).collect();
    asked.extend(server.loads());
    assert_eq!(asked.len(), 3);
    assert_eq!((&asked[0]["keep_alive"], &asked[0]["think"]), (&json!("5m"), &json!(false)));
    assert_eq!(asked[0]["options"], json!({"seed": 7, "num_ctx": 4096}));
    assert_eq!((&asked[0]["format"]["type"], asked[1].get("format")), (&json!("object"), None));
    accepted("ollama", &asked);
}
