//! What a server's "no" means: status, error object and headers become one code, one line, and whether to try again.

use std::time::Duration;

use haco_core::code::{Code, Failure};
use serde_json::Value;

use crate::endpoint::{Endpoint, Provider};
use crate::failed::{Again, Failed};
use crate::http::Answer;

/// The longest pause that a server may ask for and get.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Words by which servers say that the prompt is too long, where they have no code for it.
const TOO_LONG: [&str; 6] = [
    "exceed_context_size",
    "context_length_exceeded",
    "maximum context length",
    "prompt is too long",
    "exceeds the available context",
    "exceeds the context",
];

/// A server's error object, as far as it could be read.
#[derive(Default)]
struct Complaint {
    message: String,
    kind: String,
    code: String,
}

/// The failure that this answer is. An error inside a 200 counts as the status that its type or code stands for.
pub(crate) fn refused(endpoint: &Endpoint, answer: &Answer) -> Box<Failed> {
    let complaint = complaint(&answer.body);
    let status = if answer.status < 300 { status_inside(&complaint) } else { answer.status };
    let (code, what) = classify(endpoint, status, &complaint, answer);
    let wait = answer.retry_after;
    let too_long = wait.filter(|wait| *wait > LONGEST_WAIT);
    let told = if complaint.message.is_empty() { what } else { format!("{what}: {}", complaint.message) };
    let retried = matches!(code, Code::RateLimited | Code::Overloaded)
        || code == Code::ServerError && (matches!(status, 408 | 409) || status >= 500);
    let again = if retried && too_long.is_none() { Again::After(wait) } else { Again::Never };
    let told = match too_long {
        Some(wait) if retried => format!("the server asks to wait {} s: {told}", wait.as_secs_f64().ceil()),
        _ => told,
    };
    let failure = endpoint.failure(code, told);
    Failed::new(with_fix(endpoint, failure), again)
}

fn classify(endpoint: &Endpoint, status: u16, complaint: &Complaint, answer: &Answer) -> (Code, String) {
    let says = |word: &str| [&complaint.kind, &complaint.code].iter().any(|field| field.contains(word));
    let lower = complaint.message.to_ascii_lowercase();
    let too_long = TOO_LONG.iter().any(|word| says(word) || lower.contains(word));
    let spent = says("insufficient_quota") || says("billing") || status == 402;
    let anthropic_spent =
        endpoint.provider == Provider::Anthropic && answer.status == 429 && answer.retry_after.is_none();
    let (code, what) = match status {
        300..400 => return (Code::RedirectRefused, redirect(answer)),
        400.. if too_long => (Code::ContextExceeded, "the prompt does not fit the model's window"),
        413 => (Code::ContextExceeded, "the request is too large for the server"),
        400.. if says("content_filter") => (Code::ContentFilter, "the provider filtered the prompt"),
        400.. if spent || anthropic_spent => (Code::SpendLimit, "the provider's spend limit is reached"),
        401 => {
            (Code::Unauthorized, if endpoint.key.is_some() { "the key is not known there" } else { "a key is wanted" })
        }
        403 => (Code::Forbidden, "the provider forbids the call"),
        404 if complaint.names_a_model() => (Code::ModelMissing, "the server does not have the model"),
        404 => (Code::BadReply, "there is no such service at that address"),
        429 => (Code::RateLimited, "the provider asks to wait"),
        503 | 529 => (Code::Overloaded, "the server is overloaded"),
        _ => return (Code::ServerError, format!("the server failed with status {status}")),
    };
    (code, what.to_owned())
}

impl Complaint {
    /// A 404 is about the model where the server speaks its protocol; a web server's own 404 is about the address.
    fn names_a_model(&self) -> bool {
        self.code == "model_not_found"
            || self.kind == "not_found_error"
            || self.message.to_ascii_lowercase().contains("model")
    }
}

/// Where a redirect leads, as an origin only: the rest of an address may hold anything.
fn redirect(answer: &Answer) -> String {
    let to = answer.location.as_deref().and_then(|to| haco_core::address::origin(to.split(['?', '#']).next()?).ok());
    let to = to.map_or_else(String::new, |origin| format!(" to '{origin}'"));
    format!("the server redirects{to}, and redirects are not followed")
}

fn status_inside(complaint: &Complaint) -> u16 {
    match complaint.kind.as_str() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => complaint.code.parse().ok().filter(|code| (400..600).contains(code)).unwrap_or(500),
    }
}

/// Every shape of error that the three protocols and their proxies are known to send; anything else is no complaint.
fn complaint(body: &[u8]) -> Complaint {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return Complaint::default() };
    // Gemini's bridge sends its error in a list of one.
    if let Some(first) = value.get_mut(0) {
        value = first.take();
    }
    let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(&value);
    let field = |name: &str| match error.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let message = error.as_str().map_or_else(|| [field("message"), field("detail")].concat(), str::to_owned);
    Complaint { message, kind: field("type"), code: field("code") }
}

