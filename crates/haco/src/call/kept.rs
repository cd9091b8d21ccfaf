//! What is kept of a call, exactly as it was sent and as it came: a folder a call.

use super::Called;
use crate::desk::Desk;
use anyhow::Result;
use serde_json::Value;

/// A call that was answered, in `folder`. Where no text came, the body is there as it was.
pub fn keep(desk: &Desk, folder: &str, called: &Called, prompt: &str, record: &Value) -> Result<()> {
    let mut call = serde_json::to_vec_pretty(record)?;
    call.push(b'\n');
    let mut files: Vec<(&str, &[u8])> =
        vec![("prompt.md", prompt.as_bytes()), ("reply.md", called.text.as_bytes()), ("call.json", &call)];
    if called.text.is_empty() && !called.raw.is_empty() {
        files.push(("body", &called.raw));
    }
    Ok(desk.store.write_draft(folder, &files)?)
}

/// A call that brought no answer, below `dir` as `failed-1` and so on; only where something came, which is then evidence.
pub fn keep_failed(desk: &Desk, dir: &str, called: &Called, prompt: &str, record: &Value) -> Result<()> {
    if called.raw.is_empty() && called.usage.is_none() {
        return Ok(());
    }
    let before = desk.store.list(dir)?.into_iter().filter_map(|name| name.strip_prefix("failed-")?.parse::<u32>().ok());
    let n = before.max().unwrap_or(0) + 1;
    keep(desk, &format!("{dir}/failed-{n}"), called, prompt, record)
}
