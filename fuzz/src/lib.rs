//! What must hold for any reply: no panic, nothing touched outside the scope, and a refusal that is short. And for any
//! answer or output that a reply is taken from: no panic, no empty reply, believable counts, and a failure of one line.

use haco_core::address::BaseUrl;
use haco_core::config::Output;
use haco_core::edit::{self, Edited, Format, Scope};
use haco_core::path::RepoPath;
use haco_net::{Answer, Endpoint, Failed, Provider, Reply};
use std::collections::BTreeMap;

/// The file that most replies are about.
pub const FILE: &str = "fn alpha() {\n    let first = 1;\n    first()\n}\n\nfn beta(items: &[u32]) -> u32 {\n    let mut total = 0;\n    for item in items {\n        total += item;\n    }\n    total\n}\n\nfn gamma() {\n    let first = 1;\n    first()\n}\n";

fn path(text: &str) -> RepoPath {
    text.parse().expect("a good path")
}

/// Applies `reply` to `src/a.rs`, which holds `file`, and `b.md`; `src/n.rs` may be created.
pub fn hold(file: &[u8], reply: &str) -> Option<Edited> {
    let existing =
        BTreeMap::from([(path("src/a.rs"), file.to_vec()), (path("b.md"), b"# b\n\n```\nx\n```\n".to_vec())]);
    let (targets, new_files) = ([path("src/a.rs"), path("b.md")], [path("src/n.rs")]);
    let scope = Scope { targets: &targets, new_files: &new_files };
    let mut last = None;
    for format in [Format::Auto, Format::Whole] {
        match edit::apply(reply, format, &scope, &existing) {
            Ok(edited) => {
                for file in &edited.files {
                    assert!(targets.contains(&file.path) || new_files.contains(&file.path));
                }
                last = Some(edited);
            }
            Err(refusals) => {
                assert!(!refusals.is_empty());
                assert!(edit::refusal_text(&refusals).len() < 2048);
            }
        }
    }
    last
}

/// Reads what a program printed.
pub fn print(output: Output, stdout: &[u8]) {
    judged(haco_net::parse_command_output("m", output, stdout));
}

/// Reads a server's answer, whole and streamed alike; the first byte chooses the protocol.
pub fn answer(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let provider = [Provider::Ollama, Provider::OpenAi, Provider::Anthropic][usize::from(first % 3)];
    let base = BaseUrl::parse("http://127.0.0.1").expect("a literal address parses");
    judged(haco_net::parse_reply(&Endpoint::new(provider, base, "m"), &Answer::recorded(body)));
    let _ = haco_net::protocol_of(body);
}

fn judged(read: Result<Reply, Box<Failed>>) {
    match read {
        Ok(reply) => {
            assert!(!reply.text.trim().is_empty());
            assert!(reply.cost_usd.is_none_or(|usd| usd.is_finite() && usd >= 0.0));
            let usage = reply.usage.unwrap_or_default();
            assert!(usage.cache_read_tokens.saturating_add(usage.cache_write_tokens) <= usage.prompt_tokens);
        }
        Err(failed) => {
            assert!(!failed.failure.message.contains('\n') && failed.failure.message.len() < 2048);
        }
    }
}
