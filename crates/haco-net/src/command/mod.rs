//! The reply of a provider of kind `command`: what a program printed. It is run elsewhere, confined; here are the parsers.
//!
//! A program's exit status says little: some agents exit 0 whatever happened. So where the output has a form, the form
//! must say that the work came to its end, and an error inside is the call's failure.

mod claude;
mod codex;
mod gemini;
mod ndjson;
#[cfg(test)]
mod tests;

use haco_core::code::{Code, Failure};
use haco_core::config::Output;
use serde_json::Value;

use crate::endpoint::MAX_BODY_BYTES;
use crate::failed::{Again, Failed, shown};
use crate::heard::{dollars, tokens};
use crate::reply::{Reply, Usage, text_of};

/// What one program's output says, before it is judged.
#[derive(Default)]
struct Said {
    text: String,
    usage: Option<Usage>,
    cost_usd: Option<f64>,
    model: Option<String>,
    /// Why there is no reply, in the program's words.
    error: Option<String>,
    /// Whether the end of the work was said.
    ended: bool,
}

/// The reply in a command's standard output. `model` is the name of its entry. The error holds what was spent all the same.
pub fn parse_command_output(model: &str, output: Output, stdout: &[u8]) -> Result<Reply, Box<Failed>> {
    let mut said = Said::default();
    let judged = read(output, stdout, &mut said).and_then(|()| judge(&said));
    let text = judged.map_err(|(code, why)| {
        let failure = Failure::new(code, shown(&format!("command '{model}': {why}")));
        let failed = *Failed::new(failure.fix(fix(code)), Again::Never);
        Box::new(Failed { raw: stdout.to_vec(), usage: said.usage, cost_usd: said.cost_usd, ..failed })
    })?;
    Ok(Reply {
        text,
        raw: stdout.to_vec(),
        usage: said.usage,
        cost_usd: said.cost_usd,
        model: said.model.unwrap_or_else(|| model.to_owned()),
        timing_ms: 0,
        limit_field: None,
        refused: Vec::new(),
        warning: None,
    })
}

type Why = (Code, String);

fn read(output: Output, stdout: &[u8], said: &mut Said) -> Result<(), Why> {
    if stdout.len() > MAX_BODY_BYTES {
        return Err((Code::TooLarge, "its output is larger than 16 MiB".to_owned()));
    }
    let text = std::str::from_utf8(stdout).map_err(|_| (Code::BadReply, "its output is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match output {
        Output::Text => {
            *said = Said { text: text.to_owned(), ended: true, ..Said::default() };
            Ok(())
        }
        Output::ClaudeJson => claude::read(text, said),
        Output::CodexJsonl => lines(text, |event| codex::add(said, event)),
        Output::GeminiJson => gemini::read(text, said),
        Output::Ndjson => lines(text, |object| ndjson::add(said, object)),
    }
}

fn judge(said: &Said) -> Result<String, Why> {
    match &said.error {
        Some(error) => Err((Code::CommandFailed, format!("it says: {error}"))),
        None if !said.ended => Err((Code::Truncated, "its output has no end".to_owned())),
        None => text_of(&said.text).map_err(|why| (Code::EmptyReply, why.to_owned())),
    }
}

fn fix(code: Code) -> &'static str {
    match code {
        Code::CommandFailed => "run the command by hand with a short prompt",
        Code::BadReply => "set 'output' of the model to the form that the command prints",
        Code::TooLarge => "ask for less at once: split the ticket",
        _ => "run it again, or route the role to another model",
    }
}

/// Each line that is not blank is one object.
fn lines(text: &str, mut take: impl FnMut(&Value)) -> Result<(), Why> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    while let Some((at, line)) = lines.next() {
        let value = serde_json::from_str(line).ok().filter(Value::is_object);
        // The last line may have been cut; that it was not the end is said by what is missing.
        let Some(value) = value else {
            let code = if lines.peek().is_none() { Code::Truncated } else { Code::BadReply };
            return Err((code, format!("line {} of its output is no JSON object", at + 1)));
        };
        take(&value);
    }
    Ok(())
}

/// The JSON that an output ends with. Lines before it are a wrapper's or a shell's greeting.
fn document(text: &str) -> Result<Value, Why> {
    let starts = |line: &str| line.trim_start().starts_with(['{', '[']);
    let mut at = 0;
    let begin = text.split_inclusive('\n').find_map(|line| {
        let here = at;
        at += line.len();
        starts(line).then_some(here)
    });
    let no_json = || (Code::BadReply, "its output holds no JSON".to_owned());
    serde_json::from_str(&text[begin.ok_or_else(no_json)?..]).map_err(|error| {
        let code = if error.is_eof() { Code::Truncated } else { Code::BadReply };
        (code, format!("its output is not the JSON that was expected: {error}"))
    })
}

/// A believable count below `value`.
fn count(value: &Value, name: &str) -> Option<u64> {
    tokens(value.get(name))
}

/// A believable sum of money below `value`.
fn money(value: &Value, name: &str) -> Option<f64> {
    dollars(value.get(name))
}

/// The words of an error, however it is wrapped.
fn words(error: &Value) -> String {
    let inner = error.get("message").or_else(|| error.get("error")).unwrap_or(error);
    inner.as_str().map_or_else(|| inner.to_string(), str::to_owned)
}
