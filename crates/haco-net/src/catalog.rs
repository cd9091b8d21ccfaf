//! What a server has: its models, which of them it holds loaded, how many tokens they see, and which weights they are. Every
//! protocol says a part of it, and every server in words of its own; what nobody says is not there.
//!
//! ```text
//! Ollama     GET /api/tags, GET /api/ps, POST /api/show    digest; loaded, its window; the model's window
//! OpenAI     GET /v1/models                                llama.cpp: meta.n_ctx; vLLM: max_model_len; OpenRouter,
//!                                                          Together: context_length; Groq: context_window
//!            GET /api/v0/models                            LM Studio: state, loaded_context_length
//! Anthropic  GET /v1/models                                max_input_tokens
//! ```

use haco_core::code::{Code, Failure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

use crate::ask::read_whole;
use crate::azure;
use crate::endpoint::{Endpoint, Provider};
use crate::failed::{Failed, shown};
use crate::http::Answer;
use crate::reply::answer_object;
use crate::request::Request;
use crate::window;

/// A server is asked one by one about no more models than these.
const MOST_SHOWN: usize = 32;
/// Nobody waits longer for a list.
const PATIENCE: Duration = Duration::from_secs(10);

/// One model of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// As the server names it, on one line.
    pub name: String,
    /// Whether it is in the server's memory; `None` where the server does not say, or has no such thing.
    pub loaded: Option<bool>,
    /// How many tokens it sees: as it is loaded, else the most that it was made for.
    pub window: Option<u64>,
    /// Which weights these are.
    pub digest: Option<String>,
}

/// Every model of the server, in its order; each question is asked once and shortly.
pub fn catalog(endpoint: &Endpoint) -> Result<Vec<Listed>, Failure> {
    let mut short = endpoint.clone();
    short.time.retries = 0;
    short.time.total = short.time.total.min(PATIENCE);
    let get = |path| Request { path, body: None };
    let mut all = read_whole(&short, &Request::models(&short), |answer| read(&short, answer))?;
    let more = |request: &Request| read_whole(&short, request, |answer| read(&short, answer)).unwrap_or_default();
    match short.provider {
        Provider::Ollama => {
            unite(&mut all, more(&get("/api/ps")));
            for model in all.iter_mut().take(MOST_SHOWN).filter(|model| model.window.is_none()) {
                let of = Endpoint { model: model.name.clone(), ..short.clone() };
                let told = read_whole(&of, &window::show(&of), |answer| window::window(&of, answer));
                model.window = told.ok().flatten();
            }
            all.iter_mut().for_each(|model| model.loaded = model.loaded.or(Some(false)));
        }
        // LM Studio says more in a list of its own; it speaks no TLS.
        Provider::OpenAi if !short.base_url.is_https() && all.iter().all(|m| m.window.is_none()) => {
            if !azure::is_azure(&short) {
                unite(&mut all, more(&get("/api/v0/models")));
            }
        }
        Provider::OpenAi | Provider::Anthropic => {}
    }
    Ok(all)
}

/// The model of a list that this name means; for Ollama a bare name means `:latest`, Gemini's bridge puts `models/` before
/// every name, and llama.cpp names the file that it was started with, by its path.
pub fn find<'a>(provider: Provider, all: &'a [Listed], name: &str) -> Option<&'a Listed> {
    let latest = format!("{name}:latest");
    all.iter().find(|model| {
        let bare = model.name.strip_prefix("models/").unwrap_or(&model.name);
        let file = model.name.strip_prefix('/').and_then(|path| path.rsplit('/').next());
        model.name == name
            || provider != Provider::Ollama && (bare == name || file == Some(name))
            || provider == Provider::Ollama && !name.contains(':') && model.name == latest
    })
}

