//! The scope as a person sees it before answering: short, and nothing that the approval holds left unsaid.

use super::{gates::flat, scope::Scope};
use crate::desk::{Desk, Loaded};
use anyhow::Result;
use haco_core::{intake, route, settings::Settings, ticket::Ticket, verdict::ApprovedModel};
use std::fmt::Write;

/// Everything that is decided, a few lines a ticket.
pub fn text(desk: &Desk, loaded: &Loaded, scope: &Scope) -> Result<String> {
    let plan = &loaded.plans[&scope.plan];
    let mut text = format!("plan {}\n", plan.id);
    for line in plan.requirement.trim().lines() {
        line_of(&mut text, "  | ", line);
    }
    let here = desk.repo()?.head_commit().is_ok_and(|head| head == plan.base);
    let at = if here { " (HEAD)" } else { "" };
    let (studio, mode) = (flat(&plan.studio), flat(&plan.mode));
    line_of(&mut text, "  base    ", &format!("{}{at}, studio {studio}, mode {mode}", plan.base.short()));
    for id in scope.contracts.keys() {
        let tokens = loaded.facts.prompt_tokens.get(id).copied().unwrap_or(0);
        let route = route::of(&loaded.tickets[id], &desk.settings.worker, tokens);
        ticket(&mut text, &route, scope, &loaded.tickets[id]);
    }
    for dropped in &scope.dropped {
        let title = flat(&loaded.tickets[&dropped.id].title);
        line_of(&mut text, "  drop    ", &format!("{} {title}: {}", dropped.id, dropped.why));
    }
    for model in &scope.models {
        let new = scope.before.as_ref().is_some_and(|b| !b.models.contains(model));
        line_of(&mut text, "  model   ", &format!("{}{}", model_line(model), if new { " (new)" } else { "" }));
    }
    for gone in scope.before.iter().flat_map(|b| &b.models).filter(|m| !scope.models.contains(m)) {
        line_of(&mut text, "  model   ", &format!("{} (no longer)", model_line(gone)));
    }
    for line in policy(&desk.settings) {
        line_of(&mut text, "  ", &line);
    }
    Ok(text)
}

/// The one question.
pub fn question(scope: &Scope) -> String {
    let many = |n: usize| if n == 1 { "1 ticket".to_owned() } else { format!("{n} tickets") };
    let drop = match scope.dropped.len() {
        0 => String::new(),
        n => format!(" and drop {}", many(n)),
    };
    let paid = match scope.models.iter().filter(|m| m.paid).count() {
        0 => "no paid model".to_owned(),
        1 => "1 paid model".to_owned(),
        n => format!("{n} paid models"),
    };
    format!("approve {} of plan '{}' with {paid}{drop}?", many(scope.contracts.len()), scope.plan)
}

fn line_of(text: &mut String, head: &str, line: &str) {
    writeln!(text, "{head}{line}").expect("a string takes everything");
}

fn ticket(text: &mut String, route: &[String], scope: &Scope, ticket: &Ticket) {
    let state = match (scope.was(&ticket.id), &scope.before) {
        (Some(was), _) if was == &scope.contracts[&ticket.id] => "",
        (Some(_), _) => " (changed)",
        (None, Some(_)) => " (new)",
        (None, None) => "",
    };
    line_of(text, "  ", &format!("{} {}{state}", ticket.id, flat(&ticket.title)));
    let task = &ticket.task;
    let dod = &ticket.definition_of_done;
    let mut files: Vec<String> = task.target_files.iter().map(ToString::to_string).collect();
    files.extend(task.new_files.iter().map(|p| format!("{p} (new)")));
    files.extend(dod.files.iter().map(|f| format!("{} (the contract's own)", f.path)));
    line_of(text, "    files   ", &files.join(", "));
    for (_, _, test) in ticket.checks() {
        let expect = if test.expect == haco_core::ticket::Expect::Fail { " (must fail)" } else { "" };
        line_of(text, "    check   ", &format!("{}{expect}", flat(&test.command)));
    }
    if !ticket.depends_on.is_empty() {
        line_of(text, "    after   ", &super::gates::list(&ticket.depends_on));
    }
    if !task.allowed_dependencies.is_empty() {
        line_of(text, "    may add ", &flat(&task.allowed_dependencies.join(", ")));
    }
    line_of(text, "    route   ", &flat(&route.join(", then ")));
    for warning in intake::vague(&dod.acceptance_criteria) {
        line_of(text, "    warning ", &flat(&warning));
    }
}