fn with_fix(endpoint: &Endpoint, failure: Failure) -> Failure {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    let pasteable = endpoint.model.chars().all(plain) && !endpoint.model.starts_with('-') && !endpoint.model.is_empty();
    if failure.code != Code::ModelMissing || endpoint.provider != Provider::Ollama || !pasteable {
        return failure;
    }
    let here = endpoint.base_url.to_string() == endpoint.usual_base;
    let host = if here { String::new() } else { format!("OLLAMA_HOST={} ", endpoint.base_url.origin()) };
    failure.fix(format!("{host}ollama pull {}", endpoint.model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::address::BaseUrl;

    fn judged(provider: Provider, status: u16, body: &str) -> Box<Failed> {
        let endpoint = Endpoint::new(provider, BaseUrl::parse(provider.default_base()).expect("an address"), "m");
        refused(&endpoint, &Answer { status, ..Answer::recorded(body) })
    }

    #[test]
    fn each_status_and_type_has_its_code() {
        use Provider::{Anthropic, Ollama, OpenAi};
        let cases = [
            (OpenAi, 429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#, Code::RateLimited),
            (OpenAi, 429, r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#, Code::SpendLimit),
            (OpenAi, 402, r#"{"error":{"message":"no credits","code":402}}"#, Code::SpendLimit),
            (Anthropic, 429, r#"{"type":"error","error":{"type":"rate_limit_error"}}"#, Code::SpendLimit),
            (Anthropic, 529, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Code::Overloaded),
            (Anthropic, 200, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Code::Overloaded),
            (Anthropic, 400, r#"{"error":{"message":"prompt is too long: 9 > 8"}}"#, Code::ContextExceeded),
            (Anthropic, 413, "", Code::ContextExceeded),
            (Anthropic, 404, r#"{"error":{"type":"not_found_error","message":"m"}}"#, Code::ModelMissing),
            (
                OpenAi,
                400,
                r#"{"error":{"code":400,"type":"exceed_context_size_error","n_ctx":8}}"#,
                Code::ContextExceeded,
            ),
            (OpenAi, 400, r#"{"error":{"code":"content_filter"}}"#, Code::ContentFilter),
            (OpenAi, 404, r#"{"error":{"code":"model_not_found"}}"#, Code::ModelMissing),
            (OpenAi, 404, "<html>", Code::BadReply),
            (
                OpenAi,
                429,
                r#"[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}]"#,
                Code::RateLimited,
            ),
            (OpenAi, 404, r#"[{"error":{"code":404,"message":"model x is not found"}}]"#, Code::ModelMissing),
            (OpenAi, 200, r#"{"error":{"message":"upstream","code":429}}"#, Code::RateLimited),
            (OpenAi, 200, r#"{"error":{"message":"upstream","code":502}}"#, Code::ServerError),
            (Ollama, 502, "<html>bad gateway</html>", Code::ServerError),
            (Ollama, 200, r#"{"error":"out of memory"}"#, Code::ServerError),
            (Ollama, 400, r#"{"error":{"type":[1],"code":{},"message":null}}"#, Code::ServerError),
        ];
        for (provider, status, body, code) in cases {
            assert_eq!(judged(provider, status, body).failure.code, code, "{status} {body}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [408, 409, 500, 502, 503, 529] {
            assert_eq!(judged(Provider::OpenAi, status, "").again, Again::After(None), "{status}");
        }
        for status in [301, 400, 401, 402, 403, 404, 413, 422] {
            assert_eq!(judged(Provider::OpenAi, status, "").again, Again::Never, "{status}");
        }
        assert_eq!(judged(Provider::OpenAi, 429, r#"{"error":{"code":"insufficient_quota"}}"#).again, Again::Never);
        assert_eq!(judged(Provider::OpenAi, 429, "").again, Again::After(None));
    }

    #[test]
    fn what_the_server_says_is_one_bounded_line_and_a_fix_can_be_pasted() {
        let failed = judged(Provider::Ollama, 404, r#"{"error":"model \u001b[2J\n not found"}"#);
        let wanted = "model 'm' at 'http://127.0.0.1:11434': the server does not have the model: model [2J not found";
        assert_eq!(failed.failure.message, wanted);
        assert_eq!(failed.failure.fix.as_deref(), Some("ollama pull m"));
        let base = BaseUrl::parse("http://127.0.0.1:11434").expect("an address");
        for model in ["m; rm -rf ~", "-m", "$(x)", ""] {
            let endpoint = Endpoint::new(Provider::Ollama, base.clone(), model);
            let answer = Answer { status: 404, ..Answer::recorded(r#"{"error":"no such model"}"#) };
            assert_eq!(refused(&endpoint, &answer).failure.fix, None, "{model}");
        }
    }
}