/// Adds what `told` knows to the models of the same name; models that are new there are not listed twice.
fn unite(all: &mut Vec<Listed>, told: Vec<Listed>) {
    for more in told {
        match all.iter_mut().find(|model| model.name == more.name) {
            Some(model) => {
                model.loaded = more.loaded.or(model.loaded);
                model.window = more.window.or(model.window);
                model.digest = model.digest.take().or(more.digest);
            }
            None => all.push(more),
        }
    }
}

fn read(endpoint: &Endpoint, answer: &Answer) -> Result<Vec<Listed>, Box<Failed>> {
    let bad =
        |why: &str| Failed::for_good(endpoint, Code::BadReply, format!("the list of models cannot be read: {why}"));
    let value: Value =
        serde_json::from_slice(answer_object(endpoint, answer)?).map_err(|error| bad(&error.to_string()))?;
    let key = if endpoint.provider == Provider::Ollama { "models" } else { "data" };
    let list = value[key].as_array().ok_or_else(|| bad("it is not there"))?;
    Ok(list.iter().filter_map(|model| listed(endpoint, model)).collect())
}

fn listed(endpoint: &Endpoint, model: &Value) -> Option<Listed> {
    let text = |name: &str| model[name].as_str().map(|text| shown(&endpoint.redact(text)));
    let count = |value: &Value| value.as_u64().filter(|tokens| (1..=100_000_000).contains(tokens));
    let name = text("name").filter(|_| endpoint.provider == Provider::Ollama).or_else(|| text("id"))?;
    let windows = [
        "loaded_context_length",
        "max_model_len",
        "context_length",
        "context_window",
        "max_context_length",
        "max_input_tokens",
    ];
    let serving = count(&model["meta"]["n_ctx"]);
    let loaded = match model["state"].as_str() {
        Some(state) => Some(state == "loaded"),
        // Ollama's list of what is loaded names when it will go; llama.cpp and vLLM have nothing that is not loaded.
        None => (model.get("expires_at").is_some() || serving.is_some() || model.get("max_model_len").is_some())
            .then_some(true),
    };
    Some(Listed {
        name,
        loaded,
        window: serving.or_else(|| windows.iter().find_map(|name| count(&model[name]))),
        digest: text("digest").filter(|digest| !digest.is_empty() && digest.len() <= 128),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Server, response};

    fn listed_by(provider: Provider, answers: &[&str]) -> (Vec<Listed>, Vec<String>) {
        let server = Server::start(answers.iter().map(|body| response(200, "", body)).collect());
        let all = catalog(&server.endpoint(provider)).expect("a list");
        let lines = server.requests().iter().map(|r| r.lines().next().unwrap_or_default().to_owned()).collect();
        (all, lines)
    }

    fn model(name: &str, loaded: Option<bool>, window: u64, digest: Option<&str>) -> Listed {
        let (name, digest) = (name.to_owned(), digest.map(str::to_owned));
        Listed { name, loaded, window: (window > 0).then_some(window), digest }
    }

    #[test]
    fn ollama_says_what_it_has_and_what_is_loaded_with_which_window() {
        let tags = r#"{"models":[{"name":"a:1b","model":"a:1b","digest":"aa"},{"name":"b:latest","digest":"bb"}]}"#;
        let ps =
            r#"{"models":[{"name":"a:1b","digest":"aa","expires_at":"2030","size_vram":1,"context_length":8192}]}"#;
        let show = r#"{"model_info":{"qwen2.context_length":32768}}"#;
        let (all, asked) = listed_by(Provider::Ollama, &[tags, ps, show]);
        let wanted = [model("a:1b", Some(true), 8192, Some("aa")), model("b:latest", Some(false), 32768, Some("bb"))];
        assert_eq!(all, wanted);
        assert_eq!(asked, ["GET /api/tags HTTP/1.1", "GET /api/ps HTTP/1.1", "POST /api/show HTTP/1.1"]);
        assert_eq!(find(Provider::Ollama, &all, "b"), Some(&wanted[1]));
        assert_eq!(find(Provider::OpenAi, &all, "b"), None);
    }

    #[test]
    fn a_model_is_found_by_the_name_that_its_server_takes() {
        let all = [model("models/gemini-x", None, 0, None), model("/srv/tiny.gguf", Some(true), 0, None)];
        let found = |provider, name| find(provider, &all, name).map(|model| model.name.as_str());
        assert_eq!(found(Provider::OpenAi, "gemini-x"), Some("models/gemini-x"));
        assert_eq!(found(Provider::OpenAi, "models/gemini-x"), Some("models/gemini-x"));
        assert_eq!(found(Provider::Anthropic, "tiny.gguf"), Some("/srv/tiny.gguf"));
        assert_eq!([found(Provider::Ollama, "tiny.gguf"), found(Provider::OpenAi, "srv")], [None, None]);
    }

    #[test]
    fn every_compatible_server_says_the_window_in_its_own_words() {
        let cases = [
            // llama.cpp
            (r#"{"id":"tiny.gguf","meta":{"n_ctx":4096,"n_ctx_train":8192}}"#, Some(true), 4096),
            // vLLM
            (r#"{"id":"m","object":"model","owned_by":"vllm","max_model_len":16384}"#, Some(true), 16384),
            // OpenRouter and Together
            (r#"{"id":"m","context_length":200000,"pricing":{"prompt":"0.000003"}}"#, None, 200_000),
            // Groq
            (r#"{"id":"m","owned_by":"Meta","active":true,"context_window":131072}"#, None, 131_072),
            // OpenAI itself
            (r#"{"id":"m","object":"model","created":1,"owned_by":"openai"}"#, None, 0),
            (r#"{"id":"m","context_length":-1,"max_model_len":"x","meta":[]}"#, Some(true), 0),
        ];
        for (entry, loaded, window) in cases {
            let body = format!(r#"{{"object":"list","data":[{entry}]}}"#);
            let (all, _) = listed_by(Provider::OpenAi, &[&body]);
            assert_eq!((all[0].loaded, all[0].window), (loaded, (window > 0).then_some(window)), "{entry}");
        }
        let (all, _) =
            listed_by(Provider::Anthropic, &[r#"{"data":[{"type":"model","id":"c","max_input_tokens":200000}]}"#]);
        assert_eq!(all, [model("c", None, 200_000, None)]);
    }

    #[test]
    fn lm_studio_is_asked_for_its_own_list() {
        let usual = r#"{"data":[{"id":"qwen2-vl-7b-instruct","object":"model"},{"id":"llama-8b","object":"model"}]}"#;
        let own = r#"{"object":"list","data":[
            {"id":"qwen2-vl-7b-instruct","object":"model","type":"vlm","state":"not-loaded","max_context_length":32768},
            {"id":"llama-8b","type":"llm","state":"loaded","max_context_length":131072,"loaded_context_length":4096}]}"#;
        let (all, asked) = listed_by(Provider::OpenAi, &[usual, own]);
        let wanted =
            [model("qwen2-vl-7b-instruct", Some(false), 32768, None), model("llama-8b", Some(true), 4096, None)];
        assert_eq!(all, wanted);
        assert_eq!(asked, ["GET /v1/models HTTP/1.1", "GET /api/v0/models HTTP/1.1"]);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_a_failure_and_an_odd_entry_is_left_out() {
        let server = Server::start(vec![response(200, "", r#"{"data":[7,{"id":9},{"id":"a\u001b[2J"}]}"#)]);
        assert_eq!(catalog(&server.endpoint(Provider::Anthropic)).expect("a list")[0].name, "a[2J");
        for body in ["[]", r#"{"data":{}}"#, "<html>"] {
            let server = Server::start(vec![response(200, "", body)]);
            let failure = catalog(&server.endpoint(Provider::OpenAi)).expect_err(body);
            assert_eq!(failure.code, Code::BadReply, "{body}");
        }
    }
}
