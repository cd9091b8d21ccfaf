//! haco calibrate: what the record says of each model, and a change of the configuration that it speaks for. Nothing is
//! written: a person applies it.

use super::text::one_line;
use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    output::Out,
};
use anyhow::Result;
use haco_core::{
    attempt::Attempt,
    calibrate::{self, Draft, Known, Proposal},
    code::{Code, Failure},
    config::Provider,
    edit::{self, Changed, Side},
    oid::Mode,
    path::RepoPath,
    report,
    settings::{HUMAN, SUPERVISOR, Settings},
    ticket::Ticket,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const NAME: &str = "config.json";

/// Print what the record says of each model, and the configuration that it speaks for as a diff
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    let loaded = desk.load(None)?;
    let known = calibrate::known(&drafts(&desk, &loaded)?);
    let retries = |name: &str| desk.settings.models.get(name).and_then(|m| m.retry_budget).unwrap_or(3);
    let mut proposal = calibrate::propose(&known, &desk.settings.worker, retries);
    let diff = diff(&desk, &mut proposal)?;
    for line in known.iter().flat_map(|(name, known)| lines(name, known)) {
        out.line(line)?;
    }
    for why in &proposal.why {
        out.line(one_line(why))?;
    }
    match diff.is_empty() {
        true => out.say("the record speaks for no change"),
        false => {
            out.text(&diff)?;
            out.say("nothing was written: haco calibrate | git apply");
        }
    }
    let outcome = Outcome::yes().with("models", json!(known)).with("why", json!(proposal.why));
    Ok(outcome.with("diff", diff))
}

/// Every draft of a model that left a record.
fn drafts(desk: &Desk, loaded: &Loaded) -> Result<Vec<Draft>> {
    let mut all = Vec::new();
    for ticket in loaded.tickets.values() {
        let mut tries: BTreeMap<String, u32> = BTreeMap::new();
        for attempt in ticket.attempts.iter().filter(|a| a.repeats.is_none()) {
            if let Some(draft) = draft(desk, ticket, attempt, &mut tries)? {
                all.push(draft);
            }
        }
    }
    Ok(all)
}

fn draft(desk: &Desk, ticket: &Ticket, attempt: &Attempt, tries: &mut BTreeMap<String, u32>) -> Result<Option<Draft>> {
    let Some(step) = attempt.steps.last().filter(|s| ![SUPERVISOR, HUMAN].contains(&s.model.as_str())) else {
        return Ok(None);
    };
    let nth = tries.entry(step.model.clone()).or_default();
    *nth += 1;
    let at = attempt.from as usize + attempt.steps.len() - 1;
    let path = format!("drafts/{}/{}/{at}-{}/call.json", ticket.id, attempt.n, step.role);
    let Some(bytes) = desk.store.read(&path)? else { return Ok(None) };
    let record: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Some(Draft {
        model: step.model.clone(),
        paid: record["model"]["paid"] == true,
        prompt_bytes: record["prompt_bytes"].as_u64().unwrap_or(0),
        tokens: step.usage.as_ref().map(|u| [u.prompt_tokens, u.completion_tokens]),
        timing_ms: record["timing_ms"].as_u64().unwrap_or(0),
        window: record["server"]["window"].as_u64(),
        format: serde_json::from_value(record["format"].clone()).ok(),
        applied: attempt.candidate.is_some(),
        passed: report::passed(ticket, attempt),
        nth: *nth,
    }))
}

fn lines(name: &str, known: &Known) -> Vec<String> {
    let or = |text: Option<String>| text.unwrap_or_else(|| "not known".to_owned());
    let rates = |of: Vec<(String, report::Rate)>| {
        let shown = of.into_iter().filter_map(|(name, rate)| Some(format!("{name} {}", rate.text()?)));
        shown.collect::<Vec<_>>().join("; ")
    };
    let formats = known.formats.iter().map(|(name, rate)| (name.clone(), *rate)).collect();
    let mut sizes: Vec<(String, report::Rate)> =
        known.by_size.iter().map(|(size, rate)| (size.clone(), *rate)).collect();
    sizes.sort_by_key(|(size, _)| size.parse::<u64>().unwrap_or(u64::MAX));
    let tries = known.by_try.iter().map(|(n, rate)| (format!("try {n}"), *rate)).collect();
    vec![
        format!("{}: {} drafts, passed {}", one_line(name), known.drafts, or(known.passed.text())),
        format!("  window        {}, longest prompt {}", or(known.window.map(|w| w.to_string())), known.longest_prompt),
        format!("  tokens/s      {}", or(known.tokens_per_second.map(|s| s.median.to_string()))),
        format!("  bytes/token   {}", or(known.bytes_per_token.map(|r| r.to_string()))),
        format!("  applied       {}", rates(formats)),
        format!("  by prompt     {}", rates(sizes)),
        format!("  by try        {}", rates(tries)),
    ]
}

