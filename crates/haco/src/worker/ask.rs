//! The prompt of one draft: the ticket's files with what they lean on, fitted to the model's window.

use super::past::Past;
use crate::{
    context::{self, Files, measure},
    desk::Desk,
};
use anyhow::Result;
use haco_core::{
    attempt::{Attempt, Left, LeftOut},
    code::Failure,
    edit::Format,
    fit::{self, Fitted},
    form::{self, Pay},
    oid::Oid,
    prompt::{self, File, Template},
    related, route, secret,
    settings::Resolved,
    ticket::Ticket,
};
use serde_json::{Value, json};
use std::cmp::Reverse;

/// Beside a whole file a reply holds its path, its fence and what is new.
const MORE_TOKENS: u64 = 1024;
/// How much of what is over is left out: the text around files is no file, and some bytes are dearer than others.
const TRIES: [f64; 3] = [1.0, 0.8, 0.5];

/// What is sent, and what is known of it before.
pub(super) struct Asked {
    /// Exactly as sent.
    pub(super) prompt: String,
    /// The form that is asked for.
    pub(super) format: Format,
    /// What of the files it does not hold.
    pub(super) left_out: Vec<LeftOut>,
    /// For the call's record: what was measured, and how many bytes of which files are sent.
    pub(super) context: Value,
}

/// One ticket's prompt before its files are chosen.
struct Draft<'a> {
    desk: &'a Desk,
    ticket: &'a Ticket,
    n: u32,
    past: &'a Past,
    /// The lines of the base that a refusal is about.
    near: Vec<File>,
}

/// The prompt of attempt `n` for `model`; a failure where its window does not hold what must be in it.
pub(super) fn ask(
    desk: &Desk,
    ticket: &Ticket,
    (n, base, model): (u32, &Oid, &Resolved),
    past: &Past,
) -> Result<Asked> {
    let Files { list, target_bytes } = context::files(desk, ticket, base)?;
    let (list, withheld) = open(list);
    let draft = Draft { desk, ticket, n, past, near: context::around(&list, &past.near) };
    let mut measure = measure::of(desk, model);
    let format = draft.format(model, target_bytes);
    let mut made = draft.made(Fitted { files: list, left_out: withheld }, format)?;
    let estimate = measure.ratio.estimate(&made.prompt);
    let window = measure.window_for(desk, model, &estimate);
    let whole = (target_bytes as f64 * measure.ratio.most) as u64 + MORE_TOKENS;
    if made.format == Format::Whole && draft.may_choose() && window.is_some_and(|w| whole > w / 2) {
        made = draft.made(made.fitted, Format::SearchReplace)?;
    }
    let reply = if made.format == Format::Whole { whole } else { measure::REPLY_TOKENS };
    if let Some(room) = measure.room(reply) {
        made = draft.fitted(made, room, &measure, model)?;
    }
    let tokens = measure.ratio.estimate(&made.prompt);
    let context = json!({
        "estimate_tokens": tokens.most, "tokens_per_byte": measure.ratio.most, "counted": measure.ratio.seen,
        "window": measure.window, "left_out": made.fitted.left_out, "files": sent(&made.fitted.files),
    });
    Ok(Asked { prompt: made.prompt, format: made.format, left_out: made.fitted.left_out, context })
}

/// A prompt with what it was made of.
struct Made {
    fitted: Fitted,
    format: Format,
    prompt: String,
}

