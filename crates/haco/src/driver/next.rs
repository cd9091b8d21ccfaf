//! haco next: print the one next action and the command that performs it.

use super::text::one_line;
use crate::{
    desk::{Desk, Loaded},
    exit::Outcome,
    lead,
    output::Out,
    review,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::{Action, Offer},
    id::PlanId,
    settings::HUMAN,
};
use serde_json::{Map, Value, json};
use std::mem::ManuallyDrop;

/// Print the one next action and the command that performs it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only of this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<PlanId>,
    /// Print the command alone, and only where it needs nobody's answer; else exit 3
    #[arg(long)]
    command: bool,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let desk = Desk::open()?;
    // The end of the process frees ten thousand tickets faster than we do.
    let loaded = ManuallyDrop::new(desk.load(args.plan.as_ref())?);
    let position = ManuallyDrop::new(desk.position(&loaded));
    let Some(offer) = position.offers.first() else { return Ok(nothing(&loaded)) };
    desk.store.check_all(offer.ticket.iter(), &offer.plan)?;
    if args.command {
        return command(offer, out);
    }
    let mut json = fields(offer);
    if out.is_json() {
        if let Some(prompt) = prompt_for(&desk, &loaded, offer)? {
            json.insert("prompt".to_owned(), prompt.into());
        }
    } else {
        for line in lines(offer) {
            out.line(line)?;
        }
    }
    Ok(Outcome { json, ..Outcome::yes() })
}

/// What an offer is in `--json`, without a prompt.
pub(super) fn fields(offer: &Offer) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("action".to_owned(), offer.action.as_str().into());
    all.insert("actor".to_owned(), offer.actor.clone().into());
    let mut set = |key: &str, value: Option<Value>| value.map(|value| all.insert(key.to_owned(), value));
    set("role", offer.role.clone().map(Value::from));
    set("plan", Some(json!(offer.plan)));
    set("ticket", offer.ticket.as_ref().map(|id| json!(id)));
    set("stage", (!offer.stage.is_empty()).then(|| offer.stage.clone().into()));
    set("why", Some(offer.why.clone().into()));
    set("command", (!offer.command.is_empty()).then(|| json!(offer.command)));
    all
}

/// What an offer is in two or three lines.
fn lines(offer: &Offer) -> Vec<String> {
    let mut lines = vec![summary(offer)];
    if !offer.command.is_empty() {
        lines.push(format!("run: {}", quoted(&offer.command)));
    }
    match (answers(offer), &offer.ticket) {
        (Some(Answer::Audit), Some(id)) => lines.push(format!("prompt: haco-audit --prompt {id}")),
        (Some(Answer::Plan), _) => lines.push(format!("prompt: haco next --plan {} --json", offer.plan)),
        _ => {}
    }
    lines
}

/// What an offer is in one line.
pub(super) fn summary(offer: &Offer) -> String {
    format!("{} ({}): {}", offer.action.as_str(), offer.actor, one_line(&offer.why))
}

/// What an agent answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// A plan's tickets.
    Plan,
    /// A verdict.
    Audit,
}

/// What the supervising agent answers, where it is the one that must.
fn answers(offer: &Offer) -> Option<Answer> {
    match offer.action {
        _ if offer.runnable || offer.actor == HUMAN => None,
        Action::Decompose => Some(Answer::Plan),
        Action::Audit => Some(Answer::Audit),
        _ => None,
    }
}

/// The whole prompt, where an agent must answer.
fn prompt_for(desk: &Desk, loaded: &Loaded, offer: &Offer) -> Result<Option<String>> {
    match (answers(offer), loaded.plans.get(&offer.plan), &offer.ticket) {
        (Some(Answer::Plan), Some(plan), _) => lead::prompt(desk, plan).map(Some),
        (Some(Answer::Audit), _, Some(id)) => review::prompt(desk, loaded, id).map(Some),
        _ => Ok(None),
    }
}

/// The command alone, or who must act instead.
fn command(offer: &Offer, out: &mut Out) -> Result<Outcome> {
    let json = fields(offer);
    if offer.runnable {
        out.line(quoted(&offer.command))?;
        return Ok(Outcome { json, ..Outcome::yes() });
    }
    let (code, who) = match (offer.action, offer.actor.as_str()) {
        (Action::Wait, _) => (Code::Busy, "somebody is at work"),
        (_, HUMAN) => (Code::NeedsPerson, "a person must act"),
        _ => (Code::NeedsSupervisor, "the supervisor must act"),
    };
    let failure = Failure::new(code, format!("{who}: {}", one_line(&offer.why))).fix(quoted(&offer.command));
    Ok(Outcome { json, ..Outcome::no(failure) })
}

fn nothing(loaded: &Loaded) -> Outcome {
    let why = if loaded.plans.is_empty() { "there is no plan yet" } else { "nothing is left to do" };
    let failure = Failure::new(Code::NothingLeft, why).fix("haco plan \"what you want\"");
    Outcome::no(failure).with("action", "done").with("actor", "harness").with("why", why)
}

/// The words as one line for a shell.
pub(super) fn quoted(words: &[String]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b);
    let quote = |word: &String| match !word.is_empty() && word.bytes().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(action: Action, actor: &str, runnable: bool) -> Offer {
        Offer {
            action,
            actor: actor.to_owned(),
            role: None,
            plan: "demo".parse().expect("id"),
            ticket: Some("T-001".parse().expect("id")),
            stage: "loop".to_owned(),
            why: "T-001: because".to_owned(),
            command: ["haco-audit", "T-001"].map(str::to_owned).to_vec(),
            runnable,
            model: None,
        }
    }

    #[test]
    fn words_survive_a_shell() {
        let words = ["haco", "it's", "a b", "", "$(x)", "T-001"].map(str::to_owned);
        assert_eq!(quoted(&words), r"haco 'it'\''s' 'a b' '' '$(x)' T-001");
    }

    #[test]
    fn only_an_agent_that_must_answer_gets_a_prompt() {
        assert_eq!(answers(&offer(Action::Audit, "auditor", false)), Some(Answer::Audit));
        assert_eq!(answers(&offer(Action::Decompose, "tech_lead", false)), Some(Answer::Plan));
        assert_eq!(answers(&offer(Action::Audit, "auditor", true)), None);
        assert_eq!(answers(&offer(Action::Audit, "human", false)), None);
        assert_eq!(answers(&offer(Action::Blocked, "tech_lead", false)), None);
    }

    #[test]
    fn the_lines_name_why_command_and_prompt() {
        let lines = lines(&offer(Action::Audit, "auditor", false));
        assert_eq!(
            lines,
            ["audit (auditor): T-001: because", "run: haco-audit T-001", "prompt: haco-audit --prompt T-001"]
        );
    }

    #[test]
    fn the_json_has_no_field_that_says_nothing() {
        let all = fields(&Offer { stage: String::new(), command: vec![], ..offer(Action::Wait, "harness", false) });
        assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), ["action", "actor", "plan", "ticket", "why"]);
    }
}
