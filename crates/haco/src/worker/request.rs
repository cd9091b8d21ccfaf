//! What was meant: tickets or a prompt, typed or on stdin.

use crate::{input, turn};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::Action,
    id::TicketId,
};
use serde::Deserialize;
use std::io::IsTerminal;

/// The longest prompt, in bytes.
const MOST: u64 = 16 << 20;

/// What the program is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Drafts of these.
    Tickets(Vec<TicketId>),
    /// An answer to this.
    Prompt {
        /// As sent, below the preamble.
        text: String,
        /// The one that a service request names.
        model: Option<String>,
    },
}

/// Reads the arguments, else stdin, else, at a terminal, the ticket that is offered.
pub(super) fn read(typed: Vec<String>, prompt: Option<String>) -> Result<Request> {
    if let Some(text) = prompt {
        return said(text, None);
    }
    if !typed.is_empty() {
        return of_arguments(typed);
    }
    if std::io::stdin().is_terminal() {
        return at_a_terminal();
    }
    of_stdin(input::stdin_text("stdin", MOST)?)
}

fn of_arguments(typed: Vec<String>) -> Result<Request> {
    let ids: Vec<TicketId> = typed.iter().filter_map(|t| t.parse().ok()).collect();
    if ids.len() == typed.len() {
        return Ok(Request::Tickets(ids));
    }
    match <[String; 1]>::try_from(typed) {
        Ok([one]) if one == "-" => Err(usage("'-' would be a bundle, and this version reads none")),
        Ok([one]) => said(one, None),
        Err(_) if ids.is_empty() => Err(usage("a prompt is one argument: put it in quotes")),
        Err(_) => Err(usage("tickets and a prompt do not go together")),
    }
}

/// The ticket that `haco next` names for a draft, or how to use the program.
fn at_a_terminal() -> Result<Request> {
    let none = || usage("nothing was asked: type a prompt or a ticket's id");
    let desk = crate::desk::Desk::open().map_err(|_| none())?;
    match turn::offered(&desk, Action::Draft)? {
        Some(id) => Ok(Request::Tickets(vec![id])),
        None => Err(none()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    prompt: String,
    #[serde(default)]
    model: Option<String>,
}

fn of_stdin(text: String) -> Result<Request> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let ids: Vec<TicketId> = lines.iter().filter_map(|l| l.parse().ok()).collect();
    if ids.len() == lines.len() {
        return Ok(Request::Tickets(ids));
    }
    let object = serde_json::from_str::<serde_json::Value>(&text).ok().filter(|v| v.get("prompt").is_some());
    match object {
        None => said(text, None),
        Some(object) => {
            let bad = |e| usage(&format!("the request on stdin is not {{\"prompt\", \"model\"?}}: {e}"));
            let service: Service = serde_json::from_value(object).map_err(bad)?;
            said(service.prompt, service.model)
        }
    }
}

fn said(text: String, model: Option<String>) -> Result<Request> {
    if text.trim().is_empty() {
        return Err(usage("the prompt is empty"));
    }
    Ok(Request::Prompt { text, model })
}

fn usage(why: &str) -> anyhow::Error {
    Failure::new(Code::Usage, why)
        .fix("haco-worker 'write a shell script that prints its arguments, one a line'")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Request {
        Request::Prompt { text: text.to_owned(), model: None }
    }

    fn args(typed: &[&str]) -> Result<Request> {
        of_arguments(typed.iter().map(|t| (*t).to_owned()).collect())
    }

    #[test]
    fn an_argument_of_the_form_of_an_id_is_an_id_and_a_plans_is_a_prompt() {
        let both = [1, 2].map(TicketId::ticket).to_vec();
        assert_eq!(args(&["T-001", "T-002"]).expect("ids"), Request::Tickets(both));
        for text in ["login-flow", "t-001", "T-1", "write T-001"] {
            assert_eq!(args(&[text]).expect("a prompt"), prompt(text));
        }
        for (bad, why) in [(&["T-001", "x"][..], "together"), (&["a", "b"], "quotes"), (&["-"], "bundle")] {
            assert!(args(bad).expect_err(why).to_string().contains(why), "{bad:?}");
        }
    }

    #[test]
    fn stdin_is_ids_a_request_or_a_prompt() {
        let of = |text: &str| of_stdin(text.to_owned());
        assert_eq!(of("T-001\n\n T-002 \n").expect("ids"), Request::Tickets([1, 2].map(TicketId::ticket).to_vec()));
        assert_eq!(of("").expect("no ids"), Request::Tickets(vec![]));
        assert_eq!(of("T-001 is wrong\n").expect("a prompt"), prompt("T-001 is wrong\n"));
        let asked = Request::Prompt { text: "hi".into(), model: Some("m".into()) };
        assert_eq!(of(r#"{"prompt":"hi","model":"m"}"#).expect("a request"), asked);
        assert_eq!(of(r#"{"a":1}"#).expect("a prompt"), prompt(r#"{"a":1}"#));
        for bad in [r#"{"prompt":1}"#, r#"{"prompt":"x","mood":1}"#, r#"{"prompt":" "}"#] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
