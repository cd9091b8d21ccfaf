//! `codex exec --json`: an event a line. The answer is the last message of the agent, and the turn must have completed.
//!
//! ```text
//! {"type": "item.completed", "item": {"id": "item_1", "type": "agent_message", "text": "…"}}
//! {"type": "turn.completed", "usage": {"input_tokens": …, "cached_input_tokens": …, "output_tokens": …}}
//! {"type": "turn.failed", "error": {"message": "…"}}
//! ```
//!
//! An `error` event may be about a connection that was then mended: it counts only where no turn completes after it.

use serde_json::Value;

use super::{Said, count, words};
use crate::reply::Usage;

/// Takes in one more event; of kinds that are not known, nothing.
pub(super) fn add(said: &mut Said, event: &Value) {
    match event["type"].as_str().unwrap_or_default() {
        "turn.started" => said.ended = false,
        "item.completed" => take(said, &event["item"]),
        "turn.completed" => {
            said.usage = united(said.usage, usage(&event["usage"]));
            (said.ended, said.error) = (true, None);
        }
        "turn.failed" => said.error = Some(words(&event["error"])),
        "error" => said.error = Some(words(event)),
        _ => {}
    }
}

fn take(said: &mut Said, item: &Value) {
    // The second pair of names is that of the versions before 0.45.
    let kind = item["type"].as_str().or_else(|| item["item_type"].as_str());
    if let (Some("agent_message" | "assistant_message"), Some(text)) = (kind, item["text"].as_str()) {
        text.clone_into(&mut said.text);
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let prompt_tokens = count(usage, "input_tokens")?;
    Some(Usage {
        prompt_tokens,
        completion_tokens: count(usage, "output_tokens")?,
        cache_read_tokens: count(usage, "cached_input_tokens").unwrap_or(0).min(prompt_tokens),
        cache_write_tokens: 0,
    })
}

/// Both turns' counts; one that nobody knows makes the sum unknown.
fn united(before: Option<Usage>, turn: Option<Usage>) -> Option<Usage> {
    let (Some(before), Some(turn)) = (before, turn) else { return turn };
    Some(Usage {
        prompt_tokens: before.prompt_tokens.saturating_add(turn.prompt_tokens),
        completion_tokens: before.completion_tokens.saturating_add(turn.completion_tokens),
        cache_read_tokens: before.cache_read_tokens.saturating_add(turn.cache_read_tokens),
        cache_write_tokens: 0,
    })
}
