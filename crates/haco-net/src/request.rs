//! What is sent: the paths, headers and bodies of the three protocols. Pure: nothing is sent from here.
//!
//! ```text
//! Ollama     POST {root}/api/chat             {model, messages, stream: true, options: {num_ctx}, format}
//! OpenAI     POST {root}/v1/chat/completions  {model, messages, stream: true, max_tokens, response_format}
//! Anthropic  POST {root}/v1/messages          {model, system, messages, stream: true, max_tokens, output_config}
//! ```

use serde_json::{Map, Value, json};

use crate::azure;
use crate::endpoint::{Ask, Endpoint, Provider};
use crate::window;

pub(crate) const LIMIT: &str = "max_tokens";
pub(crate) const NEWER_LIMIT: &str = "max_completion_tokens";

/// The version of 2026-10-21 takes no `temperature`, `top_p` and `top_k`, which people set in `options`, and most servers
/// that speak this protocol beside Anthropic's know only this one, which Anthropic keeps as it is.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Anthropic wants a limit in every request.
const ANTHROPIC_MAX_TOKENS: u64 = 8192;

/// One request, before it has an address.
pub(crate) struct Request {
    pub path: &'static str,
    pub body: Option<Value>,
}

impl Request {
    pub(crate) fn chat(endpoint: &Endpoint, body: Value) -> Request {
        let path = match endpoint.provider {
            Provider::Ollama => "/api/chat",
            Provider::OpenAi => "/chat/completions",
            Provider::Anthropic => "/messages",
        };
        Request { path, body: Some(body) }
    }

    pub(crate) fn models(endpoint: &Endpoint) -> Request {
        let path = match endpoint.provider {
            Provider::Ollama => "/api/tags",
            Provider::OpenAi => "/models",
            Provider::Anthropic => "/models?limit=1000",
        };
        Request { path, body: None }
    }

    /// The field that holds the limit of an OpenAI-compatible request.
    pub(crate) fn limit_field(&self) -> Option<&'static str> {
        [LIMIT, NEWER_LIMIT].into_iter().find(|name| self.body.as_ref().is_some_and(|body| body.get(name).is_some()))
    }

    /// The whole address. A base with or without `/v1` means the same; an OpenAI-compatible server may have another
    /// path of its own, to which nothing is added.
    pub(crate) fn url(&self, endpoint: &Endpoint) -> String {
        let base = &endpoint.base_url;
        if azure::is_azure(endpoint) {
            return format!("{}{}", base.origin(), azure::target(endpoint, self.path));
        }
        let root = base.path().strip_suffix("/v1").unwrap_or(base.path());
        let prefix = match endpoint.provider {
            Provider::Ollama => root.to_owned(),
            Provider::Anthropic => format!("{root}/v1"),
            // LM Studio's own.
            Provider::OpenAi if self.path.starts_with("/api/") => root.to_owned(),
            Provider::OpenAi if base.path().is_empty() => "/v1".to_owned(),
            Provider::OpenAi => base.path().to_owned(),
        };
        format!("{}{prefix}{}", base.origin(), self.path)
    }
}

/// The headers that carry key and version.
pub(crate) fn headers(endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    let mut headers = vec![("user-agent", concat!("haco/", env!("CARGO_PKG_VERSION")).to_owned())];
    if endpoint.provider == Provider::Anthropic {
        headers.push(("anthropic-version", ANTHROPIC_VERSION.to_owned()));
    }
    if let Some(key) = &endpoint.key {
        headers.push(match endpoint.provider {
            Provider::Anthropic => ("x-api-key", key.expose().to_owned()),
            Provider::OpenAi if azure::is_azure(endpoint) => ("api-key", key.expose().to_owned()),
            Provider::Ollama | Provider::OpenAi => ("authorization", format!("Bearer {}", key.expose())),
        });
    }
    headers
}

/// The body that [`ask`](crate::ask()) sends for this question.
pub fn request_body(endpoint: &Endpoint, ask: &Ask) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), endpoint.model.clone().into());
    body.insert("stream".to_owned(), true.into());
    match endpoint.provider {
        Provider::Ollama => ollama(&mut body, endpoint, ask),
        Provider::OpenAi => openai(&mut body, endpoint, ask),
        Provider::Anthropic => anthropic(&mut body, ask),
    }
    if endpoint.provider != Provider::Ollama {
        add_missing(&mut body, &endpoint.options);
    }
    if endpoint.provider == Provider::Anthropic {
        body.entry("max_tokens").or_insert_with(|| ANTHROPIC_MAX_TOKENS.into());
    }
    Value::Object(body)
}

