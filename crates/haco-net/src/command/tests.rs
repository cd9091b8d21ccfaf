//! The forms as the programs print them, what is an error inside them, and what no output may do.

use haco_core::code::Code;
use haco_core::config::Output::{self, *};
use proptest::prelude::*;

use super::parse_command_output;
use crate::endpoint::MAX_BODY_BYTES;
use crate::failed::Failed;
use crate::reply::{Reply, Usage};

const CLAUDE: &str = r#"{"type":"result","subtype":"success","is_error":false,"duration_ms":2100,"num_turns":1,"result":"fn main() {}\n","session_id":"s","total_cost_usd":0.0125,"usage":{"input_tokens":4,"cache_creation_input_tokens":20,"cache_read_input_tokens":6,"output_tokens":20,"server_tool_use":{"web_search_requests":0}},"modelUsage":{"claude-sonnet-4-6":{"inputTokens":4,"costUSD":0.0125}},"permission_denials":[],"uuid":"u"}"#;
const CODEX: &str = r#"{"type":"thread.started","thread_id":"t"}
{"type":"turn.started"}
{"type":"error","message":"Reconnecting... 1/5"}
{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"hm"}}
{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"I will look."}}
{"type":"item.completed","item":{"id":"item_2","type":"command_execution","command":"ls","exit_code":0,"status":"completed"}}
{"type":"item.completed","item":{"id":"item_3","type":"agent_message","text":"fn main() {}\n"}}
{"type":"turn.completed","usage":{"input_tokens":30,"cached_input_tokens":6,"output_tokens":20,"reasoning_output_tokens":5}}
"#;
const GEMINI: &str = r#"Loaded cached credentials.
{
  "session_id": "s",
  "response": "fn main() {}\n",
  "stats": {"models": {"gemini-2.5-pro": {"api": {"totalRequests": 1, "totalErrors": 0},
    "tokens": {"input": 24, "prompt": 30, "candidates": 15, "total": 50, "cached": 6, "thoughts": 5, "tool": 0}}},
    "tools": {"totalCalls": 0}, "files": {"totalLinesAdded": 0}}
}
"#;
const NDJSON: &str = "{\"text\":\"fn main\"}\n\n{\"text\":\"() {}\\n\"}\r\n{\"done\":true,\"model\":\"mine\",\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":20},\"cost_usd\":0.5}\n";

const FORMS: [(Output, &str); 4] = [(ClaudeJson, CLAUDE), (CodexJsonl, CODEX), (GeminiJson, GEMINI), (Ndjson, NDJSON)];

fn parsed(output: Output, stdout: impl AsRef<[u8]>) -> Result<Reply, Box<Failed>> {
    parse_command_output("agent", output, stdout.as_ref())
}

fn failed(output: Output, stdout: impl AsRef<[u8]>) -> (Code, String) {
    let shown = String::from_utf8_lossy(stdout.as_ref()).into_owned();
    let failed = parsed(output, stdout).expect_err(&shown);
    assert_eq!(failed.raw, shown.as_bytes());
    assert!(failed.failure.message.starts_with("command 'agent': "), "{failed}");
    assert!(failed.failure.fix.is_some(), "{failed}");
    (failed.failure.code, failed.failure.message.trim_start_matches("command 'agent': ").to_owned())
}

#[test]
fn each_form_gives_text_counts_and_money() {
    for (output, stdout) in FORMS {
        let reply = parsed(output, stdout).expect("a reply");
        assert_eq!((reply.text.as_str(), reply.raw.as_slice()), ("fn main() {}\n", stdout.as_bytes()), "{output:?}");
        let usage = reply.usage.expect("counts");
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (30, 20), "{output:?}");
        let (model, cost, read) = match output {
            ClaudeJson => ("claude-sonnet-4-6", Some(0.0125), 6),
            CodexJsonl => ("agent", None, 6),
            GeminiJson => ("gemini-2.5-pro", None, 6),
            _ => ("mine", Some(0.5), 0),
        };
        assert_eq!((reply.model.as_str(), reply.cost_usd, usage.cache_read_tokens), (model, cost, read));
    }
}