/// The change of the repository's file; what only the user's own file can say becomes a sentence.
fn diff(desk: &Desk, proposal: &mut Proposal) -> Result<String> {
    let path = desk.place.dir.join("config.json");
    let old = match fs_err::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let mut config: Value = match &old {
        Some(bytes) => serde_json::from_slice(bytes)?,
        None => json!({}),
    };
    let before = config.clone();
    change(&mut config, &desk.settings, proposal);
    if config == before {
        return Ok(String::new());
    }
    let new = format!("{config:#}\n");
    // The directory is none that a draft may name, so that it is put in front afterwards.
    let name: RepoPath = NAME.parse().map_err(|why: String| Failure::new(Code::Bug, why))?;
    let old = old.as_deref().map(|bytes| Side { bytes, mode: Mode::Regular });
    let new = Some(Side { bytes: new.as_bytes(), mode: Mode::Regular });
    let printed = edit::print(&[Changed { path: &name, old, new }]);
    let printed = String::from_utf8_lossy(&printed);
    let (head, body) = printed.split_once("\n@@").unwrap_or((&printed, ""));
    Ok(format!("{}\n@@{body}", head.replace(NAME, &format!(".haco/{NAME}"))))
}

fn change(config: &mut Value, settings: &Settings, proposal: &mut Proposal) {
    if let Some(route) = &proposal.route {
        object(config, "roles").insert("worker".to_owned(), json!(route));
    }
    for (name, tries) in proposal.retry_budget.clone() {
        let there = config["models"].get(&name).is_some();
        let local = !settings.models.contains_key(&name)
            && settings.model(&name).is_ok_and(|m| m.entry.provider == Provider::Ollama && m.entry.base_url.is_none());
        if !there && !local {
            proposal.why.push(format!("'{name}': set its retry_budget to {tries} in your own file"));
            continue;
        }
        let model = settings.model(&name).ok().map(|m| m.model);
        let models = object(config, "models");
        let entry = models.entry(name).or_insert_with(|| json!({"model": model}));
        entry["retry_budget"] = json!(tries);
    }
}

/// The object under this key, made where there is none.
fn object<'a>(config: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !config[key].is_object() {
        config[key] = json!({});
    }
    config[key].as_object_mut().expect("it was made above")
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::{route::Entry, settings::Layers};

    #[test]
    fn only_what_the_repository_can_say_is_changed() {
        let user = json!({"models": {"mine": {"provider": "openai"}}});
        let user = serde_json::from_value(user).expect("a configuration");
        let settings = Settings::resolve(&Layers { user, ..Layers::default() });
        let retry_budget = BTreeMap::from([("mine".to_owned(), 0), ("ours".to_owned(), 1), ("qwen:7b".to_owned(), 2)]);
        let mut proposal = Proposal { route: Some(vec![Entry::from("ours")]), retry_budget, why: Vec::new() };
        let mut config = json!({"run": {"jobs": 4}, "models": {"ours": {"provider": "ollama", "model": "x"}}});
        change(&mut config, &settings, &mut proposal);
        let want = json!({
            "run": {"jobs": 4}, "roles": {"worker": ["ours"]},
            "models": {"ours": {"provider": "ollama", "model": "x", "retry_budget": 1},
                       "qwen:7b": {"model": "qwen:7b", "retry_budget": 2}},
        });
        assert_eq!(config, want);
        assert_eq!(proposal.why, ["'mine': set its retry_budget to 0 in your own file"]);
    }
}