/// One model as it is approved: who, where, and whether it may cost money.
pub fn model_line(model: &ApprovedModel) -> String {
    let paid = if model.paid { "PAID" } else { "free" };
    let line = match (model.provider.as_str(), model.origin.as_str()) {
        ("supervisor", _) => format!("{}: the agent that drives haco", model.name),
        (provider, "") => format!("{}: {provider} {}, {paid}", model.name, model.model),
        (provider, origin) => format!("{}: {provider} {} at {origin}, {paid}", model.name, model.model),
    };
    flat(&line)
}

/// Budgets, and what would run or be let through beside the checks.
fn policy(settings: &Settings) -> Vec<String> {
    let usd = |cap: Option<f64>| cap.map_or("no cap".to_owned(), |usd| format!("${usd:.2}"));
    let budget = &settings.budget;
    let caps = [("a ticket", budget.ticket_usd), ("a plan", budget.plan_usd), ("a day", budget.day_usd)];
    let mut lines = vec![format!("budget  {}", caps.map(|(per, cap)| format!("{} {per}", usd(cap))).join(", "))];
    for (name, model) in &settings.models {
        lines.extend(model.retry_budget.map(|n| format!("tries   {}: {n} after the first", flat(name))));
    }
    let verify = &settings.verify;
    let mut list = |head: &str, items: &[String]| {
        if !items.is_empty() {
            lines.push(format!("{head}{}", flat(&items.join(", "))));
        }
    };
    list("weaker  checks may run without these walls: ", &verify.allow_weaker);
    list("setup   ", &verify.setup);
    list("shared  ", &verify.share);
    list("env     checks see these variables: ", &verify.env);
    if let Some(net) = verify.setup_net {
        lines.push(format!("network of the setup: {net:?}").to_lowercase());
    }
    for (file, hash) in &settings.prompts {
        lines.push(format!("prompt  .haco/prompts/{file} in place of the built-in one, SHA-256 {}", hash.short()));
    }
    for (name, need) in &settings.needs {
        let start = need.start.as_ref().map(|s| format!(", started by '{s}'")).unwrap_or_default();
        lines.push(format!("service {}", flat(&format!("{name}: probe '{}'{start}", need.probe))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use haco_core::settings::Layers;

    #[test]
    fn a_model_is_shown_with_its_place_and_its_price() {
        let settings = Settings::resolve(&Layers::default());
        let line = |name| model_line(&settings.approved(name).expect("a model"));
        assert_eq!(line("qwen"), "qwen: ollama qwen at http://127.0.0.1:11434, free");
        assert_eq!(line("openai:big"), "openai:big: openai big at https://api.openai.com:443, PAID");
        assert_eq!(line("supervisor"), "supervisor: the agent that drives haco");
    }

    #[test]
    fn what_weakens_the_walls_is_shown() {
        let mut settings = Settings::resolve(&Layers::default());
        assert_eq!(policy(&settings), ["budget  no cap a ticket, no cap a plan, no cap a day"]);
        settings.verify.allow_weaker = vec!["network".into()];
        settings.budget.plan_usd = Some(2.5);
        let lines = policy(&settings).join("\n");
        assert!(lines.contains("$2.50 a plan") && lines.contains("without these walls: network"), "{lines}");
    }
}