#[test]
fn text_is_the_reply_without_its_reasoning() {
    let reply = parsed(Text, b"\xef\xbb\xbf<think>a</think>\nfn main() {}\n").expect("a reply");
    assert_eq!((reply.text.as_str(), reply.model.as_str(), reply.usage), ("fn main() {}\n", "agent", None));
}

#[test]
fn claudes_messages_may_come_in_a_list_or_a_line_each() {
    let before = r#"{"type":"system","subtype":"init"}"#;
    for stdout in [format!("[{before},{CLAUDE}]"), format!("{before}\n{CLAUDE}\n"), format!("hello\n{CLAUDE}")] {
        assert_eq!(parsed(ClaudeJson, stdout).expect("a reply").text, "fn main() {}\n");
    }
    assert_eq!(failed(ClaudeJson, before).0, Code::Truncated);
    assert_eq!(failed(ClaudeJson, format!("[{before}]")).0, Code::Truncated);
}

#[test]
fn what_was_bound_to_a_schema_is_the_text_where_there_is_no_other() {
    let bound = CLAUDE.replace(r#""result":"fn main() {}\n""#, r#""result":"","structured_output":{"verdict":"pass"}"#);
    assert_eq!(parsed(ClaudeJson, bound).expect("a reply").text, r#"{"verdict":"pass"}"#);
}

#[test]
fn an_error_inside_is_an_error_whatever_the_exit_status_was() {
    let claude = |from: &str, to: &str| CLAUDE.replace(from, to);
    let cases = [
        (ClaudeJson, claude("\"is_error\":false", "\"is_error\":true"), "fn main() {}"),
        (ClaudeJson, claude("\"success\"", "\"error_max_turns\""), "fn main() {}"),
        (
            ClaudeJson,
            r#"{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["no key","no net"]}"#
                .into(),
            "no key; no net",
        ),
        (ClaudeJson, r#"{"type":"result","subtype":"error_max_turns","is_error":false}"#.into(), "error_max_turns"),
        (ClaudeJson, r#"{"type":"result","is_error":false,"result":"x"}"#.into(), "x"),
        (CodexJsonl, r#"{"type":"turn.failed","error":{"message":"quota"}}"#.into(), "quota"),
        (CodexJsonl, r#"{"type":"error","message":"stream disconnected"}"#.into(), "stream disconnected"),
        (CodexJsonl, format!("{CODEX}{{\"type\":\"turn.failed\",\"error\":{{\"message\":\"late\"}}}}\n"), "late"),
        (GeminiJson, r#"{"error":{"type":"ApiError","message":"429","code":429}}"#.into(), "429"),
        (GeminiJson, r#"{"response":"hi","error":{"message":"cut"}}"#.into(), "cut"),
        (Ndjson, "{\"text\":\"a\"}\n{\"error\":\"gone\",\"done\":true}\n".into(), "gone"),
    ];
    for (output, stdout, why) in cases {
        let (code, message) = failed(output, &stdout);
        assert_eq!((code, message.as_str()), (Code::CommandFailed, format!("it says: {why}").as_str()), "{stdout}");
    }
}

#[test]
fn what_a_failed_call_cost_is_not_lost() {
    let stdout = CLAUDE.replace("\"is_error\":false", "\"is_error\":true");
    let failed = parsed(ClaudeJson, stdout).expect_err("an error inside");
    assert_eq!((failed.cost_usd, failed.usage.map(|usage| usage.prompt_tokens)), (Some(0.0125), Some(30)));
}

#[test]
fn counts_and_money_that_nobody_can_believe_are_unknown() {
    for count in ["-1", "1e30", "\"9\"", "null", "[]", "900000000"] {
        let stdout = CLAUDE.replace("\"output_tokens\":20", &format!("\"output_tokens\":{count}"));
        assert_eq!(parsed(ClaudeJson, stdout).expect("a reply").usage, None, "{count}");
    }
    for money in ["-0.1", "1e9", "\"1\"", "null"] {
        let stdout = CLAUDE.replace("\"total_cost_usd\":0.0125", &format!("\"total_cost_usd\":{money}"));
        assert_eq!(parsed(ClaudeJson, stdout).expect("a reply").cost_usd, None, "{money}");
    }
    let twice = format!("{CODEX}{}", CODEX.replace("\"output_tokens\":20", "\"output_tokens\":-1"));
    assert_eq!(parsed(CodexJsonl, twice).expect("a reply").usage, None);
    let both = parsed(CodexJsonl, CODEX.repeat(2)).expect("a reply").usage;
    assert_eq!(
        both,
        Some(Usage { prompt_tokens: 60, completion_tokens: 40, cache_read_tokens: 12, cache_write_tokens: 0 })
    );
}

#[test]
fn output_that_is_no_reply_has_its_own_code() {
    let huge = vec![b'a'; MAX_BODY_BYTES + 1];
    let all = [Text, ClaudeJson, CodexJsonl, GeminiJson, Ndjson];
    for output in all {
        assert_eq!(parsed(output, &huge).expect_err("it is huge").failure.code, Code::TooLarge);
        assert_eq!(parsed(output, b"\xff\xfe").expect_err("no text").failure.code, Code::BadReply);
    }
    let deep = "[".repeat(100_000);
    let cases: [(Output, &str, Code); 13] = [
        (Text, " \n", Code::EmptyReply),
        (Text, "<think>a", Code::EmptyReply),
        (ClaudeJson, "", Code::BadReply),
        (ClaudeJson, "fn main() {}", Code::BadReply),
        (ClaudeJson, &deep, Code::BadReply),
        (CodexJsonl, "", Code::Truncated),
        (CodexJsonl, "hello\n{}\n", Code::BadReply),
        (CodexJsonl, "\n\u{feff}!\n", Code::Truncated),
        (GeminiJson, "{}", Code::Truncated),
        (GeminiJson, "{\"response\":\" \"}", Code::EmptyReply),
        (Ndjson, "{\"text\":\"a\"}\n", Code::Truncated),
        (Ndjson, "[1]\n{\"done\":true}", Code::BadReply),
        (Ndjson, "{\"done\":true}", Code::EmptyReply),
    ];
    for (output, stdout, code) in cases {
        assert_eq!(failed(output, stdout).0, code, "{output:?} {}", &stdout[..stdout.len().min(80)]);
    }
}

#[test]
fn output_that_was_cut_anywhere_is_never_a_reply() {
    for (output, stdout) in FORMS {
        let whole = stdout.trim_end().len();
        for end in (0..whole).filter(|end| stdout.is_char_boundary(*end)) {
            let code = parsed(output, &stdout[..end]).expect_err(&stdout[..end]).failure.code;
            let quiet = [Code::Truncated, Code::BadReply, Code::CommandFailed];
            assert!(quiet.contains(&code), "{output:?} {code} {}", &stdout[..end]);
        }
    }
}

fn forms() -> impl Strategy<Value = (Output, Vec<u8>)> {
    prop::sample::select(FORMS.to_vec()).prop_map(|(output, stdout)| (output, stdout.as_bytes().to_vec()))
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic_or_speak_in_more_than_one_line(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        output in prop::sample::select(vec![Text, ClaudeJson, CodexJsonl, GeminiJson, Ndjson]),
    ) {
        if let Err(failed) = parsed(output, &bytes) {
            prop_assert!(!failed.failure.message.contains('\n') && failed.failure.message.chars().count() < 500);
        }
    }

    #[test]
    fn a_form_with_bytes_changed_is_read_or_refused(
        (output, mut bytes) in forms(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(reply) = parsed(output, &bytes) {
            prop_assert!(!reply.text.trim().is_empty());
        }
    }
}