/// The body that makes an Ollama server load the model: no messages, and the options that decide how it is loaded.
pub(crate) fn warm_body(endpoint: &Endpoint) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), endpoint.model.clone().into());
    body.insert("messages".to_owned(), json!([]));
    body.insert("stream".to_owned(), false.into());
    ollama_options(&mut body, endpoint, (None, window::least()));
    body.entry("keep_alive").or_insert_with(|| "10m".into());
    Value::Object(body)
}

fn messages(ask: &Ask) -> Value {
    let system = ask.system.map(|text| json!({"role": "system", "content": text}));
    system.into_iter().chain([json!({"role": "user", "content": ask.prompt})]).collect()
}

fn ollama(body: &mut Map<String, Value>, endpoint: &Endpoint, ask: &Ask) {
    body.insert("messages".to_owned(), messages(ask));
    if let Some(schema) = ask.schema {
        body.insert("format".to_owned(), schema.clone());
    }
    ollama_options(body, endpoint, (ask.max_tokens, window::wanted(ask)));
}

/// `keep_alive` and `think` stand beside `options` in Ollama's API, the rest inside.
fn ollama_options(body: &mut Map<String, Value>, endpoint: &Endpoint, (max_tokens, num_ctx): (Option<u64>, u64)) {
    let mut options = endpoint.options.clone();
    for name in ["keep_alive", "think"] {
        if let Some(value) = options.shift_remove(name) {
            body.insert(name.to_owned(), value);
        }
    }
    if let Some(max) = max_tokens {
        options.insert("num_predict".to_owned(), max.into());
    }
    options.entry("num_ctx").or_insert_with(|| num_ctx.into());
    body.insert("options".to_owned(), Value::Object(options));
}

fn openai(body: &mut Map<String, Value>, endpoint: &Endpoint, ask: &Ask) {
    body.insert("messages".to_owned(), messages(ask));
    body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    if let Some(schema) = ask.schema {
        let named = json!({"name": "reply", "schema": schema, "strict": true});
        body.insert("response_format".to_owned(), json!({"type": "json_schema", "json_schema": named}));
    }
    if let Some(max) = ask.max_tokens {
        body.insert(openai_limit(endpoint).to_owned(), max.into());
    }
}

/// OpenAI's own newer models refuse `max_tokens`; most compatible servers know nothing else.
fn openai_limit(endpoint: &Endpoint) -> &'static str {
    let newer = endpoint.base_url.host() == "api.openai.com" || endpoint.options.contains_key("max_completion_tokens");
    if newer { NEWER_LIMIT } else { LIMIT }
}

