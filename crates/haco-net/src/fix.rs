//! What a person does about a failure of a call: one short line for each code, where the failure itself has none.

use haco_core::code::Code;

use crate::endpoint::{Endpoint, Provider};

/// The fix that helps in most cases; `None` where only the message can say.
pub(crate) fn usual(endpoint: &Endpoint, code: Code) -> Option<String> {
    let origin = endpoint.base_url.origin();
    let key = match endpoint.provider {
        Provider::Ollama | Provider::OpenAi if endpoint.key.is_none() => {
            "name the key's variable in 'key_env' of the model"
        }
        _ => "put a valid key where 'key_env' or 'key_command' of the model says",
    };
    let fix = match code {
        Code::ConnectionRefused if endpoint.provider == Provider::Ollama && endpoint.base_url.is_loopback() => {
            "ollama serve"
        }
        Code::ConnectionRefused => "start the server, or mend 'base_url' of the model",
        Code::Dns => "mend the host in 'base_url' of the model, or the network",
        Code::ConnectTimeout => "raise 'http.connect_timeout_sec', or look whether a firewall stands between",
        Code::IdleTimeout => "look at the server's log, or raise 'http.idle_timeout_sec'",
        Code::TotalTimeout => "raise 'timeout_sec' of the model, or take a faster one",
        Code::Tls => "name the certificates of the server's authority in SSL_CERT_FILE",
        Code::RedirectRefused => "set 'base_url' of the model to where the server really is",
        Code::InsecureUrl => "use https in 'base_url' of the model, or take its key away",
        Code::Unauthorized => key,
        Code::Forbidden => "ask the provider to let this key use the model, or route the role to another",
        Code::SpendLimit => "raise the limit at the provider, or route the role to another model",
        Code::ModelMissing if endpoint.provider != Provider::Ollama => "haco models --json",
        Code::RateLimited | Code::Overloaded => "run it again later, or route the role to another model",
        Code::TooLarge | Code::Length => "ask for less at once: split the ticket",
        Code::ContextExceeded => "let the ticket name fewer files, or take a model with a larger window",
        Code::Truncated | Code::ServerError => "look at the server's log, and run it again",
        Code::BadReply => return Some(format!("look whether '{origin}' speaks '{}'", endpoint.provider.name())),
        Code::Refusal | Code::ContentFilter | Code::EmptyReply | Code::UnexpectedToolCall => {
            "run it again, or route the role to another model"
        }
        _ => return None,
    };
    Some(fix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::address::BaseUrl;

    #[test]
    fn every_failure_of_a_call_has_its_fix() {
        let url = BaseUrl::parse("http://127.0.0.1:11434").expect("an address");
        let endpoint = Endpoint::new(Provider::Ollama, url, "m");
        for code in [
            Code::ConnectionRefused,
            Code::Dns,
            Code::ConnectTimeout,
            Code::IdleTimeout,
            Code::TotalTimeout,
            Code::Tls,
            Code::RedirectRefused,
            Code::InsecureUrl,
            Code::Unauthorized,
            Code::Forbidden,
            Code::SpendLimit,
            Code::RateLimited,
            Code::Overloaded,
            Code::ServerError,
            Code::BadReply,
            Code::Truncated,
            Code::TooLarge,
            Code::ContextExceeded,
            Code::Refusal,
            Code::ContentFilter,
            Code::EmptyReply,
            Code::UnexpectedToolCall,
            Code::Length,
        ] {
            let failure = endpoint.failure(code, "why");
            assert!(failure.fix.is_some_and(|fix| !fix.contains('\n')), "{code}");
        }
    }
}
