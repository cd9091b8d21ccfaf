//! `gemini -p … --output-format json`: one object with the answer, the counts of each model that took part, or an error.
//!
//! ```text
//! {"response": "…", "stats": {"models": {"gemini-…": {"tokens": {"prompt": …, "candidates": …, "thoughts": …, "cached": …}}}}}
//! {"error": {"type": "ApiError", "message": "…", "code": 429}}
//! ```

use serde_json::Value;

use super::{Said, Why, count, document, words};
use crate::reply::Usage;

pub(super) fn read(text: &str, said: &mut Said) -> Result<(), Why> {
    let answer = document(text)?;
    let models = answer["stats"]["models"].as_object();
    said.usage = models
        .filter(|models| !models.is_empty())
        .and_then(|models| models.values().try_fold(Usage::default(), |sum, model| add(sum, &model["tokens"])));
    said.model = models.filter(|models| models.len() == 1).and_then(|models| models.keys().next().cloned());
    match (&answer["error"], &answer["response"]) {
        (Value::Null, Value::String(response)) => {
            said.text.clone_from(response);
            said.ended = true;
        }
        (Value::Null, _) => {}
        (error, _) => said.error = Some(words(error)),
    }
    Ok(())
}

fn add(sum: Usage, tokens: &Value) -> Option<Usage> {
    let prompt = count(tokens, "prompt")?;
    let thoughts = count(tokens, "thoughts").unwrap_or(0);
    let written = count(tokens, "candidates")?.saturating_add(thoughts);
    Some(Usage {
        prompt_tokens: sum.prompt_tokens.saturating_add(prompt),
        completion_tokens: sum.completion_tokens.saturating_add(written),
        cache_read_tokens: sum.cache_read_tokens.saturating_add(count(tokens, "cached").unwrap_or(0).min(prompt)),
        cache_write_tokens: 0,
    })
}