impl Draft<'_> {
    fn may_choose(&self) -> bool {
        matches!(self.ticket.execution.edit_format, None | Some(Format::Auto))
    }

    fn format(&self, model: &Resolved, target_bytes: usize) -> Format {
        let pay = if model.paid { Pay::Paid } else { Pay::Free };
        let since = route::reset(self.ticket);
        let by = |a: &&Attempt| a.steps.last().is_some_and(|s| s.model == model.name);
        let tries = self.ticket.attempts.iter().filter(|a| a.n > since && a.repeats.is_none()).filter(by);
        form::choose(self.ticket.execution.edit_format, target_bytes, pay, tries)
    }

    fn made(&self, fitted: Fitted, format: Format) -> Result<Made> {
        let Past { failure, refusal, feedback, .. } = self.past;
        let files = &fitted.files;
        let mut parts: Vec<&str> = files.iter().map(|f| f.content.as_str()).collect();
        parts.extend(failure.iter().map(|(_, text)| text.as_str()).chain(refusal.as_deref()));
        let mark = prompt::mark(&format!("{}/{}", self.ticket.id, self.n), &parts);
        let with = prompt::Draft {
            files: files.clone(),
            left_out: fitted.left_out.clone(),
            mark,
            format,
            failure: failure.clone(),
            refusal: refusal.clone(),
            near: self.near.clone(),
            feedback: feedback.clone(),
        };
        let prompt = prompt::draft(&self.desk.template(Template::Draft)?, self.ticket, &with)?;
        Ok(Made { fitted, format, prompt })
    }

    /// The same within `room` tokens, with what the rules leave out.
    fn fitted(&self, made: Made, room: u64, measure: &measure::Measure, model: &Resolved) -> Result<Made> {
        let tokens = |made: &Made| measure.ratio.estimate(&made.prompt).most;
        if tokens(&made) <= room {
            return Ok(made);
        }
        let files = &made.fitted.files;
        let bytes: usize = files.iter().map(|f| f.content.len()).sum();
        let around = made.prompt.len().saturating_sub(bytes);
        let names = related::names(self.ticket);
        for share in TRIES {
            let most = (measure.ratio.bytes(room).saturating_sub(around) as f64 * share) as usize;
            let mut fitted = fit::fit(files.clone(), most, &names);
            let withheld = made.fitted.left_out.iter().filter(|left| left.why == Left::Secret);
            fitted.left_out.extend(withheld.cloned());
            let cut = fitted.files.iter().any(|f| f.role == "target" && fit::is_cut(f));
            let format = match made.format {
                Format::Whole if cut && self.may_choose() => Format::SearchReplace,
                Format::Whole if cut => break,
                format => format,
            };
            let smaller = self.made(fitted, format)?;
            if tokens(&smaller) <= room {
                return Ok(smaller);
            }
        }
        Err(self.too_long(model, (tokens(&made), room), files).into())
    }

    /// The largest files are named: they are what to leave out.
    fn too_long(&self, model: &Resolved, (tokens, room): (u64, u64), files: &[File]) -> Failure {
        let mut largest: Vec<&File> = files.iter().filter(|f| f.exists && f.role != "related").collect();
        largest.sort_by_key(|f| Reverse(f.content.len()));
        let named = largest.iter().take(3).map(|f| format!("'{}' ({} bytes)", f.path, f.content.len()));
        let named = named.collect::<Vec<_>>().join(", ");
        let failure = measure::exceeded(model, tokens, room);
        let message = format!("{}: {}; its largest files are {named}", self.ticket.id, failure.message);
        Failure { message, ..failure }.fix(format!("haco plan --replace {} --from -", self.ticket.id))
    }
}

/// The files that may be sent, and those that hold a secret, which are withheld whole: what a model never saw it repeats
/// nowhere, and no edit of it can be right.
fn open(list: Vec<File>) -> (Vec<File>, Vec<LeftOut>) {
    let (secret, open): (Vec<File>, Vec<File>) =
        list.into_iter().partition(|file| !secret::find(file.content.as_bytes()).is_empty());
    let left = |file: File| LeftOut { path: file.path, kept: None, why: Left::Secret };
    (open, secret.into_iter().map(left).collect())
}

/// How many bytes of which files a prompt holds.
fn sent(files: &[File]) -> Vec<Value> {
    let shown = files.iter().filter(|f| f.exists);
    shown.map(|f| json!({"path": f.path, "role": f.role, "bytes": f.content.len()})).collect()
}