fn anthropic(body: &mut Map<String, Value>, ask: &Ask) {
    if let Some(system) = ask.system {
        // What every call begins with is worth the cache; the server leaves alone what is too short for it.
        let cached = json!([{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]);
        body.insert("system".to_owned(), cached);
    }
    body.insert("messages".to_owned(), json!([{"role": "user", "content": cached(ask)}]));
    if let Some(schema) = ask.schema {
        body.insert("output_config".to_owned(), json!({"format": {"type": "json_schema", "schema": schema}}));
    }
    if let Some(max) = ask.max_tokens {
        body.insert("max_tokens".to_owned(), max.into());
    }
}

/// The user's turn; what later calls begin with too is a block of its own, which the server may keep.
fn cached(ask: &Ask) -> Value {
    match ask.prompt.split_at_checked(ask.stable) {
        Some((stable, rest)) if !stable.is_empty() && !rest.is_empty() => json!([
            {"type": "text", "text": stable, "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": rest},
        ]),
        _ => ask.prompt.into(),
    }
}

/// Options become fields of the request, except where the request already has them, and for `system`, which is the
/// prompt's, and what stands in the address.
fn add_missing(body: &mut Map<String, Value>, options: &Map<String, Value>) {
    for (name, value) in options.iter().filter(|(name, _)| !["system", azure::VERSION].contains(&name.as_str())) {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use haco_core::address::BaseUrl;

    fn endpoint(provider: Provider, url: &str, options: Value) -> Endpoint {
        let mut endpoint = Endpoint::new(provider, BaseUrl::parse(url).expect("an address"), "m");
        endpoint.options = options.as_object().expect("an object").clone();
        endpoint
    }

    fn question(schema: &Value) -> Ask<'_> {
        let system = Some("be brief");
        Ask { system, prompt: "hi", schema: Some(schema), max_tokens: Some(9), stable: 0, tokens: None }
    }

    #[test]
    fn ollama_gets_its_options_and_the_schema_as_format() {
        let endpoint = endpoint(Provider::Ollama, "http://h", json!({"num_ctx": 32768, "keep_alive": "1h"}));
        let schema = json!({"type": "object"});
        let wanted = json!({
            "model": "m", "stream": true, "format": {"type": "object"}, "keep_alive": "1h",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
            "options": {"num_ctx": 32768, "num_predict": 9},
        });
        assert_eq!(request_body(&endpoint, &question(&schema)), wanted);
        let warm =
            json!({"model": "m", "messages": [], "stream": false, "keep_alive": "1h", "options": {"num_ctx": 32768}});
        assert_eq!(warm_body(&endpoint), warm);
    }

    #[test]
    fn openai_gets_the_schema_by_name_and_the_limit_that_the_server_knows() {
        let schema = json!({"type": "object"});
        let local =
            endpoint(Provider::OpenAi, "http://h", json!({"temperature": 0, "model": "other", "stream": false}));
        let wanted = json!({
            "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 9, "temperature": 0,
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": true}},
        });
        assert_eq!(request_body(&local, &question(&schema)), wanted);
        let cloud = endpoint(Provider::OpenAi, "https://api.openai.com/v1", json!({}));
        let body = request_body(&cloud, &Ask { prompt: "hi", max_tokens: Some(9), ..Ask::default() });
        assert_eq!(body["max_completion_tokens"], 9);
        assert_eq!(body.get("max_tokens"), None);
    }

    #[test]
    fn anthropic_always_gets_a_limit() {
        let schema = json!({"type": "object"});
        let plain = endpoint(Provider::Anthropic, "http://h", json!({"system": "not this one"}));
        let wanted = json!({
            "model": "m", "stream": true, "max_tokens": 9,
            "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": "hi"}],
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        });
        assert_eq!(request_body(&plain, &question(&schema)), wanted);
        let bare = Ask { prompt: "hi", ..Ask::default() };
        assert_eq!(request_body(&plain, &bare)["max_tokens"], 8192);
        assert_eq!(request_body(&plain, &bare).get("system"), None);
        let own = endpoint(Provider::Anthropic, "http://h", json!({"max_tokens": 5}));
        assert_eq!(request_body(&own, &bare)["max_tokens"], 5);
    }

    #[test]
    fn what_repeats_of_a_prompt_is_offered_to_anthropics_cache() {
        let at = endpoint(Provider::Anthropic, "http://h", json!({}));
        let content = |prompt: &str, stable| {
            request_body(&at, &Ask { prompt, stable, ..Ask::default() })["messages"][0]["content"].clone()
        };
        let cached = json!({"type": "text", "text": "the same", "cache_control": {"type": "ephemeral"}});
        assert_eq!(content("the same, new", 8), json!([cached, {"type": "text", "text": ", new"}]));
        for (prompt, stable) in [("hi", 0), ("hi", 2), ("hi", 9), ("é", 1)] {
            assert_eq!(content(prompt, stable), prompt);
        }
    }

    #[test]
    fn a_base_with_or_without_v1_means_the_same() {
        let cases = [
            (Provider::Ollama, "http://h", "http://h:80/api/chat"),
            (Provider::Ollama, "http://h/v1/", "http://h:80/api/chat"),
            (Provider::Ollama, "http://h/proxy", "http://h:80/proxy/api/chat"),
            (Provider::OpenAi, "http://h:1234", "http://h:1234/v1/chat/completions"),
            (Provider::OpenAi, "http://h:1234/v1", "http://h:1234/v1/chat/completions"),
            (Provider::OpenAi, "https://h/v1beta/openai/", "https://h:443/v1beta/openai/chat/completions"),
            (Provider::Anthropic, "https://h", "https://h:443/v1/messages"),
            (Provider::Anthropic, "https://h/v1", "https://h:443/v1/messages"),
        ];
        for (provider, base, wanted) in cases {
            let endpoint = endpoint(provider, base, json!({}));
            assert_eq!(Request::chat(&endpoint, Value::Null).url(&endpoint), wanted);
        }
    }

    #[test]
    fn the_key_travels_in_the_header_of_its_protocol() {
        let mut endpoint = endpoint(Provider::Anthropic, "https://h", json!({}));
        endpoint.key = Some(Secret::new("sk-1234").expect("a key"));
        let has = |endpoint: &Endpoint, name, value: &str| headers(endpoint).contains(&(name, value.to_owned()));
        assert!(has(&endpoint, "x-api-key", "sk-1234") && has(&endpoint, "anthropic-version", "2023-06-01"));
        endpoint.provider = Provider::OpenAi;
        assert!(has(&endpoint, "authorization", "Bearer sk-1234") && !has(&endpoint, "x-api-key", "sk-1234"));
        endpoint.options.insert("api-version".to_owned(), "2024-10-21".into());
        assert!(has(&endpoint, "api-key", "sk-1234") && !has(&endpoint, "authorization", "Bearer sk-1234"));
        let body = request_body(&endpoint, &Ask { prompt: "hi", ..Ask::default() });
        assert_eq!(body.get("api-version"), None);
        let url = Request::chat(&endpoint, body).url(&endpoint);
        assert_eq!(url, "https://h:443/openai/deployments/m/chat/completions?api-version=2024-10-21");
    }
}
