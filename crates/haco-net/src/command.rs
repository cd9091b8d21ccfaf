//! The reply of a provider of kind `command`: what a program printed. It is run elsewhere, confined; here is the parser.

use haco_core::code::{Code, Failure};

use crate::endpoint::MAX_BODY_BYTES;
use crate::failed::{Again, Failed, shown};
use crate::reply::{Reply, text_of};

/// The reply in a command's standard output: UTF-8 text, read as a server's text is. `model` is the name of its entry.
pub fn parse_command_output(model: &str, stdout: &[u8]) -> Result<Reply, Box<Failed>> {
    let failed = |code: Code, why: &str| {
        let failure = Failure::new(code, shown(&format!("command '{model}': {why}")));
        Box::new(Failed { raw: stdout.to_vec(), ..*Failed::new(failure, Again::Never) })
    };
    if stdout.len() > MAX_BODY_BYTES {
        return Err(failed(Code::TooLarge, "its output is larger than 16 MiB"));
    }
    let text = std::str::from_utf8(stdout).map_err(|_| failed(Code::BadReply, "its output is not UTF-8"))?;
    Ok(Reply {
        text: text_of(text).map_err(|why| failed(Code::EmptyReply, why))?,
        raw: stdout.to_vec(),
        usage: None,
        cost_usd: None,
        model: model.to_owned(),
        timing_ms: 0,
        limit_field: None,
        refused: Vec::new(),
        warning: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_the_reply_without_its_reasoning() {
        let reply = parse_command_output("codex", b"\xef\xbb\xbf<think>a</think>\nfn main() {}\n").expect("a reply");
        assert_eq!((reply.text.as_str(), reply.model.as_str()), ("fn main() {}\n", "codex"));
        assert_eq!(reply.usage, None);
    }

    #[test]
    fn output_that_is_no_text_is_no_reply() {
        let huge = vec![b'a'; MAX_BODY_BYTES + 1];
        let cases: [(&[u8], Code); 4] = [
            (b" \n", Code::EmptyReply),
            (b"<think>a", Code::EmptyReply),
            (b"\xff\xfe", Code::BadReply),
            (&huge, Code::TooLarge),
        ];
        for (stdout, code) in cases {
            let failed = parse_command_output("codex", stdout).expect_err(code.as_str());
            assert_eq!(failed.failure.code, code);
            assert!(failed.failure.message.starts_with("command 'codex': "), "{failed}");
        }
    }
}
